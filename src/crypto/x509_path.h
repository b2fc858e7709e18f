/* Inside crypto only: the certificate path check that TLS clients and x509_verify_chain share. */
#ifndef CRYPTO_X509_PATH_H
#define CRYPTO_X509_PATH_H

#include <bearssl.h>

#include "crypto/x509.h"

/* The anchors of x509_anchors_init as BearSSL wants them; *n is 0 before it was called. */
const br_x509_trust_anchor *x509_anchors_table(size_t *n);

/* Prepares BearSSL's "minimal" engine: the anchors, RSA of 2048 bits and more or ECDSA, SHA-256/384/512 only, dates
 * judged at Unix time now_s. The caller runs start_chain .. end_chain with a non-empty host name. */
void x509_path_init(br_x509_minimal_context *engine, int64_t now_s);

/* What that engine does not look at: the leaf must have a subjectAltName (so that the engine cannot fall back to the
 * common name) and, where it has an extendedKeyUsage, that must include serverAuth (RFC 5280 section 4.2.1.12). */
bool x509_path_leaf_allowed(const struct x509_cert *leaf);

/* A key as BearSSL wants it: views, the bytes stay where they are. */
void x509_path_key(const struct verify_key *key, br_x509_pkey *out);

#endif
