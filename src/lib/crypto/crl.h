/* Certificate revocation lists (RFC 5280 section 5), complete and direct ones. */
#ifndef CRYPTO_CRL_H
#define CRYPTO_CRL_H

#include "crypto/x509.h"

/* A list taken apart: views into the DER, nothing verified. */
struct crl {
	struct span tbs, issuer, sig_alg, sig; /* whole elements, sig: contents of the BIT STRING */
	struct span revoked;                   /* contents of revokedCertificates, well-formed, may be empty */
	int64_t this_update, next_update;      /* Unix seconds */
};

/* Version 2, with nextUpdate, without critical extensions (no delta, no indirect list). ERR_SYNTAX. Untrusted. */
MUST_USE enum err crl_parse(struct span der, struct crl *c);
/* Name and signature, as x509_signed_by. ERR_CRYPTO, ERR_UNTRUSTED. */
MUST_USE enum err crl_signed_by(const struct crl *c, const struct x509_cert *issuer);
/* The list names this serial number (magnitude, as struct x509_cert has it). */
bool crl_has(const struct crl *c, struct span serial);

#endif
