/* An attestation service's token beside a report. */
#include "tee/token.h"

#include "enc/hex.h"
#include "enc/timefmt.h"

static enum err open_token(struct span token, struct token_work *w, struct jws *j, struct json *header)
{
	TRY(jws_decode(token, w->header, sizeof w->header, w->payload, sizeof w->payload, j));
	TRY(json_parse(header, j->header, w->header_toks, sizeof w->header_toks / sizeof w->header_toks[0]));
	return json_parse(&w->claims, j->payload, w->claim_toks, TOKEN_CLAIM_TOKENS);
}

bool token_find_key(struct json_val set, struct json_val header, struct json_val *key)
{
	struct json_val keys = json_get(set, "keys");
	char kid[256];
	unsigned found = 0;

	if (json_cstr(json_get(header, "kid"), kid, sizeof kid) != ERR_OK)
		return false;
	for (struct json_val k = json_at(keys, 0); json_present(k); k = json_next(keys, k)) {
		if (json_is(json_get(k, "kid"), kid)) {
			*key = k;
			found++;
		}
	}
	return found == 1;
}

static const char *why_not_signed(const struct jws *j, struct json_val header, struct span keys, struct token_work *w)
{
	struct verify_key key;
	struct json_val jwk;
	struct json set;

	if (json_parse(&set, keys, w->set_toks, TOKEN_SET_TOKENS) != ERR_OK)
		return "the issuer's key set cannot be read";
	if (!token_find_key(json_root(&set), header, &jwk))
		return "the issuer lists no key with the token's key id";
	if (jwk_read_public(jwk, w->key_bytes, sizeof w->key_bytes, &key) != ERR_OK)
		return "the issuer's key cannot be read";
	return jws_verify(j, header, &key) == ERR_OK ? NULL : "the token's signature is wrong";
}

static bool check_issuer(struct json_val claims, const char *issuer, struct checks *c)
{
	uint8_t text[512];
	struct out found = out_init(text, sizeof text);

	if (!issuer) {
		checks_skip(c, "token.issuer", "no attestation service was named to compare it with");
		return true;
	}
	if (json_string(json_get(claims, "iss"), &found) != ERR_OK)
		found.n = 0;
	return checks_judge(c, "token.issuer", json_is(json_get(claims, "iss"), issuer), span_str(issuer), out_span(&found),
	                    "the token is another service's");
}

static bool read_time(struct json_val v, int64_t *t)
{
	uint64_t n;

	if (json_u64(v, &n) != ERR_OK || n > INT64_MAX / 2)
		return false;
	*t = (int64_t)n;
	return true;
}

static bool check_times(struct json_val claims, const struct token_rules *rules, struct checks *c)
{
	uint8_t text[64];
	struct out o = out_init(text, sizeof text);
	int64_t nbf = 0, exp;
	bool has_nbf = json_present(json_get(claims, "nbf")), valid;

	if (!read_time(json_get(claims, "exp"), &exp) || (has_nbf && !read_time(json_get(claims, "nbf"), &nbf)))
		return checks_that(c, "token.time", false, "the token's times are missing or malformed");
	if (has_nbf && nbf - TOKEN_LEEWAY_S > rules->now_s)
		return checks_that(c, "token.time", false, "the token is not valid yet");
	out_str(&o, "until ");
	time_iso8601(&o, exp, 0);
	valid = exp + TOKEN_LEEWAY_S > rules->now_s;
	if (valid || !rules->saved)
		return checks_judge(c, "token.time", valid, span_of(NULL, 0), out_span(&o), "the token has expired");
	checks_skip(c, "token.time", "the token has expired since it was kept");
	return true;
}

/* --- The report's fields as claims --- */

enum claim_kind { CLAIM_HEX, CLAIM_NUMBER, CLAIM_BOOL };
struct claim {
	const char *name;
	enum claim_kind kind;
	bool must; /* its absence is a failure too */
	const uint8_t *bytes;
	uint64_t n; /* of bytes, or the number, or 0 and 1 */
};

static bool claim_agrees(struct json_val v, const struct claim *x)
{
	uint8_t bytes[64];
	uint64_t n;
	struct span text;
	bool b;

	if (!json_present(v))
		return !x->must;
	switch (x->kind) {
	case CLAIM_HEX:
		return x->n <= sizeof bytes && json_plain(v, &text) == ERR_OK && hex_decode(text, bytes, (size_t)x->n) == ERR_OK &&
		       span_eq(span_of(bytes, (size_t)x->n), span_of(x->bytes, (size_t)x->n));
	case CLAIM_NUMBER: return json_u64(v, &n) == ERR_OK && n == x->n;
	case CLAIM_BOOL: return json_bool(v, &b) == ERR_OK && b == (x->n != 0);
	}
	return false;
}

static bool check_fields(struct json_val claims, const struct snp_report *r, struct checks *c)
{
	const struct claim all[] = {
		{ "x-ms-sevsnpvm-reportdata", CLAIM_HEX, true, r->report_data, 64 },
		{ "x-ms-sevsnpvm-hostdata", CLAIM_HEX, true, r->host_data, 32 },
		{ "x-ms-sevsnpvm-launchmeasurement", CLAIM_HEX, true, r->measurement, 48 },
		{ "x-ms-sevsnpvm-reportid", CLAIM_HEX, false, r->report_id, 32 },
		{ "x-ms-sevsnpvm-idkeydigest", CLAIM_HEX, false, r->id_key_digest, 48 },
		{ "x-ms-sevsnpvm-authorkeydigest", CLAIM_HEX, false, r->author_key_digest, 48 },
		{ "x-ms-sevsnpvm-familyId", CLAIM_HEX, false, r->family_id, 16 },
		{ "x-ms-sevsnpvm-imageId", CLAIM_HEX, false, r->image_id, 16 },
		{ "x-ms-sevsnpvm-guestsvn", CLAIM_NUMBER, false, NULL, r->guest_svn },
		{ "x-ms-sevsnpvm-vmpl", CLAIM_NUMBER, false, NULL, r->vmpl },
		{ "x-ms-sevsnpvm-bootloader-svn", CLAIM_NUMBER, false, NULL, r->reported_tcb.bootloader },
		{ "x-ms-sevsnpvm-tee-svn", CLAIM_NUMBER, false, NULL, r->reported_tcb.tee },
		{ "x-ms-sevsnpvm-snpfw-svn", CLAIM_NUMBER, false, NULL, r->reported_tcb.snp },
		{ "x-ms-sevsnpvm-microcode-svn", CLAIM_NUMBER, false, NULL, r->reported_tcb.microcode },
		{ "x-ms-sevsnpvm-is-debuggable", CLAIM_BOOL, false, NULL, r->debug_allowed },
		{ "x-ms-sevsnpvm-migration-allowed", CLAIM_BOOL, false, NULL, r->migration_allowed },
		{ "x-ms-sevsnpvm-smt-allowed", CLAIM_BOOL, false, NULL, r->smt_allowed },
	};
	const char *differs = NULL;

	for (size_t i = 0; i < sizeof all / sizeof all[0] && !differs; i++)
		if (!claim_agrees(json_get(claims, all[i].name), &all[i]))
			differs = all[i].name;
	return checks_judge(c, "token.report", !differs, span_of(NULL, 0), span_str(differs), "the token's claim is not what the report says");
}

bool token_verify(struct span token, const struct snp_report *r, const struct token_rules *rules, struct token_work *work,
                  int64_t *issued_s, struct checks *checks)
{
	int64_t issued = 0;
	struct json_val claims;
	struct json header;
	struct jws j;
	bool ok;

	if (issued_s)
		*issued_s = 0;
	if (!checks_that(checks, "token.form", open_token(token, work, &j, &header) == ERR_OK, "not a signed token (compact JWS)"))
		return false;
	claims = json_root(&work->claims);
	if (rules->keys.n == 0) {
		checks_skip(checks, "token.signature", "the attestation service's keys were not given");
		ok = true;
	} else {
		const char *why = why_not_signed(&j, json_root(&header), rules->keys, work);

		ok = checks_that(checks, "token.signature", !why, why);
		if (ok && issued_s && read_time(json_get(claims, "iat"), &issued))
			*issued_s = issued;
	}
	ok &= check_issuer(claims, rules->issuer, checks);
	ok &= check_times(claims, rules, checks);
	ok &= checks_that(checks, "token.type", json_is(json_get(claims, "x-ms-attestation-type"), "sevsnpvm"), "the token is not about an SNP guest");
	return check_fields(claims, r, checks) && ok;
}

enum err token_issuer(struct span token, struct token_work *work, char *issuer, size_t cap)
{
	struct json header;
	struct jws j;
	enum err err = open_token(token, work, &j, &header);

	return err ? err : json_cstr(json_get(json_root(&work->claims), "iss"), issuer, cap);
}
