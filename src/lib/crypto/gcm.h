/* AES-256-GCM (NIST SP 800-38D) with 96-bit nonces. */
#ifndef CRYPTO_GCM_H
#define CRYPTO_GCM_H

#include "base/err.h"
#include "base/span.h"

#define GCM_KEY_LEN 32
#define GCM_NONCE_LEN 12
#define GCM_TAG_LEN 16
#define GCM_AAD_START 32

/* An expanded key: holds a secret, the owner wipes it. AES-NI where the CPU has it, else constant-time code. After
 * gcm_init it is only read: it may be moved, and threads may share it. */
struct gcm {
	_Alignas(16) uint8_t opaque[640];
};

/* Expands the key: once a key, not once a message (it asks the CPU for its features, which is slow in a guest). */
void gcm_init(struct gcm *g, const uint8_t key[GCM_KEY_LEN]);
/* From now on the AAD of every message begins with these bytes, whose hash is made once; the caller gives what follows. */
void gcm_aad_start(struct gcm *g, const uint8_t start[GCM_AAD_START]);
/* Encrypts n bytes of data in place and writes the tag. The caller guarantees that a nonce is used once a key. n is at
 * most 2^36 - 32 (SP 800-38D section 5.2.1.1), far above every cap of base/limits.h. */
void gcm_seal(const struct gcm *g, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, uint8_t *data, size_t n,
              uint8_t tag[GCM_TAG_LEN]);
/* Checks the tag in constant time, only then decrypts in place. On ERR_CRYPTO data is wiped: no plaintext was ever made. */
MUST_USE enum err gcm_open(const struct gcm *g, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, uint8_t *data,
                           size_t n, const uint8_t tag[GCM_TAG_LEN]);

#endif
