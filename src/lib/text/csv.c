/* CSV, one byte at a time into the fixed memory of one row. */
#include "text/csv.h"

#include "text/utf8.h"

enum state {
	ROW_START = 0, /* nothing of a row yet */
	VALUE_START,   /* behind a comma */
	PLAIN,
	QUOTED,
	QUOTE,         /* a quote inside quotes: the end of the value, or half of an escaped quote */
	ROW_CR,        /* CR outside quotes: only LF may follow */
	BROKEN,
};

/* A NUL is half of an ASCII character there, and in no text else. */
#define UTF16 "NUL byte or UTF-16 byte order mark: the text is UTF-16, or no text; " \
	"save it as CSV in UTF-8"
#define LATIN1 "text is not UTF-8 but in an older encoding such as Latin-1; save it as CSV in UTF-8"
#define OLD_MAC "carriage return without line feed, as old Macs end lines; " \
	"save it with line ends LF or CRLF"

static const uint8_t bom[3] = { 0xef, 0xbb, 0xbf };

#define REMEDY "; save it with commas between the values"
static const struct {
	uint8_t byte;
	const char *problem;
} separators[] = {
	{ ';', "the separator is a semicolon, not a comma" REMEDY },
	{ '\t', "the separator is a tab, not a comma" REMEDY },
	{ '|', "the separator is a vertical bar, not a comma" REMEDY },
};

static enum err fail(struct csv *c, enum err err, const char *problem)
{
	c->problem = problem;
	c->state = BROKEN;
	return err;
}

/* A quote where none may be: in the first line, other separators than commas explain it. */
static enum err fail_quote(struct csv *c, struct span near, const char *problem)
{
	const char *separator = c->lines == 0 ? csv_separator(near) : NULL;

	return fail(c, ERR_SYNTAX, separator ? separator : problem);
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
		return fail(c, ERR_SYNTAX, LATIN1);
	c->n++;
	c->start[c->n] = c->used;
	/* The last element of start is the end of value FIELDS_MAX-1: there is no room to begin another. */
	if (c->n == FIELDS_MAX && next == VALUE_START)
		return fail(c, ERR_TOO_BIG, "too many columns");
	return ERR_OK;
}

static enum err go(struct csv *c, enum state next)
{
	c->state = (uint8_t)next;
	return ERR_OK;
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

/* The text begins with a byte order mark of UTF-16, in either order. */
static bool is_utf16(const struct csv *c)
{
	return c->lines == 0 && c->n == 0 && c->used == 2 && c->text[0] >= 0xfe &&
	       c->text[0] + c->text[1] == 0xff + 0xfe;
}

/* CR or LF outside quotes. A row is complete unless its line was blank. */
static enum err at_line_end(struct csv *c, uint8_t b)
{
	enum err err = c->state == ROW_START || c->state == ROW_CR ? ERR_OK : end_value(c, ROW_CR);

	if (err != ERR_OK || b == '\r')
		return err ? err : go(c, ROW_CR);
	c->lines++;
	c->row_ready = c->n != 0;
	return go(c, ROW_START);
}

static enum err step(struct csv *c, uint8_t b)
{
	enum err err;

	if (c->state == ROW_START)
		c->line = c->lines + 1;
	if (b == 0)
		return fail(c, ERR_SYNTAX, UTF16);
	if (c->state == ROW_CR && b != '\n')
		return fail(c, ERR_SYNTAX, OLD_MAC);
	if ((b == '\n' || b == '\r') && c->state != QUOTED)
		return at_line_end(c, b);
	switch ((enum state)c->state) {
	case ROW_START:
	case VALUE_START:
		return b == '"' ? go(c, QUOTED) : b == ',' ? end_value(c, VALUE_START) : put(c, b, PLAIN);
	case PLAIN:
		if (b == '"')
			return fail_quote(c, span_of(c->text, c->used), "quote inside an unquoted value");
		if (b == ',')
			return end_value(c, VALUE_START);
		err = put(c, b, PLAIN);
		drop_bom(c);
		return err == ERR_OK && is_utf16(c) ? fail(c, ERR_SYNTAX, UTF16) : err;
	case QUOTED:
		c->lines += b == '\n';
		return b == '"' ? go(c, QUOTE) : put(c, b, QUOTED);
	case QUOTE:
		if (b == ',')
			return end_value(c, VALUE_START);
		return b == '"' ? put(c, b, QUOTED) : fail_quote(c, span_of(&b, 1), "text after a closing quote");
	case ROW_CR:
	case BROKEN:
		break;
	}
	return ERR_SYNTAX;
}

const char *csv_separator(struct span text)
{
	for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++)
		if (span_find(text, separators[i].byte) < text.n)
			return separators[i].problem;
	return NULL;
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
		return fail(c, ERR_SYNTAX, OLD_MAC);
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
