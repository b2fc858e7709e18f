/* Certificate revocation lists. */
#include "crypto/crl.h"

#include "text/der.h"

/* One revoked certificate: its serial number; date and reason do not matter, revoked is revoked. */
static struct span next_revoked(struct der *list)
{
	struct der d = der_enter(list, DER_SEQUENCE);
	struct span serial = der_uint(&d);

	(void)der_time(&d);
	if (der_peek(&d) == DER_SEQUENCE)
		(void)der_take(&d, DER_SEQUENCE);
	if (!der_done(&d))
		list->bad = true;
	return serial;
}

static bool revoked_well_formed(struct span revoked)
{
	struct der list = der_init(revoked);

	while (!list.bad && list.rest.n > 0)
		(void)next_revoked(&list);
	return der_done(&list);
}

/* [0] EXPLICIT Extensions. A critical one (a delta, an issuing distribution point) would change what the list means. */
static void read_extensions(struct der *tbs)
{
	struct der wrapper = der_enter(tbs, DER_CONTEXT_CONSTRUCTED + 0);
	struct der list = der_enter(&wrapper, DER_SEQUENCE);

	while (!list.bad && list.rest.n > 0)
		if (x509_ext_next(&list).critical)
			list.bad = true;
	if (!der_done(&list) || !der_done(&wrapper))
		tbs->bad = true;
}

static bool read_tbs(struct der *tbs, struct crl *c)
{
	if (der_u64(tbs) != 1) /* version 2 */
		return false;
	if (!span_eq(der_whole(tbs, DER_SEQUENCE), c->sig_alg))
		return false;
	c->issuer = der_whole(tbs, DER_SEQUENCE);
	c->this_update = der_time(tbs);
	c->next_update = der_time(tbs); /* RFC 5280 section 5.1.2.5 demands it */
	if (der_peek(tbs) == DER_SEQUENCE)
		c->revoked = der_take(tbs, DER_SEQUENCE);
	if (!tbs->bad && tbs->rest.n > 0)
		read_extensions(tbs);
	return der_done(tbs) && revoked_well_formed(c->revoked);
}

enum err crl_parse(struct span der, struct crl *c)
{
	struct crl r = { .this_update = 0 };
	struct der tbs;

	if (!x509_signed(der, &r.tbs, &r.sig_alg, &r.sig, &tbs) || !read_tbs(&tbs, &r))
		return ERR_SYNTAX;
	*c = r;
	return ERR_OK;
}

enum err crl_signed_by(const struct crl *c, const struct x509_cert *issuer)
{
	/* Certificates and lists are signed alike (RFC 5280 sections 4.1.1 and 5.1.1): what x509_signed_by reads of a
	 * certificate is exactly these four. */
	struct x509_cert as_cert = { .tbs = c->tbs, .sig_alg = c->sig_alg, .sig = c->sig, .issuer = c->issuer };

	return x509_signed_by(&as_cert, issuer);
}

bool crl_has(const struct crl *c, struct span serial)
{
	struct der list = der_init(c->revoked);
	bool found = false;

	while (!list.bad && list.rest.n > 0)
		if (span_eq(next_revoked(&list), serial))
			found = true;
	return found;
}
