/* Chunked transfer coding, one byte of framing at a time. */
#include "text/chunked.h"

#include "text/hex.h"

#define DIGITS_MAX 15
#define EXTENSION_MAX 256
#define TRAILERS_MAX 4096

enum state {
	SIZE = 0,      /* in the size line */
	EXTENSION,     /* behind its semicolon */
	SIZE_LF,       /* its CR was seen */
	DATA,
	DATA_CR,       /* the line break behind the data */
	DATA_LF,
	TRAILER_START, /* start of a trailer line or of the empty line */
	TRAILER,
	TRAILER_LF,
	LAST_LF,
	DONE,
	BAD,
};

static bool is_text(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

static enum state in_size(struct chunked *c, uint8_t b)
{
	uint64_t v;

	if (hex_u64(span_of(&b, 1), &v) == ERR_OK) {
		c->left = c->left << 4 | v;
		return ++c->digits <= DIGITS_MAX ? SIZE : BAD;
	}
	if (c->digits == 0)
		return BAD;
	c->seen = 0;
	return b == '\r' ? SIZE_LF : b == ';' ? EXTENSION : BAD;
}

/* Counts a byte that is skipped against its limit. */
static enum state in_skipped(struct chunked *c, uint8_t b, uint32_t max, enum state same, enum state at_cr)
{
	if (b == '\r')
		return at_cr;
	return is_text(b) && ++c->seen <= max ? same : BAD;
}

static enum state after_size(struct chunked *c)
{
	c->seen = 0;
	c->digits = 0;
	return c->left ? DATA : TRAILER_START;
}

/* What a byte of framing leads to. */
static enum state step(struct chunked *c, uint8_t b)
{
	switch ((enum state)c->state) {
	case SIZE:
		return in_size(c, b);
	case EXTENSION:
		return in_skipped(c, b, EXTENSION_MAX, EXTENSION, SIZE_LF);
	case SIZE_LF:
		return b == '\n' ? after_size(c) : BAD;
	case DATA_CR:
		return b == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		return b == '\n' ? SIZE : BAD;
	case TRAILER_START:
		/* A blank would fold the line. */
		return b == ' ' || b == '\t' ? BAD : in_skipped(c, b, TRAILERS_MAX, TRAILER, LAST_LF);
	case TRAILER:
		return in_skipped(c, b, TRAILERS_MAX, TRAILER, TRAILER_LF);
	case TRAILER_LF:
		return b == '\n' ? TRAILER_START : BAD;
	case LAST_LF:
		return b == '\n' ? DONE : BAD;
	case DATA:
	case DONE:
	case BAD:
		break;
	}
	return BAD;
}

static struct span take_data(struct chunked *c, struct span *in)
{
	struct span data = span_sub(*in, 0, c->left < in->n ? (size_t)c->left : in->n);

	*in = span_sub(*in, data.n, in->n);
	c->left -= data.n;
	if (c->left == 0)
		c->state = DATA_CR;
	return data;
}

enum err chunked_next(struct chunked *c, struct span *in, struct span *data, bool *done)
{
	*data = span_of(in->p, 0);
	while (in->n && c->state != DATA && c->state != DONE && c->state != BAD) {
		c->state = (uint8_t)step(c, in->p[0]);
		*in = span_sub(*in, 1, in->n);
	}
	*done = c->state == DONE;
	if (c->state == BAD)
		return ERR_SYNTAX;
	if (c->state == DATA && in->n) {
		*data = take_data(c, in);
		return ERR_OK;
	}
	return *done ? ERR_OK : ERR_MORE;
}
