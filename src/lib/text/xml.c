/* Reading small XML answers. */
#include "text/xml.h"

#include "text/hex.h"
#include "text/utf8.h"

struct xml xml_begin(struct span text)
{
	struct xml x = { .rest = text };

	if (span_starts(x.rest, "\xef\xbb\xbf"))
		x.rest = span_sub(x.rest, 3, x.rest.n);
	if (span_starts(x.rest, "<?xml ")) {
		size_t end = span_find(x.rest, '>');

		/* "<?xml ... ?>"; anything else stays and is refused. */
		if (end < x.rest.n && x.rest.p[end - 1] == '?')
			x.rest = span_sub(x.rest, end + 1, x.rest.n);
	}
	return x;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Names as Azure's services write them; ASCII only. */
static bool is_name_char(uint8_t c)
{
	return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == ':';
}

static struct span take_name(struct span *s)
{
	struct span name = *s;
	size_t n = 0;

	while (n < s->n && is_name_char(s->p[n]))
		n++;
	*s = span_sub(*s, n, s->n);
	return span_sub(name, 0, n);
}

static void skip_blanks(struct span *s)
{
	while (s->n && is_blank(s->p[0]))
		*s = span_sub(*s, 1, s->n);
}

/* name="value" with either quote. */
static bool skip_attribute(struct span *s)
{
	uint8_t quote;
	size_t end;

	if (take_name(s).n == 0 || !span_starts(*s, "="))
		return false;
	*s = span_sub(*s, 1, s->n);
	if (s->n == 0 || (s->p[0] != '"' && s->p[0] != '\''))
		return false;
	quote = s->p[0];
	*s = span_sub(*s, 1, s->n);
	end = span_find(*s, quote);
	if (end == s->n || span_find(span_sub(*s, 0, end), '<') < end)
		return false;
	*s = span_sub(*s, end + 1, s->n);
	return true;
}

/* Behind '<': an element begins, and perhaps ends at once. */
static enum err take_open(struct xml *x, struct span *name)
{
	struct span s = x->rest;

	*name = take_name(&s);
	if (name->n == 0 || (x->depth == 0 && x->root_seen))
		return ERR_SYNTAX;
	if (x->depth == XML_DEPTH_MAX)
		return ERR_TOO_BIG;
	for (;;) {
		bool blank = s.n && is_blank(s.p[0]);

		skip_blanks(&s);
		if (span_starts(s, ">") || span_starts(s, "/>"))
			break;
		if (!blank || !skip_attribute(&s))
			return ERR_SYNTAX;
	}
	x->empty = s.p[0] == '/';
	x->rest = span_sub(s, x->empty ? 2 : 1, s.n);
	x->open[x->depth++] = *name;
	x->root_seen = true;
	return ERR_OK;
}

/* Behind "</". */
static enum err take_close(struct xml *x, struct span *name)
{
	struct span s = x->rest;

	*name = take_name(&s);
	skip_blanks(&s);
	if (x->depth == 0 || !span_eq(*name, x->open[x->depth - 1]) || !span_starts(s, ">"))
		return ERR_SYNTAX;
	x->rest = span_sub(s, 1, s.n);
	x->depth--;
	return ERR_OK;
}

static enum err take_text(struct xml *x, struct span *text)
{
	*text = span_sub(x->rest, 0, span_find(x->rest, '<'));
	x->rest = span_sub(x->rest, text->n, x->rest.n);
	return x->depth || span_trim(*text).n == 0 ? ERR_OK : ERR_SYNTAX;
}

enum err xml_next(struct xml *x, enum xml_kind *kind, struct span *text)
{
	enum err e;

	if (x->empty) { /* "<a/>" is told as an opening and a closing */
		x->empty = false;
		*text = x->open[--x->depth];
		*kind = XML_CLOSE;
		return ERR_OK;
	}
	if (x->rest.n && x->rest.p[0] != '<') {
		e = take_text(x, text);
		if (e || x->depth) {
			*kind = XML_TEXT;
			return e;
		}
	}
	if (x->rest.n == 0) {
		*kind = XML_END;
		*text = x->rest;
		return x->depth == 0 && x->root_seen ? ERR_OK : ERR_SYNTAX;
	}
	*kind = span_starts(x->rest, "</") ? XML_CLOSE : XML_OPEN;
	x->rest = span_sub(x->rest, *kind == XML_CLOSE ? 2 : 1, x->rest.n);
	return *kind == XML_CLOSE ? take_close(x, text) : take_open(x, text);
}

/* "#65" or "#x41": a character that XML 1.0 allows. */
static bool numeric(struct span ref, uint32_t *c)
{
	bool hex = span_starts(ref, "#x");
	struct span digits = span_sub(ref, hex ? 2 : 1, ref.n);
	uint64_t v;

	if (digits.n > 7 || !(hex ? hex_u64(digits, &v) == ERR_OK : span_u64(digits, &v)))
		return false;
	*c = (uint32_t)v;
	if (v < 0x20)
		return v == '\t' || v == '\n' || v == '\r';
	return v <= 0x10ffff && (v < 0xd800 || v > 0xdfff) && v != 0xfffe && v != 0xffff;
}

static enum err put_reference(struct span ref, struct out *o)
{
	static const struct { const char *name; uint8_t c; } known[] = {
		{ "lt", '<' }, { "gt", '>' }, { "amp", '&' }, { "quot", '"' }, { "apos", '\'' },
	};
	uint32_t c;

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (span_eq_str(ref, known[i].name)) {
			out_byte(o, known[i].c);
			return ERR_OK;
		}
	}
	if (!span_starts(ref, "#") || !numeric(ref, &c))
		return ERR_SYNTAX;
	utf8_put(o, c);
	return ERR_OK;
}

enum err xml_unescape(struct span raw, struct out *o)
{
	if (!utf8_valid(raw))
		return ERR_SYNTAX;
	while (raw.n) {
		size_t amp = span_find(raw, '&'), end;
		struct span ref;

		out_put(o, span_sub(raw, 0, amp));
		raw = span_sub(raw, amp, raw.n);
		if (raw.n == 0)
			break;
		end = span_find(raw, ';');
		ref = span_sub(raw, 1, end - 1);
		if (end == raw.n || put_reference(ref, o) != ERR_OK)
			return ERR_SYNTAX;
		raw = span_sub(raw, end + 1, raw.n);
	}
	return o->bad ? ERR_TOO_BIG : ERR_OK;
}
