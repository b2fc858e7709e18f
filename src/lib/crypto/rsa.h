/* RSA: key generation, OAEP, PKCS#1 v1.5 and PSS verification (RFC 8017). 2048 to 4096 bits. */
#ifndef CRYPTO_RSA_H
#define CRYPTO_RSA_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"
#include "crypto/hash.h"

/* A public key as views (big-endian magnitudes without leading zeros); the bytes belong to someone else. Used only after
 * its form was checked: 2048 to 4096 bits, odd modulus, odd exponent of at most 8 bytes above 1; else ERR_RANGE. */
struct rsa_pub {
	struct span n, e;
};

#define RSA_FACTOR_MAX (RSA_MAX / 2 + 8) /* primes may differ a little in length */
#define RSA_EXPONENT_MAX 8

/* A private key in CRT form (RFC 8017 section 3.2, second form), numbers big-endian at the start of their arrays.
 * Holds a secret: lives in the key area, wiped with rsa_wipe. */
struct rsa_key {
	uint32_t n_bits;
	uint16_t p_len, q_len, dp_len, dq_len, qi_len, n_len, e_len;
	uint8_t p[RSA_FACTOR_MAX], q[RSA_FACTOR_MAX], dp[RSA_FACTOR_MAX], dq[RSA_FACTOR_MAX], qi[RSA_FACTOR_MAX];
	uint8_t n[RSA_MAX], e[RSA_EXPONENT_MAX];
	uint16_t d_len;
	uint8_t d[RSA_MAX]; /* as a released key stated it: handed on with the key, never used or checked; made keys have none */
};

/* Makes a key of bits (2048, 3072, 4096) with e = 65537. Uneven time: 0.1 s and more. ERR_RANGE for other sizes, ERR_CRYPTO
 * when it fails; *k is then wiped. */
MUST_USE enum err rsa_generate(struct rsa_key *k, unsigned bits);
/* The public half, as views into k. */
struct rsa_pub rsa_public(const struct rsa_key *k);
void rsa_wipe(struct rsa_key *k);
/* Bit length of a big-endian magnitude without leading zeros. */
uint32_t rsa_bits(struct span magnitude);
/* Whether a public key has the form that struct rsa_pub asks for. */
bool rsa_pub_ok(const struct rsa_pub *pub);
/* Structural checks of a loaded key: sizes, odd modulus and primes, and one public/private round trip over a random value,
 * which fails unless n = pq and dp, dq, qi, e belong together. ERR_CRYPTO, ERR_RANGE. */
MUST_USE enum err rsa_check(const struct rsa_key *k);

/* RSAES-OAEP (RFC 8017 section 7.1) with hash = MGF1 hash = alg and the empty label. out has room for pub->n.n bytes.
 * ERR_TOO_BIG when the message exceeds n - 2*hlen - 2. */
MUST_USE enum err rsa_oaep_encrypt(const struct rsa_pub *pub, enum hash_alg alg, struct span msg, uint8_t *out, size_t cap,
                                   size_t *n);
/* Decrypts in constant time apart from the verdict and the message length; out needs room for the modulus length
 * (ERR_TOO_BIG), in may be out. Bytes behind the message are zero; on error all of out is wiped. ERR_CRYPTO for every way in
 * which the ciphertext can be wrong. */
MUST_USE enum err rsa_oaep_decrypt(const struct rsa_key *k, enum hash_alg alg, struct span in, uint8_t *out, size_t cap,
                                   size_t *n);
/* Signature checks over a digest already made with alg (SHA-256 or longer: a SHA-1 signature is never right). Public data,
 * not constant time. ERR_CRYPTO, ERR_RANGE. */

/* RSASSA-PKCS1-v1_5 (RFC 8017 section 8.2.2): the expected encoding is built and compared whole, so that nothing of the
 * padding is left to interpretation (the AlgorithmIdentifier without NULL is refused too). */
MUST_USE enum err rsa_verify_pkcs1(const struct rsa_pub *pub, enum hash_alg alg, const uint8_t *digest, struct span sig);
/* RSASSA-PSS (RFC 8017 sections 8.1.2 and 9.1.2) with MGF1 of the same hash and exactly this salt length (AMD: SHA-384/48;
 * JWS PS256: 32). */
MUST_USE enum err rsa_verify_pss(const struct rsa_pub *pub, enum hash_alg alg, const uint8_t *digest, size_t salt_len,
                                 struct span sig);

#endif
