/* What a party does by itself after its start: a table of steps, each tried until it is done. */
#include "party/autoinit.h"

#include <string.h>

#include "base/log.h"
#include "crypto/rng.h"
#include "text/timefmt.h"
#include "os/clock.h"
#include "os/lock.h"
#include "os/thread.h"
#include "party/populate.h"
#include "azure/services.h"
#include "party/partner_key.h"
#include "party/share.h"
#include "party/records/store.h"

#define RELEASE_MS 60000 /* one try; an operator's release waits for it at most that long */
#define SHARE_MS 120000
#define TLS_KEY_MS 60000
#define TLS_WAIT_MS 300000 /* then the process ends, and the container's restart policy decides */
#define LOOK_MS 500

#define PAUSE_MIN_MS 3000
#define PAUSE_MAX_MS 60000
#define PAUSE_VERDICT_MS 600000
#define QUIET_MIN_MS 60000
#define QUIET_MAX_MS 3600000
#define RETRY_AFTER_MAX_S 600

/* Set before the thread starts; only read by it. */
static const struct settings *settings;
static struct tls_identity *tls_wanted;

static _Atomic enum err tls_result;

/* --- the steps --- */

enum step_id { OWN, CONTOSO, FABRIKAM, IMPORT, SHARE, STEPS };

static const struct {
	const char *name, *failed;
	enum key_slot slot; /* KEYS_SLOTS: no key */
	enum role partner;
} about[STEPS] = {
	[OWN] = { "own_key", "own key: release FAILED, it will be tried again", KEYS_OWN,
		  ROLE_OTHER },
	[CONTOSO] = { "contoso_key", "Contoso's key: release FAILED, it will be tried again",
		      KEYS_CONTOSO, ROLE_CONTOSO },
	[FABRIKAM] = { "fabrikam_key", "Fabrikam's key: release FAILED, it will be tried again",
		       KEYS_FABRIKAM, ROLE_FABRIKAM },
	[IMPORT] = { "import", "FAILED: data not imported, it will be tried again", KEYS_SLOTS,
		     ROLE_OTHER },
	[SHARE] = { "shared_blob",
		    "FAILED: the shared blob was not written, it will be tried again", KEYS_SLOTS,
		    ROLE_OTHER },
};

/* wanted -> tried, again and again -> not wanted. Written by the thread alone, under the lock:
 * /readyz reads it. The lock is not held over I/O. */
static struct step_state {
	bool wanted;
	uint32_t tries;
	int64_t since_s, next_ms;
	uint32_t pause_ms;
	int64_t say_ms; /* not logged before, unless it changes */
	uint32_t quiet_ms;
	struct fault fault; /* of the last try */
} steps[STEPS];
static struct lock steps_lock = LOCK_INIT;

/* The stored batch when the import failed: another one by now is an operator's, and is not
 * replaced. */
static uint8_t batch_seen[RECORDS_BATCH_LEN];

static void stored_batch(uint8_t batch[RECORDS_BATCH_LEN])
{
	struct records_head head;
	struct records_end end;
	struct fault f;
	bool found = store_describe(settings, &head, &end, &f) == ERR_OK;

	memset(batch, 0, RECORDS_BATCH_LEN);
	if (found)
		memcpy(batch, head.batch, RECORDS_BATCH_LEN);
}

/* True if an operator has completed the step since. */
static bool is_done(enum step_id i)
{
	uint8_t batch[RECORDS_BATCH_LEN];

	if (about[i].slot < KEYS_SLOTS)
		return keys_have(about[i].slot);
	if (i != IMPORT || steps[i].tries == 0)
		return false;
	stored_batch(batch);
	return memcmp(batch, batch_seen, sizeof batch) != 0;
}

static enum err try_import(struct fault *f)
{
	struct populate_result r = { 0 };
	enum err e = populate_from_file(settings, &r, f);

	if (e == ERR_OK)
		log_num(LOG_INFO, "start",
			r.unchanged ? "SUCCESS: the data are stored already"
				    : "SUCCESS: data encrypted and stored",
			"records", r.total_records);
	else
		stored_batch(batch_seen);
	return e;
}

static enum err try_share(struct fault *f)
{
	uint64_t total = 0;
	enum err e = share_get()->publish(settings, &total, clock_ms() + SHARE_MS, f);

	if (e == ERR_OK && total)
		log_num(LOG_INFO, "start", "SUCCESS: the shared blob holds our records", "total",
			total);
	return e;
}

static enum err try_release(enum step_id i, struct fault *f)
{
	struct release_info info;
	const struct release_target own = { settings->attest.akv, settings->attest.key_name, KEYS_OWN, true };
	int64_t deadline_ms = clock_ms() + RELEASE_MS;
	enum err e = i == OWN ? release_from(&settings->attest, &own, &info, deadline_ms, f)
			      : partner_key_release(settings, about[i].partner, true, &info, deadline_ms, f);

	if (e == ERR_OK)
		log_text(LOG_INFO, "start", "SUCCESS: key released", "key",
			 span_str(info.key_name));
	return e;
}

/* --- again and again --- */

/* Nothing but another configuration or other data can help. */
static bool is_verdict(enum step_id i, enum err e)
{
	return e == ERR_CONFIG ||
	       (i == IMPORT && (e == ERR_SYNTAX || e == ERR_RANGE || e == ERR_TOO_BIG));
}

static bool same_failure(const struct fault *a, const struct fault *b)
{
	return a->err == b->err && a->step == b->step && a->http_status == b->http_status &&
	       strcmp(a->code, b->code) == 0;
}

static uint32_t grow(uint32_t now, uint32_t min, uint32_t max)
{
	return now == 0 ? min : now > max / 3 * 2 ? max : now / 2 * 3;
}

/* Whether it is to be logged. */
static bool note_failure(struct step_state *p, enum step_id i, const struct fault *f)
{
	bool changed = p->tries == 0 || !same_failure(&p->fault, f);
	int64_t now = clock_ms();
	uint32_t pause;

	p->tries++;
	p->fault = *f;
	p->pause_ms = grow(p->pause_ms, PAUSE_MIN_MS, PAUSE_MAX_MS);
	pause = is_verdict(i, f->err) ? PAUSE_VERDICT_MS : p->pause_ms;
	pause -= rng_below(pause / 8); /* parties that start together do not stay together */
	if (f->retry_after_s && f->retry_after_s <= RETRY_AFTER_MAX_S &&
	    f->retry_after_s * 1000 > pause)
		pause = f->retry_after_s * 1000;
	p->next_ms = now + pause;
	if (!changed && now < p->say_ms)
		return false;
	p->quiet_ms = grow(changed ? 0 : p->quiet_ms, QUIET_MIN_MS, QUIET_MAX_MS);
	p->say_ms = now + p->quiet_ms;
	return true;
}

static void try_step(enum step_id i)
{
	struct step_state *p = &steps[i];
	bool say = false;
	struct fault f;
	enum err e;

	fault_clear(&f);
	if (is_done(i)) {
		log_text(LOG_INFO, "start", "completed by an operator", "step",
			 span_str(about[i].name));
		e = ERR_OK;
	} else {
		e = i == IMPORT ? try_import(&f) : i == SHARE ? try_share(&f) : try_release(i, &f);
	}
	lock_take(&steps_lock);
	if (e == ERR_OK)
		p->wanted = false;
	else
		say = note_failure(p, i, &f);
	lock_release(&steps_lock);
	if (say)
		log_fault(LOG_WARN, "start", about[i].failed, &f);
}

/* The data need the own key, and the shared blob the data. */
static bool is_due(enum step_id i)
{
	if ((i == IMPORT && steps[OWN].wanted) || (i == SHARE && steps[IMPORT].wanted))
		return false;
	return clock_ms() >= steps[i].next_ms ||
	       (about[i].slot < KEYS_SLOTS && keys_have(about[i].slot));
}

static void run_steps(void)
{
	for (;;) {
		bool waiting = false;

		for (enum step_id i = OWN; i < STEPS; i++) {
			if (steps[i].wanted && is_due(i))
				try_step(i);
			waiting |= steps[i].wanted;
		}
		if (!waiting)
			return;
		clock_sleep(LOOK_MS, INT64_MAX);
	}
}

static void want(enum step_id i)
{
	steps[i].wanted = true;
	steps[i].since_s = clock_unix();
}

static void plan(const struct settings *s)
{
	if (!s->attest.akv[0] || !s->attest.key_name[0]) {
		log_line(LOG_INFO, "start", "no vault or key is configured: nothing to release");
		return;
	}
	want(OWN);
	if (s->role == ROLE_WOODGROVE) {
		for (enum step_id i = CONTOSO; i <= FABRIKAM; i++)
			if (s->partner[about[i].partner].akv[0])
				want(i);
	} else if (s->role != ROLE_OTHER) {
		want(IMPORT);
		if (share_get())
			want(SHARE);
	}
}

/* --- the HTTPS port's key --- */

/* Later it may be otherwise, without anybody doing anything here. */
static bool may_pass(const struct fault *f)
{
	switch ((int)f->err) {
	case ERR_CONNECT:
	case ERR_CLOSED:
	case ERR_TIMEOUT:
	case ERR_THROTTLED:
		return true;
	case ERR_NOT_FOUND: /* a name that does not resolve yet, or an identity */
		return f->http_status == 0 || f->step == STEP_IDENTITY;
	case ERR_HTTP:
		return f->http_status >= 500 || f->step == STEP_IDENTITY;
	default:
		return false;
	}
}

static enum err release_tls_key(const struct settings *s)
{
	int64_t end = clock_ms() + TLS_WAIT_MS;
	uint32_t pause = 0;
	struct fault f;
	enum err e;

	while ((e = release_tls(&s->attest, s->tls.key_name, &tls_wanted->key, clock_ms() + TLS_KEY_MS, &f)) != ERR_OK &&
	       may_pass(&f) && clock_ms() < end) {
		if (pause == 0)
			log_fault(LOG_WARN, "tls",
				  "TLS_KEY: not released yet, nothing is served; trying again", &f);
		pause = grow(pause, PAUSE_MIN_MS, PAUSE_MAX_MS / 2);
		clock_sleep(pause, INT64_MAX);
	}
	if (e != ERR_OK)
		log_fault(LOG_ERROR, "tls",
			  "TLS_KEY: the key was not released, and without it nothing is served",
			  &f);
	return e;
}

static enum err take_tls_key(const struct settings *s)
{
	enum err e = release_tls_key(s);

	if (e == ERR_OK && !tls_identity_given_key(tls_wanted)) {
		log_line(LOG_ERROR, "tls", "TLS_KEY: the released key is not the certificate's");
		e = ERR_MISMATCH;
	} else if (e == ERR_OK) {
		log_line(LOG_INFO, "tls", "TLS_KEY: serving with the released key");
	}
	return e;
}

static void run(void *unused)
{
	(void)unused;
	if (tls_wanted)
		tls_result = take_tls_key(settings);
	if (tls_result == ERR_OK)
		run_steps();
}

enum err autoinit_start(const struct settings *s, struct tls_identity *id)
{
	settings = s;
	tls_wanted = id;
	tls_result = id ? ERR_MORE : ERR_OK;
	if (s->auto_start)
		plan(s);
	return id || s->auto_start ? thread_start(run, NULL) : ERR_OK;
}

enum err autoinit_tls(void)
{
	return tls_result;
}

static void write_step(struct jw *w, const char *name, const struct step_state *p)
{
	int64_t left = p->next_ms - clock_ms();
	const struct fault *f = &p->fault;
	uint8_t text[32];
	struct out since = out_init(text, sizeof text);

	time_iso8601(&since, p->since_s, 0);
	jw_object(w, NULL);
	jw_str(w, "for", name);
	jw_span(w, "since", out_span(&since));
	jw_u64(w, "tries", p->tries);
	if (p->tries) {
		jw_str(w, "step", step_name(f->step));
		jw_str(w, "error", err_name(f->err));
		if (f->http_status)
			jw_u64(w, "http_status", (uint64_t)f->http_status);
		jw_str(w, "likely_cause", fault_cause(f));
		jw_str(w, "solution", fault_remedy(f));
	}
	jw_u64(w, "next_try_in_seconds", left > 0 ? (uint64_t)left / 1000 : 0);
	jw_end_object(w);
}

void autoinit_write(struct jw *w)
{
	bool waiting = false;

	lock_take(&steps_lock);
	for (enum step_id i = OWN; i < STEPS; i++) {
		if (!steps[i].wanted)
			continue;
		if (!waiting)
			jw_array(w, "waiting");
		waiting = true;
		write_step(w, about[i].name, &steps[i]);
	}
	lock_release(&steps_lock);
	if (waiting)
		jw_end_array(w);
}
