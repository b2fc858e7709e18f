/* Cutting a stream of JSON into records: every layout in every chunking, and what is refused. */
#include "t.h"

#include "text/json_items.h"

#define CAP 64
#define LONG 1024

/* Items of at most item_max bytes joined by '|', read with pieces of at most `piece` bytes; the verdict of finish or of the first error. */
static enum err cut_up_to(size_t item_max, const char *text, size_t piece, char *joined, size_t cap)
{
	uint8_t buf[LONG];
	struct json_items it;
	size_t used = 0, n = strlen(text);
	enum err e = ERR_MORE;

	json_items_init(&it, buf, item_max);
	for (size_t at = 0; at < n; at += piece) {
		struct span all = span_sub(span_str(text), at, piece), item;
		uint8_t *copy = t_exact(all);
		struct span in = span_of(copy, all.n);

		while ((e = json_items_next(&it, &in, &item)) == ERR_OK) {
			assert_true(used + item.n + 2 < cap);
			memcpy(joined + used, item.p, item.n);
			used += item.n;
			joined[used++] = '|';
		}
		free(copy);
		if (e != ERR_MORE)
			break;
	}
	joined[used] = '\0';
	return e == ERR_MORE || n == 0 ? json_items_finish(&it) : e;
}

static enum err cut(const char *text, size_t piece, char *joined, size_t cap)
{
	return cut_up_to(CAP, text, piece, joined, cap);
}

static const struct {
	const char *text, *items;
} good[] = {
	{ "", "" },
	{ " \n\t", "" },
	{ "{}", "{}|" },
	{ "{}\n", "{}|" },
	{ " {\"a\":1} \r\n", "{\"a\":1}|" },
	{ "{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}|" },
	{ "{\"a\":1}\n\n {\"b\":2}\n", "{\"a\":1}|{\"b\":2}|" },
	{ "{\n \"a\": [1, {\"x\":[]}]\n}\n", "{\n \"a\": [1, {\"x\":[]}]\n}|" },
	{ "[]", "" },
	{ " [ ] \n", "" },
	{ "[{\"a\":1}]", "{\"a\":1}|" },
	{ "[\n  {\"a\":1},\n  {\"b\":\"]},{\"}\n]\n", "{\"a\":1}|{\"b\":\"]},{\"}|" },
	{ "{\"a\":\"}\\\"}\"}\n{\"b\":\"\\\\\"}\n", "{\"a\":\"}\\\"}\"}|{\"b\":\"\\\\\"}|" },
	{ "{\"company\":\"c\",\"records\":[{\"a\":1},{\"b\":2}],\"status\":\"success\"}", "{\"a\":1}|{\"b\":2}|" },
	{ "{ \"records\" : [ ] , \"message\" : \"none ] } [\" }\n", "" },
	{ "{\"x\":{\"y\":[1]},\"records\":[{\"a\":{\"records\":[1]}}],\"z\":[{}]}", "{\"a\":{\"records\":[1]}}|" },
	/* Not the wrapper: a number of records, a value "records", a nested or a later "records", another name. */
	{ "{\"end\":true,\"records\":2}\n", "{\"end\":true,\"records\":2}|" },
	{ "{\"a\":\"records\",\"b\":[{}]}", "{\"a\":\"records\",\"b\":[{}]}|" },
	{ "{\"fields\":[\"records\",{\"records\":[]}]}", "{\"fields\":[\"records\",{\"records\":[]}]}|" },
	{ "{}\n{\"records\":[{}]}\n", "{}|{\"records\":[{}]}|" },
	{ "{\"recordss\":[{}],\"xrecords\":[],\"record\":[]}", "{\"recordss\":[{}],\"xrecords\":[],\"record\":[]}|" },
};

static void gives_the_items_of_every_layout(void **state)
{
	char joined[1024];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		for (size_t piece = 1; piece <= strlen(good[i].text) + 1; piece++) {
			assert_int_equal(cut(good[i].text, piece, joined, sizeof joined), ERR_OK);
			assert_string_equal(joined, good[i].items);
		}
}

static const char *const bad[] = {
	"x", "1", "\"a\"", "null", "}", "]", ",", "{}{}", "{} {}\n", "{},{}", "{}\n[]", "{}\n]", "[1]", "[{}{}]", "[{},]", "[,{}]",
	"[{}] {}", "[{}]]", "[[{}]]", "[{}\n{}]", "{\"a\":1}}", "{\"records\":[1]}", "{\"records\":[{}]}x", "{\"records\":[{}]}{}",
	"{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
};

static void refuses_what_is_no_list_of_objects(void **state)
{
	char joined[1024];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		for (size_t piece = 1; piece <= strlen(bad[i]) + 1; piece++)
			if (cut(bad[i], piece, joined, sizeof joined) == ERR_OK)
				fail_msg("accepted \"%s\"", bad[i]);
}

static void cut_text(char *text, const char *from, size_t n)
{
	memcpy(text, from, n);
	text[n] = '\0';
}

/* Cut anywhere, an input is refused, or it is one that is whole by itself. */
static void tells_a_cut_input(void **state)
{
	static const char lines[] = "{\"a\":1}\n{\"b\":2}\n", array[] = "[{\"a\":1},{\"b\":2}]", wrapped[] = "{\"records\":[{}]}";
	char text[64], joined[256];

	(void)state;
	for (size_t n = 1; n < sizeof lines - 1; n++) {
		bool whole = n == 7 || n == 8; /* the first object alone, without or with its LF */

		cut_text(text, lines, n);
		assert_int_equal(cut(text, 3, joined, sizeof joined), whole ? ERR_OK : ERR_SYNTAX);
	}
	for (size_t n = 1; n < sizeof array - 1; n++) {
		cut_text(text, array, n);
		assert_int_equal(cut(text, 3, joined, sizeof joined), ERR_SYNTAX);
	}
	for (size_t n = 1; n < sizeof wrapped - 1; n++) {
		cut_text(text, wrapped, n);
		assert_int_equal(cut(text, 3, joined, sizeof joined), ERR_SYNTAX);
	}
}

static void refuses_an_item_over_its_cap(void **state)
{
	char text[CAP + 8], joined[256];

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text, "{\"", 2);
	memcpy(text + CAP - 4, "\":1}", 5);
	for (size_t piece = 1; piece <= CAP; piece++)
		assert_int_equal(cut(text, piece, joined, sizeof joined), ERR_OK);
	memset(text, 'a', sizeof text);
	memcpy(text, "{\"", 2);
	memcpy(text + CAP - 3, "\":1}", 5);
	for (size_t piece = 1; piece <= CAP; piece++)
		assert_int_equal(cut(text, piece, joined, sizeof joined), ERR_TOO_BIG);
}

/* Lines of objects whose strings hold whatever could be taken for their end, at every place of a wide step. */
static void long_items_are_the_same_in_any_pieces(void **state)
{
	static const char *const parts[] = { "a", "0123456789abcdef", "{", "}", "[", "]", "\\\"", "\\\\", ":", ",", "\",\"", "\":{\"x\":[\"}", "\"]},\"" };
	static char text[3 * LONG], whole[3 * LONG], pieces[3 * LONG];

	(void)state;
	for (int round = 0; round < 300; round++) {
		size_t n = 0, lines = 0, closed;

		while (lines < 3) {
			size_t start = n;

			n += (size_t)sprintf(text + n, "{\"");
			for (closed = 1; n - start < 100 + t_random() % 400;) {
				size_t k = t_random() % 13;

				/* What opens an inner object and what closes it take turns. */
				k = k == 12 && closed ? 11 : k == 11 && !closed ? 12 : k;
				closed = k == 11 ? 0 : k == 12 ? 1 : closed;
				n += (size_t)sprintf(text + n, "%s", parts[k]);
			}
			n += (size_t)sprintf(text + n, "%s\":1}\n", closed ? "" : parts[12]);
			lines++;
		}
		assert_int_equal(cut_up_to(LONG, text, n, whole, sizeof whole), ERR_OK);
		for (size_t i = 0; i < n; i++)
			text[i] = text[i] == '\n' ? '|' : text[i];
		assert_string_equal(whole, text);
		for (size_t i = 0; i < n; i++)
			text[i] = text[i] == '|' ? '\n' : text[i];
		for (size_t piece = 1; piece < n; piece += 1 + piece / 3) {
			assert_int_equal(cut_up_to(LONG, text, piece, pieces, sizeof pieces), ERR_OK);
			assert_string_equal(pieces, whole);
		}
	}
}

static void counts_without_a_buffer_and_keeps_errors(void **state)
{
	struct json_items it;
	struct span in = SPAN_LIT("{\"a\":1}\n{\"b\":2}\n{}x"), item;

	(void)state;
	json_items_init(&it, NULL, CAP);
	for (int i = 0; i < 3; i++)
		assert_int_equal(json_items_next(&it, &in, &item), ERR_OK);
	assert_int_equal(it.items, 3);
	assert_int_equal(json_items_next(&it, &in, &item), ERR_SYNTAX);
	in = SPAN_LIT("\n{}\n");
	assert_int_equal(json_items_next(&it, &in, &item), ERR_SYNTAX);
	assert_int_equal(json_items_finish(&it), ERR_SYNTAX);
}

UNIT(json_items)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_the_items_of_every_layout),
		cmocka_unit_test(refuses_what_is_no_list_of_objects),
		cmocka_unit_test(tells_a_cut_input),
		cmocka_unit_test(refuses_an_item_over_its_cap),
		cmocka_unit_test(long_items_are_the_same_in_any_pieces),
		cmocka_unit_test(counts_without_a_buffer_and_keeps_errors),
	};

	return cmocka_run_group_tests_name("json_items", tests, NULL, NULL);
}
