/* Certificates, revocation lists and AMD's extensions in them: views stay inside; one changed bit of what is signed ends the
 * signature. */
#include "fuzz.h"

#include "crypto/crl.h"
#include "crypto/x509.h"
#include "snp/vcek.h"

static void key_inside(const struct verify_key *k, struct span der)
{
	HOLD(k->type == KEY_RSA || k->type == KEY_EC);
	if (k->type == KEY_RSA) {
		HOLD(fuzz_inside(k->rsa.n, der) && fuzz_inside(k->rsa.e, der));
		HOLD(rsa_bits(k->rsa.n) >= 2048 && rsa_bits(k->rsa.n) <= 4096);
	} else {
		HOLD(fuzz_inside(k->point, der) && k->point.n == 1 + 2 * ec_field_len(k->curve));
	}
}

static void cert_inside(const struct x509_cert *c, struct span der)
{
	HOLD(span_eq(c->der, der) && fuzz_inside(c->tbs, der) && fuzz_inside(c->issuer, c->tbs) && fuzz_inside(c->subject, c->tbs));
	HOLD(fuzz_inside(c->spki, c->tbs) && fuzz_inside(c->serial, c->tbs) && fuzz_inside(c->extensions, c->tbs));
	HOLD(fuzz_inside(c->sig_alg, der) && fuzz_inside(c->sig, der));
	key_inside(&c->key, c->spki);
}

static void extensions(const struct x509_cert *c)
{
	static const char *const oids[] = { "\x55\x1d\x0f", "\x55\x1d\x13", "\x55\x1d\x11", "\x55\x1d\x25", "\x55\x1d\x0e" };
	struct span value;
	bool critical;

	for (size_t i = 0; i < sizeof oids / sizeof oids[0]; i++)
		if (x509_extension(c, span_of(oids[i], 3), &value, &critical))
			HOLD(fuzz_inside(value, c->extensions));
}

/* A self-signed certificate: no bit of its signed part can be another. */
static void bits(const struct x509_cert *c, struct span in)
{
	struct fuzz_dice d = fuzz_dice(in);
	uint8_t *other = fuzz_exact(in);
	size_t at = (size_t)(c->tbs.p - in.p) + fuzz_roll(&d, c->tbs.n);
	struct x509_cert e;

	other[at] ^= (uint8_t)(1u << fuzz_roll(&d, 8));
	if (x509_parse(span_of(other, in.n), &e) == ERR_OK)
		HOLD(x509_signed_by(&e, c) != ERR_OK);
	free(other);
}

static void vcek(struct span in)
{
	const char *problem = "untouched";
	struct vcek v;
	enum err e = vcek_parse(in, &v, &problem);

	if (e != ERR_OK) {
		HOLD(problem && strcmp(problem, "untouched") != 0);
		HOLD(e == ERR_SYNTAX || e == ERR_NOT_FOUND || e == ERR_RANGE);
		return;
	}
	HOLD(fuzz_inside(v.hwid, in));
	HOLD(v.vlek ? v.hwid.n == 0 : v.hwid.n == (v.product == SNP_TURIN ? 8 : 64));
	HOLD(v.product == SNP_MILAN || v.product == SNP_GENOA || v.product == SNP_TURIN);
	struct snp_tcb again = report_tcb(v.tcb.raw, v.product);

	HOLD(again.bootloader == v.tcb.bootloader && again.tee == v.tcb.tee && again.snp == v.tcb.snp &&
	     again.microcode == v.tcb.microcode && again.fmc == v.tcb.fmc);
}

static void crl(struct span in, const struct x509_cert *issuer)
{
	struct crl c;

	if (crl_parse(in, &c) != ERR_OK)
		return;
	HOLD(fuzz_inside(c.tbs, in) && fuzz_inside(c.issuer, c.tbs) && fuzz_inside(c.revoked, c.tbs));
	HOLD(fuzz_inside(c.sig_alg, in) && fuzz_inside(c.sig, in));
	(void)crl_has(&c, SPAN_LIT("\x01"));
	if (issuer)
		HOLD(crl_signed_by(&c, issuer) != ERR_OK);
}

void fuzz_one(struct span in)
{
	uint8_t *copy = fuzz_exact(in);
	struct span der = span_of(copy, in.n);
	struct x509_cert c;
	enum err e = x509_parse(der, &c);

	HOLD(e == ERR_OK || e == ERR_SYNTAX);
	if (e == ERR_OK) {
		cert_inside(&c, der);
		extensions(&c);
		if (x509_signed_by(&c, &c) == ERR_OK)
			bits(&c, der);
	}
	vcek(der);
	crl(der, e == ERR_OK ? &c : NULL);
	free(copy);
}
