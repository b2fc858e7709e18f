/* gzip and deflate, decoding only. */
#include "text/inflate.h"

#define HEAD_LEN 10 /* RFC 1952 section 2.3 */
#define TAIL_LEN 8  /* CRC-32, length */
#define BITS_MAX 15 /* longest code, RFC 1951 section 3.2.2 */
#define LITERALS 288
#define DISTANCES 32
#define LENGTH_CODES 19

/* Bits of deflate come from the low end of each byte. Reading past the end is remembered and gives zeros. */
struct bits {
	struct span in;
	size_t at;
	uint32_t held;
	unsigned n;
	bool bad;
};

/* A canonical Huffman code: how many codes of each length, and the symbols in order of their codes. */
struct code {
	uint16_t count[BITS_MAX + 1];
	uint16_t symbol[LITERALS];
};

static uint32_t take(struct bits *b, unsigned n)
{
	uint32_t v;

	while (b->n < n) {
		if (b->at == b->in.n) {
			b->bad = true;
			return 0;
		}
		b->held |= (uint32_t)b->in.p[b->at++] << b->n;
		b->n += 8;
	}
	v = b->held & ((1u << n) - 1);
	b->held >>= n;
	b->n -= n;
	return v;
}

/* From the lengths of n symbols' codes. False when more codes are claimed than there are; too few is found when one is met. */
static bool make_code(struct code *c, const uint8_t *length, size_t n)
{
	uint16_t next[BITS_MAX + 2] = { 0 };
	int left = 1;

	for (unsigned i = 0; i <= BITS_MAX; i++)
		c->count[i] = 0;
	for (size_t i = 0; i < n; i++)
		c->count[length[i]]++;
	c->count[0] = 0;
	for (unsigned i = 1; i <= BITS_MAX; i++) {
		left = 2 * left - c->count[i];
		if (left < 0)
			return false;
		next[i + 1] = (uint16_t)(next[i] + c->count[i]);
	}
	for (size_t i = 0; i < n; i++)
		if (length[i])
			c->symbol[next[length[i]]++] = (uint16_t)i;
	return true;
}

/* Codes come with their first bit first, so each length is tried in turn. */
static unsigned next_symbol(struct bits *b, const struct code *c)
{
	unsigned code = 0, first = 0, index = 0;

	for (unsigned i = 1; i <= BITS_MAX && !b->bad; i++) {
		code |= take(b, 1);
		if (code - first < c->count[i])
			return c->symbol[index + (code - first)];
		index += c->count[i];
		first = (first + c->count[i]) << 1;
		code <<= 1;
	}
	b->bad = true;
	return 0;
}

/* Copies from what has been written, byte by byte because the ranges may overlap. */
static void repeat(struct bits *b, struct out *o, size_t start, size_t distance, size_t n)
{
	if (distance > o->n - start) {
		b->bad = true;
		return;
	}
	while (n-- && !o->bad)
		out_byte(o, o->p[o->n - distance]);
}

/* RFC 1951 section 3.2.5: a range's first value and its extra bits, which grow by one every `step` symbols. */
static uint32_t ranged(struct bits *b, unsigned s, unsigned step)
{
	unsigned extra = s < step ? 0 : s / step - 1;

	return (s < step ? s : (step + s % step) << extra) + take(b, extra);
}

static void block(struct bits *b, struct out *o, size_t start, const struct code *literal, const struct code *distance)
{
	while (!b->bad && !o->bad) {
		unsigned s = next_symbol(b, literal), d;
		size_t n;

		if (b->bad || s == 256)
			return;
		if (s < 256) {
			out_byte(o, (uint8_t)s);
			continue;
		}
		n = s == 285 ? 258 : 3 + ranged(b, s - 257, 4);
		d = next_symbol(b, distance);
		if (s > 285 || d >= 30)
			b->bad = true;
		else
			repeat(b, o, start, 1 + ranged(b, d, 2), n);
	}
}

static void stored(struct bits *b, struct out *o)
{
	uint32_t n, complement;

	b->held = 0;
	b->n = 0;
	n = take(b, 16);
	complement = take(b, 16);
	if (b->bad || (n ^ complement) != 0xffff || n > b->in.n - b->at) {
		b->bad = true;
		return;
	}
	out_put(o, span_sub(b->in, b->at, n));
	b->at += n;
}

/* A block in the codes whose lengths are those of the literals and then of the distances. */
static void coded(struct bits *b, struct out *o, size_t start, const uint8_t *length, size_t literals, size_t distances)
{
	struct code literal, distance;

	if (b->bad || !make_code(&literal, length, literals) || !make_code(&distance, length + literals, distances))
		b->bad = true;
	else
		block(b, o, start, &literal, &distance);
}

static void fixed(struct bits *b, struct out *o, size_t start)
{
	uint8_t length[LITERALS + DISTANCES];

	for (size_t i = 0; i < sizeof length; i++)
		length[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : i < LITERALS ? 8 : 5;
	coded(b, o, start, length, LITERALS, DISTANCES);
}

/* Code lengths of both alphabets, themselves coded: RFC 1951 section 3.2.7. */
static void dynamic(struct bits *b, struct out *o, size_t start)
{
	static const uint8_t order[LENGTH_CODES] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };
	size_t literals = 257 + take(b, 5), distances = 1 + take(b, 5), codes = 4 + take(b, 4), n = 0;
	uint8_t length[LITERALS + DISTANCES] = { 0 };
	struct code code;

	for (size_t i = 0; i < codes; i++)
		length[order[i]] = (uint8_t)take(b, 3);
	b->bad |= literals > LITERALS || !make_code(&code, length, LENGTH_CODES);
	for (size_t i = 0; i < LENGTH_CODES; i++)
		length[i] = 0;
	while (n < literals + distances && !b->bad) {
		unsigned s = next_symbol(b, &code);
		uint8_t value = s < 16 ? (uint8_t)s : s == 16 && n ? length[n - 1] : 0;
		size_t times = s < 16 ? 1 : s == 16 ? 3 + take(b, 2) : s == 17 ? 3 + take(b, 3) : 11 + take(b, 7);

		b->bad |= (s == 16 && n == 0) || times > literals + distances - n;
		while (times-- && !b->bad)
			length[n++] = value;
	}
	coded(b, o, start, length, literals, distances);
}

static uint32_t crc32(struct span s)
{
	uint32_t crc = ~0u;

	for (size_t i = 0; i < s.n; i++) {
		crc ^= s.p[i];
		for (int k = 0; k < 8; k++)
			crc = (crc >> 1) ^ (0xedb88320u & (0u - (crc & 1)));
	}
	return ~crc;
}

enum err inflate_gzip(struct span in, struct out *o)
{
	struct bits b = { .in = in, .at = HEAD_LEN };
	size_t start = o->n;
	struct span made;
	bool last = false;

	/* Magic, deflate, no optional fields; time and system do not matter. */
	if (in.n < HEAD_LEN + TAIL_LEN || !span_eq(span_sub(in, 0, 4), span_of("\x1f\x8b\x08\0", 4)))
		return ERR_SYNTAX;
	b.in.n -= TAIL_LEN;
	while (!last && !b.bad && !o->bad) {
		last = take(&b, 1);
		switch (take(&b, 2)) {
		case 0: stored(&b, o); break;
		case 1: fixed(&b, o, start); break;
		case 2: dynamic(&b, o, start); break;
		default: b.bad = true; break;
		}
	}
	if (b.bad || o->bad)
		return b.bad ? ERR_SYNTAX : ERR_TOO_BIG;
	made = span_of(o->p + start, o->n - start);
	if (b.at != b.in.n || b.held || load_le32(in.p + b.at) != crc32(made) || load_le32(in.p + b.at + 4) != (uint32_t)made.n)
		return ERR_SYNTAX;
	return ERR_OK;
}
