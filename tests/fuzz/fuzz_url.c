/* URLs, hosts, query strings and percent-encoding. */
#include "fuzz.h"

#include "text/url.h"

static void check_host(const char *host)
{
	size_t n = strlen(host);

	HOLD(n > 0 && n < HOST_MAX);
	for (size_t i = 0; i < n; i++) {
		uint8_t c = (uint8_t)host[i];

		HOLD(c > 0x20 && c < 0x7f && !strchr("/?#@\\\"'<>[]%", c) && !(c >= 'A' && c <= 'Z'));
	}
}

static void check_hostport(struct span in)
{
	char host[HOST_MAX], again[HOST_MAX];
	uint8_t buf[HOST_MAX + 16];
	struct out o = out_init(buf, sizeof buf);
	uint16_t port, port2;
	enum err e = url_hostport(in, 443, host, &port);

	if (e != ERR_OK) {
		HOLD(e == ERR_SYNTAX || e == ERR_TOO_BIG);
		return;
	}
	check_host(host);
	HOLD(port != 0);
	if (strchr(host, ':')) {
		out_byte(&o, '[');
		out_str(&o, host);
		out_byte(&o, ']');
	} else {
		out_str(&o, host);
	}
	out_byte(&o, ':');
	out_u64(&o, port);
	HOLD(!o.bad && url_hostport(out_span(&o), 1, again, &port2) == ERR_OK);
	HOLD(strcmp(host, again) == 0 && port == port2);
}

static void check_url(struct span in)
{
	static struct url u, v;
	static uint8_t buf[2 * URL_MAX];
	struct out o = out_init(buf, sizeof buf);
	enum err e = url_parse(in, &u);

	if (e != ERR_OK) {
		HOLD(e == ERR_SYNTAX || e == ERR_TOO_BIG);
		return;
	}
	check_host(u.host);
	HOLD(u.path[0] == '/' && url_chars_ok(span_str(u.path)) && !strchr(u.path, '#') && u.port);
	HOLD(span_eq_nocase(span_sub(in, 0, u.https ? 8 : 7), u.https ? "https://" : "http://"));
	out_str(&o, u.https ? "HTTPS://" : "http://");
	if (strchr(u.host, ':'))
		out_byte(&o, '[');
	out_str(&o, u.host);
	if (strchr(u.host, ':'))
		out_byte(&o, ']');
	out_byte(&o, ':');
	out_u64(&o, u.port);
	out_str(&o, u.path);
	HOLD(!o.bad);
	if (o.n > URL_MAX) /* our own form writes the port out */
		return;
	HOLD(url_parse(out_span(&o), &v) == ERR_OK);
	HOLD(u.https == v.https && u.port == v.port && strcmp(u.host, v.host) == 0 && strcmp(u.path, v.path) == 0);
}

static void check_coding(struct span in)
{
	static uint8_t text[4 * 65536], back[65536];
	bool printable = true;

	if (in.n > sizeof back)
		return;
	for (size_t i = 0; i < in.n; i++)
		printable = printable && (in.p[i] >= 0x20 || in.p[i] == '\t') && in.p[i] != 0x7f;
	for (int keep = 0; keep < 2; keep++) {
		struct out o = out_init(text, sizeof text), d = out_init(back, sizeof back);
		enum err e;

		url_encode(&o, in, keep);
		HOLD(!o.bad && url_chars_ok(out_span(&o)));
		HOLD(keep || span_find(out_span(&o), '/') == o.n);
		e = url_decode(out_span(&o), &d);
		HOLD((e == ERR_OK) == printable);
		if (e == ERR_OK)
			HOLD(d.n == in.n && fuzz_same(d.p, in.p, in.n));
	}
	/* The other way: what decodes has no byte that could end a line or a text. */
	struct out d = out_init(back, in.n);

	if (url_decode(in, &d) == ERR_OK)
		for (size_t i = 0; i < d.n; i++)
			HOLD((d.p[i] >= 0x20 || d.p[i] == '\t') && d.p[i] != 0x7f);
}

/* The same answer as from cutting at every '&' and '=' by hand. */
static void check_query(struct span in)
{
	static const char *const names[] = { "a", "page", "", "api-version" };
	struct span value, rest, pair;
	bool bad;

	for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
		size_t count = 0;
		struct span want = { NULL, 0 };
		bool found = url_query(in, names[k], &value, &bad);

		for (rest = in; rest.n;) {
			pair = span_sub(rest, 0, span_find(rest, '&'));
			rest = span_sub(rest, pair.n + 1, rest.n);
			if (!span_eq_str(span_sub(pair, 0, span_find(pair, '=')), names[k]) || (pair.n == 0 && *names[k] == '\0'))
				continue;
			want = span_sub(pair, span_find(pair, '=') + 1, pair.n);
			count++;
		}
		if (*names[k] == '\0')
			continue; /* nobody asks for it; it must only not crash */
		HOLD(found == (count == 1) && bad == (count > 1));
		if (found)
			HOLD(fuzz_inside(value, in) && span_eq(value, want));
	}
}

void fuzz_one(struct span in)
{
	uint8_t *copy = fuzz_exact(in);
	struct span s = span_of(copy, in.n);

	check_hostport(s);
	check_url(s);
	check_coding(s);
	check_query(s);
	free(copy);
}
