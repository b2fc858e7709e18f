/* RSA. */
#include "t.h"

#include "crypto/rsa.h"
#include "wyche.h"

static struct rsa_key own; /* made once: generation is slow */

static int make_key(void **state)
{
	(void)state;
	return rsa_generate(&own, 2048);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

static void generated_key_is_sound(void **state)
{
	struct rsa_key k;

	(void)state;
	assert_int_equal(own.n_bits, 2048);
	assert_int_equal(own.n_len, 256);
	assert_int_equal(rsa_bits(rsa_public(&own).n), 2048);
	assert_int_equal(own.e_len, 3);
	assert_memory_equal(own.e, "\x01\x00\x01", 3);
	assert_int_equal(rsa_check(&own), ERR_OK);
	assert_int_equal(rsa_generate(&k, 1024), ERR_RANGE);
	assert_int_equal(rsa_generate(&k, 2049), ERR_RANGE);
	assert_true(all_zero((const uint8_t *)&k, sizeof k));
}

/* Each part of the private key spoiled by one bit: the round trip notices. */
static void spoiled_key_is_refused(void **state)
{
	struct rsa_key k;
	struct {
		uint8_t *p;
		size_t n;
	} parts[] = { { k.p, own.p_len }, { k.q, own.q_len }, { k.dp, own.dp_len }, { k.dq, own.dq_len },
		      { k.qi, own.qi_len }, { k.n, own.n_len }, { k.e, own.e_len } };

	(void)state;
	for (size_t part = 0; part < sizeof parts / sizeof parts[0]; part++) {
		for (size_t i = 0; i < parts[part].n; i += parts[part].n < 8 ? 1 : parts[part].n / 4) {
			k = own;
			parts[part].p[i] ^= 0x04;
			assert_int_not_equal(rsa_check(&k), ERR_OK);
		}
	}
	k = own;
	k.n_bits = 2047;
	assert_int_equal(rsa_check(&k), ERR_RANGE);
	k = own;
	k.p_len = RSA_FACTOR_MAX + 1;
	assert_int_equal(rsa_check(&k), ERR_RANGE);
	k = own;
	k.q_len = 1;
	assert_int_equal(rsa_check(&k), ERR_RANGE);
	k = own;
	k.qi_len = 0;
	assert_int_equal(rsa_check(&k), ERR_RANGE);
	k = own;
	k.n_len = 128;
	assert_int_equal(rsa_check(&k), ERR_RANGE);
	k = own;
	k.p[k.p_len - 1] &= 0xfe;
	assert_int_equal(rsa_check(&k), ERR_RANGE);
	memset(&k, 0, sizeof k);
	assert_int_equal(rsa_check(&k), ERR_RANGE);
	assert_int_equal(rsa_check(&own), ERR_OK);
}

static void oaep_round_trip_and_limits(void **state)
{
	static const enum hash_alg algs[] = { HASH_SHA1, HASH_SHA256, HASH_SHA384 };
	struct rsa_pub pub = rsa_public(&own);
	uint8_t msg[256], ct[256], ct2[256], out[300];
	size_t n, max;

	(void)state;
	memset(msg, 0x6d, sizeof msg);
	for (size_t a = 0; a < 3; a++) {
		max = 256 - 2 * hash_len(algs[a]) - 2;
		for (size_t len = 0; len <= max; len += len < 2 ? 1 : (max - 2) / 2) {
			assert_int_equal(rsa_oaep_encrypt(&pub, algs[a], span_of(msg, len), ct, sizeof ct, &n), ERR_OK);
			assert_int_equal(n, 256);
			memset(out, 0xee, sizeof out);
			assert_int_equal(rsa_oaep_decrypt(&own, algs[a], span_of(ct, 256), out, sizeof out, &n), ERR_OK);
			assert_int_equal(n, len);
			assert_memory_equal(out, msg, n);
			assert_true(all_zero(out + n, sizeof out - n));
		}
		assert_int_equal(rsa_oaep_encrypt(&pub, algs[a], span_of(msg, max + 1), ct, sizeof ct, &n), ERR_TOO_BIG);
		assert_int_equal(rsa_oaep_encrypt(&pub, algs[a], span_of(msg, 32), ct, 255, &n), ERR_TOO_BIG);
	}
	/* randomized, in place, and another hash does not open it */
	assert_int_equal(rsa_oaep_encrypt(&pub, HASH_SHA256, span_of(msg, 32), ct, sizeof ct, &n), ERR_OK);
	assert_int_equal(rsa_oaep_encrypt(&pub, HASH_SHA256, span_of(msg, 32), ct2, sizeof ct2, &n), ERR_OK);
	assert_memory_not_equal(ct, ct2, sizeof ct);
	assert_int_equal(rsa_oaep_decrypt(&own, HASH_SHA1, span_of(ct, 256), out, sizeof out, &n), ERR_CRYPTO);
	assert_int_equal(rsa_oaep_decrypt(&own, HASH_SHA256, span_of(ct, 256), ct, sizeof ct, &n), ERR_OK);
	assert_memory_equal(ct, msg, 32);
	assert_int_equal(rsa_oaep_decrypt(&own, HASH_SHA256, span_of(ct2, 256), out, 255, &n), ERR_TOO_BIG);
}

static void every_changed_oaep_byte_is_refused(void **state)
{
	struct rsa_pub pub = rsa_public(&own);
	uint8_t ct[256], out[256], longer[257] = { 0 };
	size_t n;

	(void)state;
	assert_int_equal(rsa_oaep_encrypt(&pub, HASH_SHA256, SPAN_LIT("key encryption key"), ct, sizeof ct, &n), ERR_OK);
	for (size_t i = 0; i < sizeof ct; i++) {
		ct[i] ^= (uint8_t)(1 << (i % 8));
		memset(out, 0xee, sizeof out);
		assert_int_equal(rsa_oaep_decrypt(&own, HASH_SHA256, span_of(ct, sizeof ct), out, sizeof out, &n), ERR_CRYPTO);
		assert_true(all_zero(out, sizeof out));
		ct[i] ^= (uint8_t)(1 << (i % 8));
	}
	memcpy(longer + 1, ct, sizeof ct);
	assert_int_equal(rsa_oaep_decrypt(&own, HASH_SHA256, span_of(longer, 257), out, sizeof out, &n), ERR_CRYPTO);
	assert_int_equal(rsa_oaep_decrypt(&own, HASH_SHA256, span_of(ct, 255), out, sizeof out, &n), ERR_CRYPTO);
	assert_int_equal(rsa_oaep_decrypt(&own, HASH_SHA256, rsa_public(&own).n, out, sizeof out, &n), ERR_CRYPTO);
}

/* Public keys a signature must never be accepted under, whatever the signature. */
static void odd_public_keys_are_refused(void **state)
{
	uint8_t n_bytes[520], sig[520] = { 0 }, digest[48] = { 0 }, e_big[9] = { 1, 0, 0, 0, 0, 0, 0, 0, 1 };
	uint8_t e_ok[3] = { 1, 0, 1 }, e_one = 1, e_even = 2, e_zero = 0;
	struct rsa_pub good = rsa_public(&own), bad;
	size_t len;

	(void)state;
	memset(n_bytes, 0xff, sizeof n_bytes);
	const struct rsa_pub keys[] = {
		{ span_of(n_bytes, 128), span_of(e_ok, 3) },   /* RSA-1024 */
		{ span_of(n_bytes, 513), span_of(e_ok, 3) },   /* over RSA-4096 */
		{ span_of(n_bytes, 0), span_of(e_ok, 3) },
		{ good.n, span_of(&e_one, 1) },                /* s = EM: anyone signs */
		{ good.n, span_of(&e_even, 1) },
		{ good.n, span_of(&e_zero, 1) },
		{ good.n, span_of(e_big, 9) },
		{ good.n, span_of(NULL, 0) },
	};
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		assert_int_equal(rsa_verify_pkcs1(&keys[i], HASH_SHA256, digest, span_of(sig, keys[i].n.n)), ERR_RANGE);
		assert_int_equal(rsa_verify_pss(&keys[i], HASH_SHA384, digest, 48, span_of(sig, keys[i].n.n)), ERR_RANGE);
		assert_int_equal(rsa_oaep_encrypt(&keys[i], HASH_SHA256, SPAN_LIT("x"), sig, sizeof sig, &len), ERR_RANGE);
	}
	n_bytes[0] = 0x7f; /* 2047 bits */
	bad = (struct rsa_pub){ span_of(n_bytes, 256), span_of(e_ok, 3) };
	assert_int_equal(rsa_verify_pkcs1(&bad, HASH_SHA256, digest, span_of(sig, 256)), ERR_RANGE);
	n_bytes[0] = 0xff;
	n_bytes[255] = 0xfe; /* even */
	assert_int_equal(rsa_verify_pkcs1(&bad, HASH_SHA256, digest, span_of(sig, 256)), ERR_RANGE);
	/* s = 0 and s = 1 under a good key, lengths one off, and s = n */
	memset(sig, 0, sizeof sig);
	assert_int_equal(rsa_verify_pkcs1(&good, HASH_SHA256, digest, span_of(sig, 256)), ERR_CRYPTO);
	assert_int_equal(rsa_verify_pss(&good, HASH_SHA384, digest, 48, span_of(sig, 256)), ERR_CRYPTO);
	sig[255] = 1;
	assert_int_equal(rsa_verify_pkcs1(&good, HASH_SHA256, digest, span_of(sig, 256)), ERR_CRYPTO);
	assert_int_equal(rsa_verify_pkcs1(&good, HASH_SHA256, digest, span_of(sig, 255)), ERR_CRYPTO);
	assert_int_equal(rsa_verify_pkcs1(&good, HASH_SHA256, digest, span_of(sig, 257)), ERR_CRYPTO);
	assert_int_equal(rsa_verify_pkcs1(&good, HASH_SHA256, digest, good.n), ERR_CRYPTO);
}

static uint16_t number(const cJSON *key, const char *member, uint8_t *dst, size_t cap)
{
	static uint8_t store[WYCHE_MAX];
	struct span v = wyche_number(key, member, store, sizeof store);

	assert_true(v.n <= cap);
	memcpy(dst, v.p, v.n);
	return (uint16_t)v.n;
}

static void load_key(const cJSON *json, struct rsa_key *k)
{
	memset(k, 0, sizeof *k);
	k->n_len = number(json, "modulus", k->n, sizeof k->n);
	k->e_len = number(json, "publicExponent", k->e, sizeof k->e);
	k->p_len = number(json, "prime1", k->p, sizeof k->p);
	k->q_len = number(json, "prime2", k->q, sizeof k->q);
	k->dp_len = number(json, "exponent1", k->dp, sizeof k->dp);
	k->dq_len = number(json, "exponent2", k->dq, sizeof k->dq);
	k->qi_len = number(json, "coefficient", k->qi, sizeof k->qi);
	k->n_bits = rsa_bits(span_of(k->n, k->n_len));
	assert_int_equal(rsa_check(k), ERR_OK);
}

/* Only the empty label is offered: ciphertexts with another must be refused like damaged ones. */
static void oaep_file(const char *file, enum hash_alg alg)
{
	static uint8_t ct_buf[WYCHE_MAX], msg_buf[WYCHE_MAX], out[RSA_MAX];
	cJSON *root = wyche_open(file), *group, *test;
	int good = 0, refused = 0;
	struct rsa_key k;

	if (!root)
		skip();
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(root, "testGroups")) {
		load_key(cJSON_GetObjectItem(group, "privateKey"), &k);
		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests")) {
			struct span ct = wyche_bytes(test, "ct", ct_buf, sizeof ct_buf);
			struct span msg = wyche_bytes(test, "msg", msg_buf, sizeof msg_buf);
			bool want = wyche_result(test, "valid") && !*wyche_text(test, "label");
			size_t n = 0;
			enum err err = rsa_oaep_decrypt(&k, alg, ct, out, sizeof out, &n);

			if ((err == ERR_OK) != want)
				wyche_say(file, wyche_int(test, "tcId"), wyche_text(test, "comment"));
			assert_int_equal(err, want ? ERR_OK : ERR_CRYPTO);
			if (want) {
				assert_int_equal(n, msg.n);
				assert_memory_equal(out, msg.p, n);
			}
			good += want;
			refused += !want;
		}
	}
	cJSON_Delete(root);
	assert_true(good > 5 && refused > 5);
}

static void wycheproof_oaep_2048_sha1(void **state)
{
	(void)state;
	oaep_file("wycheproof/rsa_oaep_2048_sha1_mgf1sha1_test.json", HASH_SHA1);
}

static void wycheproof_oaep_2048_sha256(void **state)
{
	(void)state;
	oaep_file("wycheproof/rsa_oaep_2048_sha256_mgf1sha256_test.json", HASH_SHA256);
}

static void wycheproof_oaep_3072_sha256(void **state)
{
	(void)state;
	oaep_file("wycheproof/rsa_oaep_3072_sha256_mgf1sha256_test.json", HASH_SHA256);
}

/* "acceptable" signatures (PKCS#1 without the NULL of the AlgorithmIdentifier) are refused. */
static void signature_file(const char *file, enum hash_alg alg, bool pss)
{
	static uint8_t n_buf[WYCHE_MAX], e_buf[WYCHE_MAX], sig_buf[WYCHE_MAX], msg_buf[WYCHE_MAX];
	cJSON *root = wyche_open(file), *group, *test;
	int good = 0, refused = 0, acceptable = 0;

	if (!root)
		skip();
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(root, "testGroups")) {
		const cJSON *key = cJSON_GetObjectItem(group, "publicKey");
		struct rsa_pub pub = { wyche_number(key, "modulus", n_buf, sizeof n_buf),
				       wyche_number(key, "publicExponent", e_buf, sizeof e_buf) };

		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests")) {
			struct span sig = wyche_bytes(test, "sig", sig_buf, sizeof sig_buf);
			bool want = wyche_result(test, "valid");
			uint8_t digest[64];
			enum err err;

			hash_digest(alg, wyche_bytes(test, "msg", msg_buf, sizeof msg_buf), digest);
			if (pss) {
				size_t salt = (size_t)wyche_int(group, "sLen");

				err = rsa_verify_pss(&pub, alg, digest, salt, sig);
				/* the right signature under a wrong salt length is a wrong signature */
				if (want) {
					assert_int_equal(rsa_verify_pss(&pub, alg, digest, salt - 1, sig), ERR_CRYPTO);
					assert_int_equal(rsa_verify_pss(&pub, alg, digest, salt + 1, sig), ERR_CRYPTO);
					assert_int_equal(rsa_verify_pss(&pub, alg, digest, SIZE_MAX, sig), ERR_CRYPTO);
				}
			} else {
				err = rsa_verify_pkcs1(&pub, alg, digest, sig);
			}
			if ((err == ERR_OK) != want)
				wyche_say(file, wyche_int(test, "tcId"), wyche_text(test, "comment"));
			assert_int_equal(err, want ? ERR_OK : ERR_CRYPTO);
			good += want;
			refused += !want;
			acceptable += wyche_result(test, "acceptable");
		}
	}
	cJSON_Delete(root);
	assert_true(good > 5 && refused > 5);
	assert_int_equal(acceptable, pss ? 0 : 1);
}

static void wycheproof_pkcs1_2048_sha256(void **state)
{
	(void)state;
	signature_file("wycheproof/rsa_signature_2048_sha256_test.json", HASH_SHA256, false);
}

static void wycheproof_pkcs1_4096_sha384(void **state)
{
	(void)state;
	signature_file("wycheproof/rsa_signature_4096_sha384_test.json", HASH_SHA384, false);
}

static void wycheproof_pss_2048_sha384(void **state)
{
	(void)state;
	signature_file("wycheproof/rsa_pss_2048_sha384_mgf1_48_test.json", HASH_SHA384, true);
}

UNIT(rsa)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generated_key_is_sound),
		cmocka_unit_test(spoiled_key_is_refused),
		cmocka_unit_test(oaep_round_trip_and_limits),
		cmocka_unit_test(every_changed_oaep_byte_is_refused),
		cmocka_unit_test(odd_public_keys_are_refused),
		cmocka_unit_test(wycheproof_oaep_2048_sha1),
		cmocka_unit_test(wycheproof_oaep_2048_sha256),
		cmocka_unit_test(wycheproof_oaep_3072_sha256),
		cmocka_unit_test(wycheproof_pkcs1_2048_sha256),
		cmocka_unit_test(wycheproof_pkcs1_4096_sha384),
		cmocka_unit_test(wycheproof_pss_2048_sha384),
	};

	return cmocka_run_group_tests(tests, make_key, NULL);
}
