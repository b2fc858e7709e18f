/* AES key wrap with padding (RFC 5649). */
#ifndef CRYPTO_KWP_H
#define CRYPTO_KWP_H

#include "base/err.h"
#include "base/span.h"

/* Unwraps into dst[cap]; kek is 16, 24 or 32 bytes. Every check (AIV, length, zero padding) is made before anything is
 * released; on any error all of dst is wiped. ERR_TOO_BIG when cap < wrapped.n - 8, ERR_RANGE for impossible lengths (kek,
 * or wrapped not a multiple of 8 or under 16). On success bytes of dst behind *n are zero up to wrapped.n - 8.
 * wrapped and dst must not overlap. Constant time apart from the verdict and the final length. */
MUST_USE enum err kwp_unwrap(struct span kek, struct span wrapped, uint8_t *dst, size_t cap, size_t *n);

#endif
