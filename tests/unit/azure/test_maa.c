/* Azure Attestation: the request byte for byte, and tokens that must not be believed. The key set's fetch is replaced below;
 * everything else is the shipped source. */
#include <time.h>

#include "t.h"

#include "azure/services.h"
#include "http/call.h"
#include "signer.h"
#include "vectors.h"

static enum err fake_call_success(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline, struct fault *f);
#define call_success fake_call_success
#include "azure/maa_token.c"
#undef call_success

static struct maa work;

/* --- The request --- */

static uint8_t request[MAA_BODY_MAX], scratch[MAA_SCRATCH_LEN];

/* The same text, put together by other means. */
static char *expected_request(const struct maa_evidence *e, const char *nonce)
{
	char *s = b64_text(e->report.p, e->report.n, 1, 1), *c = b64_text(e->chain_pem.p, e->chain_pem.n, 1, 1);
	char *d = b64_text(e->runtime.p, e->runtime.n, 1, 1), *r, *inner = malloc(400000), *whole = malloc(400000);

	if (e->uvm.n) {
		char *u = b64_text(e->uvm.p, e->uvm.n, 1, 1), *endorse;

		sprintf(inner, "{\"Uvm\":[\"%s\"]}", u);
		endorse = b64_text(inner, strlen(inner), 1, 1);
		sprintf(inner, "{\"SnpReport\":\"%s\",\"VcekCertChain\":\"%s\",\"Endorsements\":\"%s\"}", s, c, endorse);
		free(u);
		free(endorse);
	} else {
		sprintf(inner, "{\"SnpReport\":\"%s\",\"VcekCertChain\":\"%s\"}", s, c);
	}
	r = b64_text(inner, strlen(inner), 1, 1);
	sprintf(whole, "{\"report\":\"%s\",\"runtimeData\":{\"data\":\"%s\",\"dataType\":\"JSON\"},\"initTimeData\":{\"data\":\"\","
	        "\"dataType\":\"\"},\"nonce\":%s}", r, d, nonce);
	free(s);
	free(c);
	free(d);
	free(r);
	free(inner);
	return whole;
}

static void request_bytes(void **state)
{
	size_t n[4];
	uint8_t *v[4] = {
		vectors_read("azure/skr-sidecar/snp_report.bin", &n[0]),
		vectors_read("azure/skr-sidecar/uvm_host_amd_certificate.pem", &n[1]),
		vectors_read("azure/skr-sidecar/body.uvm_reference_info.bin", &n[2]),
		vectors_read("azure/skr-sidecar/wrapping_key_jwks.json", &n[3]),
	};
	struct maa_evidence e;
	struct out o = out_init(request, sizeof request);
	char *want;

	(void)state;
	if (!v[0])
		skip();
	e = (struct maa_evidence){ span_of(v[0], n[0]), span_of(v[1], n[1]), span_of(v[2], n[2]), span_of(v[3], n[3]) };
	assert_int_equal(maa_write_request(&o, &e, 7394904505194784, scratch, sizeof scratch), ERR_OK);
	want = expected_request(&e, "7394904505194784");
	assert_int_equal(o.n, strlen(want));
	assert_memory_equal(request, want, o.n);
	free(want);
	e.uvm = span_of(NULL, 0); /* then there is no "Endorsements" at all */
	o = out_init(request, sizeof request);
	assert_int_equal(maa_write_request(&o, &e, 0, scratch, sizeof scratch), ERR_OK);
	want = expected_request(&e, "0");
	assert_int_equal(o.n, strlen(want));
	assert_memory_equal(request, want, o.n);
	free(want);
	for (int i = 0; i < 4; i++)
		free(v[i]);
}

static void request_limits(void **state)
{
	static uint8_t zeros[UVM_ENDORSEMENT_MAX + 64];
	struct maa_evidence e = { span_of(zeros, SNP_REPORT_LEN), span_of(zeros, CERT_CHAIN_PEM_MAX), span_of(zeros, UVM_ENDORSEMENT_MAX),
		                  span_of(zeros, RUNTIME_DATA_MAX) };
	struct out o = out_init(request, sizeof request);

	(void)state;
	assert_int_equal(maa_write_request(&o, &e, 1, scratch, sizeof scratch), ERR_OK); /* the largest of everything fits */
	e.uvm.n += 64;
	o = out_init(request, sizeof request);
	assert_int_equal(maa_write_request(&o, &e, 1, scratch, sizeof scratch), ERR_TOO_BIG);
	e.uvm.n -= 64;
	o = out_init(request, 100000);
	assert_int_equal(maa_write_request(&o, &e, 1, scratch, sizeof scratch), ERR_TOO_BIG);
}

/* --- Tokens --- */

#define INSTANCE "maa.localhost:9101"
static struct rsa_key service_key, other_key;
static char key_set[8192];
static int fetches, set_status;

static enum err fake_call_success(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline, struct fault *f)
{
	(void)c;
	(void)deadline;
	fault_clear(f);
	fetches++;
	assert_string_equal(k->request.target, "/certs");
	assert_string_equal(k->to.host, "maa.localhost");
	assert_int_equal(k->to.port, 9101);
	assert_false(k->to.plain);
	assert_int_equal(k->to.trust, TLS_TRUST_ANCHORS);
	memcpy(k->body, key_set, strlen(key_set));
	*a = (struct call_answer){ set_status, span_of(k->body, strlen(key_set)), true, 0 };
	return set_status == 200 ? ERR_OK : call_refused(k, a, f);
}

static uint8_t report_data[64], host_data[32];
static struct fault fault;

static void put_hex(char *to, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sprintf(to + 2 * i, "%02x", p[i]);
}

/* Claims as the service gives them; a change replaces the first occurrence of `from` by `to`. */
static char *claims(const char *from, const char *to)
{
	char rd[129], hd[65], *text = malloc(8192), *at;
	long long now = time(NULL);

	put_hex(rd, report_data, 64);
	put_hex(hd, host_data, 32);
	sprintf(text, "{\"exp\":%lld,\"iat\":%lld,\"iss\":\"https://" INSTANCE "\",\"nbf\":%lld,\"nonce\":\"12345\","
	        "\"x-ms-attestation-type\":\"sevsnpvm\",\"x-ms-compliance-status\":\"azure-compliant-uvm\",\"x-ms-sevsnpvm-hostdata\":\"%s\","
	        "\"x-ms-sevsnpvm-is-debuggable\":false,\"x-ms-sevsnpvm-reportdata\":\"%s\",\"x-ms-sevsnpvm-vmpl\":0}",
	        now + 28800, now, now, hd, rd);
	if (from) {
		char *copy = malloc(8192);

		at = strstr(text, from);
		assert_non_null(at);
		sprintf(copy, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
		free(text);
		text = copy;
	}
	return text;
}

static const char good_header[] = "{\"alg\":\"RS256\",\"jku\":\"https://" INSTANCE "/certs\",\"kid\":\"K1+/=\",\"typ\":\"JWT\"}";

static struct maa_expect everything(void)
{
	return (struct maa_expect){ INSTANCE, "12345", report_data, host_data };
}

static enum err verify_text(const char *token, const struct maa_expect *x)
{
	enum err err;

	fault_clear(&fault);
	err = maa_verify(&work, span_str(token), x, clock_ms() + 1000, &fault);
	assert_int_equal(err, fault.err);
	return err;
}

static enum err verify_changed(const char *header, const char *from, const char *to)
{
	struct maa_expect x = everything();
	char *c = claims(from, to), *token = sign_token(&service_key, header, c);
	enum err err = verify_text(token, &x);

	free(c);
	free(token);
	return err;
}

static int setup(void **state)
{
	char *jwk;

	(void)state;
	if (service_key.n_bits == 0 && (rsa_generate(&service_key, 2048) || rsa_generate(&other_key, 2048)))
		return -1;
	for (size_t i = 0; i < 64; i++)
		report_data[i] = (uint8_t)(i * 3 + 1);
	for (size_t i = 0; i < 32; i++)
		host_data[i] = (uint8_t)(200 - i);
	jwk = public_jwk(&service_key, "K1+/=");
	snprintf(key_set, sizeof key_set, "{\"keys\":[{\"kid\":\"old\",\"kty\":\"RSA\",\"n\":\"AQ\",\"e\":\"AQAB\"},%s]}", jwk);
	free(jwk);
	memset(&work, 0, sizeof work);
	fetches = 0;
	set_status = 200;
	return 0;
}

static void good_token(void **state)
{
	char *c = claims(NULL, NULL);

	(void)state;
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_OK);
	assert_true(json_is(json_get(json_root(&work.token.claims), "nonce"), "12345"));
	assert_int_equal(fetches, 1);
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_OK);
	assert_int_equal(fetches, 1); /* the key set is kept */
	free(c);
}

static void claims_that_do_not_fit(void **state)
{
	static const struct { const char *from, *to; enum err err; } rows[] = {
		{ "https://" INSTANCE, "https://other.example", ERR_UNTRUSTED }, { "https://" INSTANCE, "https://" INSTANCE "/", ERR_UNTRUSTED },
		{ "https://" INSTANCE, "http://" INSTANCE, ERR_UNTRUSTED }, { "https://" INSTANCE, "https://maa.localhost", ERR_UNTRUSTED },
		{ "\"iss\"", "\"xss\"", ERR_UNTRUSTED },
		{ "\"nonce\":\"12345\"", "\"nonce\":\"12346\"", ERR_MISMATCH }, { "\"nonce\":\"12345\"", "\"nonce\":12345", ERR_MISMATCH },
		{ "\"nonce\":\"12345\",", "", ERR_MISMATCH },
		{ "sevsnpvm\"", "azurevm\"", ERR_MISMATCH }, { "\"x-ms-attestation-type\"", "\"x-ms-attestation-typ\"", ERR_MISMATCH },
		{ "\"x-ms-sevsnpvm-reportdata\":\"0", "\"x-ms-sevsnpvm-reportdata\":\"1", ERR_MISMATCH },
		{ "\"x-ms-sevsnpvm-hostdata\":\"c", "\"x-ms-sevsnpvm-hostdata\":\"d", ERR_MISMATCH },
		{ "\"x-ms-sevsnpvm-hostdata\":\"c", "\"x-ms-sevsnpvm-hostdata\":\"", ERR_MISMATCH },
		{ "\"x-ms-sevsnpvm-hostdata\"", "\"x\"", ERR_MISMATCH },
		{ "{\"exp\":", "{\"expp\":", ERR_PROTOCOL }, { "{\"exp\":", "{\"exp\":0,\"x\":", ERR_UNTRUSTED },
		{ "{\"exp\":", "{\"exp\":\"9999999999\",\"x\":", ERR_PROTOCOL }, { "{\"exp\":", "{\"exp\":1e12,\"x\":", ERR_PROTOCOL },
		{ "\"nbf\":", "\"nbf\":99999999999,\"x\":", ERR_UNTRUSTED }, { "\"nbf\":", "\"nbf\":null,\"x\":", ERR_PROTOCOL },
		{ "{\"exp\"", "{\"iss\":\"https://evil\",\"exp\"", ERR_PROTOCOL }, /* a claim twice */
		{ "{", "", ERR_PROTOCOL }, { "}", "} ,", ERR_PROTOCOL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		enum err err = verify_changed(good_header, rows[i].from, rows[i].to);

		if (err != rows[i].err)
			fail_msg("%s -> %s: %s, want %s (%s)", rows[i].from, rows[i].to, err_name(err), err_name(rows[i].err), fault.message);
		assert_ptr_equal(fault.step, STEP_TOKEN_VERIFY);
	}
}

static void times_have_leeway(void **state)
{
	static const struct { int exp, nbf; enum err err; } rows[] = {
		{ 10, 0, ERR_OK }, { -290, -400, ERR_OK }, { -310, -400, ERR_UNTRUSTED }, { 1000, 290, ERR_OK }, { 1000, 310, ERR_UNTRUSTED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char to[128];
		struct maa_expect x = everything();
		char *c, *at, *token;

		c = claims("\"exp\":", "\"old\":");
		at = strstr(c, "\"nbf\":");
		memcpy(at, "\"olf\":", 6);
		snprintf(to, sizeof to, ",\"exp\":%lld,\"nbf\":%lld}", (long long)time(NULL) + rows[i].exp, (long long)time(NULL) + rows[i].nbf);
		strcpy(c + strlen(c) - 1, to);
		token = sign_token(&service_key, good_header, c);
		assert_int_equal(verify_text(token, &x), rows[i].err);
		free(c);
		free(token);
	}
}

static void headers_that_do_not_fit(void **state)
{
	static const char *const bad[] = {
		"{\"alg\":\"none\",\"kid\":\"K1+/=\"}", "{\"alg\":\"HS256\",\"kid\":\"K1+/=\"}", "{\"alg\":\"RS512\",\"kid\":\"K1+/=\"}",
		"{\"alg\":\"ES256\",\"kid\":\"K1+/=\"}", "{\"alg\":\"PS256\",\"kid\":\"K1+/=\"}", "{\"kid\":\"K1+/=\"}", "{\"alg\":\"RS256\"}",
		"{\"alg\":\"RS256\",\"kid\":\"old\"}", "{\"alg\":\"RS256\",\"kid\":\"unknown\"}", "{\"alg\":\"RS256\",\"kid\":1}",
		"{\"alg\":\"RS256\",\"kid\":\"K1+/=\",\"crit\":[\"exp\"]}", "[]", "",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (verify_changed(bad[i], NULL, NULL) == ERR_OK)
			fail_msg("accepted: %s", bad[i]);
}

static void every_bit_of_the_token_counts(void **state)
{
	struct maa_expect x = everything();
	char *c = claims(NULL, NULL), *token = sign_token(&service_key, good_header, c);
	size_t n = strlen(token);

	(void)state;
	assert_int_equal(verify_text(token, &x), ERR_OK);
	for (size_t i = 0; i < n; i++) {
		char kept = token[i];

		token[i] = kept == 'A' ? 'B' : 'A';
		if (verify_text(token, &x) == ERR_OK)
			fail_msg("character %zu changed and accepted", i);
		token[i] = kept;
	}
	for (size_t i = 0; i < n; i += 11) {
		char kept = token[i];

		token[i] = 0;
		assert_int_not_equal(verify_text(token, &x), ERR_OK);
		token[i] = kept;
	}
	free(c);
	free(token);
}

static void another_key_with_the_right_kid(void **state)
{
	struct maa_expect x = everything();
	char *c = claims(NULL, NULL), *token = sign_token(&other_key, good_header, c);

	(void)state;
	assert_int_equal(verify_text(token, &x), ERR_CRYPTO);
	free(c);
	free(token);
}

static void unknown_kid_fetches_once_more(void **state)
{
	char *jwk, *c = claims(NULL, NULL);
	char *token = sign_token(&other_key, "{\"alg\":\"RS256\",\"kid\":\"new\"}", c);
	struct maa_expect x = everything();

	(void)state;
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_OK);
	assert_int_equal(fetches, 1);
	work.fetched_ms -= KEYS_AGAIN_MS + 1; /* some time later the service has another key */
	jwk = public_jwk(&other_key, "new");
	snprintf(key_set, sizeof key_set, "{\"keys\":[%s]}", jwk);
	assert_int_equal(verify_text(token, &x), ERR_OK);
	assert_int_equal(fetches, 2);
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_UNTRUSTED); /* the old key is gone; no fetch for each such token */
	assert_int_equal(fetches, 2);
	work.fetched_ms -= KEYS_GOOD_MS;
	assert_int_equal(verify_text(token, &x), ERR_OK);
	assert_int_equal(fetches, 3);
	free(jwk);
	free(c);
	free(token);
}

static void key_sets_that_are_none(void **state)
{
	static const char *const bad[] = { "", "{}", "[]", "{\"keys\":{}}", "{\"keys\":[]}", "{\"keys\":[{\"kid\":\"K1+/=\"}]}",
		"{\"keys\":[{\"kid\":\"K1+/=\",\"kty\":\"oct\",\"k\":\"AAAA\"}]}" };
	char *jwk = public_jwk(&service_key, "K1+/="), *other;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		memset(&work, 0, sizeof work);
		strcpy(key_set, bad[i]);
		assert_int_not_equal(verify_changed(good_header, NULL, NULL), ERR_OK);
	}
	memset(&work, 0, sizeof work);
	snprintf(key_set, sizeof key_set, "{\"keys\":[%s,%s]}", jwk, jwk); /* one kid twice: what has it is tried */
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_OK);
	memset(&work, 0, sizeof work);
	other = public_jwk(&other_key, "K1+/=");
	snprintf(key_set, sizeof key_set, "{\"keys\":[%s,{\"kid\":\"K1+/=\",\"kty\":\"EC\"},%s]}", other, jwk);
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_OK);
	assert_int_equal(verify_changed("{\"alg\":\"RS512\",\"kid\":\"K1+/=\"}", NULL, NULL), ERR_CRYPTO);
	assert_string_equal(fault.message, "the signature algorithm is not supported (known: RS256, RS384, PS256, PS384, ES256, ES384): RS512");
	memset(&work, 0, sizeof work);
	snprintf(key_set, sizeof key_set, "{\"keys\":[%s,%s]}", other, other);
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_CRYPTO);
	memset(&work, 0, sizeof work);
	set_status = 503;
	assert_int_equal(verify_changed(good_header, NULL, NULL), ERR_HTTP);
	free(jwk);
	free(other);
}

static void what_is_not_asked_is_not_compared(void **state)
{
	struct maa_expect x = { .instance = INSTANCE };
	char *c = claims("\"nonce\":\"12345\",", ""), *token = sign_token(&service_key, good_header, c);

	(void)state;
	assert_int_equal(verify_text(token, &x), ERR_OK);
	free(c);
	free(token);
}

UNIT(maa)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_bytes), cmocka_unit_test(request_limits), cmocka_unit_test_setup(good_token, setup),
		cmocka_unit_test_setup(claims_that_do_not_fit, setup), cmocka_unit_test_setup(times_have_leeway, setup),
		cmocka_unit_test_setup(headers_that_do_not_fit, setup), cmocka_unit_test_setup(every_bit_of_the_token_counts, setup),
		cmocka_unit_test_setup(another_key_with_the_right_kid, setup), cmocka_unit_test_setup(unknown_kid_fetches_once_more, setup),
		cmocka_unit_test_setup(key_sets_that_are_none, setup), cmocka_unit_test_setup(what_is_not_asked_is_not_compared, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
