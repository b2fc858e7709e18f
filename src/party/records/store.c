/* A company's stored records: one file of JSON lines in the data directory. */
#include "party/records/store.h"

#include "base/ct.h"
#include "text/base64.h"

#include <string.h>

const char *store_file_name(const struct settings *s)
{
	static const char names[][32] = { [ROLE_CONTOSO] = "contoso-encrypted.jsonl", [ROLE_FABRIKAM] = "fabrikam-encrypted.jsonl", [ROLE_WOODGROVE] = "" };

	return names[s->role];
}

static enum err open_file(const struct settings *s, struct file_in *file, uint64_t *size, struct fault *f)
{
	char path[512];
	const char *name = store_file_name(s);
	enum err e;

	if (!*name)
		return ERR_NOT_FOUND;
	if (!out_join(path, sizeof path, s->data_dir, "/", name))
		return fault_set(f, ERR_CONFIG, STEP_STORE, "path of the data directory is too long");
	e = file_open(path, file, size);
	return e && e != ERR_NOT_FOUND ? fault_set_errno(f, ERR_SYSTEM, STEP_STORE, "cannot open the stored records") : e;
}

enum err store_read(struct file_in *file, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	size_t got = 1;

	for (*n = 0; *n < cap && got; *n += got)
		if (file_read(file, dst + *n, cap - *n, &got))
			return fault_set_errno(f, ERR_SYSTEM, STEP_STORE, "cannot read the stored records");
	return ERR_OK;
}

static enum err read_head(struct file_in *file, struct records_head *head, struct fault *f)
{
	uint8_t buf[RECORDS_HEAD_MAX];
	size_t n;

	TRY(store_read(file, buf, sizeof buf, &n, f));
	if (!records_is_head(span_of(buf, n)))
		return ERR_NOT_FOUND;
	return records_head_parse(span_sub(span_of(buf, n), 0, span_find(span_of(buf, n), '\n')), head, f);
}

/* The last line, found from the end of the file: a status must not read a gigabyte. */
static enum err read_end(struct file_in *file, uint64_t size, struct records_end *end, struct fault *f)
{
	uint8_t buf[RECORDS_END_MAX];
	size_t tail = size < sizeof buf ? (size_t)size : sizeof buf, n, at;

	if (file_seek(file, size - tail))
		return fault_set_errno(f, ERR_SYSTEM, STEP_STORE, "cannot seek in the stored records");
	TRY(store_read(file, buf, tail, &n, f));
	if (n < 2 || buf[n - 1] != '\n')
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "the stored records are cut: their trailer is missing");
	for (at = n - 1; at > 0 && buf[at - 1] != '\n'; at--)
		;
	return records_end_parse(span_of(buf + at, n - 1 - at), end, f);
}

static enum err describe(struct file_in *file, uint64_t size, struct records_head *head, struct records_end *end,
                         struct fault *f)
{
	TRY(read_head(file, head, f));
	TRY(read_end(file, size, end, f));
	if (!ct_equal(head->batch, end->batch, sizeof end->batch))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "header and trailer of the stored records are of two batches");
	return ERR_OK;
}

enum err store_describe(const struct settings *s, struct records_head *head, struct records_end *end, struct fault *f)
{
	struct file_in file;
	uint64_t size;
	enum err e;

	TRY(open_file(s, &file, &size, f));
	e = describe(&file, size, head, end, f);
	file_close(&file);
	return e;
}

/* Files of the original format say nowhere how many records they hold. */
static enum err count_items(struct file_in *file, uint64_t *count, struct fault *f)
{
	uint8_t buf[4096];
	struct json_items it;
	struct span rest, item;
	size_t n = 1;
	enum err e;

	if (file_seek(file, 0))
		return fault_set_errno(f, ERR_SYSTEM, STEP_STORE, "cannot read the stored records");
	json_items_init(&it, NULL, RECORD_LINE_MAX);
	while (n) {
		TRY(store_read(file, buf, sizeof buf, &n, f));
		rest = span_of(buf, n);
		do
			e = json_items_next(&it, &rest, &item);
		while (e == ERR_OK);
		if (e != ERR_MORE)
			return fault_set(f, ERR_DAMAGED, STEP_STORE, "the stored records are not JSON");
	}
	if (json_items_finish(&it))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "the stored records are cut");
	*count = it.items;
	return ERR_OK;
}

enum err store_status(const struct settings *s, struct store_status *st, struct fault *f)
{
	struct records_head head;
	struct records_end end;
	struct file_in file;
	struct store_status found = { .exists = true };
	enum err e = open_file(s, &file, &found.size_bytes, f);

	if (e == ERR_NOT_FOUND) {
		*st = (struct store_status){ 0 };
		return ERR_OK;
	}
	if (e)
		return e;
	e = describe(&file, found.size_bytes, &head, &end, f);
	found.ours = e == ERR_OK;
	if (found.ours)
		found.record_count = end.records;
	else if (e == ERR_NOT_FOUND)
		e = count_items(&file, &found.record_count, f);
	file_close(&file);
	if (!e)
		*st = found;
	return e;
}

enum err store_open(const struct settings *s, struct spool_in *in, struct fault *f)
{
	const char *name = store_file_name(s);

	in->open = false;
	return *name ? spool_open(in, s->data_dir, name, f) : ERR_NOT_FOUND;
}

enum err store_each(const struct settings *s, struct spool_in *in, const struct records_end *end, store_record each, void *ctx, struct fault *f)
{
	struct records_head head;
	struct span line;
	uint64_t n = 0;
	enum err e = store_open(s, in, f);

	if (!e)
		e = spool_next(in, &line, f);
	/* The file may have been replaced since it was described. */
	if (!e)
		e = records_head_parse(line, &head, f);
	if (!e && memcmp(head.batch, end->batch, sizeof end->batch) != 0)
		e = fault_set(f, ERR_MISMATCH, STEP_STORE, "the stored records were replaced meanwhile");
	while (!e) {
		e = spool_next(in, &line, f);
		if (!e && !records_is_end(line))
			e = each(ctx, line, ++n, f);
	}
	spool_close(in);
	if (e == ERR_NOT_FOUND && n == end->records)
		return ERR_OK;
	return e == ERR_NOT_FOUND ? fault_set(f, ERR_DAMAGED, STEP_STORE, "the stored records are cut") : e;
}

enum err store_verify(const struct settings *s, struct spool_in *in, struct recread *r, struct fault *f)
{
	struct span item;
	bool is_record;
	enum err e = ERR_OK;

	TRY(store_open(s, in, f));
	recread_begin(r, KEYS_OWN, role_name(s->role), NULL, 0);
	while (!e) {
		e = spool_next(in, &item, f);
		if (!e)
			e = recread_item(r, item, &is_record, f);
	}
	if (e == ERR_NOT_FOUND)
		e = recread_end(r, f);
	spool_close(in);
	recread_wipe(r);
	return e;
}

/* --- one value --- */

static enum err give(struct span value, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	if (value.n > cap)
		return fault_set(f, ERR_TOO_BIG, STEP_STORE, "the value is too long");
	if (value.n)
		memcpy(dst, value.p, value.n);
	*n = value.n;
	return ERR_OK;
}

static enum err decrypt_ours(const struct records_head *head, const uint8_t token[RECORDS_TOKEN_HEAD], struct span text,
                             uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	uint8_t scratch[RECORDS_TOKEN_MAX];
	uint32_t record = load_be32(token + 5), field = token[9];
	struct span value;
	struct gcm g;
	enum err e;

	if (field >= head->n_fields)
		return fault_set(f, ERR_CRYPTO, STEP_STORE, "the value names a field that is not stored");
	TRY(records_open_dek(head, KEYS_OWN, &g, f));
	if (records_unseal(head, &g, record, field, text, scratch, &value))
		e = fault_set(f, ERR_CRYPTO, STEP_STORE, "the value does not verify");
	else
		e = give(value, dst, cap, n, f);
	WIPE(g);
	WIPE(scratch);
	return e;
}

static enum err decrypt_legacy(struct span sealed, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	uint8_t plain[RSA_MAX];
	size_t len = 0;
	enum err e = keys_oaep_decrypt(KEYS_OWN, sealed, plain, sizeof plain, &len);

	if (!e)
		e = give(span_of(plain, len), dst, cap, n, f);
	else if (e == ERR_STATE)
		fault_set(f, e, STEP_STORE, "no key is released");
	else
		e = fault_set(f, ERR_CRYPTO, STEP_STORE, "the value cannot be decrypted with the released key");
	WIPE(plain);
	return e;
}

/* A value of ours tells by its batch: an RSA ciphertext begins with these five bytes once in 2^40. */
enum err store_decrypt_value(const struct settings *s, struct span text, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	uint8_t token[RECORDS_TOKEN_MAX];
	struct records_head head;
	struct records_end end;
	size_t len;
	enum err e;

	if (text.n == 0 || base64_decode(B64_STD, text, token, sizeof token, &len))
		return fault_set(f, ERR_SYNTAX, STEP_STORE, "the value is not base64, or too long");
	if (!keys_have(KEYS_OWN))
		return fault_set(f, ERR_STATE, STEP_STORE, "no key is released");
	/* Without readable stored data only the original form is left, which needs none. */
	e = store_describe(s, &head, &end, NULL);
	if (!e && len >= RECORDS_TOKEN_HEAD && token[0] == 0x50 && memcmp(token + 1, head.batch, 4) == 0)
		return decrypt_ours(&head, token, text, dst, cap, n, f);
	return decrypt_legacy(span_of(token, len), dst, cap, n, f);
}
