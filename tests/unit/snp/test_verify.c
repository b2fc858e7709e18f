/* Is evidence genuine: real reports with their chains, every changed byte, chains that are wrong in one way each. */
#include "t.h"

#include <time.h>

#include "amd.h"
#include "text/pem.h"
#include "snp/verify.h"
#include "vectors.h"

#define SKR "azure/skr-sidecar/"
#define GSG "azure/go-sev-guest/"
#define REAL_NOW 1788000000 /* August 2026: within the validity of all real certificates */

static struct checks checks;
static struct verify_facts facts;
static uint8_t chain_bytes[CHAIN_DER_MAX];

static struct span need(const char *name)
{
	size_t n;
	uint8_t *p = vectors_read(name, &n);

	if (!p)
		skip();
	return span_of(p, n);
}

static struct span pem_chain(struct span pem)
{
	size_t n;

	assert_int_equal(pem_all(pem, "CERTIFICATE", chain_bytes, sizeof chain_bytes, &n), ERR_OK);
	return span_of(chain_bytes, n);
}

static bool genuine(const struct verify_evidence *e, const struct verify_rules *rules)
{
	checks_init(&checks);
	return verify_genuine(e, rules, &facts, &checks);
}

/* The id of the first check that failed, "" when none did. */
static const char *first_failed(void)
{
	for (size_t i = 0; i < checks.n; i++)
		if (checks.list[i].state == CHECK_FAILED)
			return checks.list[i].id;
	return "";
}

static const char *state_of(const char *id)
{
	for (size_t i = 0; i < checks.n; i++)
		if (strcmp(checks.list[i].id, id) == 0)
			return checks_state_name(checks.list[i].state);
	return "absent";
}

static const char *found_of(const char *id)
{
	for (size_t i = 0; i < checks.n; i++)
		if (strcmp(checks.list[i].id, id) == 0)
			return checks_text(&checks, checks.list[i].found);
	return "";
}

/* --- Real evidence --- */

#define TURIN "azure/turin/"
struct pair {
	const char *report, *first, *second, *uvm;
	bool belongs;
};
static const struct pair pairs[] = {
	{ SKR "snp_report.bin", SKR "uvm_host_amd_certificate.pem", NULL, SKR "body.uvm_reference_info.bin", true },
	{ SKR "cert_fetcher_test_report_v3.bin", SKR "cert_fetcher_test_chain.pem", NULL, NULL, true },
	{ GSG "attestation.bin", GSG "vcek.testcer", GSG "milan.testcer", NULL, true },
	{ TURIN "turin_attestation_report.bin", TURIN "turin_chain.pem", NULL, NULL, true },
	/* each with the chain of another chip */
	{ SKR "snp_report.bin", SKR "cert_fetcher_test_chain.pem", NULL, NULL, false },
	{ SKR "cert_fetcher_test_report_v3.bin", SKR "uvm_host_amd_certificate.pem", NULL, NULL, false },
	{ GSG "attestation.bin", SKR "uvm_host_amd_certificate.pem", NULL, NULL, false },
	{ SKR "snp_report.bin", GSG "vcek.testcer", GSG "milan.testcer", NULL, false },
	{ SKR "fake_report_template.bin", SKR "uvm_host_amd_certificate.pem", NULL, NULL, false },
	/* an endorsement of another measurement */
	{ SKR "cert_fetcher_test_report_v3.bin", SKR "cert_fetcher_test_chain.pem", NULL, SKR "body.uvm_reference_info.bin", false },
	/* the leaf of Milan with the authorities of others */
	{ GSG "attestation.bin", GSG "vcek.testcer", GSG "ask_ark_genoa.pem", NULL, false },
	{ GSG "attestation.bin", GSG "vcek.testcer", GSG "milanvlek.testcer", NULL, false },
};

/* A leaf in DER and the rest in PEM, or all in PEM. */
static struct span chain_of(const struct pair *p)
{
	struct span first = need(p->first);
	struct span chain, rest;
	size_t n;

	if (!p->second)
		return pem_chain(first);
	rest = need(p->second);
	memcpy(chain_bytes, first.p, first.n);
	assert_int_equal(pem_all(rest, "CERTIFICATE", chain_bytes + first.n, sizeof chain_bytes - first.n, &n), ERR_OK);
	chain = span_of(chain_bytes, first.n + n);
	return chain;
}

static void real_pairs(void **state)
{
	const struct verify_rules rules = { .now_s = REAL_NOW };

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		struct verify_evidence e = { .report = need(pairs[i].report), .chain = chain_of(&pairs[i]) };

		if (pairs[i].uvm)
			e.endorsement = need(pairs[i].uvm);
		if (genuine(&e, &rules) != pairs[i].belongs)
			fail_msg("pair %zu: %s", i, first_failed());
		assert_int_equal(*first_failed() == 0, pairs[i].belongs);
		if (pairs[i].belongs) {
			assert_string_equal(state_of("crl"), "skipped");
			assert_int_equal(facts.report.product, strncmp(pairs[i].report, TURIN, sizeof TURIN - 1) ? SNP_MILAN : SNP_TURIN);
			assert_int_equal(facts.endorsed, pairs[i].uvm != NULL);
			assert_false(facts.configured_root);
		}
	}
}

/* Every bit pattern of "one byte changed" is one change here: the byte with one bit flipped, the bit varying. */
static uint8_t flip(size_t i)
{
	return (uint8_t)(1u << (i % 8));
}

static void every_byte_of_a_report(void **state)
{
	const struct verify_rules rules = { .now_s = REAL_NOW };
	struct span report = need(SKR "snp_report.bin");
	struct verify_evidence e = { .report = report, .chain = pem_chain(need(SKR "uvm_host_amd_certificate.pem")) };
	uint8_t *copy = t_exact(report);

	(void)state;
	e.report = span_of(copy, report.n);
	assert_true(genuine(&e, &rules));
	for (size_t i = 0; i < report.n; i++) {
		copy[i] ^= flip(i);
		if (genuine(&e, &rules))
			fail_msg("changed byte %zu accepted", i);
		copy[i] ^= flip(i);
	}
	for (size_t n = 0; n < report.n; n += 13) {
		e.report = span_of(copy, n);
		assert_false(genuine(&e, &rules));
	}
	free(copy);
}

static void every_byte_of_the_certificates(void **state)
{
	struct span pem = need(SKR "cert_fetcher_test_chain.pem"), ders = pem_chain(pem);
	uint8_t *copy = t_exact(ders);
	struct chain c;
	bool readable;

	(void)state;
	checks_init(&checks);
	assert_true(chain_verify(span_of(copy, ders.n), NULL, REAL_NOW, &c, &readable, &checks));
	for (size_t i = 0; i < ders.n; i++) {
		copy[i] ^= flip(i);
		checks_init(&checks);
		if (chain_verify(span_of(copy, ders.n), NULL, REAL_NOW, &c, &readable, &checks))
			fail_msg("changed byte %zu accepted", i);
		copy[i] ^= flip(i);
	}
	for (size_t n = 0; n < ders.n; n += 5) {
		uint8_t *cut = t_exact(span_of(copy, n));

		checks_init(&checks);
		assert_false(chain_verify(span_of(cut, n), NULL, REAL_NOW, &c, &readable, &checks));
		free(cut);
	}
	free(copy);
}

static void dates_of_real_certificates(void **state)
{
	struct verify_evidence e = { .report = need(SKR "snp_report.bin"), .chain = pem_chain(need(SKR "uvm_host_amd_certificate.pem")) };
	struct verify_rules rules = { .now_s = 1669686955 }; /* one second before the VCEK was issued, 29 November 2022 */

	(void)state;
	assert_false(genuine(&e, &rules));
	assert_string_equal(first_failed(), "chain.dates");
	rules.now_s = 1669686955 + 7LL * 366 * 86400;
	assert_false(genuine(&e, &rules));
	assert_string_equal(first_failed(), "chain.dates");
}

/* AMD's own roots and intermediates of each product are what the pins say. */
static void roots_of_all_products(void **state)
{
	static const struct { const char *file; enum snp_product product; } files[] = {
		{ "ask_ark_milan.pem", SNP_MILAN }, { "ask_ark_genoa.pem", SNP_GENOA }, { "ask_ark_turin_vcek.pem", SNP_TURIN },
		{ "ask_ark_milan_vlek.pem", SNP_MILAN }, { "ask_ark_genoa_vlek.pem", SNP_GENOA }, { "ask_ark_turin_vlek.pem", SNP_TURIN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[128];
		struct chain c;
		bool readable;

		snprintf(path, sizeof path, GSG "%s", files[i].file);
		/* the intermediate stands in for a leaf: authorities verify, the leaf is refused */
		struct span pem = need(path), ders = pem_chain(pem);
		struct der_copy { uint8_t b[CHAIN_DER_MAX]; } d;
		size_t first = (size_t)(ders.p[2] << 8 | ders.p[3]) + 4;

		memcpy(d.b, ders.p, first);
		memcpy(d.b + first, ders.p, ders.n);
		checks_init(&checks);
		assert_false(chain_verify(span_of(d.b, first + ders.n), NULL, REAL_NOW, &c, &readable, &checks));
		assert_string_equal(state_of("chain.root"), "passed");
		assert_string_equal(state_of("chain.root_signature"), "passed");
		assert_string_equal(state_of("chain.intermediate"), "passed");
		assert_string_equal(state_of("chain.leaf"), "failed");
	}
}

/* --- Evidence of our own making --- */

static struct verify_rules made_rules;

static int make_all(void **state)
{
	(void)state;
	if (!amd_make())
		return 0;
	made_rules = (struct verify_rules){ .now_s = time(NULL), .extra_root = amd_root() };
	return 0;
}

static bool made(const uint8_t report[SNP_REPORT_LEN], const char *chain, const char *crl, const struct verify_rules *rules)
{
	char name[64];
	size_t n, m = 0;
	uint8_t *pem, *list = NULL;
	struct verify_evidence e = { .report = span_of(report, SNP_REPORT_LEN) };
	bool ok;

	snprintf(name, sizeof name, "%s.chain", chain);
	pem = amd_file(name, &n);
	e.chain = pem_chain(span_of(pem, n));
	if (crl) {
		list = amd_file(crl, &m);
		e.crl = span_of(list, m);
	}
	ok = genuine(&e, rules);
	free(pem);
	free(list);
	return ok;
}

static void versions_and_products(void **state)
{
	static const struct { unsigned version; uint8_t family, model; const char *chain; enum snp_product product; } all[] = {
		{ 2, 0, 0, "milan", SNP_MILAN }, { 3, 0x19, 1, "milan", SNP_MILAN }, { 4, 0x19, 1, "milan", SNP_MILAN },
		{ 5, 0x19, 1, "milan", SNP_MILAN }, { 2, 0, 0, "genoa", SNP_GENOA }, { 3, 0x19, 0x11, "genoa", SNP_GENOA },
		{ 5, 0x19, 0xa0, "genoa", SNP_GENOA }, { 3, 0x1a, 2, "turin", SNP_TURIN }, { 5, 0x1a, 2, "turin", SNP_TURIN },
		{ 3, 0x19, 1, "wrapped", SNP_MILAN }, { 6, 0x19, 1, "milan", SNP_MILAN }, { 2, 0x1a, 2, "turin", SNP_TURIN }, { 6, 0x1a, 2, "turin", SNP_TURIN },
	};
	uint8_t r[SNP_REPORT_LEN];

	(void)state;
	if (!*amd_dir)
		skip();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		amd_report(r, all[i].version, all[i].family, all[i].model);
		if (all[i].version == 5)
			r[0x1f8] = 9; /* mitigation vector */
		amd_sign(r, "leaf");
		if (!made(r, all[i].chain, NULL, &made_rules))
			fail_msg("%zu: %s", i, first_failed());
		assert_int_equal(facts.report.product, all[i].product);
		assert_int_equal(facts.report.reported_tcb.microcode, 219);
		assert_int_equal(facts.report.reported_tcb.snp, 20);
		assert_true(facts.configured_root);
	}
}

static void vlek(void **state)
{
	uint8_t r[SNP_REPORT_LEN];

	(void)state;
	if (!*amd_dir)
		skip();
	amd_report(r, 3, 0x19, 1);
	r[0x48] = 1 << 2;
	amd_sign(r, "leaf");
	assert_true(made(r, "vlek", NULL, &made_rules));
	assert_string_equal(state_of("vcek.chip"), "skipped");
	assert_false(made(r, "vlekask", NULL, &made_rules)); /* a VLEK from the authority for VCEKs */
	assert_string_equal(first_failed(), "chain.product");
	assert_false(made(r, "milan", NULL, &made_rules)); /* the report says VLEK */
	assert_string_equal(first_failed(), "vcek.kind");
}

static void wrong_chains(void **state)
{
	static const struct { const char *chain, *why; } all[] = {
		{ "foreign", "chain.root" }, { "unrelated", "chain.root" }, { "swapped", "chain.root" }, { "reversed", "chain.root" },
		{ "twice", "chain.root" }, { "short", "chain.form" }, { "long", "chain.form" }, { "salt32", "chain.leaf" },
		{ "sha256", "chain.leaf" }, { "pkcs1", "chain.leaf" }, { "p256", "chain.leaf" }, { "crit", "chain.leaf" },
		{ "leafca", "chain.leaf" }, { "noauth", "chain.intermediate" }, { "nosign", "chain.intermediate" },
		{ "name", "chain.product" }, { "mixed", "chain.product" }, { "nochip", "chain.product" },
		{ "below", "vcek.tcb" }, { "otherchip", "vcek.chip" }, { "stranger", "report.signature" },
	};
	uint8_t r[SNP_REPORT_LEN];

	(void)state;
	if (!*amd_dir)
		skip();
	amd_report(r, 3, 0x19, 1);
	amd_sign(r, "leaf");
	assert_true(made(r, "milan", NULL, &made_rules));
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (made(r, all[i].chain, NULL, &made_rules))
			fail_msg("%s accepted", all[i].chain);
		if (strcmp(first_failed(), all[i].why) != 0)
			fail_msg("%s: %s, not %s", all[i].chain, first_failed(), all[i].why);
	}
}

static void our_root_only_when_configured(void **state)
{
	struct verify_rules rules = made_rules;
	uint8_t r[SNP_REPORT_LEN], other[32];

	(void)state;
	if (!*amd_dir)
		skip();
	amd_report(r, 3, 0x19, 1);
	amd_sign(r, "leaf");
	rules.extra_root = NULL;
	assert_false(made(r, "milan", NULL, &rules));
	assert_string_equal(first_failed(), "chain.root");
	memcpy(other, made_rules.extra_root, 32);
	other[31] ^= 1;
	rules.extra_root = other;
	assert_false(made(r, "milan", NULL, &rules));
	rules = made_rules;
	rules.now_s += 2501LL * 86400; /* the leaf has expired, the authorities have not */
	assert_false(made(r, "milan", NULL, &rules));
	assert_string_equal(first_failed(), "chain.dates");
	rules.now_s = made_rules.now_s - 86400;
	assert_false(made(r, "milan", NULL, &rules));
	assert_string_equal(first_failed(), "chain.dates");
}

static void signed_but_not_to_be_believed(void **state)
{
	/* what only a malicious or unknown firmware could sign: the form is refused whoever signed it */
	static const struct { size_t at; uint8_t value; } all[] = {
		{ 0x00, 1 }, { 0x00, 7 }, { 0x30, 4 }, { 0x34, 0 }, { 0x34, 2 }, { 0x48, 2 }, { 0x48, 2 << 2 }, { 0x48, 7 << 2 }, { 0x0a, 1 },
		{ 0x0b, 4 }, { 0x0f, 0x80 }, { 0x182, 1 }, { 0x110, 1 },
	};
	uint8_t r[SNP_REPORT_LEN];

	(void)state;
	if (!*amd_dir)
		skip();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		amd_report(r, 3, 0x19, 1);
		r[all[i].at] = all[i].value;
		amd_sign(r, "leaf");
		if (made(r, "milan", NULL, &made_rules))
			fail_msg("byte %zx = %u accepted", all[i].at, all[i].value);
	}
	amd_report(r, 3, 0x19, 1);
	amd_sign(r, "leaf");
	r[0x2d0] = 1; /* R has 48 bytes */
	assert_false(made(r, "milan", NULL, &made_rules));
}

/* What only describes: every bit of PLATFORM_INFO and every reserved byte, signed by a chip, is named and hides nothing. */
static void what_describes_is_shown(void **state)
{
	static const struct { size_t from, to; } all[] = {
		{ 0x40, 0x48 }, { 0x49, 0x50 }, { 0x18b, 0x1a0 }, { 0x1eb, 0x1ec }, { 0x1ef, 0x1f0 }, { 0x1f8, 0x2a0 },
	};
	uint8_t r[SNP_REPORT_LEN];

	(void)state;
	if (!*amd_dir)
		skip();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		for (size_t at = all[i].from; at < all[i].to; at += at < 0x1f8 ? 1 : 13)
			for (unsigned bit = at < 0x48 ? 0 : at % 8; bit < 8; bit += at < 0x48 ? 1 : 8) {
				amd_report(r, 3, 0x19, 1);
				r[at] = (uint8_t)(1u << bit);
				amd_sign(r, "leaf");
				if (!made(r, "milan", NULL, &made_rules))
					fail_msg("byte %zx, bit %u: %s", at, bit, first_failed());
				if ((at != 0x40) != (strstr(found_of("report.form"), "; set and not known: ") != NULL))
					fail_msg("byte %zx, bit %u: '%s'", at, bit, found_of("report.form"));
			}
}

/* A VLEK's report where the host masks the chip's key and identity; a VCEK's with the identity masked. */
static void masked(void **state)
{
	uint8_t r[SNP_REPORT_LEN];

	(void)state;
	if (!*amd_dir)
		skip();
	for (unsigned version = 2; version <= 6; version++) {
		amd_report(r, (uint8_t)version, 0x19, 1);
		r[0x48] = 1 << 2 | 2;
		memset(r + 0x1a0, 0, 64);
		amd_sign(r, "leaf");
		assert_true(made(r, "vlek", NULL, &made_rules));
		assert_string_equal(state_of("vcek.chip"), "skipped");
		r[0x90] ^= 1; /* the flag excuses no signature */
		assert_false(made(r, "vlek", NULL, &made_rules));
		assert_string_equal(first_failed(), "report.signature");
		amd_report(r, (uint8_t)version, 0x19, 1);
		memset(r + 0x1a0, 0, 64);
		amd_sign(r, "leaf");
		assert_true(made(r, "milan", NULL, &made_rules));
		assert_string_equal(state_of("vcek.chip"), "skipped");
	}
}

static void revocation(void **state)
{
	struct verify_rules rules = made_rules;
	uint8_t r[SNP_REPORT_LEN];

	(void)state;
	if (!*amd_dir)
		skip();
	amd_report(r, 3, 0x19, 1);
	amd_sign(r, "leaf");
	assert_true(made(r, "milan", "good.crl", &rules));
	assert_true(facts.crl_checked);
	assert_true(made(r, "milan", "some.crl", &rules));
	assert_false(made(r, "milan", "revoked.crl", &rules));
	assert_string_equal(first_failed(), "crl.revoked");
	assert_false(facts.crl_checked);
	assert_false(made(r, "milan", "other.crl", &rules));
	assert_string_equal(first_failed(), "crl.signature");
	assert_false(made(r, "milan", "delta.crl", &rules));
	assert_string_equal(first_failed(), "crl.form");
	rules.now_s += 31 * 86400;
	assert_false(made(r, "milan", "good.crl", &rules));
	assert_string_equal(first_failed(), "crl.dates");
	rules.now_s = made_rules.now_s + 3 * 86400;
	assert_true(made(r, "milan", "good.crl", &rules));
	rules.crl_max_age_s = 2 * 86400;
	assert_false(made(r, "milan", "good.crl", &rules));
	assert_string_equal(first_failed(), "crl.dates");
}

static void every_byte_of_a_revocation_list(void **state)
{
	struct chain c;
	bool readable;
	size_t n, m;
	uint8_t *pem, *list;

	(void)state;
	if (!*amd_dir)
		skip();
	pem = amd_file("milan.chain", &n);
	list = amd_file("some.crl", &m);
	list = realloc(list, m); /* exact: the sanitizer sees reads behind it */
	checks_init(&checks);
	assert_true(chain_verify(pem_chain(span_of(pem, n)), made_rules.extra_root, made_rules.now_s, &c, &readable, &checks));
	assert_true(chain_check_crl(&c, span_of(list, m), made_rules.now_s, 0, &checks));
	for (size_t i = 0; i < m; i++) {
		list[i] ^= flip(i);
		checks_init(&checks);
		if (chain_check_crl(&c, span_of(list, m), made_rules.now_s, 0, &checks))
			fail_msg("changed byte %zu accepted", i);
		list[i] ^= flip(i);
	}
	for (size_t i = 0; i < m; i++) {
		checks_init(&checks);
		assert_false(chain_check_crl(&c, span_of(list, i), made_rules.now_s, 0, &checks));
	}
	free(pem);
	free(list);
}

/* --- The list of checks itself --- */

static void too_many_checks_are_no_pass(void **state)
{
	(void)state;
	checks_init(&checks);
	assert_false(checks_ok(&checks, CHECK_GENUINE)); /* nothing was checked */
	checks_skip(&checks, "a", "because");
	assert_false(checks_ok(&checks, CHECK_GENUINE));
	for (size_t i = 1; i < CHECKS_MAX; i++)
		checks_judge(&checks, "b", true, span_of(NULL, 0), SPAN_LIT("text that takes room: 0123456789 0123456789 0123456789 0123456789 0123456789 "
		                                   "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789"), NULL);
	assert_true(checks_ok(&checks, CHECK_GENUINE));
	assert_false(checks_ok(&checks, CHECK_ACCEPTABLE));
	checks_judge(&checks, "c", false, SPAN_LIT("x"), SPAN_LIT("y"), "z");
	assert_false(checks_ok(&checks, CHECK_GENUINE));
	assert_true(checks.text_n <= CHECKS_TEXT_MAX);
}

static void untrusted_text_is_inert(void **state)
{
	char text[2048];
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);

	(void)state;
	checks_init(&checks);
	checks_judge(&checks, "id", false, SPAN_LIT("a\033[31mb\n"), SPAN_LIT("\"<"), "w");
	assert_string_equal(checks_text(&checks, checks.list[0].expected), "a?[31mb?");
	checks_write_json(&checks, &w, NULL);
	assert_string_equal(out_cstr(&o), "[{\"id\":\"id\",\"group\":\"genuine\",\"state\":\"failed\",\"expected\":\"a?[31mb?\","
	                                  "\"found\":\"\\\"\\u003c\",\"why\":\"w\"}]");
}

UNIT(verify)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_pairs), cmocka_unit_test(every_byte_of_a_report),
		cmocka_unit_test(every_byte_of_the_certificates), cmocka_unit_test(dates_of_real_certificates),
		cmocka_unit_test(roots_of_all_products), cmocka_unit_test(versions_and_products), cmocka_unit_test(vlek),
		cmocka_unit_test(wrong_chains), cmocka_unit_test(our_root_only_when_configured),
		cmocka_unit_test(signed_but_not_to_be_believed),
		cmocka_unit_test(what_describes_is_shown), cmocka_unit_test(masked), cmocka_unit_test(revocation),
		cmocka_unit_test(every_byte_of_a_revocation_list), cmocka_unit_test(too_many_checks_are_no_pass),
		cmocka_unit_test(untrusted_text_is_inert),
	};

	return cmocka_run_group_tests(tests, make_all, NULL);
}
