/* Random bytes: the kernel's, nothing else. */
#include "crypto/rng.h"

#include "os/entropy.h"

void rng_bytes(void *p, size_t n)
{
	entropy_fill(p, n);
}

uint32_t rng_below(uint32_t bound)
{
	/* Values under 2^32 mod bound are thrown away: what is left is a whole number of runs of bound. */
	uint32_t low = (0u - bound) % bound;
	uint32_t v;

	do
		rng_bytes(&v, sizeof v);
	while (v < low);
	return v % bound;
}
