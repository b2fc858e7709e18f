/* Inside crypto only: the certificate path check that TLS clients and x509_verify_chain share. */
#ifndef CRYPTO_X509_PATH_H
#define CRYPTO_X509_PATH_H

#include <bearssl.h>

#include "crypto/x509.h"

#define X509_PATH_MAX 10 /* certificates of one chain; public ones have two to four */

/* The anchors of x509_anchors_init; *n is 0 before it was called. */
const struct x509_cert *x509_anchors_table(size_t *n);

/* One chain, read leaf first. What it means to be good stands at x509_verify_chain. */
struct x509_path {
	const char *host;
	int64_t now_s;
	struct x509_cert cert[X509_PATH_MAX]; /* leaf first */
	size_t n;
	bool anchored;          /* an anchor signed the last one: what follows is not looked at */
	unsigned error;         /* BR_ERR_X509_* of the first fault, 0 before one */
	char why[X509_WHY_MAX]; /* the same in words, printable ASCII; "" before a fault */
};

/* host is not empty and outlives the path, as the certificates' bytes do. */
void x509_path_start(struct x509_path *p, const char *host, int64_t now_s);
void x509_path_add(struct x509_path *p, struct span der);
/* 0 when the chain is good, else its error. */
unsigned x509_path_end(struct x509_path *p);
/* A fault that the reader of the chain found. The first one stays. */
void x509_path_refuse(struct x509_path *p, unsigned error, const char *text);

/* The leaf must have exactly one subjectAltName (the common name is never looked at) and must be
 * for servers. */
bool x509_path_leaf_allowed(const struct x509_cert *leaf);

/* A key as BearSSL wants it: views, the bytes stay where they are. */
void x509_path_key(const struct verify_key *key, br_x509_pkey *out);

/* crypto/x509_names.c */

/* host equals a dNSName of the subjectAltName: whole, or all but the first label behind "*.".
 * ASCII case-insensitive. */
bool x509_names_match(const struct x509_cert *leaf, const char *host);
/* issuer's name constraints (RFC 5280 section 4.2.1.10), critical or not, permit every name of
 * c. Honoured: dNSName, iPAddress, directoryName that is permitted. Where c has a name of
 * another constrained form, it is not permitted. */
bool x509_names_permitted(const struct x509_cert *issuer, const struct x509_cert *c);

#endif
