/* Is this evidence genuine. */
#include "snp/verify.h"

#include "crypto/hash.h"

enum { AT_S = 72, SCALAR = 48 }; /* R and S: 72 bytes each, little-endian, 48 in use (azure-protocols.md 1.6) */

/* The report's own signature to r || s, big-endian. */
static void signature_bytes(const uint8_t *field, uint8_t sig[2 * SCALAR])
{
	for (size_t i = 0; i < SCALAR; i++) {
		sig[i] = field[SCALAR - 1 - i];
		sig[SCALAR + i] = field[AT_S + SCALAR - 1 - i];
	}
}

static bool check_signature(const struct snp_report *r, const struct chain *c, struct checks *checks)
{
	uint8_t digest[SHA384_LEN], sig[2 * SCALAR];

	/* MASK_CHIP_KEY is about the VCEK: a host with a VLEK signs with that all the same. */
	if (r->chip_key_masked && r->signing_key == 0)
		return checks_that(checks, "report.signature", false, "the platform's owner has masked the chip's key: the report is not signed");
	if (c->leaf.key.type != KEY_EC || c->leaf.key.curve != EC_P384)
		return checks_that(checks, "report.signature", false, "the leaf certificate's key is not on P-384");
	hash_digest(HASH_SHA384, r->signed_part, digest);
	signature_bytes(r->signature, sig);
	return checks_that(checks, "report.signature",
	                   ec_verify_raw(EC_P384, c->leaf.key.point, span_of(digest, sizeof digest), span_of(sig, sizeof sig)) == ERR_OK,
	                   "the report is not signed by this certificate's key: changed, or of another chip or patch level");
}

#define VLEK_NO_CHIP "a VLEK certifies the provider's key, not a chip"
#define CHIP_HIDDEN "the report hides the chip's identity (the chip id is masked)"

static bool check_chip(const struct snp_report *r, const struct vcek *v, struct checks *checks)
{
	bool hidden = span_is_zero(span_of(r->chip_id, 64));

	if (v->vlek || hidden) {
		checks_skip(checks, "vcek.chip",
		            !hidden ? VLEK_NO_CHIP : v->vlek ? VLEK_NO_CHIP "; " CHIP_HIDDEN : CHIP_HIDDEN);
		return true;
	}
	return checks_equal(checks, "vcek.chip", v->hwid, span_of(r->chip_id, v->hwid.n), "the certificate is for another chip");
}

/* The certificate was issued for the key that a chip of this identity has at REPORTED_TCB. */
static bool check_certified(const struct snp_report *r, const struct vcek *v, struct checks *checks)
{
	uint8_t certified[8], reported[8];
	const char *difference;
	bool ok, same = vcek_matches(r, v, &difference);

	store_be64(certified, v->tcb.raw);
	store_be64(reported, r->reported_tcb.raw);
	ok = checks_equal(checks, "vcek.tcb", span_of(certified, 8), span_of(reported, 8), "the certificate is for another patch level (TCB) than the report");
	ok &= check_chip(r, v, checks);
	/* Part by part, with product and kind of key. */
	return checks_judge(checks, "vcek.kind", same, span_of(NULL, 0), span_str(!same ? difference : v->vlek ? "VLEK" : "VCEK"),
	                    "the certificate and the report differ") && ok;
}

bool verify_form(struct span bytes, struct snp_report *r, struct checks *checks)
{
	char problem[REPORT_PROBLEM_MAX];
	uint8_t text[REPORT_UNKNOWN_MAX + 64], names[REPORT_UNKNOWN_MAX];
	struct out o = out_init(text, sizeof text), unknown = out_init(names, sizeof names);

	if (bytes.n != SNP_REPORT_LEN)
		return checks_that(checks, "report.form", false, "a report has 1184 bytes");
	if (report_parse(bytes.p, r, problem) != ERR_OK)
		return checks_that(checks, "report.form", false, problem);
	out_str(&o, "version ");
	out_u64(&o, r->version);
	report_put_unknown(&unknown, r);
	out_str(&o, unknown.n ? "; set and not known: " : "");
	out_put(&o, out_span(&unknown));
	return checks_judge(checks, "report.form", true, span_of(NULL, 0), out_span(&o), NULL);
}

static bool check_report(struct verify_facts *f, const struct chain *c, bool has_chain, struct checks *checks)
{
	struct snp_report *r = &f->report;
	bool ok;

	if (!has_chain)
		return checks_that(checks, "report.signature", false, "there is no certificate to check it with");
	ok = check_signature(r, c, checks);
	ok &= check_certified(r, &c->vcek, checks);
	if (!ok || !r->product_assumed)
		return ok;
	/* Version 2 does not name the product: the certificate, now known to fit, does. */
	report_set_product(r, c->vcek.product);
	return true;
}

static bool check_revocation(const struct chain *c, bool has_chain, const struct verify_evidence *e,
                             const struct verify_rules *rules, struct verify_facts *f, struct checks *checks)
{
	if (e->crl.n == 0) {
		checks_skip(checks, "crl", "no revocation list was given");
		return true;
	}
	if (!has_chain)
		return false; /* told already */
	f->crl_checked = chain_check_crl(c, e->crl, rules->now_s, rules->crl_max_age_s, checks);
	return f->crl_checked;
}

static bool check_endorsement(const struct verify_evidence *e, const struct verify_rules *rules, bool has_report,
                              struct verify_facts *f, struct checks *checks)
{
	if (e->endorsement.n == 0) {
		checks_skip(checks, "uvm", "no endorsement of the launch measurement was given");
		return true;
	}
	if (!has_report)
		return false;
	f->endorsed = uvm_verify(e->endorsement, rules->uvm_issuer, rules->uvm_feed, f->report.measurement, &f->uvm_svn, checks);
	return f->endorsed;
}

bool verify_genuine(const struct verify_evidence *e, const struct verify_rules *rules, struct verify_facts *facts,
                    struct checks *checks)
{
	struct verify_facts f = { .configured_root = false };
	struct chain c;
	bool has_report, has_chain, ok;

	checks->group = CHECK_GENUINE;
	has_report = verify_form(e->report, &f.report, checks);
	ok = has_report;
	ok &= chain_verify(e->chain, rules->extra_root, rules->now_s, &c, &has_chain, checks);
	f.configured_root = c.configured_root;
	if (has_report)
		ok &= check_report(&f, &c, has_chain, checks);
	ok &= check_revocation(&c, has_chain, e, rules, &f, checks);
	ok &= check_endorsement(e, rules, has_report, &f, checks);
	*facts = f;
	return ok && checks_ok(checks, CHECK_GENUINE);
}
