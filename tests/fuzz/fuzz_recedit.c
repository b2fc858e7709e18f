/* A genuine file of records, edited: any change, wherever it is, is found before the end of the file. The input is a list of edits of four
 * bytes each: what, where (two bytes, scaled to the file), how much. */
#include "fuzz.h"

#include "genuine.h"

#define EDITS 8

static struct span good;

void fuzz_setup(void)
{
	uint64_t records;

	good = genuine_records();
	HOLD(genuine_read(good, KEYS_OWN, &records) == ERR_OK && records == GENUINE_RECORDS);
	fuzz_seed("records", "genuine", good);
}

static size_t line_start(const uint8_t *p, size_t n, size_t at)
{
	(void)n;
	while (at && p[at - 1] != '\n')
		at--;
	return at;
}

static size_t line_end(const uint8_t *p, size_t n, size_t at)
{
	while (at < n && p[at] != '\n')
		at++;
	return at < n ? at + 1 : n;
}

/* Takes p[from..to) out, or puts a copy of it in at `at`. */
static size_t take_out(uint8_t *p, size_t n, size_t from, size_t to)
{
	memmove(p + from, p + to, n - to);
	return n - (to - from);
}

static size_t put_in(uint8_t *p, size_t n, size_t at, const uint8_t *part, size_t len)
{
	memmove(p + at + len, p + at, n - at);
	memcpy(p + at, part, len);
	return n + len;
}

static size_t edit(uint8_t *p, size_t n, const uint8_t *how)
{
	static uint8_t part[65536];
	size_t at = n ? ((size_t)how[1] << 8 | how[2]) * n >> 16 : 0, len = how[3], from, to;

	if (n == 0)
		return 0;
	from = line_start(p, n, at);
	to = line_end(p, n, at);
	switch (how[0] % 8) {
	case 0: /* a bit */
		p[at] ^= (uint8_t)(1u << (len & 7));
		return n;
	case 1: /* a byte */
		p[at] = (uint8_t)len;
		return n;
	case 2: /* cut out */
		return take_out(p, n, at, at + len < n ? at + len : n);
	case 3: /* the end cut off */
		return at;
	case 4: /* a line dropped */
		return take_out(p, n, from, to);
	case 5: /* a line doubled */
		memcpy(part, p + from, to - from);
		return put_in(p, n, to, part, to - from);
	case 6: /* a line moved */
		memcpy(part, p + from, to - from);
		n = take_out(p, n, from, to);
		at = line_start(p, n, len * n >> 8);
		return put_in(p, n, at, part, to - from);
	default: /* a value of the same length from elsewhere */
		if (at + len > n || (size_t)len * 7 + len > n)
			return n;
		memmove(p + at, p + (size_t)len * 7 % (n - len + 1), len);
		return n;
	}
}

/* The blanks between lines are not part of what was sealed. */
static bool same_but_blanks(struct span a, struct span b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a.n && (a.p[i] == '\n' || a.p[i] == ' ' || a.p[i] == '\t' || a.p[i] == '\r'))
			i++;
		while (k < b.n && (b.p[k] == '\n' || b.p[k] == ' ' || b.p[k] == '\t' || b.p[k] == '\r'))
			k++;
		if (i == a.n || k == b.n)
			return i == a.n && k == b.n;
		if (a.p[i++] != b.p[k++])
			return false;
	}
}

/* A line that is a genuine record, unchanged. */
static bool has_record_of_ours(struct span text)
{
	while (text.n) {
		struct span line = span_sub(text, 0, span_find(text, '\n')), rest = good;

		text = span_sub(text, line.n + 1, text.n);
		while (rest.n) {
			struct span own = span_sub(rest, 0, span_find(rest, '\n'));

			rest = span_sub(rest, own.n + 1, rest.n);
			if (span_eq(own, line) && span_starts(own, "{\"line_number\""))
				return true;
		}
	}
	return false;
}

void fuzz_one(struct span in)
{
	static uint8_t copy[65536 * 4];
	uint64_t records;
	size_t n = good.n;
	uint8_t *exact;
	enum err e;

	memcpy(copy, good.p, n);
	for (size_t i = 0; i + 4 <= in.n && i < (size_t)EDITS * 4 && n < 30000; i += 4)
		n = edit(copy, n, in.p + i);
	exact = fuzz_exact(span_of(copy, n));
	e = genuine_read(span_of(exact, n), KEYS_OWN, &records);
	if (span_eq(span_of(copy, n), good))
		HOLD(e == ERR_OK && records == GENUINE_RECORDS);
	else if (e == ERR_OK && n && !same_but_blanks(span_of(copy, n), good))
		/* Without our header it may pass for the original format, which nothing protects: but not with a record of ours in it. */
		HOLD(!records_is_head(span_of(copy, n)) && !has_record_of_ours(span_of(copy, n)));
	free(exact);
}
