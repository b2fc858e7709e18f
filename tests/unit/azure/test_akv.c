/* Key release: unwrapping the real service's ciphertext, and answers that must not be believed. The vault's side is played
 * below: the call and the check of the certificate chain are replaced, everything else is the shipped source. */
#include "t.h"

#include "azure_key.h"
#include "azure/services.h"
#include "http/call.h"
#include "crypto/jws.h"
#include "crypto/x509.h"
#include "signer.h"

static enum err fake_call_run(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline, struct fault *f);
static enum err fake_verify_chain(const struct span *chain, size_t n, const char *host, int64_t now, uint8_t *storage, size_t cap,
                                  struct verify_key *key, char why[X509_WHY_MAX]);
#define call_run fake_call_run
#define x509_verify_chain fake_verify_chain
#include "azure/akv.c"
#undef call_run
#undef x509_verify_chain

#define VAULT "contoso.vault.localhost:9102"
#define KID "https://" VAULT "/keys/contoso-secret-key/0123456789abcdef0123456789abcdef"

/* --- Unwrapping --- */

static char *member(const char *json, const char *name)
{
	char key[64], *at, *end;

	snprintf(key, sizeof key, "\"%s\":", name);
	at = strstr(json, key);
	assert_non_null(at);
	at = strchr(at + strlen(key), '"') + 1;
	end = strchr(at, '"');
	return strndup(at, (size_t)(end - at));
}

static void real_ciphertext(void **state)
{
	static struct akv_stage stage;
	const struct private_key *out = &stage.key;
	uint8_t cipher[1024], want[64];
	size_t n, m;
	char *json, *text, *hex;

	(void)state;
	if (!azure_test_key(&stage.wrap))
		skip();
	json = (char *)vectors_read("azure/skr-sidecar/akv_unwrap_test_vector.json", &n);
	text = member(json, "ciphertext_b64url");
	hex = member(json, "expected_key_hex");
	m = vectors_hex(hex, want, sizeof want);
	assert_int_equal(base64_decode(B64_URL, span_str(text), cipher, sizeof cipher, &n), ERR_OK);
	assert_int_equal(akv_unwrap(&stage, "CKM_RSA_AES_KEY_WRAP", span_of(cipher, n), "oct-HSM"), ERR_OK);
	assert_int_equal(out->type, KEY_OCT);
	assert_int_equal(out->oct_len, m);
	assert_memory_equal(out->oct, want, m);
	/* the hash belongs to the form */
	assert_int_not_equal(akv_unwrap(&stage, "RSA_AES_KEY_WRAP_256", span_of(cipher, n), "oct"), ERR_OK);
	assert_int_equal(out->type, KEY_NONE);
	/* raw octets are no PKCS#8 */
	assert_int_not_equal(akv_unwrap(&stage, "CKM_RSA_AES_KEY_WRAP", span_of(cipher, n), "RSA"), ERR_OK);
	assert_int_equal(out->type, KEY_NONE);
	assert_int_equal(akv_unwrap(&stage, "CKM_RSA_AES_KEY_WRAP", span_of(cipher, n), "DSA"), ERR_RANGE);
	assert_int_equal(akv_unwrap(&stage, "none", span_of(cipher, n), "oct"), ERR_RANGE);
	assert_int_equal(akv_unwrap(&stage, "CKM_RSA_AES_KEY_WRAP", span_of(cipher, 256), "oct"), ERR_RANGE);
	for (size_t i = 0; i < n; i++) {
		/* every byte behind the RSA part, some inside it (each costs a private operation) */
		if (i < 256 && i % 37)
			continue;
		cipher[i] ^= 1;
		if (akv_unwrap(&stage, "CKM_RSA_AES_KEY_WRAP", span_of(cipher, n), "oct") == ERR_OK)
			fail_msg("byte %zu changed and accepted", i);
		cipher[i] ^= 1;
	}
	free(json);
	free(text);
	free(hex);
}

/* --- The vault's side --- */

static struct akv_stage stage;
static struct rsa_key service_key;
static struct private_key stored;
static uint8_t stored_pkcs8[2048];
static size_t stored_len;
static const char *chain_host;
static enum err chain_err;

/* What the played vault does wrong. */
static struct {
	const char *kid, *nonce, *enc, *kty, *alg, *extra_public, *value;
	bool wrong_signer, no_x5c, no_value, html, oct;
	const char *x5t;
	int refuse_enc256, status;
	const char *status_body;
	int calls;
	char enc_seen[4][64];
} vault;

static enum err fake_verify_chain(const struct span *chain, size_t n, const char *host, int64_t now, uint8_t *storage, size_t cap,
                                  struct verify_key *key, char why[X509_WHY_MAX])
{
	(void)now;
	(void)out_join(why, X509_WHY_MAX, "because");
	assert_int_equal(n, 2);
	assert_int_equal(chain[0].n, 3);
	assert_memory_equal(chain[0].p, "abc", 3);
	assert_true(cap >= 512);
	free((void *)(uintptr_t)chain_host);
	chain_host = strdup(host);
	memcpy(storage, service_key.n, service_key.n_len);
	memcpy(storage + service_key.n_len, service_key.e, service_key.e_len);
	*key = (struct verify_key){ .type = KEY_RSA, .rsa = { span_of(storage, service_key.n_len),
	                            span_of(storage + service_key.n_len, service_key.e_len) } };
	return chain_err;
}

/* OAEP(KEK) || KWP(key), as base64url. */
static char *wrapped(enum hash_alg hash)
{
	static const uint8_t kek[32] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct rsa_pub pub = rsa_public(&stage.wrap.rsa);
	uint8_t cipher[4096];
	size_t n;

	assert_int_equal(rsa_oaep_encrypt(&pub, hash, span_of(kek, 32), cipher, sizeof cipher, &n), ERR_OK);
	if (vault.oct)
		n += kwp_wrap(kek, (const unsigned char *)"an oct key of thirty-one bytes!", 31, cipher + n);
	else
		n += kwp_wrap(kek, stored_pkcs8, stored_len, cipher + n);
	return b64u(cipher, n);
}

static char *make_jws(const char *nonce, const char *enc)
{
	bool ckm = strncmp(enc, "CKM", 3) == 0;
	char *cipher = wrapped(ckm ? HASH_SHA1 : HASH_SHA256), *inner = malloc(20000), *hsm, *text = malloc(40000), *jws, header[512];
	char *n = b64u(stored.rsa.n, stored.rsa.n_len);

	sprintf(inner, "{\"ciphertext\":\"%s\",\"header\":{\"alg\":\"dir\",\"enc\":\"%s\",\"kid\":\"x\"},\"schema_version\":\"1.0\"}", cipher, enc);
	hsm = b64u(inner, strlen(inner));
	sprintf(text, "{\"request\":{\"api-version\":\"7.4\",\"enc\":\"%s\",\"kid\":\"%s\",\"nonce\":\"%s\"},\"response\":{\"key\":{\"attributes\":"
	        "{\"exportable\":true},\"key\":{\"e\":\"AQAB\",\"key_hsm\":\"%s\",\"kid\":\"%s\",\"kty\":\"%s\"%s%s%s},\"release_policy\":{}}}}",
	        vault.enc ? vault.enc : enc, vault.kid ? vault.kid : KID, vault.nonce ? vault.nonce : nonce, hsm, KID,
	        vault.kty ? vault.kty : "RSA", vault.oct ? "" : ",\"n\":\"", vault.oct ? "" : vault.extra_public ? vault.extra_public : n,
	        vault.oct ? "" : "\"");
	/* the second is base64url of SHA-256("abc"), FIPS 180-2 appendix B.1 */
	sprintf(header, "{\"alg\":\"%s\",\"kid\":\"T\"%s,\"x5t#S256\":\"%s\"}", vault.alg ? vault.alg : "RS256",
	        vault.no_x5c ? "" : ",\"x5c\":[\"YWJj\",\"ZGVm\"]", vault.x5t ? vault.x5t : "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0");
	jws = sign_token(vault.wrong_signer ? &stage.wrap.rsa : &service_key, header, text);
	free(cipher);
	free(inner);
	free(hsm);
	free(text);
	free(n);
	return jws;
}

static enum err fake_call_run(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline, struct fault *f)
{
	const char *body = (const char *)k->request.body.p;
	char *copy = strndup(body, k->request.body.n), *nonce = member(copy, "nonce"), *enc = member(copy, "enc"), *jws;
	int status = 200;

	(void)c;
	(void)deadline;
	fault_clear(f);
	assert_string_equal(k->request.method, "POST");
	assert_string_equal(k->request.target, "/keys/contoso-secret-key/release?api-version=7.4");
	assert_string_equal(k->request.headers, "Authorization: Bearer access.token\r\n");
	assert_string_equal(k->request.content_type, "application/json");
	assert_string_equal(k->to.host, "contoso.vault.localhost");
	assert_int_equal(k->to.port, 9102);
	assert_int_equal(strncmp(copy, "{\"target\":\"maa.token.text\",\"nonce\":\"", 36), 0);
	assert_int_equal(strlen(nonce), 32);
	strcpy(vault.enc_seen[vault.calls++ % 4], enc);
	if (vault.status) {
		status = vault.status;
		strcpy((char *)k->body, vault.status_body);
	} else if (vault.refuse_enc256 && strcmp(enc, "RSA_AES_KEY_WRAP_256") == 0) {
		status = 400;
		strcpy((char *)k->body, "{\"error\":{\"code\":\"BadParameter\",\"message\":\"RSA_AES_KEY_WRAP_256 is not a supported enc.\"}}");
	} else {
		jws = make_jws(nonce, enc);
		sprintf((char *)k->body, "{\"%s\":\"%s\"}", vault.no_value ? "valu" : "value", vault.value ? vault.value : jws);
		free(jws);
	}
	*a = (struct call_answer){ status, span_of(k->body, strlen((char *)k->body)), !vault.html, 0 };
	free(copy);
	free(nonce);
	free(enc);
	return ERR_OK;
}

static struct fault fault;
static struct akv work;
static struct private_key *const got = &stage.key;
static char kid[URL_MAX], enc_used[AKV_ENC_MAX];

static bool is_zero(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const uint8_t *)p)[i])
			return false;
	return true;
}

static enum err release_named(const char *name)
{
	const struct akv_release r = { VAULT, name, SPAN_LIT("access.token"), SPAN_LIT("maa.token.text"), &stage, NULL };
	enum err err;

	memset(got, 0xee, sizeof *got);
	fault_clear(&fault);
	err = akv_release_key(&work, &r, kid, enc_used, clock_ms() + 1000, &fault);
	if (err)
		assert_true(is_zero(got, sizeof *got));
	assert_true(is_zero(&work, sizeof work)); /* tokens and ciphertext do not stay */
	assert_true(is_zero(stage.kek, sizeof stage.kek) && is_zero(stage.plain, sizeof stage.plain)); /* nor what is between the steps */
	return err;
}

static enum err release(void)
{
	return release_named("contoso-secret-key");
}

static int setup(void **state)
{
	(void)state;
	memset(&vault, 0, sizeof vault);
	chain_err = ERR_OK;
	if (stage.wrap.rsa.n_bits == 0) {
		uint8_t pkcs1[2048], *bytes;
		struct span text, whole;
		size_t n;

		if (rsa_generate(&stage.wrap.rsa, 2048) || rsa_generate(&service_key, 2048))
			return -1;
		bytes = vectors_read("azure/skr-sidecar/akv_unwrap_test_rsa2048_private_pkcs1.pem", &n);
		if (bytes) {
			text = span_of(bytes, n);
			if (pem_next(&text, "RSA PRIVATE KEY", pkcs1, sizeof pkcs1, &n))
				return -1;
			whole = pkcs8_around_rsa(span_of(pkcs1, n), stored_pkcs8, sizeof stored_pkcs8);
			memmove(stored_pkcs8, whole.p, whole.n);
			stored_len = whole.n;
			if (pkcs8_parse(span_of(stored_pkcs8, stored_len), &stored))
				return -1;
			free(bytes);
		}
	}
	return 0;
}

static void need_key(void)
{
	if (stored_len == 0)
		skip();
}

static void released(void **state)
{
	(void)state;
	need_key();
	assert_int_equal(release(), ERR_OK);
	assert_int_equal(got->type, KEY_RSA);
	assert_memory_equal(got->rsa.n, stored.rsa.n, stored.rsa.n_len);
	assert_memory_equal(got->rsa.p, stored.rsa.p, stored.rsa.p_len);
	assert_string_equal(kid, KID);
	assert_string_equal(enc_used, "RSA_AES_KEY_WRAP_256");
	assert_int_equal(vault.calls, 1);
	assert_string_equal(chain_host, "contoso.vault.localhost"); /* without the port */
}

static void oct_key(void **state)
{
	(void)state;
	vault.oct = true;
	vault.kty = "oct";
	assert_int_equal(release(), ERR_OK);
	assert_int_equal(got->type, KEY_OCT);
	assert_int_equal(got->oct_len, 31);
	assert_memory_equal(got->oct, "an oct key of thirty-one bytes!", 31);
}

static void falls_back_to_the_old_wrapping(void **state)
{
	(void)state;
	need_key();
	vault.refuse_enc256 = 1;
	assert_int_equal(release(), ERR_OK);
	assert_int_equal(vault.calls, 2);
	assert_string_equal(vault.enc_seen[0], "RSA_AES_KEY_WRAP_256");
	assert_string_equal(vault.enc_seen[1], "CKM_RSA_AES_KEY_WRAP");
	assert_string_equal(enc_used, "CKM_RSA_AES_KEY_WRAP");
}

static void other_refusals_do_not_fall_back(void **state)
{
	(void)state;
	vault.status = 400;
	vault.status_body = "{\"error\":{\"code\":\"BadParameter\",\"message\":\"Key is not exportable.\"}}";
	assert_int_equal(release(), ERR_HTTP);
	assert_int_equal(vault.calls, 1);
	assert_string_equal(fault.code, "BadParameter");
	vault.status = 403;
	vault.status_body = "{\"error\":{\"code\":\"Forbidden\",\"message\":\"RSA_AES_KEY_WRAP_256\",\"innererror\":{\"code\":\"AccessDenied\"}}}";
	assert_int_equal(release(), ERR_DENIED);
	assert_int_equal(vault.calls, 2);
	assert_string_equal(fault.service, VAULT);
}

static void expect(enum err err, const struct step *step)
{
	enum err was = release();

	if (was != err || fault.step != step)
		fail_msg("%s at %s (%s), want %s at %s", err_name(was), step_name(fault.step), fault.message, err_name(err), step_name(step));
	memset(&vault, 0, sizeof vault);
	chain_err = ERR_OK;
}

static void answers_that_are_not_ours(void **state)
{
	static const char *const kids[] = {
		"https://" VAULT "/keys/fabrikam-secret-key/0123456789abcdef0123456789abcdef",
		"https://fabrikam.vault.localhost:9102/keys/contoso-secret-key/0123456789abcdef0123456789abcdef",
		"https://contoso.vault.localhost/keys/contoso-secret-key/0123456789abcdef0123456789abcdef",
		"http://" VAULT "/keys/contoso-secret-key/0123456789abcdef0123456789abcdef",
		"https://" VAULT "/keys/contoso-secret-key/", "https://" VAULT "/keys/contoso-secret-key", "https://" VAULT "/keys/contoso-secret-keys/0",
		"https://" VAULT "/keys/contoso-secret-key/1/2", "https://" VAULT "/secrets/contoso-secret-key/1", "",
	};

	(void)state;
	need_key();
	for (size_t i = 0; i < sizeof kids / sizeof kids[0]; i++) {
		vault.kid = kids[i];
		expect(ERR_MISMATCH, STEP_RELEASE_VERIFY);
	}
	vault.nonce = "0123456789abcdef0123456789abcdef";
	expect(ERR_MISMATCH, STEP_RELEASE_VERIFY);
	vault.nonce = "";
	expect(ERR_MISMATCH, STEP_RELEASE_VERIFY);
	vault.enc = "CKM_RSA_AES_KEY_WRAP"; /* a weaker wrapping than asked for */
	expect(ERR_MISMATCH, STEP_RELEASE_VERIFY);
}

static void answers_that_are_not_signed(void **state)
{
	(void)state;
	need_key();
	vault.wrong_signer = true;
	expect(ERR_CRYPTO, STEP_RELEASE_VERIFY);
	vault.alg = "none";
	expect(ERR_CRYPTO, STEP_RELEASE_VERIFY);
	vault.alg = "HS256";
	expect(ERR_CRYPTO, STEP_RELEASE_VERIFY);
	vault.no_x5c = true;
	expect(ERR_PROTOCOL, STEP_RELEASE_VERIFY);
	vault.x5t = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa1";
	expect(ERR_MISMATCH, STEP_RELEASE_VERIFY);
	chain_err = ERR_UNTRUSTED;
	expect(ERR_UNTRUSTED, STEP_RELEASE_VERIFY);
	assert_non_null(strstr(fault.message, ": because"));
	vault.value = "";
	expect(ERR_PROTOCOL, STEP_RELEASE_VERIFY);
	vault.value = "a.b";
	expect(ERR_PROTOCOL, STEP_RELEASE_VERIFY);
	vault.value = "e30.e30.e30";
	expect(ERR_PROTOCOL, STEP_RELEASE_VERIFY);
	vault.no_value = true;
	expect(ERR_PROTOCOL, STEP_RELEASE);
	vault.html = true; /* not application/json */
	expect(ERR_PROTOCOL, STEP_RELEASE);
}

static void keys_that_do_not_fit(void **state)
{
	(void)state;
	need_key();
	vault.extra_public = "AQAB"; /* the stated public half is another one */
	expect(ERR_MISMATCH, STEP_UNWRAP);
	vault.kty = "EC";
	expect(ERR_MISMATCH, STEP_UNWRAP);
	vault.kty = "DSA";
	expect(ERR_PROTOCOL, STEP_UNWRAP);
}

static void version_asked_for(void **state)
{
	const struct akv_release r = { VAULT, "contoso-secret-key/0123456789abcdef0123456789abcdef", SPAN_LIT(""), SPAN_LIT(""), NULL, NULL };

	(void)state;
	assert_true(kid_is_ours(KID, &r));
	assert_true(kid_is_ours("https://" VAULT "/keys/Contoso-Secret-Key/0123456789abcdef0123456789abcdef", &r));
	assert_false(kid_is_ours(KID "0", &r));
	assert_false(kid_is_ours("https://" VAULT "/keys/contoso-secret-key/f123456789abcdef0123456789abcdef", &r));
}

UNIT(akv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_ciphertext), cmocka_unit_test_setup(released, setup), cmocka_unit_test_setup(oct_key, setup),
		cmocka_unit_test_setup(falls_back_to_the_old_wrapping, setup), cmocka_unit_test_setup(other_refusals_do_not_fall_back, setup),
		cmocka_unit_test_setup(answers_that_are_not_ours, setup), cmocka_unit_test_setup(answers_that_are_not_signed, setup),
		cmocka_unit_test_setup(keys_that_do_not_fit, setup), cmocka_unit_test_setup(version_asked_for, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
