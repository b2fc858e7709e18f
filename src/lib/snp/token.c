/* An attestation service's token beside a report. */
#include "snp/token.h"

#include "text/hex.h"
#include "text/timefmt.h"

static enum err open_token(struct span token, struct token_work *w, struct jws *j, struct json *header)
{
	w->claims = (struct json){ .n = 0 };
	TRY(jws_decode(token, w->header, sizeof w->header, w->payload, sizeof w->payload, j));
	TRY(json_parse(header, j->header, w->header_toks, sizeof w->header_toks / sizeof w->header_toks[0]));
	return json_parse(&w->claims, j->payload, w->claim_toks, TOKEN_CLAIM_TOKENS);
}

/* --- The signature --- */

static enum err tell(struct checks *c, const char *id, enum err err, const char *why, const struct out *found)
{
	checks_judge(c, id, !err, span_of(NULL, 0), found ? out_span(found) : span_of(NULL, 0), why);
	return err;
}

static void put_text(struct out *o, struct json_val v)
{
	struct out kept = *o;

	if (json_string(v, o) != ERR_OK)
		*o = kept;
}

/* Why no key with the token's kid verified it: the one that comes last in this order. */
enum { NO_SUCH_KEY, NOT_FOR_SIGNATURES, NOT_SUPPORTED, NOT_READABLE, NOT_ITS_SIGNATURE };
static const struct {
	enum err err;
	const char *why;
} key_faults[] = {
	[NO_SUCH_KEY] = { ERR_UNTRUSTED, "the issuer lists no key with the token's key id" },
	[NOT_FOR_SIGNATURES] = { ERR_UNTRUSTED, "the issuer's key with the token's key id is not for signatures" },
	[NOT_SUPPORTED] = { ERR_PROTOCOL, "the key type is not supported (known: RSA, EC P-256, EC P-384)" },
	[NOT_READABLE] = { ERR_PROTOCOL, "the issuer's key cannot be read" },
	[NOT_ITS_SIGNATURE] = { ERR_CRYPTO, "the token's signature is wrong" },
};

/* -1 when the key has signed the token, else why not. */
static int try_key(const struct jws *j, struct json_val header, struct json_val jwk, struct token_work *w)
{
	struct json_val use = json_get(jwk, "use");
	struct verify_key key;
	enum err err;

	if (json_present(use) && !json_is(use, "sig")) /* RFC 7517 section 4.2 */
		return NOT_FOR_SIGNATURES;
	err = jwk_read_public(jwk, w->key_bytes, sizeof w->key_bytes, &key);
	if (err)
		return err == ERR_RANGE ? NOT_SUPPORTED : NOT_READABLE;
	return jws_verify(j, header, &key) == ERR_OK ? -1 : NOT_ITS_SIGNATURE;
}

static enum err try_keys(const struct jws *j, struct json_val header, struct json_val keys, struct token_work *w, struct checks *c)
{
	int worst = NO_SUCH_KEY;
	uint8_t text[64];
	struct out found = out_init(text, sizeof text);
	char id[256];

	if (json_cstr(json_get(header, "kid"), id, sizeof id) != ERR_OK)
		return tell(c, "token.signature", ERR_PROTOCOL, "the token names no key (kid)", NULL);
	for (struct json_val k = json_at(keys, 0); json_present(k); k = json_next(keys, k)) {
		int why;

		if (!json_is(json_get(k, "kid"), id))
			continue;
		why = try_key(j, header, k, w);
		if (why < 0)
			return tell(c, "token.signature", ERR_OK, NULL, NULL);
		if (why == NOT_SUPPORTED) {
			found = out_init(text, sizeof text);
			put_text(&found, json_get(k, "kty"));
			out_str(&found, found.n && json_type_of(json_get(k, "crv")) == JSON_STRING ? " " : "");
			put_text(&found, json_get(k, "crv"));
		}
		worst = why > worst ? why : worst;
	}
	w->unlisted = worst == NO_SUCH_KEY;
	return tell(c, "token.signature", key_faults[worst].err, key_faults[worst].why, worst == NOT_SUPPORTED ? &found : NULL);
}

static enum err check_signature(const struct jws *j, struct json_val header, struct span keys, struct token_work *w, struct checks *c)
{
	const char *unsupported = jws_unsupported(header);
	uint8_t text[64];
	struct out found = out_init(text, sizeof text);
	struct json_val list;
	struct json set;

	if (keys.n == 0) {
		checks_skip(c, "token.signature", "the attestation service's keys were not given");
		return ERR_OK;
	}
	if (unsupported) {
		if (!json_present(json_get(header, "crit")))
			put_text(&found, json_get(header, "alg"));
		return tell(c, "token.signature", ERR_CRYPTO, unsupported, &found);
	}
	if (json_parse(&set, keys, w->set_toks, TOKEN_SET_TOKENS) != ERR_OK)
		return tell(c, "token.signature", ERR_PROTOCOL, "the issuer's key set cannot be read", NULL);
	list = json_get(json_root(&set), "keys");
	if (json_type_of(list) != JSON_ARRAY)
		return tell(c, "token.signature", ERR_PROTOCOL, "the issuer's key set is no JSON Web Key Set: it has no list \"keys\"", NULL);
	return try_keys(j, header, list, w, c);
}

/* --- Issuer, times, type --- */

static enum err check_issuer(struct json_val claims, const char *issuer, struct checks *c)
{
	uint8_t text[512];
	struct out found = out_init(text, sizeof text);

	if (!issuer) {
		checks_skip(c, "token.issuer", "no attestation service was named to compare it with");
		return ERR_OK;
	}
	put_text(&found, json_get(claims, "iss"));
	return checks_judge(c, "token.issuer", json_is(json_get(claims, "iss"), issuer), span_str(issuer), out_span(&found),
	                    "the token is another service's") ? ERR_OK : ERR_UNTRUSTED;
}

static bool read_time(struct json_val v, int64_t *t)
{
	uint64_t n;

	if (json_u64(v, &n) != ERR_OK || n > INT64_MAX / 2)
		return false;
	*t = (int64_t)n;
	return true;
}

static enum err check_times(struct json_val claims, const struct token_rules *rules, struct checks *c)
{
	uint8_t text[64];
	struct out o = out_init(text, sizeof text);
	int64_t nbf = 0, exp;
	bool has_nbf = json_present(json_get(claims, "nbf")), valid;

	if (!read_time(json_get(claims, "exp"), &exp) || (has_nbf && !read_time(json_get(claims, "nbf"), &nbf)))
		return tell(c, "token.time", ERR_PROTOCOL, "the token's times are missing or malformed", NULL);
	if (has_nbf && nbf - TOKEN_LEEWAY_S > rules->now_s)
		return tell(c, "token.time", ERR_UNTRUSTED, "the token is not valid yet", NULL);
	out_str(&o, "until ");
	time_iso8601(&o, exp, 0);
	valid = exp + TOKEN_LEEWAY_S > rules->now_s;
	if (valid || !rules->saved)
		return tell(c, "token.time", valid ? ERR_OK : ERR_UNTRUSTED, "the token has expired", &o);
	checks_skip(c, "token.time", "the token has expired since it was kept");
	return ERR_OK;
}

static enum err check_type(struct json_val claims, struct checks *c)
{
	struct json_val type = json_get(claims, "x-ms-attestation-type");
	uint8_t text[64];
	struct out found = out_init(text, sizeof text);

	if (json_is(type, "sevsnpvm"))
		return tell(c, "token.type", ERR_OK, NULL, NULL);
	put_text(&found, type);
	return tell(c, "token.type", ERR_MISMATCH, "the token is about a kind of guest that is not supported (known: sevsnpvm)", &found);
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

bool token_hex_is(struct json_val claim, const uint8_t *bytes, size_t n)
{
	uint8_t got[64];
	struct span text;

	return n <= sizeof got && json_plain(claim, &text) == ERR_OK && hex_decode(text, got, n) == ERR_OK &&
	       span_eq(span_of(got, n), span_of(bytes, n));
}

static bool claim_agrees(struct json_val v, const struct claim *x)
{
	uint64_t n;
	bool b;

	if (!json_present(v))
		return !x->must;
	switch (x->kind) {
	case CLAIM_HEX: return token_hex_is(v, x->bytes, (size_t)x->n);
	case CLAIM_NUMBER: return json_u64(v, &n) == ERR_OK && n == x->n;
	case CLAIM_BOOL: return json_bool(v, &b) == ERR_OK && b == (x->n != 0);
	}
	return false;
}

bool token_agrees(const struct token_work *work, const struct snp_report *r, struct checks *c)
{
	struct json_val claims = json_root(&work->claims);
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

/* --- The claims in place of a report --- */

static bool take_hex(struct json_val claim, uint8_t **to, size_t n, const uint8_t **field)
{
	struct span text;

	*field = *to;
	*to += n;
	return json_plain(claim, &text) == ERR_OK && hex_decode(text, *to - n, n) == ERR_OK;
}

/* A claim of one byte. */
static unsigned take_level(struct json_val claim, unsigned part, uint8_t *level)
{
	uint64_t n;

	if (json_u64(claim, &n) != ERR_OK || n > UINT8_MAX)
		return part;
	*level = (uint8_t)n;
	return 0;
}

bool token_report(struct token_work *work, struct snp_report *r, unsigned *unsaid)
{
	/* In the order of struct snp_tcb, whose first, the FMC, no claim gives. */
	static const char *const levels[TCB_PARTS] = {
		NULL, "x-ms-sevsnpvm-bootloader-svn", "x-ms-sevsnpvm-tee-svn", "x-ms-sevsnpvm-snpfw-svn", "x-ms-sevsnpvm-microcode-svn",
	};
	struct json_val claims = json_root(&work->claims);
	uint8_t *to = work->said, vmpl = 0;

	*r = (struct snp_report){ .product = SNP_PRODUCT_UNKNOWN };
	if (!take_hex(json_get(claims, "x-ms-sevsnpvm-reportdata"), &to, 64, &r->report_data) ||
	    !take_hex(json_get(claims, "x-ms-sevsnpvm-hostdata"), &to, 32, &r->host_data) ||
	    !take_hex(json_get(claims, "x-ms-sevsnpvm-launchmeasurement"), &to, 48, &r->measurement))
		return false;
	*unsaid = UNSAID_TCB | take_level(json_get(claims, "x-ms-sevsnpvm-vmpl"), UNSAID_VMPL, &vmpl);
	r->vmpl = vmpl;
	for (unsigned i = 1; i < TCB_PARTS; i++)
		*unsaid |= take_level(json_get(claims, levels[i]), UNSAID_LEVEL(i), &r->reported_tcb.part[i]);
	if (json_bool(json_get(claims, "x-ms-sevsnpvm-is-debuggable"), &r->debug_allowed) != ERR_OK)
		*unsaid |= UNSAID_DEBUG;
	if (json_bool(json_get(claims, "x-ms-sevsnpvm-migration-allowed"), &r->migration_allowed) != ERR_OK)
		*unsaid |= UNSAID_MIGRATION;
	return true;
}

/* --- The whole --- */

static enum err first_of(enum err a, enum err b)
{
	return a ? a : b;
}

enum err token_verify(struct span token, const struct token_rules *rules, struct token_work *work, int64_t *issued_s,
                      struct checks *checks)
{
	struct json_val claims;
	struct json header;
	struct jws j;
	int64_t issued;
	enum err err;

	work->unlisted = false;
	if (issued_s)
		*issued_s = 0;
	if (open_token(token, work, &j, &header) != ERR_OK)
		return tell(checks, "token.form", ERR_PROTOCOL, "not a signed token (compact JWS)", NULL);
	checks_that(checks, "token.form", true, NULL);
	claims = json_root(&work->claims);
	err = check_signature(&j, json_root(&header), rules->keys, work, checks);
	if (!err && rules->keys.n && issued_s && read_time(json_get(claims, "iat"), &issued))
		*issued_s = issued;
	err = first_of(err, check_issuer(claims, rules->issuer, checks));
	err = first_of(err, check_times(claims, rules, checks));
	return first_of(err, check_type(claims, checks));
}
