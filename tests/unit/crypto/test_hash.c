/* Hashes, HMAC and random numbers. */
#include "t.h"

#include "crypto/hash.h"
#include "crypto/rng.h"
#include "wyche.h"

static void check(enum hash_alg alg, const char *text, const char *hex)
{
	uint8_t want[64], got[64];
	size_t n = vectors_hex(hex, want, sizeof want);

	assert_int_equal(n, hash_len(alg));
	hash_digest(alg, span_str(text), got);
	assert_memory_equal(got, want, n);
}

/* FIPS 180-4 examples ("abc" and the empty message) */
static void digests_match_the_standard(void **state)
{
	(void)state;
	check(HASH_SHA1, "abc", "a9993e364706816aba3e25717850c26c9cd0d89d");
	check(HASH_SHA1, "", "da39a3ee5e6b4b0d3255bfef95601890afd80709");
	check(HASH_SHA256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	check(HASH_SHA256, "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	check(HASH_SHA384, "abc",
	      "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
	check(HASH_SHA512, "abc",
	      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	      "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

static void running_hash_equals_one_shot(void **state)
{
	uint8_t data[300], want[SHA256_LEN], got[SHA256_LEN], middle[SHA256_LEN];
	struct sha256 h;

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 7);
	for (size_t cut = 0; cut <= sizeof data; cut++) {
		hash_sha256_init(&h);
		hash_sha256_update(&h, span_of(data, cut));
		hash_sha256_out(&h, middle);
		hash_sha256(span_of(data, cut), want);
		assert_memory_equal(middle, want, sizeof want);
		/* asking for the digest did not disturb the state */
		hash_sha256_update(&h, span_of(data + cut, sizeof data - cut));
		hash_sha256_out(&h, got);
		hash_sha256(span_of(data, sizeof data), want);
		assert_memory_equal(got, want, sizeof want);
	}
}

/* RFC 4231 test cases 2 and 6 */
static void hmac_matches_rfc4231(void **state)
{
	uint8_t want[SHA256_LEN], got[SHA256_LEN], key[131];

	(void)state;
	vectors_hex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843", want, sizeof want);
	hash_hmac_sha256(SPAN_LIT("Jefe"), SPAN_LIT("what do ya want for nothing?"), got);
	assert_memory_equal(got, want, sizeof want);
	vectors_hex("60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54", want, sizeof want);
	memset(key, 0xaa, sizeof key);
	hash_hmac_sha256(span_of(key, sizeof key), SPAN_LIT("Test Using Larger Than Block-Size Key - Hash Key First"), got);
	assert_memory_equal(got, want, sizeof want);
}

static void hmac_matches_wycheproof(void **state)
{
	static uint8_t key_buf[WYCHE_MAX], msg_buf[WYCHE_MAX];
	cJSON *root = wyche_open("wycheproof/hmac_sha256_test.json"), *group, *test;
	int ran = 0;

	(void)state;
	if (!root)
		skip();
	cJSON_ArrayForEach(group, cJSON_GetObjectItem(root, "testGroups")) {
		cJSON_ArrayForEach(test, cJSON_GetObjectItem(group, "tests")) {
			uint8_t tag[SHA256_LEN], got[SHA256_LEN];
			size_t n = vectors_hex(wyche_text(test, "tag"), tag, sizeof tag);

			hash_hmac_sha256(wyche_bytes(test, "key", key_buf, sizeof key_buf),
					 wyche_bytes(test, "msg", msg_buf, sizeof msg_buf), got);
			assert_int_equal(memcmp(tag, got, n) == 0, wyche_result(test, "valid"));
			ran++;
		}
	}
	cJSON_Delete(root);
	assert_true(ran > 150);
}

static void random_bytes_differ_and_bounds_hold(void **state)
{
	uint8_t a[32], b[32];
	bool seen[7] = { false };

	(void)state;
	rng_bytes(a, sizeof a);
	rng_bytes(b, sizeof b);
	assert_memory_not_equal(a, b, sizeof a);
	for (int i = 0; i < 1000; i++) {
		uint32_t v = rng_below(7);

		assert_true(v < 7);
		seen[v] = true;
	}
	for (int i = 0; i < 7; i++)
		assert_true(seen[i]);
	assert_int_equal(rng_below(1), 0);
}

UNIT(hash)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_match_the_standard),
		cmocka_unit_test(running_hash_equals_one_shot),
		cmocka_unit_test(hmac_matches_rfc4231),
		cmocka_unit_test(hmac_matches_wycheproof),
		cmocka_unit_test(random_bytes_differ_and_bounds_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
