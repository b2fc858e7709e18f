/* Woodgrove's work: fetch both partners' encrypted records, decrypt what the analysis needs, count, report progress. */
#include "party/query/analyze.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "crypto/rng.h"
#include "text/json_write.h"
#include "os/clock.h"
#include "os/lock.h"
#include "party/query/analysis.h"
#include "party/partner.h"
#include "party/records/recread.h"

#define BATCH 20           /* records between two progress events */
#define SMALL 5000         /* up to here every batch is reported, */
#define PROGRESS_MS 50     /* beyond it at most 20 times a second */
#define ALIVE_MS 1000      /* quiet time after which a keep-alive may be sent; blocking steps add 13 s at most */
#define ERROR_TEXT_MAX 640 /* "Fabrikam: " and a fault's message */

/* The two providers in the order in which they are counted. */
static const struct {
	enum role role;
	enum key_slot slot;
} providers[COMPANIES] = {
	[COMPANY_CONTOSO] = { ROLE_CONTOSO, KEYS_CONTOSO },
	[COMPANY_FABRIKAM] = { ROLE_FABRIKAM, KEYS_FABRIKAM },
};

/* The working memory of the one analysis that may run, about 5 MiB. Holds plaintext, data keys, counts: wiped at its end. */
static struct work {
	const struct settings *s;
	const struct analyze_sink *sink; /* NULL for analyze_once */
	bool stopped;                    /* by the sink or by analyze_cancel */
	int64_t started_ms, decrypt_ms, quiet_ms, progress_ms;
	uint64_t fetched[COMPANIES], total, done, reported; /* records */
	bool have[COMPANIES];            /* spool file is there */
	size_t n_errors;
	char errors[2 * COMPANIES][ERROR_TEXT_MAX];
	struct fault first; /* of these errors */
	uint8_t event[ANALYZE_RESULT_MAX];
	struct partner partner;
	struct spool_in spool;
	struct recread reader;
	struct analysis table[2];
	struct analysis *believed; /* counts of partners whose data verified to their end */
	struct analysis *trial;    /* the same plus what is being read now */
} slot;

static struct lock lock = LOCK_INIT;
static bool running, cancelled;

void analyze_cancel(void)
{
	lock_take(&lock);
	cancelled = true;
	lock_release(&lock);
}

static bool is_cancelled(void)
{
	bool is;

	lock_take(&lock);
	is = cancelled;
	lock_release(&lock);
	return is;
}

static bool enter(void)
{
	bool free_now;

	lock_take(&lock);
	free_now = !running && !cancelled;
	running = running || free_now;
	lock_release(&lock);
	return free_now;
}

static void leave(void)
{
	lock_take(&lock);
	running = false;
	lock_release(&lock);
}

/* --- events --- */

static enum err send(struct work *w, struct span json, bool more)
{
	enum err e = w->sink ? w->sink->event(w->sink->ctx, json, more) : ERR_OK;

	if (!more)
		w->quiet_ms = clock_ms();
	if (e)
		w->stopped = true;
	return e;
}

/* An event object, begun with its type. */
static struct jw begin_event(struct work *w, struct out *o, const char *type)
{
	struct jw j;

	*o = out_init(w->event, sizeof w->event);
	j = jw_init(o);
	jw_object(&j, NULL);
	jw_str(&j, "type", type);
	return j;
}

static enum err end_event(struct work *w, struct jw *j, bool more)
{
	jw_end_object(j);
	return j->o->bad ? ERR_FULL : send(w, out_span(j->o), more);
}

static enum err send_status(struct work *w, const char *phase, const char *message, bool with_total)
{
	struct out o;
	struct jw j = begin_event(w, &o, "status");

	jw_str(&j, "phase", phase);
	jw_str(&j, "message", message);
	if (with_total)
		jw_u64(&j, "total", w->total);
	return end_event(w, &j, false);
}

static enum err send_fetch(struct work *w, enum company c)
{
	struct out o;
	struct jw j = begin_event(w, &o, "fetch");

	jw_str(&j, "partner", role_title(providers[c].role));
	jw_u64(&j, "count", w->fetched[c]);
	return end_event(w, &j, false);
}

/* elapsed counts from the start of all, remaining and decrypt_rate from the start of decryption: fetching says nothing about
 * how fast records are decrypted. */
static enum err send_progress(struct work *w, enum company c)
{
	int64_t now = clock_ms(), spent = now - w->decrypt_ms;
	uint64_t left = w->total > w->done ? w->total - w->done : 0;
	struct out o;
	struct jw j = begin_event(w, &o, "progress");

	if (spent < 1)
		spent = 1;
	jw_u64(&j, "decrypted", w->done);
	jw_u64(&j, "total", w->total);
	jw_fixed(&j, "percent", w->total ? analysis_round((__int128)w->done * 1000, w->total) : 0, 1);
	jw_fixed(&j, "elapsed", analysis_round(now - w->started_ms, 100), 1);
	jw_fixed(&j, "remaining", w->done ? analysis_round((__int128)left * spent, w->done * 100) : 0, 1);
	jw_str(&j, "current_partner", role_title(providers[c].role));
	jw_fixed(&j, "decrypt_rate", analysis_round((__int128)w->done * 10000, (uint64_t)spent), 1);
	w->progress_ms = now;
	w->reported = w->done;
	return end_event(w, &j, now - w->quiet_ms < PROGRESS_MS);
}

/* Between blocking steps: keeps the stream alive and looks whether to stop. */
static enum err tick(void *ctx)
{
	struct work *w = ctx;

	if (is_cancelled()) {
		w->stopped = true;
		return ERR_CLOSED;
	}
	return clock_ms() - w->quiet_ms >= ALIVE_MS ? send(w, span_of(NULL, 0), false) : ERR_OK;
}

/* --- errors of single partners --- */

static void note_error(struct work *w, enum company c, const struct fault *f)
{
	struct out o;

	if (w->n_errors == sizeof w->errors / sizeof w->errors[0])
		return;
	o = out_init(w->errors[w->n_errors], ERROR_TEXT_MAX);
	partner_error_text(providers[c].role, f, &o);
	(void)out_cstr(&o);
	log_fault(LOG_WARN, "analyze", role_name(providers[c].role), f);
	if (w->n_errors++ == 0)
		w->first = *f;
}

/* Whether the result would leave out a partner although it must not. */
static bool is_incomplete(const struct work *w)
{
	return w->n_errors && !w->s->partial_results;
}

static enum err refuse_incomplete(const struct work *w, struct fault *f)
{
	uint8_t text[sizeof w->first.message];
	struct out o = out_init(text, sizeof text);

	for (size_t i = 0; i < w->n_errors; i++)
		out_strs(&o, i ? "; " : "", w->errors[i]);
	*f = w->first;
	return partner_incomplete(f, o.bad ? w->errors[0] : out_cstr(&o));
}

/* "success" is for a result over every partner's records, some of them readable. */
static const char *status_of(const struct work *w)
{
	return w->n_errors || !w->believed->readable ? "partial" : "success";
}

static void write_errors(const struct work *w, struct jw *j)
{
	if (!w->n_errors) {
		jw_null(j, "errors");
		return;
	}
	jw_array(j, "errors");
	for (size_t i = 0; i < w->n_errors; i++)
		jw_str(j, NULL, w->errors[i]);
	jw_end_array(j);
}

/* --- fetch --- */

static enum err fetch_one(struct work *w, enum company c)
{
	struct partner_job job = { w->s, providers[c].role, tick, w };
	struct fault f;
	enum err e = ERR_OK;

	fault_clear(&f);
	if (!keys_have(providers[c].slot))
		e = fault_set(&f, ERR_STATE, STEP_ANALYSIS, "its key is not released to this party");
	if (!e)
		e = partner_fetch(&w->partner, &job, &w->fetched[c], &f);
	if (w->stopped)
		return e;
	if (e) {
		w->fetched[c] = 0;
		note_error(w, c, &f);
		return ERR_OK;
	}
	w->have[c] = true;
	w->total += w->fetched[c];
	return send_fetch(w, c);
}

/* --- decrypt and count --- */

static enum err report(struct work *w, enum company c, uint64_t of_partner)
{
	if (of_partner % BATCH)
		return ERR_OK;
	if (is_cancelled() || (w->total > SMALL && clock_ms() - w->progress_ms < PROGRESS_MS))
		return tick(w);
	return send_progress(w, c);
}

/* Counts one partner's spool into w->trial. Errors of the data are the partner's; w->stopped tells the others. */
static enum err count_items(struct work *w, enum company c, struct fault *f)
{
	struct span item;
	bool is_record;
	uint64_t n = 0;
	enum err e = ERR_OK;

	while (!e) {
		e = spool_next(&w->spool, &item, f);
		if (!e)
			e = recread_item(&w->reader, item, &is_record, f);
		if (e || !is_record)
			continue;
		e = analysis_add(w->trial, c, w->reader.value, f);
		w->done++;
		if (!e)
			e = report(w, c, ++n);
	}
	if (e != ERR_NOT_FOUND)
		return e;
	/* One event at the end of each partner, unless its last batch has just been reported. */
	if (w->done != w->reported && (e = send_progress(w, c)))
		return e;
	return recread_end(&w->reader, f);
}

/* The counts of a partner are believed only when all its data have verified, trailer included. So they are made in a copy of
 * the tables, which takes their place or is forgotten. */
static enum err count_partner(struct work *w, enum company c)
{
	struct fault f;
	enum err e;

	fault_clear(&f);
	if (!w->have[c])
		return ERR_OK;
	analysis_copy(w->trial, w->believed);
	recread_begin(&w->reader, providers[c].slot, role_name(providers[c].role), analysis_fields, ANALYSIS_FIELDS);
	e = spool_open(&w->spool, w->s->data_dir, partner_spool_name(providers[c].role), &f);
	if (!e)
		e = count_items(w, c, &f);
	spool_close(&w->spool);
	recread_wipe(&w->reader);
	if (w->stopped)
		return e;
	if (e) {
		fault_set(&f, e, f.step, f.message[0] ? f.message : err_name(e));
		note_error(w, c, &f);
	} else {
		struct analysis *whole = w->trial;

		w->trial = w->believed;
		w->believed = whole;
	}
	return ERR_OK;
}

/* --- the whole --- */

static enum err fetch_all(struct work *w)
{
	enum err e = send_status(w, "fetch", "Fetching encrypted records from partners", false);

	for (enum company c = COMPANY_CONTOSO; !e && c < COMPANIES; c++)
		e = fetch_one(w, c);
	return e;
}

/* No more than the result says. */
static void log_unread(const struct analysis *a)
{
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++) {
		for (size_t i = 0; i < ANALYSIS_FIELDS; i++) {
			uint64_t n = analysis_unread(a, c, i);
			char text[64];

			(void)out_join(text, sizeof text, role_title(providers[c].role),
			               ": values not read of ", analysis_fields[i]);
			if (n == ANALYSIS_SOME)
				log_line(LOG_WARN, "analyze", text);
			else if (n)
				log_num(LOG_WARN, "analyze", text, "values", n);
		}
	}
}

/* One partner after the other: ties are decided by who was seen first, so that the counts of both cannot be made apart; and two processors
 * are busy as it is, with the providers' sealing beside the fetching. */
static enum err count_all(struct work *w)
{
	enum err e;

	w->decrypt_ms = clock_ms();
	e = send_status(w, "decrypt", "Decrypting the fields the analysis needs", true);
	for (enum company c = COMPANY_CONTOSO; !e && c < COMPANIES; c++)
		e = count_partner(w, c);
	if (!e)
		e = send_status(w, "analyze", "Computing the statistics", false);
	if (!e) {
		analysis_close(w->believed);
		log_unread(w->believed);
	}
	return e;
}

static void begin(struct work *w, const struct settings *s, const struct analyze_sink *sink)
{
	uint32_t seed;

	memset(w, 0, offsetof(struct work, event));
	w->s = s;
	w->sink = sink;
	w->started_ms = w->decrypt_ms = w->quiet_ms = clock_ms();
	rng_bytes(&seed, sizeof seed);
	w->believed = &w->table[0];
	w->trial = &w->table[1];
	analysis_init(w->believed, s->generation_year, s->min_group, seed);
}

static void end(struct work *w)
{
	for (enum company c = COMPANY_CONTOSO; c < COMPANIES; c++)
		if (file_remove(w->s->data_dir, partner_spool_name(providers[c].role)))
			log_line(LOG_WARN, "analyze", "a spool file could not be removed");
	WIPE(w->event);
	WIPE(w->reader);
	analysis_wipe(w->believed);
	analysis_wipe(w->trial);
}

static bool any_records(const struct work *w)
{
	return w->believed->records[COMPANY_CONTOSO] || w->believed->records[COMPANY_FABRIKAM];
}

/* The last event of an analysis that failed with f. */
static enum err send_fault(struct work *w, const struct fault *f)
{
	struct out o;
	struct jw j = begin_event(w, &o, "error");
	enum err e;

	jw_str(&j, "message", f->message);
	if (w->n_errors)
		write_errors(w, &j);
	jw_str(&j, "likely_cause", fault_cause(f));
	jw_str(&j, "solution", fault_remedy(f));
	e = end_event(w, &j, false);
	return e ? e : f->err;
}

static enum err send_error(struct work *w, enum err why, const char *message, struct fault *f)
{
	fault_set(f, why, STEP_ANALYSIS, message);
	return send_fault(w, f);
}

static enum err send_complete(struct work *w)
{
	struct out o;
	struct jw j = begin_event(w, &o, "complete");

	jw_str(&j, "status", status_of(w));
	analysis_write(w->believed, &j, false);
	jw_fixed(&j, "total_time", analysis_round(clock_ms() - w->started_ms, 10), 2);
	write_errors(w, &j);
	analysis_write_rest(w->believed, &j);
	return end_event(w, &j, false);
}

static enum err run_stream(struct work *w, struct fault *f)
{
	enum err e = fetch_all(w);

	if (!e && w->total && !is_incomplete(w))
		e = count_all(w);
	if (w->stopped)
		return is_cancelled() ? send_error(w, ERR_CLOSED, "the analysis was stopped: the server is shutting down", f) : e;
	if (!e && w->total && is_incomplete(w)) {
		(void)refuse_incomplete(w, f);
		return send_fault(w, f);
	}
	if (!e && !any_records(w))
		return send_error(w, ERR_NOT_FOUND, "no records to analyze from any partner", f);
	if (!e)
		e = send_complete(w);
	if (e == ERR_FULL && !w->stopped)
		return send_error(w, e, "the result is larger than the reply can be", f);
	return e;
}

static enum err allowed(const struct settings *s, struct fault *f)
{
	if (s->role != ROLE_WOODGROVE)
		return fault_set(f, ERR_CONFIG, STEP_ANALYSIS, "only Woodgrove Bank analyses partners' data");
	if (!enter())
		return fault_set(f, ERR_STATE, STEP_ANALYSIS, "another analysis is running");
	return ERR_OK;
}

enum err analyze_stream(const struct settings *s, const struct analyze_sink *sink, struct fault *f)
{
	enum err e = allowed(s, f);

	if (e)
		return e;
	begin(&slot, s, sink);
	e = run_stream(&slot, f);
	end(&slot);
	leave();
	return e;
}

static enum err write_result(struct work *w, struct out *result, struct fault *f)
{
	struct jw j = jw_init(result);

	jw_object(&j, NULL);
	jw_str(&j, "status", status_of(w));
	analysis_write(w->believed, &j, true);
	write_errors(w, &j);
	analysis_write_rest(w->believed, &j);
	jw_str(&j, "note", "Only age, salary, eye color, favorite color, city and country were decrypted; groups smaller than the configured "
	       "size are not shown, nor what they would follow from.");
	jw_end_object(&j);
	return result->bad ? fault_set(f, ERR_FULL, STEP_ANALYSIS, "the result is larger than the reply can be") : ERR_OK;
}

enum err analyze_once(const struct settings *s, struct out *result, struct fault *f)
{
	enum err e = allowed(s, f);

	if (e)
		return e;
	begin(&slot, s, NULL);
	e = fetch_all(&slot);
	if (!e && !is_incomplete(&slot))
		e = count_all(&slot);
	if (e)
		fault_set(f, e, STEP_ANALYSIS, "the analysis was stopped");
	else if (is_incomplete(&slot))
		e = refuse_incomplete(&slot, f);
	else
		e = write_result(&slot, result, f);
	end(&slot);
	leave();
	return e;
}
