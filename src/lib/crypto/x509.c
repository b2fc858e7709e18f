/* X.509 certificates: taking the DER apart (RFC 5280 section 4.1). */
#include "crypto/x509.h"

/* RSAPublicKey of 2048 to 4096 bits. An exponent of 1 would make every signature valid. */
static bool read_rsa_key(struct der *params, struct span bits, struct verify_key *k)
{
	struct der outer = der_init(bits), d = der_enter(&outer, DER_SEQUENCE);
	struct span n = der_uint(&d), e = der_uint(&d);

	if (der_take(params, DER_NULL).n != 0 || !der_done(params) || !der_done(&d) || !der_done(&outer))
		return false;
	k->rsa = (struct rsa_pub){ n, e };
	return rsa_pub_ok(&k->rsa);
}

/* An uncompressed point on a named curve; whether it is on the curve shows when it is used. */
static bool read_ec_key(struct der *params, struct span bits, struct verify_key *k)
{
	struct span curve = der_take(params, DER_OID);

	if (!der_done(params) || !ec_curve_of(curve, &k->curve) || k->curve == EC_P521 ||
	    bits.n != 1 + 2 * ec_field_len(k->curve) || bits.p[0] != 0x04)
		return false;
	k->point = bits;
	return true;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { AlgorithmIdentifier, BIT STRING } */
static bool read_spki(struct span spki, struct verify_key *k)
{
	struct der outer = der_init(spki), d = der_enter(&outer, DER_SEQUENCE);
	struct der alg = der_enter(&d, DER_SEQUENCE);
	struct span oid = der_take(&alg, DER_OID), bits = der_bits(&d);

	*k = (struct verify_key){ .type = pkcs8_key_type(oid) };
	if (!der_done(&outer) || !der_done(&d) || alg.bad || k->type == KEY_NONE)
		return false;
	return k->type == KEY_RSA ? read_rsa_key(&alg, bits, k) : read_ec_key(&alg, bits, k);
}

/* Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING }. An explicit FALSE is not DER, but
 * issuers write it and it changes nothing. */
struct x509_ext x509_ext_next(struct der *list)
{
	struct der d = der_enter(list, DER_SEQUENCE);
	struct x509_ext x = { .oid = der_take(&d, DER_OID) };

	if (der_peek(&d) == DER_BOOLEAN) {
		struct span flag = der_take(&d, DER_BOOLEAN);

		if (flag.n != 1 || (flag.p[0] != 0x00 && flag.p[0] != 0xff))
			d.bad = true;
		else
			x.critical = flag.p[0] != 0;
	}
	x.value = der_take(&d, DER_OCTET_STRING);
	if (!der_done(&d))
		list->bad = true;
	return x;
}

static bool extensions_well_formed(struct span extensions)
{
	struct der list = der_init(extensions);

	while (!list.bad && list.rest.n > 0)
		(void)x509_ext_next(&list);
	return der_done(&list);
}

size_t x509_ext_find(const struct x509_cert *c, struct span oid, struct x509_ext *found)
{
	struct der list = der_init(c->extensions);
	size_t times = 0;

	while (!list.bad && list.rest.n > 0) {
		struct x509_ext x = x509_ext_next(&list);

		if (!list.bad && span_eq(x.oid, oid)) {
			*found = x;
			times++;
		}
	}
	return times;
}

bool x509_extension(const struct x509_cert *c, struct span oid, struct span *value, bool *critical)
{
	struct x509_ext found;

	if (x509_ext_find(c, oid, &found) != 1)
		return false;
	*value = found.value;
	if (critical)
		*critical = found.critical;
	return true;
}

static void read_validity(struct der *tbs, struct x509_cert *c)
{
	struct der d = der_enter(tbs, DER_SEQUENCE);

	c->not_before = der_time(&d);
	c->not_after = der_time(&d);
	if (!der_done(&d))
		tbs->bad = true;
}

/* [3] EXPLICIT Extensions: at least one when present, version 3 only. */
static void read_extensions(struct der *tbs, struct x509_cert *c)
{
	struct der wrapper = der_enter(tbs, DER_CONTEXT_CONSTRUCTED + 3);

	c->extensions = der_take(&wrapper, DER_SEQUENCE);
	if (!der_done(&wrapper) || c->extensions.n == 0 || !extensions_well_formed(c->extensions))
		tbs->bad = true;
}

/* TBSCertificate. Unique identifiers ([1], [2]) are long out of use and refused. */
static bool read_tbs(struct der *tbs, struct x509_cert *c)
{
	bool v3 = der_peek(tbs) == DER_CONTEXT_CONSTRUCTED + 0;

	if (v3) {
		struct der version = der_enter(tbs, DER_CONTEXT_CONSTRUCTED + 0);

		if (der_u64(&version) != 2 || !der_done(&version))
			return false;
	}
	c->serial = der_uint(tbs);
	if (!span_eq(der_whole(tbs, DER_SEQUENCE), c->sig_alg))
		return false;
	c->issuer = der_whole(tbs, DER_SEQUENCE);
	read_validity(tbs, c);
	c->subject = der_whole(tbs, DER_SEQUENCE);
	c->spki = der_whole(tbs, DER_SEQUENCE);
	if (v3 && !tbs->bad && tbs->rest.n > 0)
		read_extensions(tbs, c);
	return der_done(tbs) && read_spki(c->spki, &c->key);
}

bool x509_signed(struct span der, struct span *tbs, struct span *sig_alg, struct span *sig, struct der *inside)
{
	struct der outer = der_init(der), parts = der_enter(&outer, DER_SEQUENCE);
	struct der whole;

	*tbs = der_whole(&parts, DER_SEQUENCE);
	*sig_alg = der_whole(&parts, DER_SEQUENCE);
	*sig = der_bits(&parts);
	whole = der_init(*tbs);
	*inside = der_enter(&whole, DER_SEQUENCE);
	return der_done(&parts) && der_done(&outer) && sig->n > 0 && der_done(&whole);
}

enum err x509_parse(struct span der, struct x509_cert *c)
{
	struct x509_cert r = { .der = der };
	struct der tbs;

	if (!x509_signed(der, &r.tbs, &r.sig_alg, &r.sig, &tbs) || !read_tbs(&tbs, &r))
		return ERR_SYNTAX;
	*c = r;
	return ERR_OK;
}
