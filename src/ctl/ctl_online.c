/* Evidence from a running server, and keys of attestation services. */
#include "ctl/ctl_online.h"

#include <string.h>

#include "http/https.h"
#include "crypto/rng.h"
#include "crypto/x509.h"
#include "ctl/ctl_evidence.h"
#include "ctl/ctl_say.h"
#include "ctl/ctl_show.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/json_read.h"
#include "text/pem.h"
#include "text/url.h"
#include "os/clock.h"

static const struct step STEP_PARTNER[1] = { { "partner", true, NULL, 0 } };

#define ONLINE_MS 90000 /* a party may have to wait for its firmware, and for the attestation service */
#define NONCE_BYTES 32
#define ANSWER_TOKENS 128

static struct https conn;
static uint8_t body[CLIENT_BODY_MAX], pem[65536];

static int failed(const char *about, const struct fault *f)
{
	return ctl_say_problem(SHOW_UNCHECKED, about, f->message, f->cause);
}

/* --- One GET --- */

static int open_url(const char *text, enum tls_trust trust, struct url *u, int64_t deadline_ms)
{
	struct https_target to = { .trust = trust };
	struct fault f;

	if (url_parse(span_str(text), u) != ERR_OK || !u->https)
		return ctl_say_problem(SAY_USAGE, "not an https URL", text, NULL);
	to.host = u->host;
	to.port = u->port;
	fault_clear(&f);
	return https_open(&conn, &to, STEP_PARTNER, deadline_ms, &f) == ERR_OK ? 0 : failed(text, &f);
}

/* The answer's own words, where it is one of ours: {"message":...}. */
static int refused(const char *url, struct span answer)
{
	struct json_tok toks[64];
	struct json doc;
	char message[512], status[32];
	struct out o = out_init(status, sizeof status);

	out_str(&o, "HTTP ");
	out_i64(&o, conn.head.status);
	if (json_parse(&doc, answer, toks, 64) != ERR_OK || json_cstr(json_get(json_root(&doc), "message"), message, sizeof message) != ERR_OK)
		message[0] = 0;
	return ctl_say_problem(SHOW_UNCHECKED, url, out_cstr(&o), message);
}

static int get(const char *url, const char *target, uint8_t *dst, size_t cap, size_t *n, int64_t deadline_ms)
{
	const struct https_request r = { .method = "GET", .target = target };
	struct fault f;
	enum err err;
	int status = 0;

	fault_clear(&f);
	err = https_send(&conn, &r, STEP_PARTNER, deadline_ms, &f);
	if (!err)
		err = https_body(&conn, dst, cap, n, STEP_PARTNER, deadline_ms, &f);
	if (err)
		status = failed(url, &f);
	else if (conn.head.status != 200)
		status = refused(url, span_of(dst, *n));
	https_close(&conn);
	return status;
}

int ctl_online_trust(const char *ca_file)
{
	size_t n = 0;
	int status = ca_file ? ctl_evidence_file(ca_file, pem, sizeof pem, &n) : 0;

	if (status)
		return status;
	if (x509_anchors_init(span_of(pem, n)) != ERR_OK)
		return ctl_say_problem(SHOW_UNCHECKED, ca_file ? ca_file : "trust anchors", NULL, "no PEM bundle of CA certificates");
	return 0;
}

int ctl_online_get(const char *url, uint8_t *dst, size_t cap, size_t *n)
{
	static struct url u;
	int64_t deadline_ms = clock_ms() + ONLINE_MS;
	int status = open_url(url, TLS_TRUST_ANCHORS, &u, deadline_ms);

	return status ? status : get(url, u.path, dst, cap, n, deadline_ms);
}

int ctl_online_keys(const char *issuer, const char *ca_file, uint8_t *keys, size_t cap, size_t *n)
{
	char url[URL_MAX];
	struct out o = out_init(url, sizeof url);
	int status = ctl_online_trust(ca_file);

	out_str(&o, issuer);
	out_str(&o, "/certs");
	return status ? status : ctl_online_get(out_cstr(&o), keys, cap, n);
}

/* --- The evidence --- */

struct parts {
	struct ctl_online *v;
	size_t used;
};

/* Base64 into the store; null and absent are empty. */
static bool take(struct parts *p, struct json_val v, bool must, struct span *bytes)
{
	struct span text;
	size_t n;

	*bytes = span_of(NULL, 0);
	if (!json_present(v) || json_type_of(v) == JSON_NULL)
		return !must;
	if (json_plain(v, &text) != ERR_OK || base64_decode(B64_STD, text, p->v->store + p->used, sizeof p->v->store - p->used, &n) != ERR_OK)
		return false;
	*bytes = span_of(p->v->store + p->used, n);
	p->used += n;
	return true;
}

static bool take_chain(struct ctl_online *v, struct json_val text)
{
	struct out o = out_init(pem, sizeof pem);
	size_t n;

	if (json_string(text, &o) != ERR_OK || pem_all(out_span(&o), "CERTIFICATE", v->chain, sizeof v->chain, &n) != ERR_OK)
		return false;
	v->proof.chain = span_of(v->chain, n);
	return true;
}

static bool take_token(struct ctl_online *v, struct json_val text)
{
	struct out o = out_init(v->token, sizeof v->token);

	if (!json_present(text) || json_type_of(text) == JSON_NULL)
		return true;
	if (json_string(text, &o) != ERR_OK)
		return false;
	v->proof.token = out_span(&o);
	return true;
}

static bool take_evidence(struct span answer, struct ctl_online *v)
{
	struct json_tok toks[ANSWER_TOKENS];
	struct parts p = { .v = v };
	struct json_val root;
	struct span hex;
	struct json doc;

	memset(&v->proof, 0, sizeof v->proof);
	if (json_parse(&doc, answer, toks, ANSWER_TOKENS) != ERR_OK)
		return false;
	root = json_root(&doc);
	return json_is(json_get(root, "tee_type"), "sevsnp") && take(&p, json_get(root, "report"), true, &v->proof.report) &&
	       take(&p, json_get(root, "runtime_data"), true, &v->proof.runtime_data) &&
	       take(&p, json_get(root, "endorsement"), false, &v->proof.endorsement) &&
	       take(&p, json_get(root, "policy"), false, &v->proof.policy) && take_chain(v, json_get(root, "certificates")) &&
	       take_token(v, json_get(root, "attestation_token")) &&
	       json_cstr(json_get(root, "nonce"), v->proof.nonce, sizeof v->proof.nonce) == ERR_OK &&
	       json_plain(json_get(root, "tls_spki_sha256"), &hex) == ERR_OK && hex_decode(hex, v->proof.tls_spki_sha256, 32) == ERR_OK;
}

static void make_nonce(struct ctl_online *v)
{
	uint8_t bytes[NONCE_BYTES];
	struct out o = out_init(v->nonce, sizeof v->nonce);

	rng_bytes(bytes, sizeof bytes);
	base64_encode(&o, B64_URL, span_of(bytes, sizeof bytes));
	(void)out_cstr(&o);
}

int ctl_online_evidence(const char *url, bool token, struct ctl_online *v)
{
	static struct url u;
	char target[256];
	struct out o = out_init(target, sizeof target);
	int64_t deadline_ms = clock_ms() + ONLINE_MS;
	size_t n = 0;
	/* Any certificate will do: the report says whose key it is. */
	int status = open_url(url, TLS_TRUST_LATER, &u, deadline_ms);

	if (status)
		return status;
	if (strcmp(u.path, "/") != 0 || !tls_peer_spki(&conn.tls, v->tls_spki_sha256)) {
		https_close(&conn);
		return ctl_say_problem(SAY_USAGE, "give https://host[:port] without a path", url, NULL);
	}
	make_nonce(v);
	out_str(&o, "/attestation?nonce=");
	out_str(&o, v->nonce);
	out_str(&o, token ? "&token=maa" : "");
	status = get(url, out_cstr(&o), body, sizeof body, &n, deadline_ms);
	if (status)
		return status;
	if (!take_evidence(span_of(body, n), v))
		return ctl_say_problem(SHOW_NOT_GENUINE, url, NULL, "the answer is no evidence");
	return 0;
}
