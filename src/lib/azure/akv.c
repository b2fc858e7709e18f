/* Secure key release: the call and the verification of its answer. */
#include "azure/akv.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "base/out.h"
#include "http/call.h"
#include "azure/services.h"
#include "crypto/jws.h"
#include "crypto/rng.h"
#include "crypto/x509.h"
#include "text/base64.h"
#include "text/json_write.h"
#include "text/url.h"
#include "os/clock.h"

#define API_VERSION "7.4"
#define NONCE_BYTES 16
#define CHAIN_MAX 6        /* certificates in x5c; three in practice */
#define REPLY_TOKENS 32
#define HEADER_TOKENS 64
#define KEY_HSM_TOKENS 32

struct expectation {
	struct akv *work;
	const struct akv_release *call;
	const char *enc;
	char nonce[NONCE_BYTES * 2 + 1];
};

/* --- The call --- */

bool akv_key_name_ok(struct span v)
{
	size_t slash = span_find(v, '/');

	if (v.n == 0 || slash == 0 || slash + 1 == v.n)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (i != slash && !is_alnum(v.p[i]) && v.p[i] != '-')
			return false;
	return true;
}

static void make_nonce(struct expectation *x)
{
	uint8_t random[NONCE_BYTES];
	struct out o = out_init(x->nonce, sizeof x->nonce);

	rng_bytes(random, sizeof random);
	out_hex(&o, random, sizeof random);
	(void)out_cstr(&o);
}

static bool write_request(const struct expectation *x, struct https_request *q)
{
	struct out target = out_init(x->work->target, sizeof x->work->target);
	struct out headers = out_init(x->work->headers, sizeof x->work->headers);
	struct out body = out_init(x->work->body, sizeof x->work->body);
	struct jw w = jw_init(&body);

	/* name/version goes in unescaped; settings allow nothing that needs escaping */
	out_strs(&target, "/keys/", x->call->key_name, "/release?api-version=" API_VERSION);
	out_str(&headers, "Authorization: Bearer ");
	out_put(&headers, x->call->bearer);
	out_str(&headers, "\r\n");
	jw_object(&w, NULL);
	jw_span(&w, "target", x->call->target);
	jw_str(&w, "nonce", x->nonce);
	jw_str(&w, "enc", x->enc);
	jw_end_object(&w);
	*q = (struct https_request){ .method = "POST", .target = out_cstr(&target), .headers = out_cstr(&headers),
	                             .content_type = "application/json", .body = out_span(&body) };
	return !target.bad && !headers.bad && !body.bad;
}

/* The vault knows no such wrapping: its message names the parameter or one of its values. */
static bool refuses_enc(const struct call_answer *a)
{
	static const char *const words[] = { "KEY_WRAP", "'enc'", "\"enc\"", "encryption", "enc ", "property enc" };
	struct refusal r;

	refusal_read(a->body, &r);
	for (size_t i = 0; a->status == 400 && i < sizeof words / sizeof words[0]; i++)
		if (span_has_nocase(span_str(r.message), words[i]))
			return true;
	return false;
}

/* The compact JWS of the answer, a view into x->work->reply. *again: ask with the other wrapping. */
static enum err ask(struct expectation *x, struct span *jws, bool *again, int64_t deadline_ms, struct fault *f)
{
	struct json_tok toks[REPLY_TOKENS];
	struct call k = {
		.step = STEP_RELEASE, .service = SERVICE_VAULT, .body = x->work->reply, .cap = sizeof x->work->reply,
	};
	struct call_answer a;
	struct json doc;
	char host[HOST_MAX];

	*again = false;
	if (call_host(x->call->vault, host, &k.to) != ERR_OK)
		return fault_set(f, ERR_CONFIG, STEP_RELEASE, "the vault's name is malformed");
	make_nonce(x);
	if (!write_request(x, &k.request))
		return fault_set(f, ERR_TOO_BIG, STEP_RELEASE, "the release request is too long");
	TRY(call_run(&x->work->conn, &k, &a, deadline_ms, f));
	if (a.status != 200) {
		*again = refuses_enc(&a);
		return call_refused(&k, &a, f);
	}
	if (!a.json || json_parse(&doc, a.body, toks, REPLY_TOKENS) != ERR_OK ||
	    json_plain(json_get(json_root(&doc), "value"), jws) != ERR_OK)
		return fault_set(f, ERR_PROTOCOL, STEP_RELEASE, "the vault's answer holds no released key");
	return ERR_OK;
}

/* --- Genuine: who signed this? --- */

static enum err refuse(struct fault *f, enum err err, const char *message)
{
	return fault_set(f, err, STEP_RELEASE_VERIFY, message);
}

/* Decodes x5c into work->certs. */
static enum err read_chain(struct akv *work, struct json_val header, struct span chain[CHAIN_MAX], size_t *n)
{
	struct json_val x5c = json_get(header, "x5c");
	size_t used = 0;

	*n = json_size(x5c);
	if (json_type_of(x5c) != JSON_ARRAY || *n == 0 || *n > CHAIN_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < *n; i++) {
		TRY(json_b64(json_at(x5c, i), B64_STD, work->certs + used, sizeof work->certs - used, &chain[i]));
		used += chain[i].n;
	}
	return ERR_OK;
}

/* RFC 7515 section 4.1.8, when it is there. "kid" repeats it in the one recorded answer; nothing says that it must. */
static bool thumbprint_fits(struct json_val stated, struct span leaf)
{
	uint8_t hash[SHA256_LEN], text[64];
	struct out o = out_init(text, sizeof text);

	if (!json_present(stated))
		return true;
	hash_sha256(leaf, hash);
	base64_encode(&o, B64_URL, span_of(hash, sizeof hash));
	return json_is(stated, out_cstr(&o));
}

static enum err verify_signer(const struct expectation *x, const struct jws *j, struct fault *f)
{
	struct json_tok toks[HEADER_TOKENS];
	struct span chain[CHAIN_MAX];
	struct verify_key key;
	struct https_target to;
	char host[HOST_MAX], why[X509_WHY_MAX];
	const char *unsupported;
	struct json header;
	size_t n;

	if (json_parse(&header, j->header, toks, HEADER_TOKENS) != ERR_OK || read_chain(x->work, json_root(&header), chain, &n) != ERR_OK)
		return refuse(f, ERR_PROTOCOL, "the release answer's header or certificates are malformed");
	if (call_host(x->call->vault, host, &to) != ERR_OK) /* the name without port: certificates know no ports */
		return refuse(f, ERR_CONFIG, "the vault's name is malformed");
	if (x509_verify_chain(chain, n, host, clock_unix(), x->work->leaf_key, sizeof x->work->leaf_key, &key, why) != ERR_OK) {
		fault_advise(f, "the release answer is not signed by the vault, or by one whose root is unknown here",
		             "check SKR_AKV_ENDPOINT; for a private root set EXTRA_TRUST_ANCHOR");
		return fault_set_detail(f, ERR_UNTRUSTED, STEP_RELEASE_VERIFY,
		                        "the certificate that signed the release answer is not trusted for this vault", span_str(why));
	}
	unsupported = jws_unsupported(json_root(&header));
	if (unsupported)
		return refuse(f, ERR_CRYPTO, unsupported);
	if (jws_verify(j, json_root(&header), &key) != ERR_OK)
		return refuse(f, ERR_CRYPTO, "the release answer's signature is wrong");
	if (!thumbprint_fits(json_get(json_root(&header), "x5t#S256"), chain[0]))
		return refuse(f, ERR_MISMATCH, "the release answer names another certificate than it carries");
	return ERR_OK;
}

/* --- Acceptable: is it the answer to our question? --- */

/* https://VAULT/keys/NAME/VERSION, where the vault may spell the name in another case. */
static bool kid_is_ours(const char *kid, const struct akv_release *r)
{
	char prefix[HOSTPORT_MAX + KEY_NAME_MAX + 32];
	struct span k = span_str(kid), version;
	bool versioned = strchr(r->key_name, '/') != NULL;

	if (!out_join(prefix, sizeof prefix, "https://", r->vault, "/keys/", r->key_name, versioned ? "" : "/") ||
	    !span_eq_nocase(span_sub(k, 0, strlen(prefix)), prefix))
		return false;
	version = span_sub(k, strlen(prefix), k.n);
	return versioned ? version.n == 0 : version.n > 0 && span_find(version, '/') == version.n;
}

static enum err check_payload(struct json_val root, const struct expectation *x, char kid[URL_MAX], struct fault *f)
{
	struct json_val request = json_get(root, "request");

	if (json_cstr(json_get(request, "kid"), kid, URL_MAX) != ERR_OK || !kid_is_ours(kid, x->call))
		return refuse(f, ERR_MISMATCH, "the vault released another key than asked for");
	if (!json_is(json_get(request, "nonce"), x->nonce))
		return refuse(f, ERR_MISMATCH, "the release answer does not carry our nonce: it may be an old one");
	if (!json_is(json_get(request, "enc"), x->enc))
		return refuse(f, ERR_MISMATCH, "the key is not wrapped the way that was asked for");
	return ERR_OK;
}

/* key_hsm: base64url of a JSON object whose ciphertext is base64url again. The wrapping named inside is not believed: the
 * signed request.enc, checked before, is. */
static enum err read_ciphertext(struct akv *work, struct json_val key, struct span *ciphertext)
{
	struct json_tok toks[KEY_HSM_TOKENS];
	struct json doc;
	struct span text;

	TRY(json_b64(json_get(key, "key_hsm"), B64_URL, work->key_hsm, sizeof work->key_hsm, &text));
	TRY(json_parse(&doc, text, toks, KEY_HSM_TOKENS));
	return json_b64(json_get(json_root(&doc), "ciphertext"), B64_URL, work->ciphertext, sizeof work->ciphertext, ciphertext);
}

/* The public half that the vault states belongs to the private half that came out. */
static bool member_is(struct json_val key, const char *name, const uint8_t *bytes, size_t n)
{
	uint8_t room[RSA_MAX + 8];
	struct json_val v = json_get(key, name);
	struct span got;

	return !json_present(v) || (json_b64(v, B64_URL, room, sizeof room, &got) == ERR_OK && span_eq(got, span_of(bytes, n)));
}

static bool public_half_fits(struct json_val key, const struct private_key *k)
{
	size_t field;

	switch (k->type) {
	case KEY_RSA:
		return member_is(key, "n", k->rsa.n, k->rsa.n_len);
	case KEY_EC:
		field = ec_field_len(k->ec.curve);
		return member_is(key, "x", k->ec.point + 1, field) && member_is(key, "y", k->ec.point + 1 + field, field);
	case KEY_OCT:
		return true; /* has no public half */
	case KEY_NONE:
		break;
	}
	return false;
}

static enum err unwrap(struct json_val root, const struct expectation *x, struct fault *f)
{
	struct akv_stage *stage = x->call->stage;
	struct json_val key = json_path(root, "response", "key", "key", NULL);
	struct span ciphertext;
	char kty[16];
	enum err err;

	if (json_cstr(json_get(key, "kty"), kty, sizeof kty) != ERR_OK || read_ciphertext(x->work, key, &ciphertext) != ERR_OK)
		return fault_set(f, ERR_PROTOCOL, STEP_UNWRAP, "the wrapped key is malformed");
	err = akv_unwrap(stage, x->enc, ciphertext, kty);
	if (err) {
		fault_advise(f, "the vault wrapped for another key or in another way, or the key is of a kind not known here",
		             "RSA, EC (P-256, P-384, P-521) and oct keys can be released");
		return fault_set(f, err == ERR_CRYPTO || err == ERR_MISMATCH ? err : ERR_PROTOCOL, STEP_UNWRAP,
		                 "the released key cannot be unwrapped");
	}
	if (!public_half_fits(key, &stage->key)) {
		pkcs8_wipe(&stage->key);
		return fault_set(f, ERR_MISMATCH, STEP_UNWRAP, "the released key is not the one whose public half the vault states");
	}
	if (x->call->key_ops && json_size(json_get(key, "key_ops")) && json_type_of(json_get(key, "key_ops")) == JSON_ARRAY)
		out_put(x->call->key_ops, json_raw(json_get(key, "key_ops")));
	return ERR_OK;
}

static enum err verify_and_unwrap(struct span text, const struct expectation *x, char kid[URL_MAX], struct fault *f)
{
	struct json doc;
	struct jws j;

	if (jws_decode(text, x->work->header, sizeof x->work->header, x->work->payload, sizeof x->work->payload, &j) != ERR_OK)
		return refuse(f, ERR_PROTOCOL, "the release answer is not a compact JWS");
	TRY(verify_signer(x, &j, f));
	if (json_parse(&doc, j.payload, x->work->payload_toks, AKV_TOKENS) != ERR_OK)
		return refuse(f, ERR_PROTOCOL, "the release answer's payload is malformed");
	TRY(check_payload(json_root(&doc), x, kid, f));
	return unwrap(json_root(&doc), x, f);
}

/* In the better wrapping, or the other. */
static enum err release_one(struct expectation *x, char kid[URL_MAX], int64_t deadline_ms, struct fault *f)
{
	struct span jws = { 0 };
	bool again;
	enum err err;

	x->enc = "RSA_AES_KEY_WRAP_256";
	err = ask(x, &jws, &again, deadline_ms, f);
	if (again) {
		log_line(LOG_WARN, "release", "the vault does not know RSA_AES_KEY_WRAP_256; asking for the SHA-1 form");
		x->enc = "CKM_RSA_AES_KEY_WRAP";
		err = ask(x, &jws, &again, deadline_ms, f);
	}
	return err ? err : verify_and_unwrap(jws, x, kid, f);
}

enum err akv_release_key(struct akv *a, const struct akv_release *r, char kid[URL_MAX], char enc[AKV_ENC_MAX],
                         int64_t deadline_ms, struct fault *f)
{
	struct expectation x = { .work = a, .call = r };
	enum err err = release_one(&x, kid, deadline_ms, f);

	WIPE(*a);
	if (!err && !span_copy_str(span_str(x.enc), enc, AKV_ENC_MAX))
		err = ERR_TOO_BIG;
	if (err)
		pkcs8_wipe(&r->stage->key);
	if (f && err)
		fault_text(f->service, sizeof f->service, span_str(r->vault));
	return err;
}
