/* Chunked bodies: the same body however the bytes are split, and the same as a second, simpler decoder finds. */
#include "fuzz.h"

#include "text/chunked.h"

#define BODY_MAX 65536

struct result {
	enum err err;
	bool done;
	size_t n, used;
	uint8_t body[BODY_MAX];
};

static void decode(struct span in, enum fuzz_cut cut, struct result *r)
{
	struct fuzz_dice d = fuzz_dice(in);
	struct chunked c;
	size_t at = 0;

	memset(&c, 0, sizeof c);
	r->n = r->used = 0;
	r->err = ERR_MORE;
	r->done = false;
	while (at < in.n && r->err == ERR_MORE && !r->done) {
		size_t n = fuzz_piece(cut, &d, in.n - at);
		uint8_t *copy = fuzz_exact(span_sub(in, at, n));
		struct span piece = span_of(copy, n), data;
		enum err e = ERR_OK;

		while (e == ERR_OK && !r->done) {
			size_t before = piece.n;

			e = chunked_next(&c, &piece, &data, &r->done);
			if (e == ERR_SYNTAX)
				break;
			HOLD(e == ERR_OK || e == ERR_MORE);
			HOLD(fuzz_inside(data, span_of(copy, n)) && r->n + data.n <= BODY_MAX);
			HOLD(e == ERR_MORE || piece.n < before || data.n || r->done); /* it gets on */
			if (e == ERR_MORE)
				HOLD(piece.n == 0);
			if (data.n)
				memcpy(r->body + r->n, data.p, data.n);
			r->n += data.n;
		}
		r->err = e == ERR_OK ? ERR_MORE : e;
		at += n - piece.n;
		free(copy);
	}
	if (r->done)
		r->err = ERR_OK;
	r->used = at;
}

static bool line_ok(struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if ((line.p[i] < 0x20 && line.p[i] != '\t') || line.p[i] == 0x7f)
			return false;
	return true;
}

static bool cut_line(struct span *in, struct span *line)
{
	for (size_t i = 0; i + 1 < in->n; i++)
		if (in->p[i] == '\r' && in->p[i + 1] == '\n') {
			*line = span_sub(*in, 0, i);
			*in = span_sub(*in, i + 2, in->n);
			return line_ok(*line);
		}
	return false;
}

/* Whole and acceptable by RFC 9112 section 7.1, in the plainest way; lengths of lines are not judged. */
static bool simple(struct span in, struct result *r)
{
	struct span line;
	size_t all = in.n;

	r->n = 0;
	for (;;) {
		char *text;
		unsigned long long size;
		size_t digits;

		if (!cut_line(&in, &line))
			return false;
		text = fuzz_text(line);
		if (!text)
			return false;
		digits = strspn(text, "0123456789abcdefABCDEF");
		size = strtoull(text, NULL, 16);
		if (digits == 0 || digits > 15 || !strchr("; \t", text[digits])) {
			free(text);
			return false;
		}
		free(text);
		if (size == 0)
			break;
		if (size > in.n || in.n - size < 2 || in.p[size] != '\r' || in.p[size + 1] != '\n')
			return false;
		memcpy(r->body + r->n, in.p, size);
		r->n += size;
		in = span_sub(in, size + 2, in.n);
	}
	do
		if (!cut_line(&in, &line))
			return false;
	while (line.n);
	r->used = all - in.n;
	return true;
}

void fuzz_one(struct span in)
{
	static struct result a, b;

	if (in.n > BODY_MAX)
		return;
	decode(in, FUZZ_WHOLE, &a);
	for (enum fuzz_cut cut = FUZZ_BYTES; cut < FUZZ_CUTS; cut++) {
		decode(in, cut, &b);
		HOLD(a.err == b.err && a.n == b.n && fuzz_same(a.body, b.body, a.n));
		if (a.err == ERR_OK)
			HOLD(a.used == b.used);
	}
	if (a.err == ERR_OK) {
		HOLD(simple(in, &b));
		HOLD(a.n == b.n && a.used == b.used && fuzz_same(a.body, b.body, a.n));
	}
}
