/* What the tests of records share: a key in the slots, a directory of their own, sources and files. For tests only. */
#ifndef UNIT_RECORDS_HELP_H
#define UNIT_RECORDS_HELP_H

#include "t.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "crypto/gcm.h"
#include "crypto/rsa.h"
#include "text/base64.h"
#include "attest/keys.h"
#include "party/populate.h"
#include "party/records/recread.h"
#include "party/records/store.h"

static struct rsa_key help_rsa;

/* A fresh RSA key into one slot. */
static inline void help_new_key(enum key_slot slot)
{
	static struct private_key k;

	memset(&k, 0, sizeof k);
	assert_int_equal(rsa_generate(&help_rsa, 2048), ERR_OK);
	k.type = KEY_RSA;
	k.rsa = help_rsa;
	keys_put(slot, &k);
}

/* The last made key into another slot. */
static inline void help_same_key(enum key_slot slot)
{
	static struct private_key k;

	memset(&k, 0, sizeof k);
	k.type = KEY_RSA;
	k.rsa = help_rsa;
	keys_put(slot, &k);
}

static inline void help_settings(struct settings *s, enum role role)
{
	static char dir[] = "/tmp/parley-test-XXXXXX";
	static bool made;

	if (!made)
		assert_non_null(mkdtemp(dir));
	made = true;
	log_set_level(LOG_ERROR);
	memset(s, 0, sizeof *s);
	s->role = role;
	s->min_group = 1;
	s->generation_year = 2026;
	memcpy(s->data_dir, dir, sizeof dir);
}

static inline void help_path(const struct settings *s, const char *name, char path[512])
{
	snprintf(path, 512, "%s/%s", s->data_dir, name);
}

/* Removes what the tests of a program may have left, and the directory. */
static inline void help_clean(const struct settings *s)
{
	static const char *const names[] = { "contoso-encrypted.jsonl", "fabrikam-encrypted.jsonl", "partner-contoso.spool",
	                                     "partner-fabrikam.spool", "contoso-encrypted.jsonl.unreadable" };
	char path[512];

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct file_out left;

		help_path(s, names[i], path);
		unlink(path);
		if (file_create(s->data_dir, names[i], &left) == ERR_OK) /* a temporary of a killed import */
			file_abandon(&left);
	}
	assert_int_equal(rmdir(s->data_dir), 0);
}

/* A file whole in memory from malloc. */
static inline uint8_t *help_read(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p;
	struct stat st;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	p = malloc((size_t)st.st_size + 1);
	assert_non_null(p);
	assert_int_equal(fread(p, 1, (size_t)st.st_size, f), (size_t)st.st_size);
	fclose(f);
	p[st.st_size] = 0;
	*n = (size_t)st.st_size;
	return p;
}

static inline void help_write(const char *path, struct span bytes)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes.p, 1, bytes.n, f), bytes.n);
	assert_int_equal(fclose(f), 0);
}

/* A source that gives text in pieces of at most `piece` bytes, and ends with `fail` when that is set. */
struct help_source {
	struct span text;
	size_t piece;
	enum err fail;
};

static inline enum err help_source_read(void *ctx, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	struct help_source *s = ctx;
	size_t take = s->piece && s->piece < cap ? s->piece : cap;

	if (take > s->text.n)
		take = s->text.n;
	if (take == 0 && s->fail)
		return fault_set(f, s->fail, STEP_STORE, "the source failed");
	if (take)
		memcpy(dst, s->text.p, take);
	s->text = span_sub(s->text, take, s->text.n);
	*n = take;
	return ERR_OK;
}

static inline enum err help_import(const struct settings *s, struct span csv, size_t piece, struct populate_result *r,
                                   struct fault *f)
{
	struct help_source src = { csv, piece, ERR_OK };
	struct populate_source p = { &src, help_source_read };

	fault_clear(f);
	return populate_from(s, &p, r, f);
}

/* Makes the stored file's trailer one of 0.1.0: the source's hash in the clear, under a good seal.
 */
static inline void help_make_old(const char *path, const uint8_t source[SHA256_LEN])
{
	struct records_head head;
	struct sha256 content;
	struct gcm g;
	struct fault f;
	size_t n, at, start;
	uint8_t *bytes = help_read(path, &n), nonce[12], aad[SHA256_LEN], seal[GCM_TAG_LEN], nothing = 0;
	uint8_t *copy = malloc(n + 512);
	struct out o = out_init(copy, n + 512);

	for (at = n - 1; bytes[at - 1] != '\n'; at--)
		;
	assert_int_equal(records_head_parse(span_sub(span_of(bytes, n), 0, span_find(span_of(bytes, n), '\n')), &head, &f), ERR_OK);
	assert_int_equal(records_open_dek(&head, KEYS_OWN, &g, &f), ERR_OK);
	out_bytes(&o, bytes, at);
	start = (size_t)(strstr((const char *)bytes + at, ",\"source") - (const char *)bytes);
	out_bytes(&o, bytes + at, start - at);
	out_str(&o, ",\"source_sha256\":\"");
	out_hex(&o, source, SHA256_LEN);
	out_str(&o, "\",\"seal\":\"");
	hash_sha256_init(&content);
	hash_sha256_update(&content, out_span(&o));
	hash_sha256_out(&content, aad);
	store_be32(nonce, 2);
	store_be64(nonce + 4, strtoull(strstr((const char *)bytes + at, "\"records\":") + 10, NULL, 10));
	gcm_seal(&g, nonce, span_of(aad, sizeof aad), &nothing, 0, seal);
	base64_encode(&o, B64_STD, span_of(seal, sizeof seal));
	out_str(&o, "\"}\n");
	assert_false(o.bad);
	help_write(path, out_span(&o));
	free(bytes);
	free(copy);
}

/* Reads records from memory as a reader of files does. each may be NULL. */
static inline enum err help_read_records(struct recread *r, struct span bytes, void (*each)(struct recread *, void *), void *ctx,
                                         struct fault *f)
{
	static uint8_t buf[RECORD_LINE_MAX];
	struct json_items it;
	struct span item;
	bool is_record;
	enum err e;

	fault_clear(f);
	json_items_init(&it, buf, sizeof buf);
	while ((e = json_items_next(&it, &bytes, &item)) == ERR_OK) {
		e = recread_item(r, item, &is_record, f);
		if (e)
			return e;
		if (is_record && each)
			each(r, ctx);
	}
	if (e != ERR_MORE)
		return e;
	e = json_items_finish(&it);
	return e ? e : recread_end(r, f);
}

/* Before and after the tests of a file: Contoso with a key and a directory of its own; path: of its stored records. */
static inline int help_begin(struct settings *s, char path[512])
{
	keys_init();
	help_settings(s, ROLE_CONTOSO);
	help_path(s, "contoso-encrypted.jsonl", path);
	help_new_key(KEYS_OWN);
	return 0;
}

static inline int help_end(const struct settings *s)
{
	help_clean(s);
	keys_wipe();
	return 0;
}

#endif
