/* CSV, one byte at a time into the fixed memory of one row. */
#include "enc/csv.h"

#include "enc/utf8.h"

enum state {
	ROW_START = 0, /* nothing of a row yet */
	VALUE_START,   /* behind a comma */
	PLAIN,
	QUOTED,
	QUOTE,         /* a quote inside quotes: the end of the value, or half of an escaped quote */
	ROW_CR,        /* CR outside quotes: only LF may follow */
	BROKEN,
};

static const uint8_t bom[3] = { 0xef, 0xbb, 0xbf };

static enum err fail(struct csv *c, enum err err, const char *problem)
{
	c->problem = problem;
	c->state = BROKEN;
	return err;
}

static enum err put(struct csv *c, uint8_t b, enum state next)
{
	c->state = (uint8_t)next;
	if (c->used - c->start[c->n] == FIELD_VALUE_MAX)
		return fail(c, ERR_TOO_BIG, "a value is too long");
	c->text[c->used++] = b;
	return ERR_OK;
}

static enum err end_value(struct csv *c, enum state next)
{
	struct span value = span_of(c->text + c->start[c->n], c->used - c->start[c->n]);

	c->state = (uint8_t)next;
	if (!utf8_valid(value))
		return fail(c, ERR_SYNTAX, "text is not UTF-8");
	c->n++;
	c->start[c->n] = c->used;
	/* The last element of start is the end of value FIELDS_MAX-1: there is no room to begin another. */
	if (c->n == FIELDS_MAX && next == VALUE_START)
		return fail(c, ERR_TOO_BIG, "too many columns");
	return ERR_OK;
}

/* A line ended: the row is complete unless the line was blank. */
static enum err end_row(struct csv *c, bool blank)
{
	c->lines++;
	c->state = ROW_START;
	c->row_ready = !blank;
	return ERR_OK;
}

static enum err at_value_start(struct csv *c, uint8_t b)
{
	if (b == '"') {
		c->state = QUOTED;
		return ERR_OK;
	}
	if (b == ',')
		return end_value(c, VALUE_START);
	return put(c, b, PLAIN);
}

/* The bytes of a byte order mark come as the beginning of a plain value, so that a cut one is not lost; when it is
 * whole it is dropped. */
static void drop_bom(struct csv *c)
{
	if (!c->bom && c->lines == 0 && c->n == 0 && c->used == sizeof bom &&
	    span_eq(span_of(c->text, c->used), span_of(bom, sizeof bom))) {
		c->bom = 1;
		c->used = 0;
		c->state = ROW_START;
	}
}

static enum err in_plain(struct csv *c, uint8_t b)
{
	enum err err;

	if (b == '"')
		return fail(c, ERR_SYNTAX, "quote inside an unquoted value");
	if (b == ',')
		return end_value(c, VALUE_START);
	err = put(c, b, PLAIN);
	if (err == ERR_OK)
		drop_bom(c);
	return err;
}

static enum err in_quoted(struct csv *c, uint8_t b)
{
	if (b == '"') {
		c->state = QUOTE;
		return ERR_OK;
	}
	if (b == '\n')
		c->lines++;
	return put(c, b, QUOTED);
}

static enum err after_quote(struct csv *c, uint8_t b)
{
	if (b == '"')
		return put(c, b, QUOTED);
	if (b == ',')
		return end_value(c, VALUE_START);
	return fail(c, ERR_SYNTAX, "text after a closing quote");
}

/* CR or LF outside quotes. */
static enum err at_line_end(struct csv *c, uint8_t b)
{
	bool blank = c->state == ROW_START;
	enum err err = blank || c->state == ROW_CR ? ERR_OK : end_value(c, ROW_CR);

	if (err != ERR_OK)
		return err;
	if (b == '\r') {
		c->state = ROW_CR;
		return ERR_OK;
	}
	return end_row(c, c->n == 0);
}

static enum err step(struct csv *c, uint8_t b)
{
	if (b == 0)
		return fail(c, ERR_SYNTAX, "NUL byte");
	if (c->state == ROW_CR && b != '\n')
		return fail(c, ERR_SYNTAX, "carriage return without line feed");
	if ((b == '\n' || b == '\r') && c->state != QUOTED)
		return at_line_end(c, b);
	switch ((enum state)c->state) {
	case ROW_START:
		c->line = c->lines + 1;
		return at_value_start(c, b);
	case VALUE_START:
		return at_value_start(c, b);
	case PLAIN:
		return in_plain(c, b);
	case QUOTED:
		return in_quoted(c, b);
	case QUOTE:
		return after_quote(c, b);
	case ROW_CR:
	case BROKEN:
		break;
	}
	return ERR_SYNTAX;
}

/* Forgets the row which the caller has seen. */
static void start_row(struct csv *c)
{
	if (c->row_ready) {
		c->row_ready = 0;
		c->n = 0;
		c->used = 0;
		c->start[0] = 0;
	}
}

enum err csv_next(struct csv *c, struct span *in)
{
	enum err err = c->state == BROKEN ? ERR_SYNTAX : ERR_OK;
	size_t i = 0;

	start_row(c);
	while (i < in->n && err == ERR_OK && !c->row_ready)
		err = step(c, in->p[i++]);
	*in = span_sub(*in, i, in->n);
	if (err != ERR_OK)
		return err;
	return c->row_ready ? ERR_OK : ERR_MORE;
}

enum err csv_finish(struct csv *c)
{
	enum err err;

	start_row(c);
	switch ((enum state)c->state) {
	case ROW_START:
		return ERR_NOT_FOUND;
	case VALUE_START:
	case PLAIN:
	case QUOTE:
		err = end_value(c, ROW_START);
		c->row_ready = err == ERR_OK;
		return err;
	case QUOTED:
		return fail(c, ERR_SYNTAX, "the input ends inside quotes");
	case ROW_CR:
		return fail(c, ERR_SYNTAX, "carriage return without line feed");
	case BROKEN:
		break;
	}
	return ERR_SYNTAX;
}

struct span csv_value(const struct csv *c, size_t i)
{
	if (!c->row_ready || i >= c->n)
		return span_of(c->text, 0);
	return span_of(c->text + c->start[i], c->start[i + 1] - c->start[i]);
}
