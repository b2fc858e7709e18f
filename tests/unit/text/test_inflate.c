/* Tests of gzip decoding, on the embedded pages and on hostile input. */
#include "text/inflate.h"

#include "crypto/hash.h"
#include "demo/ui.h"

#include "t.h"

static uint8_t room[1 << 18];

static const struct ui_file *at(const char *path)
{
	for (size_t i = 0; i < ui_files_n; i++)
		if (strcmp(ui_files[i].path, path) == 0)
			return &ui_files[i];
	fail_msg("no file at %s", path);
	return NULL;
}

static void every_embedded_file_opens_to_what_its_hash_says(void **state)
{
	(void)state;
	assert_in_range(ui_files_n, 10, UI_FILES_MAX);
	for (size_t i = 0; i < ui_files_n; i++) {
		uint8_t digest[SHA256_LEN];
		char hex[2 * SHA256_LEN + 1];
		struct out o = out_init(room, sizeof room);

		assert_int_equal(inflate_gzip(span_of(ui_files[i].gzip, ui_files[i].gzip_len), &o), ERR_OK);
		assert_int_equal(o.n, ui_files[i].len);
		hash_sha256(out_span(&o), digest);
		for (size_t k = 0; k < SHA256_LEN; k++)
			snprintf(hex + 2 * k, 3, "%02x", digest[k]);
		assert_string_equal(hex, ui_files[i].sha256);
	}
}

static void stored_and_fixed_blocks_are_understood(void **state)
{
	/* Made with Python's zlib: compressobj(0) and compressobj(9, strategy=Z_FIXED) of the same text. */
	static const uint8_t plain[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 5, 0, 0xfa, 0xff, 'h', 'e', 'l', 'l', 'o',
		0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0 };
	static const uint8_t fixed[] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0,
		0x86, 0xa6, 0x10, 0x36, 5, 0, 0, 0 };
	struct out o = out_init(room, sizeof room);

	(void)state;
	assert_int_equal(inflate_gzip(span_of(plain, sizeof plain), &o), ERR_OK);
	assert_int_equal(inflate_gzip(span_of(fixed, sizeof fixed), &o), ERR_OK);
	t_span_is(out_span(&o), "hellohello");
}

static void nothing_cut_short_is_taken(void **state)
{
	const struct ui_file *f = at("/compare");

	(void)state;
	for (size_t n = 0; n < f->gzip_len; n++) {
		uint8_t *p = t_exact(span_of(f->gzip, n));
		struct out o = out_init(room, sizeof room);

		assert_int_not_equal(inflate_gzip(span_of(p, n), &o), ERR_OK);
		free(p);
	}
}

/* Time, extra flags and system do not count. */
static bool is_free(size_t at)
{
	return at >= 4 && at < 10;
}

static void every_flipped_bit_is_found_or_changes_nothing(void **state)
{
	const struct ui_file *f = at("/compare");
	uint8_t *p = t_exact(span_of(f->gzip, f->gzip_len));
	static uint8_t good[8192];
	struct out g = out_init(good, sizeof good);
	size_t same = 0;

	(void)state;
	assert_int_equal(inflate_gzip(span_of(f->gzip, f->gzip_len), &g), ERR_OK);
	for (size_t bit = 0; bit < 8 * f->gzip_len; bit++) {
		struct out o = out_init(room, 65536);

		p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		/* A repetition may be taken from elsewhere, or a code that nothing uses be another: what comes out is the same. */
		if (!is_free(bit / 8) && inflate_gzip(span_of(p, f->gzip_len), &o) == ERR_OK) {
			assert_int_equal(o.n, f->len);
			assert_memory_equal(room, good, o.n);
			same++;
		}
		p[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
	assert_true(same < f->gzip_len / 10);
	free(p);
}

static void random_bytes_end(void **state)
{
	uint8_t in[200] = { 0x1f, 0x8b, 8, 0 };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct out o = out_init(room, 4096);
		size_t n = 18 + t_random() % 180;
		uint8_t *p;

		for (size_t k = 4; k < sizeof in; k++)
			in[k] = (uint8_t)t_random();
		p = t_exact(span_of(in, n));
		assert_int_not_equal(inflate_gzip(span_of(p, n), &o), ERR_OK);
		free(p);
	}
}

static void too_little_room_is_told(void **state)
{
	const struct ui_file *f = at("/");
	struct out o = out_init(room, f->len - 1);

	(void)state;
	assert_int_equal(inflate_gzip(span_of(f->gzip, f->gzip_len), &o), ERR_TOO_BIG);
}

UNIT(inflate)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_embedded_file_opens_to_what_its_hash_says),
		cmocka_unit_test(stored_and_fixed_blocks_are_understood),
		cmocka_unit_test(nothing_cut_short_is_taken),
		cmocka_unit_test(every_flipped_bit_is_found_or_changes_nothing),
		cmocka_unit_test(random_bytes_end),
		cmocka_unit_test(too_little_room_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
