/* Fetching another party's encrypted records over a connection whose ends have proven who they are. */
#include "party/partner.h"

#include <string.h>

#include "base/log.h"
#include "http/call.h"
#include "http/refusal.h"
#include "os/clock.h"
#include "attest/certificate.h"
#include "party/records/records.h"

#define STEP_MS 13000 /* one blocking step: with a keep-alive between any two, a stream is silent for less than 15 s */
#define ROUNDS 3
#define WAIT_MS 2000
#define WAIT_SLICE_MS 500

const char *partner_spool_name(enum role role)
{
	return role == ROLE_CONTOSO ? "partner-contoso.spool" : "partner-fabrikam.spool";
}

static int64_t soon(void)
{
	return clock_ms() + STEP_MS;
}

static enum err tick(struct partner *p, const struct partner_job *job)
{
	enum err e = job->tick ? job->tick(job->ctx) : ERR_OK;

	p->stopped = e != ERR_OK;
	return e;
}

/* --- who is there --- */

/* The partner's own words, where it has some, go into the fault. */
static enum err http_fault(struct partner *p, struct fault *f)
{
	int status = p->link.head.status;
	enum err e = status == 429 ? ERR_THROTTLED : ERR_HTTP;
	size_t n = https_error_body(&p->link, p->body, sizeof p->body, STEP_PARTNER, soon());
	struct refusal r;
	char what[64];
	struct out o = out_init(what, sizeof what);

	refusal_read(span_of(p->body, n), &r);
	f->http_status = status;
	out_str(&o, "the partner answered with status ");
	out_u64(&o, (uint64_t)status);
	return fault_set_detail(f, e, STEP_PARTNER, out_cstr(&o), span_str(r.message));
}

/* Sends a request with this body (or none) and takes its answer's head: anything but `status` is an error. The target begins with
 * the path of the partner's URL. */
static enum err ask(struct partner *p, const struct partner_job *job, const char *path, struct span body, int status,
                    struct fault *f)
{
	struct https_request r = { "POST", (const char *)p->chunk, NULL, "application/json", body };

	(void)out_join((char *)p->chunk + p->prefix, sizeof p->chunk - p->prefix, path);
	if (body.n == 0)
		r = (struct https_request){ "GET", r.target, "Accept: application/x-ndjson\r\n", NULL, body };
	TRY(https_send(&p->link, &r, STEP_PARTNER, soon(), f));
	return p->link.head.status == status ? tick(p, job) : http_fault(p, f);
}

/* Each side proves itself on this connection (party/peer.h). We go second, to a partner that we know then. */
static enum err prove_both(struct partner *p, const struct partner_job *job, struct fault *f)
{
	struct out o = out_init(p->body, sizeof p->body);
	struct jw w = jw_init(&o);
	struct json doc;
	size_t n;

	jw_object(&w, NULL);
	peer_put_nonce(&w, p->talk.nonce[PEER_CLIENT]);
	jw_end_object(&w);
	TRY(ask(p, job, "/peer/hello", out_span(&o), 200, f));
	TRY(https_body(&p->link, p->body, sizeof p->body, &n, STEP_PARTNER, soon(), f));
	if (json_parse(&doc, span_of(p->body, n), p->toks, PARTNER_TOKS) ||
	    !peer_take_nonce(json_get(json_root(&doc), "nonce"), p->talk.nonce[PEER_SERVER]))
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's answer holds no nonce");
	TRY(peer_check(job->s, PEER_CLIENT, &p->link.tls, &p->talk, json_root(&doc), &p->work, f));
	TRY(tick(p, job));
	o.n = 0;
	w = jw_init(&o);
	jw_object(&w, NULL);
	TRY(peer_prove(job->s, PEER_CLIENT, &p->talk, &w, f));
	jw_end_object(&w);
	TRY(ask(p, job, "/peer/proof", out_span(&o), 204, f));
	return https_body(&p->link, p->body, sizeof p->body, &n, STEP_PARTNER, soon(), f);
}

/* Opens p->link, which fetch_once closes, and proves who is at its ends. */
static enum err connect_partner(struct partner *p, const struct partner_job *job, struct fault *f)
{
	struct out prefix = out_init(p->chunk, URL_MAX);
	struct https_target to;
	char host[HOST_MAX];

	if (call_target(job->s->partner[job->role].url, host, &to, &prefix) || to.plain)
		return fault_set(f, ERR_CONFIG, STEP_PARTNER, "the partner's URL is not an https URL");
	while (prefix.n && prefix.p[prefix.n - 1] == '/')
		prefix.n--;
	p->prefix = prefix.n;
	to.trust = TLS_TRUST_LATER;
	to.own = peer_identity();
	TRY(https_open(&p->link, &to, STEP_PARTNER, soon(), f));
	TRY(tick(p, job));
	TRY(peer_meet(job->s, PEER_CLIENT, &p->link.tls, job->role, &p->talk, &p->work, f));
	return prove_both(p, job, f);
}

/* --- the records --- */

static enum err count_items(struct partner *p, struct span in, uint64_t *count, struct fault *f)
{
	struct span item;
	enum err e;

	while ((e = json_items_next(&p->items, &in, &item)) == ERR_OK)
		*count += !records_is_head(item) && !records_is_end(item);
	return e == ERR_MORE ? ERR_OK : fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's answer is no list of records");
}

static enum err take_body(struct partner *p, const struct partner_job *job, uint64_t *count, struct fault *f)
{
	uint64_t total = 0;
	size_t n = 1;

	json_items_init(&p->items, p->item, sizeof p->item);
	for (*count = 0; n; total += n) {
		TRY(https_read(&p->link, p->chunk, sizeof p->chunk, &n, STEP_PARTNER, soon(), f));
		if (n > DATA_FILE_MAX - total)
			return fault_set(f, ERR_TOO_BIG, STEP_PARTNER, "the partner's answer is larger than 64 GiB");
		TRY(count_items(p, span_of(p->chunk, n), count, f));
		out_bytes(&p->spool.o, p->chunk, n);
		TRY(spool_settle(&p->spool, f));
		TRY(tick(p, job));
	}
	if (json_items_finish(&p->items))
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's answer ends in the middle of a record");
	return ERR_OK;
}

static enum err take_list(struct partner *p, const struct partner_job *job, uint64_t *count, struct fault *f)
{
	enum err e = ask(p, job, "/company/list", span_of(NULL, 0), 200, f);

	if (!e && !http_media_type_is(&p->link.head, "application/x-ndjson") && !http_media_type_is(&p->link.head, "application/json"))
		e = fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's answer is not JSON");
	if (!e)
		e = spool_create(&p->spool, job->s->data_dir, partner_spool_name(job->role), f);
	if (!e)
		e = take_body(p, job, count, f);
	if (!e)
		e = spool_commit(&p->spool, f);
	spool_abandon(&p->spool);
	return e;
}

static enum err fetch_once(struct partner *p, const struct partner_job *job, uint64_t *count, struct fault *f)
{
	enum err e = tick(p, job);

	*count = 0;
	if (!e)
		e = connect_partner(p, job, f);
	if (!e)
		e = take_list(p, job, count, f);
	https_close(&p->link);
	return e;
}

static bool may_pass(enum err e, const struct fault *f)
{
	switch (e) {
	case ERR_OK: /* but no records */
	case ERR_TIMEOUT:
	case ERR_CLOSED:
	case ERR_THROTTLED:
		return true;
	case ERR_HTTP:
		return f->http_status >= 500;
	default:
		return false;
	}
}

/* Also as long as our own certificate, right after the start, is about to have evidence. */
static enum err wait_a_little(struct partner *p, const struct partner_job *job, int64_t ms)
{
	int64_t until = clock_ms() + ms;
	enum err e = tick(p, job);

	while (!e && (clock_ms() < until || certificate_pending())) {
		clock_sleep(WAIT_SLICE_MS, INT64_MAX);
		e = tick(p, job);
	}
	return e;
}

static enum err check_settings(const struct partner_settings *known, struct fault *f)
{
	if (!known->url[0])
		return fault_set(f, ERR_CONFIG, STEP_PARTNER, "no URL is configured");
	if (!known->host_data.set)
		return fault_set(f, ERR_CONFIG, STEP_PARTNER, "no expected host data are configured, "
		                 "so the partner cannot be told from anybody else");
	return ERR_OK;
}

enum err partner_fetch(struct partner *p, const struct partner_job *job, uint64_t *count, struct fault *f)
{
	enum err e = check_settings(&job->s->partner[job->role], f);
	bool again = e == ERR_OK;

	p->stopped = false;
	for (int round = 0; round < ROUNDS && again; round++) {
		e = wait_a_little(p, job, round ? WAIT_MS : 0);
		if (!e) {
			fault_clear(f);
			e = fetch_once(p, job, count, f);
		}
		if (e && !p->stopped)
			log_fault(LOG_WARN, "partner", "fetch failed", f);
		again = !p->stopped && (e ? may_pass(e, f) : *count == 0);
	}
	if (!e && *count == 0)
		e = fault_set(f, ERR_NOT_FOUND, STEP_PARTNER, "no records after 2 recovery attempts");
	return e;
}

enum err partner_incomplete(struct fault *f, const char *errors)
{
	enum err e = fault_set_detail(f, f->err, STEP_PARTNER,
	                              "no statistics without the records of every partner", span_str(errors));

	fault_advise(f, "a partner is down, has no key or no records, or the network or a host drops "
	             "what is sent",
	             "see that each partner runs and has its key and its records, then run it again; "
	             "with PARTIAL_RESULTS=on, which is measured, results may leave a partner out");
	return e;
}

void partner_error_text(enum role role, const struct fault *f, struct out *o)
{
	out_strs(o, role_title(role), ": ");
	if (f->http_status && f->http_status != 200 && (f->err == ERR_HTTP || f->err == ERR_THROTTLED)) {
		out_str(o, "HTTP ");
		out_u64(o, (uint64_t)f->http_status);
	} else {
		out_str(o, f->message[0] ? f->message : err_name(f->err));
	}
}
