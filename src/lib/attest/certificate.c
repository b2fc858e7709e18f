/* The certificate that this process makes for its own TLS key. */
#include "attest/certificate.h"

#include <string.h>

#include "base/log.h"
#include "os/clock.h"
#include "os/thread.h"
#include "attest/evidence.h"

#define LOOK_MS 1000
#define COLLECT_MS 60000
#define PAUSE_MIN_MS 5000
#define PAUSE_MAX_MS 600000
/* What a certificate has besides the evidence: names, key, signature. */
#define CERT_PLAIN_MAX 1024

/* Of the keeping thread, but for what certificate_make sets before. */
static const struct tls_settings *settings;
static const struct attest_settings *attest;
static struct tls_identity *identity;
static struct {
	uint8_t buf[TLS_CERT_MAX - CERT_PLAIN_MAX];
	struct span extension; /* empty: no evidence yet */
	bool pending;          /* the extension is newer than the certificate */
	int64_t made_s;        /* when the certificate was made */
	int64_t wait_ms;       /* after a failure: not before */
	int64_t pause_ms;
	char said[sizeof((struct fault *)0)->message]; /* the failure that the log knows */
} keep;
static _Atomic bool has_evidence, pending;

static const char *common_name(void)
{
	return attest->party ? attest->party : "parley";
}

enum err certificate_make(const struct tls_settings *s, const struct attest_settings *a, struct tls_identity *id)
{
	settings = s;
	attest = a;
	identity = id;
	keep.made_s = clock_unix();
	return tls_identity_make(id, common_name(), keep.made_s, s->hours, span_of(NULL, 0));
}

/* So many quarters of its time are over; or the clock was set back to before it. */
static bool is_past(int64_t now_s, int64_t quarters)
{
	return now_s - keep.made_s >= quarters * settings->hours * 900 || now_s < keep.made_s - 3600;
}

static bool collect(void)
{
	struct fault f;

	fault_clear(&f);
	if (evidence_extension(attest, identity->spki_sha256, keep.buf, sizeof keep.buf, &keep.extension, clock_ms() + COLLECT_MS, &f) == ERR_OK) {
		keep.pending = true;
		keep.pause_ms = 0;
		keep.said[0] = 0;
		return true;
	}
	if (strcmp(keep.said, f.message) != 0)
		log_fault(LOG_WARN, "tls", "no evidence for a new certificate; the one in use stays; will be tried again", &f);
	memcpy(keep.said, f.message, sizeof keep.said);
	keep.pause_ms = keep.pause_ms == 0 ? PAUSE_MIN_MS : keep.pause_ms < PAUSE_MAX_MS / 2 ? 2 * keep.pause_ms : PAUSE_MAX_MS;
	keep.wait_ms = clock_ms() + keep.pause_ms;
	return false;
}

void certificate_look(void)
{
	int64_t now_s = clock_unix();
	bool old = is_past(now_s, 2);
	enum err err;

	if (clock_ms() < keep.wait_ms)
		return;
	if (settings->evidence && ((old && !keep.pending) || !evidence_extension_true()) && !collect() && !is_past(now_s, 3))
		return;
	if (!old && !keep.pending)
		return;
	err = tls_identity_renew(identity, common_name(), now_s, settings->hours, keep.extension);
	if (err == ERR_THROTTLED) /* a handshake may still need the place; at one of the next looks */
		return;
	if (err) {
		log_line(LOG_ERROR, "tls", "a new certificate could not be made");
		keep.wait_ms = clock_ms() + PAUSE_MAX_MS;
		return;
	}
	keep.made_s = now_s;
	keep.pending = false;
	has_evidence = keep.extension.n > 0;
	log_num(LOG_INFO, "tls", "new certificate in use", "evidence_bytes", keep.extension.n);
}

static void run(void *unused)
{
	(void)unused;
	for (;;) {
		certificate_look();
		pending = false;
		clock_sleep(LOOK_MS, INT64_MAX);
	}
}

enum err certificate_start(void)
{
	pending = settings->evidence;
	return thread_start(run, NULL);
}

bool certificate_pending(void)
{
	return pending;
}

void certificate_write(struct jw *w)
{
	bool evidence = has_evidence && !settings->key_name[0];

	jw_object(w, "tls_certificate");
	jw_str(w, "key", settings->key_name[0] ? "released by the vault" : "made by this process");
	jw_bool(w, "evidence", evidence);
	jw_str(w, "evidence_format", evidence ? "X.509 extension id-pe-cmw (1.3.6.1.5.5.7.1.35)" : NULL);
	jw_end_object(w);
}
