/* Streams of JSON records: the same items for any split, counted or kept; those of a whole array are its elements. */
#include "fuzz.h"

#include "text/json_items.h"
#include "text/json_read.h"

#define ITEM_MAX 4096
#define ALL_MAX 65536

struct result {
	enum err err;
	uint64_t items;
	size_t n; /* of text: every item, then a LF */
	uint8_t text[2 * ALL_MAX];
};

static void cut(struct span in, enum fuzz_cut how, bool keep, struct result *r)
{
	static uint8_t buf[ITEM_MAX];
	struct fuzz_dice d = fuzz_dice(in);
	struct json_items it;
	struct span item;
	enum err e = ERR_MORE;
	size_t at = 0;

	json_items_init(&it, keep ? buf : NULL, sizeof buf);
	r->n = 0;
	while (at < in.n && e == ERR_MORE) {
		size_t n = fuzz_piece(how, &d, in.n - at);
		uint8_t *copy = fuzz_exact(span_sub(in, at, n));
		struct span piece = span_of(copy, n);

		while ((e = json_items_next(&it, &piece, &item)) == ERR_OK) {
			if (!keep) {
				HOLD(item.n == 0);
				continue;
			}
			HOLD(item.n >= 2 && item.n <= ITEM_MAX && item.p[0] == '{');
			HOLD(item.p == buf || (item.p >= copy && item.p + item.n <= copy + n));
			memcpy(r->text + r->n, item.p, item.n);
			r->n += item.n;
			r->text[r->n++] = '\n';
		}
		if (e == ERR_MORE)
			HOLD(piece.n == 0);
		at += n;
		free(copy);
	}
	HOLD(e == ERR_MORE || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	r->err = json_items_finish(&it);
	if (e != ERR_MORE)
		HOLD(r->err == e);
	r->items = it.items;
}

/* Strict JSON, as one array of objects: each element is an item, byte for byte. */
static void check_array(struct span in, const struct result *r)
{
	static struct json_tok toks[ALL_MAX];
	struct json doc;
	struct json_val v, at;
	size_t pos = 0;

	if (json_parse(&doc, in, toks, ALL_MAX) != ERR_OK)
		return;
	v = json_root(&doc);
	if (json_type_of(v) != JSON_ARRAY)
		return;
	for (at = json_at(v, 0); json_present(at); at = json_next(v, at))
		if (json_type_of(at) != JSON_OBJECT)
			break;
	if (json_present(at)) {
		HOLD(r->err != ERR_OK);
		return;
	}
	HOLD(r->err == ERR_OK || r->err == ERR_TOO_BIG);
	if (r->err != ERR_OK)
		return;
	HOLD(r->items == json_size(v));
	for (at = json_at(v, 0); json_present(at); at = json_next(v, at)) {
		struct span raw = json_raw(at);

		HOLD(r->n - pos > raw.n && fuzz_same(r->text + pos, raw.p, raw.n));
		pos += raw.n + 1;
	}
	HOLD(pos == r->n);
}

void fuzz_one(struct span in)
{
	static struct result a, b;

	if (in.n > ALL_MAX)
		return;
	cut(in, FUZZ_WHOLE, true, &a);
	for (enum fuzz_cut how = FUZZ_WHOLE; how < FUZZ_CUTS; how++) {
		cut(in, how, true, &b);
		HOLD(a.err == b.err && a.items == b.items && a.n == b.n && fuzz_same(a.text, b.text, a.n));
		cut(in, how, false, &b);
		HOLD(a.err == b.err && a.items == b.items);
	}
	check_array(in, &a);
	/* As lines, the same items again; only that the first line can then be taken for a wrapper. */
	if (a.err == ERR_OK && a.n <= ALL_MAX && !span_has_nocase(span_of(a.text, a.n), "records")) {
		cut(span_of(a.text, a.n), FUZZ_WHOLE, true, &b);
		HOLD(b.err == ERR_OK && a.items == b.items && a.n == b.n && fuzz_same(a.text, b.text, a.n));
	}
}
