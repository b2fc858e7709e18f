/* Secure key release from Azure Key Vault or Managed HSM: the call, the check of what comes back, the unwrapping.
 * Decides whether key material is believed. Source: azure-protocols.md sections 4.3 to 4.5. */
#ifndef AZURE_AKV_H
#define AZURE_AKV_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "crypto/pkcs8.h"

struct akv_release {
	const char *vault;      /* host[:port] */
	const char *key_name;   /* name or name/version */
	struct span bearer;     /* access token (secret) */
	struct span target;     /* attestation token whose runtime data holds the wrapping key */
	const struct rsa_key *wrap; /* its private half, RSA-2048 */
	struct out *key_ops;    /* what the vault states that the key is for: its JSON array is appended when there is one; may be NULL */
};

#define AKV_ENC_MAX 32

/* "name" or "name/version" in Key Vault's alphabet: it goes into a target as it is. Untrusted. */
bool akv_key_name_ok(struct span v);

/* Releases and unwraps one key. RSA_AES_KEY_WRAP_256 (OAEP with SHA-256) is asked for first; CKM_RSA_AES_KEY_WRAP (SHA-1)
 * only when the vault refuses that parameter. Before anything is unwrapped the answer's JWS is verified: certificate chain
 * to the anchors for the vault's name, signature, key identifier, our nonce, the wrapping asked for. On success *k holds the
 * key (the caller wipes it), kid the key's identifier with version, enc the wrapping used. On error *k is wiped.
 * The caller sees to it that there is one at a time. f: STEP_RELEASE, STEP_RELEASE_VERIFY or STEP_UNWRAP. */
MUST_USE enum err akv_release_key(const struct akv_release *r, struct private_key *k, char kid[URL_MAX],
                                  char enc[AKV_ENC_MAX], int64_t deadline_ms, struct fault *f);

/* The unwrapping alone, for tests: ciphertext = OAEP(KEK) || KWP(key) by the named form; kty "RSA", "EC", "oct" (with or
 * without "-HSM"). ERR_CRYPTO, ERR_RANGE, ERR_SYNTAX. On error *k is wiped. */
MUST_USE enum err akv_unwrap(const struct rsa_key *wrap, const char *enc, struct span ciphertext, const char *kty,
                             struct private_key *k);

#endif
