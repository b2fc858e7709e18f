/* Import of a company's CSV: read, encrypt, store whole. */
#include "svc/populate.h"

#include "base/ct.h"
#include "base/log.h"
#include "enc/csv.h"
#include "plat/clock.h"
#include "plat/lock.h"
#include "svc/recwrite.h"
#include "svc/store.h"

#include <errno.h>

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

static struct lock lock = LOCK_INIT;
static bool running;

bool populate_enter(void)
{
	bool free_now;

	lock_take(&lock);
	free_now = !running;
	running = true;
	lock_release(&lock);
	return free_now;
}

void populate_leave(void)
{
	lock_take(&lock);
	running = false;
	lock_release(&lock);
}

/* "CSV line 12: problem: detail" */
static enum err csv_fault(struct fault *f, uint64_t line, const char *problem, struct span detail)
{
	uint8_t text[160];
	struct out o = out_init(text, sizeof text);

	out_str(&o, "CSV line ");
	out_u64(&o, line);
	out_str(&o, ": ");
	out_str(&o, problem);
	return fault_set_detail(f, ERR_SYNTAX, STEP_STORE, out_cstr(&o), detail);
}

/* --- rows --- */

static enum err check_names(const struct import *im, struct fault *f)
{
	for (uint32_t i = 0; i < im->csv.n; i++) {
		if (!records_field_ok(im->row[i]))
			return csv_fault(f, im->csv.line, "column name is empty, too long or has characters other than "
			                 "letters, digits, blank, '_', '.', '-'", im->row[i]);
		for (uint32_t k = 0; k < i; k++)
			if (span_eq(im->row[i], im->row[k]))
				return csv_fault(f, im->csv.line, "column name is used twice", im->row[i]);
	}
	return ERR_OK;
}

static enum err take_head(const struct settings *s, struct import *im, struct fault *f)
{
	enum err e = check_names(im, f);

	if (!e)
		e = recwrite_begin(&im->writer, role_name(s->role), im->row, im->csv.n, clock_unix_us(), &im->out.o, f);
	im->have_head = e == ERR_OK;
	return e;
}

static enum err take_record(struct import *im, struct fault *f)
{
	enum err e;

	if (im->csv.n != im->writer.head.n_fields)
		return csv_fault(f, im->csv.line, "row has another number of fields than the header", span_of(NULL, 0));
	e = recwrite_record(&im->writer, im->row, &im->out.o);
	if (e == ERR_FULL)
		return fault_set(f, e, STEP_STORE, "too many records");
	if (e)
		return csv_fault(f, im->csv.line, "row is too long", span_of(NULL, 0));
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
	while ((e = csv_next(&im->csv, &in)) == ERR_OK) {
		e = take_row(s, im, f);
		if (e)
			return e;
	}
	if (e != ERR_MORE)
		return csv_fault(f, im->csv.line, im->csv.problem ? im->csv.problem : "malformed", span_of(NULL, 0));
	return ERR_OK;
}

static enum err take_last(const struct settings *s, struct import *im, struct fault *f)
{
	enum err e = csv_finish(&im->csv);

	if (e == ERR_OK)
		e = take_row(s, im, f);
	else if (e == ERR_NOT_FOUND)
		e = ERR_OK;
	else
		e = csv_fault(f, im->csv.line, im->csv.problem ? im->csv.problem : "malformed", span_of(NULL, 0));
	if (!e && im->writer.records == 0)
		e = fault_set(f, ERR_RANGE, STEP_STORE, "the CSV has no records");
	return e;
}

static enum err take_all(const struct settings *s, struct import *im, const struct populate_source *src, struct fault *f)
{
	size_t n = 1;
	enum err e = ERR_OK;

	while (!e && n) {
		e = src->read(src->ctx, im->in, sizeof im->in, &n, f);
		if (!e && n)
			e = take_bytes(s, im, span_of(im->in, n), f);
	}
	return e ? e : take_last(s, im, f);
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
	return e;
}

static enum err allowed(const struct settings *s, struct fault *f)
{
	if (!*store_file_name(s))
		return fault_set(f, ERR_CONFIG, STEP_STORE, "this party has no data set of its own");
	if (!keys_have(KEYS_OWN))
		return fault_set(f, ERR_STATE, STEP_STORE, "no key is released");
	return ERR_OK;
}

enum err populate_from(const struct settings *s, const struct populate_source *src, struct populate_result *r,
                       struct fault *f)
{
	enum err e = allowed(s, f);

	if (e)
		return e;
	if (!populate_enter())
		return fault_set(f, ERR_STATE, STEP_STORE, "another import is running");
	e = import(s, src, r, f);
	populate_leave();
	if (!e)
		log_num(LOG_INFO, "populate", r->unchanged ? "content is stored already" : "stored", "records", r->total_records);
	return e;
}

static enum err read_file(void *ctx, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	enum err e = file_read(ctx, dst, cap, n);

	if (e) {
		int saved = errno;

		fault_set(f, e, STEP_STORE, "cannot read the CSV file");
		if (f)
			f->sys_errno = saved;
	}
	return e;
}

enum err populate_from_file(const struct settings *s, struct populate_result *r, struct fault *f)
{
	struct file_in file;
	struct populate_source src = { &file, read_file };
	uint64_t size;
	enum err e = allowed(s, f);

	if (e)
		return e;
	e = file_open(s->csv_path, &file, &size);
	if (e) {
		int saved = errno;

		fault_set_detail(f, e, STEP_STORE, "cannot open the CSV file", span_str(s->csv_path));
		if (f && e == ERR_SYSTEM)
			f->sys_errno = saved;
		return e;
	}
	e = populate_from(s, &src, r, f);
	file_close(&file);
	return e;
}
