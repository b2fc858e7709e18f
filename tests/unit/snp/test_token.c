/* A token beside a report: signature, issuer, times, every field, every changed byte. */
#include "t.h"

#include "amd.h"
#include "text/base64.h"
#include "snp/token.h"

#define ISSUER "https://maa.example"
#define NOW 1788000000

static struct checks checks;
static struct token_work work;
static uint8_t report_bytes[SNP_REPORT_LEN];
static struct snp_report report;
static char keys[8192];
static struct token_rules rules;

static void b64url(char *dst, size_t cap, const void *p, size_t n)
{
	struct out o = out_init(dst, cap);

	base64_encode(&o, B64_URL, span_of(p, n));
	(void)out_cstr(&o);
}

/* The key set with the public half of other.key under kid "k1". */
static void make_keys(void)
{
	uint8_t modulus[512];
	char text[1200], n64[800];
	size_t n;
	uint8_t *hex;

	amd_run("openssl rsa -in other.key -modulus -noout | sed s/Modulus=// | tr -d '\\n' > modulus");
	hex = amd_file("modulus", &n);
	memcpy(text, hex, n);
	text[n] = 0;
	free(hex);
	for (size_t i = 0; i < n / 2; i++) {
		unsigned v;

		assert_int_equal(sscanf(text + 2 * i, "%2x", &v), 1);
		modulus[i] = (uint8_t)v;
	}
	b64url(n64, sizeof n64, modulus, n / 2);
	snprintf(keys, sizeof keys, "{\"keys\":[{\"kid\":\"k0\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\"},{\"kid\":\"k1\",\"kty\":\"RSA\","
	         "\"e\":\"AQAB\",\"n\":\"%s\"},{\"kid\":\"twice\",\"kty\":\"RSA\"},{\"kid\":\"twice\",\"kty\":\"RSA\"},"
	         "{\"kid\":\"good twice\",\"kty\":\"OKP\",\"crv\":\"Ed25519\"},{\"kid\":\"good twice\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\",\"use\":\"sig\"},"
	         "{\"kid\":\"okp\",\"kty\":\"OKP\",\"crv\":\"Ed25519\"},{\"kid\":\"enc\",\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"%s\",\"use\":\"enc\"}]}",
	         n64, n64, n64, n64);
}

/* header.payload signed by other.key with RS256. */
static const char *token_of(const char *header, const char *payload)
{
	static char token[16384], sig64[1024];
	char h[512], p[8192];
	size_t n;
	uint8_t *sig;

	b64url(h, sizeof h, header, strlen(header));
	b64url(p, sizeof p, payload, strlen(payload));
	snprintf(token, sizeof token, "%s.%s", h, p);
	amd_write("input", token, strlen(token));
	amd_run("openssl dgst -sha256 -sign other.key -out input.sig input");
	sig = amd_file("input.sig", &n);
	b64url(sig64, sizeof sig64, sig, n);
	free(sig);
	strcat(token, ".");
	strcat(token, sig64);
	return token;
}

static const char header_k1[] = "{\"alg\":\"RS256\",\"kid\":\"k1\",\"typ\":\"JWT\"}";

static void hex_of(char *dst, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		snprintf(dst + 2 * i, 3, "%02x", p[i]);
}

/* Claims for the report, with replace instead of the member of that name ("\"name\":"), if any, and more behind. */
static const char *claims(const char *without, const char *more)
{
	static char json[8192];
	char rd[129], hd[65], m[97], all[4096];
	char *part, *save = NULL;
	size_t n;

	hex_of(rd, report.report_data, 64);
	hex_of(hd, report.host_data, 32);
	hex_of(m, report.measurement, 48);
	snprintf(all, sizeof all, "\"iss\":\"" ISSUER "\"\n\"exp\":%d\n\"nbf\":%d\n\"iat\":%d\n\"x-ms-attestation-type\":\"sevsnpvm\"\n"
	         "\"x-ms-sevsnpvm-reportdata\":\"%s\"\n\"x-ms-sevsnpvm-hostdata\":\"%s\"\n\"x-ms-sevsnpvm-launchmeasurement\":\"%s\"\n"
	         "\"x-ms-sevsnpvm-vmpl\":0\n\"x-ms-sevsnpvm-is-debuggable\":false\n\"x-ms-sevsnpvm-microcode-svn\":219",
	         NOW + 28800, NOW - 60, NOW - 60, rd, hd, m);
	n = (size_t)snprintf(json, sizeof json, "{\"jti\":\"x\"");
	for (part = strtok_r(all, "\n", &save); part; part = strtok_r(NULL, "\n", &save))
		if (!without || strncmp(part, without, strlen(without)) != 0)
			n += (size_t)snprintf(json + n, sizeof json - n, ",%s", part);
	snprintf(json + n, sizeof json - n, "%s}", more);
	return json;
}

static int make_all(void **state)
{
	char problem[REPORT_PROBLEM_MAX];

	(void)state;
	if (!amd_make())
		return 0;
	amd_report(report_bytes, 3, 0x19, 1);
	assert_int_equal(report_parse(report_bytes, &report, problem), ERR_OK);
	make_keys();
	rules = (struct token_rules){ .issuer = ISSUER, .keys = span_str(keys), .now_s = NOW };
	return 0;
}

static bool about_the_report(struct span token, const struct token_rules *r, int64_t *issued)
{
	bool ok = token_verify(token, r, &work, issued, &checks) == ERR_OK;

	return work.claims.n && token_agrees(&work, &report, &checks) && ok;
}

static bool verify(const char *token, const struct token_rules *r, int64_t *issued)
{
	checks_init(&checks);
	return about_the_report(span_str(token), r, issued);
}

static const char *failed(void)
{
	for (size_t i = 0; i < checks.n; i++)
		if (checks.list[i].state == CHECK_FAILED)
			return checks.list[i].id;
	return "";
}

static void refuses(const char *token, const struct token_rules *r, const char *id)
{
	if (verify(token, r, NULL) || strcmp(failed(), id) != 0)
		fail_msg("failed %s, not %s", failed(), id);
}

static void good_tokens(void **state)
{
	struct token_rules r = rules;
	const char *token;
	int64_t issued;

	(void)state;
	if (!*amd_dir)
		skip();
	token = token_of(header_k1, claims(NULL, ""));
	if (!verify(token, &r, &issued))
		fail_msg("%s", failed());
	assert_true(issued == NOW - 60);
	assert_true(verify(token_of("{\"alg\":\"RS256\",\"kid\":\"good twice\"}", claims(NULL, "")), &r, NULL)); /* one of both has signed */
	token = token_of(header_k1, claims(NULL, ""));
	r.keys = span_of(NULL, 0); /* unsigned is told, and proves no time */
	assert_true(verify(token, &r, &issued));
	assert_true(issued == 0);
	assert_int_equal(checks_count(&checks, CHECK_GENUINE, CHECK_SKIPPED), 1);
	r = rules;
	r.now_s = NOW + 28800 + TOKEN_LEEWAY_S - 1;
	assert_true(verify(token, &r, NULL));
	r.now_s++;
	refuses(token, &r, "token.time");
	r.saved = true;
	assert_true(verify(token, &r, NULL));
	r.now_s = NOW - 60 - TOKEN_LEEWAY_S - 1;
	refuses(token, &r, "token.time");
}

static void every_byte(void **state)
{
	const char *token;
	uint8_t *copy;
	size_t n;

	(void)state;
	if (!*amd_dir)
		skip();
	token = token_of(header_k1, claims(NULL, ""));
	n = strlen(token);
	copy = t_exact(span_of(token, n));
	for (size_t i = 0; i < n; i++) {
		copy[i] ^= (uint8_t)(1u << (i % 8));
		checks_init(&checks);
		if (about_the_report(span_of(copy, n), &rules, NULL))
			fail_msg("changed byte %zu accepted", i);
		copy[i] ^= (uint8_t)(1u << (i % 8));
	}
	for (size_t i = 0; i < n; i += 7) {
		uint8_t *cut = t_exact(span_of(copy, i));

		checks_init(&checks);
		assert_false(about_the_report(span_of(cut, i), &rules, NULL));
		free(cut);
	}
	free(copy);
}

static void wrong_ones(void **state)
{
	static const struct { const char *without, *more, *why; } all[] = {
		{ "\"iss\"", ",\"iss\":\"https://evil.example\"", "token.issuer" }, { "\"iss\"", "", "token.issuer" },
		{ "\"iss\"", ",\"iss\":\"" ISSUER "/\"", "token.issuer" }, { "\"exp\"", "", "token.time" },
		{ "\"exp\"", ",\"exp\":\"1999999999\"", "token.time" }, { "\"nbf\"", ",\"nbf\":1.5", "token.time" },
		{ "\"x-ms-attestation-type\"", ",\"x-ms-attestation-type\":\"azurevm\"", "token.type" },
		{ "\"x-ms-sevsnpvm-reportdata\"", "", "token.report" }, { "\"x-ms-sevsnpvm-hostdata\"", "", "token.report" },
		{ "\"x-ms-sevsnpvm-launchmeasurement\"", "", "token.report" }, { "\"x-ms-sevsnpvm-vmpl\"", ",\"x-ms-sevsnpvm-vmpl\":1", "token.report" },
		{ "\"x-ms-sevsnpvm-vmpl\"", ",\"x-ms-sevsnpvm-vmpl\":\"0\"", "token.report" },
		{ "\"x-ms-sevsnpvm-is-debuggable\"", ",\"x-ms-sevsnpvm-is-debuggable\":true", "token.report" },
		{ "\"x-ms-sevsnpvm-microcode-svn\"", ",\"x-ms-sevsnpvm-microcode-svn\":218", "token.report" },
		{ NULL, ",\"x-ms-sevsnpvm-reportid\":\"00\"", "token.report" }, { NULL, ",\"x-ms-sevsnpvm-guestsvn\":3", "token.report" },
		{ NULL, ",\"iss\":\"" ISSUER "\"", "token.form" }, /* twice */
	};
	static const char *const headers[] = {
		"{\"alg\":\"RS256\",\"kid\":\"k2\"}", "{\"alg\":\"RS256\"}", "{\"alg\":\"RS256\",\"kid\":\"twice\"}", "{\"alg\":\"none\",\"kid\":\"k1\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k1\"}", "{\"alg\":\"PS256\",\"kid\":\"k1\"}", "{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"x\"]}",
	};
	struct token_rules r = rules;

	(void)state;
	if (!*amd_dir)
		skip();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		refuses(token_of(header_k1, claims(all[i].without, all[i].more)), &rules, all[i].why);
	for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
		refuses(token_of(headers[i], claims(NULL, "")), &rules, "token.signature");
	r.keys = SPAN_LIT("{\"keys\":[]}");
	refuses(token_of(header_k1, claims(NULL, "")), &r, "token.signature");
	r.keys = SPAN_LIT("not json");
	refuses(token_of(header_k1, claims(NULL, "")), &r, "token.signature");
}

/* What is told of a header or key that is not supported. */
static void unsupported_ones(void **state)
{
	static const struct { const char *header, *why, *found; } all[] = {
		{ "{\"alg\":\"RS512\",\"kid\":\"k1\"}", "the signature algorithm is not supported (known: RS256, ", "RS512" },
		{ "{\"alg\":\"none\",\"kid\":\"k1\"}", "the signature algorithm is not supported (known: RS256, ", "none" },
		{ "{\"kid\":\"k1\"}", "the signature algorithm is not supported (known: RS256, ", "" },
		{ "{\"alg\":\"RS256\",\"kid\":\"k1\",\"crit\":[\"x\"]}", "the header has critical members (crit), which are not supported", "" },
		{ "{\"alg\":\"RS256\",\"kid\":\"okp\"}", "the key type is not supported (known: RSA, EC P-256, EC P-384)", "OKP Ed25519" },
		{ "{\"alg\":\"RS256\",\"kid\":\"enc\"}", "the issuer's key with the token's key id is not for signatures", "" },
		{ "{\"alg\":\"RS256\",\"kid\":\"k2\"}", "the issuer lists no key with the token's key id", "" },
		{ "{\"alg\":\"RS256\"}", "the token names no key (kid)", "" },
		{ "{\"alg\":\"RS256\",\"kid\":\"twice\"}", "the issuer's key cannot be read", "" },
		{ "{\"alg\":\"PS256\",\"kid\":\"k1\"}", "the token's signature is wrong", "" },
	};

	(void)state;
	if (!*amd_dir)
		skip();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		const struct check *c;

		refuses(token_of(all[i].header, claims(NULL, "")), &rules, "token.signature");
		for (c = checks.list; c->state != CHECK_FAILED; c++)
			;
		if (strncmp(checks_text(&checks, c->why), all[i].why, strlen(all[i].why)) != 0)
			fail_msg("%s: %s", all[i].header, checks_text(&checks, c->why));
		assert_string_equal(checks_text(&checks, c->found), all[i].found);
		assert_int_equal(work.unlisted, strstr(all[i].why, "lists no key") != NULL);
	}
	refuses(token_of(header_k1, claims("\"x-ms-attestation-type\"", ",\"x-ms-attestation-type\":\"tdxvm\"")), &rules, "token.type");
	assert_string_equal(checks_text(&checks, checks.list[checks.n - 2].found), "tdxvm");
}

/* The claims in place of a report: what they say, and that they leave unsaid what they do not say. */
static void in_place_of_a_report(void **state)
{
	const unsigned firmware = UNSAID_TCB << 0 | UNSAID_TCB << 1 | UNSAID_TCB << 2 | UNSAID_TCB << 3;
	struct snp_report r;
	unsigned unsaid;

	(void)state;
	if (!*amd_dir)
		skip();
	assert_true(verify(token_of(header_k1, claims(NULL, "")), &rules, NULL));
	assert_true(token_report(&work, &r, &unsaid));
	assert_memory_equal(r.report_data, report.report_data, 64);
	assert_memory_equal(r.host_data, report.host_data, 32);
	assert_memory_equal(r.measurement, report.measurement, 48);
	assert_int_equal(r.product, SNP_PRODUCT_UNKNOWN);
	assert_int_equal(r.reported_tcb.microcode, 219);
	assert_int_equal(unsaid, firmware | UNSAID_MIGRATION);
	assert_null(r.chip_id);
	/* malformed is as good as absent */
	checks_init(&checks);
	(void)!token_verify(span_str(token_of(header_k1, claims("\"x-ms-sevsnpvm-", ",\"x-ms-sevsnpvm-vmpl\":256,\"x-ms-sevsnpvm-is-debuggable\":\"false\""))), &rules, &work, NULL, &checks);
	assert_false(token_report(&work, &r, &unsaid));
	(void)!token_verify(span_str(token_of(header_k1, claims("\"x-ms-sevsnpvm-vmpl\"", ",\"x-ms-sevsnpvm-vmpl\":256,\"x-ms-sevsnpvm-tee-svn\":1.0"))), &rules, &work, NULL, &checks);
	assert_true(token_report(&work, &r, &unsaid));
	assert_int_equal(unsaid, firmware | UNSAID_MIGRATION | UNSAID_VMPL);
}

UNIT(token)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tokens), cmocka_unit_test(every_byte), cmocka_unit_test(wrong_ones), cmocka_unit_test(unsupported_ones),
		cmocka_unit_test(in_place_of_a_report),
	};

	return cmocka_run_group_tests(tests, make_all, NULL);
}
