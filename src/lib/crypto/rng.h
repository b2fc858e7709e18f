/* Random bytes: the kernel's, nothing else. */
#ifndef CRYPTO_RNG_H
#define CRYPTO_RNG_H

#include <stddef.h>
#include <stdint.h>

/* Fills n bytes from getrandom (os/entropy). Stops the process when the system gives none. */
void rng_bytes(void *p, size_t n);
/* Uniform in [0, bound), bound > 0. For jitter, not for keys. */
uint32_t rng_below(uint32_t bound);

#endif
