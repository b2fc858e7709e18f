/* Who may use a route. */
#include "http/access.h"

#include <string.h>

#include "base/ct.h"
#include "base/out.h"
#include "crypto/hash.h"
#include "text/hex.h"
#include "text/url.h"
#include "os/clock.h"
#include "os/lock.h"

/* One guess after the other: none that comes at the same moment slips through before another is counted. */
static struct lock guessing = LOCK_INIT;

static bool read_operator(void *value, size_t cap, struct span v)
{
	struct access_operator *s = value;

	(void)cap;
	s->none = span_eq_str(v, "none");
	s->set = span_starts(v, "sha256:") && hex_decode(span_sub(v, 7, v.n), s->sha256, sizeof s->sha256) == ERR_OK;
	return s->none || s->set;
}

const struct setting operator_settings[] = {
	{ .text = "OPERATOR_AUTH\0\0the operator's token, by its hash; unset: nobody operates\0none, or sha256: and 64 hex digits",
	  .cap = sizeof(struct access_operator), .kind = SETTING_OWN, .read = read_operator, .rules = SETTING_SECRET, .own = 9 },
	{ .text = NULL },
};

static bool bearer_token(struct span value, struct span *token)
{
	if (value.n < 8 || !span_eq_nocase(span_sub(value, 0, 7), "Bearer "))
		return false;
	*token = span_trim(span_sub(value, 7, value.n));
	return token->n > 0;
}

bool access_token_ok(const struct access_operator *operator, struct span token)
{
	uint8_t digest[SHA256_LEN];
	bool ok;

	if (!operator->set || token.n == 0) /* OPERATOR_AUTH may hold the hash of an unset variable */
		return false;
	hash_sha256(token, digest);
	ok = ct_equal(digest, operator->sha256, sizeof digest);
	WIPE(digest);
	return ok;
}

/* --- the session cookie ------------------------------------------------------------------------------------------ */

void access_cookie_name(const struct http_head *h, bool tls, char name[ACCESS_COOKIE_MAX])
{
	struct out o = out_init(name, ACCESS_COOKIE_MAX);
	struct span port = h->host;
	uint64_t n;

	/* Behind the last colon; an IPv6 address without a port ends in ']'. */
	while (span_find(port, ':') < port.n)
		(void)span_cut(&port, ':');
	out_str(&o, tls ? "__Host-parley-session" : "parley-session");
	if (port.n < h->host.n && port.n <= 5 && span_u64(port, &n)) {
		out_byte(&o, '-');
		out_u64(&o, n);
	}
	(void)out_cstr(&o);
}

bool access_cookie(const struct http_head *h, bool tls, struct span *id)
{
	char name[ACCESS_COOKIE_MAX];
	struct span list;
	bool found = false;

	if (!http_field_get(h, "Cookie", &list, NULL))
		return false;
	access_cookie_name(h, tls, name);
	while (list.n) {
		struct span pair = span_cut(&list, ';');

		if (!span_eq_str(span_trim(span_cut(&pair, '=')), name))
			continue;
		if (found) /* two of them: somebody else set one */
			return false;
		*id = span_trim(pair);
		found = true;
	}
	return found;
}

/* "https://" and our Host. */
static bool is_our_origin(struct span origin, const struct http_head *h, bool tls)
{
	struct span scheme = tls ? SPAN_LIT("https://") : SPAN_LIT("http://");

	/* A browser sends both in lower case; a person may not. */
	return h->host.n > 0 && span_eq(span_sub(origin, 0, scheme.n), scheme) && span_same_nocase(span_sub(origin, scheme.n, origin.n), h->host);
}

/* Made by a page of ours. What only reads may also come from the address bar ("none"), or from a program that sends neither field. */
static bool from_our_page(const struct http_head *h, bool tls)
{
	bool reads = !span_eq_str(h->method, "POST"), repeated = false;
	struct span site, origin;

	if (http_field_get(h, "Sec-Fetch-Site", &site, &repeated))
		return span_eq_str(site, "same-origin") || (reads && span_eq_str(site, "none"));
	if (repeated)
		return false;
	if (http_field_get(h, "Origin", &origin, &repeated))
		return is_our_origin(origin, h, tls);
	return reads && !repeated;
}

static bool is_local(const struct http_head *h)
{
	bool origin, site;
	char host[HOST_MAX];
	struct span value;
	uint16_t port;

	if (http_field_get(h, "Origin", &value, &origin) || http_field_get(h, "Sec-Fetch-Site", &value, &site) || origin || site)
		return false;
	if (url_hostport(h->host, 80, host, &port) != ERR_OK)
		return false;
	return strcmp(host, "localhost") == 0 || strcmp(host, "127.0.0.1") == 0 || strcmp(host, "::1") == 0;
}

void access_https_origin(const struct http_head *h, uint16_t port, char dst[ACCESS_ORIGIN_MAX])
{
	struct out o = out_init(dst, ACCESS_ORIGIN_MAX);
	char host[HOST_MAX];
	uint16_t theirs;
	bool six;

	if (port && url_hostport(h->host, 80, host, &theirs) == ERR_OK) {
		six = span_find(span_str(host), ':') < strlen(host);
		out_strs(&o, "https://", six ? "[" : "", host, six ? "]" : "");
		if (port != 443) {
			out_byte(&o, ':');
			out_u64(&o, port);
		}
	}
	(void)out_cstr(&o);
}

/* --- proofs ------------------------------------------------------------------------------------------------------ */

static bool session_ok(const struct access_operator *operator, struct span id)
{
	(void)operator;
	return session_valid(id, clock_ms());
}

typedef bool proof_ok(const struct access_operator *, struct span);

/* Asks the limit, then compares, then counts. */
static enum access_verdict judge(proof_ok *right, const struct access_operator *operator, struct span proof, const struct access_way *way,
                                 struct rate_verdict *limit)
{
	enum access_verdict v = ACCESS_LIMITED;

	lock_take(&guessing);
	*limit = rate_look(ACCESS_GUESSES, NULL, &way->peer, clock_ms());
	if (limit->allowed) {
		v = right(operator, proof) ? ACCESS_GRANTED : ACCESS_DENIED;
		*limit = v == ACCESS_GRANTED ? (struct rate_verdict){ 0 } : rate_take(ACCESS_GUESSES, NULL, &way->peer, clock_ms());
	}
	lock_release(&guessing);
	return v;
}

enum access_verdict access_token(const struct access_operator *operator, struct span token, const struct access_way *way,
                                 struct rate_verdict *limit)
{
	return judge(access_token_ok, operator, token, way, limit);
}

enum access_verdict access_check(enum access need, const struct access_operator *operator, const struct http_head *h,
                                 const struct access_way *way, struct rate_verdict *limit)
{
	struct span value, token = { NULL, 0 }, id;
	bool repeated = false, secret = way->tls || net_is_loopback(&way->peer);
	enum access_verdict v;

	*limit = (struct rate_verdict){ 0 };
	if (need == ACCESS_PROVEN)
		return ACCESS_DENIED; /* what a connection has proven is not in the head */
	if (need == ACCESS_LOCAL)
		return net_is_loopback(&way->peer) && is_local(h) ? ACCESS_GRANTED : ACCESS_FOREIGN;
	if ((need != ACCESS_OPERATOR && need != ACCESS_SIGN_IN) || operator->none)
		return ACCESS_GRANTED; /* no secret comes along */
	if (!operator->set)
		return need == ACCESS_SIGN_IN ? ACCESS_GRANTED : ACCESS_CLOSED; /* h_login says so itself */
	if (!secret)
		return ACCESS_PLAIN;
	if (need == ACCESS_SIGN_IN)
		return ACCESS_GRANTED;
	if (http_field_get(h, "Authorization", &value, &repeated) || repeated) {
		if (repeated || !bearer_token(value, &token))
			token = span_of(NULL, 0); /* counts as a wrong one */
		return access_token(operator, token, way, limit);
	}
	if (!access_cookie(h, way->tls, &id))
		return ACCESS_DENIED;
	v = judge(session_ok, operator, id, way, limit);
	return v == ACCESS_GRANTED && !from_our_page(h, way->tls) ? ACCESS_FOREIGN : v;
}
