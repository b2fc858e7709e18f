/* The version, told once. */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define PARLEY_VERSION "0.1.0"

#endif
