/* Proofs: written, read, judged; every changed byte; replayed, relayed, of another party or purpose. */
#include "t.h"

#include <time.h>

#include "amd.h"
#include "text/base64.h"
#include "text/pem.h"
#include "snp/proof.h"

static struct checks checks;
static struct verify_facts facts;
static struct runtime runtime;
static struct accept_context context;
static struct proof parsed;
static uint8_t store[PROOF_MAX], text[65536], chain[CHAIN_DER_MAX];
static struct proof_rules rules;

/* The evidence of one party. */
static struct {
	struct runtime runtime;
	uint8_t report[SNP_REPORT_LEN];
	char runtime_text[1024];
	struct proof proof;
} party;
static const char container_policy[] = "package policy\n";

static int make_all(void **state)
{
	struct out o = out_init(party.runtime_text, sizeof party.runtime_text);
	size_t n, crl_n;
	uint8_t *pem, *crl;

	(void)state;
	if (!amd_make())
		return 0;
	strcpy(party.runtime.nonce, "AAECAwQFBgcICQoLDA0ODw");
	strcpy(party.runtime.role, "contoso");
	strcpy(party.runtime.key, "0123456789012345678901234567890123456789abc");
	memset(party.runtime.tls_spki_sha256, 0xab, 32);
	runtime_write(&o, &party.runtime);
	amd_report(party.report, 3, 0x19, 1);
	runtime_report_data(out_span(&o), party.report + 0x50);
	hash_sha256(SPAN_LIT("package policy\n"), party.report + 0xc0);
	amd_sign(party.report, "leaf");
	pem = amd_file("milan.chain", &n);
	crl = amd_file("good.crl", &crl_n);
	assert_int_equal(pem_all(span_of(pem, n), "CERTIFICATE", chain, sizeof chain, &n), ERR_OK);
	free(pem);
	party.proof = (struct proof){
		.report = span_of(party.report, SNP_REPORT_LEN), .chain = span_of(chain, n), .crl = span_of(crl, crl_n),
		.policy = span_str(container_policy), .runtime_data = out_span(&o),
	};
	strcpy(party.proof.nonce, party.runtime.nonce);
	memset(party.proof.tls_spki_sha256, 0xab, 32);
	rules.verify = (struct verify_rules){ .now_s = time(NULL), .extra_root = amd_root() };
	return 0;
}

static struct span written(const struct proof *p)
{
	struct out o = out_init(text, sizeof text);

	assert_int_equal(proof_write(&o, p), ERR_OK);
	return out_span(&o);
}

static bool genuine(const struct proof *p, const struct proof_rules *r)
{
	checks_init(&checks);
	return proof_genuine(p, r, &facts, &runtime, &context, &checks);
}

static bool accepted(struct span s)
{
	const char *problem = NULL;

	if (proof_parse(s, store, &parsed, &problem) != ERR_OK) {
		assert_non_null(problem);
		return false;
	}
	return genuine(&parsed, &rules);
}

static const char *failed(void)
{
	for (size_t i = 0; i < checks.n; i++)
		if (checks.list[i].state == CHECK_FAILED)
			return checks.list[i].id;
	return "";
}

static void round_trip(void **state)
{
	(void)state;
	if (!*amd_dir)
		skip();
	if (!accepted(written(&party.proof)))
		fail_msg("%s", failed());
	assert_true(span_eq(parsed.report, party.proof.report));
	assert_true(span_eq(parsed.chain, party.proof.chain));
	assert_true(span_eq(parsed.crl, party.proof.crl));
	assert_true(span_eq(parsed.policy, party.proof.policy));
	assert_int_equal(parsed.endorsement.n, 0);
	assert_string_equal(runtime.role, "contoso");
	t_span_is(context.role, "contoso");
	assert_false(context.has_age);
	assert_true(facts.crl_checked);
}

static void every_byte(void **state)
{
	struct span s;
	uint8_t *copy;

	(void)state;
	if (!*amd_dir)
		skip();
	s = written(&party.proof);
	copy = t_exact(s);
	for (size_t i = 0; i < s.n; i++) {
		uint8_t bit = (uint8_t)(1u << (i % 8));

		copy[i] ^= bit;
		if (accepted(span_of(copy, s.n)))
			fail_msg("changed byte %zu accepted: %.*s", i, 40, (char *)copy + (i > 20 ? i - 20 : 0));
		copy[i] ^= bit;
	}
	for (size_t n = 0; n < s.n; n += 11) {
		uint8_t *cut = t_exact(span_of(copy, n));

		assert_false(accepted(span_of(cut, n)));
		free(cut);
	}
	assert_true(accepted(span_of(copy, s.n)));
	free(copy);
}

static void bound_to_request_and_connection(void **state)
{
	struct proof_rules r = rules;
	uint8_t key[32];

	(void)state;
	if (!*amd_dir)
		skip();
	memset(key, 0xab, 32);
	r.nonce = party.runtime.nonce;
	r.tls_spki_sha256 = key;
	r.live = true;
	assert_true(genuine(&party.proof, &r));
	assert_true(context.has_age);
	assert_int_equal(context.age_s, 0);
	r.live = false; /* a nonce of long ago proves no age */
	assert_true(genuine(&party.proof, &r));
	assert_false(context.has_age);
	r.live = true;
	r.nonce = "AAECAwQFBgcICQoLDA0ODg";
	assert_false(genuine(&party.proof, &r));
	assert_string_equal(failed(), "connection.nonce");
	assert_false(context.has_age);
	r.nonce = party.runtime.nonce;
	key[0] ^= 1;
	assert_false(genuine(&party.proof, &r));
	assert_string_equal(failed(), "connection.tls_key");
	assert_false(context.has_age);
}

static void parts_of_others(void **state)
{
	struct proof p = party.proof;
	static const char jwks[] = "{\"keys\":[]}";

	(void)state;
	if (!*amd_dir)
		skip();
	p.policy = SPAN_LIT("package policy");
	assert_false(genuine(&p, &rules));
	assert_string_equal(failed(), "proof.policy");
	p = party.proof;
	p.tls_spki_sha256[31] ^= 1;
	assert_false(genuine(&p, &rules));
	assert_string_equal(failed(), "proof.tls_key");
	p = party.proof;
	strcpy(p.nonce, "AAECAwQFBgcICQoLDA0ODg");
	assert_false(genuine(&p, &rules));
	assert_string_equal(failed(), "proof.nonce");
	p = party.proof;
	p.runtime_data = span_str(jwks);
	assert_false(genuine(&p, &rules));
	assert_string_equal(failed(), "proof.runtime_data");
}

/* A report that binds something else entirely (here: a key set, as for key release) is no evidence of a party. */
static void another_purpose(void **state)
{
	static const char jwks[] = "{\"keys\":[{\"kty\":\"RSA\"}]}";
	uint8_t report[SNP_REPORT_LEN];
	struct proof p = party.proof;

	(void)state;
	if (!*amd_dir)
		skip();
	memcpy(report, party.report, sizeof report);
	runtime_report_data(span_str(jwks), report + 0x50);
	amd_sign(report, "leaf");
	p.report = span_of(report, sizeof report);
	p.runtime_data = span_str(jwks);
	assert_false(genuine(&p, &rules));
	assert_string_equal(failed(), "proof.purpose");
	assert_int_equal(context.role.n, 0);
}

static void refused_forms(void **state)
{
	static const struct { const char *from, *to; } edits[] = {
		{ "\"parley_proof\":1", "\"parley_proof\":2" }, { "\"parley_proof\":1", "\"parley_proof\":\"1\"" }, { "\"parley_proof\":1,", "" },
		{ "\"sevsnp\"", "\"tdx\"" }, { "\"nonce\":", "\"other\":1,\"nonce\":" }, { "\"nonce\":", "\"nonce\":\"AAECAwQFBgcICQoLDA0ODw\",\"nonce\":" },
		{ "\"certificates\":[", "\"certificates\":[\"AAAA\"," }, { "\"policy\":\"", "\"endorsement\":\"\",\"policy\":\"" },
		{ "\"policy\":\"", "\"token\":\"\",\"policy\":\"" }, { "\"nonce\":\"AAECAwQFBgcICQoLDA0ODw\"", "\"nonce\":null" },
	};
	const char *problem;
	struct span s;

	(void)state;
	if (!*amd_dir)
		skip();
	s = written(&party.proof);
	text[s.n] = 0;
	for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
		static char edited[sizeof text];
		const char *at = strstr((char *)text, edits[i].from);

		assert_non_null(at);
		snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - (char *)text), (char *)text, edits[i].to, at + strlen(edits[i].from));
		if (proof_parse(span_str(edited), store, &parsed, &problem) == ERR_OK)
			fail_msg("%s accepted", edits[i].to);
	}
	/* as large as may be, and one byte more */
	memset(text + s.n, ' ', PROOF_MAX + 1 - s.n);
	assert_int_equal(proof_parse(span_of(text, s.n), store, &parsed, &problem), ERR_OK);
	memmove(text + PROOF_MAX + 1 - s.n, text, s.n);
	text[0] = '{';
	memset(text + 1, ' ', PROOF_MAX - s.n);
	text[PROOF_MAX + 1 - s.n] = ' ';
	assert_int_equal(proof_parse(span_of(text, PROOF_MAX + 1), store, &parsed, &problem), ERR_TOO_BIG);
	assert_int_equal(proof_parse(span_of(text, PROOF_MAX), store, &parsed, &problem), ERR_SYNTAX);
}

static void too_big_to_write(void **state)
{
	static uint8_t large[PROOF_MAX];
	struct out o = out_init(text, sizeof text);
	struct proof p = party.proof;

	(void)state;
	if (!*amd_dir)
		skip();
	p.policy = span_of(large, 22000);
	assert_int_equal(proof_write(&o, &p), ERR_TOO_BIG);
	o = out_init(text, 1000);
	assert_int_equal(proof_write(&o, &party.proof), ERR_TOO_BIG);
	p = party.proof;
	p.chain.n -= 1;
	o = out_init(text, sizeof text);
	assert_int_equal(proof_write(&o, &p), ERR_SYNTAX);
}

static void runtime_forms(void **state)
{
	static const char *const bad[] = {
		"", "{}", "[]",
		"{\"key\":\"\",\"nonce\":\"AAECAwQFBgcICQoLDA0ODw\",\"purpose\":\"parley-evidence-2\",\"role\":\"a\",\"tls_spki_sha256\":\"%s\"}",
		"{\"key\":\"\",\"nonce\":\"AAECAwQFBgcICQoLDA0O\",\"purpose\":\"parley-evidence-1\",\"role\":\"a\",\"tls_spki_sha256\":\"%s\"}",
		"{\"key\":\"\",\"nonce\":\"AAECAwQFBgcICQoLDA0ODw\",\"purpose\":\"parley-evidence-1\",\"role\":\"a\",\"tls_spki_sha256\":\"00\"}",
		"{\"key\":\"\",\"nonce\":\"AAECAwQFBgcICQoLDA0ODw\",\"purpose\":\"parley-evidence-1\",\"role\":\"a\",\"tls_spki_sha256\":\"%s\",\"keys\":[]}",
		"{\"key\":\"\",\"nonce\":\"AAECAwQFBgcICQoLDA0ODw\",\"purpose\":\"parley-evidence-1\",\"role\":1,\"tls_spki_sha256\":\"%s\"}",
	};
	static const struct { const char *text; bool ok; } nonces[] = {
		{ "AAECAwQFBgcICQoLDA0ODw", true }, { "AAECAwQFBgcICQoLDA0OD", false }, { "AAECAwQFBgcICQoLDA0ODx", false }, /* trailing bits */
		{ "AAECAwQFBgcICQoLDA0ODw==", false }, { "AAECAwQFBgcICQoLDA0OD/", false }, { "", false }, { "AAECAwQFBgcICQoLDA0ODw ", false },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", false },
	};
	char json[512], hex[65];
	struct runtime r;

	(void)state;
	memset(hex, 'a', 64);
	hex[64] = 0;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		snprintf(json, sizeof json, bad[i], hex);
		if (runtime_parse(span_str(json), &r) == ERR_OK)
			fail_msg("%s accepted", json);
	}
	for (size_t i = 0; i < sizeof nonces / sizeof nonces[0]; i++)
		assert_int_equal(runtime_nonce_ok(span_str(nonces[i].text)), nonces[i].ok);
}

/* What a caller may have hashed as it is: nothing that a verifier takes for ours. */
static void foreign_runtime_data(void **state)
{
	static const char *const ours[] = {
		"{\"keys\":[]}", "{\"a\":1,\"Keys\":null}", "{\"k\\u0065ys\":1}", "{\"purpose\":\"parley-attest\"}", "{\"PURPOSE\":\"parley-\"}",
		"{\"purpose\":\"\\u0070arley-peer-1\"}", "\n{\"keys\":1} ", "\xef\xbb\xbf{\"keys\":1}", "{\"keys\":1,}", "{'keys':1}", "{keys:1}", "/**/{\"keys\":1}",
		"//\n{\"keys\":1}", "{\"keys\":1} x", "{\"keys\":1,\"keys\":2}", "{\"purpose\":\"a\",\"purpose\":\"parley-attest\"}", "{\"\\u006beys\":1,}",
		"{\"a\":\"\xff\",\"keys\":1}",
	};
	static const char *const others[] = {
		"", "{}", "[{\"keys\":1}]", "\"keys\"", "{\"a\":{\"keys\":1}}", "{\"purpose\":\"kms\"}", "{\"purpose\":\"xparley-\"}", "{\"purpose\":1}", "{\"purpose\":{\"a\":\"parley-\"}}",
		"keys", "-----BEGIN PUBLIC KEY-----", "{", "/", "{x}", "\xff\xfe{\x01\x02", "{\"keyss\":1}", "{\"user\\u002ddata\":1}",
	};
	static uint8_t wide[RUNTIME_DATA_MAX + 2];
	struct out o = out_init(wide, sizeof wide);

	(void)state;
	assert_true(runtime_is_ours(party.proof.runtime_data));
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
		if (!runtime_is_ours(span_str(ours[i])))
			fail_msg("%s passes", ours[i]);
		for (int big = 0; big < 2; big++) { /* UTF-16 */
			o.n = 0;
			out_bytes(&o, big ? "\xfe\xff" : "\xff\xfe", 2);
			for (const char *p = ours[i]; *p; p++)
				out_bytes(&o, (const char[3]){ 0, *p, 0 } + !big, 2);
			assert_true(runtime_is_ours(out_span(&o)));
		}
	}
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (runtime_is_ours(span_str(others[i])))
			fail_msg("%s is refused", others[i]);
	memset(wide, 'x', sizeof wide);
	assert_false(runtime_is_ours(span_of(wide, RUNTIME_DATA_MAX)));
	assert_true(runtime_is_ours(span_of(wide, RUNTIME_DATA_MAX + 1)));
}

UNIT(proof)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(every_byte), cmocka_unit_test(bound_to_request_and_connection),
		cmocka_unit_test(parts_of_others), cmocka_unit_test(another_purpose), cmocka_unit_test(refused_forms),
		cmocka_unit_test(too_big_to_write), cmocka_unit_test(runtime_forms), cmocka_unit_test(foreign_runtime_data),
	};

	return cmocka_run_group_tests(tests, make_all, NULL);
}
