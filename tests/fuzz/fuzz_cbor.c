/* CBOR: only the shortest encodings are read, so whatever is read is written to the same bytes. */
#include "fuzz.h"

#include "text/cbor.h"
#include "text/utf8.h"

#define DEPTH 40

static uint8_t written[70000];

/* One item of any kind, read with the accessor of its type and written back. */
static void item(struct cbor *c, struct out *o, unsigned depth)
{
	enum cbor_type type = cbor_peek(c);
	struct cbor skipped = *c, wrong = *c, before = *c;
	struct span s;
	int64_t v;
	uint64_t tag;
	size_t n;

	cbor_skip(&skipped);
	if (type == CBOR_OTHER || type == CBOR_NOTHING || depth == DEPTH) {
		*c = skipped;
		out_bytes(o, before.rest.p, before.rest.n - (c->bad ? 0 : c->rest.n));
		return;
	}
	if (type == CBOR_TEXT)
		HOLD(cbor_bytes(&wrong).n == 0 && wrong.bad);
	else
		HOLD(cbor_text(&wrong).n == 0 && wrong.bad);
	switch (type) {
	case CBOR_UINT:
	case CBOR_NINT:
		v = cbor_int(c);
		HOLD(c->bad || (v < 0) == (type == CBOR_NINT));
		if (c->bad) /* beyond int64_t: well-formed all the same */
			*c = skipped, out_bytes(o, before.rest.p, before.rest.n - c->rest.n);
		else
			cbor_put_head(o, type, type == CBOR_UINT ? (uint64_t)v : (uint64_t)(-1 - v));
		break;
	case CBOR_BYTES:
	case CBOR_TEXT:
		s = type == CBOR_TEXT ? cbor_text(c) : cbor_bytes(c);
		HOLD(fuzz_inside(s, before.rest) && (c->bad || type == CBOR_BYTES || utf8_valid(s)));
		cbor_put_head(o, type, s.n);
		out_put(o, s);
		break;
	case CBOR_ARRAY:
	case CBOR_MAP:
		n = type == CBOR_MAP ? cbor_map(c) : cbor_array(c);
		HOLD(c->bad ? n == 0 : n <= c->rest.n);
		cbor_put_head(o, type, n);
		for (size_t i = 0; i < (type == CBOR_MAP ? 2 * n : n) && !c->bad; i++)
			item(c, o, depth + 1);
		break;
	case CBOR_TAG:
		tag = cbor_tag(c);
		cbor_put_head(o, CBOR_TAG, tag);
		item(c, o, depth + 1);
		break;
	case CBOR_OTHER:
	case CBOR_NOTHING:
	default:
		break;
	}
	/* Passing over and reading agree. */
	HOLD(c->bad == skipped.bad && (c->bad || c->rest.n == skipped.rest.n));
}

void fuzz_one(struct span in)
{
	uint8_t *copy;
	struct out o = out_init(written, sizeof written);
	struct cbor c;

	if (in.n > 60000)
		return;
	copy = fuzz_exact(in);
	c = cbor_init(span_of(copy, in.n));
	while (!c.bad && c.rest.n) {
		struct span before = c.rest;
		size_t start = o.n;

		item(&c, &o, 0);
		if (c.bad)
			break;
		HOLD(!o.bad && o.n - start == before.n - c.rest.n && fuzz_same(written + start, before.p, o.n - start));
	}
	if (c.bad)
		HOLD(!cbor_done(&c) && cbor_peek(&c) == CBOR_NOTHING && cbor_int(&c) == 0 && cbor_bytes(&c).n == 0 && cbor_map(&c) == 0);
	else
		HOLD(cbor_done(&c));
	free(copy);
}
