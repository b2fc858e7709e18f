/* PKCS#8 private keys, and unwrapping a key as Key Vault wraps it. */
#include "t.h"

#include "azure_key.h"
#include "crypto/kwp.h"
#include "text/base64.h"
#include "wyche.h"

static bool all_zero(const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (((const uint8_t *)p)[i])
			return false;
	return true;
}

/* A key fresh from openssl as PKCS#8 DER. */
static struct span make(const char *args, uint8_t *store, size_t cap)
{
	char command[512];
	size_t n;

	/* genpkey alone writes the older forms when asked for DER */
	snprintf(command, sizeof command,
		 "openssl genpkey %s 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -outform DER 2>/dev/null", args);
	n = run_command(command, store, cap);
	assert_true(n > 0);
	return span_of(store, n);
}

static void keys_of_openssl_load(void **state)
{
	static const struct {
		const char *args;
		enum key_type type;
		unsigned size; /* bits of modulus, or bytes of coordinate */
	} made[] = {
		{ "-algorithm RSA -pkeyopt rsa_keygen_bits:2048", KEY_RSA, 2048 },
		{ "-algorithm RSA -pkeyopt rsa_keygen_bits:3072", KEY_RSA, 3072 },
		{ "-algorithm RSA -pkeyopt rsa_keygen_bits:2050", KEY_RSA, 2050 },
		{ "-algorithm EC -pkeyopt ec_paramgen_curve:P-256", KEY_EC, 32 },
		{ "-algorithm EC -pkeyopt ec_paramgen_curve:P-384", KEY_EC, 48 },
		{ "-algorithm EC -pkeyopt ec_paramgen_curve:P-521", KEY_EC, 66 },
	};
	uint8_t store[4096];
	struct private_key k;

	(void)state;
	if (!have_openssl())
		skip();
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
		/* the point in the file, made by openssl, is compared with ours inside pkcs8_parse */
		assert_int_equal(pkcs8_parse(make(made[i].args, store, sizeof store), &k), ERR_OK);
		assert_int_equal(k.type, made[i].type);
		assert_int_equal(k.type == KEY_RSA ? k.rsa.n_bits : ec_field_len(k.ec.curve), made[i].size);
		pkcs8_wipe(&k);
		assert_true(all_zero(&k, sizeof k));
	}
}

static void kinds_not_offered_are_refused(void **state)
{
	static const char *const made[] = {
		"-algorithm RSA -pkeyopt rsa_keygen_bits:1024",
		"-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1",
		"-algorithm EC -pkeyopt ec_paramgen_curve:secp224r1",
		"-algorithm ED25519",
		"-algorithm X25519",
		"-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048",
	};
	uint8_t store[4096];
	struct private_key k;

	(void)state;
	if (!have_openssl())
		skip();
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
		memset(&k, 0xee, sizeof k);
		assert_int_equal(pkcs8_parse(make(made[i], store, sizeof store), &k), ERR_RANGE);
		assert_true(all_zero(&k, sizeof k));
	}
	/* explicit curve parameters in place of a name */
	memset(&k, 0xee, sizeof k);
	assert_int_equal(pkcs8_parse(make("-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit", store,
					  sizeof store), &k), ERR_SYNTAX);
	assert_true(all_zero(&k, sizeof k));
}

/* Own writer of EC keys, to vary the optional parts. */
struct ec_form {
	uint64_t info_version, ec_version;
	bool params, other_params, point, attributes, public_key;
	size_t d_len;
};

static struct span write_ec(const struct ec_key *k, const struct ec_form *f, uint8_t *store, size_t cap)
{
	static const uint8_t ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
	static const uint8_t p256[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 };
	static const uint8_t p384[] = { 0x2b, 0x81, 0x04, 0x00, 0x22 };
	struct span point = span_of(k->point, 65);
	struct dw w = dw_init(store, cap);
	size_t whole = dw_mark(&w), mark;

	if (f->public_key)
		dw_tlv(&w, DER_CONTEXT + 1, SPAN_LIT("\0anything"));
	if (f->attributes) /* what Windows writes: key usage */
		dw_bytes(&w, span_of("\xa0\x0d\x30\x0b\x06\x03\x55\x1d\x0f\x31\x04\x03\x02\x00\x80", 15));
	mark = dw_mark(&w);
	if (f->point) {
		size_t inner = dw_mark(&w);

		dw_bytes(&w, point);
		dw_wrap_bits(&w, inner);
		dw_wrap(&w, DER_CONTEXT_CONSTRUCTED + 1, inner);
	}
	if (f->params || f->other_params) {
		size_t inner = dw_mark(&w);

		dw_tlv(&w, DER_OID, f->other_params ? span_of(p384, sizeof p384) : span_of(p256, sizeof p256));
		dw_wrap(&w, DER_CONTEXT_CONSTRUCTED, inner);
	}
	dw_tlv(&w, DER_OCTET_STRING, span_of(k->d, f->d_len));
	dw_u64(&w, f->ec_version);
	dw_wrap(&w, DER_SEQUENCE, mark);
	dw_wrap(&w, DER_OCTET_STRING, mark);
	mark = dw_mark(&w);
	dw_tlv(&w, DER_OID, span_of(p256, sizeof p256));
	dw_tlv(&w, DER_OID, span_of(ec, sizeof ec));
	dw_wrap(&w, DER_SEQUENCE, mark);
	dw_u64(&w, f->info_version);
	dw_wrap(&w, DER_SEQUENCE, whole);
	assert_false(w.bad);
	return dw_span(&w);
}

static void ec_forms(void **state)
{
	struct ec_form f = { .ec_version = 1, .point = true, .d_len = 32 }, plain = f;
	uint8_t store[512], copy[513];
	struct private_key k;
	struct ec_key key;
	struct span der;

	(void)state;
	assert_int_equal(ec_generate(&key, EC_P256), ERR_OK);
#define FORM(member, value, want) \
	do { \
		f = plain; \
		f.member = (value); \
		assert_int_equal(pkcs8_parse(write_ec(&key, &f, store, sizeof store), &k), (want)); \
	} while (0)
	FORM(point, true, ERR_OK);
	assert_memory_equal(k.ec.d, key.d, 32);
	FORM(point, false, ERR_OK);
	assert_memory_equal(k.ec.point, key.point, 65);
	FORM(params, true, ERR_OK);
	FORM(attributes, true, ERR_OK);
	FORM(other_params, true, ERR_SYNTAX);
	FORM(ec_version, 0, ERR_SYNTAX);
	FORM(ec_version, 2, ERR_SYNTAX);
	FORM(info_version, 1, ERR_SYNTAX); /* v2 without a public key */
	FORM(public_key, true, ERR_SYNTAX); /* v1 with one */
	FORM(d_len, 31, ERR_RANGE);
	FORM(d_len, 33, ERR_RANGE);
	f = plain;
	f.public_key = true;
	f.info_version = 1;
	assert_int_equal(pkcs8_parse(write_ec(&key, &f, store, sizeof store), &k), ERR_OK);
#undef FORM

	/* another key's point; every flipped bit; every cut; a byte too many */
	der = write_ec(&key, &plain, store, sizeof store);
	memcpy(copy, der.p, der.n);
	for (size_t i = 0; i < der.n; i++) {
		copy[i] ^= (uint8_t)(1 << (i % 8));
		memset(&k, 0xee, sizeof k);
		assert_int_not_equal(pkcs8_parse(span_of(copy, der.n), &k), ERR_OK);
		assert_true(all_zero(&k, sizeof k));
		copy[i] ^= (uint8_t)(1 << (i % 8));
	}
	for (size_t n = 0; n < der.n; n++)
		assert_int_not_equal(pkcs8_parse(span_of(copy, n), &k), ERR_OK);
	copy[der.n] = 0;
	assert_int_equal(pkcs8_parse(span_of(copy, der.n + 1), &k), ERR_SYNTAX);
	assert_int_equal(pkcs8_parse(span_of(copy, der.n), &k), ERR_OK);
}

/* Writes an RSA key from its numbers: index 0..8 = version, n, e, d, p, q, dp, dq, qi. */
static struct span write_rsa(const struct rsa_key *k, int spoil, uint8_t *store, size_t cap)
{
	uint8_t pkcs1[2048], changed[RSA_MAX];
	const struct span numbers[] = { SPAN_LIT("\0"), { k->n, k->n_len }, { k->e, k->e_len }, SPAN_LIT("\x05"),
					{ k->p, k->p_len }, { k->q, k->q_len }, { k->dp, k->dp_len }, { k->dq, k->dq_len },
					{ k->qi, k->qi_len } };
	struct dw w = dw_init(pkcs1, sizeof pkcs1);
	size_t mark = dw_mark(&w);

	for (int i = 8; i >= 0; i--) {
		memcpy(changed, numbers[i].p, numbers[i].n);
		if (i == spoil)
			changed[numbers[i].n / 2] ^= 0x02;
		dw_uint(&w, span_of(changed, numbers[i].n));
	}
	dw_wrap(&w, DER_SEQUENCE, mark);
	assert_false(w.bad);
	return pkcs8_around_rsa(dw_span(&w), store, cap);
}

static void rsa_with_a_wrong_number_is_refused(void **state)
{
	static struct rsa_key own;
	uint8_t store[2048];
	struct private_key k;
	struct span der;

	(void)state;
	assert_int_equal(rsa_generate(&own, 2048), ERR_OK);
	der = write_rsa(&own, -1, store, sizeof store);
	assert_int_equal(pkcs8_parse(der, &k), ERR_OK);
	assert_memory_equal(k.rsa.n, own.n, own.n_len);
	for (int i = 0; i <= 8; i++) {
		memset(&k, 0xee, sizeof k);
		der = write_rsa(&own, i, store, sizeof store);
		if (i == 3) /* d is not used and not checked */
			assert_int_equal(pkcs8_parse(der, &k), ERR_OK);
		else
			assert_int_not_equal(pkcs8_parse(der, &k), ERR_OK);
		assert_true(i == 3 || all_zero(&k, sizeof k));
	}
	der = write_rsa(&own, -1, store, sizeof store);
	for (size_t i = 0; i < 40; i++) { /* headers, version, algorithm */
		store[(size_t)(der.p - store) + i] ^= 0x20;
		assert_int_not_equal(pkcs8_parse(der, &k), ERR_OK);
		store[(size_t)(der.p - store) + i] ^= 0x20;
	}
	for (size_t n = 0; n < der.n; n += 7)
		assert_int_not_equal(pkcs8_parse(span_of(der.p, n), &k), ERR_OK);
	assert_int_equal(pkcs8_parse(der, &k), ERR_OK);
}

/* What openssl encrypts, we decrypt: all three hashes Key Vault uses. */
static void oaep_of_openssl_decrypts(void **state)
{
	static const struct {
		const char *name;
		enum hash_alg alg;
	} hashes[] = { { "sha1", HASH_SHA1 }, { "sha256", HASH_SHA256 }, { "sha384", HASH_SHA384 } };
	uint8_t der[4096], ct[512], out[512];
	struct private_key k;
	char command[1024], path[] = "/tmp/parley-test-key-XXXXXX";
	struct span key;
	size_t n;
	int fd;
	FILE *f;

	(void)state;
	if (!have_openssl())
		skip();
	key = make("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", der, sizeof der);
	assert_int_equal(pkcs8_parse(key, &k), ERR_OK);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	f = fdopen(fd, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(key.p, 1, key.n, f), key.n);
	fclose(f);
	for (size_t i = 0; i < 3; i++) {
		snprintf(command, sizeof command,
			 "printf 'attack at dawn' | openssl pkeyutl -encrypt -inkey %s -keyform DER -pkeyopt rsa_padding_mode:oaep"
			 " -pkeyopt rsa_oaep_md:%s -pkeyopt rsa_mgf1_md:%s", path, hashes[i].name, hashes[i].name);
		assert_int_equal(run_command(command, ct, sizeof ct), 256);
		assert_int_equal(rsa_oaep_decrypt(&k.rsa, hashes[i].alg, span_of(ct, 256), out, sizeof out, &n), ERR_OK);
		assert_int_equal(n, 14);
		assert_memory_equal(out, "attack at dawn", n);
	}
	remove(path);
}

/* A real Key Vault answer: the first 256 bytes hold the AES key under OAEP with SHA-1, the rest the key under AES-KWP. */
static void key_vault_wrap_unwraps(void **state)
{
	uint8_t ct[512], kek[RSA_MAX], want[64], out[64];
	struct private_key k;
	cJSON *root = wyche_open("azure/skr-sidecar/akv_unwrap_test_vector.json");
	size_t n, kek_n, want_n;

	(void)state;
	if (!root || !azure_test_key(&k))
		skip();
	assert_int_equal(base64_decode(B64_URL, span_str(wyche_text(root, "ciphertext_b64url")), ct, sizeof ct, &n), ERR_OK);
	assert_int_equal(rsa_oaep_decrypt(&k.rsa, HASH_SHA1, span_of(ct, 256), kek, sizeof kek, &kek_n), ERR_OK);
	want_n = vectors_hex(wyche_text(root, "kek_hex"), want, sizeof want);
	assert_int_equal(kek_n, want_n);
	assert_memory_equal(kek, want, want_n);
	want_n = vectors_hex(wyche_text(root, "expected_key_hex"), want, sizeof want);
	assert_int_equal(kwp_unwrap(span_of(kek, kek_n), span_of(ct + 256, n - 256), out, sizeof out, &n), ERR_OK);
	assert_int_equal(n, want_n);
	assert_memory_equal(out, want, n);
	assert_int_equal(rsa_oaep_decrypt(&k.rsa, HASH_SHA256, span_of(ct, 256), kek, sizeof kek, &kek_n), ERR_CRYPTO);
	cJSON_Delete(root);
}

UNIT(pkcs8)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_of_openssl_load),
		cmocka_unit_test(kinds_not_offered_are_refused),
		cmocka_unit_test(ec_forms),
		cmocka_unit_test(rsa_with_a_wrong_number_is_refused),
		cmocka_unit_test(oaep_of_openssl_decrypts),
		cmocka_unit_test(key_vault_wrap_unwraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
