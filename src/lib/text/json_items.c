/* Cutting a stream of JSON into its top-level records, incrementally. */
#include "text/json_items.h"

#include <emmintrin.h>
#include <string.h>

/*   START -> ITEM on '{', FIRST on '['          nothing but blanks seen
 *   ITEM  -> GAP (lines) or NEXT (array)         inside an object of interest
 *   ITEM  -> FIRST                               the first object turned out to be the wrapper
 *   GAP   -> ITEM on '{' once an LF was seen
 *   FIRST -> ITEM on '{', TAIL or DONE on ']'    after '['
 *   NEXT  -> WANT on ',', TAIL or DONE on ']'    after an element
 *   WANT  -> ITEM on '{'                         after ','
 *   TAIL  -> DONE                                rest of the wrapper, skipped
 *   DONE                                         only blanks may follow */
enum { START, ITEM, GAP, FIRST, NEXT, WANT, TAIL, DONE };

/* Deeper than text/json_read accepts; here it only keeps the counter from wrapping. */
#define DEPTH_CAP 64

static const char wrapper_name[] = "records";
#define NAME_LEN (sizeof wrapper_name - 1)
/* match: 0..NAME_LEN characters of the name seen inside a string, then these. */
enum { NAME_CLOSED = 100, NAME_COLON, NO_MATCH };

void json_items_init(struct json_items *it, uint8_t *buf, size_t cap)
{
	memset(it, 0, sizeof *it);
	it->buf = buf;
	it->cap = cap;
	it->match = NO_MATCH;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* One byte outside items, by the table above. */
static enum err outside(struct json_items *it, uint8_t c)
{
	static const struct {
		uint8_t state, byte, next;
	} moves[] = {
		{ START, '{', ITEM }, { START, '[', FIRST }, { GAP, '{', ITEM }, { FIRST, '{', ITEM }, { FIRST, ']', DONE },
		{ NEXT, ',', WANT }, { NEXT, ']', DONE }, { WANT, '{', ITEM },
	};

	if (is_blank(c)) {
		it->need_lf = it->need_lf && c != '\n';
		return ERR_OK;
	}
	for (size_t i = 0; i < sizeof moves / sizeof moves[0]; i++) {
		if (moves[i].state != it->state || moves[i].byte != c || (it->state == GAP && it->need_lf))
			continue;
		it->first = it->state == START;
		it->in_array = it->in_array || c == '[';
		it->state = moves[i].next == DONE && it->wrapped ? TAIL : moves[i].next;
		it->n = 0;
		it->depth = it->state == TAIL; /* inside the wrapper object */
		return ERR_OK;
	}
	return ERR_SYNTAX;
}

/* Follows strings and nesting over one byte. False on too deep or unbalanced nesting. */
static bool follow(struct json_items *it, uint8_t c)
{
	if (it->in_string) {
		if (it->escaped)
			it->escaped = false;
		else if (c == '\\')
			it->escaped = true;
		else if (c == '"')
			it->in_string = false;
	} else if (c == '"') {
		it->in_string = true;
	} else if (c == '{' || c == '[') {
		if (it->depth >= DEPTH_CAP)
			return false;
		it->depth++;
	} else if (c == '}' || c == ']') {
		if (it->depth == 0)
			return false;
		it->depth--;
	}
	return true;
}

/* Watches the members of the first object for "records": [ . Called before follow() with the same byte. */
static bool opens_wrapped_array(struct json_items *it, uint8_t c)
{
	if (it->in_string) {
		if (c == '"' && it->match == NAME_LEN)
			it->match = NAME_CLOSED;
		else if (it->match < NAME_LEN && c == (uint8_t)wrapper_name[it->match])
			it->match++;
		else
			it->match = NO_MATCH;
		return false;
	}
	if (is_blank(c))
		return false;
	if (c == '[' && it->match == NAME_COLON)
		return true;
	if (c == '"')
		it->match = 0;
	else if (c == ':' && it->match == NAME_CLOSED)
		it->match = NAME_COLON;
	else
		it->match = NO_MATCH;
	return false;
}

/* One bit a byte of sixteen: where `c` stands. */
static uint32_t where(__m128i v, char c)
{
	return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8(c)));
}

/* Takes bytes up to the first that follow() has to see: an escape, or a bracket outside strings. This loop looks at every byte of gigabytes,
 * and most of a record is base64 between quotes. SSE2 is part of x86-64. */
static size_t quiet_run(struct json_items *it, struct span in)
{
	uint32_t carry = it->in_string ? 0xffff : 0, stop = 0;
	size_t i = 0;

	while (!stop && in.n - i >= 16) {
		__m128i v = _mm_loadu_si128((const void *)(in.p + i));
		__m128i both = _mm_or_si128(v, _mm_set1_epi8('{' ^ '['));
		uint32_t inside = where(v, '"');

		/* Bit k: an odd number of quotes up to byte k. A closing quote then counts as outside. */
		inside ^= inside << 1;
		inside ^= inside << 2;
		inside ^= inside << 4;
		inside ^= (inside << 8) ^ carry;
		stop = where(v, '\\') | where(both, '{') | where(both, '}');
		if (stop) /* which is rare: brackets in strings are none */
			stop &= ~inside | where(v, '\\');
		carry = 0 - (inside >> (stop ? __builtin_ctz(stop) : 15) & 1);
		i += stop ? (size_t)__builtin_ctz(stop) : 16;
	}
	it->in_string = carry != 0;
	return i;
}

/* An item is gathered in buf, unless it lies in one piece of the input. */
static enum err keep(struct json_items *it, struct span part, bool complete)
{
	if (part.n > it->cap - it->n)
		return ERR_TOO_BIG;
	if (complete && it->n == 0) {
		it->item = part;
		return ERR_OK;
	}
	if (it->buf && part.n)
		memcpy(it->buf + it->n, part.p, part.n);
	it->n += part.n;
	it->item = span_of(it->buf, it->n);
	return ERR_OK;
}

/* Takes bytes of the current item. The opening '{' is among them: depth returns to 0 only at its end. */
static enum err inside(struct json_items *it, struct span *in, bool *complete)
{
	struct span all = *in;
	size_t i = 0;

	while (i < all.n && !*complete) {
		bool watch = it->first && it->depth == 1;

		if (!it->escaped && !watch) {
			i += quiet_run(it, span_sub(all, i, all.n));
			if (i == all.n)
				break;
		}
		if (watch && opens_wrapped_array(it, all.p[i])) {
			it->state = FIRST;
			it->in_array = it->wrapped = true;
			*in = span_sub(all, i + 1, all.n);
			return ERR_OK;
		}
		if (!follow(it, all.p[i]))
			return ERR_SYNTAX;
		i++;
		*complete = it->depth == 0;
	}
	*in = span_sub(all, i, all.n);
	return keep(it, span_sub(all, 0, i), *complete);
}

static enum err tail(struct json_items *it, struct span *in)
{
	while (in->n && it->depth) {
		if (!follow(it, in->p[0]))
			return ERR_SYNTAX;
		*in = span_sub(*in, 1, in->n);
	}
	if (it->depth == 0)
		it->state = DONE;
	return ERR_OK;
}

static enum err advance(struct json_items *it, struct span *in, bool *complete)
{
	if (it->state == ITEM)
		return inside(it, in, complete);
	if (it->state == TAIL)
		return tail(it, in);
	enum err e = outside(it, in->p[0]);
	/* The '{' that begins an item stays in *in: it is the item's first byte. */
	if (!e && it->state != ITEM)
		*in = span_sub(*in, 1, in->n);
	return e;
}

enum err json_items_next(struct json_items *it, struct span *in, struct span *item)
{
	bool complete = false;

	while (!it->failed && in->n) {
		it->failed = advance(it, in, &complete);
		if (it->failed || !complete)
			continue;
		it->state = it->in_array ? NEXT : GAP;
		it->need_lf = true;
		it->items++;
		*item = it->buf ? it->item : span_of(NULL, 0);
		return ERR_OK;
	}
	return it->failed ? it->failed : ERR_MORE;
}

enum err json_items_finish(struct json_items *it)
{
	if (it->failed)
		return it->failed;
	if (it->state == START || it->state == DONE)
		return ERR_OK;
	if (it->state == GAP && (!it->need_lf || it->items == 1))
		return ERR_OK;
	return it->failed = ERR_SYNTAX;
}
