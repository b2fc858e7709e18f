/* The kernel's random source. */
#ifndef OS_ENTROPY_H
#define OS_ENTROPY_H

#include <stddef.h>

/* Fills n bytes with getrandom(2). If the kernel gives none, logs one line and stops the process: nothing this program
 * does is safe without randomness. */
void entropy_fill(void *p, size_t n);

#endif
