/* Fetching another party's encrypted records over a connection whose far end is proven to be that party. */
#include "svc/partner.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "client/call.h"
#include "crypto/rng.h"
#include "enc/base64.h"
#include "enc/hex.h"
#include "plat/clock.h"
#include "svc/records.h"

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

static enum err mismatch(struct fault *f, const char *message)
{
	fault_set(f, ERR_MISMATCH, STEP_PARTNER, message);
	fault_advise(f, "the address leads to another party, or somebody is in between", "check the partner's URL and host data");
	return ERR_MISMATCH;
}

enum err partner_check_claims(struct span claims, struct span nonce, enum role role, const uint8_t spki[32],
                              struct json_tok *toks, size_t cap, struct fault *f)
{
	struct json doc;
	struct json_val runtime;
	struct span text;
	uint8_t bound[32];

	if (json_parse(&doc, claims, toks, cap))
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's token has malformed claims");
	runtime = json_get(json_root(&doc), "x-ms-runtime");
	if (json_type_of(runtime) != JSON_OBJECT)
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's token carries no runtime claims");
	if (json_plain(json_get(runtime, "client_data"), &text) || !span_eq(text, nonce))
		return mismatch(f, "the partner's token was not made for this request");
	if (!json_is(json_get(runtime, "purpose"), "parley-attest"))
		return mismatch(f, "the partner's token was made for another purpose");
	if (!role_name(role) || !json_is(json_get(runtime, "role"), role_name(role)))
		return mismatch(f, "the partner's token names another party");
	if (json_plain(json_get(runtime, "tls_spki_sha256"), &text) || hex_decode(text, bound, sizeof bound) ||
	    !ct_equal(bound, spki, sizeof bound))
		return mismatch(f, "the partner's token binds another TLS key than this connection's");
	return ERR_OK;
}

static enum err http_fault(struct https *c, struct fault *f)
{
	enum err e = c->head.status == 429 ? ERR_THROTTLED : ERR_HTTP;

	if (f)
		f->http_status = c->head.status;
	return fault_set(f, e, STEP_PARTNER, "the partner answered with an error");
}

/* The token out of {"status":"success","attestation_token":"..."}, a view into p->body. */
static enum err ask_token(struct partner *p, const struct partner_job *job, struct span nonce, struct span *token,
                          struct fault *f)
{
	uint8_t request[128];
	struct out o = out_init(request, sizeof request);
	const char *prefix = (const char *)p->chunk; /* left there by connect_partner */
	struct https_request r = { "POST", prefix, NULL, "application/json", { NULL, 0 } };
	struct json doc;
	size_t n;
	enum err e;

	out_str(&o, "{\"runtime_data\":\"");
	out_put(&o, nonce);
	out_str(&o, "\"}");
	r.body = out_span(&o);
	e = https_send(&p->link, &r, STEP_PARTNER, soon(), f);
	if (!e && p->link.head.status != 200)
		e = http_fault(&p->link, f);
	if (!e)
		e = tick(p, job);
	if (!e)
		e = https_body(&p->link, p->body, sizeof p->body, &n, STEP_PARTNER, soon(), f);
	if (e)
		return e;
	if (json_parse(&doc, span_of(p->body, n), p->toks, PARTNER_TOKS) ||
	    json_plain(json_get(json_root(&doc), "attestation_token"), token))
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's answer holds no attestation token");
	return ERR_OK;
}

/* The target of a request: the URL's path before the fixed one, as C string in p->chunk. */
static enum err set_target(struct partner *p, const struct partner_job *job, const char *path, struct https_target *to,
                           char host[HOST_MAX], struct fault *f)
{
	struct out o = out_init(p->chunk, URL_MAX);

	if (call_target(job->s->partner[job->role].url, host, to, &o) || to->plain)
		return fault_set(f, ERR_CONFIG, STEP_PARTNER, "the partner's URL is not an https URL");
	while (o.n && o.p[o.n - 1] == '/')
		o.n--;
	out_str(&o, path);
	(void)out_cstr(&o);
	return o.bad ? fault_set(f, ERR_CONFIG, STEP_PARTNER, "the partner's URL is too long") : ERR_OK;
}

static enum err attest_partner(struct partner *p, const struct partner_job *job, const uint8_t spki[32], struct fault *f)
{
	uint8_t random[PARTNER_NONCE_LEN], text[B64_LEN(PARTNER_NONCE_LEN)];
	struct out nonce = out_init(text, sizeof text);
	struct span token;
	size_t n;
	enum err e;

	rng_bytes(random, sizeof random);
	base64_encode(&nonce, B64_STD, span_of(random, sizeof random));
	e = ask_token(p, job, out_span(&nonce), &token, f);
	if (!e)
		e = tick(p, job);
	if (!e)
		e = attest_verify_peer(job->s, token, job->s->partner[job->role].host_data, p->payload, sizeof p->payload, &n,
		                       soon(), f);
	if (!e)
		e = partner_check_claims(span_of(p->payload, n), out_span(&nonce), job->role, spki, p->toks, PARTNER_TOKS, f);
	return e;
}

/* Opens p->link and proves who is at its far end; spki gets the proven key. */
static enum err connect_partner(struct partner *p, const struct partner_job *job, uint8_t spki[32], struct fault *f)
{
	const struct partner_settings *known = &job->s->partner[job->role];
	struct https_target to;
	char host[HOST_MAX];
	enum err e = set_target(p, job, "/attest/maa", &to, host, f);

	if (e)
		return e;
	to.trust = known->has_spki ? TLS_TRUST_PIN : TLS_TRUST_LATER;
	to.pin = known->has_spki ? known->spki : NULL;
	e = https_open(&p->link, &to, STEP_PARTNER, soon(), f);
	if (e)
		return e;
	if (!tls_peer_spki(&p->link.tls, spki))
		return fault_set(f, ERR_TLS, STEP_PARTNER, "the partner sent no certificate");
	e = tick(p, job);
	if (!e && known->has_host_data)
		e = attest_partner(p, job, spki, f);
	return e;
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
	enum err e;

	json_items_init(&p->items, p->item, sizeof p->item);
	for (*count = 0; n; total += n) {
		e = https_read(&p->link, p->chunk, sizeof p->chunk, &n, STEP_PARTNER, soon(), f);
		if (!e && n > DATA_FILE_MAX - total)
			e = fault_set(f, ERR_TOO_BIG, STEP_PARTNER, "the partner's answer is larger than 64 GiB");
		if (!e)
			e = count_items(p, span_of(p->chunk, n), count, f);
		if (e)
			return e;
		out_bytes(&p->spool.o, p->chunk, n);
		e = spool_settle(&p->spool, f);
		if (!e)
			e = tick(p, job);
		if (e)
			return e;
	}
	if (json_items_finish(&p->items))
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's answer ends in the middle of a record");
	return ERR_OK;
}

static bool type_ok(const struct https *c)
{
	struct span type;

	if (!http_field_get(&c->head, "Content-Type", &type, NULL))
		return false;
	type = span_trim(span_sub(type, 0, span_find(type, ';')));
	return span_eq_nocase(type, "application/x-ndjson") || span_eq_nocase(type, "application/json");
}

static enum err take_list(struct partner *p, const struct partner_job *job, const uint8_t spki[32], uint64_t *count,
                          struct fault *f)
{
	struct https_request r = { "GET", (const char *)p->chunk, "Accept: application/x-ndjson\r\n", NULL, { NULL, 0 } };
	struct https_target to;
	char host[HOST_MAX];
	uint8_t now[32];
	enum err e = set_target(p, job, "/company/list", &to, host, f);

	if (!e)
		e = https_send(&p->link, &r, STEP_PARTNER, soon(), f);
	if (e)
		return e;
	if (p->link.head.status != 200)
		return http_fault(&p->link, f);
	/* https_send never reconnects; should it ever, what was proven would be of another connection. */
	if (!tls_peer_spki(&p->link.tls, now) || !ct_equal(now, spki, sizeof now))
		return mismatch(f, "the connection is not the one that was checked");
	if (!type_ok(&p->link))
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the partner's answer is not JSON");
	e = tick(p, job);
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
	uint8_t spki[32];
	enum err e = tick(p, job);

	*count = 0;
	if (!e)
		e = connect_partner(p, job, spki, f);
	if (!e)
		e = take_list(p, job, spki, count, f);
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

static enum err wait_a_little(struct partner *p, const struct partner_job *job)
{
	int64_t until = clock_ms() + WAIT_MS;
	enum err e = tick(p, job);

	while (!e && clock_ms() < until) {
		clock_sleep(WAIT_SLICE_MS, until);
		e = tick(p, job);
	}
	return e;
}

static enum err check_settings(const struct partner_settings *known, struct fault *f)
{
	if (!known->url[0])
		return fault_set(f, ERR_CONFIG, STEP_PARTNER, "no URL is configured");
	if (!known->has_host_data && !known->has_spki)
		return fault_set(f, ERR_CONFIG, STEP_PARTNER, "neither the expected host data nor a TLS key is configured, "
		                 "so the partner cannot be told from anybody else");
	return ERR_OK;
}

enum err partner_fetch(struct partner *p, const struct partner_job *job, uint64_t *count, struct fault *f)
{
	enum err e = check_settings(&job->s->partner[job->role], f);
	bool again = e == ERR_OK;

	p->stopped = false;
	for (int round = 0; round < ROUNDS && again; round++) {
		e = round ? wait_a_little(p, job) : ERR_OK;
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

void partner_error_text(enum role role, const struct fault *f, struct out *o)
{
	out_str(o, role_title(role));
	out_str(o, ": ");
	if (f->http_status && f->http_status != 200 && (f->err == ERR_HTTP || f->err == ERR_THROTTLED)) {
		out_str(o, "HTTP ");
		out_u64(o, (uint64_t)f->http_status);
	} else {
		out_str(o, f->message[0] ? f->message : err_name(f->err));
	}
}
