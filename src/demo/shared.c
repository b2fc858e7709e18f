/* This party's encrypted records in the blob that all parties share. */
#include "demo/shared.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "azure/blob.h"
#include "crypto/rng.h"
#include "text/json_read.h"
#include "os/clock.h"
#include "os/lock.h"
#include "demo/handlers.h"
#include "party/records/store.h"

#define PIECE_LEN 1048576 /* one read */
#define BLOCK_LEN 4194304 /* one write */
#define ROUNDS 12
#define PAUSE_MS 150      /* first pause after a lost race; doubled up to four times, half of it random */
#define CONTENT_TYPE "application/json"

struct shared_result {
	bool unchanged;      /* all of it was there already */
	uint64_t own, total; /* records of this party's, and of all companies */
};

/* The working memory of the one publication that may run, guarded by the lock, which is held over all of it. Ciphertext only. */
static struct work {
	const struct settings *s;
	int64_t deadline_ms;
	struct blob_facts facts; /* of the version that was scanned */
	bool exists;
	char batch[2 * RECORDS_BATCH_LEN + 1];
	uint64_t own, stale, others; /* records found: of our present batch, of our earlier ones, everybody else's */
	struct blob_upload upload;
	struct out out;          /* of block */
	uint64_t written;        /* records */
	struct json_items items;
	struct json_tok toks[RECREAD_TOKS];
	struct records_head head;
	struct records_end end;
	struct blob blob;
	struct spool_in stored;
	uint8_t item[RECORD_LINE_MAX];
	uint8_t piece[PIECE_LEN];
	uint8_t block[BLOCK_LEN];
} work;
static struct lock work_lock = LOCK_INIT;

static _Atomic uint64_t last_total; /* 0: not known */

/* --- reading what is there --------------------------------------------------------------------------------------- */

enum whose { OTHERS, OURS_NOW, OURS_BEFORE };

static enum err damaged(struct fault *f)
{
	fault_advise(f, "another program keeps something else under this name", "look at the blob; remove it to start anew");
	return fault_set(f, ERR_DAMAGED, STEP_STORE, "the shared blob holds something else than a list of records");
}

static enum err classify(struct work *w, struct span item, enum whose *whose, struct fault *f)
{
	struct json doc;
	struct span batch;
	enum err e = json_parse(&doc, item, w->toks, RECREAD_TOKS);

	*whose = OTHERS;
	if (e == ERR_TOO_BIG) /* not of ours: those have fewer members */
		return ERR_OK;
	if (e)
		return damaged(f);
	if (json_is(json_get(json_root(&doc), "company"), w->head.company) &&
	    json_plain(json_get(json_root(&doc), "batch"), &batch) == ERR_OK)
		*whose = span_eq_str(batch, w->batch) ? OURS_NOW : OURS_BEFORE;
	return ERR_OK;
}

typedef enum err (*take_fn)(struct work *w, struct span item, enum whose whose, struct fault *f);

static enum err take_piece(struct work *w, struct span in, take_fn take, struct fault *f)
{
	struct span item;
	enum whose whose;
	enum err e;

	while ((e = json_items_next(&w->items, &in, &item)) == ERR_OK) {
		TRY(classify(w, item, &whose, f));
		TRY(take(w, item, whose, f));
	}
	return e == ERR_MORE ? ERR_OK : damaged(f);
}

/* Every record of one version of the blob, in order. */
static enum err each_record(struct work *w, take_fn take, struct fault *f)
{
	uint64_t at = 0;

	json_items_init(&w->items, w->item, sizeof w->item);
	for (size_t n = 1; n; at += n) {
		TRY(blob_read(&w->blob, &w->s->demo.storage.at, w->s->demo.storage.blob_name, at, w->piece, sizeof w->piece, &n, &w->facts, w->deadline_ms, f));
		TRY(take_piece(w, span_of(w->piece, n), take, f));
	}
	return json_items_finish(&w->items) ? damaged(f) : ERR_OK;
}

static enum err count(struct work *w, struct span item, enum whose whose, struct fault *f)
{
	(void)item;
	(void)f;
	*(whose == OURS_NOW ? &w->own : whose == OURS_BEFORE ? &w->stale : &w->others) += 1;
	return ERR_OK;
}

static enum err scan(struct work *w, struct fault *f)
{
	enum err e;

	w->own = w->stale = w->others = 0;
	memset(&w->facts, 0, sizeof w->facts);
	e = each_record(w, count, f);
	w->exists = e == ERR_OK;
	/* No such blob is where everybody begins; no such container is a fault. */
	if (e == ERR_NOT_FOUND && !span_eq_str(span_str(f->code), "ContainerNotFound"))
		e = ERR_OK;
	return e;
}

/* --- writing the next version ------------------------------------------------------------------------------------ */

static enum err send_block(struct work *w, struct fault *f)
{
	enum err e = blob_upload_block(&w->blob, &w->s->demo.storage.at, w->s->demo.storage.blob_name, &w->upload, out_span(&w->out), w->deadline_ms, f);

	w->out = out_init(w->block, sizeof w->block);
	return e;
}

/* Room for one more record. */
static enum err begin_record(struct work *w, size_t len, struct fault *f)
{
	enum err e = w->out.cap - w->out.n < len + 128 ? send_block(w, f) : ERR_OK;

	out_str(&w->out, w->written++ ? ",\n" : "[\n");
	return e;
}

static enum err keep(struct work *w, struct span item, enum whose whose, struct fault *f)
{
	if (whose != OTHERS)
		return ERR_OK;
	TRY(begin_record(w, item.n, f));
	out_put(&w->out, item);
	return ERR_OK;
}

/* {"line_number":N,REST -> {"batch":"...",REST: numbers of lines are of a file, not of a record in a common list. */
static enum err add(void *ctx, struct span line, uint64_t number, struct fault *f)
{
	struct work *w = ctx;

	(void)number;
	TRY(begin_record(w, line.n, f));
	out_strs(&w->out, "{\"batch\":\"", w->batch, "\"");
	out_put(&w->out, span_sub(line, span_find(line, ','), line.n));
	return ERR_OK;
}

static enum err commit(struct work *w, struct fault *f)
{
	const char *etag = w->exists ? w->facts.etag : NULL;
	const char *name = w->s->demo.storage.blob_name;

	out_str(&w->out, "\n]\n");
	if (w->out.bad)
		return fault_set(f, ERR_TOO_BIG, STEP_STORE, "a record is too long");
	if (w->upload.blocks == 0)
		return blob_put(&w->blob, &w->s->demo.storage.at, name, CONTENT_TYPE, out_span(&w->out), etag, w->deadline_ms, f);
	TRY(send_block(w, f));
	return blob_upload_commit(&w->blob, &w->s->demo.storage.at, name, &w->upload, CONTENT_TYPE, etag, w->block, sizeof w->block, w->deadline_ms, f);
}

static enum err rewrite(struct work *w, struct fault *f)
{
	blob_upload_begin(&w->upload);
	w->out = out_init(w->block, sizeof w->block);
	w->written = 0;
	if (w->exists)
		TRY(each_record(w, keep, f));
	TRY(store_each(w->s, &w->stored, &w->end, add, w, f));
	return commit(w, f);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static enum err round_of(struct work *w, struct shared_result *r, struct fault *f)
{
	struct out o = out_init(w->batch, sizeof w->batch);

	TRY(store_describe(w->s, &w->head, &w->end, f));
	out_hex(&o, w->head.batch, sizeof w->head.batch);
	(void)out_cstr(&o);
	TRY(scan(w, f));
	r->own = w->end.records;
	r->total = w->others + w->end.records;
	r->unchanged = w->own == w->end.records && w->stale == 0;
	return r->unchanged ? ERR_OK : rewrite(w, f);
}

static enum err publish_rounds(struct work *w, struct shared_result *r, struct fault *f)
{
	enum err e = ERR_MISMATCH;

	for (int i = 0; i < ROUNDS && e == ERR_MISMATCH; i++) {
		uint32_t pause = (uint32_t)PAUSE_MS << (i < 5 ? i : 5);

		if (i) {
			log_num(LOG_INFO, "shared", "another writer was first; beginning anew", "round", (uint64_t)i + 1);
			clock_sleep(pause / 2 + rng_below(pause / 2), w->deadline_ms);
		}
		fault_clear(f);
		e = round_of(w, r, f);
	}
	return e;
}

static enum err publish(const struct settings *s, uint64_t *total, int64_t deadline_ms, struct fault *f)
{
	struct shared_result r = { true, 0, 0 };
	struct work *w = &work;
	struct store_status st;
	enum err e;

	fault_clear(f);
	*total = 0;
	if (!s->demo.storage.blob || !*store_file_name(s))
		return ERR_OK;
	TRY(store_status(s, &st, f));
	if (!st.exists)
		return ERR_OK;
	if (!lock_take_until(&work_lock, deadline_ms))
		return fault_set(f, ERR_TIMEOUT, STEP_STORE, "waiting for another write to the shared blob took too long");
	w->s = s;
	w->deadline_ms = deadline_ms;
	e = publish_rounds(w, &r, f);
	lock_release(&work_lock);
	if (e == ERR_NOT_FOUND && f->http_status == 0)
		e = fault_set(f, ERR_STATE, STEP_STORE, "the stored records are of the original format; import them anew to share them");
	TRY(e);
	last_total = r.total;
	*total = r.total;
	log_num(LOG_INFO, "shared", r.unchanged ? "the shared blob has our records already" : "our records are in the shared blob",
	        "records", r.own);
	return ERR_OK;
}

static uint64_t seen_total(void)
{
	return last_total;
}

static void write_url(const struct settings *s, struct out *o)
{
	storage_url(s, s->demo.storage.blob_name, o);
}

static int refuse(struct request *q)
{
	return h_storage_fault(q, q->s->demo.storage.blob_name);
}

const struct share shared_blob = { publish, seen_total, write_url, refuse };
