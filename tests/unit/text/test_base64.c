/* Tests of base64. */
#include "text/base64.h"

#include "t.h"

static const enum b64_form forms[] = { B64_STD, B64_URL, B64_URL_PAD };

/* An encoder written differently, to compare with. */
static size_t table_encode(enum b64_form form, const uint8_t *in, size_t n, char *dst)
{
	const char *alphabet = form == B64_STD ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
					       : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t at = 0;

	for (size_t bit = 0; bit < 8 * n; bit += 6) {
		unsigned v = 0;

		for (size_t k = bit; k < bit + 6; k++)
			v = v << 1 | (k < 8 * n ? in[k / 8] >> (7 - k % 8) & 1u : 0);
		dst[at++] = alphabet[v];
	}
	while (form != B64_URL && at % 4)
		dst[at++] = '=';
	return at;
}

static enum err decode(enum b64_form form, const char *text, uint8_t *dst, size_t cap, size_t *n)
{
	uint8_t *exact = t_exact(span_str(text));
	enum err err = base64_decode(form, span_of(exact, strlen(text)), dst, cap, n);

	free(exact);
	return err;
}

static void rfc4648_vectors(void **state)
{
	static const char *const pairs[][2] = { { "", "" },	    { "f", "Zg==" },	    { "fo", "Zm8=" },
						{ "foo", "Zm9v" },   { "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" },
						{ "foobar", "Zm9vYmFy" } };
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		uint8_t text[16], back[16];
		struct out o = out_init(text, sizeof text);
		size_t n = 99;

		base64_encode(&o, B64_STD, span_str(pairs[i][0]));
		t_span_is(out_span(&o), pairs[i][1]);
		assert_int_equal(decode(B64_STD, pairs[i][1], back, sizeof back, &n), ERR_OK);
		t_span_is(span_of(back, n), pairs[i][0]);
	}
}

static void agrees_with_a_table_for_every_form_and_length(void **state)
{
	(void)state;
	for (size_t n = 0; n < 200; n++)
		for (size_t f = 0; f < 3; f++) {
			uint8_t in[200], text[300], back[200];
			char expected[300];
			struct out o = out_init(text, sizeof text);
			size_t len, m = 999;

			for (size_t i = 0; i < n; i++)
				in[i] = (uint8_t)t_random();
			len = table_encode(forms[f], in, n, expected);
			base64_encode(&o, forms[f], span_of(in, n));
			assert_false(o.bad);
			assert_true(span_eq(out_span(&o), span_of(expected, len)));
			assert_int_equal(base64_decode(forms[f], out_span(&o), back, n, &m), ERR_OK);
			assert_int_equal(m, n);
			assert_true(span_eq(span_of(back, m), span_of(in, n)));
			/* in place */
			assert_int_equal(base64_decode(forms[f], out_span(&o), text, n, &m), ERR_OK);
			assert_true(span_eq(span_of(text, m), span_of(in, n)));
		}
}

static void every_character_is_right_or_refused(void **state)
{
	(void)state;
	for (size_t f = 0; f < 3; f++)
		for (unsigned c = 0; c < 256; c++)
			for (size_t at = 0; at < 4; at++) {
				uint8_t text[4] = { 'A', 'A', 'A', 'A' }, bytes[3], again[4];
				bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
				bool sign = f == 0 ? c == '+' || c == '/' : c == '-' || c == '_';
				struct out o = out_init(again, sizeof again);
				size_t n = 99;
				enum err err;

				text[at] = (uint8_t)c;
				err = base64_decode(forms[f], span_of(text, 4), bytes, 3, &n);
				if (c == '=' && at == 3) {
					assert_int_equal(err, ERR_OK);
					assert_int_equal(n, 2);
					continue;
				}
				assert_int_equal(err, letter || sign ? ERR_OK : ERR_SYNTAX);
				if (err != ERR_OK) {
					assert_int_equal(n, 99);
					continue;
				}
				base64_encode(&o, forms[f], span_of(bytes, 3));
				assert_true(span_eq(out_span(&o), span_of(text, 4)));
			}
}

static void refuses_malformed_text(void **state)
{
	static const char *const bad[] = { "A",	    "AAAAA",  "AAA",  "AA",	 "AA=",	 "A===",     "====",  "=",
					   "==",    "A=A=",   "=AAA", "AA=A",	 "AAA==", "AAAA====", "AAAA=", "AAAA==",
					   "AA==AA==", "AAA A", "AAA\n", "AAAA\n", "AAAA\r\n", " AAAA", "AB==", "AAB=",
					   "AP==",  "AA-_",   "AA.A", "\x80\x41\x41\x41" };
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t dst[16];
		size_t n = 77;

		assert_int_equal(decode(B64_STD, bad[i], dst, sizeof dst, &n), ERR_SYNTAX);
		assert_int_equal(n, 77);
	}
}

static void url_forms_take_padding_or_none_but_not_wrong_padding(void **state)
{
	static const char *const good[] = { "Zg", "Zg==", "Zm8", "Zm8=", "Zm9v", "-_-_", "" };
	static const char *const bad[] = { "Zg=", "Zm8==", "Z", "Zm9v=", "Zm9v====", "+/+/", "Zh", "Zh==", "Zm9", "Zg =" };
	uint8_t dst[8];
	size_t n;

	(void)state;
	for (size_t f = 1; f < 3; f++) {
		for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
			assert_int_equal(decode(forms[f], good[i], dst, sizeof dst, &n), ERR_OK);
		for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
			assert_int_equal(decode(forms[f], bad[i], dst, sizeof dst, &n), ERR_SYNTAX);
	}
}

static void refuses_what_does_not_fit(void **state)
{
	uint8_t dst[4] = { 0 };
	size_t n = 5;

	(void)state;
	assert_int_equal(decode(B64_STD, "AAAAAAA=", dst, 4, &n), ERR_TOO_BIG);
	assert_int_equal(n, 5);
	assert_int_equal(decode(B64_STD, "AAAAAA==", dst, 4, &n), ERR_OK);
	for (size_t cap = 0; cap < 8; cap++) {
		uint8_t text[8];
		struct out o = out_init(text, cap);

		base64_encode(&o, B64_STD, SPAN_LIT("abcde"));
		assert_true(o.bad);
	}
	for (size_t len = 1; len < 4; len++) {
		struct out o = out_init(NULL, 0);

		base64_encode(&o, B64_URL, span_of("abc", len));
		assert_true(o.bad);
	}
}

static void leaves_nothing_of_a_refused_secret(void **state)
{
	uint8_t dst[6];
	size_t n;

	(void)state;
	memset(dst, 0x55, sizeof dst);
	assert_int_equal(decode(B64_STD, "c2VjcmV*", dst, sizeof dst, &n), ERR_SYNTAX);
	for (size_t i = 0; i < sizeof dst; i++)
		assert_int_equal(dst[i], 0);
}

UNIT(base64)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4648_vectors),
		cmocka_unit_test(agrees_with_a_table_for_every_form_and_length),
		cmocka_unit_test(every_character_is_right_or_refused),
		cmocka_unit_test(refuses_malformed_text),
		cmocka_unit_test(url_forms_take_padding_or_none_but_not_wrong_padding),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(leaves_nothing_of_a_refused_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
