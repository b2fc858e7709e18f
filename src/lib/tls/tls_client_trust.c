/* TLS: what one side thinks of the other's certificates. */
#include "tls/tls_state.h"

#include <string.h>

#include "crypto/x509_path.h"

/* BearSSL calls, in this order:
 *   start_chain, then for each certificate as sent (leaf first): start_cert, append (pieces), end_cert;
 *   end_chain, whose 0 means "go on"; then get_pkey for the key that must have signed the key exchange (a server's) or the
 *   handshake (a client's).
 * The first certificate is kept in any case; where the path judges, those above it too, until one is signed by an anchor. */

static struct tls_trust_check *self(const br_x509_class **ctx)
{
	return (struct tls_trust_check *)(void *)ctx; /* vtable is its first member */
}

static void start_chain(const br_x509_class **ctx, const char *server_name)
{
	struct tls_trust_check *c = self(ctx);

	(void)server_name; /* the SNI name, absent for addresses: ours is the one asked for */
	c->certs = 0;
	c->leaf_len = c->kept = 0;
	c->too_big = c->parsed = c->accepted = false;
	c->why = NULL;
}

static bool is_wanted(const struct tls_trust_check *c)
{
	return c->certs == 0 || (c->trust == TLS_TRUST_ANCHORS && !c->path.anchored && !c->path.error);
}

static void start_cert(const br_x509_class **ctx, uint32_t length)
{
	struct tls_trust_check *c = self(ctx);

	c->too_big = length > sizeof c->leaf - c->kept;
	c->at = c->kept;
}

static void append(const br_x509_class **ctx, const unsigned char *buf, size_t len)
{
	struct tls_trust_check *c = self(ctx);

	if (!is_wanted(c) || c->too_big)
		return;
	if (len > sizeof c->leaf - c->at) {
		c->too_big = true;
		return;
	}
	memcpy(c->leaf + c->at, buf, len);
	c->at += len;
}

/* The leaf is complete: its key and the hash of its SubjectPublicKeyInfo as sent. */
static void read_leaf(struct tls_trust_check *c)
{
	struct x509_cert cert;

	c->leaf_len = c->at;
	if (c->too_big) {
		c->why = "peer's certificate too large";
	} else if (x509_parse(span_of(c->leaf, c->leaf_len), &cert) != ERR_OK) {
		c->why = "peer's certificate not understood";
	} else {
		hash_sha256(cert.spki, c->spki_sha256);
		x509_path_key(&cert.key, &c->key);
		c->parsed = true;
	}
}

static void end_cert(const br_x509_class **ctx)
{
	struct tls_trust_check *c = self(ctx);

	if (c->certs == 0)
		read_leaf(c);
	if (is_wanted(c)) {
		if (c->trust == TLS_TRUST_ANCHORS && c->too_big)
			x509_path_refuse(&c->path, BR_ERR_X509_NOT_TRUSTED, "peer's certificates too large");
		else if (c->trust == TLS_TRUST_ANCHORS)
			x509_path_add(&c->path, span_of(c->leaf + c->kept, c->at - c->kept));
		c->kept = c->at;
	}
	if (c->certs < 1000)
		c->certs++;
}

static unsigned end_chain(const br_x509_class **ctx)
{
	struct tls_trust_check *c = self(ctx);
	unsigned err = BR_ERR_X509_NOT_TRUSTED;

	if (!c->parsed)
		return c->certs ? BR_ERR_X509_NOT_TRUSTED : BR_ERR_X509_EMPTY_CHAIN;
	/* No default: a kind of trust that is not named here accepts nothing. */
	switch (c->trust) {
	case TLS_TRUST_ANCHORS:
		err = x509_path_end(&c->path);
		break;
	case TLS_TRUST_LATER:
		err = 0;
		break;
	}
	c->accepted = err == 0;
	return err;
}

static const br_x509_pkey *get_pkey(const br_x509_class *const *ctx, unsigned *usages)
{
	/* const only in this one function of the class; the object behind it is ours and is not changed. */
	const struct tls_trust_check *c = (const struct tls_trust_check *)(const void *)ctx;

	if (!c->accepted)
		return NULL;
	if (usages)
		*usages = BR_KEYTYPE_SIGN;
	return &c->key;
}

void tls_trust_check_init(struct tls_trust_check *c, const char *host, enum tls_trust trust, int64_t now_s)
{
	static const br_x509_class class = {
		sizeof(struct tls_trust_check), start_chain, start_cert, append, end_cert, end_chain, get_pkey,
	};

	c->vtable = &class;
	c->trust = trust;
	memcpy(c->host, host, strlen(host) + 1); /* its length was checked by the caller */
	if (trust == TLS_TRUST_ANCHORS)
		x509_path_start(&c->path, c->host, now_s);
}
