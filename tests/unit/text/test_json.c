/* Tests of the JSON reader, with the JSONTestSuite collection when the vectors are there. */
#include "text/json_read.h"

#include <dirent.h>

#include "t.h"
#include "vectors.h"

#define TOKS 32768
static struct json_tok toks[TOKS];
static struct json doc;

/* Parses from memory of exactly that size. *owner is to be freed when doc is no longer used. */
static enum err parse_span(struct span text, uint8_t **owner)
{
	*owner = t_exact(text);
	return json_parse(&doc, span_of(*owner, text.n), toks, TOKS);
}

static enum err verdict(const char *text)
{
	uint8_t *owner;
	enum err err = parse_span(span_str(text), &owner);

	free(owner);
	return err;
}

static struct json_val parsed(const char *text)
{
	assert_int_equal(json_parse(&doc, span_str(text), toks, TOKS), ERR_OK);
	return json_root(&doc);
}

/* --- the collection */

/* Two files are valid by the grammar and refused on purpose: a name twice in one object means that two readers of the
 * same signed text may see different values. */
static bool refused_on_purpose(const char *name)
{
	return strcmp(name, "y_object_duplicated_key.json") == 0 || strcmp(name, "y_object_duplicated_key_and_value.json") == 0;
}

static void json_test_suite(void **state)
{
	unsigned yes = 0, no = 0, either = 0, wrong = 0, on_purpose = 0;
	char path[1024];
	struct dirent *e;
	DIR *d;

	(void)state;
	if (!vectors_dir())
		skip();
	snprintf(path, sizeof path, "%s/json", vectors_dir());
	d = opendir(path);
	assert_non_null(d);
	while ((e = readdir(d))) {
		uint8_t *file, *owner;
		size_t n = 0;
		enum err err;

		if (!strstr(e->d_name, ".json") || e->d_name[1] != '_')
			continue;
		snprintf(path, sizeof path, "json/%s", e->d_name);
		file = vectors_read(path, &n);
		assert_non_null(file);
		err = parse_span(span_of(file, n), &owner);
		free(owner);
		free(file);
		if (e->d_name[0] == 'i')
			either++;
		else if (e->d_name[0] == 'n')
			no++;
		else if (refused_on_purpose(e->d_name))
			on_purpose++;
		else
			yes++;
		if (e->d_name[0] != 'i' && (err == ERR_OK) != (e->d_name[0] == 'y' && !refused_on_purpose(e->d_name))) {
			print_error("%s: %d\n", e->d_name, err);
			wrong++;
		}
	}
	closedir(d);
	assert_int_equal(wrong, 0);
	assert_int_equal(on_purpose, 2);
	assert_true(yes >= 90 && no >= 180 && either >= 30);
}

/* --- what is refused */

static void refuses_what_is_not_json(void **state)
{
	static const char *const bad[] = {
		"", " ", "{", "}", "[", "]", "[1 2]", "[1,]", "[,1]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\" 1}",
		"{a:1}", "{1:1}", "[1}", "{\"a\":1]", "[]]", "[] []", "{} x", "1 2", "tru", "truex", "nul", "True", "-", "+1",
		"01", "-01", "1.", ".5", "1e", "1e+", "1.e1", "0x1", "1_000", "NaN", "Infinity", "'a'", "\"", "\"a", "\"\\\"",
		"\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\\U0041\"", "\"a\nb\"", "\"a\tb\"", "\"\x01\"", "[\"a\":1]",
		"{\"a\":1 \"b\":2}", "{\"a\"::1}", "{\"a\":1,,\"b\":2}", "/* */ 1", "1 // x", "[1]\x0c", "\xef\xbb\xbf{}", "[1,[2],", "\"a\" \"b\"",
		"{null:1}", "{[]:1}", "[\"\\\"]", "{\"a\":1}}", "\\u0041", "[\\\"a\"]", "-a", "--1", "1-", "[1]a", "{\"a\":tru}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum err err = verdict(bad[i]);

		if (err != ERR_SYNTAX)
			print_error("%s -> %d\n", bad[i], err);
		assert_int_equal(err, ERR_SYNTAX);
		assert_int_equal(doc.n, 0);
		assert_false(json_present(json_root(&doc)));
	}
}

static void refuses_nul_bytes_anywhere(void **state)
{
	uint8_t *owner;

	(void)state;
	assert_int_equal(parse_span(span_of("{}\0", 3), &owner), ERR_SYNTAX);
	free(owner);
	assert_int_equal(parse_span(span_of("[\0]", 3), &owner), ERR_SYNTAX);
	free(owner);
	assert_int_equal(parse_span(span_of("\"a\0b\"", 5), &owner), ERR_SYNTAX);
	free(owner);
	assert_int_equal(parse_span(span_of("1\0", 2), &owner), ERR_SYNTAX);
	free(owner);
}

static void refuses_invalid_utf8_and_lone_surrogates(void **state)
{
	static const char *const bad[] = { "\"\xff\"", "\"\xc0\x80\"", "\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\"\xc3\"",
					   "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"",
					   "\"\\ud800\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud83d\\ude0\"", "\"\\\xc3\xa9\"" };
	char text[8];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(verdict(bad[i]), ERR_SYNTAX);
	assert_int_equal(json_cstr(parsed("\"\\ud83d\\uDE00\""), text, sizeof text), ERR_OK);
	assert_string_equal(text, "\xf0\x9f\x98\x80");
}

static void refuses_a_name_twice_even_when_written_differently(void **state)
{
	static const char *const bad[] = { "{\"a\":1,\"a\":2}", "{\"a\":1,\"\\u0061\":2}", "{\"x\":{\"k\":1,\"b\":[],\"k\":1}}",
					   "[{},{\"\":0,\"\":0}]", "{\"\\/\":1,\"/\":2}", "{\"\xc3\xa9\":1,\"\\u00e9\":1}",
					   "{\"\\ud83d\\ude00\":1,\"\xf0\x9f\x98\x80\":1}", "{\"a\":{\"b\":{}},\"c\":[1,2],\"a\":{}}" };
	static const char *const good[] = { "{\"a\":1,\"A\":2}", "{\"a\":{\"a\":{\"a\":1}}}", "[{\"a\":1},{\"a\":1}]",
					    "{\"a\":\"a\",\"b\":\"a\"}", "{\"a\":1,\"a\\u0000\":1,\"\":0}" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(verdict(bad[i]), ERR_SYNTAX);
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_int_equal(verdict(good[i]), ERR_OK);
}

static void depth_32_is_read_and_33_is_refused(void **state)
{
	for (unsigned depth = 31; depth < 40; depth++) {
		char text[200];
		size_t n = 0;

		for (unsigned i = 0; i < depth; i++)
			n += (size_t)sprintf(text + n, i % 2 ? "{\"a\":" : "[");
		text[n++] = '1';
		for (unsigned i = depth; i-- > 0;)
			text[n++] = i % 2 ? '}' : ']';
		text[n] = 0;
		assert_int_equal(verdict(text), depth <= JSON_DEPTH_MAX ? ERR_OK : ERR_SYNTAX);
	}
	(void)state;
}

static void a_million_brackets_are_refused_quickly(void **state)
{
	size_t n = 1000000;
	char *text = malloc(n);

	(void)state;
	memset(text, '[', n);
	assert_int_equal(json_parse(&doc, span_of(text, n), toks, TOKS), ERR_SYNTAX);
	memset(text, '{', n);
	assert_int_equal(json_parse(&doc, span_of(text, n), toks, TOKS), ERR_SYNTAX);
	free(text);
}

static size_t object_of(char *text, unsigned members)
{
	size_t n = 0;

	text[n++] = '{';
	for (unsigned i = 0; i < members; i++)
		n += (size_t)sprintf(text + n, "%s\"k%u\":0", i ? "," : "", i);
	text[n++] = '}';
	return n;
}

static void objects_have_a_cap_of_members(void **state)
{
	char *text = malloc(100000);
	char name[16];

	(void)state;
	assert_int_equal(json_parse(&doc, span_of(text, object_of(text, JSON_MEMBERS_MAX)), toks, TOKS), ERR_OK);
	assert_int_equal(json_size(json_root(&doc)), JSON_MEMBERS_MAX);
	snprintf(name, sizeof name, "k%u", JSON_MEMBERS_MAX - 1);
	assert_true(json_present(json_get(json_root(&doc), name)));
	assert_int_equal(json_parse(&doc, span_of(text, object_of(text, JSON_MEMBERS_MAX + 1)), toks, TOKS), ERR_TOO_BIG);
	free(text);
}

static void too_few_tokens_are_said_and_never_overrun(void **state)
{
	static const char text[] = "{\"a\":[1,2,{\"b\":null}],\"c\":\"x\"}";
	const size_t need = 10;

	(void)state;
	for (size_t cap = 0; cap <= need; cap++) {
		struct json_tok *few = malloc(cap ? cap * sizeof *few : 1);

		assert_int_equal(json_parse(&doc, span_str(text), few, cap), cap < need ? ERR_TOO_BIG : ERR_OK);
		free(few);
	}
	assert_int_equal(json_parse(&doc, SPAN_LIT("true"), toks, 0), ERR_TOO_BIG);
	assert_int_equal(json_parse(&doc, SPAN_LIT("true"), toks, 1), ERR_OK);
}

static const char sample[] = " {\"s\":\"te\\u0078t\\n\",\"n\":[0,-1,1.5e3,18446744073709551615,18446744073709551616,\"77\"],"
			     "\"o\":{\"t\":true,\"f\":false,\"z\":null,\"e\":{},\"l\":[]},\"last\":\"\\ud83d\\ude00\xc3\xa9\"} ";

static void every_cut_of_a_document_is_refused(void **state)
{
	(void)state;
	for (size_t n = 0; n + 2 < sizeof sample - 1; n++) {
		uint8_t *owner;

		assert_int_equal(parse_span(span_of(sample, n), &owner), ERR_SYNTAX);
		free(owner);
	}
	assert_int_equal(verdict(sample), ERR_OK);
}

/* --- reading values */

static void values_are_found(void **state)
{
	struct json_val root = parsed(sample), n = json_get(root, "n"), name, value;
	char text[16];
	uint64_t v = 7;
	bool b = false;

	(void)state;
	assert_int_equal(json_type_of(root), JSON_OBJECT);
	assert_int_equal(json_size(root), 4);
	assert_int_equal(json_cstr(json_get(root, "s"), text, sizeof text), ERR_OK);
	assert_string_equal(text, "text\n");
	assert_true(json_is(json_get(root, "s"), "text\n"));
	assert_false(json_is(json_get(root, "s"), "text"));
	assert_false(json_is(json_get(root, "s"), "text\n "));
	assert_int_equal(json_type_of(json_path(root, "o", "t", NULL)), JSON_TRUE);
	assert_int_equal(json_bool(json_path(root, "o", "t", NULL), &b), ERR_OK);
	assert_true(b);
	assert_int_equal(json_bool(json_path(root, "o", "f", NULL), &b), ERR_OK);
	assert_false(b);
	assert_int_equal(json_bool(json_path(root, "o", "z", NULL), &b), ERR_NOT_FOUND);
	assert_int_equal(json_type_of(json_path(root, "o", "z", NULL)), JSON_NULL);
	assert_int_equal(json_size(json_path(root, "o", "e", NULL)), 0);
	assert_int_equal(json_type_of(json_path(root, "o", "e", NULL)), JSON_OBJECT);
	assert_int_equal(json_type_of(json_path(root, "o", "l", NULL)), JSON_ARRAY);
	assert_int_equal(json_u64(json_at(n, 0), &v), ERR_OK);
	assert_true(v == 0);
	assert_int_equal(json_u64(json_at(n, 3), &v), ERR_OK);
	assert_true(v == UINT64_MAX);
	assert_true(json_member(root, 3, &name, &value));
	assert_true(json_is(name, "last"));
	assert_true(json_is(value, "\xf0\x9f\x98\x80\xc3\xa9"));
	assert_false(json_member(root, 4, &name, &value));
	t_span_is(json_raw(json_at(n, 2)), "1.5e3");
	t_span_is(json_raw(json_get(root, "s")), "te\\u0078t\\n");
}

static void numbers_outside_are_told_apart(void **state)
{
	struct json_val n = json_get(parsed(sample), "n");
	uint64_t v = 7;

	(void)state;
	assert_int_equal(json_u64(json_at(n, 1), &v), ERR_RANGE);
	assert_int_equal(json_u64(json_at(n, 2), &v), ERR_SYNTAX);
	assert_int_equal(json_u64(json_at(n, 4), &v), ERR_RANGE);
	assert_int_equal(json_u64(json_at(n, 5), &v), ERR_NOT_FOUND);
	assert_int_equal(json_u64(json_at(n, 6), &v), ERR_NOT_FOUND);
	assert_true(v == 7);
	assert_int_equal(json_u64_lenient(json_at(n, 5), &v), ERR_OK);
	assert_true(v == 77);
	assert_int_equal(json_u64_lenient(json_at(n, 3), &v), ERR_OK);
	n = parsed("[\"\",\"-1\",\"1.5\",\" 1\",\"\\u0031\",\"99999999999999999999\",true]");
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(json_u64_lenient(json_at(n, i), &v), i < 5 ? ERR_SYNTAX : i == 5 ? ERR_RANGE : ERR_NOT_FOUND);
}

static void absent_stays_absent(void **state)
{
	struct json_val root = parsed("{\"a\":[1]}"), v = json_get(root, "b"), name, value;
	struct span s;
	uint64_t n;
	bool b;
	char text[4];
	uint8_t bytes[4];
	struct out o = out_init(bytes, sizeof bytes);

	(void)state;
	assert_false(json_present(v));
	assert_int_equal(json_type_of(v), JSON_NONE);
	assert_false(json_present(json_get(v, "x")));
	assert_false(json_present(json_at(v, 0)));
	assert_false(json_present(json_path(root, "a", "x", NULL)));
	assert_false(json_present(json_at(json_get(root, "a"), 1)));
	assert_false(json_present(json_at(root, 0)));
	assert_false(json_present(json_next(v, v)));
	assert_false(json_member(v, 0, &name, &value));
	assert_int_equal(json_size(v), 0);
	assert_int_equal(json_raw(v).n, 0);
	assert_int_equal(json_string(v, &o), ERR_NOT_FOUND);
	assert_int_equal(json_cstr(v, text, sizeof text), ERR_NOT_FOUND);
	assert_string_equal(text, "");
	assert_int_equal(json_plain(v, &s), ERR_NOT_FOUND);
	assert_false(json_is(v, ""));
	assert_int_equal(json_u64(v, &n), ERR_NOT_FOUND);
	assert_int_equal(json_u64_lenient(v, &n), ERR_NOT_FOUND);
	assert_int_equal(json_bool(v, &b), ERR_NOT_FOUND);
}

/* A string value equal to a name must not be taken for it. */
static void values_are_not_names(void **state)
{
	struct json_val root = parsed("{\"x\":\"key\",\"y\":{\"key\":1},\"z\":[\"key\",2]}");

	(void)state;
	assert_false(json_present(json_get(root, "key")));
	assert_true(json_present(json_path(root, "y", "key", NULL)));
}

static void arrays_are_walked(void **state)
{
	struct json_val a = parsed("[[1,[2]],{\"a\":[1,2]},3,[]]"), v = json_at(a, 0);
	size_t count = 0;

	(void)state;
	for (; json_present(v); v = json_next(a, v), count++)
		assert_int_equal(v.i, json_at(a, count).i);
	assert_int_equal(count, 4);
	/* an inner array ends where it ends */
	a = json_at(json_at(a, 0), 1);
	assert_false(json_present(json_next(a, json_at(a, 0))));
	assert_false(json_present(json_next(a, json_root(&doc))));
}

static void strings_into_small_buffers(void **state)
{
	struct json_val v = json_at(parsed("[\"ab\\u00e9\",\"a\\u0000b\",\"abcd\"]"), 0);
	char text[8];
	uint8_t bytes[4];
	struct out o = out_init(bytes, 3);
	struct span s;

	(void)state;
	assert_int_equal(json_cstr(v, text, 5), ERR_OK);
	assert_string_equal(text, "ab\xc3\xa9");
	assert_int_equal(json_cstr(v, text, 4), ERR_TOO_BIG);
	assert_string_equal(text, "");
	assert_int_equal(json_cstr(v, text, 0), ERR_TOO_BIG);
	assert_int_equal(json_string(v, &o), ERR_TOO_BIG);
	o = out_init(bytes, 4);
	assert_int_equal(json_string(v, &o), ERR_OK);
	assert_int_equal(json_plain(v, &s), ERR_SYNTAX);
	v = json_at(json_root(&doc), 1);
	assert_int_equal(json_cstr(v, text, sizeof text), ERR_SYNTAX);
	assert_string_equal(text, "");
	v = json_at(json_root(&doc), 2);
	assert_int_equal(json_plain(v, &s), ERR_OK);
	t_span_is(s, "abcd");
	assert_int_equal(json_cstr(v, text, 4), ERR_TOO_BIG);
	assert_int_equal(json_cstr(v, text, 5), ERR_OK);
}

static void scalars_may_be_the_root(void **state)
{
	uint64_t v;

	(void)state;
	assert_int_equal(json_u64(parsed(" 42\n"), &v), ERR_OK);
	assert_true(v == 42);
	assert_true(json_is(parsed("\t\"\""), ""));
	assert_true(json_is(parsed("\"\\\"\""), "\""));
	assert_int_equal(json_type_of(parsed("null")), JSON_NULL);
	assert_int_equal(json_type_of(parsed("-0.0e-0")), JSON_NUMBER);
}

static void every_escape(void **state)
{
	uint8_t bytes[64];
	struct out o = out_init(bytes, sizeof bytes);

	(void)state;
	assert_int_equal(json_string(parsed("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0000\\u007f\\u0080\\u07ff\\u0800\\uffff"
					    "\\ud800\\udc00\\udbff\\udfff\""), &o), ERR_OK);
	assert_int_equal(o.n, 28);
	assert_memory_equal(bytes, "\"\\/\b\f\n\r\t\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", 28);
}

/* --- hostile input */

/* What must hold for any accepted document. */
static void check_invariants(void)
{
	for (size_t i = 0; i < doc.n; i++) {
		const struct json_tok *t = &doc.toks[i];
		size_t items = 0, at = i + 1;

		assert_true(t->start <= t->end && t->end <= doc.text.n);
		assert_true(t->next > i && t->next <= doc.n);
		assert_true(t->depth <= JSON_DEPTH_MAX && t->type >= JSON_OBJECT && t->type <= JSON_NULL);
		if (t->type != JSON_OBJECT && t->type != JSON_ARRAY) {
			assert_int_equal(t->next, i + 1);
			continue;
		}
		for (; at < t->next; items++)
			at = doc.toks[t->type == JSON_OBJECT ? at + 1 : at].next;
		assert_int_equal(at, t->next);
		assert_int_equal(items, t->size);
	}
}

static void mutated_documents_never_crash_and_stay_consistent(void **state)
{
	static const char alphabet[] = "{}[]\",:\\u0123456789abcdefn-+.eE \t\n\x80\xff\x01truefalsnd";
	unsigned accepted = 0;

	(void)state;
	for (unsigned round = 0; round < 30000; round++) {
		uint8_t text[sizeof sample + 8];
		size_t n = sizeof sample - 1;
		uint8_t *owner;

		memcpy(text, sample, n);
		for (unsigned k = (unsigned)(t_random() % 3); k < 3; k++) {
			size_t at = t_random() % n;

			switch (t_random() % 3) {
			case 0:
				text[at] = (uint8_t)alphabet[t_random() % (sizeof alphabet - 1)];
				break;
			case 1:
				memmove(text + at, text + at + 1, n - at - 1);
				n--;
				break;
			default:
				memmove(text + at + 1, text + at, n - at);
				n++;
				text[at] = (uint8_t)alphabet[t_random() % (sizeof alphabet - 1)];
			}
		}
		if (parse_span(span_of(text, n), &owner) == ERR_OK) {
			accepted++;
			check_invariants();
		}
		free(owner);
	}
	assert_true(accepted > 100);
}

/* Documents made at random from the grammar are all accepted: what our check lets through jsmn takes too. */
static size_t make_value(char *dst, unsigned depth)
{
	static const char *const scalars[] = { "0", "-1.5e+3", "true", "false", "null", "\"\"", "\"x\\\"]},\"", "\"\\u0041\"", " 7 " };
	uint64_t kind = t_random() % (depth < 5 ? 4 : 2);
	size_t n = 0, items = t_random() % 4;

	if (kind < 2)
		return (size_t)sprintf(dst, "%s", scalars[t_random() % 9]);
	dst[n++] = kind == 2 ? '[' : '{';
	for (size_t i = 0; i < items; i++) {
		if (i)
			dst[n++] = ',';
		if (kind == 3)
			n += (size_t)sprintf(dst + n, "\"k%zu\" :", i);
		n += make_value(dst + n, depth + 1);
	}
	dst[n++] = kind == 2 ? ']' : '}';
	return n;
}

static void random_valid_documents_are_accepted(void **state)
{
	static char text[65536];

	(void)state;
	for (unsigned round = 0; round < 5000; round++) {
		size_t n = make_value(text, 0);

		assert_int_equal(json_parse(&doc, span_of(text, n), toks, TOKS), ERR_OK);
		check_invariants();
	}
}

UNIT(json)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_test_suite),
		cmocka_unit_test(refuses_what_is_not_json),
		cmocka_unit_test(refuses_nul_bytes_anywhere),
		cmocka_unit_test(refuses_invalid_utf8_and_lone_surrogates),
		cmocka_unit_test(refuses_a_name_twice_even_when_written_differently),
		cmocka_unit_test(depth_32_is_read_and_33_is_refused),
		cmocka_unit_test(a_million_brackets_are_refused_quickly),
		cmocka_unit_test(objects_have_a_cap_of_members),
		cmocka_unit_test(too_few_tokens_are_said_and_never_overrun),
		cmocka_unit_test(every_cut_of_a_document_is_refused),
		cmocka_unit_test(values_are_found),
		cmocka_unit_test(numbers_outside_are_told_apart),
		cmocka_unit_test(absent_stays_absent),
		cmocka_unit_test(values_are_not_names),
		cmocka_unit_test(arrays_are_walked),
		cmocka_unit_test(strings_into_small_buffers),
		cmocka_unit_test(scalars_may_be_the_root),
		cmocka_unit_test(every_escape),
		cmocka_unit_test(mutated_documents_never_crash_and_stay_consistent),
		cmocka_unit_test(random_valid_documents_are_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
