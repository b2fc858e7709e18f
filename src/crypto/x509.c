/* X.509 certificates: taking the DER apart (RFC 5280 section 4.1). */
#include "crypto/x509.h"

#define OID(name, ...) static const uint8_t name##_bytes[] = { __VA_ARGS__ }; \
	static const struct span name = { name##_bytes, sizeof name##_bytes }

OID(oid_rsa, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01); /* rsaEncryption, RFC 8017 appendix C */
OID(oid_ec, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01);              /* id-ecPublicKey, RFC 5480 section 2.1.1 */
OID(oid_p256, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07);      /* secp256r1 */
OID(oid_p384, 0x2b, 0x81, 0x04, 0x00, 0x22);                        /* secp384r1 */

#define RSA_MIN 256 /* bytes of modulus: 2048 bits */
#define EXPONENT_MAX 8

/* RSAPublicKey of 2048 to 4096 bits. An exponent of 1 would make every signature valid. */
static bool read_rsa_key(struct der *params, struct span bits, struct verify_key *k)
{
	struct der outer = der_init(bits), d = der_enter(&outer, DER_SEQUENCE);
	struct span n = der_uint(&d), e = der_uint(&d);

	if (der_take(params, DER_NULL).n != 0 || !der_done(params) || !der_done(&d) || !der_done(&outer))
		return false;
	if (n.n < RSA_MIN || n.n > RSA_MAX || !(n.p[n.n - 1] & 1))
		return false;
	if (e.n == 0 || e.n > EXPONENT_MAX || !(e.p[e.n - 1] & 1) || (e.n == 1 && e.p[0] == 1))
		return false;
	k->type = KEY_RSA;
	k->rsa.n = n;
	k->rsa.e = e;
	return true;
}

/* An uncompressed point on a named curve; whether it is on the curve shows when it is used. */
static bool read_ec_key(struct der *params, struct span bits, struct verify_key *k)
{
	struct span curve = der_take(params, DER_OID);

	if (!der_done(params))
		return false;
	if (span_eq(curve, oid_p256))
		k->curve = EC_P256;
	else if (span_eq(curve, oid_p384))
		k->curve = EC_P384;
	else
		return false;
	if (bits.n != 1 + 2 * ec_field_len(k->curve) || bits.p[0] != 0x04)
		return false;
	k->type = KEY_EC;
	k->point = bits;
	return true;
}

/* SubjectPublicKeyInfo ::= SEQUENCE { AlgorithmIdentifier, BIT STRING } */
static bool read_spki(struct span spki, struct verify_key *k)
{
	struct der outer = der_init(spki), d = der_enter(&outer, DER_SEQUENCE);
	struct der alg = der_enter(&d, DER_SEQUENCE);
	struct span oid = der_take(&alg, DER_OID), bits = der_bits(&d);

	*k = (struct verify_key){ .type = KEY_NONE };
	if (!der_done(&outer) || !der_done(&d) || alg.bad)
		return false;
	if (span_eq(oid, oid_rsa))
		return read_rsa_key(&alg, bits, k);
	if (span_eq(oid, oid_ec))
		return read_ec_key(&alg, bits, k);
	return false;
}

struct extension {
	struct span oid, value;
	bool critical;
};

/* Extension ::= SEQUENCE { OID, critical BOOLEAN DEFAULT FALSE, OCTET STRING }. An explicit FALSE is not DER, but
 * issuers write it and it changes nothing. */
static struct extension next_extension(struct der *list)
{
	struct der d = der_enter(list, DER_SEQUENCE);
	struct extension x = { .oid = der_take(&d, DER_OID) };

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
		(void)next_extension(&list);
	return der_done(&list);
}

bool x509_extension(const struct x509_cert *c, struct span oid, struct span *value, bool *critical)
{
	struct der list = der_init(c->extensions);
	struct extension found = { .critical = false };
	unsigned times = 0;

	while (!list.bad && list.rest.n > 0) {
		struct extension x = next_extension(&list);

		if (!list.bad && span_eq(x.oid, oid)) {
			found = x;
			times++;
		}
	}
	if (list.bad || times != 1)
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
