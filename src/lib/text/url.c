/* URLs, request targets and percent-encoding. */
#include "text/url.h"

#include <string.h>

#include "text/hex.h"

static bool is_unreserved(uint8_t c)
{
	return is_alnum(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* The two digits behind a '%' at `at`. */
static bool read_escape(struct span s, size_t at, uint8_t *byte)
{
	return s.n - at > 2 && hex_decode(span_sub(s, at + 1, 2), byte, 1) == ERR_OK;
}

bool url_chars_ok(struct span s)
{
	uint8_t byte;

	for (size_t i = 0; i < s.n; i++) {
		if (is_unreserved(s.p[i]))
			continue;
		if (s.p[i] == '%' ? !read_escape(s, i, &byte) : !s.p[i] || !strchr("!$&'()*+,;=:@/?", s.p[i]))
			return false;
	}
	return true;
}

/* --- host and port ------------------------------------------------------------------------------------------------ */

/* One label of a DNS name. The underscore is no host name character but stands in names of services and containers. */
static bool label_ok(struct span label)
{
	if (label.n == 0 || label.n > 63 || label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!is_alnum(label.p[i]) && label.p[i] != '-' && label.p[i] != '_')
			return false;
	return true;
}

/* Labels between single dots; an IPv4 address is that too. */
static bool name_ok(struct span name)
{
	bool ok = !span_ends(name, ".");

	while (ok && name.n)
		ok = label_ok(span_cut(&name, '.'));
	return ok;
}

/* Only the characters of an IPv6 address: whether it is one is found out when it is connected to. No zone. */
static bool v6_ok(struct span text)
{
	uint64_t digit;

	if (text.n < 2 || text.n > 45 || span_find(text, ':') == text.n)
		return false;
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != ':' && text.p[i] != '.' && hex_u64(span_sub(text, i, 1), &digit) != ERR_OK)
			return false;
	return true;
}

/* The first byte of an IPv4 address as four decimal numbers without leading zeros, and the
 * second one; false: it is none. */
static bool read_v4(struct span host, uint64_t *first, uint64_t *second)
{
	uint64_t n[4];

	for (size_t i = 0; i < 4; i++) {
		struct span part = span_cut(&host, '.');

		if (!span_u64(part, &n[i]) || n[i] > 255 || (part.n > 1 && part.p[0] == '0'))
			return false;
	}
	*first = n[0];
	*second = n[1];
	return host.n == 0;
}

bool url_host_text(struct span v, char *text, size_t cap)
{
	char host[HOST_MAX];
	uint16_t port;

	if (url_hostport(v, 443, host, &port) != ERR_OK)
		return false;
	if (port == 443 && span_ends(v, ":443"))
		v.n -= 4;
	if (!span_copy_str(v, text, cap))
		return false;
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 32);
	return true;
}

bool url_host_is_loopback(const char *host)
{
	struct span h = span_str(host);
	uint64_t first, second;

	if (read_v4(h, &first, &second))
		return first == 127;
	return span_eq_str(h, "localhost") || span_ends(h, ".localhost") || span_eq_str(h, "::1");
}

bool url_host_is_link_local(const char *host)
{
	uint64_t first, second;

	return read_v4(span_str(host), &first, &second) && first == 169 && second == 254;
}

static bool read_port(struct span text, uint16_t *port)
{
	uint64_t n;

	if (text.n > 5 || !span_u64(text, &n) || n == 0 || n > 65535)
		return false;
	*port = (uint16_t)n;
	return true;
}

/* Splits host from port. *tail is what follows the host: empty or ":port". False when brackets do not match. */
static bool split_host(struct span text, struct span *host, struct span *tail, bool *v6)
{
	size_t end;

	*v6 = span_starts(text, "[");
	end = span_find(text, *v6 ? ']' : ':');
	if (*v6 && end == text.n)
		return false;
	*host = *v6 ? span_sub(text, 1, end - 1) : span_sub(text, 0, end);
	*tail = span_sub(text, *v6 ? end + 1 : end, text.n);
	return host->n > 0;
}

static void copy_lower(struct span s, char *dst)
{
	for (size_t i = 0; i < s.n; i++)
		dst[i] = (char)(s.p[i] >= 'A' && s.p[i] <= 'Z' ? s.p[i] + 32 : s.p[i]);
	dst[s.n] = '\0';
}

enum err url_hostport(struct span text, uint16_t default_port, char host[HOST_MAX], uint16_t *port)
{
	struct span name, tail;
	uint16_t n = default_port;
	bool v6;

	if (!split_host(text, &name, &tail, &v6))
		return ERR_SYNTAX;
	if (name.n >= HOST_MAX)
		return ERR_TOO_BIG;
	if (v6 ? !v6_ok(name) : !name_ok(name))
		return ERR_SYNTAX;
	if (tail.n && (tail.p[0] != ':' || !read_port(span_sub(tail, 1, tail.n), &n)))
		return ERR_SYNTAX;
	copy_lower(name, host);
	*port = n;
	return ERR_OK;
}

/* --- whole URLs --------------------------------------------------------------------------------------------------- */

/* Path and query, with the "/" that may be missing in front. */
static enum err set_path(struct url *u, struct span path)
{
	struct out o = out_init(u->path, sizeof u->path);

	if (!span_starts(path, "/"))
		out_byte(&o, '/');
	out_put(&o, path);
	(void)out_cstr(&o);
	if (o.bad)
		return ERR_TOO_BIG;
	return url_chars_ok(path) ? ERR_OK : ERR_SYNTAX;
}

bool url_split(struct span text, bool *https, struct span *authority, struct span *rest)
{
	size_t n = 0;

	*https = span_eq_nocase(span_sub(text, 0, 8), "https://");
	if (!*https && !span_eq_nocase(span_sub(text, 0, 7), "http://"))
		return false;
	text = span_sub(text, *https ? 8 : 7, text.n);
	while (n < text.n && text.p[n] != '/' && text.p[n] != '?')
		n++;
	*authority = span_sub(text, 0, n);
	*rest = span_sub(text, n, text.n);
	return true;
}

enum err url_parse(struct span text, struct url *u)
{
	struct span authority, rest;

	if (!url_split(text, &u->https, &authority, &rest))
		return ERR_SYNTAX;
	TRY(url_hostport(authority, u->https ? 443 : 80, u->host, &u->port));
	return set_path(u, rest);
}

/* --- percent-encoding and queries --------------------------------------------------------------------------------- */

void url_encode(struct out *o, struct span in, bool keep_slash)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (is_unreserved(c) || (keep_slash && c == '/')) {
			out_byte(o, c);
			continue;
		}
		out_byte(o, '%');
		out_byte(o, (uint8_t)digits[c >> 4]);
		out_byte(o, (uint8_t)digits[c & 15]);
	}
}

enum err url_decode(struct span in, struct out *o)
{
	for (size_t i = 0; i < in.n; i++) {
		uint8_t c = in.p[i];

		if (c == '%') {
			if (!read_escape(in, i, &c))
				return ERR_SYNTAX;
			i += 2;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return ERR_SYNTAX;
		out_byte(o, c);
	}
	return o->bad ? ERR_TOO_BIG : ERR_OK;
}

bool url_query(struct span query, const char *name, struct span *value, bool *bad)
{
	struct span found = { NULL, 0 };
	size_t count = 0;

	while (query.n) {
		struct span pair = span_cut(&query, '&');

		if (span_eq_str(span_cut(&pair, '='), name)) {
			found = pair;
			count++;
		}
	}
	if (bad)
		*bad = count > 1;
	if (count == 1)
		*value = found;
	return count == 1;
}
