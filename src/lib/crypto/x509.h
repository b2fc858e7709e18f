/* X.509 certificates (RFC 5280): reading fields, and chains to the compiled-in and configured anchors. */
#ifndef CRYPTO_X509_H
#define CRYPTO_X509_H

#include "crypto/jwk.h"
#include "text/der.h"

/* A certificate taken apart: views into the DER, nothing verified. */
struct x509_cert {
	struct span der, tbs, serial, issuer, subject, spki; /* whole elements, but serial: the magnitude */
	struct span sig_alg, sig; /* sig_alg: whole AlgorithmIdentifier; sig: contents of the BIT STRING */
	struct span extensions; /* contents of the Extensions SEQUENCE, well-formed, may be empty */
	int64_t not_before, not_after; /* Unix seconds */
	struct verify_key key;  /* from spki */
};
/* What certificates and revocation lists have in common (RFC 5280 sections 4.1.1 and 5.1.1): the signed element, the signature's
 * algorithm, the signature. *inside: a reader over the signed element's contents. False when malformed. Untrusted. */
bool x509_signed(struct span der, struct span *tbs, struct span *sig_alg, struct span *sig, struct der *inside);
/* Strict DER, version 3 (or 1), equal inner and outer algorithm; serial 0 is accepted (AMD's VCEK has it). Key types: RSA
 * of 2048 to 4096 bits, EC P-256/P-384. ERR_SYNTAX. Untrusted. */
MUST_USE enum err x509_parse(struct span der, struct x509_cert *c);
/* One extension: its OID's content octets and extnValue's contents. */
struct x509_ext {
	struct span oid, value;
	bool critical;
};
/* The next of a list of extensions, which is bad when it is malformed (RFC 5280 section 4.1). */
struct x509_ext x509_ext_next(struct der *list);
/* How often the extension with this OID is there, and the last of them. */
size_t x509_ext_find(const struct x509_cert *c, struct span oid, struct x509_ext *found);
/* extnValue contents of the extension with this OID (content octets); false when absent or repeated. critical may be
 * NULL. */
bool x509_extension(const struct x509_cert *c, struct span oid, struct span *value, bool *critical);
/* c's signature under issuer's key: RSA PKCS#1 v1.5 (SHA-256/384/512), RSASSA-PSS SHA-384 salt 48 in both parameter
 * encodings, ECDSA with SHA-256/384; and issuer name equality byte by byte. No dates, no basic constraints.
 * ERR_CRYPTO: signature or its algorithm; ERR_UNTRUSTED: names. */
MUST_USE enum err x509_signed_by(const struct x509_cert *c, const struct x509_cert *issuer);
/* Whether c's signature algorithm is one of those. */
bool x509_signature_known(const struct x509_cert *c);

/* Its signature's algorithm is one of these, but not PSS, which no public TLS certificate has. */
bool x509_sig_is_web(const struct x509_cert *c);

/* Anchors: the compiled-in public roots (crypto/anchors_data) plus at most one configured bundle of authorities
 * (basicConstraints cA). Call once at start, before threads. extra_pem: one or more CERTIFICATE blocks (16 KiB of DER in
 * all), or empty; copied. ERR_SYNTAX, ERR_FULL: then nothing is trusted. */
MUST_USE enum err x509_anchors_init(struct span extra_pem);

#define X509_WHY_MAX 448 /* with a host name of HOST_MAX in it */
/* Verifies leaf-first DER certificates chain[0..n), n at most 10, each signed by the next, to an
 * anchor, at Unix time now_s, with host matching a SAN dNSName of the leaf (exact, or wildcard
 * as whole leftmost label; address literals only as such a name; never the CN). RSA PKCS#1 v1.5
 * of 2048 bits and more or ECDSA, SHA-2 only. Leaf: digitalSignature where it has a keyUsage.
 * Each one above it, the anchor too: cA, keyCertSign, path length, name constraints
 * (x509_path.h). Each one: serverAuth or any where it has an extendedKeyUsage, no extension
 * twice, no unknown critical one. Dates of all but the anchor. Certificates after the one signed
 * by an anchor are not looked at. Not done: revocation, policies. On success *key receives views
 * into storage[cap] holding the leaf's key. ERR_UNTRUSTED, and then why says more; ERR_TOO_BIG. */
MUST_USE enum err x509_verify_chain(const struct span *chain, size_t n, const char *host, int64_t now_s, uint8_t *storage,
                                    size_t cap, struct verify_key *key, char why[X509_WHY_MAX]);

#endif
