/* Adding one record to the stored ones. */
#include "svc/append.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "plat/clock.h"
#include "svc/populate.h"
#include "svc/recwrite.h"
#include "svc/store.h"

/* Guarded by populate_enter: one import or addition at a time. Holds plaintext and two data keys: wiped at the end. */
static struct {
	struct records_head head; /* of what is stored */
	struct records_end end;
	struct gcm gcm;
	struct recwrite writer;
	struct recread check;
	struct span row[FIELDS_MAX];
	struct json_tok toks[RECREAD_TOKS];
	uint8_t token[RECORDS_TOKEN_MAX];
	uint8_t plain[RECORD_LINE_MAX]; /* a line's values are shorter than the line */
	struct spool_in in;
	struct spool_out out;
} work;

/* One stored record's values into row. Each value's tag binds it to its batch, record and field; that none is missing was checked
 * with the seal. */
static enum err open_record(struct span line, uint32_t record, struct fault *f)
{
	char name[FIELD_NAME_MAX + sizeof "_encrypted"];
	struct out plain = out_init(work.plain, sizeof work.plain);
	struct span text, value;
	struct json doc;

	if (json_parse(&doc, line, work.toks, RECREAD_TOKS))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "a stored record is not JSON");
	for (uint32_t i = 0; i < work.head.n_fields; i++) {
		size_t start = plain.n;

		if (!out_join(name, sizeof name, work.head.field[i], "_encrypted") || json_plain(json_get(json_root(&doc), name), &text) ||
		    records_unseal(&work.head, &work.gcm, record, i, text, work.token, &value))
			return fault_set(f, ERR_DAMAGED, STEP_STORE, "a stored value does not verify");
		out_put(&plain, value);
		work.row[i] = span_of(work.plain + start, value.n);
	}
	return plain.bad ? fault_set(f, ERR_TOO_BIG, STEP_STORE, "a stored record is too long") : ERR_OK;
}

static enum err write_row(struct fault *f)
{
	enum err e = recwrite_record(&work.writer, work.row, &work.out.o);

	if (e)
		return fault_set(f, e, STEP_STORE, e == ERR_FULL ? "too many records" : "the record is too long");
	return spool_settle(&work.out, f);
}

static enum err copy_record(void *unused, struct span line, uint64_t number, struct fault *f)
{
	(void)unused;
	TRY(open_record(line, (uint32_t)number, f));
	return write_row(f);
}

static enum err add_new(const struct append_value *values, size_t n, struct fault *f)
{
	for (size_t i = 0; i < FIELDS_MAX; i++)
		work.row[i] = span_of(NULL, 0);
	for (size_t i = 0; i < n; i++) {
		uint32_t field = records_field(&work.writer.head, span_str(values[i].column));

		if (field == FIELDS_MAX)
			return fault_set_detail(f, ERR_RANGE, STEP_STORE, "the stored records have no such column", span_str(values[i].column));
		if (values[i].value.n > FIELD_VALUE_MAX)
			return fault_set_detail(f, ERR_TOO_BIG, STEP_STORE, "the value is too long", span_str(values[i].column));
		work.row[field] = values[i].value;
	}
	return write_row(f);
}

/* What is there: verified to its seal. *there: our format; else nothing. */
static enum err look(const struct settings *s, bool *there, struct fault *f)
{
	struct store_status st;
	enum err e;

	TRY(store_status(s, &st, f));
	*there = st.exists;
	if (!st.exists)
		return ERR_OK;
	e = store_describe(s, &work.head, &work.end, f);
	if (e == ERR_NOT_FOUND)
		return fault_set(f, ERR_STATE, STEP_STORE, "the stored records are of the original format; import them anew first");
	TRY(e);
	TRY(store_verify(s, &work.in, &work.check, f));
	return records_open_dek(&work.head, KEYS_OWN, &work.gcm, f);
}

/* append_record drops and wipes what this leaves. */
static enum err rewrite(const struct settings *s, const struct append_value *values, size_t n, struct fault *f)
{
	struct span names[FIELDS_MAX];
	size_t n_names = n;
	bool there;

	TRY(look(s, &there, f));
	for (size_t i = 0; i < n; i++)
		names[i] = span_str(values[i].column);
	if (there)
		for (n_names = 0; n_names < work.head.n_fields; n_names++)
			names[n_names] = span_str(work.head.field[n_names]);
	else /* an empty source: any import differs from it */
		hash_sha256(span_of(NULL, 0), work.end.source_sha256);
	TRY(spool_create(&work.out, s->data_dir, store_file_name(s), f));
	TRY(recwrite_begin(&work.writer, role_name(s->role), names, n_names, clock_unix_us(), &work.out.o, f));
	if (there)
		TRY(store_each(s, &work.in, &work.end, copy_record, NULL, f));
	TRY(add_new(values, n, f));
	/* The source stays the one of the import, so that importing it again does not undo this. */
	recwrite_end(&work.writer, work.end.source_sha256, &work.out.o);
	return spool_commit(&work.out, f);
}

enum err append_record(const struct settings *s, const struct append_value *values, size_t n, uint64_t *total, struct fault *f)
{
	enum err e;

	TRY(populate_enter(s, f));
	e = rewrite(s, values, n, f);
	if (!e)
		*total = work.writer.records;
	spool_abandon(&work.out);
	recwrite_wipe(&work.writer);
	WIPE(work.gcm);
	WIPE(work.row);
	WIPE(work.token);
	WIPE(work.plain);
	populate_leave();
	if (!e)
		log_num(LOG_INFO, "append", "one record added; all sealed anew", "records", *total);
	return e;
}
