/* Platform certificates: real VCEKs against real reports, THIM's JSON, the security context. */
#include <unistd.h>

#include "t.h"

#include "azure/thim.h"
#include "text/base64.h"
#include "snp/context.h"
#include "vectors.h"

#define SKR "azure/skr-sidecar/"

static struct platform_certs certs;
static struct context context;
static uint8_t scratch[CONTEXT_SCRATCH_LEN];
static uint8_t report_bytes[SNP_REPORT_LEN];
static struct snp_report report;

static uint8_t *need(const char *name, size_t *n)
{
	uint8_t *p = vectors_read(name, n);

	if (!p)
		skip();
	return p;
}

static char field_problem[REPORT_PROBLEM_MAX];

static void load_report(const char *name)
{
	size_t n;
	uint8_t *p = need(name, &n);

	assert_int_equal(n, SNP_REPORT_LEN);
	memcpy(report_bytes, p, n);
	free(p);
	assert_int_equal(report_parse(report_bytes, &report, field_problem), ERR_OK);
}

static void load_pem(const char *name)
{
	size_t n;
	uint8_t *p = need(name, &n);

	assert_int_equal(certs_from_pem(span_of(p, n), &certs), ERR_OK);
	free(p);
}

static struct vcek leaf_of(uint8_t der[CERT_DER_MAX])
{
	const char *problem = NULL;
	struct vcek v;
	size_t n;

	assert_int_equal(certs_leaf(&certs, der, &n), ERR_OK);
	assert_int_equal(vcek_parse(span_of(der, n), &v, &problem), ERR_OK);
	assert_null(problem);
	return v;
}

static void two_byte_integers(void **state)
{
	uint8_t der[CERT_DER_MAX];
	struct vcek v;

	(void)state;
	load_pem(SKR "cert_fetcher_test_chain.pem");
	v = leaf_of(der);
	assert_int_equal(v.product, SNP_MILAN);
	assert_int_equal(v.tcb.microcode, 0xdb); /* 02 02 00 DB */
	assert_int_equal(v.tcb.bootloader, 4);
	assert_true(v.tcb.raw == 0xdb18000000000004ULL);
	assert_false(v.vlek);
	load_report(SKR "cert_fetcher_test_report_v3.bin");
	assert_true(vcek_matches(&report, &v, NULL));
	assert_true(certs_match(&certs, &report, NULL));
}

static void other_source(void **state)
{
	const char *problem = NULL;
	struct vcek v;
	size_t n;
	uint8_t *der = need("azure/go-sev-guest/vcek.testcer", &n);

	(void)state;
	load_report("azure/go-sev-guest/attestation.bin");
	assert_int_equal(vcek_parse(span_of(der, n), &v, &problem), ERR_OK);
	assert_true(vcek_matches(&report, &v, &problem));
	/* every cut is refused, none crashes */
	for (size_t i = 0; i < n; i++)
		assert_int_not_equal(vcek_parse(span_of(der, i), &v, &problem), ERR_OK);
	free(der);
}

static void each_level_and_the_chip_count(void **state)
{
	static const struct { size_t at; const char *what; } bytes[] = {
		{ 0x180, "boot loader patch level" }, { 0x181, "TEE patch level" }, { 0x186, "SNP firmware patch level" },
		{ 0x187, "microcode patch level" }, { 0x1a0, "chip" }, { 0x1df, "chip" },
	};
	uint8_t der[CERT_DER_MAX];
	const char *problem;
	struct vcek v;

	(void)state;
	load_pem(SKR "cert_fetcher_test_chain.pem");
	v = leaf_of(der);
	load_report(SKR "cert_fetcher_test_report_v3.bin");
	for (size_t i = 0; i < sizeof bytes / sizeof bytes[0]; i++) {
		report_bytes[bytes[i].at] ^= 1;
		assert_int_equal(report_parse(report_bytes, &report, field_problem), ERR_OK);
		assert_false(vcek_matches(&report, &v, &problem));
		assert_string_equal(problem, bytes[i].what);
		report_bytes[bytes[i].at] ^= 1;
	}
	memset(report_bytes + 0x1a0, 0, 64); /* masked: not compared */
	assert_int_equal(report_parse(report_bytes, &report, field_problem), ERR_OK);
	assert_true(vcek_matches(&report, &v, &problem));
	report_bytes[0x189] = 0x11; /* Genoa */
	assert_int_equal(report_parse(report_bytes, &report, field_problem), ERR_OK);
	assert_false(vcek_matches(&report, &v, &problem));
	assert_string_equal(problem, "product");
	report_bytes[0x189] = 0x01;
	report_bytes[0x48] = 1 << 2; /* signed by a VLEK */
	assert_int_equal(report_parse(report_bytes, &report, field_problem), ERR_OK);
	assert_false(vcek_matches(&report, &v, &problem));
}

static void amd_roots_are_no_vceks(void **state)
{
	uint8_t der[CERT_DER_MAX];
	const char *problem = NULL;
	struct vcek v;
	size_t n;

	uint8_t three[CERT_CHAIN_PEM_MAX];
	uint8_t *p;
	size_t two;

	(void)state;
	p = need("azure/go-sev-guest/ask_ark_genoa.pem", &two);
	assert_true(2 * two <= sizeof three);
	memcpy(three, p, two);
	memcpy(three + two, p, two);
	free(p);
	/* Two certificates are no chain; four are three and one too many, which is for others to judge. */
	assert_int_equal(certs_from_pem(span_of(three, two), &certs), ERR_SYNTAX);
	assert_int_equal(certs_leaf(&certs, der, &n), ERR_NOT_FOUND);
	assert_int_equal(certs_from_pem(span_of(three, 2 * two), &certs), ERR_OK);
	assert_int_equal(certs_leaf(&certs, der, &n), ERR_OK);
	assert_int_equal(vcek_parse(span_of(der, n), &v, &problem), ERR_NOT_FOUND);
	assert_non_null(problem);
	load_report(SKR "cert_fetcher_test_report_v3.bin");
	assert_false(certs_match(&certs, &report, &problem));
}

static void thim_json(void **state)
{
	size_t n, m;
	uint8_t *json = need(SKR "uvm_host_amd_certificate.json", &n);
	uint8_t *pem = need(SKR "uvm_host_amd_certificate.pem", &m);
	const char *problem = "";

	(void)state;
	assert_int_equal(certs_parse_thim(span_of(json, n), &certs), ERR_OK);
	assert_true(certs.has_tcbm);
	assert_true(certs.tcbm == 0x7308000000000003ULL);
	assert_int_equal(certs.cache_s, 86400);
	assert_int_equal(certs.pem_len, m); /* plain concatenation */
	assert_memory_equal(certs.pem, pem, m);
	load_report(SKR "snp_report.bin");
	assert_true(certs_match(&certs, &report, &problem));
	assert_null(problem);
	for (size_t i = 0; i < n; i += 7)
		if (certs_parse_thim(span_of(json, i), &certs) == ERR_OK)
			fail_msg("cut at %zu accepted", i);
	assert_int_equal(certs.pem_len, 0);
	free(json);
	free(pem);
}

static void thim_json_refused(void **state)
{
	static const char *const bad[] = {
		"", "[]", "{}", "null",
		"{\"vcekCert\":\"\",\"tcbm\":\"1\",\"certificateChain\":\"\",\"cacheControl\":\"1\"}",
		"{\"vcekCert\":1,\"tcbm\":\"1\",\"certificateChain\":\"\"}",
		"{\"vcekCert\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\",\"certificateChain\":\"\"}",
		"{\"vcekCert\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\",\"certificateChain\":\"\",\"tcbm\":\"xyz\"}",
		"{\"vcekCert\":\"-----BEGIN CERTIFICATE-----\\nAAAA\\n-----END CERTIFICATE-----\\n\",\"certificateChain\":\"\",\"tcbm\":\"12345678901234567\"}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_not_equal(certs_parse_thim(span_str(bad[i]), &certs), ERR_OK);
}

static const char *context_dir(char path[1024])
{
	if (!vectors_dir())
		skip();
	snprintf(path, 1024, "%s/" SKR "security-context-test", vectors_dir());
	return path;
}

static void security_context_directory(void **state)
{
	static const uint8_t policy[4] = { 0x4f, 0x44, 0x48, 0xc6 };
	const struct context_env env = { 0 };
	const char *problem;
	char path[1024];

	(void)state;
	assert_int_equal(context_load(&context, context_dir(path), &env, scratch, &problem), ERR_OK);
	assert_int_equal(context.source, CONTEXT_FILES);
	assert_true(context.has_policy);
	assert_memory_equal(context.policy_sha256, policy, sizeof policy);
	assert_int_equal(context.reference[0], 0xd2); /* COSE_Sign1's tag */
	assert_true(context.reference_len > 10000);
	assert_true(context.certs.has_tcbm);
	/* another chip's certificate: must not be taken for this report's */
	load_report(SKR "snp_report.bin");
	assert_false(certs_match(&context.certs, &report, &problem));
	assert_non_null(problem);
}

/* A directory with the given files, from the vectors' or of own text; tail is appended. */
static void make_dir(const char *dir, const char *leave_out, const char *tail)
{
	static const char *const names[] = { "reference-info-base64", "host-amd-cert-base64", "security-policy-base64" };

	for (size_t i = 0; i < 3; i++) {
		char from[256], to[256];
		uint8_t *p;
		size_t n;
		FILE *f;

		snprintf(from, sizeof from, SKR "security-context-test/%s", names[i]);
		snprintf(to, sizeof to, "%s/%s", dir, names[i]);
		unlink(to);
		if (leave_out && strcmp(leave_out, names[i]) == 0)
			continue;
		p = need(from, &n);
		f = fopen(to, "w");
		assert_non_null(f);
		fwrite(p, 1, n, f);
		fputs(tail, f);
		fclose(f);
		free(p);
	}
}

static void remove_dir(const char *dir)
{
	make_dir(dir, NULL, "");
	for (size_t i = 0; i < 3; i++) {
		static const char *const names[] = { "reference-info-base64", "host-amd-cert-base64", "security-policy-base64" };
		char path[256];

		snprintf(path, sizeof path, "%s/%s", dir, names[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void all_files_or_none(void **state)
{
	static const char *const names[] = { "reference-info-base64", "host-amd-cert-base64", "security-policy-base64" };
	const struct context_env nothing = { 0 };
	struct context_env env = { .policy = SPAN_LIT("cGFja2FnZSBwb2xpY3k=") };
	char dir[] = "/tmp/parley-context-XXXXXX";
	const char *problem;

	(void)state;
	if (!vectors_dir())
		skip();
	assert_non_null(mkdtemp(dir));
	make_dir(dir, NULL, " \r\n\n");
	assert_int_equal(context_load(&context, dir, &nothing, scratch, &problem), ERR_OK);
	for (size_t i = 0; i < 3; i++) {
		make_dir(dir, names[i], "");
		assert_int_equal(context_load(&context, dir, &nothing, scratch, &problem), ERR_NOT_FOUND);
		assert_string_equal(problem, names[i]);
		assert_int_equal(context.source, CONTEXT_NONE);
		assert_int_equal(context.reference_len, 0); /* nothing of the files that could be read is kept */
		assert_int_equal(context.certs.pem_len, 0);
		/* the environment is used instead, and only it */
		assert_int_equal(context_load(&context, dir, &env, scratch, &problem), ERR_OK);
		assert_int_equal(context.source, CONTEXT_ENVIRONMENT);
		assert_true(context.has_policy);
		assert_int_equal(context.reference_len, 0);
	}
	make_dir(dir, NULL, "*");
	assert_int_equal(context_load(&context, dir, &nothing, scratch, &problem), ERR_SYNTAX);
	remove_dir(dir);
}

static void environment(void **state)
{
	struct context_env env = { 0 };
	const char *problem;
	size_t n;
	uint8_t *p = need(SKR "security-context-test/host-amd-cert-base64", &n);

	(void)state;
	env.amd_cert = span_of(p, n);
	assert_int_equal(context_load(&context, "/nonexistent", &env, scratch, &problem), ERR_OK);
	assert_true(context.certs.has_tcbm);
	env.reference = SPAN_LIT("not base64!");
	assert_int_equal(context_load(&context, "/nonexistent", &env, scratch, &problem), ERR_SYNTAX);
	assert_string_equal(problem, "UVM_REFERENCE_INFO");
	assert_int_equal(context.certs.pem_len, 0);
	free(p);
}

static const char *target(enum thim_source source, const struct snp_report *r)
{
	static char text[2048];
	struct out o = out_init(text, sizeof text);

	assert_int_equal(thim_write_target(&o, source, r), ERR_OK);
	return out_cstr(&o);
}

static void request_targets(void **state)
{
	static const char chip[] = "0f92f1d29e384e0ab34a5176b21e72202785010aa2b14d708754471fd2dddb4c728224b848360e8409adbfb428a2b8"
	                           "c5ce87e7f3ab3a6620073ed60dc05ddc21";
	static const uint8_t turin_tcb[8] = { 9, 2, 3, 4, 0, 0, 0, 200 };
	char want[1024];
	struct out o = out_init(want, sizeof want);

	(void)state;
	load_report(SKR "cert_fetcher_test_report_v3.bin");
	assert_string_equal(target(THIM_HOST, NULL), "/metadata/THIM/amd/certification");
	snprintf(want, sizeof want, "/metadata/THIM/amd/certification?tcbVersion=db18000000000004&platformId=%s&productName=Milan", chip);
	assert_string_equal(target(THIM_HOST, &report), want);
	snprintf(want, sizeof want, "/SevSnpVM/certificates/%s/db18000000000004?api-version=2020-10-15-preview&clientId=ConfidentialACI", chip);
	assert_string_equal(target(THIM_AZURE_CACHE, &report), want);
	snprintf(want, sizeof want, "/vcek/v1/Milan/%s?blSPL=4&teeSPL=0&snpSPL=24&ucodeSPL=219", chip);
	assert_string_equal(target(THIM_AMD_KDS, &report), want);
	for (size_t at = 0x38; at; at = at == 0x38 ? 0x180 : at == 0x180 ? 0x1e0 : at == 0x1e0 ? 0x1f0 : 0)
		memcpy(report_bytes + at, turin_tcb, 8);
	memset(report_bytes + 0x1a8, 0, 56);
	report_bytes[0x188] = 0x1a;
	report_bytes[0x189] = 2;
	assert_int_equal(report_parse(report_bytes, &report, field_problem), ERR_OK);
	assert_string_equal(target(THIM_AMD_KDS, &report),
	                    "/vcek/v1/Turin/0f92f1d29e384e0a?fmcSPL=9&blSPL=2&teeSPL=3&snpSPL=4&ucodeSPL=200");
	report_bytes[0] = 2; /* which does not name the processor */
	assert_int_equal(report_parse(report_bytes, &report, field_problem), ERR_OK);
	assert_int_equal(report.product, SNP_PRODUCT_UNKNOWN);
	snprintf(want, sizeof want, "/SevSnpVM/certificates/%.16s%0112d/c800000004030209?api-version=2020-10-15-preview&clientId=ConfidentialACI",
	         chip, 0);
	assert_string_equal(target(THIM_AZURE_CACHE, &report), want); /* the cache needs no product */
	o = out_init(want, sizeof want);
	assert_int_equal(thim_write_target(&o, THIM_HOST, &report), ERR_RANGE);
	assert_int_equal(thim_write_target(&o, THIM_AMD_KDS, &report), ERR_RANGE);
}

UNIT(vcek)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_byte_integers), cmocka_unit_test(other_source), cmocka_unit_test(each_level_and_the_chip_count),
		cmocka_unit_test(amd_roots_are_no_vceks), cmocka_unit_test(thim_json), cmocka_unit_test(thim_json_refused),
		cmocka_unit_test(security_context_directory), cmocka_unit_test(all_files_or_none), cmocka_unit_test(environment),
		cmocka_unit_test(request_targets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
