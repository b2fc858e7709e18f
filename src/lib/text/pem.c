/* PEM blocks. */
#include "text/pem.h"

#include "base/ct.h"
#include "text/base64.h"

#define DASHES "-----"
#define LINE_CHARS 64
#define LINE_BYTES 48

/* Takes the marker "-----BEGIN label-----" (or END) from the start of *text. */
static bool take_marker(struct span *text, const char *word, const char *label)
{
	const struct span parts[] = { SPAN_LIT(DASHES), span_str(word), span_str(label), SPAN_LIT(DASHES) };
	struct span rest = *text;

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (!span_eq(span_sub(rest, 0, parts[i].n), parts[i]))
			return false;
		rest = span_sub(rest, parts[i].n, rest.n);
	}
	*text = rest;
	return true;
}

/* Moves to the first line that starts with the marker and behind it. Where the text starts, a line starts. */
static bool find_begin(struct span *text, const char *label)
{
	while (!take_marker(text, "BEGIN ", label)) {
		if (text->n == 0)
			return false;
		(void)span_cut(text, '\n');
	}
	return true;
}

/* Base64 text on its way from lines to bytes. */
struct body {
	uint8_t chars[LINE_CHARS];
	size_t n;
	bool last; /* a piece with padding was decoded: nothing may follow */
	struct out bytes;
};

static enum err body_flush(struct body *b)
{
	uint8_t bytes[LINE_BYTES];
	size_t n;
	enum err err = b->n && b->last ? ERR_SYNTAX : base64_decode(B64_STD, span_of(b->chars, b->n), bytes, sizeof bytes, &n);

	if (err == ERR_OK) {
		b->last = n < LINE_BYTES;
		b->n = 0;
		out_bytes(&b->bytes, bytes, n);
	}
	WIPE(bytes);
	return err ? err : b->bytes.bad ? ERR_TOO_BIG : ERR_OK;
}

/* Everything up to the end marker, whatever the length of the lines. Blanks only at ends of lines. */
static enum err read_body(struct span *text, const char *label, struct body *b)
{
	while (text->n && text->p[0] != '-') {
		struct span line = span_trim(span_cut(text, '\n'));

		for (size_t i = 0; i < line.n; i++) {
			if (b->n == LINE_CHARS)
				TRY(body_flush(b));
			b->chars[b->n++] = line.p[i];
		}
	}
	TRY(body_flush(b));
	return b->bytes.n && take_marker(text, "END ", label) ? ERR_OK : ERR_SYNTAX;
}

enum err pem_next(struct span *text, const char *label, uint8_t *dst, size_t cap, size_t *n)
{
	struct body b = { { 0 }, 0, false, out_init(dst, cap) };
	struct span rest = *text;
	enum err err = ERR_NOT_FOUND;

	if (!find_begin(&rest, label))
		goto out;
	err = ERR_SYNTAX;
	/* The marker ends its line. */
	if (span_trim(span_cut(&rest, '\n')).n)
		goto out;
	err = read_body(&rest, label, &b);
	if (err != ERR_OK) {
		WIPE_N(dst, b.bytes.n);
		goto out;
	}
	*n = b.bytes.n;
	*text = rest;
out:
	WIPE(b);
	return err;
}

static void put_marker(struct out *o, const char *word, const char *label)
{
	out_strs(o, DASHES, word, label, DASHES "\n");
}

enum err pem_all(struct span text, const char *label, uint8_t *dst, size_t cap, size_t *n)
{
	size_t used = 0, one = 0;
	enum err err;

	while ((err = pem_next(&text, label, dst + used, cap - used, &one)) == ERR_OK)
		used += one;
	if (err != ERR_NOT_FOUND || used == 0)
		return err;
	*n = used;
	return ERR_OK;
}

void pem_write(struct out *o, const char *label, struct span der)
{
	put_marker(o, "BEGIN ", label);
	for (size_t at = 0; at < der.n; at += LINE_BYTES) {
		base64_encode(o, B64_STD, span_sub(der, at, LINE_BYTES));
		out_byte(o, '\n');
	}
	put_marker(o, "END ", label);
}
