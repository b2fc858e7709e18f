/* Secure key release from Azure Key Vault or Managed HSM: the call, the check of what comes back, the unwrapping.
 * Decides whether key material is believed. Source: azure-protocols.md sections 4.3 to 4.5. */
#ifndef AZURE_AKV_H
#define AZURE_AKV_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "crypto/pkcs8.h"
#include "http/https.h"
#include "text/json_read.h"

/* Where a key is on its way: memory that the caller has locked and wipes. */
struct akv_stage {
	struct private_key wrap; /* the wrapping key of this release, RSA-2048 */
	struct private_key key; /* what came out */
	uint8_t kek[RSA_MAX], plain[RELEASED_KEY_MAX]; /* between the steps of the unwrapping, which wipes them */
};

struct akv_release {
	const char *vault;      /* host[:port] */
	const char *key_name;   /* name or name/version */
	struct span bearer;     /* access token (secret) */
	struct span target;     /* attestation token whose runtime data holds the stage's wrapping key */
	struct akv_stage *stage;
	struct out *key_ops;    /* what the vault states that the key is for: its JSON array is appended when there is one; may be NULL */
};

#define AKV_ENC_MAX 32
#define AKV_HEADER_MAX 24576 /* x5c: three certificates of about 2 KiB, in base64 */
#define AKV_HSM_MAX 8192     /* ciphertext of a PKCS#8 RSA-4096 key, in base64url */
#define AKV_TOKENS 256

/* Working memory of one release, about 450 KiB, the caller's: one release at a time. Holds the access token and key ciphertext for the
 * time of the call, which wipes it. */
struct akv {
	struct https conn;
	uint8_t body[TOKEN_MAX + 1024];
	char headers[TOKEN_MAX + 64];
	char target[URL_MAX];
	uint8_t reply[CLIENT_BODY_MAX];
	uint8_t header[AKV_HEADER_MAX];
	uint8_t payload[CLIENT_BODY_MAX];
	uint8_t certs[AKV_HEADER_MAX];
	uint8_t leaf_key[2048];
	uint8_t key_hsm[AKV_HSM_MAX];
	uint8_t ciphertext[AKV_HSM_MAX];
	struct json_tok payload_toks[AKV_TOKENS];
};

/* "name" or "name/version" in Key Vault's alphabet: it goes into a target as it is. Untrusted. */
bool akv_key_name_ok(struct span v);

/* Releases and unwraps one key. RSA_AES_KEY_WRAP_256 (OAEP with SHA-256) is asked for first; CKM_RSA_AES_KEY_WRAP (SHA-1)
 * only when the vault refuses that parameter. Before anything is unwrapped the answer's JWS is verified: certificate chain
 * to the anchors for the vault's name, signature, key identifier, our nonce, the wrapping asked for. On success the stage holds
 * the key, kid the key's identifier with version, enc the wrapping used. On error the stage's key is wiped.
 * f: STEP_RELEASE, STEP_RELEASE_VERIFY or STEP_UNWRAP. */
MUST_USE enum err akv_release_key(struct akv *a, const struct akv_release *r, char kid[URL_MAX], char enc[AKV_ENC_MAX],
                                  int64_t deadline_ms, struct fault *f);

/* The unwrapping alone, with and into the stage: ciphertext = OAEP(KEK) || KWP(key) by the named form; kty "RSA", "EC", "oct"
 * (with or without "-HSM"). ERR_CRYPTO, ERR_RANGE, ERR_SYNTAX. On error the stage's key is wiped. */
MUST_USE enum err akv_unwrap(struct akv_stage *stage, const char *enc, struct span ciphertext, const char *kty);

#endif
