/* Microsoft Azure Attestation: the check of a token against the service's keys and our expectations. */
#include "client/maa.h"

#include <string.h>

#include "client/call.h"
#include "crypto/jws.h"
#include "enc/hex.h"
#include "plat/clock.h"
#include "plat/lock.h"
#include "tee/token.h"

#define KEYS_GOOD_MS 3600000 /* a key set is kept an hour */
#define KEYS_AGAIN_MS 5000   /* a set younger than this is not fetched again for an unknown kid */
#define LEEWAY_S 300         /* section 7: clocks of services and hosts differ */
#define KEY_TOKENS 1024
#define CLAIM_TOKENS 1024
#define HEADER_MAX 4096
#define HEADER_TOKENS 64

/* The key set of one instance and the work area of a verification; guarded by the lock, which is held over the fetch. */
static struct {
	struct https conn;
	uint8_t set[CLIENT_BODY_MAX];
	size_t set_len; /* 0: none */
	char instance[HOSTPORT_MAX];
	int64_t fetched_ms;
	struct json_tok set_toks[KEY_TOKENS];
	struct json set_doc;
	uint8_t key_bytes[8192];
	uint8_t header[HEADER_MAX];
	struct json_tok header_toks[HEADER_TOKENS];
	struct json_tok claim_toks[CLAIM_TOKENS];
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

	work.set_len = 0;
	if (call_host(instance, host, &k.to) != ERR_OK || !span_copy_str(span_str(instance), work.instance, sizeof work.instance))
		return refuse(f, ERR_CONFIG, "the attestation service's name is malformed");
	TRY(call_success(&work.conn, &k, &a, deadline_ms, f));
	if (json_parse(&work.set_doc, a.body, work.set_toks, KEY_TOKENS) != ERR_OK ||
	    json_type_of(json_get(json_root(&work.set_doc), "keys")) != JSON_ARRAY)
		return refuse(f, ERR_PROTOCOL, "the attestation service's key set is malformed");
	work.set_len = a.body.n;
	work.fetched_ms = clock_ms();
	return ERR_OK;
}

static bool set_is_for(const char *instance, int64_t age_ms)
{
	return work.set_len && strcmp(work.instance, instance) == 0 && clock_ms() - work.fetched_ms < age_ms;
}

static enum err get_key(const char *instance, struct json_val header, struct verify_key *key, int64_t deadline_ms, struct fault *f)
{
	struct json_val jwk;
	bool found = set_is_for(instance, KEYS_GOOD_MS) && token_find_key(json_root(&work.set_doc), header, &jwk);

	if (!found && !set_is_for(instance, KEYS_AGAIN_MS)) {
		TRY(fetch_set(instance, deadline_ms, f));
		found = token_find_key(json_root(&work.set_doc), header, &jwk);
	}
	if (!found)
		return refuse(f, ERR_UNTRUSTED, "the token is signed with a key that the attestation service does not list");
	if (jwk_read_public(jwk, work.key_bytes, sizeof work.key_bytes, key) != ERR_OK)
		return refuse(f, ERR_PROTOCOL, "the attestation service's key cannot be read");
	return ERR_OK;
}

/* --- Claims --- */

static enum err check_issuer(struct json_val claims, const char *instance, struct fault *f)
{
	char issuer[HOSTPORT_MAX + 16];

	if (!out_join(issuer, sizeof issuer, "https://", instance) || !json_is(json_get(claims, "iss"), issuer))
		return refuse(f, ERR_UNTRUSTED, "the token's issuer is not the configured attestation service");
	return ERR_OK;
}

static enum err check_times(struct json_val claims, struct fault *f)
{
	int64_t now = clock_unix();
	uint64_t exp, nbf;
	bool has_nbf = json_present(json_get(claims, "nbf"));

	if (json_u64(json_get(claims, "exp"), &exp) != ERR_OK || exp > INT64_MAX / 2 ||
	    (has_nbf && (json_u64(json_get(claims, "nbf"), &nbf) != ERR_OK || nbf > INT64_MAX / 2)))
		return refuse(f, ERR_PROTOCOL, "the token's times are missing or malformed");
	if ((int64_t)exp + LEEWAY_S <= now || (has_nbf && (int64_t)nbf - LEEWAY_S > now)) {
		fault_advise(f, "the service's clock and this host's differ, or the token is old", "try again; check the time");
		return refuse(f, ERR_UNTRUSTED, "the token is not valid now");
	}
	return ERR_OK;
}

/* A claim of hex text equal to n bytes; either case. */
static bool hex_claim_is(struct json_val claim, const uint8_t *bytes, size_t n)
{
	uint8_t got[64];
	struct span text;

	return n <= sizeof got && json_plain(claim, &text) == ERR_OK && hex_decode(text, got, n) == ERR_OK &&
	       span_eq(span_of(got, n), span_of(bytes, n));
}

static enum err check_claims(struct json_val claims, const struct maa_expect *x, struct fault *f)
{
	TRY(check_issuer(claims, x->instance, f));
	TRY(check_times(claims, f));
	if (!json_is(json_get(claims, "x-ms-attestation-type"), "sevsnpvm"))
		return refuse(f, ERR_MISMATCH, "the token is not about an SNP guest");
	if (x->nonce && !json_is(json_get(claims, "nonce"), x->nonce))
		return refuse(f, ERR_MISMATCH, "the token does not carry our nonce");
	if (x->report_data && !hex_claim_is(json_get(claims, "x-ms-sevsnpvm-reportdata"), x->report_data, 64))
		return refuse(f, ERR_MISMATCH, "the token is about another report (report data)");
	if (x->host_data && !hex_claim_is(json_get(claims, "x-ms-sevsnpvm-hostdata"), x->host_data, 32))
		return refuse(f, ERR_MISMATCH, "the token is about another container (host data)");
	return ERR_OK;
}

/* --- The whole check: signature first, claims only after it --- */

static enum err check_signature(struct span token, const struct maa_expect *x, struct jws *j, uint8_t *payload, size_t cap,
                                int64_t deadline_ms, struct fault *f)
{
	struct verify_key key;
	struct json header;

	if (jws_decode(token, work.header, sizeof work.header, payload, cap, j) != ERR_OK)
		return refuse(f, ERR_PROTOCOL, "the token is not a compact JWS");
	if (json_parse(&header, j->header, work.header_toks, HEADER_TOKENS) != ERR_OK ||
	    json_type_of(json_get(json_root(&header), "kid")) != JSON_STRING)
		return refuse(f, ERR_PROTOCOL, "the token's header is malformed");
	TRY(get_key(x->instance, json_root(&header), &key, deadline_ms, f));
	if (jws_verify(j, json_root(&header), &key) != ERR_OK)
		return refuse(f, ERR_CRYPTO, "the token's signature is wrong");
	return ERR_OK;
}

static enum err verify_locked(struct span token, const struct maa_expect *x, uint8_t *payload, size_t cap,
                              size_t *payload_len, int64_t deadline_ms, struct fault *f)
{
	struct json claims;
	struct jws j;

	TRY(check_signature(token, x, &j, payload, cap, deadline_ms, f));
	if (json_parse(&claims, j.payload, work.claim_toks, CLAIM_TOKENS) != ERR_OK)
		return refuse(f, ERR_PROTOCOL, "the token's claims are malformed");
	TRY(check_claims(json_root(&claims), x, f));
	*payload_len = j.payload.n;
	return ERR_OK;
}

enum err maa_verify(struct span token, const struct maa_expect *x, uint8_t *payload, size_t cap, size_t *payload_len,
                    int64_t deadline_ms, struct fault *f)
{
	enum err err;

	if (!lock_take_until(&area_lock, deadline_ms))
		return refuse(f, ERR_TIMEOUT, "waiting for another token's verification took too long");
	err = verify_locked(token, x, payload, cap, payload_len, deadline_ms, f);
	lock_release(&area_lock);
	if (f && err)
		fault_text(f->service, sizeof f->service, span_str(x->instance));
	return err;
}
