/* Elliptic curves. */
#include "t.h"

#include "base/ct.h"
#include "crypto/ec.h"
#include "crypto/hash.h"
#include "wyche.h"

/* The order of each curve and its generator (SEC 2 version 2.0, sections 2.4.2, 2.5.1, 2.6.1). */
static const struct {
	enum ec_curve curve;
	const char *order, *g;
} curves[] = {
	{ EC_P256, "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
	  "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
	  "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5" },
	{ EC_P384, "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973",
	  "04aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7"
	  "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f" },
	{ EC_P521, "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa"
	           "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409",
	  "0400c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a"
	  "429bf97e7e31c2e5bd66"
	  "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e662c97ee72995ef42640c550b9013fad0761353c7086a272c2"
	  "4088be94769fd16650" },
};

static void scalars_are_checked_and_points_computed(void **state)
{
	(void)state;
	for (size_t c = 0; c < 3; c++) {
		uint8_t d[EC_SCALAR_MAX], g[EC_POINT_MAX];
		size_t n = ec_field_len(curves[c].curve);
		struct ec_key k;

		assert_int_equal(vectors_hex(curves[c].g, g, sizeof g), 1 + 2 * n);
		memset(d, 0, sizeof d);
		assert_int_equal(ec_from_scalar(&k, curves[c].curve, span_of(d, n)), ERR_RANGE);
		d[n - 1] = 1;
		assert_int_equal(ec_from_scalar(&k, curves[c].curve, span_of(d, n)), ERR_OK);
		assert_memory_equal(k.point, g, 1 + 2 * n);
		assert_int_equal(ec_from_scalar(&k, curves[c].curve, span_of(d, n - 1)), ERR_RANGE);

		assert_int_equal(vectors_hex(curves[c].order, d, sizeof d), n);
		assert_int_equal(ec_from_scalar(&k, curves[c].curve, span_of(d, n)), ERR_RANGE);
		d[n - 1]--; /* order - 1: the generator with y negated */
		assert_int_equal(ec_from_scalar(&k, curves[c].curve, span_of(d, n)), ERR_OK);
		assert_memory_equal(k.point, g, 1 + n);
		assert_memory_not_equal(k.point + 1 + n, g + 1 + n, n);
		memset(d, 0xff, sizeof d);
		assert_int_equal(ec_from_scalar(&k, curves[c].curve, span_of(d, n)), ERR_RANGE);
		WIPE(k);
	}
}

static void generated_keys_differ_and_reload(void **state)
{
	(void)state;
	for (size_t c = 0; c < 3; c++) {
		size_t n = ec_field_len(curves[c].curve);
		struct ec_key a, b, again;

		assert_int_equal(ec_generate(&a, curves[c].curve), ERR_OK);
		assert_int_equal(ec_generate(&b, curves[c].curve), ERR_OK);
		assert_memory_not_equal(a.d, b.d, n);
		assert_int_equal(ec_from_scalar(&again, curves[c].curve, span_of(a.d, n)), ERR_OK);
		assert_memory_equal(again.point, a.point, 1 + 2 * n);
	}
}

static void wycheproof(const char *file, enum ec_curve curve, enum hash_alg hash)
{
	static uint8_t sig_buf[WYCHE_MAX], msg_buf[WYCHE_MAX];
	cJSON *root = wyche_open(file), *group, *test;
	int valid = 0, invalid = 0;

	if (!root)
		skip();
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(root, "testGroups")) {
		uint8_t point_buf[EC_POINT_MAX];
		struct span point = wyche_bytes(cJSON_GetObjectItem(group, "publicKey"), "uncompressed", point_buf,
						sizeof point_buf);

		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests")) {
			uint8_t digest[64];
			struct span sig = wyche_bytes(test, "sig", sig_buf, sizeof sig_buf);
			bool want = wyche_result(test, "valid");
			enum err err;

			hash_digest(hash, wyche_bytes(test, "msg", msg_buf, sizeof msg_buf), digest);
			err = ec_verify_der(curve, point, span_of(digest, hash_len(hash)), sig);
			if ((err == ERR_OK) != want)
				wyche_say(file, wyche_int(test, "tcId"), wyche_text(test, "comment"));
			assert_int_equal(err, want ? ERR_OK : ERR_CRYPTO);
			valid += want;
			invalid += !want;
		}
	}
	cJSON_Delete(root);
	assert_true(valid > 100 && invalid > 100);
}

static void wycheproof_p256(void **state)
{
	(void)state;
	wycheproof("wycheproof/ecdsa_secp256r1_sha256_test.json", EC_P256, HASH_SHA256);
}

static void wycheproof_p384(void **state)
{
	(void)state;
	wycheproof("wycheproof/ecdsa_secp384r1_sha384_test.json", EC_P384, HASH_SHA384);
}

/* RFC 6979 appendix A.2.5, P-256, SHA-256, message "sample" */
static const char rfc_point[] = "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
				"7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299";
static const char rfc_sig[] = "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
			      "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8";

static void raw_signature_is_strict(void **state)
{
	uint8_t point[65], sig[66] = { 0 }, longer[66] = { 0 }, digest[32];
	struct span p = span_of(point, sizeof point), h = span_of(digest, sizeof digest);

	(void)state;
	vectors_hex(rfc_point, point, sizeof point);
	vectors_hex(rfc_sig, sig, sizeof sig);
	hash_sha256(SPAN_LIT("sample"), digest);
	assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(sig, 64)), ERR_OK);
	for (size_t i = 0; i < 64; i++) {
		sig[i] ^= 0x10;
		assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(sig, 64)), ERR_CRYPTO);
		sig[i] ^= 0x10;
	}
	for (size_t i = 0; i < 32; i++) {
		digest[i] ^= 0x10;
		assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(sig, 64)), ERR_CRYPTO);
		digest[i] ^= 0x10;
	}
	for (size_t i = 0; i < 65; i++) { /* mostly points off the curve */
		point[i] ^= 1;
		assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(sig, 64)), ERR_CRYPTO);
		point[i] ^= 1;
	}
	/* the same numbers in other lengths, and half signatures */
	memcpy(longer + 1, sig, 32);
	memcpy(longer + 34, sig + 32, 32);
	assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(longer, 66)), ERR_CRYPTO);
	assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(sig, 63)), ERR_CRYPTO);
	assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(sig, 0)), ERR_CRYPTO);
	assert_int_equal(ec_verify_raw(EC_P384, p, h, span_of(sig, 64)), ERR_CRYPTO);
	assert_int_equal(ec_verify_raw(EC_P521, p, h, span_of(sig, 64)), ERR_RANGE);
	assert_int_equal(ec_verify_raw(EC_P256, p, span_of(digest, 19), span_of(sig, 64)), ERR_CRYPTO);
	assert_int_equal(ec_verify_raw(EC_P256, span_of(point + 1, 64), h, span_of(sig, 64)), ERR_CRYPTO);
	/* r or s zero */
	memset(longer, 0, sizeof longer);
	assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(longer, 64)), ERR_CRYPTO);
	memcpy(longer, sig, 32);
	assert_int_equal(ec_verify_raw(EC_P256, p, h, span_of(longer, 64)), ERR_CRYPTO);
}

UNIT(ec)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scalars_are_checked_and_points_computed),
		cmocka_unit_test(generated_keys_differ_and_reload),
		cmocka_unit_test(wycheproof_p256),
		cmocka_unit_test(wycheproof_p384),
		cmocka_unit_test(raw_signature_is_strict),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
