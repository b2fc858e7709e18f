/* Request heads: a verdict does not depend on how the bytes arrive, and what is accepted means one thing only. */
#include "fuzz.h"

#include <strings.h>

#include "crypto/hash.h"
#include "text/http_head.h"
#include "text/url.h"
#include "http/access.h"

#define TOKEN "fuzz-token"

static struct access_operator operator;
static struct http_head head, other;

void fuzz_setup(void)
{
	operator.set = true;
	hash_sha256(SPAN_LIT(TOKEN), operator.sha256);
}

static bool is_refusal(int status)
{
	return status == 400 || status == 414 || status == 417 || status == 431 || status == 501 || status == 505;
}

static enum err parse(struct span in, struct http_head *h)
{
	uint8_t *copy = fuzz_exact(in);
	enum err e = http_request_parse(span_of(copy, in.n), h);

	HOLD(e == ERR_OK || e == ERR_MORE || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	if (e == ERR_SYNTAX || e == ERR_TOO_BIG) {
		HOLD(is_refusal(h->refuse));
		HOLD((e == ERR_TOO_BIG) == (h->refuse == 414 || h->refuse == 431));
	}
	free(copy); /* views of h must not be followed from here on */
	return e;
}

/* Before its last byte an acceptable head is "more"; once refused, always refused. */
static void prefixes(struct span in, enum err whole, size_t size)
{
	size_t step = in.n <= 300 ? 1 : in.n / 100;
	bool refused = false;

	for (size_t n = 0; n < in.n; n += step) {
		enum err e = parse(span_sub(in, 0, n), &other);

		if (whole == ERR_OK && n < size)
			HOLD(e == ERR_MORE);
		if (whole == ERR_OK && n >= size)
			HOLD(e == ERR_OK && other.size == size);
		if (whole == ERR_MORE)
			HOLD(e == ERR_MORE);
		if (refused)
			HOLD(e != ERR_OK && e != ERR_MORE);
		refused = refused || (e != ERR_OK && e != ERR_MORE);
	}
	if (refused)
		HOLD(whole != ERR_OK && whole != ERR_MORE);
}

static size_t count(struct span text, const char *name, struct span *value)
{
	size_t n = 0, len = strlen(name);

	/* An own look at the lines: name at the start of a line, then the colon at once. */
	for (size_t i = 0; i + len + 1 < text.n; i++) {
		if (i < 2 || text.p[i - 1] != '\n' || text.p[i + len] != ':' || strncasecmp((const char *)text.p + i, name, len) != 0)
			continue;
		*value = span_sub(text, i + len + 1, text.n);
		value->n = span_find(*value, '\r');
		n++;
	}
	return n;
}

/* What another, more tolerant reader would see in the same bytes is the same (RFC 9112 section 11.2). */
static void no_smuggling(struct span text, const struct http_head *h)
{
	struct span te = { NULL, 0 }, cl = { NULL, 0 }, host = { NULL, 0 };
	size_t tes = count(text, "Transfer-Encoding", &te), cls = count(text, "Content-Length", &cl);

	for (size_t i = 0; i < text.n; i++) {
		HOLD(text.p[i] != 0);
		if (text.p[i] == '\n')
			HOLD(i > 0 && text.p[i - 1] == '\r');
		if (text.p[i] == '\r')
			HOLD(i + 1 < text.n && text.p[i + 1] == '\n');
		if (i + 1 < text.n && text.p[i] == '\n')
			HOLD(text.p[i + 1] != ' ' && text.p[i + 1] != '\t');
	}
	HOLD(tes + cls <= 1);
	HOLD((h->framing == HTTP_CHUNKED) == (tes == 1));
	HOLD((h->framing == HTTP_LENGTH) == (cls == 1));
	HOLD(h->framing != HTTP_UNTIL_CLOSE);
	if (tes)
		HOLD(span_eq_nocase(span_trim(te), "chunked") && h->minor == 1);
	if (cls) {
		char *digits = fuzz_text(span_trim(cl));

		HOLD(digits[0] && strspn(digits, "0123456789") == strlen(digits));
		HOLD(strtoull(digits, NULL, 10) == h->length);
		free(digits);
	}
	HOLD(count(text, "Host", &host) == 1 || (h->minor == 0 && count(text, "Host", &host) == 0));
}

/* Written out again from its parts, the head reads the same. */
static void again(const struct http_head *h)
{
	static uint8_t buf[4 * HTTP_HEAD_MAX];
	struct out o = out_init(buf, sizeof buf);

	out_put(&o, h->method);
	out_byte(&o, ' ');
	out_put(&o, h->target);
	out_str(&o, h->minor ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n");
	for (size_t i = 0; i < h->n_fields; i++) {
		out_put(&o, h->fields[i].name);
		out_byte(&o, ':');
		out_put(&o, h->fields[i].value);
		out_str(&o, "\r\n");
	}
	out_str(&o, "\r\n");
	HOLD(!o.bad);
	HOLD(http_request_parse(out_span(&o), &other) == ERR_OK);
	HOLD(other.size == o.n && other.n_fields == h->n_fields && other.framing == h->framing && other.length == h->length);
	HOLD(other.keep_alive == h->keep_alive && other.expect_continue == h->expect_continue);
	HOLD(span_eq(other.path, h->path) && span_eq(other.query, h->query) && span_eq(other.host, h->host));
	for (size_t i = 0; i < h->n_fields; i++)
		HOLD(span_eq(other.fields[i].name, h->fields[i].name) && span_eq(other.fields[i].value, h->fields[i].value));
}

static void views(struct span text, const struct http_head *h)
{
	static uint8_t path_buf[URL_MAX];
	struct out path = out_init(path_buf, sizeof path_buf);
	struct span host = { NULL, 0 };
	char name[HOST_MAX];
	uint16_t port;

	HOLD(fuzz_inside(h->method, text) && fuzz_inside(h->target, text) && fuzz_inside(h->query, text) && fuzz_inside(h->host, text));
	HOLD(fuzz_inside(h->path, text) || span_eq_str(h->path, "/"));
	HOLD(h->n_fields <= HTTP_FIELDS_MAX && h->size <= HTTP_HEAD_MAX + 2 && h->target.n <= URL_MAX);
	for (size_t i = 0; i < h->n_fields; i++) {
		HOLD(fuzz_inside(h->fields[i].name, text) && fuzz_inside(h->fields[i].value, text) && h->fields[i].name.n);
		HOLD(span_find(h->fields[i].name, ' ') == h->fields[i].name.n);
	}
	if (h->host.n)
		HOLD(url_hostport(h->host, 80, name, &port) == ERR_OK);
	/* the target's own host, where it has one (RFC 9112 section 3.2.2), else the field's */
	if (http_field_get(h, "Host", &host, NULL))
		HOLD(span_eq(host, h->host) || (!span_starts(h->target, "/") && fuzz_inside(h->host, h->target)));
	if (url_decode(h->path, &path) == ERR_OK)
		for (size_t i = 0; i < path.n; i++)
			HOLD(path.p[i] >= 0x20 && path.p[i] != 0x7f);
}

/* Nobody gets in without the token's text in his bytes. */
static void access(struct span text, const struct http_head *h)
{
	static uint32_t peers;
	struct access_way way = { .peer = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 127 } } };
	struct rate_verdict limit;
	enum access_verdict v;
	struct span value;

	peers++; /* each its own: none is refused because of another's guesses */
	for (int i = 0; i < 3; i++)
		way.peer.ip[13 + i] = (uint8_t)(peers >> 8 * i);
	v = access_check(ACCESS_OPERATOR, &operator, h, &way, &limit);
	HOLD(access_check(ACCESS_PUBLIC, &operator, h, &way, &limit) == ACCESS_GRANTED);
	HOLD(v == ACCESS_GRANTED || v == ACCESS_DENIED);
	if (v == ACCESS_GRANTED) {
		HOLD(count(text, "Authorization", &value) == 1);
		value = span_trim(value);
		HOLD(span_eq_nocase(span_sub(value, 0, 7), "Bearer ") && span_eq_str(span_trim(span_sub(value, 7, value.n)), TOKEN));
	}
}

void fuzz_one(struct span in)
{
	enum err e = parse(in, &head);

	prefixes(in, e, head.size);
	if (e != ERR_OK)
		return;
	e = http_request_parse(in, &head); /* once more, with views that may be followed */
	HOLD(e == ERR_OK && head.size <= in.n);
	in.n = head.size;
	views(in, &head);
	no_smuggling(in, &head);
	again(&head);
	access(in, &head);
}
