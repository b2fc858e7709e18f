/* X.509 chains: from a server's certificate to an anchor (RFC 5280 section 6). */
#include <string.h>

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "crypto/x509_ext.h"
#include "crypto/x509_path.h"

#define EXTENSIONS_MAX 32 /* of one certificate; public ones have about ten */
#define NAME_SHOWN_MAX 64 /* RFC 5280's limit of a common name */

void x509_path_key(const struct verify_key *key, br_x509_pkey *out)
{
	/* BearSSL's key types are not const; it does not write through them. */
	if (key->type == KEY_RSA) {
		out->key_type = BR_KEYTYPE_RSA;
		out->key.rsa.n = (unsigned char *)(uintptr_t)key->rsa.n.p;
		out->key.rsa.nlen = key->rsa.n.n;
		out->key.rsa.e = (unsigned char *)(uintptr_t)key->rsa.e.p;
		out->key.rsa.elen = key->rsa.e.n;
	} else {
		out->key_type = BR_KEYTYPE_EC;
		out->key.ec.curve = key->curve == EC_P256 ? BR_EC_secp256r1 : BR_EC_secp384r1;
		out->key.ec.q = (unsigned char *)(uintptr_t)key->point.p;
		out->key.ec.qlen = key->point.n;
	}
}

void x509_path_refuse(struct x509_path *p, unsigned error, const char *text)
{
	if (p->error)
		return;
	p->error = error;
	(void)out_join(p->why, sizeof p->why, text);
}

/* The same, about a Name: its common name stands between the texts. */
static void refuse_naming(struct x509_path *p, unsigned error, const char *before, struct span name,
                          const char *after)
{
	char text[X509_WHY_MAX], shown[NAME_SHOWN_MAX + 1];
	struct span cn = x509_ext_common_name(name);

	fault_text(shown, sizeof shown, cn.n ? cn : SPAN_LIT("(no common name)"));
	(void)out_join(text, sizeof text, before, "\"", shown, "\"", after);
	x509_path_refuse(p, error, text);
}

void x509_path_start(struct x509_path *p, const char *host, int64_t now_s)
{
	memset(p, 0, sizeof *p);
	p->host = host;
	p->now_s = now_s;
}

/* Every extension stands there once (RFC 5280 section 4.2), and the critical ones are looked at.
 * Policies are: nothing asks for one, so that none is missing. */
static bool extensions_understood(const struct x509_cert *c)
{
	static const uint8_t arcs[] = { 0x13, 0x0f, 0x25, 0x11, 0x1e, 0x20 };
	struct der list = der_init(c->extensions);
	struct x509_ext found;

	for (size_t n = 0; list.rest.n > 0; n++)
		if (n == EXTENSIONS_MAX || x509_ext_find(c, x509_ext_next(&list).oid, &found) != 1)
			return false;
	return x509_ext_critical_among(c, span_of(arcs, sizeof arcs));
}

static bool is_for_servers(const struct x509_cert *c)
{
	static const uint8_t server_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 };

	return x509_ext_serves(c, span_of(server_auth, sizeof server_auth));
}

bool x509_path_leaf_allowed(const struct x509_cert *leaf)
{
	static const uint8_t alt_name[] = { 0x55, 0x1d, 0x11 };
	struct x509_ext x;

	return x509_ext_find(leaf, span_of(alt_name, sizeof alt_name), &x) == 1 && is_for_servers(leaf);
}

static void check_leaf(struct x509_path *p, const struct x509_cert *c)
{
	if (!x509_path_leaf_allowed(c))
		x509_path_refuse(p, BR_ERR_X509_FORBIDDEN_KEY_USAGE,
		                 "certificate has no subjectAltName or is not for servers");
	else if (!x509_ext_may_sign(c))
		x509_path_refuse(p, BR_ERR_X509_FORBIDDEN_KEY_USAGE, "certificate does not allow this use");
	else if (!x509_names_match(c, p->host))
		x509_path_refuse(p, BR_ERR_X509_BAD_SERVER_NAME, "name mismatch");
}

/* What an issuer of the chain or an anchor says about what it issues. */
static void check_issuer(struct x509_path *p, const struct x509_cert *c)
{
	if (!x509_ext_is_authority(c))
		refuse_naming(p, BR_ERR_X509_NOT_CA, "certificate issued by one that is no authority: ",
		              c->subject, NULL);
	else if (!x509_ext_path_length(c, p->n - 1))
		refuse_naming(p, BR_ERR_X509_NOT_CA, "the issuer ", c->subject,
		              " allows fewer authorities below it");
	else if (!is_for_servers(c))
		refuse_naming(p, BR_ERR_X509_FORBIDDEN_KEY_USAGE, "the issuer ", c->subject,
		              " is no authority for servers (extended key usage)");
}

static void refuse_names(struct x509_path *p, const struct x509_cert *issuer)
{
	char after[HOST_MAX + 64];

	(void)out_join(after, sizeof after, " does not permit ", p->host,
	               ", or another name in the certificate");
	refuse_naming(p, BR_ERR_X509_BAD_SERVER_NAME, "name constraints of the issuer: ",
	              issuer->subject, after);
}

/* After the signatures: who is not trusted shall not make us compare many names. */
static void check_names(struct x509_path *p, const struct x509_cert *issuer, size_t below)
{
	for (size_t i = 0; i < below; i++)
		if (!x509_names_permitted(issuer, &p->cert[i]))
			refuse_names(p, issuer);
}

static bool is_below(const struct x509_cert *c, const struct x509_cert *issuer)
{
	return x509_signed_by(c, issuer) == ERR_OK;
}

/* Of several anchors with the same name and key, one that permits the chain is enough. */
static void find_anchor(struct x509_path *p)
{
	size_t n;
	const struct x509_cert *anchors = x509_anchors_table(&n);

	for (size_t i = 0; i < n && !p->anchored; i++) {
		if (!is_below(&p->cert[p->n - 1], &anchors[i]))
			continue;
		p->error = 0;
		p->why[0] = '\0';
		check_issuer(p, &anchors[i]);
		for (size_t k = 1; k < p->n; k++)
			check_names(p, &p->cert[k], k);
		check_names(p, &anchors[i], p->n);
		p->anchored = p->error == 0;
	}
}

void x509_path_add(struct x509_path *p, struct span der)
{
	struct x509_cert *c = &p->cert[p->n];

	if (p->anchored || p->error)
		return;
	if (p->n == X509_PATH_MAX)
		x509_path_refuse(p, BR_ERR_X509_NOT_TRUSTED, "too many certificates");
	else if (x509_parse(der, c) != ERR_OK)
		x509_path_refuse(p, BR_ERR_X509_UNSUPPORTED, p->n ? "an issuer's certificate not understood" :
		                                                    "peer's certificate not understood");
	else if (!x509_sig_is_web(c))
		x509_path_refuse(p, BR_ERR_X509_UNSUPPORTED, "certificate uses an unsupported algorithm");
	else if (p->now_s < c->not_before || p->now_s > c->not_after)
		x509_path_refuse(p, BR_ERR_X509_EXPIRED, "certificate expired or not yet valid");
	else if (!extensions_understood(c))
		x509_path_refuse(p, BR_ERR_X509_CRITICAL_EXTENSION,
		                 "certificate has an unknown critical extension, or one twice");
	else if (p->n == 0)
		check_leaf(p, c);
	else if (!span_eq(p->cert[p->n - 1].issuer, c->subject))
		x509_path_refuse(p, BR_ERR_X509_DN_MISMATCH, "certificate chain out of order");
	else if (!is_below(&p->cert[p->n - 1], c))
		x509_path_refuse(p, BR_ERR_X509_BAD_SIGNATURE, "bad signature in the certificate chain");
	else
		check_issuer(p, c);
	if (p->error)
		return;
	p->n++;
	find_anchor(p);
}

/* Why the chain leads nowhere: the last certificate's issuer. */
static void refuse_end(struct x509_path *p)
{
	static const char before[] = "certificate does not lead to a trusted root: ";
	struct span issuer = p->cert[p->n - 1].issuer;
	size_t n;
	const struct x509_cert *anchors = x509_anchors_table(&n);

	for (size_t i = 0; i < n; i++)
		if (span_eq(anchors[i].subject, issuer))
			refuse_naming(p, BR_ERR_X509_NOT_TRUSTED, before, issuer,
			              " is a trusted name, but signed with another key");
	refuse_naming(p, BR_ERR_X509_NOT_TRUSTED, before, issuer,
	              " issued the last certificate, was not sent and is no trust anchor");
}

unsigned x509_path_end(struct x509_path *p)
{
	if (!p->error && p->n == 0)
		x509_path_refuse(p, BR_ERR_X509_EMPTY_CHAIN, "peer sent no certificate");
	if (!p->error && !p->anchored)
		refuse_end(p);
	return p->error;
}

/* Moves a view's bytes into storage, advancing it. */
static bool keep(struct span *view, uint8_t **storage, size_t *cap)
{
	if (view->n > *cap)
		return false;
	memcpy(*storage, view->p, view->n);
	*cap -= view->n;
	view->p = *storage;
	*storage += view->n;
	return true;
}

enum err x509_verify_chain(const struct span *chain, size_t n, const char *host, int64_t now_s, uint8_t *storage,
                           size_t cap, struct verify_key *key, char why[X509_WHY_MAX])
{
	struct x509_path p;
	struct verify_key k;
	bool kept;

	x509_path_start(&p, host ? host : "", now_s);
	if (!*p.host)
		x509_path_refuse(&p, BR_ERR_X509_BAD_SERVER_NAME, "no host name to check");
	for (size_t i = 0; i < n; i++)
		x509_path_add(&p, chain[i]);
	if (x509_path_end(&p)) {
		(void)out_join(why, X509_WHY_MAX, p.why);
		return ERR_UNTRUSTED;
	}
	k = p.cert[0].key;
	if (k.type == KEY_RSA)
		kept = keep(&k.rsa.n, &storage, &cap) && keep(&k.rsa.e, &storage, &cap);
	else
		kept = keep(&k.point, &storage, &cap);
	if (!kept)
		return ERR_TOO_BIG;
	*key = k;
	return ERR_OK;
}
