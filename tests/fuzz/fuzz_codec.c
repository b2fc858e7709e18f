/* Base64, hexadecimal, UTF-8 and times: what was encoded decodes to itself, and a text that decodes is the only one that does. */
#include "fuzz.h"

#include "text/base64.h"
#include "text/hex.h"
#include "text/pem.h"
#include "text/timefmt.h"
#include "text/utf8.h"

#define IN_MAX 30000

static uint8_t text[3 * IN_MAX], back[3 * IN_MAX];

static bool only(struct span s, uint8_t c)
{
	return span_find(s, c) == s.n;
}

static void base64(struct span in)
{
	for (int form = B64_STD; form <= B64_URL_PAD; form++) {
		struct out o = out_init(text, sizeof text);
		struct span kept = in;
		size_t n = 99;
		enum err e;

		base64_encode(&o, (enum b64_form)form, in);
		HOLD(!o.bad && o.n <= B64_LEN(in.n));
		HOLD(base64_decode((enum b64_form)form, out_span(&o), back, in.n, &n) == ERR_OK && n == in.n && fuzz_same(back, in.p, n));
		if (in.n)
			HOLD(base64_decode((enum b64_form)form, out_span(&o), back, in.n - 1, &n) == ERR_TOO_BIG);
		/* And in place. */
		HOLD(base64_decode((enum b64_form)form, out_span(&o), text, o.n, &n) == ERR_OK && n == in.n && fuzz_same(text, in.p, n));

		/* The other way: canonical texts only. */
		e = base64_decode((enum b64_form)form, in, back, sizeof back, &n);
		HOLD(e == ERR_OK || e == ERR_SYNTAX);
		if (e != ERR_OK)
			continue;
		o = out_init(text, sizeof text);
		base64_encode(&o, (enum b64_form)form, span_of(back, n));
		HOLD(only(in, ' ') && only(in, '\n') && only(in, '\r'));
		if (form != B64_STD) { /* padding is a matter of taste there */
			while (kept.n && kept.p[kept.n - 1] == '=')
				kept.n--;
			while (o.n && text[o.n - 1] == '=')
				o.n--;
		}
		HOLD(span_eq(out_span(&o), kept));
	}
}

static void hex(struct span in)
{
	struct out o = out_init(text, sizeof text);
	uint64_t v, w;
	char *t;

	out_hex(&o, in.p, in.n);
	HOLD(!o.bad && o.n == 2 * in.n && hex_decode(out_span(&o), back, in.n) == ERR_OK && fuzz_same(back, in.p, in.n));
	HOLD(hex_decode(out_span(&o), back, in.n + 1) == ERR_SYNTAX);
	if (in.n % 2 == 0 && hex_decode(in, back, in.n / 2) == ERR_OK) {
		o = out_init(text, sizeof text);
		out_hex(&o, back, in.n / 2);
		for (size_t i = 0; i < in.n; i++)
			HOLD(text[i] == (in.p[i] | (in.p[i] > '9' ? 0x20 : 0)));
	}
	t = fuzz_text(in);
	if (t && hex_u64(in, &v) == ERR_OK) {
		HOLD(in.n >= 1 && in.n <= 16 && strspn(t, "0123456789abcdefABCDEF") == in.n && strtoull(t, NULL, 16) == v);
		o = out_init(text, sizeof text);
		out_hex_u64(&o, v);
		HOLD(hex_u64(out_span(&o), &w) == ERR_OK && v == w);
	}
	free(t);
}

static void utf8(struct span in)
{
	bool ok = true;
	size_t at = 0;

	while (at < in.n && ok) {
		size_t n = utf8_len(span_sub(in, at, in.n));
		const uint8_t *p = in.p + at;

		HOLD(n <= 4 && n <= in.n - at);
		ok = n > 0;
		if (n == 1)
			HOLD(p[0] < 0x80);
		for (size_t i = 1; i < n; i++)
			HOLD((p[i] & 0xc0) == 0x80);
		at += n;
	}
	HOLD(utf8_valid(in) == ok);
}

static void times(struct span in)
{
	struct out o = out_init(text, sizeof text);
	int64_t t = 0, u;
	struct civil c;

	if (time_parse_http(in, &t) == ERR_OK) {
		time_http(&o, t);
		HOLD(!o.bad && span_eq(out_span(&o), in)); /* one text for one time, the day's name included */
	}
	if (in.n < 8)
		return;
	memcpy(&t, in.p, 8);
	c = time_to_civil(t);
	HOLD(time_civil_ok(&c));
	u = time_from_civil(&c);
	if (t >= -62135596800 && t <= 253402300799)
		HOLD(u == t);
	o = out_init(text, sizeof text);
	time_http(&o, t);
	HOLD(!o.bad && time_parse_http(out_span(&o), &t) == ERR_OK && t == u);
	o = out_init(text, sizeof text);
	time_iso8601(&o, u, 0);
	HOLD(!o.bad && o.n == strlen("2026-11-21T02:03:04.000005Z"));
}

static void numbers(struct span in)
{
	struct out o = out_init(text, sizeof text);
	uint64_t v, w;

	if (span_u64(in, &v)) {
		out_u64(&o, v);
		HOLD(span_u64(out_span(&o), &w) && v == w && in.n >= o.n && in.n <= 20);
		for (size_t i = 0; i < in.n - o.n; i++)
			HOLD(in.p[i] == '0');
	}
}

void fuzz_one(struct span in)
{
	uint8_t *copy;
	struct span s;

	if (in.n > IN_MAX)
		return;
	copy = fuzz_exact(in);
	s = span_of(copy, in.n);
	base64(s);
	hex(s);
	utf8(s);
	times(s);
	numbers(s);
	free(copy);
}
