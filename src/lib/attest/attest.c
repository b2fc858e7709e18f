/* Attestation of this process. */
#include "attest/attest.h"

#include <string.h>

#include "base/log.h"
#include "azure/services.h"
#include "crypto/hash.h"
#include "text/base64.h"
#include "text/json_write.h"
#include "os/clock.h"
#include "os/lock.h"
#include "os/snp_device.h"

#define REPORT_TRIES 3     /* when the host is busy */
#define REPORT_PAUSE_MS 500
#define REPORT_MS 20000    /* for callers without a deadline of their own */

const struct setting attest_settings[] = {
	{ SETTING("SKR_MAA_ENDPOINT", "sharedeus.eus.attest.azure.net", "attestation service", struct attest_settings, maa),
	  .kind = SETTING_HOST, .own = 4 },
	{ SETTING("SKR_AKV_ENDPOINT", "", "own vault", struct attest_settings, akv), .kind = SETTING_HOST },
	{ SETTING("SKR_KEY_NAME", "", "own key; its name holds the company", struct attest_settings, key_name), .kind = SETTING_KEY_NAME },
	{ SETTING("AKV_AUDIENCE", "", "what vaults' access tokens are for, else by host", struct attest_settings, akv_audience),
	  .kind = SETTING_URL, .rules = SETTING_BASE | SETTING_HTTPS, .own = 4 },
	{ .text = NULL },
};

/* Set once by attest_init, before threads: the context. */
static struct context context;
static uint8_t tls_spki[32];

/* The certificates in use: the context's, or what replaced them. The lock is held while they are copied. Public data. */
static struct lock certs_lock = LOCK_INIT;
static struct platform_certs certs;
static _Atomic unsigned certs_version;

/* Attestations that others ask for, one at a time: the lock is held over the whole attestation, also over the network. This party's own
 * releases and certificates do not use it. */
static struct lock callers_lock = LOCK_INIT;
static struct attest_work callers;
_Static_assert(sizeof callers.maa.body >= CONTEXT_SCRATCH_LEN, "attest_init reads the context in it");

enum err attest_init(const struct attest_settings *s, const uint8_t tls_spki_sha256[32])
{
	const char *problem;
	enum err err = context_load(&context, s->context.dir, &s->context.env, callers.maa.body, &problem);

	memcpy(tls_spki, tls_spki_sha256, sizeof tls_spki);
	certs = context.certs;
	if (err == ERR_NOT_FOUND && !problem)
		log_line(LOG_INFO, "attest", "no security context: certificates will be fetched, no endorsement will be sent");
	else if (err)
		log_text(err == ERR_SYSTEM ? LOG_ERROR : LOG_WARN, "attest", "the security context cannot be read", "part", span_str(problem));
	else
		log_text(LOG_INFO, "attest", "security context read", "from",
		         span_str(context.source == CONTEXT_FILES ? context.dir : "environment"));
	return err == ERR_SYSTEM ? err : ERR_OK;
}

bool attest_device_present(void)
{
	return snp_device_present() != SNP_DEVICE_NONE;
}

enum err attest_runtime_for_caller(const struct attest_settings *s, struct span client_data, struct out *o)
{
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_b64(&w, "client_data", client_data, B64_STD);
	jw_str(&w, "purpose", "parley-attest");
	jw_str(&w, "role", s->party ? s->party : "other");
	jw_hex(&w, "tls_spki_sha256", span_of(tls_spki, sizeof tls_spki));
	jw_end_object(&w);
	return o->bad ? ERR_TOO_BIG : ERR_OK;
}

/* --- The report --- */

static enum err check_report(const uint8_t report[SNP_REPORT_LEN], const uint8_t report_data[64], struct snp_report *r,
                             struct fault *f)
{
	char problem[REPORT_PROBLEM_MAX];
	enum err err = report_parse(report, r, problem);

	if (err)
		return fault_set_detail(f, ERR_PROTOCOL, STEP_REPORT, "the SNP report is not acceptable", span_str(problem));
	if (memcmp(r->report_data, report_data, 64) != 0)
		return fault_set(f, ERR_MISMATCH, STEP_REPORT, "the SNP report does not carry our data");
	return ERR_OK;
}

static enum err take_report(struct span runtime, uint8_t report[SNP_REPORT_LEN], struct snp_report *r, int64_t deadline_ms,
                            struct fault *f)
{
	uint8_t report_data[64] = { 0 };
	enum err err;

	hash_sha256(runtime, report_data);
	for (int i = 1;; i++) {
		fault_clear(f);
		err = snp_device_report(report_data, report, f);
		if (err != ERR_THROTTLED || i == REPORT_TRIES || clock_ms() + REPORT_PAUSE_MS >= deadline_ms)
			break;
		clock_sleep(REPORT_PAUSE_MS, deadline_ms);
	}
	return err ? err : check_report(report, report_data, r, f);
}

enum err attest_report(struct span runtime, uint8_t report[SNP_REPORT_LEN], struct fault *f)
{
	struct snp_report r;
	struct fault unused;

	return take_report(runtime, report, &r, clock_ms() + REPORT_MS, f ? f : &unused);
}

/* --- Certificates that fit the report --- */

static bool leaf_of(const struct platform_certs *c, struct vcek *leaf)
{
	uint8_t der[CERT_DER_MAX];
	const char *problem;
	size_t n;

	return certs_leaf(c, der, &n) == ERR_OK && vcek_parse(span_of(der, n), leaf, &problem) == ERR_OK;
}

/* A version 2 report does not name its product; the certificate that we hold does, and it is the same chip. */
static void settle_product(const struct platform_certs *c, struct snp_report *r)
{
	struct vcek v;

	if (!r->product_assumed || !leaf_of(c, &v))
		return;
	report_set_product(r, v.product);
}

/* Asks the configured source for the chain of this report. THIM is asked first for what the host holds now, then by name:
 * not every host answers the second form. What fits is remembered; what does not is dropped. */
static enum err refresh(struct attest_collect *c, const struct attest_settings *s, const struct snp_report *r, int64_t deadline_ms,
                        struct fault *f)
{
	struct snp_report named = *r;
	const struct snp_report *by = s->certs.source == THIM_HOST ? NULL : &named;
	const struct platform_certs *got = &c->thim.certs;

	settle_product(&c->certs, &named);
	for (;; by = &named) {
		TRY(thim_fetch(&c->thim, s->certs.source, s->certs.endpoint, by, deadline_ms, f));
		if (certs_match(got, r, NULL))
			break;
		if (by)
			return fault_set(f, ERR_MISMATCH, STEP_COLLATERAL, "the fetched certificate is not for this chip's reported TCB");
	}
	c->certs = *got;
	lock_take(&certs_lock);
	certs_version += got->pem_len != certs.pem_len || memcmp(got->pem, certs.pem, certs.pem_len) != 0;
	certs = *got;
	lock_release(&certs_lock);
	return ERR_OK;
}

static enum err tell_mismatch(const struct platform_certs *c, const struct snp_report *r, const char *difference, struct fault *f)
{
	uint8_t text[160];
	struct out o = out_init(text, sizeof text);
	struct vcek v;

	out_strs(&o, difference ? difference : "unknown difference", "; reported TCB ");
	out_hex_u64(&o, r->reported_tcb.raw);
	if (leaf_of(c, &v)) {
		out_str(&o, ", certificate's ");
		out_hex_u64(&o, v.tcb.raw);
	}
	fault_advise(f, "the host's firmware was updated and its certificate source is behind",
	             "set CERT_CACHE to another source (thim, azure, amd), or try again later");
	return fault_set_detail(f, ERR_MISMATCH, STEP_COLLATERAL, "no platform certificate fits the SNP report", out_span(&o));
}

/* A report, and certificates that fit it. Repair of stale ones (azure-protocols.md 2.6, without the faults of section 9): what we
 * hold; else what the source gives for this report; else a NEW report, kept, and what the source gives for that. On success
 * report, r and certs belong together. The first refusal of a source may be transient, so it does not end the second round. */
static enum err collect(struct attest_collect *c, const struct attest_order *o, uint8_t report[SNP_REPORT_LEN],
                        struct snp_report *r, struct fault *f)
{
	const char *difference = NULL;
	enum err err;

	TRY(take_report(o->runtime, report, r, o->deadline_ms, f));
	lock_take(&certs_lock);
	c->certs = certs;
	lock_release(&certs_lock);
	if (certs_match(&c->certs, r, &difference))
		return ERR_OK;
	log_text(LOG_DEBUG, "attest", "platform certificates do not fit the report; fetching",
		 "differs", span_str(difference));
	err = refresh(c, o->s, r, o->deadline_ms, f);
	if (err != ERR_MISMATCH && err != ERR_NOT_FOUND)
		return err;
	TRY(take_report(o->runtime, report, r, o->deadline_ms, f));
	err = refresh(c, o->s, r, o->deadline_ms, f);
	if (err != ERR_MISMATCH)
		return err;
	(void)certs_match(&c->thim.certs, r, &difference);
	return tell_mismatch(&c->thim.certs, r, difference, f);
}

enum err attest_evidence_in(struct attest_collect *c, const struct attest_settings *s, struct span runtime,
                            uint8_t report[SNP_REPORT_LEN], int64_t deadline_ms, struct fault *f)
{
	const struct attest_order o = { .s = s, .runtime = runtime, .deadline_ms = deadline_ms };
	struct snp_report r;

	fault_clear(f);
	TRY(collect(c, &o, report, &r, f));
	fault_clear(f); /* what was repaired on the way is no fault */
	return ERR_OK;
}

static enum err take_turn(int64_t deadline_ms, const struct step *step, struct fault *f)
{
	fault_clear(f);
	return lock_take_until(&callers_lock, deadline_ms) ? ERR_OK :
	       fault_set(f, ERR_TIMEOUT, step, "waiting for another attestation took too long");
}

enum err attest_evidence(const struct attest_settings *s, struct span runtime, uint8_t report[SNP_REPORT_LEN], int64_t deadline_ms,
                         struct fault *f)
{
	enum err err;

	TRY(take_turn(deadline_ms, STEP_REPORT, f));
	err = attest_evidence_in(&callers.collect, s, runtime, report, deadline_ms, f);
	lock_release(&callers_lock);
	return err;
}

void attest_collateral(struct attest_collateral *c)
{
	lock_take(&certs_lock);
	memcpy(c->pem, certs.pem, certs.pem_len);
	c->pem_len = certs.pem_len;
	c->version = certs_version;
	lock_release(&certs_lock);
	c->endorsement = span_of(context.reference, context.reference_len);
}

struct span attest_policy(void)
{
	return span_of(context.policy, context.policy_len);
}

unsigned attest_certs_version(void)
{
	return certs_version;
}

/* --- The token --- */

static enum err attest_once(struct attest_work *w, const struct attest_order *o, struct attest_result *res, struct fault *f)
{
	const struct maa_evidence e = {
		.report = span_of(res->report, sizeof res->report),
		.chain_pem = span_of(w->collect.certs.pem, w->collect.certs.pem_len),
		.uvm = span_of(context.reference, context.reference_len),
		.runtime = o->runtime,
	};
	const struct maa_expect x = { .instance = o->maa, .nonce = w->maa.nonce, .report_data = res->report + 0x50,
	                              .host_data = res->report + 0xc0 };
	struct out token = out_init(res->token, sizeof res->token);

	TRY(maa_attest(&w->maa, o->maa, &e, &token, o->deadline_ms, f));
	res->token_len = token.n;
	return maa_verify(&w->maa, out_span(&token), &x, o->deadline_ms, f);
}

/* The service rejects the evidence as such, not its content by policy: our certificates may be what is wrong with it. */
static bool evidence_rejected(enum err err, const struct fault *f)
{
	return err == ERR_HTTP && f->step == STEP_ATTEST && f->http_status == 400;
}

static enum err attest(struct attest_work *w, const struct attest_order *o, struct attest_result *res, struct fault *f)
{
	struct fault rejected, again;
	struct snp_report r;
	enum err err = collect(&w->collect, o, res->report, &r, f);

	if (!err)
		err = attest_once(w, o, res, f);
	if (!evidence_rejected(err, f))
		return err;
	/* Once more from the start, with a new report and new certificates. When those cannot be had, the service's own words
	 * are worth more than the reason for that. */
	log_fault(LOG_DEBUG, "attest", "evidence rejected; collecting new evidence", f);
	rejected = *f;
	if (take_report(o->runtime, res->report, &r, o->deadline_ms, &again) != ERR_OK ||
	    refresh(&w->collect, o->s, &r, o->deadline_ms, &again) != ERR_OK) {
		*f = rejected;
		return err;
	}
	return attest_once(w, o, res, f);
}

enum err attest_token_in(struct attest_work *w, const struct attest_order *o, struct attest_result *r, struct fault *f)
{
	enum err err;

	fault_clear(f);
	r->token_len = 0;
	err = attest(w, o, r, f);
	if (err)
		r->token_len = 0;
	else
		fault_clear(f);
	return err;
}

enum err attest_token(const struct attest_settings *s, struct span runtime, struct attest_result *r, int64_t deadline_ms, struct fault *f)
{
	return attest_token_from(s, s->maa, runtime, r, deadline_ms, f);
}

enum err attest_token_from(const struct attest_settings *s, const char *maa, struct span runtime, struct attest_result *r,
                           int64_t deadline_ms, struct fault *f)
{
	const struct attest_order o = { s, maa, runtime, deadline_ms };
	enum err err;

	r->token_len = 0;
	TRY(take_turn(deadline_ms, STEP_ATTEST, f));
	err = attest_token_in(&callers, &o, r, f);
	lock_release(&callers_lock);
	return err;
}
