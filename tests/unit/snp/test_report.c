/* The SNP report: real ones are read, what permits is judged, and what only describes is named and never refused. */
#include "t.h"

#include "snp/report.h"
#include "vectors.h"

#define V2 "azure/skr-sidecar/snp_report.bin"
#define V3 "azure/skr-sidecar/cert_fetcher_test_report_v3.bin"

static uint8_t bytes[SNP_REPORT_LEN];
static struct snp_report r;
static char problem[REPORT_PROBLEM_MAX];

static void load(const char *name)
{
	size_t n = 0;
	uint8_t *all = vectors_read(name, &n);

	if (!all)
		skip();
	assert_int_equal(n, SNP_REPORT_LEN);
	memcpy(bytes, all, n);
	free(all);
}

static enum err parse(void)
{
	enum err err = report_parse(bytes, &r, problem);

	/* an error always says why, success never does */
	assert_int_equal(err == ERR_OK, problem[0] == 0);
	return err;
}

static const char *unknown(void)
{
	static uint8_t text[REPORT_UNKNOWN_MAX];
	struct out o = out_init(text, sizeof text);

	report_put_unknown(&o, &r);
	return out_cstr(&o);
}

static void assert_hex(const uint8_t *p, const char *hex)
{
	uint8_t want[64];
	size_t n = vectors_hex(hex, want, sizeof want);

	assert_memory_equal(p, want, n);
}

static void real_v2(void **state)
{
	(void)state;
	load(V2);
	assert_int_equal(parse(), ERR_OK);
	assert_int_equal(r.version, 2);
	assert_int_equal(r.guest_svn, 2);
	assert_true(r.policy == 0x3001f);
	assert_true(r.product_assumed);
	assert_int_equal(r.product, SNP_MILAN);
	assert_false(r.debug_allowed);
	assert_false(r.migration_allowed);
	assert_true(r.smt_allowed);
	assert_int_equal(r.vmpl, 0);
	assert_int_equal(r.signing_key, 0);
	assert_true(r.reported_tcb.raw == 0x7308000000000003ULL);
	assert_int_equal(r.reported_tcb.bootloader, 3);
	assert_int_equal(r.reported_tcb.tee, 0);
	assert_int_equal(r.reported_tcb.snp, 8);
	assert_int_equal(r.reported_tcb.microcode, 115);
	assert_int_equal(r.signed_part.n, 672);
	assert_ptr_equal(r.signed_part.p, bytes);
	assert_ptr_equal(r.signature, bytes + 672);
	assert_hex(r.family_id, "01000000000000000000000000000000");
	assert_hex(r.image_id, "02000000000000000000000000000000");
}

static void real_v3(void **state)
{
	(void)state;
	load(V3);
	assert_int_equal(parse(), ERR_OK);
	assert_int_equal(r.version, 3);
	assert_false(r.product_assumed);
	assert_int_equal(r.product, SNP_MILAN);
	assert_int_equal(r.reported_tcb.microcode, 0xdb);
	assert_int_equal(r.reported_tcb.snp, 0x18);
	assert_int_equal(r.reported_tcb.bootloader, 4);
	assert_hex(r.host_data, "aadd911a47eaf71bdbd46cbc78b00509b2dd125231d7a780e10d01947301d12d");
}

static void debug_report_of_another_source(void **state)
{
	(void)state;
	load("azure/go-sev-guest/attestation.bin");
	assert_int_equal(parse(), ERR_OK);
	assert_true(r.debug_allowed);
	assert_hex(r.report_data, "0102030405000000");
}

static void fake_report_is_refused(void **state)
{
	(void)state;
	load("azure/skr-sidecar/fake_report_template.bin"); /* version 1 */
	assert_int_equal(parse(), ERR_RANGE);
}

static void versions(void **state)
{
	(void)state;
	for (unsigned v = 0; v < 256; v++) {
		load(V3);
		bytes[0] = (uint8_t)v;
		assert_int_equal(parse(), v >= 2 && v <= 6 ? ERR_OK : ERR_RANGE);
	}
	assert_string_equal(problem, "report version 255 is not known: versions 2 to 6 are");
	load(V3);
	bytes[0] = 2; /* which does not define the CPUID bytes that this report has set */
	assert_int_equal(parse(), ERR_OK);
	assert_string_equal(unknown(), "byte 0x188");
	load(V2);
	bytes[3] = 1; /* the high bytes count */
	assert_int_equal(parse(), ERR_RANGE);
}

/* Sets each byte of [at, at+n) in turn to 1 and to 0x80: refused, or taken with a name for it. */
static void set_each(const char *vector, int version, size_t at, size_t n, bool refused, const char *name)
{
	load(vector);
	if (version)
		bytes[0] = (uint8_t)version;
	assert_int_equal(parse(), ERR_OK);
	assert_string_equal(unknown(), "");
	for (size_t i = at; i < at + n; i++) {
		for (int k = 0; k < 2; k++) {
			uint8_t kept = bytes[i];

			assert_int_equal(kept, 0);
			bytes[i] = k ? 0x80 : 1;
			if ((parse() != ERR_OK) != refused)
				fail_msg("byte 0x%zx: %s", i, problem);
			if (!refused && !strstr(unknown(), name))
				fail_msg("byte 0x%zx: named '%s'", i, unknown());
			bytes[i] = kept;
		}
	}
}

/* Nothing signs the bytes beside R and S; POLICY's bits permit. */
static void must_be_zero(void **state)
{
	static const struct { const char *vector; size_t at, n; } ranges[] = {
		{ V3, 0x2d0, 24 }, { V3, 0x318, 24 }, { V3, 0x330, 368 },
		{ V3, 0x110, 48 },                              /* author key digest without an author key */
		{ V2, 0x00c, 4 }, { V3, 0x00c, 4 },             /* policy */
	};

	(void)state;
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		set_each(ranges[i].vector, 0, ranges[i].at, ranges[i].n, true, NULL);
}

static void what_describes_is_named(void **state)
{
	static const struct { const char *vector; int version; size_t at, n; const char *name; } ranges[] = {
		{ V2, 0, 0x04c, 4, "byte 0x4" }, { V3, 0, 0x04c, 4, "byte 0x4" }, { V3, 6, 0x04c, 4, "byte 0x4" },
		{ V2, 0, 0x188, 24, "byte 0x1" }, { V3, 0, 0x18b, 21, "byte 0x1" },
		{ V2, 0, 0x1eb, 1, "byte 0x1eb" }, { V2, 0, 0x1ef, 1, "byte 0x1ef" }, { V3, 0, 0x1eb, 1, "byte 0x1eb" }, { V3, 0, 0x1ef, 1, "byte 0x1ef" },
		{ V2, 0, 0x1f8, 168, "byte 0x" }, { V3, 0, 0x1f8, 168, "byte 0x" }, { V3, 4, 0x1f8, 168, "byte 0x" }, { V3, 5, 0x208, 152, "byte 0x2" },
		{ V3, 6, 0x208, 152, "byte 0x2" },
		{ V3, 0, 0x03a, 4, "CURRENT_TCB byte " }, { V3, 0, 0x182, 4, "REPORTED_TCB byte " }, { V3, 0, 0x1e2, 4, "COMMITTED_TCB byte " },
		{ V3, 0, 0x1f2, 4, "LAUNCH_TCB byte " },
		{ V3, 0, 0x049, 3, "key flags bit " }, { V3, 0, 0x041, 7, "PLATFORM_INFO bit " },
	};

	(void)state;
	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
		set_each(ranges[i].vector, ranges[i].version, ranges[i].at, ranges[i].n, false, ranges[i].name);
	load(V3);
	bytes[0x41] = 0x11;
	bytes[0x48] |= 0x20;
	bytes[0x1f3] = 2;
	bytes[0x18c] = bytes[0x19f] = 1;
	assert_int_equal(parse(), ERR_OK);
	assert_string_equal(unknown(), "PLATFORM_INFO bit 8, 12, key flags bit 5, LAUNCH_TCB byte 3, byte 0x18c");
	/* all of it at once still fits */
	memset(bytes + 0x40, 0xff, 8);
	bytes[0x48] = 0xe3;
	memset(bytes + 0x49, 0xff, 7);
	memset(bytes + 0x18b, 0xff, 21);
	memset(bytes + 0x1f8, 0xff, 168);
	assert_int_equal(parse(), ERR_OK);
	assert_non_null(strstr(unknown(), ", byte 0x1f8"));
}

static void platform_bits(void **state)
{
	static const struct { uint64_t info; const char *names; } rows[] = {
		{ 0, "" }, { 0x65, "smt ecc alias_check_complete iommu_write_safe" }, { 1ULL << 63 | 2, "tsme bit 63" },
		{ 0x198, "rapl_disabled ciphertext_hiding_dram tio bit 8" },
	};
	uint64_t bit;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		uint8_t text[REPORT_UNKNOWN_MAX];
		struct out o = out_init(text, sizeof text);

		report_put_platform(&o, rows[i].info);
		assert_string_equal(out_cstr(&o), rows[i].names);
	}
	assert_true(report_platform_bit(SPAN_LIT("iommu_write_safe"), &bit));
	assert_int_equal(bit, 6);
	assert_false(report_platform_bit(SPAN_LIT("SMT"), &bit));
	assert_false(report_platform_bit(SPAN_LIT(""), &bit));
}

static void mitigation_vectors_belong_to_version_5(void **state)
{
	(void)state;
	load(V3);
	memset(bytes + 0x1f8, 0xff, 16);
	assert_int_equal(parse(), ERR_OK);
	assert_string_equal(unknown(), "byte 0x1f8");
	bytes[0] = 5;
	assert_int_equal(parse(), ERR_OK);
	assert_string_equal(unknown(), "");
}

/* A field may not hide that it is judged: the problem names field and value. */
static void assert_refused(size_t at, uint8_t value, const char *text)
{
	load(V3);
	bytes[at] = value;
	assert_int_not_equal(parse(), ERR_OK);
	if (!strstr(problem, text))
		fail_msg("'%s' does not say '%s'", problem, text);
}

static void refusals_name_field_and_value(void **state)
{
	(void)state;
	assert_refused(0x30, 4, "VMPL 4");
	assert_refused(0x34, 2, "SIGNATURE_ALGO 2");
	assert_refused(0x48, 2 << 2, "SIGNING_KEY 2");
	assert_refused(0x48, 7 << 2, "SIGNING_KEY is 7, none");
	assert_refused(0x0a, 0x01, "POLICY bit 17");
	assert_refused(0x0b, 0x24, "POLICY bit 26 is not known");
	assert_refused(0x0f, 0x80, "POLICY bit 63 is not known");
	assert_refused(0x2d0, 1, "offset 720");
	assert_refused(0x110, 1, "AUTHOR_KEY_DIGEST");
}

static enum err with_byte(size_t at, uint8_t value)
{
	load(V3);
	bytes[at] = value;
	return parse();
}

static void refuses_other_values(void **state)
{
	(void)state;
	assert_int_equal(with_byte(0x30, 3), ERR_OK);     /* VMPL */
	assert_int_equal(with_byte(0x30, 4), ERR_RANGE);
	assert_int_equal(with_byte(0x33, 0xff), ERR_RANGE);
	assert_int_equal(with_byte(0x34, 0), ERR_RANGE);  /* unsigned */
	assert_int_equal(with_byte(0x34, 2), ERR_RANGE);
	assert_int_equal(with_byte(0x48, 1 << 2), ERR_OK); /* VLEK */
	assert_int_equal(r.signing_key, 1);
	assert_int_equal(with_byte(0x48, 2 << 2), ERR_RANGE);
	assert_int_equal(with_byte(0x48, 7 << 2), ERR_RANGE);
	assert_int_equal(with_byte(0x48, 1), ERR_OK);     /* author key said, digest may be anything */
	assert_true(r.author_key);
	assert_int_equal(with_byte(0x0a, 0x01), ERR_SYNTAX); /* policy bit 17 clear */
	assert_int_equal(with_byte(0x0b, 0x04), ERR_SYNTAX); /* policy bit 26 */
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(with_byte(0x40 + i / 8, (uint8_t)(1u << i % 8)), ERR_OK); /* platform: describes */
	assert_int_equal(with_byte(0x0a, 0x0f), ERR_OK);  /* debug and migration */
	assert_true(r.debug_allowed && r.migration_allowed);
}

static void host_request_is_refused(void **state)
{
	(void)state;
	load(V3);
	memset(bytes + 0x30, 0xff, 4);
	assert_int_equal(parse(), ERR_RANGE);
}

static void products(void **state)
{
	static const struct { uint8_t family, model; enum snp_product product; } rows[] = {
		{ 0x19, 0x00, SNP_MILAN }, { 0x19, 0x01, SNP_MILAN }, { 0x19, 0x10, SNP_GENOA }, { 0x19, 0x11, SNP_GENOA },
		{ 0x19, 0xa0, SNP_GENOA }, { 0x19, 0x50, SNP_PRODUCT_UNKNOWN }, { 0x18, 0x01, SNP_PRODUCT_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		load(V3);
		bytes[0x188] = rows[i].family;
		bytes[0x189] = rows[i].model;
		assert_int_equal(parse(), ERR_OK);
		assert_int_equal(r.product, rows[i].product);
	}
}

static void turin_layout(void **state)
{
	static const uint8_t tcb[8] = { 1, 2, 3, 4, 0, 0, 0, 200 };
	static const size_t at[] = { 0x38, 0x180, 0x1e0, 0x1f0 };

	(void)state;
	load(V3);
	bytes[0x188] = 0x1a;
	bytes[0x189] = 0x02;
	assert_int_equal(parse(), ERR_OK); /* this TCB and this chip are not Turin's: the certificate will not fit */
	assert_non_null(strstr(unknown(), "REPORTED_TCB byte 6"));
	assert_non_null(strstr(unknown(), "byte 0x1a8"));
	for (size_t i = 0; i < 4; i++)
		memcpy(bytes + at[i], tcb, 8);
	memset(bytes + 0x1a8, 0, 56);
	assert_int_equal(parse(), ERR_OK);
	assert_int_equal(r.product, SNP_TURIN);
	assert_int_equal(r.reported_tcb.fmc, 1);
	assert_int_equal(r.reported_tcb.bootloader, 2);
	assert_int_equal(r.reported_tcb.tee, 3);
	assert_int_equal(r.reported_tcb.snp, 4);
	assert_int_equal(r.reported_tcb.microcode, 200);
	bytes[0x1df] = 1; /* last byte of CHIP_ID */
	assert_int_equal(parse(), ERR_OK);
	assert_string_equal(unknown(), "byte 0x1df");
	bytes[0x1df] = 0;
	bytes[0x184] = 1; /* reserved in Turin's TCB */
	assert_int_equal(parse(), ERR_OK);
	assert_string_equal(unknown(), "REPORTED_TCB byte 4");
}

/* A real report of Turin, and one in version 2, which does not name the processor. */
static void real_turin(void **state)
{
	(void)state;
	load("azure/turin/turin_attestation_report.bin");
	assert_int_equal(parse(), ERR_OK);
	assert_int_equal(r.version, 5);
	assert_int_equal(r.product, SNP_TURIN);
	assert_true(r.platform_info == 0x65);
	assert_int_equal(r.reported_tcb.snp, 4);
	assert_string_equal(unknown(), "");
}

static void version_2_of_a_new_processor(void **state)
{
	(void)state;
	load("field/snp/s04-report-v2.bin");
	assert_int_equal(parse(), ERR_OK);
	assert_true(r.product_assumed);
	assert_int_equal(r.product, SNP_PRODUCT_UNKNOWN); /* nothing is assumed that does not fit */
	assert_true(r.reported_tcb.raw == 0x5100000004010101ULL);
	assert_int_equal(r.reported_tcb.microcode, 0);
	assert_string_equal(unknown(), "");
	assert_false(report_name_product(&r, SPAN_LIT("Rome")));
	assert_true(report_name_product(&r, SPAN_LIT("Turin")));
	assert_int_equal(r.launch_tcb.microcode, 81);
	assert_int_equal(r.reported_tcb.fmc, 1);
	/* the identity of a chip is enough to tell */
	memset(bytes + 0x38, 0, 8);
	memset(bytes + 0x180, 0, 8);
	memset(bytes + 0x1e0, 0, 8);
	memset(bytes + 0x1f0, 0, 8);
	assert_int_equal(parse(), ERR_OK);
	assert_int_equal(r.product, SNP_PRODUCT_UNKNOWN);
	memset(bytes + 0x1a0, 0, 8); /* masked: tells nothing */
	assert_int_equal(parse(), ERR_OK);
	assert_int_equal(r.product, SNP_MILAN);
	load(V3); /* a report that names its product is not renamed */
	assert_int_equal(parse(), ERR_OK);
	assert_false(report_name_product(&r, SPAN_LIT("Turin")));
	assert_true(report_name_product(&r, SPAN_LIT("Milan")));
}

static void failure_leaves_the_result_alone(void **state)
{
	(void)state;
	load(V3);
	assert_int_equal(parse(), ERR_OK);
	bytes[0x2d0] = 1;
	assert_int_equal(parse(), ERR_SYNTAX);
	assert_int_equal(r.version, 3);
}

UNIT(report)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_v2), cmocka_unit_test(real_v3), cmocka_unit_test(debug_report_of_another_source),
		cmocka_unit_test(fake_report_is_refused), cmocka_unit_test(versions), cmocka_unit_test(must_be_zero),
		cmocka_unit_test(what_describes_is_named), cmocka_unit_test(platform_bits), cmocka_unit_test(refusals_name_field_and_value),
		cmocka_unit_test(real_turin), cmocka_unit_test(version_2_of_a_new_processor),
		cmocka_unit_test(mitigation_vectors_belong_to_version_5), cmocka_unit_test(refuses_other_values),
		cmocka_unit_test(host_request_is_refused), cmocka_unit_test(products), cmocka_unit_test(turin_layout),
		cmocka_unit_test(failure_leaves_the_result_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
