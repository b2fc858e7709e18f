/* The kernel's random source. */
#ifndef PLAT_ENTROPY_H
#define PLAT_ENTROPY_H

#include <stddef.h>

/* Fills n bytes with getrandom(2). If the kernel gives none, logs one line and stops the process: nothing this program
 * does is safe without randomness. */
void entropy_fill(void *p, size_t n);

#endif
