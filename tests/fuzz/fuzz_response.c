/* Response heads of services, and how long their bodies are. */
#include "fuzz.h"

#include "text/http_head.h"

static struct http_head head, other;

static enum err parse(struct span in, const char *method, struct http_head *h)
{
	uint8_t *copy = fuzz_exact(in);
	enum err e = http_response_parse(span_of(copy, in.n), method, h);

	HOLD(e == ERR_OK || e == ERR_MORE || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	free(copy);
	return e;
}

static void prefixes(struct span in, const char *method, enum err whole, size_t size)
{
	size_t step = in.n <= 300 ? 1 : in.n / 100;
	bool refused = false;

	for (size_t n = 0; n < in.n; n += step) {
		enum err e = parse(span_sub(in, 0, n), method, &other);

		if (whole == ERR_OK)
			HOLD(n < size ? e == ERR_MORE : e == ERR_OK && other.size == size);
		if (whole == ERR_MORE)
			HOLD(e == ERR_MORE);
		if (refused)
			HOLD(e != ERR_OK && e != ERR_MORE);
		refused = refused || (e != ERR_OK && e != ERR_MORE);
	}
}

/* A full buffer never asks for more: that would be a wait without end. */
static void full(struct span in, const char *method)
{
	static uint8_t buf[CLIENT_HEAD_MAX];

	if (in.n == 0 || in.n > 600)
		return;
	for (size_t i = 0; i < sizeof buf; i++)
		buf[i] = in.p[i % in.n];
	HOLD(http_response_parse(span_of(buf, sizeof buf), method, &other) != ERR_MORE);
}

static void check(struct span in, const char *method)
{
	enum err e = parse(in, method, &head);
	bool bodiless;

	prefixes(in, method, e, head.size);
	full(in, method);
	if (e != ERR_OK)
		return;
	e = http_response_parse(in, method, &head);
	HOLD(e == ERR_OK && head.size <= in.n && head.size <= CLIENT_HEAD_MAX);
	HOLD(head.status >= 100 && head.status <= 599);
	bodiless = strcmp(method, "HEAD") == 0 || head.status < 200 || head.status == 204 || head.status == 304;
	HOLD((head.framing == HTTP_NO_BODY) == bodiless);
	in.n = head.size;
	for (size_t i = 0; i < head.n_fields; i++) {
		HOLD(fuzz_inside(head.fields[i].name, in) && fuzz_inside(head.fields[i].value, in));
		for (size_t k = 0; k < head.fields[i].value.n; k++) {
			uint8_t c = head.fields[i].value.p[k];

			HOLD(c == '\t' || (c >= 0x20 && c != 0x7f));
		}
	}
}

void fuzz_one(struct span in)
{
	check(in, "GET");
	check(in, "HEAD");
}
