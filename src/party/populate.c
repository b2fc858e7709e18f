/* Import of a company's CSV: read, encrypt, store whole. */
#include "party/populate.h"

#include "base/ct.h"
#include "base/log.h"
#include "text/csv.h"
#include "os/clock.h"
#include "os/lock.h"
#include "party/records/recwrite.h"
#include "party/records/store.h"

/* The working memory of the one import that may run. Holds plaintext and a data key: wiped at its end. */
static struct import {
	struct csv csv;
	struct recwrite writer;
	struct sha256 source;
	struct span row[FIELDS_MAX];
	uint8_t names[FIELDS_MAX][FIELD_NAME_MAX]; /* of the header, in lower case */
	uint8_t in[SPOOL_CHUNK];
	bool have_head;
	uint32_t column[ANALYSIS_FIELDS]; /* of each in the row, FIELDS_MAX for none */
	struct populate_result seen;
	/* ciphertext only */
	struct spool_out out;
	struct spool_in stored;
	struct recread check;
} slot;

static struct lock import_lock = LOCK_INIT;

enum err populate_enter(const struct settings *s, struct fault *f)
{
	if (!*store_file_name(s))
		return fault_set(f, ERR_CONFIG, STEP_STORE, "this party has no data set of its own");
	if (!keys_have(KEYS_OWN))
		return fault_set(f, ERR_STATE, STEP_STORE, "no key is released");
	return lock_take_until(&import_lock, 0) ? ERR_OK : fault_set(f, ERR_STATE, STEP_STORE, "another import is running");
}

void populate_leave(void)
{
	lock_release(&import_lock);
}

/* "CSV line 12: problem: detail"; problem NULL: what the reader says. */
static enum err csv_fault(struct fault *f, const struct csv *csv, const char *problem, struct span detail)
{
	uint8_t text[256];
	struct out o = out_init(text, sizeof text);

	if (!problem)
		problem = csv->problem ? csv->problem : "malformed";
	out_str(&o, "CSV line ");
	out_u64(&o, csv->line);
	out_strs(&o, ": ", problem);
	return fault_set_detail(f, ERR_SYNTAX, STEP_STORE, out_cstr(&o), detail);
}

/* --- rows --- */

static bool is_number(struct span name)
{
	for (size_t i = 0; i < name.n; i++)
		if ((name.p[i] < '0' || name.p[i] > '9') && name.p[i] != '.' && name.p[i] != '-')
			return false;
	return true;
}

#define NAMES_FIRST "; the first line must hold the columns' names"

static struct span place_of(uint32_t i, uint8_t buf[12])
{
	struct out o = out_init(buf, 12);

	out_u64(&o, i + 1);
	return out_span(&o);
}

/* One column's name, trimmed, as it is stored: in lower case, so that its case does not count. */
static enum err take_name(struct import *im, uint32_t i, struct fault *f)
{
	struct span name = span_trim(im->row[i]);
	const char *separator = csv_separator(name);
	uint8_t *lower = im->names[i], place[12];

	if (separator)
		return csv_fault(f, &im->csv, separator, span_of(NULL, 0));
	if (name.n == 0)
		return csv_fault(f, &im->csv, "column name is missing: add it, or delete the empty columns that a "
		                 "spreadsheet leaves at the end; column number", place_of(i, place));
	if (!records_field_ok(name))
		return csv_fault(f, &im->csv, "column name is too long or has characters other than "
		                 "letters, digits, blank, '_', '.', '-'" NAMES_FIRST, name);
	if (is_number(name))
		return csv_fault(f, &im->csv, "column name is a number" NAMES_FIRST, name);
	for (size_t k = 0; k < name.n; k++)
		lower[k] = name.p[k] >= 'A' && name.p[k] <= 'Z' ? (uint8_t)(name.p[k] - 'A' + 'a') : name.p[k];
	im->row[i] = span_of(lower, name.n);
	for (uint32_t k = 0; k < i; k++)
		if (span_eq(im->row[i], im->row[k]))
			return csv_fault(f, &im->csv, "column name is used twice "
			                 "(case and outer blanks do not count)", im->row[i]);
	return ERR_OK;
}

static enum err take_head(const struct settings *s, struct import *im, struct fault *f)
{
	for (uint32_t i = 0; i < im->csv.n; i++)
		TRY(take_name(im, i, f));
	TRY(recwrite_begin(&im->writer, role_name(s->role), im->row, im->csv.n, clock_unix_us(), &im->out.o, f));
	for (size_t i = 0; i < ANALYSIS_FIELDS; i++) {
		im->column[i] = records_field(&im->writer.head, span_str(analysis_fields[i]));
		im->seen.found[i] = im->column[i] != FIELDS_MAX;
	}
	im->have_head = true;
	return ERR_OK;
}

static bool is_empty_row(const struct import *im)
{
	for (uint32_t i = 0; i < im->csv.n; i++)
		if (span_trim(im->row[i]).n)
			return false;
	return true;
}

static enum err ragged(struct fault *f, const struct import *im)
{
	uint8_t text[64];
	struct out o = out_init(text, sizeof text);

	out_u64(&o, im->csv.n);
	out_str(&o, ", not ");
	out_u64(&o, im->writer.head.n_fields);
	return csv_fault(f, &im->csv, "row has another number of fields than the header "
	                 "(a comma in a value needs quotes)", out_span(&o));
}

static enum err take_record(struct import *im, struct fault *f)
{
	int64_t number;
	enum err e;

	if (is_empty_row(im)) { /* spreadsheets leave rows of nothing but commas */
		im->seen.empty_rows++;
		return ERR_OK;
	}
	if (im->csv.n != im->writer.head.n_fields)
		return ragged(f, im);
	e = recwrite_record(&im->writer, im->row, &im->out.o);
	if (e == ERR_FULL)
		return fault_set(f, e, STEP_STORE, "too many records");
	if (e)
		return csv_fault(f, &im->csv, "row is too long", span_of(NULL, 0));
	for (size_t i = 0; i < ANALYSIS_FIELDS; i++)
		if (im->seen.found[i])
			im->seen.values.n[i][value_read(i, im->row[im->column[i]], &number)]++;
	return spool_settle(&im->out, f);
}

static enum err take_row(const struct settings *s, struct import *im, struct fault *f)
{
	for (uint32_t i = 0; i < im->csv.n && i < FIELDS_MAX; i++)
		im->row[i] = csv_value(&im->csv, i);
	return im->have_head ? take_record(im, f) : take_head(s, im, f);
}

static enum err take_bytes(const struct settings *s, struct import *im, struct span in, struct fault *f)
{
	enum err e;

	hash_sha256_update(&im->source, in);
	while ((e = csv_next(&im->csv, &in)) == ERR_OK)
		TRY(take_row(s, im, f));
	return e == ERR_MORE ? ERR_OK : csv_fault(f, &im->csv, NULL, span_of(NULL, 0));
}

static enum err take_last(const struct settings *s, struct import *im, struct fault *f)
{
	enum err e = csv_finish(&im->csv);

	if (e == ERR_OK)
		TRY(take_row(s, im, f));
	else if (e != ERR_NOT_FOUND)
		return csv_fault(f, &im->csv, NULL, span_of(NULL, 0));
	return im->writer.records ? ERR_OK : fault_set(f, ERR_RANGE, STEP_STORE, "the CSV has no records");
}

static enum err take_all(const struct settings *s, struct import *im, const struct populate_source *src, struct fault *f)
{
	for (size_t n = 1; n;) {
		TRY(src->read(src->ctx, im->in, sizeof im->in, &n, f));
		TRY(take_bytes(s, im, span_of(im->in, n), f));
	}
	return take_last(s, im, f);
}

/* --- the whole --- */

enum stored { NOTHING, SAME, OTHER, UNREADABLE };

/* What is stored at present, verified to its seal: this source under this key (with how many records: some may have been added since), other
 * good data, or something that nobody can read with the key we hold. */
static enum stored look(const struct settings *s, struct import *im, const uint8_t source[SHA256_LEN], uint64_t *total, struct fault *why)
{
	struct records_head head;
	struct records_end end;
	struct gcm dek;
	uint8_t was[SHA256_LEN];
	enum err e;

	fault_clear(why);
	e = store_verify(s, &im->stored, &im->check, why);
	if (e == ERR_NOT_FOUND)
		return NOTHING;
	if (!e)
		e = store_describe(s, &head, &end, why);
	if (e == ERR_NOT_FOUND) /* a list of the original format, or an empty file: not written here, so not ours to throw away */
		fault_set(why, ERR_DAMAGED, STEP_STORE, "it does not begin with a header of ours");
	if (!e)
		e = records_open_dek(&head, KEYS_OWN, &dek, why);
	if (!e)
		e = records_end_source(&dek, &end, was, why);
	WIPE(dek);
	if (e)
		return UNREADABLE;
	*total = end.records;
	/* A file that shows the hash is replaced by one that does not. */
	return !end.source_clear && ct_equal(was, source, SHA256_LEN) &&
	       span_eq_str(span_str(head.key_id), im->writer.head.key_id) ? SAME : OTHER;
}

static enum err finish(const struct settings *s, struct import *im, struct populate_result *r, struct fault *f)
{
	struct populate_result done = im->seen;
	uint8_t source[SHA256_LEN];
	uint64_t total = 0;
	struct fault why;
	enum err e;

	hash_sha256_out(&im->source, source);
	/* Only now is the hash of a stream known; what was written so far is dropped with the temporary. */
	switch (look(s, im, source, &total, &why)) {
	case SAME:
		done.total_records = total;
		done.unchanged = true;
		*r = done;
		return ERR_OK;
	case UNREADABLE:
		log_fault(LOG_WARN, "populate", "what is stored cannot be read; it is kept with " POPULATE_KEPT " behind its name", &why);
		im->out.file.keep = POPULATE_KEPT;
		done.kept = true;
		break;
	case NOTHING:
	case OTHER:
		break;
	}
	done.records_added = done.total_records = im->writer.records;
	recwrite_end(&im->writer, source, &im->out.o);
	e = spool_commit(&im->out, f);
	if (!e)
		*r = done;
	return e;
}

/* "salary: 17 of 20 values are not read: 1 empty, 1 zero, ..." */
static void write_unread(const struct populate_result *r, size_t field, struct out *o)
{
	const uint64_t *n = r->values.n[field];
	uint64_t all = 0;
	const char *comma = "";

	for (size_t k = 0; k < VALUE_KINDS; k++)
		all += n[k];
	out_strs(o, analysis_fields[field], ": ");
	out_u64(o, all - n[VALUE_READ]);
	out_str(o, " of ");
	out_u64(o, all);
	out_str(o, " values are not read: ");
	for (enum value_kind k = VALUE_EMPTY; k < VALUE_KINDS; k++) {
		if (!n[k])
			continue;
		out_str(o, comma);
		out_u64(o, n[k]);
		out_strs(o, " ", value_reason(k));
		comma = ", ";
	}
}

static bool has_unread(const struct populate_result *r, size_t field)
{
	for (enum value_kind k = VALUE_EMPTY; k < VALUE_KINDS; k++)
		if (r->values.n[field][k])
			return true;
	return false;
}

bool populate_note(const struct populate_result *r, size_t i, struct out *o)
{
	for (size_t field = 0; field < ANALYSIS_FIELDS; field++) {
		if (r->found[field] && !has_unread(r, field))
			continue;
		if (i-- > 0)
			continue;
		if (r->found[field])
			write_unread(r, field, o);
		else
			out_strs(o, analysis_fields[field], ": there is no such column");
		return true;
	}
	if (i > 0 || r->empty_rows == 0)
		return false;
	out_str(o, "rows without any value, left out: ");
	out_u64(o, r->empty_rows);
	return true;
}

static bool log_note(const struct populate_result *r, size_t i)
{
	uint8_t text[POPULATE_NOTE_MAX];
	struct out o = out_init(text, sizeof text);
	bool there = populate_note(r, i, &o);

	if (there)
		log_text(LOG_WARN, "populate", "not counted by the analysis", "what", out_span(&o));
	return there;
}

static enum err import(const struct settings *s, const struct populate_source *src, struct populate_result *r, struct fault *f)
{
	struct import *im = &slot;
	enum err e;

	memset(&im->csv, 0, sizeof im->csv);
	memset(&im->seen, 0, sizeof im->seen);
	im->have_head = false;
	im->writer.records = 0;
	hash_sha256_init(&im->source);
	e = spool_create(&im->out, s->data_dir, store_file_name(s), f);
	if (!e)
		e = take_all(s, im, src, f);
	if (!e)
		e = finish(s, im, r, f);
	spool_abandon(&im->out);
	recwrite_wipe(&im->writer);
	WIPE(im->csv);
	WIPE(im->in);
	WIPE(im->source);
	for (size_t i = 0; !e && log_note(r, i); i++)
		;
	if (!e)
		log_num(LOG_INFO, "populate", r->unchanged ? "content is stored already" : "stored", "records", r->total_records);
	return e;
}

enum err populate_from(const struct settings *s, const struct populate_source *src, struct populate_result *r,
                       struct fault *f)
{
	enum err e;

	TRY(populate_enter(s, f));
	e = import(s, src, r, f);
	populate_leave();
	return e;
}

static enum err read_file(void *ctx, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	enum err e = file_read(ctx, dst, cap, n);

	return e ? fault_set_errno(f, e, STEP_STORE, "cannot read the CSV file") : ERR_OK;
}

enum err populate_from_file(const struct settings *s, struct populate_result *r, struct fault *f)
{
	struct file_in file;
	const struct populate_source src = { &file, read_file };
	enum err e;

	TRY(populate_enter(s, f));
	e = file_open(s->csv_path, &file, NULL);
	if (e) {
		fault_set_errno(f, e, STEP_STORE, "");
		fault_set_detail(f, e, STEP_STORE, "cannot open the CSV file", span_str(s->csv_path));
	} else {
		e = import(s, &src, r, f);
		file_close(&file);
	}
	populate_leave();
	return e;
}
