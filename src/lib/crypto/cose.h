/* COSE_Sign1 (RFC 9052 section 4.2) with an x5chain (RFC 9360), as Microsoft signs its utility VMs' measurements.
 * Source: azure-protocols.md section 2.7. */
#ifndef CRYPTO_COSE_H
#define CRYPTO_COSE_H

#include "crypto/x509.h"

#define COSE_CHAIN_MAX 4
#define COSE_PS384 (-38) /* RSASSA-PSS with SHA-384, salt 48 (RFC 8230 section 2) */
#define COSE_SHA384 (-43) /* RFC 9054 section 3.2 */

/* A message taken apart: views into its bytes. Nothing is verified. */
struct cose_sign1 {
	struct span protected_bytes, payload, sig;
	int64_t alg;
	struct span chain[COSE_CHAIN_MAX]; /* DER, the signer's first */
	size_t n_chain;
	struct span iss, feed; /* text; empty when absent */
	struct span claims;    /* the map of CWT claims (RFC 9597), one item; empty when absent */
	bool typed;            /* has a content type */
	bool hashed;           /* the payload is the hash of something: COSE hash envelope (draft-ietf-cose-hash-envelope) */
	int64_t payload_hash;  /* with hashed: the hash algorithm */
};

/* Tag 18 is required, the payload is inside, headers that decide anything are protected. Unprotected headers are well-
 * formed and otherwise not looked at. "crit", repeated labels, trailing bytes: ERR_SYNTAX; over COSE_CHAIN_MAX
 * certificates: ERR_TOO_BIG. Untrusted. */
MUST_USE enum err cose_parse(struct span in, struct cose_sign1 *c);
/* The signature over Sig_structure ["Signature1", protected, h'', payload]. alg must be PS384 and key an RSA key.
 * ERR_CRYPTO, ERR_RANGE. */
MUST_USE enum err cose_verify(const struct cose_sign1 *c, const struct verify_key *key);
/* Appends the labels of the protected headers, "1, 33, iss": for saying what was found. c: of cose_parse. */
void cose_labels(const struct cose_sign1 *c, struct out *o);

#endif
