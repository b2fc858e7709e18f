/* A proof. */
#include "snp/proof.h"

#include <string.h>

#include "crypto/hash.h"
#include "text/base64.h"
#include "text/der.h"
#include "text/hex.h"
#include "text/json_read.h"

#define PROOF_TOKENS 64
static const char tee_type[] = "sevsnp";

/* --- Writing --- */

static void put_optional(struct jw *w, const char *name, struct span bytes)
{
	if (bytes.n)
		jw_b64(w, name, bytes, B64_STD);
}

enum err proof_write(struct out *o, const struct proof *p)
{
	struct der d = der_init(p->chain);
	struct jw w = jw_init(o);
	size_t start = o->n;

	jw_object(&w, NULL);
	jw_u64(&w, "parley_proof", 1);
	jw_str(&w, "tee_type", tee_type);
	jw_b64(&w, "report", p->report, B64_STD);
	jw_array(&w, "certificates");
	for (int i = 0; i < 3; i++)
		jw_b64(&w, NULL, der_element(&d, NULL), B64_STD);
	jw_end_array(&w);
	put_optional(&w, "crl", p->crl);
	put_optional(&w, "endorsement", p->endorsement);
	put_optional(&w, "policy", p->policy);
	jw_b64(&w, "runtime_data", p->runtime_data, B64_STD);
	jw_str(&w, "nonce", p->nonce);
	jw_hex(&w, "tls_spki_sha256", span_of(p->tls_spki_sha256, 32));
	if (p->token.n)
		jw_span(&w, "token", p->token);
	jw_end_object(&w);
	if (!der_done(&d))
		return ERR_SYNTAX;
	return o->bad || o->n - start > PROOF_MAX ? ERR_TOO_BIG : ERR_OK;
}

enum err proof_write_fitting(struct out *o, struct proof *p)
{
	struct span *const optional[] = { &p->token, &p->policy };
	size_t start = o->n;
	enum err err = proof_write(o, p);

	for (size_t i = 0; i < 2 && err == ERR_TOO_BIG && !o->bad; i++) {
		if (optional[i]->n == 0)
			continue;
		o->n = start;
		*optional[i] = span_of(NULL, 0);
		err = proof_write(o, p);
	}
	return err;
}

/* --- Reading --- */

struct reader {
	struct proof *p;
	uint8_t *store;
	size_t used;
	unsigned seen; /* bit i: member i was there; the JSON reader has refused repeated names */
};

static enum err take_b64(struct reader *r, struct json_val v, struct span *bytes)
{
	struct span text;
	size_t n;

	TRY(json_plain(v, &text));
	TRY(base64_decode(B64_STD, text, r->store + r->used, PROOF_MAX - r->used, &n));
	if (n == 0)
		return ERR_SYNTAX; /* an absent part is left out, not empty */
	*bytes = span_of(r->store + r->used, n);
	r->used += n;
	return ERR_OK;
}

/* Judged by supported. */
static enum err take_kind(struct reader *r, struct json_val v)
{
	(void)r;
	(void)v;
	return ERR_OK;
}

static enum err take_report(struct reader *r, struct json_val v)
{
	enum err err = take_b64(r, v, &r->p->report);

	return !err && r->p->report.n != SNP_REPORT_LEN ? ERR_RANGE : err;
}

/* Decoded one behind the other, the store being a stack. */
static enum err take_certificates(struct reader *r, struct json_val v)
{
	const uint8_t *start = r->store + r->used;
	size_t at = r->used;

	if (json_type_of(v) != JSON_ARRAY || json_size(v) != 3)
		return ERR_SYNTAX;
	for (size_t i = 0; i < 3; i++) {
		struct span one;
		struct der d;

		TRY(take_b64(r, json_at(v, i), &one));
		d = der_init(one);
		(void)der_element(&d, NULL);
		if (!der_done(&d)) /* each is one element: where one certificate ends is not for the next to say */
			return ERR_SYNTAX;
	}
	r->p->chain = span_of(start, r->used - at);
	return ERR_OK;
}

static enum err take_nonce(struct reader *r, struct json_val v)
{
	return json_cstr(v, r->p->nonce, sizeof r->p->nonce);
}

static enum err take_tls_key(struct reader *r, struct json_val v)
{
	uint8_t again[64];
	struct out o = out_init(again, sizeof again);
	struct span text;

	TRY(json_plain(v, &text));
	TRY(hex_decode(text, r->p->tls_spki_sha256, 32));
	out_hex(&o, r->p->tls_spki_sha256, 32);
	return span_eq(text, out_span(&o)) ? ERR_OK : ERR_SYNTAX; /* one way to write it: lower case */
}

static enum err take_token(struct reader *r, struct json_val v)
{
	enum err err = json_plain(v, &r->p->token);

	return !err && r->p->token.n == 0 ? ERR_SYNTAX : err;
}

static enum err take_members(struct reader *r, struct json_val root, const char **problem)
{
	const struct {
		const char *name;
		enum err (*take)(struct reader *r, struct json_val v);
		struct span *bytes; /* instead of take: base64 */
		bool optional;
	} members[] = {
		{ "parley_proof", take_kind, NULL, false }, { "tee_type", take_kind, NULL, false },
		{ "report", take_report, NULL, false }, { "certificates", take_certificates, NULL, false },
		{ "crl", NULL, &r->p->crl, true }, { "endorsement", NULL, &r->p->endorsement, true }, { "policy", NULL, &r->p->policy, true },
		{ "runtime_data", NULL, &r->p->runtime_data, false }, { "nonce", take_nonce, NULL, false },
		{ "tls_spki_sha256", take_tls_key, NULL, false }, { "token", take_token, NULL, true },
	};
	enum { MEMBERS = sizeof members / sizeof members[0] };
	struct json_val name, value;

	for (size_t i = 0; json_member(root, i, &name, &value); i++) {
		size_t k = 0;
		enum err err;

		while (k < MEMBERS && !json_is(name, members[k].name))
			k++;
		*problem = k < MEMBERS ? members[k].name : "a member that is not known";
		if (k == MEMBERS)
			return ERR_SYNTAX;
		err = members[k].take ? members[k].take(r, value) : take_b64(r, value, members[k].bytes);
		if (err)
			return err == ERR_NOT_FOUND ? ERR_SYNTAX : err;
		r->seen |= 1u << k;
	}
	for (size_t k = 0; k < MEMBERS; k++) {
		*problem = members[k].name;
		if (!members[k].optional && !(r->seen & 1u << k))
			return ERR_SYNTAX;
	}
	return ERR_OK;
}

/* Before anything else is judged: members of a version that is not known are not ours to call wrong. */
static enum err supported(struct json_val root, uint8_t *store, const char **problem)
{
	struct json_val version = json_get(root, "parley_proof"), type = json_get(root, "tee_type");
	struct out o = out_init(store, PROOF_MAX);
	uint64_t n;

	*problem = "parley_proof";
	if (json_u64(version, &n) != ERR_OK)
		return ERR_SYNTAX;
	if (n != 1)
		out_str(&o, "this version of proof is not supported (known: 1): ");
	else if (json_present(type) && !json_is(type, tee_type))
		out_str(&o, "this tee_type is not supported (known: sevsnp): ");
	else
		return ERR_OK;
	out_put(&o, json_raw(n == 1 ? type : version));
	*problem = out_cstr(&o);
	return ERR_RANGE;
}

enum err proof_parse(struct span text, uint8_t store[PROOF_MAX], struct proof *p, const char **problem)
{
	struct json_tok toks[PROOF_TOKENS];
	struct proof t = { .nonce = "" };
	struct reader r = { .p = &t, .store = store };
	struct json doc;

	text = span_trim(text);
	*problem = "larger than 32 KiB";
	if (text.n > PROOF_MAX)
		return ERR_TOO_BIG;
	*problem = "not a JSON object";
	if (json_parse(&doc, text, toks, PROOF_TOKENS) != ERR_OK || json_type_of(json_root(&doc)) != JSON_OBJECT)
		return ERR_SYNTAX;
	TRY(supported(json_root(&doc), store, problem));
	TRY(take_members(&r, json_root(&doc), problem));
	*problem = NULL;
	*p = t;
	return ERR_OK;
}

/* --- Judging --- */

static bool check_purpose(struct span data, bool peer, struct runtime *rt, struct checks *c)
{
	const char *why = "the runtime data are not those of a party's evidence: the report was made for another purpose";
	bool ok = runtime_parse(data, rt) == ERR_OK && rt->peer == peer;
	uint8_t text[64];
	struct out found = out_init(text, sizeof text);

	if (!ok)
		runtime_unknown_purpose(data, &found);
	if (found.n)
		why = "this version of runtime data is not supported (known: " RUNTIME_PURPOSE ")";
	return checks_judge(c, "proof.purpose", ok, span_of(NULL, 0), out_span(&found), why);
}

static bool check_runtime(const struct proof *p, bool peer, const struct snp_report *r, struct runtime *rt, struct checks *c)
{
	uint8_t report_data[64];
	bool ok;

	runtime_report_data(p->runtime_data, report_data);
	ok = checks_equal(c, "proof.runtime_data", span_of(report_data, 64), span_of(r->report_data, 64),
	                  "REPORT_DATA is not the hash of the runtime data: the report was made for something else");
	if (!check_purpose(p->runtime_data, peer, rt, c))
		return false;
	ok &= checks_equal(c, "proof.tls_key", span_of(rt->tls_spki_sha256, 32), span_of(p->tls_spki_sha256, 32), "the TLS key is not the one in the runtime data");
	return checks_judge(c, "proof.nonce", strcmp(rt->nonce, p->nonce) == 0, span_str(rt->nonce), span_str(p->nonce),
	                    "the nonce is not the one in the runtime data") && ok;
}

static bool check_policy(const struct proof *p, const struct snp_report *r, struct checks *c)
{
	uint8_t hash[SHA256_LEN];

	if (p->policy.n == 0) {
		checks_skip(c, "proof.policy", "the container policy's text is not in the proof");
		return true;
	}
	hash_sha256(p->policy, hash);
	return checks_equal(c, "proof.policy", span_of(hash, sizeof hash), span_of(r->host_data, 32),
	                    "HOST_DATA is not the hash of the container policy that the proof shows");
}

/* The asked nonce makes it fresh, the connection's key makes it this server's; without them it is a saved proof. */
static bool check_connection(const struct proof_rules *rules, const struct runtime *rt, struct checks *c)
{
	bool ok = true;

	if (!rules->nonce)
		checks_skip(c, "connection.nonce", "no nonce was asked for: this shows what was true when the proof was made");
	else
		ok = checks_judge(c, "connection.nonce", strcmp(rules->nonce, rt->nonce) == 0, span_str(rules->nonce), span_str(rt->nonce),
		                  "not made for this request: replayed");
	if (!rules->tls_spki_sha256)
		checks_skip(c, "connection.tls_key", "no connection: whoever shows this proof need not be who it is about");
	else
		ok &= checks_equal(c, "connection.tls_key", span_of(rt->tls_spki_sha256, 32), span_of(rules->tls_spki_sha256, 32),
		                   "the connection does not end in what the report is about: relayed");
	return ok;
}

bool proof_genuine(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts,
                   struct runtime *runtime, struct accept_context *x, struct checks *checks)
{
	const struct verify_evidence e = { p->report, p->chain, p->crl, p->endorsement };
	bool bound, ok;

	*facts = (struct verify_facts){ .configured_root = false };
	*x = (struct accept_context){ .has_age = false };
	*runtime = (struct runtime){ .role = "" };
	if (rules->token_only)
		ok = rules->tokens && rules->tokens->instead(p, rules, facts, x, checks);
	else
		ok = verify_genuine(&e, &rules->verify, facts, checks);
	if (!facts->report.report_data) /* not readable as a report, or no token to believe: nothing to compare with */
		return false;
	bound = check_runtime(p, rules->peer, &facts->report, runtime, checks);
	ok &= bound;
	ok &= check_policy(p, &facts->report, checks);
	ok &= check_connection(rules, runtime, checks);
	if (bound)
		x->role = span_str(runtime->role);
	if (ok && rules->nonce && rules->live) { /* it answers a question that was just asked */
		x->has_age = true;
		x->age_s = 0;
	}
	if (rules->token_only)
		return ok && checks_ok(checks, CHECK_GENUINE);
	if (p->token.n && rules->tokens)
		ok &= rules->tokens->beside(p, rules, facts, x, checks);
	else
		checks_skip(checks, "token", p->token.n ? "the token was passed over" : "there is no attestation service's token");
	return ok && checks_ok(checks, CHECK_GENUINE);
}
