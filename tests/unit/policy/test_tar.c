/* Tests of policy/tar.c and policy/pax.c: what is accepted, and every way in which an archive is refused. */
#include "tarmaker.h"

static void refuses(void (*make)(struct tm *t), const char *part)
{
	struct tm t = tm_new();

	make(&t);
	tm_refused(&t, part);
}

static void wrong_sum(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	t->p[at + 150] ^= 1;
}

static void not_tar(struct tm *t)
{
	for (int i = 0; i < 64; i++)
		tm_bytes(t, "this is no tar archive, only text", 32);
}

static void gzip(struct tm *t)
{
	tm_zeros(t, 512);
	t->p[0] = 0x1f;
	t->p[1] = 0x8b;
}

static void v7(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	memset(t->p + at + 257, 0, 8);
	tm_sum(t, at);
}

static void star(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	memcpy(t->p + at + 508, "tar", 4);
	tm_sum(t, at);
}

/* Binary and below what 63 bits hold: no time. */
static void negative_time(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	memset(t->p + at + 136, 0, 12);
	t->p[at + 136] = 0xff;
	tm_sum(t, at);
}

static void negative_size(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	memset(t->p + at + 124, 0xff, 12);
	tm_sum(t, at);
}

static void zstd(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	memcpy(t->p + at, "\x28\xb5\x2f\xfd", 4);
}

/* A compressed file may be shorter than a tar's block. */
static void short_xz(struct tm *t)
{
	memcpy(t->p, "\xfd" "7zXZ\0abcdefgh", 14);
	t->n = 14;
}

static void bad_digits(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	memcpy(t->p + at + 100, "0008644", 8);
	tm_sum(t, at);
}

static void bad_device_field(struct tm *t)
{
	size_t at = tm_file(t, "a", "x");

	memcpy(t->p + at + 329, "zzzzzzz", 8);
	tm_sum(t, at);
}

static void global(struct tm *t) { tm_head(t, "g", 'g', 0, ""); }
static void sparse(struct tm *t) { tm_head(t, "s", 'S', 0, ""); }
static void contiguous(struct tm *t) { tm_head(t, "c", '7', 0, ""); }
static void volume(struct tm *t) { tm_head(t, "v", 'V', 0, ""); }

static void one_zero_block(struct tm *t)
{
	tm_zeros(t, 512);
	tm_file(t, "a", "x");
}

static void lone_pax(struct tm *t) { tm_pax(t, "path", "a", 1); }

static void two_pax(struct tm *t)
{
	tm_pax(t, "path", "a", 1);
	tm_pax(t, "path", "b", 1);
	tm_file(t, "c", "x");
}

static void pax_then_file(struct tm *t, const char *record, size_t n)
{
	tm_head(t, "PaxHeader", 'x', n, "");
	tm_data(t, record, n);
	tm_file(t, "a", "x");
}

static void pax_length(struct tm *t) { pax_then_file(t, "99 path=a\n", 10); }
static void pax_no_eq(struct tm *t) { pax_then_file(t, "8 pathb\n", 8); }
static void pax_no_newline(struct tm *t) { pax_then_file(t, "9 path=ab", 9); }
static void pax_no_key(struct tm *t) { pax_then_file(t, "5 =b\n", 5); }
static void pax_overlap(struct tm *t) { pax_then_file(t, "3 path=a\n", 9); }
static void pax_twice(struct tm *t) { pax_then_file(t, "10 path=a\n10 path=b\n", 20); }
static void pax_nul(struct tm *t) { pax_then_file(t, "11 path=a\0\n", 11); }
static void pax_sparse(struct tm *t) { pax_then_file(t, "22 GNU.sparse.major=1\n", 22); }
static void pax_negative(struct tm *t) { pax_then_file(t, "11 size=-1\n", 11); }
static void pax_time(struct tm *t) { pax_then_file(t, "15 mtime=1.2x3\n", 15); }
static void pax_uid(struct tm *t) { pax_then_file(t, "18 uid=4294967296\n", 18); }
static void pax_no_attribute(struct tm *t) { pax_then_file(t, "19 SCHILY.xattr.=b\n", 19); }

#define DIGEST "fed1e1697e426e6c35c0756a97390b6c4c38b2587e6a3fb7af979d0a97d2084e"

static void docker_save(struct tm *t)
{
	tm_file(t, DIGEST "/layer.tar", "x");
	tm_file(t, DIGEST ".json", "{}");
	tm_file(t, "./manifest.json", "[]");
}

static void oci_layout(struct tm *t)
{
	tm_file(t, "blobs/sha256/" DIGEST, "x");
	tm_file(t, "index.json", "{}");
	tm_file(t, "oci-layout", "{}");
}

static void pax_and_long_name(struct tm *t)
{
	tm_pax(t, "path", "a", 1);
	tm_head(t, "././@LongLink", 'L', 2, "");
	tm_data(t, "b", 2);
	tm_file(t, "c", "x");
}

static void too_long_name(struct tm *t)
{
	tm_head(t, "././@LongLink", 'L', 100000, "");
	tm_zeros(t, 100352);
	tm_file(t, "c", "x");
}

static void test_refused(void **state)
{
	(void)state;
	refuses(wrong_sum, "checksum");
	refuses(not_tar, "checksum");
	refuses(gzip, "compressed");
	refuses(v7, "neither");
	refuses(star, "star");
	refuses(negative_time, "number");
	refuses(negative_size, "number");
	refuses(zstd, "compressed with zstd");
	refuses(short_xz, "compressed with xz");
	refuses(docker_save, "image archive");
	refuses(oci_layout, "image archive");
	refuses(bad_digits, "number");
	refuses(bad_device_field, "number");
	refuses(global, "global");
	refuses(sparse, "sparse");
	refuses(contiguous, "unknown type");
	refuses(volume, "unknown type");
	refuses(one_zero_block, "zero block");
}

static void test_refused_pax(void **state)
{
	(void)state;
	refuses(lone_pax, "without its entry");
	refuses(two_pax, "two extended");
	refuses(pax_length, "malformed");
	refuses(pax_no_eq, "malformed");
	refuses(pax_no_newline, "malformed");
	refuses(pax_no_key, "malformed");
	refuses(pax_overlap, "malformed");
	refuses(pax_twice, "twice");
	refuses(pax_nul, "malformed");
	refuses(pax_sparse, "sparse");
	refuses(pax_negative, "negative");
	refuses(pax_time, "malformed");
	refuses(pax_uid, "32 bits");
	refuses(pax_no_attribute, "without a name");
	refuses(pax_and_long_name, "GNU long name");
	refuses(too_long_name, "too big");
}

/* A layer may hold such names beside others, and a file whose name begins as a compressed file does. */
static void test_accepts_names_of_other_forms(void **state)
{
	static const char *const also[] = { "etc/hostname", "PK\3\4", "BZh" };

	(void)state;
	for (size_t i = 0; i < sizeof also / sizeof also[0]; i++) {
		struct tm t = tm_new();
		struct layer_info info;
		struct why w;

		tm_file(&t, also[i], "x");
		tm_file(&t, "manifest.json", "{}");
		tm_file(&t, DIGEST "/layer.tar", "x");
		assert_int_equal(tm_measure(&t, 0, NULL, &info, &w), ERR_OK);
		free(t.p);
	}
}

/* The same time told in pax and in binary is the same layer. */
static void layer_of(const char *pax, int64_t binary, uint8_t root[32])
{
	struct tm t = tm_new();
	struct layer_info info;
	struct why w;
	size_t at;

	if (pax)
		tm_pax(&t, "mtime", pax, strlen(pax));
	at = tm_file(&t, "a", "x");
	if (!pax) {
		memset(t.p + at + 136, binary < 0 ? 0xff : 0, 12);
		t.p[at + 136] |= 0x80;
		for (size_t i = 0; i < 8; i++)
			t.p[at + 147 - i] = (uint8_t)((uint64_t)binary >> (8 * i));
		tm_sum(&t, at);
	}
	assert_int_equal(tm_measure(&t, 0, NULL, &info, &w), ERR_OK);
	memcpy(root, info.root, 32);
	free(t.p);
}

static void test_times_before_1970(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} pairs[] = {
		{ "-1", "-1.0", true }, { "-1", "0", false }, { "-1", "-2", false }, { "-0.5", "-1", true }, /* the sign covers the fraction */
		{ "-2147483649", "-99999999999", true },  /* before 1901 */
		{ "-2147483648", "-2147483649", false },
		{ "-62135596800", "0", true },            /* the year 1 is no time */
		{ "-62135596801", "-99999999999", true },
		{ "15032385535", "99999999999", true },   /* 2446 */
	};
	uint8_t a[32], b[32];

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		layer_of(pairs[i].a, 0, a);
		layer_of(pairs[i].b, 0, b);
		assert_int_equal(memcmp(a, b, 32) == 0, pairs[i].same);
	}
	layer_of("-1", 0, a);
	layer_of(NULL, -1, b);
	assert_memory_equal(a, b, 32);
	layer_of("-86400", 0, a);
	layer_of(NULL, -86400, b);
	assert_memory_equal(a, b, 32);
}

/* Every cut of an archive, except where it only takes zeros off the end, is refused. */
static void test_refuses_cuts(void **state)
{
	struct tm t = tm_new();

	(void)state;
	tm_pax(&t, "mtime", "5", 1);
	tm_file(&t, "a", "hello");
	tm_dir(&t, "d");
	for (size_t n = 1; n < t.n; n++) {
		struct tm cut = { t.p, n, t.cap };
		struct layer_info i;
		struct why w;
		/* Where an entry ends the archive may end too. */
		bool whole = n == 2048 || n == 2560;

		assert_int_equal(tm_measure(&cut, 0, NULL, &i, &w) == ERR_OK, whole);
	}
	free(t.p);
}

/* However the bytes arrive, the result is the same. */
static void test_any_read_size(void **state)
{
	struct layer_info a, b;
	struct tm t = tm_new();
	struct why w;

	(void)state;
	tm_file(&t, "a", "hello");
	tm_end(&t);
	assert_int_equal(tm_measure(&t, 0, NULL, &a, &w), ERR_OK);
	for (size_t step = 1; step < 700; step += 37) {
		assert_int_equal(tm_measure(&t, step, NULL, &b, &w), ERR_OK);
		assert_memory_equal(&a, &b, sizeof a);
	}
	free(t.p);
}

/* Flipped bits: a refusal with a reason, or a root of another archive; never a crash. */
static void test_every_flip(void **state)
{
	struct layer_info a, b;
	struct tm t = tm_new();
	struct why w;

	(void)state;
	tm_pax(&t, "SCHILY.xattr.user.a", "b", 1);
	tm_file(&t, "a", "hello");
	tm_head(&t, "l", '2', 0, "target");
	assert_int_equal(tm_measure(&t, 0, NULL, &a, &w), ERR_OK);
	for (size_t i = 0; i < t.n; i += 3) {
		uint8_t was = t.p[i];

		t.p[i] ^= (uint8_t)(1u << (t_random() % 8));
		if (tm_measure(&t, 0, NULL, &b, &w) == ERR_OK)
			assert_memory_not_equal(a.diff_id, b.diff_id, 32);
		else
			assert_true(w.text[0] != '\0');
		t.p[i] = was;
	}
	free(t.p);
}

/* What is told in different forms is the same layer: GNU and pax long names, prefix, spellings of a path. */
static void test_forms_agree(void **state)
{
	static const char dir[] = "a-directory-with-a-rather-long-name-so-that-the-whole-does-not-fit-into-the-field";
	char path[200];
	struct tm t = tm_new();
	struct layer_info pax, gnu, prefix;
	size_t at;

	(void)state;
	snprintf(path, sizeof path, "%s/and-a-file-with-a-long-name-too", dir);
	tm_pax(&t, "path", path, strlen(path));
	tm_file(&t, "x", "1");
	pax = tm_root(&t);
	t = tm_new();
	tm_head(&t, "././@LongLink", 'L', strlen(path) + 1, "");
	tm_data(&t, path, strlen(path) + 1);
	at = tm_file(&t, "x", "1");
	memcpy(t.p + at + 257, "ustar  ", 8);
	tm_sum(&t, at);
	gnu = tm_root(&t);
	t = tm_new();
	at = tm_file(&t, "./and-a-file-with-a-long-name-too", "1");
	memcpy(t.p + at + 345, dir, sizeof dir - 1);
	tm_sum(&t, at);
	prefix = tm_root(&t);
	assert_memory_equal(pax.root, gnu.root, 32);
	assert_memory_equal(pax.root, prefix.root, 32);
}

UNIT(tar)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused), cmocka_unit_test(test_refused_pax), cmocka_unit_test(test_refuses_cuts),
		cmocka_unit_test(test_accepts_names_of_other_forms), cmocka_unit_test(test_times_before_1970),
		cmocka_unit_test(test_any_read_size), cmocka_unit_test(test_every_flip), cmocka_unit_test(test_forms_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
