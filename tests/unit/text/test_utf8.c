/* Tests of UTF-8 validity. */
#include "text/utf8.h"

#include "t.h"

/* Decoder written another way: the number of a sequence of known length, or -1. */
static int64_t slow_decode(const uint8_t *p, size_t n)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t v;

	if (n == 1)
		return p[0] < 0x80 ? p[0] : -1;
	if ((n == 2 && p[0] >> 5 != 6) || (n == 3 && p[0] >> 4 != 14) || (n == 4 && p[0] >> 3 != 30))
		return -1;
	v = p[0] & (0xffu >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return -1;
		v = v << 6 | (p[i] & 63u);
	}
	return v < least[n] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff) ? -1 : (int64_t)v;
}

static size_t slow_len(struct span s)
{
	for (size_t n = 1; n <= 4 && n <= s.n; n++)
		if (slow_decode(s.p, n) >= 0)
			return n;
	return 0;
}

static void all_pairs_and_triples_of_bytes(void **state)
{
	uint8_t p[3];

	(void)state;
	for (uint32_t v = 0; v < 1u << 24; v += v >> 16 < 0xdf ? 61 : 7) {
		p[0] = (uint8_t)(v >> 16);
		p[1] = (uint8_t)(v >> 8);
		p[2] = (uint8_t)v;
		if (utf8_len(span_of(p, 3)) != slow_len(span_of(p, 3)) || utf8_len(span_of(p, 2)) != slow_len(span_of(p, 2)))
			fail();
	}
}

static void four_byte_sequences(void **state)
{
	(void)state;
	for (unsigned a = 0xf0; a < 0x100; a++)
		for (unsigned b = 0; b < 256; b++)
			for (unsigned c = 0x7f; c <= 0xc0; c += c == 0x80 || c == 0xbe ? 1 : c < 0x81 ? 1 : 20) {
				const uint8_t p[4] = { (uint8_t)a, (uint8_t)b, (uint8_t)c, 0x80 };
				const uint8_t q[4] = { (uint8_t)a, (uint8_t)b, 0xbf, (uint8_t)c };

				assert_int_equal(utf8_len(span_of(p, 4)), slow_len(span_of(p, 4)));
				assert_int_equal(utf8_len(span_of(q, 4)), slow_len(span_of(q, 4)));
			}
}

static void known_cases(void **state)
{
	static const char *const good[] = { "", "a", "\x7f", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf",
					    "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf" };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xe0\x9f\xbf", "\xe0\xa0",
					   "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5",
					   "\xf8\x88\x80\x80\x80", "\xff", "\xfe", "a\xc3", "\xc3(", "\xf0\x90\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(utf8_valid(span_str(good[i])));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t *exact = t_exact(span_str(bad[i]));

		assert_false(utf8_valid(span_of(exact, strlen(bad[i]))));
		free(exact);
	}
	assert_true(utf8_valid(span_of("a\0b", 3)));
	assert_int_equal(utf8_len(span_of(NULL, 0)), 0);
}

UNIT(utf8)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_pairs_and_triples_of_bytes),
		cmocka_unit_test(four_byte_sequences),
		cmocka_unit_test(known_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
