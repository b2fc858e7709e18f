/* Tests of CSV. */
#include "text/csv.h"

#include "t.h"
#include "vectors.h"

static struct csv c;
/* All values of a text, each followed by 0x1f, rows by 0x1e: bytes the samples do not hold. */
static uint8_t flat[1 << 20];
static size_t flat_n, rows;

static void keep_row(void)
{
	for (size_t i = 0; i < c.n; i++) {
		struct span v = csv_value(&c, i);

		memcpy(flat + flat_n, v.p, v.n);
		flat_n += v.n;
		flat[flat_n++] = 0x1f;
	}
	flat[flat_n++] = 0x1e;
	rows++;
}

/* Reads a text in pieces of a size, 0 for random ones. ERR_OK when all was read. */
static enum err read_all(struct span text, size_t piece)
{
	size_t at = 0;
	enum err err;

	/* Old bytes in text must not matter; clearing 256 KiB in each of many rounds would. */
	memset(c.start, 0, sizeof c - offsetof(struct csv, start));
	flat_n = rows = 0;
	while (at < text.n) {
		struct span part = span_sub(text, at, piece ? piece : t_random() % 50), in;
		uint8_t *exact = t_exact(part);

		in = span_of(exact, part.n);
		while ((err = csv_next(&c, &in)) == ERR_OK)
			keep_row();
		free(exact);
		if (err != ERR_MORE)
			return err;
		assert_int_equal(in.n, 0);
		at += part.n;
	}
	err = csv_finish(&c);
	if (err == ERR_OK)
		keep_row();
	return err == ERR_NOT_FOUND ? ERR_OK : err;
}

/* Expected is written with '|' after each value and '/' after each row. */
static void reads(const char *text, const char *expected)
{
	for (size_t piece = 1; piece <= strlen(text) + 1; piece++) {
		char shown[500];

		assert_int_equal(read_all(span_str(text), piece), ERR_OK);
		assert_true(flat_n < sizeof shown);
		for (size_t i = 0; i < flat_n; i++)
			shown[i] = flat[i] == 0x1f ? '|' : flat[i] == 0x1e ? '/' : (char)flat[i];
		shown[flat_n] = 0;
		assert_string_equal(shown, expected);
	}
}

static void refuses(struct span text, enum err expected)
{
	for (size_t piece = 1; piece < 4; piece++) {
		assert_int_equal(read_all(text, piece), expected);
		assert_non_null(c.problem);
	}
}

static void values_past_the_end_are_empty(void **state)
{
	struct span in = SPAN_LIT("a,b\nc");

	(void)state;
	memset(&c, 0, sizeof c);
	assert_int_equal(csv_value(&c, 0).n, 0);
	assert_int_equal(csv_next(&c, &in), ERR_OK);
	assert_int_equal(c.n, 2);
	t_span_is(csv_value(&c, 1), "b");
	assert_int_equal(csv_value(&c, 2).n, 0);
	assert_int_equal(csv_value(&c, SIZE_MAX).n, 0);
	t_span_is(in, "c");
	/* a row that is not complete has no values yet */
	assert_int_equal(csv_next(&c, &in), ERR_MORE);
	assert_int_equal(csv_value(&c, 0).n, 0);
}

static void plain_rows(void **state)
{
	(void)state;
	reads("", "");
	reads("a", "a|/");
	reads("a\n", "a|/");
	reads("a,b\nc,d", "a|b|/c|d|/");
	reads("a,b\r\nc,d\r\n", "a|b|/c|d|/");
	reads("a,,\n,,b\n", "a|||/||b|/");
	reads(",", "||/");
	reads(",\n", "||/");
	reads(" a , b \n", " a | b |/");
	reads("\xc3\xa4,\xf0\x9f\x98\x80\n", "\xc3\xa4|\xf0\x9f\x98\x80|/");
	reads("a\tb\n", "a\tb|/");
}

static void blank_lines_are_skipped_and_an_empty_quoted_value_is_a_row(void **state)
{
	(void)state;
	reads("\n\na\n\r\n\r\nb\n\n", "a|/b|/");
	reads("\n", "");
	reads("\r\n\r\n", "");
	reads("\"\"\n", "|/");
	reads("\"\"", "|/");
	reads(" \n", " |/");
}

static void quotes(void **state)
{
	(void)state;
	reads("\"a\",\"b\"\n", "a|b|/");
	reads("\"a,b\",c\n", "a,b|c|/");
	reads("\"a\"\"b\"\n", "a\"b|/");
	reads("\"\"\"\"\n", "\"|/");
	reads("\"\"\"\"\"\"", "\"\"|/");
	reads("\"a\nb\",c\n", "a\nb|c|/");
	reads("\"a\r\nb\"\r\nc", "a\r\nb|/c|/");
	reads("\"a\rb\"\n", "a\rb|/");
	reads("x,\"\",y\n", "x||y|/");
	reads("\"a\n\nb\"\n", "a\n\nb|/");
	reads("\"last\"", "last|/");
}

static void byte_order_mark(void **state)
{
	(void)state;
	reads("\xef\xbb\xbf" "a,b\n", "a|b|/");
	reads("\xef\xbb\xbf\"a\",b\n", "a|b|/");
	reads("\xef\xbb\xbf", "");
	reads("\xef\xbb\xbf\n", "");
	reads("\xef\xbb\xbf\r\na", "a|/");
	reads("\xef\xbb\xbf\xef\xbb\xbf" "a", "\xef\xbb\xbf" "a|/");
	reads("a,\xef\xbb\xbf" "b\n", "a|\xef\xbb\xbf" "b|/");
	reads("a\n\xef\xbb\xbf" "b\n", "a|/\xef\xbb\xbf" "b|/");
	reads("\"\xef\xbb\xbf" "a\"\n", "\xef\xbb\xbf" "a|/");
	reads("\xef\xbb\xb0,a\n", "\xef\xbb\xb0|a|/");
	refuses(SPAN_LIT("\xef\xbb"), ERR_SYNTAX);
	refuses(SPAN_LIT("\xef\xbb,a\n"), ERR_SYNTAX);
}

static void malformed_text_is_refused(void **state)
{
	static const char *const bad[] = { "a\"b\n", "a\"\n", "a,b\"c\n", " \"a\"\n", "\"a\"b\n", "\"a\" \n", "\"a\" ,b\n", "\"a\n", "\"a", "\"", "a,\"", "\"a\"\"",
					   "a\rb\n", "a\r\rb", "a\r", "\r", "\ra", "a,\rb", "\"a\"\rb", "\xff\n", "a,\xc3\n", "\xc3,\xa4\n", "\"\xed\xa0\x80\"\n",
					   "a\xc0\x80\n", "a\nb,\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refuses(span_str(bad[i]), ERR_SYNTAX);
	refuses(span_of("a\0b\n", 4), ERR_SYNTAX);
	refuses(span_of("\0", 1), ERR_SYNTAX);
	refuses(span_of("\"a\0\"\n", 5), ERR_SYNTAX);
	refuses(span_of("\"a\"\0\n", 5), ERR_SYNTAX);
	refuses(span_of("a\r\0", 3), ERR_SYNTAX);
}

static void an_error_sticks_and_says_why(void **state)
{
	struct span in = SPAN_LIT("ok\n\"x\ny\",a\"b\nnext\n");

	(void)state;
	memset(&c, 0, sizeof c);
	assert_int_equal(csv_next(&c, &in), ERR_OK);
	assert_int_equal(csv_next(&c, &in), ERR_SYNTAX);
	assert_string_equal(c.problem, "quote inside an unquoted value");
	assert_int_equal(c.line, 2);
	assert_int_equal(csv_value(&c, 0).n, 0);
	in = SPAN_LIT("fine\n");
	assert_int_equal(csv_next(&c, &in), ERR_SYNTAX);
	assert_int_equal(csv_finish(&c), ERR_SYNTAX);
}

static void lines_are_counted_inside_quotes_and_blanks_too(void **state)
{
	struct span in = SPAN_LIT("a\n\n\"b\nc\r\nd\"\ne\r\n\r\nf");

	(void)state;
	memset(&c, 0, sizeof c);
	assert_int_equal(csv_next(&c, &in), ERR_OK);
	assert_int_equal(c.line, 1);
	assert_int_equal(csv_next(&c, &in), ERR_OK);
	assert_int_equal(c.line, 3);
	assert_int_equal(csv_next(&c, &in), ERR_OK);
	assert_int_equal(c.line, 6);
	assert_int_equal(csv_next(&c, &in), ERR_MORE);
	assert_int_equal(csv_finish(&c), ERR_OK);
	assert_int_equal(c.line, 8);
	t_span_is(csv_value(&c, 0), "f");
	assert_int_equal(csv_finish(&c), ERR_NOT_FOUND);
}

/* One row of so many values of so many bytes each, quoted or not. */
static size_t make_row(uint8_t *dst, size_t values, size_t bytes, bool quoted)
{
	size_t n = 0;

	for (size_t i = 0; i < values; i++) {
		if (i)
			dst[n++] = ',';
		if (quoted)
			dst[n++] = '"';
		memset(dst + n, 'v', bytes);
		n += bytes;
		if (quoted)
			dst[n++] = '"';
	}
	dst[n++] = '\n';
	return n;
}

static void the_limits_are_exact(void **state)
{
	static uint8_t text[FIELDS_MAX * (FIELD_VALUE_MAX + 4) + 100];

	(void)state;
	for (int quoted = 0; quoted < 2; quoted++) {
		assert_int_equal(read_all(span_of(text, make_row(text, FIELDS_MAX, FIELD_VALUE_MAX, quoted)), 4096), ERR_OK);
		assert_int_equal(rows, 1);
		assert_int_equal(flat_n, FIELDS_MAX * (FIELD_VALUE_MAX + 1) + 1);
		assert_int_equal(read_all(span_of(text, make_row(text, 1, FIELD_VALUE_MAX + 1, quoted)), 4096), ERR_TOO_BIG);
		assert_string_equal(c.problem, "a value is too long");
		assert_int_equal(read_all(span_of(text, make_row(text, FIELDS_MAX + 1, 1, quoted)), 4096), ERR_TOO_BIG);
		assert_string_equal(c.problem, "too many columns");
		assert_int_equal(read_all(span_of(text, make_row(text, FIELDS_MAX + 1, 0, quoted)), 4096), ERR_TOO_BIG);
	}
	assert_int_equal(read_all(span_of(text, make_row(text, FIELDS_MAX, 0, false) - 1), 4096), ERR_OK);
	assert_int_equal(rows, 1);
}

/* The samples hold no quotes: an ordinary split must give the same. */
static size_t split(struct span text, uint8_t *dst)
{
	size_t n = 0;
	bool in_row = false;

	for (size_t i = 0; i < text.n; i++) {
		assert_true(text.p[i] != '"');
		if (text.p[i] == '\n') {
			dst[n++] = 0x1f;
			dst[n++] = 0x1e;
			in_row = false;
		} else if (text.p[i] != '\r') {
			dst[n++] = text.p[i] == ',' ? 0x1f : text.p[i];
			in_row = true;
		}
	}
	if (in_row) {
		dst[n++] = 0x1f;
		dst[n++] = 0x1e;
	}
	return n;
}

static void real_files_however_they_are_cut(void **state)
{
	static const struct {
		const char *name;
		size_t rows;
	} files[] = { { "contoso-9", 10 },	 { "contoso-50", 51 },	{ "contoso-250", 251 },	 { "contoso-2500", 2501 },
		      { "fabrikam-9", 10 },	 { "fabrikam-50", 51 }, { "fabrikam-250", 251 }, { "fabrikam-2500", 2501 },
		      { "federated-contoso-250", 251 }, { "federated-fabrikam-250", 251 }, { "federated-wingtip-250", 251 } };
	static uint8_t expected[1 << 20];

	(void)state;
	if (!vectors_dir())
		skip();
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		char path[100];
		size_t n, len;
		uint8_t *file;

		snprintf(path, sizeof path, "multiparty/%s.csv", files[i].name);
		file = vectors_read(path, &n);
		assert_non_null(file);
		len = split(span_of(file, n), expected);
		for (size_t piece = 0; piece < 4; piece++) {
			assert_int_equal(read_all(span_of(file, n), piece == 3 ? n : piece), ERR_OK);
			assert_int_equal(rows, files[i].rows);
			assert_true(span_eq(span_of(flat, flat_n), span_of(expected, len)));
		}
		free(file);
	}
}

/* Random texts from the awkward bytes: one piece or many, the outcome is the same. */
static void random_texts_are_read_the_same_in_any_pieces(void **state)
{
	static const char alphabet[] = "\"\",,\n\r\nab\xef\xbb\xbf\xc3\xa4";
	static uint8_t kept[1 << 12];
	unsigned fine = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t text[24];
		size_t n = t_random() % sizeof text, first;
		enum err whole;

		for (size_t i = 0; i < n; i++)
			text[i] = (uint8_t)alphabet[t_random() % (sizeof alphabet - 1)];
		whole = read_all(span_of(text, n), sizeof text);
		first = flat_n;
		memcpy(kept, flat, first);
		fine += whole == ERR_OK;
		for (size_t piece = 0; piece < 3; piece++) {
			assert_int_equal(read_all(span_of(text, n), piece), whole);
			assert_true(span_eq(span_of(kept, first), span_of(flat, flat_n)));
		}
	}
	assert_true(fine > 500);
}

/* What was quoted by rule comes back as it was. */
static void random_values_come_back(void **state)
{
	static const char alphabet[] = "\",\n\rab ";
	static uint8_t text[4096], expected[4096];

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t n = 0, e = 0;

		for (unsigned row = 0; row < 3; row++) {
			for (unsigned value = 0; value < 3; value++) {
				if (value)
					text[n++] = ',';
				text[n++] = '"';
				for (unsigned k = (unsigned)(t_random() % 6); k > 0; k--) {
					uint8_t b = (uint8_t)alphabet[t_random() % (sizeof alphabet - 1)];

					text[n++] = b;
					if (b == '"')
						text[n++] = b;
					expected[e++] = b;
				}
				text[n++] = '"';
				expected[e++] = 0x1f;
			}
			if (t_random() % 2)
				text[n++] = '\r';
			text[n++] = '\n';
			expected[e++] = 0x1e;
		}
		assert_int_equal(read_all(span_of(text, n), 0), ERR_OK);
		assert_true(span_eq(span_of(expected, e), span_of(flat, flat_n)));
	}
}

UNIT(csv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_past_the_end_are_empty),
		cmocka_unit_test(plain_rows),
		cmocka_unit_test(blank_lines_are_skipped_and_an_empty_quoted_value_is_a_row),
		cmocka_unit_test(quotes),
		cmocka_unit_test(byte_order_mark),
		cmocka_unit_test(malformed_text_is_refused),
		cmocka_unit_test(an_error_sticks_and_says_why),
		cmocka_unit_test(lines_are_counted_inside_quotes_and_blanks_too),
		cmocka_unit_test(the_limits_are_exact),
		cmocka_unit_test(real_files_however_they_are_cut),
		cmocka_unit_test(random_texts_are_read_the_same_in_any_pieces),
		cmocka_unit_test(random_values_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
