/* CSV (RFC 4180), incrementally: quotes, embedded commas and line breaks, LF or CRLF, UTF-8 with optional BOM. */
#ifndef TEXT_CSV_H
#define TEXT_CSV_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

/* One row at a time in fixed memory. Zero-initialise (static storage: about 256 KiB). */
struct csv {
	uint8_t text[FIELDS_MAX * FIELD_VALUE_MAX]; /* values of the current row, one after the other */
	uint32_t start[FIELDS_MAX + 1];             /* value i is text[start[i] .. start[i+1]) */
	uint32_t used;
	uint32_t n;       /* fields of the current row */
	uint64_t line;    /* line of the input where the current row starts, from 1 */
	uint64_t lines;   /* lines seen */
	uint8_t state;
	uint8_t bom;
	uint8_t row_ready;
	const char *problem; /* after an error: static text, e.g. "quote inside an unquoted value" */
};

/* Consumes bytes from *in until a row is complete (ERR_OK) or *in is used up (ERR_MORE). The next call starts the
 * next row. Blank lines are skipped. ERR_SYNTAX: stray quote, text after a closing quote, CR without LF outside
 * quotes, NUL, invalid UTF-8; ERR_TOO_BIG: more than FIELDS_MAX fields or a value over FIELD_VALUE_MAX. An error
 * sticks: c->problem says why, c->line where the row starts. Untrusted. */
MUST_USE enum err csv_next(struct csv *c, struct span *in);
/* Call once when the input has ended: ERR_OK when a last row without line break is there, ERR_NOT_FOUND when nothing is
 * pending, ERR_SYNTAX inside a quoted value or after a CR. */
MUST_USE enum err csv_finish(struct csv *c);
/* What is wrong with a column name that holds one of the separators that other programs write; NULL
 * when it holds none. */
const char *csv_separator(struct span text);
/* Value i of the current row; empty past the end. Valid until the next call. */
struct span csv_value(const struct csv *c, size_t i);

#endif
