/* Adding one record to the stored ones. */
#include "party/records/append.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "os/clock.h"
#include "party/populate.h"
#include "party/records/recwrite.h"
#include "party/records/store.h"

/* Guarded by populate_enter: one import or addition at a time. Holds plaintext and two data keys: wiped at the end. */
static struct {
	struct recread check; /* of what is stored */
	uint8_t source[SHA256_LEN];
	struct recwrite writer;
	struct span row[FIELDS_MAX];
	struct json_tok toks[RECREAD_TOKS];
	uint8_t token[RECORDS_TOKEN_MAX];
	uint8_t plain[RECORD_LINE_MAX]; /* a line's values are shorter than the line */
	struct spool_in in;
	struct spool_out out;
} work;

/* One stored record's values into row. Each value's tag binds it to its batch, record and field;
 * that none is missing the seal will tell. */
static enum err open_record(struct span line, uint32_t record, struct fault *f)
{
	char name[FIELD_NAME_MAX + sizeof "_encrypted"];
	struct out plain = out_init(work.plain, sizeof work.plain);
	struct span text, value;
	struct json doc;

	if (json_parse(&doc, line, work.toks, RECREAD_TOKS))
		return fault_set(f, ERR_DAMAGED, STEP_STORE, "a stored record is not JSON");
	for (uint32_t i = 0; i < work.check.head.n_fields; i++) {
		size_t start = plain.n;

		if (!out_join(name, sizeof name, work.check.head.field[i], "_encrypted") ||
		    json_plain(json_get(json_root(&doc), name), &text) ||
		    records_unseal(&work.check.head, &work.check.gcm, record, i, text, work.token, &value))
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

/* The new set takes the columns of the stored one. */
static enum err begin_copy(const struct settings *s, struct fault *f)
{
	const struct records_head *h = &work.check.head;
	struct span names[FIELDS_MAX];

	for (uint32_t i = 0; i < h->n_fields; i++)
		names[i] = span_str(h->field[i]);
	return recwrite_begin(&work.writer, role_name(s->role), names, h->n_fields, clock_unix_us(),
	                      &work.out.o, f);
}

static enum err copy_item(const struct settings *s, struct span item, struct fault *f)
{
	struct records_end end;
	bool is_record;

	if (!work.check.begun && !records_is_head(item))
		return fault_set(f, ERR_STATE, STEP_STORE, "the stored records are of the original format; import them anew first");
	TRY(recread_item(&work.check, item, &is_record, f));
	if (is_record) {
		TRY(open_record(item, (uint32_t)work.check.count, f));
		return write_row(f);
	}
	if (!work.check.ended)
		return begin_copy(s, f);
	TRY(records_end_parse(item, &end, f));
	return records_end_source(&work.check.gcm, &end, work.source, f);
}

/* Verifies what is stored and copies it as it is read: a disk that gives something else to a second
 * reading is not read a second time. What was copied counts once the seal has been verified.
 * *there: something is stored. */
static enum err copy_stored(const struct settings *s, bool *there, struct fault *f)
{
	struct span item;
	enum err e = store_open(s, &work.in, f);

	*there = e != ERR_NOT_FOUND;
	if (!*there)
		return ERR_OK;
	recread_begin(&work.check, KEYS_OWN, role_name(s->role), NULL, 0);
	while (!e) {
		e = spool_next(&work.in, &item, f);
		if (!e)
			e = copy_item(s, item, f);
	}
	spool_close(&work.in);
	if (e != ERR_NOT_FOUND)
		return e;
	return work.check.begun ? recread_end(&work.check, f) :
	       fault_set(f, ERR_DAMAGED, STEP_STORE, "the stored file is empty");
}

/* append_record drops and wipes what this leaves. */
static enum err rewrite(const struct settings *s, const struct append_value *values, size_t n, struct fault *f)
{
	struct span names[FIELDS_MAX];
	bool there;

	TRY(spool_create(&work.out, s->data_dir, store_file_name(s), f));
	TRY(copy_stored(s, &there, f));
	if (!there) {
		for (size_t i = 0; i < n; i++)
			names[i] = span_str(values[i].column);
		hash_sha256(span_of(NULL, 0), work.source); /* an empty source: any import differs from it */
		TRY(recwrite_begin(&work.writer, role_name(s->role), names, n, clock_unix_us(), &work.out.o, f));
	}
	TRY(add_new(values, n, f));
	/* The source stays the one of the import, so that importing it again does not undo this. */
	recwrite_end(&work.writer, work.source, &work.out.o);
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
	recread_wipe(&work.check);
	WIPE(work.source);
	WIPE(work.row);
	WIPE(work.token);
	WIPE(work.plain);
	populate_leave();
	if (!e)
		log_num(LOG_INFO, "append", "one record added; all sealed anew", "records", *total);
	return e;
}
