/* SHA-1 (OAEP of an Azure wrapping form only), SHA-256, SHA-384 and HMAC-SHA-256. FIPS 180-4, RFC 2104. */
#ifndef CRYPTO_HASH_H
#define CRYPTO_HASH_H

#include "base/span.h"

#define SHA256_LEN 32
#define SHA384_LEN 48

enum hash_alg { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };

/* Digest length in bytes. */
size_t hash_len(enum hash_alg alg);
/* One-shot digest into out[hash_len(alg)] (at most 64). Constant time in the content. */
void hash_digest(enum hash_alg alg, struct span in, uint8_t *out);
void hash_sha256(struct span in, uint8_t out[SHA256_LEN]);

/* Running SHA-256. May hold secrets: the owner wipes it. */
struct sha256 {
	_Alignas(16) uint8_t opaque[128];
};
void hash_sha256_init(struct sha256 *h);
void hash_sha256_update(struct sha256 *h, struct span in);
/* The digest so far; the state goes on unchanged. */
void hash_sha256_out(const struct sha256 *h, uint8_t out[SHA256_LEN]);

void hash_hmac_sha256(struct span key, struct span in, uint8_t out[SHA256_LEN]);

#endif
