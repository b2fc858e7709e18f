/* What a party does by itself after its start. */
#include "svc/autoinit.h"

#include "base/log.h"
#include "plat/clock.h"
#include "plat/thread.h"
#include "svc/attest.h"
#include "svc/populate.h"
#include "svc/release.h"
#include "svc/shared.h"

#define TRIES 3
#define BETWEEN_MS 5000
#define STEP_MS 120000
#define TLS_KEY_MS 60000

/* Trying again cannot help when the answer was a verdict. */
static bool is_final(enum err e)
{
	return e == ERR_DENIED || e == ERR_CONFIG || e == ERR_NO_DEVICE;
}

/* partner ROLE_OTHER: our own key. */
static bool release_step(const struct settings *s, enum role partner, const char *what)
{
	struct release_info info;
	struct fault f;

	for (int i = 0; i < TRIES; i++) {
		int64_t deadline_ms = clock_ms() + STEP_MS;
		enum err e;

		fault_clear(&f);
		e = partner == ROLE_OTHER ? release_own(s, &info, deadline_ms, &f) : release_partner(s, partner, &info, deadline_ms, &f);
		if (e == ERR_OK) {
			log_text(LOG_INFO, "start", "SUCCESS: key released", "key", span_str(what));
			return true;
		}
		log_fault(LOG_WARN, "start", "key release FAILED", &f);
		if (is_final(e))
			break;
		clock_sleep(BETWEEN_MS, INT64_MAX);
	}
	log_text(LOG_ERROR, "start", "FAILED: key not released; an operator can try again with POST /skr/release", "key", span_str(what));
	return false;
}

static void import_step(const struct settings *s)
{
	struct populate_result r = { 0 };
	struct shared_result shared;
	struct fault f;

	fault_clear(&f);
	if (populate_from_file(s, &r, &f) == ERR_OK)
		log_num(LOG_INFO, "start", r.unchanged ? "SUCCESS: the data are stored already" : "SUCCESS: data encrypted and stored",
		        "records", r.total_records);
	else
		log_fault(LOG_WARN, "start", "FAILED: data not imported", &f);
	/* A failure is logged there; /company/populate tries again. */
	if (shared_publish(s, &shared, clock_ms() + STEP_MS, &f) == ERR_OK && shared.total)
		log_num(LOG_INFO, "start", "SUCCESS: the shared blob holds our records", "total", shared.total);
}

/* Set before the thread starts; only read by it. */
static const struct settings *settings;
static struct tls_identity *tls;

static _Atomic enum err tls_result;

static enum err take_tls_key(const struct settings *s)
{
	struct fault f;
	enum err e = release_tls(s, &tls->key, clock_ms() + TLS_KEY_MS, &f);

	if (e != ERR_OK) {
		log_fault(LOG_ERROR, "tls", "TLS_KEY: the key was not released, and without it nothing is served", &f);
	} else if (!tls_identity_given_key(tls)) {
		log_line(LOG_ERROR, "tls", "TLS_KEY: the released key is not the certificate's");
		e = ERR_MISMATCH;
	} else {
		log_line(LOG_INFO, "tls", "TLS_KEY: serving with the released key");
	}
	return e;
}

static void run(void *unused)
{
	const struct settings *s = settings;
	bool own;

	(void)unused;
	if (tls)
		tls_result = take_tls_key(s);
	if (tls_result != ERR_OK || !s->auto_start)
		return;
	if (!s->akv[0] || !s->key_name[0]) {
		log_line(LOG_INFO, "start", "no vault or key is configured: nothing to release");
		return;
	}
	own = release_step(s, ROLE_OTHER, s->key_name);
	if (s->role == ROLE_WOODGROVE) {
		for (enum role p = ROLE_CONTOSO; p <= ROLE_FABRIKAM; p++)
			if (s->partner[p].akv[0])
				release_step(s, p, s->partner[p].key_name);
	} else if (own && s->role != ROLE_OTHER) {
		import_step(s);
	}
}

enum err autoinit_start(const struct settings *s, struct tls_identity *id)
{
	settings = s;
	tls = id;
	tls_result = id ? ERR_MORE : ERR_OK;
	return id || s->auto_start ? thread_start(run, NULL) : ERR_OK;
}

enum err autoinit_tls(void)
{
	return tls_result;
}
