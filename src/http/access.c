/* Who may use a route. */
#include "http/access.h"

#include <string.h>

#include "base/ct.h"
#include "base/out.h"
#include "crypto/hash.h"
#include "enc/url.h"
#include "plat/clock.h"

static bool bearer_token(struct span value, struct span *token)
{
	if (value.n < 8 || !span_eq_nocase(span_sub(value, 0, 7), "Bearer "))
		return false;
	*token = span_trim(span_sub(value, 7, value.n));
	return token->n > 0;
}

bool access_token_ok(const struct settings *s, struct span token)
{
	uint8_t digest[SHA256_LEN];
	bool ok;

	if (!s->operator_set)
		return false;
	hash_sha256(token, digest);
	ok = ct_equal(digest, s->operator_sha256, sizeof digest);
	WIPE(digest);
	return ok;
}

/* --- the session cookie ------------------------------------------------------------------------------------------ */

void access_cookie_name(const struct http_head *h, char name[ACCESS_COOKIE_MAX])
{
	struct out o = out_init(name, ACCESS_COOKIE_MAX);
	struct span port = h->host;
	uint64_t n;

	/* Behind the last colon; an IPv6 address without a port ends in ']'. */
	while (span_find(port, ':') < port.n)
		(void)span_cut(&port, ':');
	out_str(&o, "parley-session");
	if (port.n < h->host.n && port.n <= 5 && span_u64(port, &n)) {
		out_byte(&o, '-');
		out_u64(&o, n);
	}
	(void)out_cstr(&o);
}

bool access_cookie(const struct http_head *h, struct span *id)
{
	char name[ACCESS_COOKIE_MAX];
	struct span list;
	bool found = false;

	if (!http_field_get(h, "Cookie", &list, NULL))
		return false;
	access_cookie_name(h, name);
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

enum access_verdict access_check(enum access need, const struct settings *s, const struct http_head *h, bool tls)
{
	struct span value, token, id;
	bool repeated = false;

	if (need == ACCESS_PEER)
		return ACCESS_DENIED; /* what a connection has proven is not in the settings or the head */
	if (need == ACCESS_LOCAL)
		return is_local(h) ? ACCESS_GRANTED : ACCESS_FOREIGN;
	if (need != ACCESS_OPERATOR || s->operator_none)
		return ACCESS_GRANTED;
	if (!s->operator_set)
		return ACCESS_CLOSED;
	if (http_field_get(h, "Authorization", &value, &repeated) || repeated)
		return !repeated && bearer_token(value, &token) && access_token_ok(s, token) ? ACCESS_GRANTED : ACCESS_DENIED;
	if (!access_cookie(h, &id) || !session_valid(id, clock_ms()))
		return ACCESS_DENIED;
	return from_our_page(h, tls) ? ACCESS_GRANTED : ACCESS_FOREIGN;
}
