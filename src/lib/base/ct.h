/* Constant-time comparison, and wiping that the compiler may not drop. */
#ifndef BASE_CT_H
#define BASE_CT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Equality of n bytes in time that depends on n only. */
bool ct_equal(const void *a, const void *b, size_t n);

/* All ones when x is non-zero, else zero, without a branch. */
static inline uint32_t ct_mask(uint32_t x)
{
	return 0u - ((x | (0u - x)) >> 31);
}

/* Overwrites an object of known type (a variable or an array, never a pointer) with zeros. Registers and
 * copies made by the compiler are out of its reach: it bounds how long a secret stays, no more. */
#define WIPE(object) explicit_bzero(&(object), sizeof(object))
/* The same for n bytes at p. */
#define WIPE_N(p, n) explicit_bzero((p), (n))

#endif
