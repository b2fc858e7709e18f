/* Looking inside, in a form that gives nothing away: lengths, thumbprints, booleans. The routes exist with DEBUG_ROUTES=on only. */
#include "text/base64.h"
#include "demo/handlers.h"
#include "party/handlers.h"
#include "party/records/partread.h"

#define CLAIM_TOKENS 640
#define CLAIM_MAX 8192

/* --- /debug/attestation-claims ----------------------------------------------------------------------------------- */

/* The claims of a token that attest_token has verified. */
static bool decode_claims(struct request *q, struct span *claims)
{
	struct span token = span_of(q->scratch->attest.token, q->scratch->attest.token_len);
	size_t n = 0;

	(void)span_cut(&token, '.');
	if (base64_decode(B64_URL, span_cut(&token, '.'), demo_storage(q)->piece, sizeof demo_storage(q)->piece, &n) != ERR_OK)
		return false;
	*claims = span_of(demo_storage(q)->piece, n);
	return true;
}

/* A value as it stands in the text; strings get their quotes back. */
static void copy_value(struct jw *w, const char *name, struct json_val v)
{
	uint8_t text[CLAIM_MAX];
	struct out o = out_init(text, sizeof text);
	bool string = json_type_of(v) == JSON_STRING;

	out_str(&o, string ? "\"" : "");
	out_put(&o, json_raw(v));
	out_str(&o, string ? "\"" : "");
	if (o.bad)
		jw_str(w, name, "(too long to show)");
	else
		jw_raw(w, name, out_span(&o));
}

static void write_sev_claims(struct jw *w, struct json_val root)
{
	struct json_val name, value;
	char text[128];

	jw_object(w, "all_sev_claims");
	for (size_t i = 0; json_member(root, i, &name, &value); i++)
		if (json_cstr(name, text, sizeof text) == ERR_OK && span_starts(span_str(text), "x-ms-sevsnpvm"))
			copy_value(w, text, value);
	jw_end_object(w);
}

static void write_comparison(struct jw *w, const struct settings *s, struct json_val root)
{
	struct json_val actual = json_get(root, "x-ms-sevsnpvm-hostdata");
	struct span hostdata = { NULL, 0 };
	bool known = json_plain(actual, &hostdata) == ERR_OK, match = known && span_eq_nocase(hostdata, s->policy_hex);

	jw_object(w, "comparison");
	jw_span(w, "actual_hostdata", hostdata);
	jw_str(w, "expected_policy_hash", s->policy_hex[0] ? s->policy_hex : NULL);
	if (s->policy_hex[0])
		jw_bool(w, "match", match);
	else
		jw_str(w, "match", "no policy hash is configured (SECURITY_POLICY_HASH)");
	copy_value(w, "attestation_type", json_get(root, "x-ms-attestation-type"));
	jw_end_object(w);
	jw_object(w, "diagnosis");
	jw_str(w, "problem", !s->policy_hex[0] ? "There is nothing to compare with." : match ? "None." :
	                     "The container was started with another policy than the configured hash names.");
	jw_str(w, "solution", match || !s->policy_hex[0] ? NULL : "Put the actual hash into the key's release policy, or deploy the agreed policy.");
	jw_end_object(w);
}

int h_debug_claims(struct request *q, struct jw *w)
{
	struct out runtime = out_init(q->scratch->runtime, sizeof q->scratch->runtime);
	struct json_tok toks[CLAIM_TOKENS];
	struct json doc;
	struct span claims;

	if (attest_runtime_for_caller(&q->s->attest, SPAN_LIT("debug"), &runtime) != ERR_OK ||
	    attest_token(&q->s->attest, out_span(&runtime), &q->scratch->attest, q->deadline_ms, &q->fault) != ERR_OK)
		return FAILED;
	if (!decode_claims(q, &claims) || json_parse(&doc, claims, toks, CLAIM_TOKENS) != ERR_OK)
		return answer_error(q, 500, "The token's claims cannot be read.");
	jw_str(w, "status", "success");
	write_comparison(w, q->s, json_root(&doc));
	write_sev_claims(w, json_root(&doc));
	jw_raw(w, "full_claims", claims);
	return 200;
}

/* --- partners' keys ---------------------------------------------------------------------------------------------- */

static const char *const key_views[] = { "raw_structure", "after_one_unwrap" };

/* What the original called the structure of a stored key: here its public description. */
static void write_key(struct jw *w, enum role partner)
{
	char thumbprint[JWK_THUMBPRINT_LEN + 1];
	enum key_type type;
	unsigned bits;
	bool have = keys_describe(partread_slot(partner), &type, &bits, thumbprint) == ERR_OK;

	jw_object(w, role_name(partner));
	jw_bool(w, "stored", have);
	jw_bool(w, "cached_private_key", have);
	for (size_t i = 0; have && i < 2; i++) {
		jw_object(w, key_views[i]);
		jw_str(w, "kty", jwk_type_name(type));
		jw_u64(w, "bits", bits);
		jw_str(w, "thumbprint", thumbprint);
		jw_end_object(w);
	}
	for (size_t i = 0; !have && i < 2; i++)
		jw_null(w, key_views[i]);
	jw_null(w, "after_two_unwraps");
	jw_bool(w, "needs_double_unwrap", false);
	if (have) {
		jw_str(w, "cached_key_type", jwk_type_name(type));
		jw_u64(w, "cached_key_size", bits);
	}
	jw_end_object(w);
}

int h_debug_partner_keys(struct request *q, struct jw *w)
{
	bool both = keys_have(KEYS_CONTOSO) && keys_have(KEYS_FABRIKAM);

	jw_str(w, "status", "success");
	jw_object(w, "partner_keys");
	write_key(w, ROLE_CONTOSO);
	write_key(w, ROLE_FABRIKAM);
	jw_end_object(w);
	jw_bool(w, "own_key_released", keys_have(KEYS_OWN));
	jw_str(w, "diagnosis", q->s->role != ROLE_WOODGROVE ? "Only Woodgrove Bank holds partners' keys." : both ? "Both partners' keys are here." :
	                       "A partner's key is missing: POST /skr/release-partner.");
	return 200;
}

/* --- /debug/test-partner-decrypt --------------------------------------------------------------------------------- */

struct first {
	bool got;
	size_t length;
};

/* Ends the reading after one record, with an error that only this file gives. */
static enum err take_first(void *ctx, const struct span *value, struct fault *f)
{
	struct first *first = ctx;

	(void)f;
	first->got = true;
	first->length = value[0].n;
	return ERR_FULL;
}

int h_debug_partner_decrypt(struct request *q, struct jw *w)
{
	/* The original tried three ways to the same key; here there is one. */
	static const char *const wanted[] = { "name" }, *const ways[] = { "cached_key_decrypt", "jwk_decrypt", "combined_decrypt" };
	struct first first = { false, 0 };
	const struct partread_sink sink = { &first, take_first };
	enum role partner;
	uint64_t count = 0;
	enum err e;
	bool have;

	if (q->s->role != ROLE_WOODGROVE)
		return answer_error(q, 403, "Only Woodgrove Bank reads partners' records.");
	if (!h_skr_partner(q, &partner))
		return REPLIED;
	if (!partread_enter())
		return answer_error(q, 409, "Another reading of partners' records is running; wait for its end.");
	e = partread_run(q->s, partner, wanted, 1, &sink, &count, &q->fault);
	partread_leave();
	have = keys_have(partread_slot(partner));
	jw_str(w, "status", first.got ? "success" : "error");
	jw_object(w, "test_results");
	jw_str(w, "partner", role_title(partner));
	jw_null(w, "ciphertext_preview");
	jw_null(w, "ciphertext_length");
	jw_u64(w, "records", count);
	jw_bool(w, "key_stored", have);
	jw_bool(w, "cached_private_key_exists", have);
	for (size_t i = 0; i < 3; i++) {
		jw_object(w, ways[i]);
		jw_bool(w, "success", first.got);
		jw_null(w, "plaintext"); /* never leaves */
		if (first.got)
			jw_u64(w, "plaintext_length", first.length);
		jw_str(w, "error", first.got ? NULL : q->fault.message);
		jw_end_object(w);
	}
	jw_str(w, "diagnosis", first.got ? "The first record's name was decrypted and wiped." : e == ERR_OK ? "There are no records." : q->fault.message);
	jw_end_object(w);
	return 200;
}
