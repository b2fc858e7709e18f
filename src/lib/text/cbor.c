/* CBOR. */
#include "text/cbor.h"

#include "text/utf8.h"

static struct span fault(struct cbor *c)
{
	c->bad = true;
	c->rest = span_of(NULL, 0);
	return c->rest;
}

enum cbor_type cbor_peek(const struct cbor *c)
{
	return c->bad || c->rest.n == 0 ? CBOR_NOTHING : (enum cbor_type)(c->rest.p[0] >> 5);
}

/* The next head, without judging whether the argument was the shortest: in major type 7 it need not be. Its low five bits say how
 * many bytes of argument follow; 28 to 31 are reserved or of indefinite length. */
static uint64_t take_head(struct cbor *c, uint8_t *info)
{
	uint64_t v = 0;
	size_t len;

	*info = 0;
	if (cbor_peek(c) == CBOR_NOTHING) {
		fault(c);
		return 0;
	}
	*info = c->rest.p[0] & 31;
	len = *info < 24 ? 0 : (size_t)1 << (*info - 24);
	if (*info > 27 || len > c->rest.n - 1) {
		fault(c);
		return 0;
	}
	for (size_t i = 0; i < len; i++)
		v = v << 8 | c->rest.p[1 + i];
	c->rest = span_sub(c->rest, 1 + len, c->rest.n);
	return len ? v : *info;
}

static bool is_shortest(uint8_t info, uint64_t v)
{
	return info < 24 || v >= (info == 24 ? 24 : (uint64_t)1 << (8 << (info - 25)));
}

/* Head of an item that must be of this type. */
static uint64_t head_of(struct cbor *c, enum cbor_type want)
{
	bool right = cbor_peek(c) == want;
	uint8_t info;
	uint64_t v = take_head(c, &info);

	if (right && !c->bad && is_shortest(info, v))
		return v;
	fault(c);
	return 0;
}

int64_t cbor_int(struct cbor *c)
{
	bool negative = cbor_peek(c) == CBOR_NINT;
	uint64_t v = head_of(c, negative ? CBOR_NINT : CBOR_UINT);

	if (v > INT64_MAX)
		fault(c);
	return c->bad ? 0 : negative ? -1 - (int64_t)v : (int64_t)v;
}

static struct span string_of(struct cbor *c, enum cbor_type type)
{
	uint64_t n = head_of(c, type);
	struct span s;

	if (c->bad || n > c->rest.n)
		return fault(c);
	s = span_sub(c->rest, 0, (size_t)n);
	c->rest = span_sub(c->rest, (size_t)n, c->rest.n);
	return s;
}

struct span cbor_bytes(struct cbor *c)
{
	return string_of(c, CBOR_BYTES);
}

struct span cbor_text(struct cbor *c)
{
	struct span s = string_of(c, CBOR_TEXT);

	return c->bad || !utf8_valid(s) ? fault(c) : s;
}

static size_t count_of(struct cbor *c, enum cbor_type type, size_t bytes_each)
{
	uint64_t n = head_of(c, type);

	if (c->bad || n > c->rest.n / bytes_each) {
		fault(c);
		return 0;
	}
	return (size_t)n;
}

size_t cbor_array(struct cbor *c)
{
	return count_of(c, CBOR_ARRAY, 1);
}

size_t cbor_map(struct cbor *c)
{
	return count_of(c, CBOR_MAP, 2);
}

uint64_t cbor_tag(struct cbor *c)
{
	return head_of(c, CBOR_TAG);
}

/* Simple values and floats carry their value in the head. One-byte simple values below 32 are malformed (RFC 8949
 * section 3.3). */
static void skip_other(struct cbor *c)
{
	uint8_t info;
	uint64_t v = take_head(c, &info);

	if (info == 24 && v < 32)
		fault(c);
}

void cbor_skip(struct cbor *c)
{
	/* Items still to pass. Each takes at least one byte, and a count is never more than there are bytes left, so this
	 * number cannot overflow and the loop ends. */
	uint64_t left = 1;

	while (left > 0 && !c->bad) {
		left--;
		switch (cbor_peek(c)) {
		case CBOR_UINT: (void)head_of(c, CBOR_UINT); break;
		case CBOR_NINT: (void)head_of(c, CBOR_NINT); break;
		case CBOR_BYTES: (void)cbor_bytes(c); break;
		case CBOR_TEXT: (void)cbor_text(c); break;
		case CBOR_ARRAY: left += cbor_array(c); break;
		case CBOR_MAP: left += 2 * (uint64_t)cbor_map(c); break;
		case CBOR_TAG:
			(void)cbor_tag(c);
			left++;
			break;
		case CBOR_OTHER: skip_other(c); break;
		case CBOR_NOTHING: fault(c); break;
		}
	}
}

struct span cbor_item(struct cbor *c)
{
	struct span before = c->rest;

	cbor_skip(c);
	return c->bad ? span_of(NULL, 0) : span_sub(before, 0, before.n - c->rest.n);
}

/* Only shortest heads are read, so equal keys are equal bytes. */
size_t cbor_fields(struct cbor *c)
{
	struct span key[CBOR_FIELDS_MAX];
	size_t n = cbor_map(c);
	struct cbor ahead = *c;
	bool repeated = n > CBOR_FIELDS_MAX;

	for (size_t i = 0; i < n && !repeated; i++) {
		key[i] = cbor_item(&ahead);
		cbor_skip(&ahead);
		for (size_t k = 0; k < i; k++)
			repeated = repeated || span_eq(key[i], key[k]);
	}
	if (repeated || ahead.bad) {
		fault(c);
		return 0;
	}
	return n;
}

void cbor_put_head(struct out *o, enum cbor_type type, uint64_t n)
{
	uint8_t major = (uint8_t)((unsigned)type << 5);
	unsigned len = n < 24 ? 0 : n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : n <= UINT32_MAX ? 4 : 8;
	uint8_t info = (uint8_t)(len == 0 ? n : len == 1 ? 24 : len == 2 ? 25 : len == 4 ? 26 : 27);

	out_byte(o, major | info);
	while (len-- > 0)
		out_byte(o, (uint8_t)(n >> (8 * len)));
}
