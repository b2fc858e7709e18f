/* Tests of chunked transfer coding. */
#include "text/chunked.h"

#include "t.h"

/* Feeds text in pieces (all at once when piece is 0) and collects the data. ERR_OK means the end was reached; *left is
 * then what was not consumed. ERR_MORE means the text ended early. */
static enum err collect(struct span text, size_t piece, uint8_t *data, size_t *n, size_t *left)
{
	struct chunked c = { 0 };
	size_t at = 0;

	*n = 0;
	while (at < text.n) {
		struct span part = span_sub(text, at, piece ? piece : text.n), in, got;
		uint8_t *exact = t_exact(part);
		bool done = false;
		enum err err;

		in = span_of(exact, part.n);
		do {
			err = chunked_next(&c, &in, &got, &done);
			if (err == ERR_OK && got.n) {
				memcpy(data + *n, got.p, got.n);
				*n += got.n;
			}
		} while (err == ERR_OK && !done);
		at += part.n - in.n;
		free(exact);
		if (err == ERR_OK && done) {
			*left = text.n - at;
			return ERR_OK;
		}
		if (err != ERR_MORE)
			return err;
		assert_int_equal(in.n, 0);
	}
	return ERR_MORE;
}

static const char sample[] = "4\r\nWiki\r\n00A;name=\"va;lue\";x\r\n0123456789\r\n1;\r\n\r\r\n0;last\r\nTrailer: yes\r\nOther:\t\xc3\xa4\r\n\r\nNEXT";

static void reads_the_same_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t piece = 0; piece < sizeof sample; piece++) {
		uint8_t data[100];
		size_t n, left = 99;

		assert_int_equal(collect(span_of(sample, sizeof sample - 1), piece, data, &n, &left), ERR_OK);
		t_span_is(span_of(data, n), "Wiki0123456789\r");
		assert_int_equal(left, 4);
	}
}

static void every_part_asks_for_more(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof sample - 5; len++) {
		uint8_t data[100];
		size_t n, left;

		assert_int_equal(collect(span_of(sample, len), 0, data, &n, &left), ERR_MORE);
	}
}

static void refuses_what_is_not_the_coding(void **state)
{
	static const char *const bad[] = {
		"\r\n", ";x\r\n", "g\r\n", "-1\r\n", "+1\r\n", " 1\r\n", "1 \r\n", "1 ;x\r\n", "0x1\r\n", "1\n", "1\rx", "1\r\r\n", "1;x\n", "1;\x01\r\n",
		"1;\x7f\r\n", "1\r\nab", "1\r\na\n", "1\r\na\rx", "1\r\na\r\n\r\n", "0\r\n\n", "0\r\nX: y\n", "0\r\n X: y\r\n", "0\r\n\tX: y\r\n", "0\r\nX: \x01\r\n",
		"0\r\nX\rY", "0\r\n\rx", "0000000000000001\r\n", "fffffffffffffffff\r\n", "1,2\r\n", "1\xff\r\n", "\xef\xbc\x91\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		for (size_t piece = 0; piece < 2; piece++) {
			uint8_t data[100];
			size_t n, left;

			assert_int_equal(collect(span_str(bad[i]), piece, data, &n, &left), ERR_SYNTAX);
		}
}

static void an_error_sticks(void **state)
{
	struct chunked c = { 0 };
	struct span in = SPAN_LIT("g"), data;
	bool done;

	(void)state;
	assert_int_equal(chunked_next(&c, &in, &data, &done), ERR_SYNTAX);
	in = SPAN_LIT("1\r\na\r\n0\r\n\r\n");
	assert_int_equal(chunked_next(&c, &in, &data, &done), ERR_SYNTAX);
	assert_false(done);
}

static void the_end_stays_the_end(void **state)
{
	struct chunked c = { 0 };
	struct span in = SPAN_LIT("0\r\n\r\n1\r\na\r\n"), data;
	bool done;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(chunked_next(&c, &in, &data, &done), ERR_OK);
		assert_true(done);
		assert_int_equal(data.n, 0);
		assert_int_equal(in.n, 6);
	}
}

static void fifteen_digits_are_the_most(void **state)
{
	struct chunked c = { 0 };
	struct span in = SPAN_LIT("fffffffffffffff\r\nabc"), data;
	bool done;

	(void)state;
	assert_int_equal(chunked_next(&c, &in, &data, &done), ERR_OK);
	t_span_is(data, "abc");
	assert_true(c.left == 0xfffffffffffffff - 3);
	assert_int_equal(chunked_next(&c, &in, &data, &done), ERR_MORE);
	c = (struct chunked){ 0 };
	in = SPAN_LIT("000000000000001\r\nx\r\n");
	assert_int_equal(chunked_next(&c, &in, &data, &done), ERR_OK);
}

static enum err with_filler(const char *before, size_t filler, const char *after)
{
	static char text[10000];
	static uint8_t data[10000];
	size_t n = (size_t)sprintf(text, "%s", before), left;

	memset(text + n, 'e', filler);
	n += filler;
	n += (size_t)sprintf(text + n, "%s", after);
	return collect(span_of(text, n), 0, data, &filler, &left);
}

static void extensions_and_trailers_have_limits(void **state)
{
	(void)state;
	assert_int_equal(with_filler("1;", 256, "\r\na\r\n0\r\n\r\n"), ERR_OK);
	assert_int_equal(with_filler("1;", 257, "\r\na\r\n0\r\n\r\n"), ERR_SYNTAX);
	assert_int_equal(with_filler("1;", 250, "\r\na\r\n1;bbbbbbbbbb\r\na\r\n0\r\n\r\n"), ERR_OK);
	assert_int_equal(with_filler("0\r\n", 4096, "\r\n\r\n"), ERR_OK);
	assert_int_equal(with_filler("0\r\n", 4097, "\r\n\r\n"), ERR_SYNTAX);
	assert_int_equal(with_filler("0\r\nX: y\r\n", 4092, "\r\n\r\n"), ERR_OK);
	assert_int_equal(with_filler("0\r\nX: y\r\n", 4093, "\r\n\r\n"), ERR_SYNTAX);
}

static void random_bodies_come_back(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		uint8_t text[4000], body[2000], data[2000];
		size_t n = 0, total = 0, got, left;

		for (unsigned k = (unsigned)(t_random() % 8); k > 0; k--) {
			size_t len = 1 + t_random() % 200;

			n += (size_t)sprintf((char *)text + n, t_random() % 2 ? "%zx\r\n" : "%zX;a=b\r\n", len);
			for (size_t i = 0; i < len; i++)
				text[n++] = body[total++] = (uint8_t)t_random();
			n += (size_t)sprintf((char *)text + n, "\r\n");
		}
		n += (size_t)sprintf((char *)text + n, "0\r\n\r\n");
		assert_int_equal(collect(span_of(text, n), t_random() % 20, data, &got, &left), ERR_OK);
		assert_true(span_eq(span_of(data, got), span_of(body, total)));
		assert_int_equal(left, 0);
	}
}

static void mutated_bodies_never_crash(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t text[sizeof sample], data[200];
		size_t n, left;

		memcpy(text, sample, sizeof sample);
		for (unsigned k = 0; k < 2; k++)
			text[t_random() % (sizeof sample - 1)] = (uint8_t)"\r\n;0f a\x01\xff"[t_random() % 9];
		(void)collect(span_of(text, sizeof sample - 1), t_random() % 9, data, &n, &left);
	}
}

UNIT(chunked)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_the_same_however_it_is_cut), cmocka_unit_test(every_part_asks_for_more),
		cmocka_unit_test(refuses_what_is_not_the_coding),   cmocka_unit_test(an_error_sticks),
		cmocka_unit_test(the_end_stays_the_end),	    cmocka_unit_test(fifteen_digits_are_the_most),
		cmocka_unit_test(extensions_and_trailers_have_limits), cmocka_unit_test(random_bodies_come_back),
		cmocka_unit_test(mutated_bodies_never_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
