/* JSON Web Signatures. */
#include "t.h"

#include "crypto/jws.h"
#include "jws_vectors.h"
#include "vectors.h"

static uint8_t header_buf[1024], payload_buf[1024];

static struct verify_key key_of(const char *jwk, uint8_t *store, size_t cap)
{
	struct json_tok toks[16];
	struct verify_key k;
	struct json doc;

	assert_int_equal(json_parse(&doc, span_str(jwk), toks, 16), ERR_OK);
	assert_int_equal(jwk_read_public(json_root(&doc), store, cap, &k), ERR_OK);
	return k;
}

/* Decoding, parsing of the header, verification: the first error. */
static enum err check(struct span token, const struct verify_key *key, struct jws *j)
{
	struct json_tok toks[32];
	struct json doc;
	enum err err = jws_decode(token, header_buf, sizeof header_buf, payload_buf, sizeof payload_buf, j);

	if (!err)
		err = json_parse(&doc, j->header, toks, 32);
	return err ? err : jws_verify(j, json_root(&doc), key);
}

static enum err check_text(const char *token, const char *jwk)
{
	uint8_t store[1024];
	struct verify_key key = key_of(jwk, store, sizeof store);
	struct jws j;

	return check(span_str(token), &key, &j);
}

static void good_tokens_verify(void **state)
{
	static const struct {
		const char *token, *jwk;
	} good[] = {
		{ token_rs256, rsa_jwk }, { token_rs384, rsa_jwk }, { token_ps256, rsa_jwk }, { token_ps384, rsa_jwk },
		{ token_es256, p256_jwk }, { token_es384, p384_jwk }, { token_ps256_2049, rsa2049_jwk },
	};
	uint8_t store[1024];
	struct jws j;

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		struct verify_key key = key_of(good[i].jwk, store, sizeof store);

		assert_int_equal(check(span_str(good[i].token), &key, &j), ERR_OK);
		assert_true(span_eq_str(j.payload, payload_text));
	}
	/* the size at which a PSS block is one byte shorter than the modulus */
	assert_int_equal(rsa_bits(key_of(rsa2049_jwk, store, sizeof store).rsa.n), 2049);
}

/* Algorithms that are not offered, and algorithm against key. */
static void other_algorithms_and_wrong_keys_are_refused(void **state)
{
	static const struct {
		const char *token, *jwk;
		enum err want;
	} bad[] = {
		{ token_hs256_with_jwk, rsa_jwk, ERR_CRYPTO }, /* MAC under the public key's text */
		{ token_hs256_with_pem, rsa_jwk, ERR_CRYPTO },
		{ token_none_signed, rsa_jwk, ERR_CRYPTO },
		{ token_none, rsa_jwk, ERR_SYNTAX },
		{ token_two_algs, rsa_jwk, ERR_SYNTAX },
		{ token_no_alg, rsa_jwk, ERR_SYNTAX },
		{ token_crit, rsa_jwk, ERR_SYNTAX },
		{ token_b64, rsa_jwk, ERR_SYNTAX },
		{ token_rs512, rsa_jwk, ERR_CRYPTO },
		{ token_rs256_lower, rsa_jwk, ERR_CRYPTO },
		{ token_ps256_salt20, rsa_jwk, ERR_CRYPTO },
		{ token_ps256_is_rs256, rsa_jwk, ERR_CRYPTO },
		{ token_rs256_is_ps256, rsa_jwk, ERR_CRYPTO },
		{ token_es256_der, p256_jwk, ERR_CRYPTO },
		{ token_es256_by_p384, p384_jwk, ERR_CRYPTO }, /* right key, but ES256 means P-256 */
		{ token_es384_by_p256, p256_jwk, ERR_CRYPTO },
		{ token_rs256, rsa2049_jwk, ERR_CRYPTO },
		{ token_rs256, p256_jwk, ERR_CRYPTO },
		{ token_es256, rsa_jwk, ERR_CRYPTO },
		{ token_es256, p384_jwk, ERR_CRYPTO },
		{ token_es384, p256_jwk, ERR_CRYPTO },
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (check_text(bad[i].token, bad[i].jwk) != bad[i].want)
			print_message("case %zu\n", i);
		assert_int_equal(check_text(bad[i].token, bad[i].jwk), bad[i].want);
	}
}

/* One character exchanged for its neighbour in the alphabet, everywhere: signature, header, payload, dots, and the unused
 * bits of the last character of each part. */
static void flip_each(const char *token, const char *jwk)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t store[1024], copy[2048];
	struct verify_key key = key_of(jwk, store, sizeof store);
	size_t n = strlen(token);
	struct jws j;

	memcpy(copy, token, n);
	for (size_t i = 0; i < n; i++) {
		const char *at = strchr(alphabet, copy[i]);

		copy[i] = (uint8_t)(at ? alphabet[(size_t)(at - alphabet) ^ 1] : '-');
		assert_int_not_equal(check(span_of(copy, n), &key, &j), ERR_OK);
		copy[i] = '.';
		if (token[i] != '.')
			assert_int_not_equal(check(span_of(copy, n), &key, &j), ERR_OK);
		copy[i] = (uint8_t)token[i];
	}
	for (size_t cut = 0; cut < n; cut++)
		assert_int_not_equal(check(span_of(copy, cut), &key, &j), ERR_OK);
	for (size_t extra = 0; extra < 5; extra++) {
		copy[n] = (uint8_t)"A=.\n "[extra];
		assert_int_not_equal(check(span_of(copy, n + 1), &key, &j), ERR_OK);
	}
	assert_int_equal(check(span_of(copy, n), &key, &j), ERR_OK);
}

static void every_changed_character_is_refused(void **state)
{
	(void)state;
	flip_each(token_rs256, rsa_jwk);
	flip_each(token_ps384, rsa_jwk);
	flip_each(token_es256, p256_jwk);
	flip_each(token_ps256_2049, rsa2049_jwk);
}

static void malformed_tokens_are_refused(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "...", "e30", "e30.e30", "e30..AAAA", ".e30.AAAA", "e30.e30.", "e30.e30.AAAA.", "e30.e30.AAAA.AAAA",
		"e30=.e30.AAAA", "e30.e30.AA==", "e30.e30.AAAA ", " e30.e30.AAAA", "e3+.e30.AAAA", "e30.e3/.AAAA", "e30.e30.A",
		"e31.e30.AAAA", "e30.e30.AB",
	};
	uint8_t small[2];
	struct jws j;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (!jws_decode(span_str(bad[i]), header_buf, sizeof header_buf, payload_buf, sizeof payload_buf, &j))
			print_message("%s\n", bad[i]);
		assert_int_equal(jws_decode(span_str(bad[i]), header_buf, sizeof header_buf, payload_buf, sizeof payload_buf, &j),
				 ERR_SYNTAX);
	}
	assert_int_equal(jws_decode(SPAN_LIT("e30.e30.AAAA"), small, 2, payload_buf, 2, &j), ERR_OK);
	assert_int_equal(jws_decode(SPAN_LIT("e30.e30.AAAA"), small, 1, payload_buf, 2, &j), ERR_TOO_BIG);
	assert_int_equal(jws_decode(SPAN_LIT("e30.e30.AAAA"), small, 2, payload_buf, 1, &j), ERR_TOO_BIG);
}

/* The signature buffer holds RSA-4096; one byte more is refused, not written. */
static void oversized_signature_is_refused(void **state)
{
	char token[8 + 700];
	struct jws j;

	(void)state;
	memset(token, 'A', sizeof token);
	memcpy(token, "e30.e30.", 8);
	assert_int_equal(jws_decode(span_of(token, 8 + 683), header_buf, 8, payload_buf, 8, &j), ERR_OK);
	assert_int_equal(j.sig_len, 512);
	assert_int_equal(jws_decode(span_of(token, 8 + 684), header_buf, 8, payload_buf, 8, &j), ERR_TOO_BIG);
}

UNIT(jws)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_tokens_verify),
		cmocka_unit_test(other_algorithms_and_wrong_keys_are_refused),
		cmocka_unit_test(every_changed_character_is_refused),
		cmocka_unit_test(malformed_tokens_are_refused),
		cmocka_unit_test(oversized_signature_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
