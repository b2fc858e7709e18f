/* CSV: the same rows for any split of the input, and the same rows again when they are written out quoted. */
#include "fuzz.h"

#include "text/csv.h"
#include "text/utf8.h"

#define TEXT_MAX 20000

struct result {
	enum err err;
	uint64_t rows, line;
	const char *problem;
	size_t n;
	uint8_t text[4 * TEXT_MAX]; /* rows in quotes, CRLF */
};

static struct csv csv;

static void put_row(struct result *r)
{
	struct out o = out_init(r->text + r->n, sizeof r->text - r->n);
	struct span whole = span_of(csv.text, sizeof csv.text);

	HOLD(csv.n >= 1 && csv.n <= FIELDS_MAX && csv_value(&csv, csv.n).n == 0);
	for (size_t i = 0; i < csv.n; i++) {
		struct span v = csv_value(&csv, i);

		HOLD(fuzz_inside(v, whole) && v.n <= FIELD_VALUE_MAX && utf8_valid(v) && span_find(v, 0) == v.n);
		out_str(&o, i ? ",\"" : "\"");
		for (size_t k = 0; k < v.n; k++) {
			if (v.p[k] == '"')
				out_byte(&o, '"');
			out_byte(&o, v.p[k]);
		}
		out_byte(&o, '"');
	}
	out_str(&o, "\r\n");
	HOLD(!o.bad);
	r->n += o.n;
	r->rows++;
}

static void read_all(struct span in, enum fuzz_cut how, struct result *r)
{
	struct fuzz_dice d = fuzz_dice(in);
	enum err e = ERR_MORE;
	size_t at = 0;

	memset(&csv, 0, sizeof csv);
	r->n = 0;
	r->rows = 0;
	while (at < in.n && e == ERR_MORE) {
		size_t n = fuzz_piece(how, &d, in.n - at);
		uint8_t *copy = fuzz_exact(span_sub(in, at, n));
		struct span piece = span_of(copy, n);

		while ((e = csv_next(&csv, &piece)) == ERR_OK)
			put_row(r);
		at += n;
		free(copy);
	}
	if (e == ERR_MORE) {
		e = csv_finish(&csv);
		if (e == ERR_OK)
			put_row(r);
		if (e == ERR_NOT_FOUND)
			e = ERR_OK;
	}
	r->err = e;
	r->problem = csv.problem;
	r->line = csv.line;
	if (e != ERR_OK) {
		struct span more = SPAN_LIT("a,b\n");

		HOLD(e == ERR_SYNTAX || e == ERR_TOO_BIG);
		HOLD(csv.problem && csv_next(&csv, &more) != ERR_OK && csv_finish(&csv) != ERR_OK); /* it sticks */
	}
}

void fuzz_one(struct span in)
{
	static struct result a, b;

	if (in.n > TEXT_MAX)
		return;
	read_all(in, FUZZ_WHOLE, &a);
	for (enum fuzz_cut how = FUZZ_BYTES; how < FUZZ_CUTS; how++) {
		read_all(in, how, &b);
		HOLD(a.err == b.err && a.rows == b.rows && a.n == b.n && fuzz_same(a.text, b.text, a.n));
		HOLD(a.problem == b.problem && a.line == b.line);
	}
	if (a.n > TEXT_MAX)
		return;
	read_all(span_of(a.text, a.n), FUZZ_DICE, &b);
	HOLD(b.err == ERR_OK && a.rows == b.rows && a.n == b.n && fuzz_same(a.text, b.text, a.n));
}
