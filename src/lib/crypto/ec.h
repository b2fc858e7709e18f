/* Elliptic curves: ECDSA verification on P-256 and P-384, and keys, also on P-521 (FIPS 186-5, SEC 1). */
#ifndef CRYPTO_EC_H
#define CRYPTO_EC_H

#include "base/err.h"
#include "base/span.h"

enum ec_curve { EC_P256, EC_P384, EC_P521 };

#define EC_POINT_MAX 133 /* uncompressed P-521 */
#define EC_SCALAR_MAX 66

/* Bytes of a coordinate or scalar. */
size_t ec_field_len(enum ec_curve curve);

/* The curve of an OID's content octets; false when it is none of these. */
bool ec_curve_of(struct span oid, enum ec_curve *curve);

/* A private key. Holds a secret: wiped by its owner. */
struct ec_key {
	enum ec_curve curve;
	uint8_t d[EC_SCALAR_MAX];     /* big-endian, ec_field_len bytes */
	uint8_t point[EC_POINT_MAX];  /* 0x04 || X || Y */
};
/* A fresh key. ERR_CRYPTO does not happen in practice. */
MUST_USE enum err ec_generate(struct ec_key *k, enum ec_curve curve);
/* Takes the scalar (exactly ec_field_len bytes), checks 0 < d < order and computes the public point, in constant time.
 * ERR_RANGE; *k is wiped on error. */
MUST_USE enum err ec_from_scalar(struct ec_key *k, enum ec_curve curve, struct span d);

/* ECDSA over a digest. point is 0x04||X||Y, checked to be on the curve; sig is raw r||s (big-endian, exactly twice the field
 * length) or strict DER. P-256 and P-384 only (ERR_RANGE). Public data, not constant time. ERR_CRYPTO. */
MUST_USE enum err ec_verify_raw(enum ec_curve curve, struct span point, struct span digest, struct span sig);
MUST_USE enum err ec_verify_der(enum ec_curve curve, struct span point, struct span digest, struct span sig);

#endif
