/* VCEK and VLEK extensions. */
#include "snp/vcek.h"

#include "crypto/x509.h"
#include "text/der.h"

/* 1.3.6.1.4.1.3704.1: 3704 is 0x9c 0x78 in base 128. */
#define AMD_ARC 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01
static const uint8_t oid_product[] = { AMD_ARC, 2 };
static const uint8_t oid_hwid[] = { AMD_ARC, 4 };
static const uint8_t oid_csp[] = { AMD_ARC, 5 };

/* In the order of struct snp_tcb: the number of the extension, and what a difference is called. */
static const struct {
	uint8_t spl;
	const char *name;
} levels[TCB_PARTS] = {
	{ 9, "FMC patch level" }, { 1, "boot loader patch level" }, { 2, "TEE patch level" }, { 3, "SNP firmware patch level" },
	{ 8, "microcode patch level" },
};
enum { HWID_LEN = 64, HWID_LEN_TURIN = 8 };

/* One patch level: an INTEGER of at most 255. */
static enum err read_spl(const struct x509_cert *c, uint8_t number, uint8_t *level)
{
	const uint8_t oid[] = { AMD_ARC, 3, number };
	struct span value;
	struct der d;
	uint64_t v;

	if (!x509_extension(c, span_of(oid, sizeof oid), &value, NULL))
		return ERR_NOT_FOUND;
	d = der_init(value);
	v = der_u64(&d);
	if (!der_done(&d))
		return ERR_SYNTAX;
	if (v > 255)
		return ERR_RANGE;
	*level = (uint8_t)v;
	return ERR_OK;
}

/* "Milan-B0", "Genoa", "Turin": a stepping may follow. */
static enum err read_product(const struct x509_cert *c, enum snp_product *product)
{
	struct span value, name;
	struct der d;

	if (!x509_extension(c, span_of(oid_product, sizeof oid_product), &value, NULL))
		return ERR_NOT_FOUND;
	d = der_init(value);
	name = der_take(&d, DER_IA5_STRING);
	if (!der_done(&d))
		return ERR_SYNTAX;
	*product = report_product(span_sub(name, 0, span_find(name, '-')));
	return *product == SNP_PRODUCT_UNKNOWN ? ERR_RANGE : ERR_OK;
}

/* The reserved bytes of a TCB have extensions too: spl_4 to spl_7, in the order of the bytes; Turin has no spl_4 (57230, tables 8
 * and 11). AMD derives the key from all eight bytes: what is certified there must be reported, and the other way round. */
static enum err read_reserved_levels(const struct x509_cert *c, struct vcek *v)
{
	unsigned first = v->product == SNP_TURIN ? 5 : 4, at = v->product == SNP_TURIN ? 4 : 2;

	for (unsigned i = 0; first + i <= 7; i++) {
		uint8_t level = 0;
		enum err err = read_spl(c, (uint8_t)(first + i), &level);

		if (err && err != ERR_NOT_FOUND)
			return err;
		v->tcb.raw |= (uint64_t)level << (8 * (at + i));
	}
	return ERR_OK;
}

static enum err read_levels(const struct x509_cert *c, struct vcek *v)
{
	for (size_t i = v->product == SNP_TURIN ? 0 : 1; i < TCB_PARTS; i++) /* only Turin has an FMC */
		TRY(read_spl(c, levels[i].spl, &v->tcb.part[i]));
	v->tcb.raw = report_tcb_raw(&v->tcb, v->product);
	return read_reserved_levels(c, v);
}

/* The specification says raw bytes; some certificates wrap them. The lengths cannot be confused: 64 or 8 raw bytes
 * against 66 or 10 wrapped. */
static enum err read_hwid(const struct x509_cert *c, struct vcek *v)
{
	size_t want = v->product == SNP_TURIN ? HWID_LEN_TURIN : HWID_LEN;
	struct span value;
	struct der d;

	if (!x509_extension(c, span_of(oid_hwid, sizeof oid_hwid), &value, NULL))
		return ERR_NOT_FOUND;
	if (value.n != want) {
		d = der_init(value);
		value = der_take(&d, DER_OCTET_STRING);
		if (!der_done(&d) || value.n != want)
			return ERR_SYNTAX;
	}
	v->hwid = value;
	return ERR_OK;
}

enum err vcek_parse(struct span der, struct vcek *v, const char **problem)
{
	struct vcek t = { 0 };
	struct x509_cert c;
	struct span csp;

	*problem = "not an X.509 certificate";
	TRY(x509_parse(der, &c));
	*problem = "product name extension missing, malformed or unknown";
	TRY(read_product(&c, &t.product));
	*problem = "patch level extension missing or malformed";
	TRY(read_levels(&c, &t));
	t.vlek = x509_extension(&c, span_of(oid_csp, sizeof oid_csp), &csp, NULL);
	*problem = "hwID extension missing or malformed";
	if (!t.vlek)
		TRY(read_hwid(&c, &t));
	*problem = NULL;
	*v = t;
	return ERR_OK;
}

static const char *first_difference(const struct snp_report *r, const struct vcek *v)
{
	/* A version 2 report does not name its product: the certificate's says how its TCB is laid out. */
	struct snp_tcb t = report_tcb(r->reported_tcb.raw, v->product);

	if (!r->product_assumed && r->product != v->product)
		return "product";
	if (v->vlek != (r->signing_key == 1))
		return "kind of signing key";
	for (size_t i = 0; i < TCB_PARTS; i++)
		if (t.part[i] != v->tcb.part[i])
			return levels[i].name;
	if (t.raw != v->tcb.raw)
		return "reserved byte of the patch levels";
	if (!v->vlek && !span_is_zero(span_of(r->chip_id, HWID_LEN)) && !span_eq(v->hwid, span_of(r->chip_id, v->hwid.n)))
		return "chip";
	return NULL;
}

bool vcek_matches(const struct snp_report *r, const struct vcek *v, const char **problem)
{
	const char *difference = first_difference(r, v);

	if (problem)
		*problem = difference;
	return difference == NULL;
}
