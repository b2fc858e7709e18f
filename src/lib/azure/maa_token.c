/* Microsoft Azure Attestation: the check of a token against the service's keys and our expectations. */
#include "azure/maa.h"

#include <string.h>

#include "http/call.h"
#include "azure/services.h"
#include "os/clock.h"
#include "os/lock.h"
#include "snp/token.h"

#define KEYS_GOOD_MS 3600000 /* a key set is kept an hour */
#define KEYS_AGAIN_MS 5000   /* a set younger than this is not fetched again for an unknown kid */

/* The key set of one instance and the work area of a verification; guarded by the lock, which is held over the fetch. */
static struct {
	struct https conn;
	uint8_t set[CLIENT_BODY_MAX];
	size_t set_len; /* 0: none */
	char instance[HOSTPORT_MAX];
	int64_t fetched_ms;
	struct token_work token;
	struct checks checks;
} work;
static struct lock area_lock = LOCK_INIT;

static enum err refuse(struct fault *f, enum err err, const char *message)
{
	return fault_set(f, err, STEP_TOKEN_VERIFY, message);
}

static enum err fetch_set(const char *instance, int64_t deadline_ms, struct fault *f)
{
	struct call k = {
		.request = { .method = "GET", .target = "/certs" },
		.step = STEP_TOKEN_VERIFY, .service = SERVICE_MAA, .body = work.set, .cap = sizeof work.set,
	};
	struct call_answer a;
	char host[HOST_MAX];
	struct json doc;

	work.set_len = 0;
	if (call_host(instance, host, &k.to) != ERR_OK || !span_copy_str(span_str(instance), work.instance, sizeof work.instance))
		return refuse(f, ERR_CONFIG, "the attestation service's name is malformed");
	TRY(call_success(&work.conn, &k, &a, deadline_ms, f));
	if (json_parse(&doc, a.body, work.token.set_toks, TOKEN_SET_TOKENS) != ERR_OK ||
	    json_type_of(json_get(json_root(&doc), "keys")) != JSON_ARRAY)
		return refuse(f, ERR_PROTOCOL, "the attestation service's key set is malformed");
	work.set_len = a.body.n;
	work.fetched_ms = clock_ms();
	return ERR_OK;
}

static bool set_is_for(const char *instance, int64_t age_ms)
{
	return work.set_len && strcmp(work.instance, instance) == 0 && clock_ms() - work.fetched_ms < age_ms;
}

/* Judges by the set that is here. */
static enum err judge(struct span token, const char *instance)
{
	char issuer[HOSTPORT_MAX + 16];
	const struct token_rules rules = { .issuer = issuer, .keys = span_of(work.set, work.set_len), .now_s = clock_unix() };

	if (!out_join(issuer, sizeof issuer, "https://", instance))
		return ERR_CONFIG;
	checks_init(&work.checks);
	return token_verify(token, &rules, &work.token, NULL, &work.checks);
}

/* The first check that failed, as a fault. */
static enum err tell(struct fault *f, enum err err)
{
	const struct checks *c = &work.checks;
	size_t i = 0;

	while (i < c->n && c->list[i].state != CHECK_FAILED)
		i++;
	if (i == c->n)
		return refuse(f, err, "the token could not be judged");
	if (err == ERR_UNTRUSTED && strcmp(c->list[i].id, "token.time") == 0)
		fault_advise(f, "the service's clock and this host's differ, or the token is old", "try again; check the time");
	return fault_set_detail(f, err, STEP_TOKEN_VERIFY, checks_text(c, c->list[i].why), span_str(checks_text(c, c->list[i].found)));
}

/* What this party asked for, of a token that is genuine. */
static enum err check_asked(struct json_val claims, const struct maa_expect *x, struct fault *f)
{
	if (x->nonce && !json_is(json_get(claims, "nonce"), x->nonce))
		return refuse(f, ERR_MISMATCH, "the token does not carry our nonce");
	if (x->report_data && !token_hex_is(json_get(claims, "x-ms-sevsnpvm-reportdata"), x->report_data, 64))
		return refuse(f, ERR_MISMATCH, "the token is about another report (report data)");
	if (x->host_data && !token_hex_is(json_get(claims, "x-ms-sevsnpvm-hostdata"), x->host_data, 32))
		return refuse(f, ERR_MISMATCH, "the token is about another container (host data)");
	return ERR_OK;
}

static enum err verify_locked(struct span token, const struct maa_expect *x, int64_t deadline_ms, struct fault *f)
{
	enum err err;

	if (!set_is_for(x->instance, KEYS_GOOD_MS))
		TRY(fetch_set(x->instance, deadline_ms, f));
	err = judge(token, x->instance);
	if (work.token.unlisted && !set_is_for(x->instance, KEYS_AGAIN_MS)) {
		TRY(fetch_set(x->instance, deadline_ms, f));
		err = judge(token, x->instance);
	}
	return err ? tell(f, err) : check_asked(json_root(&work.token.claims), x, f);
}

enum err maa_verify(struct span token, const struct maa_expect *x, int64_t deadline_ms, struct fault *f)
{
	enum err err;

	if (!lock_take_until(&area_lock, deadline_ms))
		return refuse(f, ERR_TIMEOUT, "waiting for another token's verification took too long");
	err = verify_locked(token, x, deadline_ms, f);
	lock_release(&area_lock);
	if (f && err)
		fault_text(f->service, sizeof f->service, span_str(x->instance));
	return err;
}
