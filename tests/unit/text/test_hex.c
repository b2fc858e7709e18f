/* Tests of hexadecimal text. */
#include "text/hex.h"

#include "t.h"

static void every_byte_there_and_back(void **state)
{
	uint8_t in[256], text[512], back[256];
	struct out o = out_init(text, sizeof text);
	char expected[3];

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		in[i] = (uint8_t)i;
	out_hex(&o, in, 256);
	assert_false(o.bad);
	for (unsigned i = 0; i < 256; i++) {
		snprintf(expected, sizeof expected, "%02x", i);
		assert_memory_equal(text + 2 * i, expected, 2);
	}
	assert_int_equal(hex_decode(out_span(&o), back, 256), ERR_OK);
	assert_memory_equal(back, in, 256);
	for (size_t i = 0; i < sizeof text; i++)
		if (text[i] >= 'a')
			text[i] = (uint8_t)(text[i] - 32);
	memset(back, 0, sizeof back);
	assert_int_equal(hex_decode(span_of(text, 512), back, 256), ERR_OK);
	assert_memory_equal(back, in, 256);
}

static void every_other_character_is_refused(void **state)
{
	(void)state;
	for (unsigned c = 0; c < 256; c++)
		for (size_t at = 0; at < 2; at++) {
			uint8_t text[2] = { '0', '0' }, byte = 1;
			bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
			uint64_t v;

			text[at] = (uint8_t)c;
			assert_int_equal(hex_decode(span_of(text, 2), &byte, 1), digit ? ERR_OK : ERR_SYNTAX);
			assert_int_equal(hex_u64(span_of(text, 2), &v), digit ? ERR_OK : ERR_SYNTAX);
			if (!digit)
				assert_int_equal(byte, 0);
		}
}

static void refuses_another_length(void **state)
{
	uint8_t dst[8];

	(void)state;
	assert_int_equal(hex_decode(SPAN_LIT("001"), dst, 1), ERR_SYNTAX);
	assert_int_equal(hex_decode(SPAN_LIT("00"), dst, 2), ERR_SYNTAX);
	assert_int_equal(hex_decode(SPAN_LIT("0000"), dst, 1), ERR_SYNTAX);
	assert_int_equal(hex_decode(SPAN_LIT(""), dst, 1), ERR_SYNTAX);
	assert_int_equal(hex_decode(SPAN_LIT(""), dst, 0), ERR_OK);
}

static void numbers(void **state)
{
	uint64_t v = 1;

	(void)state;
	assert_int_equal(hex_u64(SPAN_LIT("0"), &v), ERR_OK);
	assert_true(v == 0);
	assert_int_equal(hex_u64(SPAN_LIT("ffffffffFFFFFFFF"), &v), ERR_OK);
	assert_true(v == UINT64_MAX);
	assert_int_equal(hex_u64(SPAN_LIT("0db8000000000f0A"), &v), ERR_OK);
	assert_true(v == 0x0db8000000000f0a);
	assert_int_equal(hex_u64(SPAN_LIT("00000000000000001"), &v), ERR_SYNTAX);
	assert_int_equal(hex_u64(SPAN_LIT(""), &v), ERR_SYNTAX);
	assert_int_equal(hex_u64(SPAN_LIT("0x1"), &v), ERR_SYNTAX);
	assert_int_equal(hex_u64(SPAN_LIT("-1"), &v), ERR_SYNTAX);
	assert_int_equal(hex_u64(SPAN_LIT(" 1"), &v), ERR_SYNTAX);
	assert_true(v == 0x0db8000000000f0a);
}

static void overflow_sticks(void **state)
{
	uint8_t text[5];
	struct out o = out_init(text, sizeof text);

	(void)state;
	out_hex(&o, (const uint8_t *)"abc", 3);
	assert_true(o.bad);
	assert_int_equal(o.n, 0);
	out_hex(&o, (const uint8_t *)"a", 1);
	assert_int_equal(o.n, 0);
}

UNIT(hex)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_byte_there_and_back), cmocka_unit_test(every_other_character_is_refused),
		cmocka_unit_test(refuses_another_length),    cmocka_unit_test(numbers),
		cmocka_unit_test(overflow_sticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
