/* AES key unwrap with padding. */
#include "t.h"

#include "crypto/kwp.h"
#include "wyche.h"

static bool all_byte(const uint8_t *p, size_t n, uint8_t value)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != value)
			return false;
	return true;
}

/* RFC 5649 section 6 */
static const char kek_hex[] = "5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8";
static const char wrapped20_hex[] = "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a";
static const char plain20_hex[] = "c37b7e6492584340bed12207808941155068f738";
static const char wrapped7_hex[] = "afbeb0f07dfbf5419200f2ccb50bb24f";
static const char plain7_hex[] = "466f7250617369";

static void check_one(const char *kek_text, const char *wrapped_text, const char *plain_text)
{
	uint8_t kek[32], wrapped[64], plain[64], dst[64];
	size_t kek_n = vectors_hex(kek_text, kek, sizeof kek), wrapped_n = vectors_hex(wrapped_text, wrapped, sizeof wrapped);
	size_t plain_n = vectors_hex(plain_text, plain, sizeof plain), n = 0;

	memset(dst, 0xee, sizeof dst);
	assert_int_equal(kwp_unwrap(span_of(kek, kek_n), span_of(wrapped, wrapped_n), dst, wrapped_n - 8, &n), ERR_OK);
	assert_int_equal(n, plain_n);
	assert_memory_equal(dst, plain, n);
	assert_true(all_byte(dst + n, wrapped_n - 8 - n, 0));
	assert_true(all_byte(dst + wrapped_n - 8, sizeof dst - (wrapped_n - 8), 0xee));
}

static void rfc5649_examples_unwrap(void **state)
{
	(void)state;
	check_one(kek_hex, wrapped20_hex, plain20_hex);
	check_one(kek_hex, wrapped7_hex, plain7_hex);
}

static void stored_rfc5649_vectors_unwrap(void **state)
{
	cJSON *root = wyche_open("azure/skr-sidecar/rfc5649_kwp_vectors.json"), *v;

	(void)state;
	if (!root)
		skip();
	assert_int_equal(cJSON_GetArraySize(root), 2);
	cJSON_ArrayForEach(v, root)
		check_one(wyche_text(v, "kek"), wyche_text(v, "wrapped"), wyche_text(v, "plain"));
	cJSON_Delete(root);
}

static void wycheproof_valid_unwraps_and_invalid_is_refused(void **state)
{
	static uint8_t ct_buf[WYCHE_MAX], msg_buf[WYCHE_MAX], dst[WYCHE_MAX];
	cJSON *root = wyche_open("wycheproof/aes_kwp_test.json"), *group, *test;
	int valid = 0, invalid = 0;

	(void)state;
	if (!root)
		skip();
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(root, "testGroups")) {
		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests")) {
			uint8_t key_buf[64];
			struct span key = wyche_bytes(test, "key", key_buf, sizeof key_buf);
			struct span ct = wyche_bytes(test, "ct", ct_buf, sizeof ct_buf);
			struct span msg = wyche_bytes(test, "msg", msg_buf, sizeof msg_buf);
			size_t n = 0;
			enum err err;

			memset(dst, 0xee, sizeof dst);
			err = kwp_unwrap(key, ct, dst, sizeof dst, &n);
			if (wyche_result(test, "valid")) {
				assert_int_equal(err, ERR_OK);
				assert_int_equal(n, msg.n);
				assert_memory_equal(dst, msg.p, msg.n);
				valid++;
			} else {
				if (!err)
					wyche_say("aes_kwp", wyche_int(test, "tcId"), wyche_text(test, "comment"));
				assert_int_not_equal(err, ERR_OK);
				assert_true(all_byte(dst, sizeof dst, 0));
				invalid++;
			}
		}
	}
	cJSON_Delete(root);
	assert_true(valid > 50 && invalid > 100);
}

static void flip_each(const char *wrapped_text)
{
	uint8_t kek[24], wrapped[64], dst[64];
	size_t wrapped_n = vectors_hex(wrapped_text, wrapped, sizeof wrapped), n;

	vectors_hex(kek_hex, kek, sizeof kek);
	for (size_t i = 0; i < wrapped_n; i++) {
		for (int bit = 0; bit < 8; bit++) {
			wrapped[i] ^= (uint8_t)(1 << bit);
			memset(dst, 0xee, sizeof dst);
			assert_int_equal(kwp_unwrap(span_of(kek, sizeof kek), span_of(wrapped, wrapped_n), dst, sizeof dst, &n),
					 ERR_CRYPTO);
			assert_true(all_byte(dst, sizeof dst, 0));
			wrapped[i] ^= (uint8_t)(1 << bit);
		}
	}
}

static void every_flipped_bit_is_refused(void **state)
{
	(void)state;
	flip_each(wrapped20_hex);
	flip_each(wrapped7_hex);
}

static void impossible_lengths_are_refused(void **state)
{
	uint8_t kek[33] = { 0 }, wrapped[41] = { 0 }, dst[64];
	size_t n = 99;

	(void)state;
	for (size_t len = 0; len < 16; len++)
		assert_int_equal(kwp_unwrap(span_of(kek, 32), span_of(wrapped, len), dst, sizeof dst, &n), ERR_RANGE);
	for (size_t len = 17; len < 41; len++)
		if (len % 8)
			assert_int_equal(kwp_unwrap(span_of(kek, 32), span_of(wrapped, len), dst, sizeof dst, &n), ERR_RANGE);
	for (size_t len = 0; len <= 33; len++)
		if (len != 16 && len != 24 && len != 32)
			assert_int_equal(kwp_unwrap(span_of(kek, len), span_of(wrapped, 24), dst, sizeof dst, &n), ERR_RANGE);
	assert_int_equal(kwp_unwrap(span_of(kek, 32), span_of(wrapped, 40), dst, 31, &n), ERR_TOO_BIG);
	assert_int_equal(n, 99);
}

UNIT(kwp)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc5649_examples_unwrap),
		cmocka_unit_test(stored_rfc5649_vectors_unwrap),
		cmocka_unit_test(wycheproof_valid_unwraps_and_invalid_is_refused),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(impossible_lengths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
