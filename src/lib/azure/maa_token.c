/* Microsoft Azure Attestation: the check of a token against the service's keys and our expectations. */
#include "azure/maa.h"

#include <string.h>

#include "http/call.h"
#include "azure/services.h"
#include "os/clock.h"

#define KEYS_GOOD_MS 3600000 /* a key set is kept an hour */
#define KEYS_AGAIN_MS 5000   /* a set younger than this is not fetched again for an unknown kid */

static enum err refuse(struct fault *f, enum err err, const char *message)
{
	return fault_set(f, err, STEP_TOKEN_VERIFY, message);
}

static enum err fetch_set(struct maa *m, const char *instance, int64_t deadline_ms, struct fault *f)
{
	struct call k = {
		.request = { .method = "GET", .target = "/certs" },
		.step = STEP_TOKEN_VERIFY, .service = SERVICE_MAA, .body = m->set, .cap = sizeof m->set,
	};
	struct call_answer a;
	char host[HOST_MAX];
	struct json doc;

	m->set_len = 0;
	if (call_host(instance, host, &k.to) != ERR_OK || !span_copy_str(span_str(instance), m->instance, sizeof m->instance))
		return refuse(f, ERR_CONFIG, "the attestation service's name is malformed");
	TRY(call_success(&m->conn, &k, &a, deadline_ms, f));
	if (json_parse(&doc, a.body, m->token.set_toks, TOKEN_SET_TOKENS) != ERR_OK ||
	    json_type_of(json_get(json_root(&doc), "keys")) != JSON_ARRAY)
		return refuse(f, ERR_PROTOCOL, "the attestation service's key set is malformed");
	m->set_len = a.body.n;
	m->fetched_ms = clock_ms();
	return ERR_OK;
}

static bool set_is_for(const struct maa *m, const char *instance, int64_t age_ms)
{
	return m->set_len && strcmp(m->instance, instance) == 0 && clock_ms() - m->fetched_ms < age_ms;
}

/* Judges by the set that is here. */
static enum err judge(struct maa *m, struct span token, const char *instance)
{
	char issuer[HOSTPORT_MAX + 16];
	const struct token_rules rules = { .issuer = issuer, .keys = span_of(m->set, m->set_len), .now_s = clock_unix() };

	if (!out_join(issuer, sizeof issuer, "https://", instance))
		return ERR_CONFIG;
	checks_init(&m->checks);
	return token_verify(token, &rules, &m->token, NULL, &m->checks);
}

/* The first check that failed, as a fault. */
static enum err tell(const struct maa *m, struct fault *f, enum err err)
{
	const struct checks *c = &m->checks;
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

static enum err verify(struct maa *m, struct span token, const struct maa_expect *x, int64_t deadline_ms, struct fault *f)
{
	enum err err;

	if (!set_is_for(m, x->instance, KEYS_GOOD_MS))
		TRY(fetch_set(m, x->instance, deadline_ms, f));
	err = judge(m, token, x->instance);
	if (m->token.unlisted && !set_is_for(m, x->instance, KEYS_AGAIN_MS)) {
		TRY(fetch_set(m, x->instance, deadline_ms, f));
		err = judge(m, token, x->instance);
	}
	return err ? tell(m, f, err) : check_asked(json_root(&m->token.claims), x, f);
}

enum err maa_verify(struct maa *m, struct span token, const struct maa_expect *x, int64_t deadline_ms, struct fault *f)
{
	enum err err = verify(m, token, x, deadline_ms, f);

	if (f && err)
		fault_text(f->service, sizeof f->service, span_str(x->instance));
	return err;
}
