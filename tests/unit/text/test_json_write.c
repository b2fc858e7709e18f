/* Tests of the JSON writer. */
#include "text/json_write.h"

#include <cjson/cJSON.h>

#include "text/base64.h"
#include "text/json_read.h"
#include "t.h"

static uint8_t buffer[8192];

static void commas_and_nesting(void **state)
{
	struct out o = out_init(buffer, sizeof buffer);
	struct jw w = jw_init(&o);

	(void)state;
	jw_object(&w, NULL);
	jw_str(&w, "a", "x");
	jw_object(&w, "o");
	jw_end_object(&w);
	jw_array(&w, "l");
	jw_u64(&w, NULL, UINT64_MAX);
	jw_i64(&w, NULL, INT64_MIN);
	jw_array(&w, NULL);
	jw_end_array(&w);
	jw_object(&w, NULL);
	jw_null(&w, "n");
	jw_bool(&w, "t", true);
	jw_bool(&w, "f", false);
	jw_end_object(&w);
	jw_fixed(&w, NULL, -1205, 2);
	jw_end_array(&w);
	jw_str(&w, "z", NULL);
	jw_raw(&w, "r", SPAN_LIT("{\"q\":1}"));
	jw_b64(&w, "b", SPAN_LIT("\xff\xfe"), B64_URL);
	jw_b64(&w, "B", SPAN_LIT("\xff\xfe"), B64_STD);
	jw_hex(&w, "h", SPAN_LIT("\x01\xab"));
	jw_name_span(&w, SPAN_LIT("na\"me"), SPAN_LIT("v"));
	jw_end_object(&w);
	assert_false(o.bad);
	t_span_is(out_span(&o),
		  "{\"a\":\"x\",\"o\":{},\"l\":[18446744073709551615,-9223372036854775808,[],"
		  "{\"n\":null,\"t\":true,\"f\":false},-12.05],\"z\":null,\"r\":{\"q\":1},\"b\":\"__4\",\"B\":\"//4=\","
		  "\"h\":\"01ab\",\"na\\\"me\":\"v\"}");
}

static void text_is_escaped_and_inert_in_html(void **state)
{
	struct out o = out_init(buffer, sizeof buffer);
	struct jw w = jw_init(&o);

	(void)state;
	jw_span(&w, NULL, span_of("\"\\/<script>&\n\r\t\b\f\0\x1f\x7f\xc3\xa9\xf0\x9f\x98\x80", 26));
	t_span_is(out_span(&o), "\"\\\"\\\\/\\u003cscript\\u003e\\u0026\\n\\r\\t\\u0008\\u000c\\u0000\\u001f\\u007f"
				"\xc3\xa9\xf0\x9f\x98\x80\"");
}

static void invalid_utf8_becomes_the_replacement_character(void **state)
{
	struct out o = out_init(buffer, sizeof buffer);
	struct jw w = jw_init(&o);

	(void)state;
	jw_span(&w, NULL, SPAN_LIT("a\xff" "b\xc3"));
	t_span_is(out_span(&o), "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"");
}

static void random_bytes_always_give_valid_json(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		uint8_t text[40];
		size_t n = t_random() % sizeof text;
		struct out o = out_init(buffer, sizeof buffer - 1);
		struct jw w = jw_init(&o);
		struct json_tok toks[8];
		struct json doc;
		cJSON *other;

		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)(t_random() >> 8);
		jw_object(&w, NULL);
		jw_name_span(&w, span_of(text, n / 2), span_of(text, n));
		jw_end_object(&w);
		assert_int_equal(json_parse(&doc, out_span(&o), toks, 8), ERR_OK);
		buffer[o.n] = 0;
		other = cJSON_Parse((const char *)buffer);
		assert_non_null(other);
		cJSON_Delete(other);
	}
}

/* What the writer wrote, the reader gives back. */
static void valid_text_comes_back_the_same(void **state)
{
	static const char *const texts[] = { "", "plain", "quote\" back\\ / <&>", "\x01\x1f\x7f\t\r\n", "\xc3\xa4\xe2\x82\xac",
					     "\xf0\x9f\x98\x80 \xed\x9f\xbf \xf4\x8f\xbf\xbf", "\\u0041" };
	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct out o = out_init(buffer, sizeof buffer);
		struct jw w = jw_init(&o);
		struct json_tok toks[4];
		struct json doc;
		char back[64];

		jw_str(&w, NULL, texts[i]);
		assert_int_equal(json_parse(&doc, out_span(&o), toks, 4), ERR_OK);
		assert_int_equal(json_cstr(json_root(&doc), back, sizeof back), ERR_OK);
		assert_string_equal(back, texts[i]);
	}
}

static void write_sample(struct jw *w)
{
	jw_object(w, NULL);
	jw_str(w, "name", "a<b\xff\n");
	jw_array(w, "l");
	jw_u64(w, NULL, 42);
	jw_b64(w, NULL, SPAN_LIT("hello"), B64_STD);
	jw_hex(w, NULL, SPAN_LIT("hello"));
	jw_end_array(w);
	jw_end_object(w);
}

static void a_message_that_does_not_fit_is_bad_at_every_size(void **state)
{
	struct out whole = out_init(buffer, sizeof buffer);
	struct jw w = jw_init(&whole);

	(void)state;
	write_sample(&w);
	assert_false(whole.bad);
	for (size_t cap = 0; cap <= whole.n; cap++) {
		uint8_t *exact = malloc(cap ? cap : 1);
		struct out o = out_init(exact, cap);

		w = jw_init(&o);
		write_sample(&w);
		assert_int_equal(o.bad, cap < whole.n);
		free(exact);
	}
}

static void nesting_of_64_fits_and_65_is_bad(void **state)
{
	(void)state;
	for (unsigned depth = 64; depth <= 65; depth++) {
		struct out o = out_init(buffer, sizeof buffer);
		struct jw w = jw_init(&o);

		for (unsigned i = 0; i < depth; i++)
			jw_array(&w, NULL);
		assert_int_equal(o.bad, depth == 65);
		if (depth == 65)
			break;
		jw_u64(&w, NULL, 1);
		jw_u64(&w, NULL, 2);
		for (unsigned i = 0; i < depth; i++)
			jw_end_array(&w);
		assert_false(o.bad);
		assert_int_equal(o.n, 2 * 64 + 3);
	}
}

static void an_end_without_a_start_is_bad(void **state)
{
	struct out o = out_init(buffer, sizeof buffer);
	struct jw w = jw_init(&o);

	(void)state;
	jw_end_object(&w);
	assert_true(o.bad);
	o = out_init(buffer, sizeof buffer);
	w = jw_init(&o);
	jw_array(&w, NULL);
	jw_end_array(&w);
	jw_end_array(&w);
	assert_true(o.bad);
}

UNIT(json_write)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commas_and_nesting),
		cmocka_unit_test(text_is_escaped_and_inert_in_html),
		cmocka_unit_test(invalid_utf8_becomes_the_replacement_character),
		cmocka_unit_test(random_bytes_always_give_valid_json),
		cmocka_unit_test(valid_text_comes_back_the_same),
		cmocka_unit_test(a_message_that_does_not_fit_is_bad_at_every_size),
		cmocka_unit_test(nesting_of_64_fits_and_65_is_bad),
		cmocka_unit_test(an_end_without_a_start_is_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
