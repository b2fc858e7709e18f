/* JSON Web Keys (RFC 7517, 7518, 7638). */
#ifndef CRYPTO_JWK_H
#define CRYPTO_JWK_H

#include "crypto/pkcs8.h"
#include "text/json_read.h"
#include "text/json_write.h"

#define JWK_THUMBPRINT_LEN 43 /* base64url of SHA-256, without NUL */

/* "RSA", "EC", "oct" (RFC 7518 section 6.1); NULL for KEY_NONE. */
const char *jwk_type_name(enum key_type t);
/* RFC 7638 thumbprint as base64url text with NUL. For oct keys (which have no public part) it is the base64url of
 * HMAC-SHA-256(key, "parley key id"), which reveals nothing of a key that cannot be guessed. */
void jwk_thumbprint(const struct private_key *k, char out[JWK_THUMBPRINT_LEN + 1]);

/* Writes {"kty","n","e"...} or {"crv","kty","x","y"} or {"kty":"oct"} as an object member `name` (NULL for a bare value),
 * members sorted, with "kid" = thumbprint. Never a private member. */
void jwk_write_public(struct jw *w, const char *name, const struct private_key *k);
/* The whole key, private members too, as the SKR sidecar gives it out (azure-protocols.md section 4.6): sorted, no "kid"; key_ops
 * is a JSON array, empty for none. What is written is a secret; in time depending on lengths only. */
void jwk_write_private(struct jw *w, const struct private_key *k, struct span key_ops);

/* The wrapping key set whose exact bytes are hashed into REPORT_DATA: {"keys":[{"e":..,"key_ops":["encrypt"],"kid":..,
 * "kty":"RSA","n":..}]} with nothing else; k is an RSA key (azure-protocols.md section 4.2). */
void jwk_write_wrapping_set(struct out *o, const struct private_key *k);

/* A verification key read from a JWK or from its x5c[0] certificate. Views into scratch. */
struct verify_key {
	enum key_type type; /* KEY_RSA or KEY_EC */
	struct rsa_pub rsa;
	enum ec_curve curve;
	struct span point;
};
/* Takes the public key out of a JWK ("n"/"e", "x"/"y"/"crv", else x5c[0]); decoded bytes go to scratch[cap], which must
 * live as long as *k. Only "kty" RSA, and EC on P-256/P-384 (others: ERR_RANGE); numbers in minimal, coordinates in full length, unpadded.
 * Whether the key is sound (size, exponent, point on the curve) is checked when it is used. ERR_SYNTAX, ERR_TOO_BIG,
 * ERR_NOT_FOUND (a member is missing). Untrusted. */
MUST_USE enum err jwk_read_public(struct json_val jwk, uint8_t *scratch, size_t cap, struct verify_key *k);

#endif
