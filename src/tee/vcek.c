/* VCEK and VLEK extensions. */
#include "tee/vcek.h"

#include "crypto/x509.h"
#include "enc/der.h"

/* 1.3.6.1.4.1.3704.1: 3704 is 0x9c 0x78 in base 128. */
#define AMD_ARC 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01
static const uint8_t oid_product[] = { AMD_ARC, 2 };
static const uint8_t oid_hwid[] = { AMD_ARC, 4 };
static const uint8_t oid_csp[] = { AMD_ARC, 5 };

enum { SPL_BOOTLOADER = 1, SPL_TEE = 2, SPL_SNP = 3, SPL_MICROCODE = 8, SPL_FMC = 9 };
enum { HWID_LEN = 64, HWID_LEN_TURIN = 8 };

static bool extension(const struct x509_cert *c, const uint8_t *oid, size_t n, struct span *value)
{
	bool critical;

	return x509_extension(c, span_of(oid, n), value, &critical);
}

/* One patch level: an INTEGER of at most 255. */
static enum err read_spl(const struct x509_cert *c, uint8_t number, uint8_t *level)
{
	const uint8_t oid[] = { AMD_ARC, 3, number };
	struct span value;
	struct der d;
	uint64_t v;

	if (!extension(c, oid, sizeof oid, &value))
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
	static const enum snp_product all[] = { SNP_MILAN, SNP_GENOA, SNP_TURIN };
	struct span value, name;
	struct der d;

	if (!extension(c, oid_product, sizeof oid_product, &value))
		return ERR_NOT_FOUND;
	d = der_init(value);
	name = der_take(&d, DER_IA5_STRING);
	if (!der_done(&d))
		return ERR_SYNTAX;
	name = span_sub(name, 0, span_find(name, '-'));
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (span_eq_str(name, report_product_name(all[i]))) {
			*product = all[i];
			return ERR_OK;
		}
	}
	return ERR_RANGE;
}

static enum err read_levels(const struct x509_cert *c, struct vcek *v)
{
	struct snp_tcb *t = &v->tcb;
	enum err err = read_spl(c, SPL_BOOTLOADER, &t->bootloader);

	if (!err)
		err = read_spl(c, SPL_TEE, &t->tee);
	if (!err)
		err = read_spl(c, SPL_SNP, &t->snp);
	if (!err)
		err = read_spl(c, SPL_MICROCODE, &t->microcode);
	if (!err && v->product == SNP_TURIN)
		err = read_spl(c, SPL_FMC, &t->fmc);
	if (err)
		return err;
	if (v->product == SNP_TURIN)
		t->raw = t->fmc | (uint64_t)t->bootloader << 8 | (uint64_t)t->tee << 16 | (uint64_t)t->snp << 24;
	else
		t->raw = t->bootloader | (uint64_t)t->tee << 8 | (uint64_t)t->snp << 48;
	t->raw |= (uint64_t)t->microcode << 56;
	return ERR_OK;
}

/* The specification says raw bytes; some certificates wrap them. The lengths cannot be confused: 64 or 8 raw bytes
 * against 66 or 10 wrapped. */
static enum err read_hwid(const struct x509_cert *c, struct vcek *v)
{
	size_t want = v->product == SNP_TURIN ? HWID_LEN_TURIN : HWID_LEN;
	struct span value;
	struct der d;

	if (!extension(c, oid_hwid, sizeof oid_hwid, &value))
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
	enum err err;

	*problem = "not an X.509 certificate";
	err = x509_parse(der, &c);
	if (err)
		return err;
	*problem = "product name extension missing, malformed or unknown";
	err = read_product(&c, &t.product);
	if (err)
		return err;
	*problem = "patch level extension missing or malformed";
	err = read_levels(&c, &t);
	if (err)
		return err;
	t.vlek = extension(&c, oid_csp, sizeof oid_csp, &csp);
	*problem = "hwID extension missing or malformed";
	if (!t.vlek) {
		err = read_hwid(&c, &t);
		if (err)
			return err;
	}
	*problem = NULL;
	*v = t;
	return ERR_OK;
}

static bool is_masked(const uint8_t *chip_id)
{
	uint8_t any = 0;

	for (size_t i = 0; i < HWID_LEN; i++)
		any |= chip_id[i];
	return any == 0;
}

static const char *first_difference(const struct snp_report *r, const struct vcek *v)
{
	/* A version 2 report does not name its product: the certificate's says how its TCB is laid out. */
	struct snp_tcb t = report_tcb(r->reported_tcb.raw, v->product);

	if (!r->product_assumed && r->product != v->product)
		return "product";
	if (v->vlek != (r->signing_key == 1))
		return "kind of signing key";
	if (t.bootloader != v->tcb.bootloader)
		return "boot loader patch level";
	if (t.tee != v->tcb.tee)
		return "TEE patch level";
	if (t.snp != v->tcb.snp)
		return "SNP firmware patch level";
	if (t.microcode != v->tcb.microcode)
		return "microcode patch level";
	if (v->product == SNP_TURIN && t.fmc != v->tcb.fmc)
		return "FMC patch level";
	if (!v->vlek && !is_masked(r->chip_id) && !span_eq(v->hwid, span_of(r->chip_id, v->hwid.n)))
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
