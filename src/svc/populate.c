/* Import of a company's CSV: read, encrypt, store whole. */
#include "svc/populate.h"

#include "base/ct.h"
#include "base/log.h"
#include "enc/csv.h"
#include "plat/clock.h"
#include "plat/lock.h"
#include "svc/recwrite.h"
#include "svc/store.h"

/* The working memory of the one import that may run. Holds plaintext and a data key: wiped at its end. */
static struct import {
	struct csv csv;
	struct recwrite writer;
	struct sha256 source;
	struct span row[FIELDS_MAX];
	uint8_t in[SPOOL_CHUNK];
	bool have_head;
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
	uint8_t text[160];
	struct out o = out_init(text, sizeof text);

	if (!problem)
		problem = csv->problem ? csv->problem : "malformed";
	out_str(&o, "CSV line ");
	out_u64(&o, csv->line);
	out_strs(&o, ": ", problem);
	return fault_set_detail(f, ERR_SYNTAX, STEP_STORE, out_cstr(&o), detail);
}

/* --- rows --- */

static enum err check_names(const struct import *im, struct fault *f)
{
	for (uint32_t i = 0; i < im->csv.n; i++) {
		if (!records_field_ok(im->row[i]))
			return csv_fault(f, &im->csv, "column name is empty, too long or has characters other than "
			                 "letters, digits, blank, '_', '.', '-'", im->row[i]);
		for (uint32_t k = 0; k < i; k++)
			if (span_eq(im->row[i], im->row[k]))
				return csv_fault(f, &im->csv, "column name is used twice", im->row[i]);
	}
	return ERR_OK;
}

static enum err take_head(const struct settings *s, struct import *im, struct fault *f)
{
	TRY(check_names(im, f));
	TRY(recwrite_begin(&im->writer, role_name(s->role), im->row, im->csv.n, clock_unix_us(), &im->out.o, f));
	im->have_head = true;
	return ERR_OK;
}

static enum err take_record(struct import *im, struct fault *f)
{
	enum err e;

	if (im->csv.n != im->writer.head.n_fields)
		return csv_fault(f, &im->csv, "row has another number of fields than the header", span_of(NULL, 0));
	e = recwrite_record(&im->writer, im->row, &im->out.o);
	if (e == ERR_FULL)
		return fault_set(f, e, STEP_STORE, "too many records");
	if (e)
		return csv_fault(f, &im->csv, "row is too long", span_of(NULL, 0));
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
	enum err e;

	fault_clear(why);
	e = store_verify(s, &im->stored, &im->check, why);
	if (e == ERR_NOT_FOUND)
		return NOTHING;
	if (!e)
		e = store_describe(s, &head, &end, why);
	if (e == ERR_NOT_FOUND) /* a list of the original format, or an empty file: not written here, so not ours to throw away */
		fault_set(why, ERR_DAMAGED, STEP_STORE, "it does not begin with a header of ours");
	if (e)
		return UNREADABLE;
	*total = end.records;
	return ct_equal(end.source_sha256, source, SHA256_LEN) && span_eq_str(span_str(head.key_id), im->writer.head.key_id) ? SAME : OTHER;
}

static enum err finish(const struct settings *s, struct import *im, struct populate_result *r, struct fault *f)
{
	struct populate_result done = { im->writer.records, im->writer.records, false, false };
	uint8_t source[SHA256_LEN];
	uint64_t total = 0;
	struct fault why;
	enum err e;

	hash_sha256_out(&im->source, source);
	/* Only now is the hash of a stream known; what was written so far is dropped with the temporary. */
	switch (look(s, im, source, &total, &why)) {
	case SAME:
		*r = (struct populate_result){ 0, total, true, false };
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
	recwrite_end(&im->writer, source, &im->out.o);
	e = spool_commit(&im->out, f);
	if (!e)
		*r = done;
	return e;
}

static enum err import(const struct settings *s, const struct populate_source *src, struct populate_result *r, struct fault *f)
{
	struct import *im = &slot;
	enum err e;

	memset(&im->csv, 0, sizeof im->csv);
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
