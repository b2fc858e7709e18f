/* did:x509 identifiers (github.com/microsoft/did-x509, version 0) of the one form that Microsoft's endorsements have:
 * "did:x509:0:sha256:" base64url(SHA-256(authority's certificate)) "::eku:" dotted OID. azure-protocols.md section 2.7. */
#ifndef SNP_DID_H
#define SNP_DID_H

#include "crypto/x509.h"

#define DID_OID_MAX 40

struct did {
	uint8_t authority_sha256[32];
	uint8_t eku[DID_OID_MAX]; /* OID content octets */
	size_t eku_len;
};

/* Any other method, version, hash or policy is ERR_SYNTAX. Untrusted. */
MUST_USE enum err did_parse(struct span text, struct did *d);
/* root is the certificate that d names, and leaf may be used for the purpose it names. The chain between them is the
 * caller's to verify: each authority of it with did_serves. */
bool did_fits(const struct did *d, const struct x509_cert *leaf, const struct x509_cert *root);
/* An authority may certify for the purpose that d names: its extended key usage, where there is one, has it. */
bool did_serves(const struct did *d, const struct x509_cert *authority);

#endif
