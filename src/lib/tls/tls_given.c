/* TLS: a server's key and certificates that come from outside. */
#include "tls/tls.h"

#include <string.h>

#include "base/ct.h"
#include "crypto/x509_path.h"
#include "text/der.h"
#include "text/pem.h"

static bool is_usable(const struct verify_key *key)
{
	return key->type == KEY_RSA || (key->type == KEY_EC && key->curve == EC_P256);
}

static const char *judge(struct span chain, int64_t now_s, struct x509_cert *leaf)
{
	struct der d = der_init(chain);
	struct x509_cert below, c;

	for (int i = 0; d.rest.n > 0; i++, below = c) {
		if (i == TLS_CHAIN_MAX)
			return "more than four certificates";
		if (x509_parse(der_element(&d, NULL), &c) != ERR_OK)
			return "a certificate cannot be read, or has a key other than RSA of 2048 to 4096 bits, P-256 and P-384";
		if (now_s < c.not_before || now_s > c.not_after)
			return "a certificate has expired or is not yet valid";
		if (i > 0 && x509_signed_by(&below, &c) != ERR_OK)
			return "a certificate is not signed by the one behind it: the server's own comes first, then its issuer's";
		if (i == 0)
			*leaf = c;
	}
	if (!is_usable(&leaf->key))
		return "the certificate's key is neither EC P-256 nor RSA";
	return x509_path_leaf_allowed(leaf) ? NULL : "the certificate has no subjectAltName, or is not for servers";
}

enum err tls_identity_given(struct tls_identity *id, struct span pem, int64_t now_s, const char **problem)
{
	struct tls_cert *c = &id->cert[0];
	struct x509_cert leaf;
	enum err err;

	WIPE(*id);
	*problem = "no certificates in PEM, or more than 20 KiB of them";
	err = pem_all(pem, "CERTIFICATE", c->der, sizeof c->der, &c->n);
	if (err)
		return err;
	*problem = judge(span_of(c->der, c->n), now_s, &leaf);
	if (*problem)
		return ERR_UNTRUSTED;
	hash_sha256(leaf.spki, id->spki_sha256);
	return ERR_OK;
}

bool tls_identity_given_key(const struct tls_identity *id)
{
	const struct private_key *k = &id->key;
	struct der chain = der_init(tls_identity_cert(id));
	struct x509_cert leaf;

	if (x509_parse(der_element(&chain, NULL), &leaf) != ERR_OK || leaf.key.type != k->type)
		return false;
	if (k->type == KEY_RSA)
		return span_eq(leaf.key.rsa.n, rsa_public(&k->rsa).n) && span_eq(leaf.key.rsa.e, rsa_public(&k->rsa).e);
	return k->ec.curve == EC_P256 && span_eq(leaf.key.point, span_of(k->ec.point, 65));
}
