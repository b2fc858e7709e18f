/* Tests of the way from a tar to its root: the vectors, the worked example, and how entries meet. */
#include "tarmaker.h"
#include "vectors.h"

#include <cjson/cJSON.h>

#include "policy/verity.h"

static void hex_is(const uint8_t *p, size_t n, const char *hex)
{
	uint8_t want[64];

	assert_int_equal(vectors_hex(hex, want, sizeof want), n);
	assert_memory_equal(p, want, n);
}

/* --- The image, for looking into it --- */

static uint8_t image[64][EXT4_BLOCK];

static enum err keep(void *of, uint32_t block, const uint8_t *bytes)
{
	(void)of;
	assert_true(block < 64);
	if (bytes)
		memcpy(image[block], bytes, EXT4_BLOCK);
	else
		memset(image[block], 0, EXT4_BLOCK);
	return ERR_OK;
}

static struct layer_info image_of(struct tm *t)
{
	const struct ext4_sink sink = { keep, NULL };
	struct layer_info i;
	struct why w;
	enum err e;

	tm_end(t);
	memset(image, 0xee, sizeof image);
	e = tm_measure(t, 0, &sink, &i, &w);
	if (e != ERR_OK)
		print_error("refused: %s: %s\n", w.text, w.about);
	assert_int_equal(e, ERR_OK);
	free(t->p);
	return i;
}

/* The record of an inode: the table follows the directories, found through the first group descriptor. */
static const uint8_t *inode(uint32_t number)
{
	return image[load_le32(image[1] + 8)] + (number - 1) * 256;
}

/* --- Vectors --- */

static void vector(const cJSON *v)
{
	const char *name = cJSON_GetObjectItem(v, "name")->valuestring;
	char path[256];
	struct layer_info i;
	struct why w;
	struct tm t = { NULL, 0, 0 };

	snprintf(path, sizeof path, "verity/%s.tar", name);
	t.p = vectors_read(path, &t.n);
	assert_non_null(t.p);
	assert_int_equal(tm_measure(&t, 0, NULL, &i, &w), ERR_OK);
	hex_is(i.root, 32, cJSON_GetObjectItem(v, "verity_root")->valuestring);
	hex_is(i.diff_id, 32, cJSON_GetObjectItem(v, "tar_sha256")->valuestring);
	assert_int_equal(i.blocks, cJSON_GetObjectItem(v, "ext4_blocks")->valueint);
	assert_int_equal(i.inodes, cJSON_GetObjectItem(v, "inodes")->valueint);
	assert_int_equal(i.free_inodes, cJSON_GetObjectItem(v, "free_inodes")->valueint);
	assert_int_equal(i.free_blocks, cJSON_GetObjectItem(v, "free_blocks")->valueint);
	free(t.p);
}

static void test_vectors(void **state)
{
	size_t n;
	uint8_t *text = vectors_read("verity/vectors.json", &n);
	cJSON *doc;
	const cJSON *v;

	(void)state;
	if (!text)
		skip();
	doc = cJSON_Parse((const char *)text);
	assert_non_null(doc);
	cJSON_ArrayForEach(v, cJSON_GetObjectItem(doc, "vectors"))
		if (cJSON_IsTrue(cJSON_GetObjectItem(v, "tar_stored")))
			vector(v);
	cJSON_Delete(doc);
	free(text);
}

/* One file "a" of one byte: every byte of the image is known, so its hash is; the root is that of the vector p02. */
static void test_worked_example(void **state)
{
	struct tm t = tm_new();
	struct layer_info i;
	uint8_t hash[32];

	(void)state;
	tm_file(&t, "a", "x");
	i = image_of(&t);
	assert_int_equal(i.blocks, 15);
	hash_sha256(span_of(image, 15 * EXT4_BLOCK), hash);
	hex_is(hash, 32, "d8fe85e97e094f2a8725a07598330ca227f9afb1bc7f4e5dc28eb11df5965cf1");
	hex_is(i.root, 32, "24040ded633085799b1097ac3d8a029f465728e124db058f21c147db95529fd7");
	hex_is(image[1], 18, "0d0000000e0000000c000000070004000200");
	hex_is(image[13], 4, "03feffff");
}

/* The root over more than one level, made the slow way. */
static void test_verity_levels(void **state)
{
	static uint8_t leaf[300][32], level[3][4096], top[4096];
	uint8_t want[32], got[32];

	(void)state;
	for (size_t i = 0; i < 300; i++)
		for (size_t j = 0; j < 32; j++)
			leaf[i][j] = (uint8_t)(i + j * 7);
	for (size_t i = 0; i < 300; i++)
		memcpy(level[i / 128] + i % 128 * 32, leaf[i], 32);
	for (size_t i = 0; i < 3; i++)
		verity_hash(level[i], top + 32 * i);
	verity_hash(top, want);
	verity_root(leaf, 300, got);
	assert_memory_equal(want, got, 32);
}

/* --- How entries meet --- */

static void test_links(void **state)
{
	struct tm t = tm_new();

	(void)state;
	tm_file(&t, "f", "data");                    /* inode 12 */
	tm_head(&t, "h", '1', 0, "./f");             /* another name of it */
	tm_head(&t, "s", '2', 0, "f");               /* 13 */
	tm_head(&t, "hs", '1', 0, "s");
	tm_head(&t, "l", '2', 0, "0123456789012345678901234567890123456789012345678901234567890"); /* 14: 61 bytes */
	(void)image_of(&t);
	assert_int_equal(load_le16(inode(12) + 0x1A), 2);
	assert_int_equal(load_le16(inode(13) + 0x1A), 2);
	assert_int_equal(load_le16(inode(13)), 0120777);
	assert_int_equal(inode(13)[0x28], 'f');
	assert_int_equal(load_le32(inode(13) + 0x20), 0x40000);
	assert_int_equal(load_le32(inode(14) + 0x20), 0xC0000);
	assert_int_equal(load_le32(inode(14) + 0x1C), 1);
	assert_memory_equal(image[load_le32(inode(14) + 0x28 + 20)], "0123456789", 10);
}

static void test_implicit_parents(void **state)
{
	struct tm t = tm_new();
	size_t at;

	(void)state;
	at = tm_dir(&t, ".");
	memcpy(t.p + at + 100, "0000711", 8);
	memcpy(t.p + at + 108, "0000012", 8);
	memcpy(t.p + at + 136, "00000000007", 12);
	tm_sum(&t, at);
	tm_file(&t, "a/b/c", "x"); /* a is 12, b 13, c 14 */
	tm_dir(&t, "a/");          /* told later: mode changes, number does not */
	(void)image_of(&t);
	assert_int_equal(load_le16(inode(2)), 040711);
	assert_int_equal(load_le16(inode(12)), 040755);
	assert_int_equal(load_le16(inode(12) + 2), 0);
	assert_int_equal(load_le16(inode(13)), 040711);
	assert_int_equal(load_le16(inode(13) + 2), 10);
	assert_int_equal(load_le32(inode(13) + 0x10), 7);
	assert_int_equal(load_le16(inode(14)), 0100644);
	assert_int_equal(load_le16(inode(12) + 0x1A), 3);
	assert_int_equal(load_le16(inode(2) + 0x1A), 4);
}

static void test_whiteouts(void **state)
{
	struct tm t = tm_new();

	(void)state;
	tm_file(&t, "d/.wh.gone", "ignored");   /* d 12, gone 13 */
	tm_file(&t, "d/.wh..wh..opq", "");
	(void)image_of(&t);
	assert_int_equal(load_le16(inode(13)), 020000);
	assert_int_equal(load_le32(inode(13) + 0x28 + 4), 0);
	assert_int_equal(load_le32(inode(12) + 0x98), 0xEA020000);
	assert_int_equal(inode(12)[0x98 + 4], 14); /* "overlay.opaque" */
	assert_int_equal(inode(12)[0x98 + 5], 4);  /* trusted. */
	assert_int_equal(inode(12)[255 - 3], 'y');
}

static void test_times_devices_attributes(void **state)
{
	struct tm t = tm_new();
	char big[200];
	size_t at;

	(void)state;
	memset(big, 'v', sizeof big);
	tm_pax(&t, "mtime", "8589934593.25", 13); /* 2^33 + 1 and a quarter */
	tm_file(&t, "a", "x");                      /* 12 */
	at = tm_head(&t, "dev", '3', 0, "");        /* 13 */
	memcpy(t.p + at + 329, "0000010", 8);
	memcpy(t.p + at + 337, "0000454", 8);       /* 8, 300 */
	tm_sum(&t, at);
	tm_pax(&t, "SCHILY.xattr.user.big", big, sizeof big);
	tm_file(&t, "x", "");                       /* 14: attributes in a block of their own */
	(void)image_of(&t);
	assert_int_equal(load_le32(inode(12) + 0x10), 1);
	assert_int_equal(load_le32(inode(12) + 0x88), 250000000u << 2 | 2);
	assert_int_equal(load_le32(inode(12) + 0x90), 1);
	assert_int_equal(load_le16(inode(13)), 020644);
	assert_int_equal(load_le32(inode(13) + 0x28 + 4), (300 & 0xff) | 8 << 8 | (300 & 0xffffff00) << 12);
	assert_int_equal(load_le32(inode(14) + 0x68), 10);
	assert_int_equal(load_le32(inode(14) + 0x1C), 1);
	assert_int_equal(load_le32(image[10]), 0xEA020000);
	assert_memory_equal(image[10] + EXT4_BLOCK - 200, big, 200);
}

/* A name with several links moves to a new inode; one without data is overwritten in its place. */
static void test_replacing(void **state)
{
	struct tm t = tm_new();

	(void)state;
	tm_file(&t, "a", "");            /* 12 */
	tm_head(&t, "b", '1', 0, "a");
	tm_file(&t, "a", "new");         /* 13; b keeps 12 */
	tm_head(&t, "e", '2', 0, "x");   /* 14 */
	tm_file(&t, "e", "now a file");  /* 14 again */
	(void)image_of(&t);
	assert_int_equal(load_le16(inode(12) + 0x1A), 1);
	assert_int_equal(load_le32(inode(13) + 4), 3);
	assert_int_equal(load_le16(inode(14)), 0100644);
	assert_int_equal(load_le32(inode(14) + 4), 10);
}

static void refuse_two(const char *first, char type, const char *data, const char *second, char type2, const char *link, const char *why)
{
	struct tm t = tm_new();

	tm_head(&t, first, type, type == '0' ? strlen(data) : 0, type == '0' ? "" : data);
	if (type == '0')
		tm_data(&t, data, strlen(data));
	tm_head(&t, second, type2, 0, link);
	tm_refused(&t, why);
}

static void test_refused_meetings(void **state)
{

	(void)state;
	refuse_two("a", '0', "x", "a", '0', "", "already laid out");
	refuse_two("a", '0', "x", "a/b", '0', "", "no directory");
	refuse_two("a", '0', "x", "a", '5', "", "a directory replaces");
	refuse_two("a", '5', "", "a", '0', "", "a file replaces");
	refuse_two("a", '0', "x", "../b", '0', "", "..");
	refuse_two("a", '0', "x", "b/../c", '0', "", "..");
	refuse_two("a", '0', "x", "", '0', "", "without a name");
	refuse_two("a", '0', "x", "/", '0', "", "a file whose name ends");
	refuse_two("a", '0', "x", ".", '0', "", "a file replaces a directory");
	refuse_two("a", '0', "x", "b", '1', "none", "not there");
	refuse_two("a", '5', "", "b", '1', "a", "directory");
	refuse_two("a", '0', "x", "a", '1', "a", "only name");
	refuse_two("a", '0', "x", "b", '2', "", "without a target");
	refuse_two("a", '0', "x", "d/.wh.", '0', "", "whiteout of nothing");
	refuse_two("a", '0', "x", "d/.wh...", '0', "", "whiteout of nothing");
	refuse_two("s", '2', "d", "s/f", '0', "", "no directory");
}

static void test_refuses_long_component(void **state)
{
	struct tm t = tm_new();
	char name[257];

	(void)state;
	memset(name, 'n', 256);
	name[256] = '\0';
	tm_pax(&t, "path", name, 256);
	tm_file(&t, "x", "1");
	tm_refused(&t, "255");
}

static void test_refuses_three_in_a_block(void **state)
{
	static const char names[3][24] = { "SCHILY.xattr.user.a", "SCHILY.xattr.user.b", "SCHILY.xattr.user.c" };
	struct tm t = tm_new();
	char record[1024];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		char value[221];

		memset(value, 'v', 220);
		value[220] = '\0';
		n += (size_t)snprintf(record + n, sizeof record - n, "%zu %s=%s\n", strlen(names[i]) + 220 + 6, names[i], value);
	}
	tm_head(&t, "PaxHeader", 'x', n, "");
	tm_data(&t, record, n);
	tm_file(&t, "x", "1");
	tm_refused(&t, "three or more");
}

/* More than one group: 40 000 files need two inode tables; the image then ends with the second group. */
static void test_groups(void **state)
{
	struct tm t = tm_new();
	struct layer_info i;

	(void)state;
	for (int k = 0; k < 40000; k++) {
		char name[32];

		snprintf(name, sizeof name, "d%d/f%d", k / 500, k);
		tm_head(&t, name, '0', 0, "");
	}
	i = tm_root(&t);
	assert_int_equal(i.groups, 2);
	assert_int_equal(i.blocks, 32769);
	assert_int_equal(i.files, 1 + 40000 + 80);
	assert_true(i.inodes >= 40091);
}

UNIT(layer)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors), cmocka_unit_test(test_worked_example), cmocka_unit_test(test_verity_levels),
		cmocka_unit_test(test_links), cmocka_unit_test(test_implicit_parents), cmocka_unit_test(test_whiteouts),
		cmocka_unit_test(test_times_devices_attributes), cmocka_unit_test(test_replacing),
		cmocka_unit_test(test_refused_meetings), cmocka_unit_test(test_refuses_long_component),
		cmocka_unit_test(test_refuses_three_in_a_block), cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
