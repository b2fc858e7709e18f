/* Reading JSON: our own check of the whole text first, then jsmn for the tokens. */
#include "text/json_read.h"

#include <stdarg.h>
#include <string.h>

#include "text/base64.h"
#include "text/hex.h"
#include "text/utf8.h"

/* jsmn, even in its strict mode, lets through much that is not JSON ("[1 2]", "-", "\u12"), so that it only ever sees
 * text which check_text has accepted. Parent links keep it linear. */
#define JSMN_STATIC
#define JSMN_STRICT
#define JSMN_PARENT_LINKS
#include <jsmn.h>

/* Tokens of jsmn are made in the caller's array and become ours one by one in the same place. */
_Static_assert(sizeof(jsmntok_t) == sizeof(struct json_tok), "conversion in place needs equal sizes");
_Static_assert(_Alignof(jsmntok_t) == _Alignof(struct json_tok), "and equal alignment");
_Static_assert(JSON_DEPTH_MAX <= 32, "the kinds of open containers are bits of one word");

/* --- the check ---------------------------------------------------------------------------------------------------- */

struct scan {
	struct span rest;  /* not looked at yet */
	uint32_t objects;  /* bit d: the container at depth d is an object */
	unsigned depth;    /* open containers */
};

static bool scan_skip(struct scan *s, size_t n)
{
	if (n > s->rest.n)
		return false;
	s->rest = span_sub(s->rest, n, s->rest.n);
	return true;
}

/* The next byte without taking it; 0, which no rule accepts, at the end. */
static uint8_t scan_peek(const struct scan *s)
{
	return s->rest.n ? s->rest.p[0] : 0;
}

static bool scan_byte(struct scan *s, uint8_t c)
{
	return scan_peek(s) == c && scan_skip(s, 1);
}

static void scan_blanks(struct scan *s)
{
	uint8_t c = scan_peek(s);

	while (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
		(void)scan_skip(s, 1);
		c = scan_peek(s);
	}
}

/* Four hex digits behind "\u". */
static bool take_unit(struct span *rest, uint32_t *unit)
{
	uint64_t v;

	if (rest->n < 4 || hex_u64(span_sub(*rest, 0, 4), &v) != ERR_OK)
		return false;
	*unit = (uint32_t)v;
	*rest = span_sub(*rest, 4, rest->n);
	return true;
}

/* Behind a backslash. A surrogate is only good as a high one followed by an escaped low one. */
static bool scan_escape(struct scan *s)
{
	uint32_t unit;

	if (!scan_byte(s, 'u'))
		return scan_peek(s) != 0 && strchr("\"\\/bfnrt", scan_peek(s)) != NULL && scan_skip(s, 1);
	if (!take_unit(&s->rest, &unit))
		return false;
	if (unit < 0xd800 || unit > 0xdfff)
		return true;
	return unit < 0xdc00 && scan_byte(s, '\\') && scan_byte(s, 'u') && take_unit(&s->rest, &unit) && unit >= 0xdc00 &&
	       unit <= 0xdfff;
}

static bool scan_string(struct scan *s)
{
	if (!scan_byte(s, '"'))
		return false;
	while (!scan_byte(s, '"')) {
		size_t n = utf8_len(s->rest);

		if (n == 0 || s->rest.p[0] < 0x20)
			return false;
		if (scan_byte(s, '\\') ? !scan_escape(s) : !scan_skip(s, n))
			return false;
	}
	return true;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool scan_digits(struct scan *s)
{
	if (!is_digit(scan_peek(s)))
		return false;
	while (is_digit(scan_peek(s)))
		(void)scan_skip(s, 1);
	return true;
}

/* Whether a delimiter follows is seen by whoever looks for the comma. */
static bool scan_number(struct scan *s)
{
	(void)scan_byte(s, '-');
	if (!scan_byte(s, '0') && !scan_digits(s))
		return false;
	if (scan_byte(s, '.') && !scan_digits(s))
		return false;
	if (scan_byte(s, 'e') || scan_byte(s, 'E')) {
		if (!scan_byte(s, '+'))
			(void)scan_byte(s, '-');
		return scan_digits(s);
	}
	return true;
}

static bool scan_scalar(struct scan *s)
{
	static const char *const words[] = { "true", "false", "null" };

	if (scan_peek(s) == '"')
		return scan_string(s);
	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (span_starts(s->rest, words[i]))
			return scan_skip(s, strlen(words[i]));
	return scan_number(s);
}

static bool in_object(const struct scan *s)
{
	return s->depth && (s->objects >> (s->depth - 1) & 1);
}

/* The start of a container. */
static bool scan_open(struct scan *s, uint8_t bracket)
{
	uint32_t bit = s->depth < JSON_DEPTH_MAX ? (uint32_t)1 << s->depth : 0;

	if (!bit || !scan_byte(s, bracket))
		return false;
	s->depth++;
	s->objects = bracket == '{' ? s->objects | bit : s->objects & ~bit;
	return true;
}

/* The whole text against the grammar. */
static bool check_text(struct span text)
{
	struct scan s = { text, 0, 0 };
	enum { VALUE, NAME, BEHIND } next = VALUE; /* what must come; behind a value: a comma or the end of its container */
	bool empty = false;                        /* nothing in the container yet: its end may come too */

	do {
		bool may_end = empty || next == BEHIND;

		empty = false;
		scan_blanks(&s);
		if (may_end && scan_byte(&s, in_object(&s) ? '}' : ']')) {
			s.depth--;
			next = BEHIND;
		} else if (next == BEHIND) {
			if (!scan_byte(&s, ','))
				return false;
			next = in_object(&s) ? NAME : VALUE;
		} else if (next == NAME) {
			if (!scan_string(&s))
				return false;
			scan_blanks(&s);
			if (!scan_byte(&s, ':'))
				return false;
			next = VALUE;
		} else if (scan_open(&s, '{') || scan_open(&s, '[')) {
			next = in_object(&s) ? NAME : VALUE;
			empty = true;
		} else {
			if (!scan_scalar(&s))
				return false;
			next = BEHIND;
		}
	} while (next != BEHIND || s.depth);
	scan_blanks(&s);
	return s.rest.n == 0;
}

/* --- escapes ------------------------------------------------------------------------------------------------------ */

/* Gives the bytes of a checked string one by one, unescaped. */
struct cursor {
	struct span rest;
	uint8_t pending[4];
	uint8_t n, i;
};

static struct cursor cursor_init(struct span raw)
{
	return (struct cursor){ raw, { 0 }, 0, 0 };
}

/* Puts what an escape stands for into pending. The text is checked: nothing is missing. */
static void cursor_escape(struct cursor *c)
{
	static const char names[] = "bfnrt", values[] = "\b\f\n\r\t";
	struct out o = out_init(c->pending, sizeof c->pending);
	uint8_t kind = c->rest.p[0];
	const char *hit = strchr(names, kind);
	uint32_t unit = hit ? (uint32_t)values[hit - names] : kind, low = 0xdc00;

	c->rest = span_sub(c->rest, 1, c->rest.n);
	if (kind == 'u' && take_unit(&c->rest, &unit) && unit >= 0xd800 && unit <= 0xdbff) {
		c->rest = span_sub(c->rest, 2, c->rest.n);
		(void)take_unit(&c->rest, &low);
		unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
	}
	utf8_put(&o, unit);
	c->n = (uint8_t)o.n;
	c->i = 0;
}

/* The next byte, or -1 at the end. */
static int cursor_next(struct cursor *c)
{
	uint8_t byte;

	if (c->i == c->n && c->rest.n) {
		byte = c->rest.p[0];
		c->rest = span_sub(c->rest, 1, c->rest.n);
		if (byte != '\\' || c->rest.n == 0)
			return byte;
		cursor_escape(c);
	}
	return c->i < c->n ? c->pending[c->i++] : -1;
}

/* FNV-1a: decides only how often names have to be compared in full. */
static uint32_t name_hash(struct span raw)
{
	struct cursor c = cursor_init(raw);
	uint32_t h = 2166136261u;

	for (int b = cursor_next(&c); b >= 0; b = cursor_next(&c))
		h = (h ^ (uint32_t)b) * 16777619u;
	return h;
}

static bool strings_equal(struct span raw_a, struct span raw_b)
{
	struct cursor a = cursor_init(raw_a), b = cursor_init(raw_b);
	int x, y;

	do {
		x = cursor_next(&a);
		y = cursor_next(&b);
	} while (x == y && x >= 0);
	return x == y;
}

/* --- tokens ------------------------------------------------------------------------------------------------------- */

static enum json_type type_of_token(const jsmntok_t *t, uint8_t first)
{
	if (t->type == JSMN_STRING)
		return JSON_STRING;
	switch (first) {
	case '{': return JSON_OBJECT;
	case '[': return JSON_ARRAY;
	case 't': return JSON_TRUE;
	case 'f': return JSON_FALSE;
	case 'n': return JSON_NULL;
	default: return JSON_NUMBER;
	}
}

/* One token from jsmn's form to ours, in place. memcpy because the array is ours in type. A string that jsmn gives a
 * size has a value: it is a name. */
static void convert(struct json_tok *tok, struct span text, uint32_t next)
{
	jsmntok_t t;

	memcpy(&t, tok, sizeof t);
	*tok = (struct json_tok){ .start = (uint32_t)t.start, .end = (uint32_t)t.end, .size = (uint32_t)t.size, .next = next,
	                          .type = (uint8_t)type_of_token(&t, text.p[t.start]) };
	if (tok->type == JSON_STRING && t.size)
		tok->size = name_hash(span_sub(text, tok->start, tok->end - tok->start));
}

/* Converts all tokens and fills in depth and next. The stack holds the containers which the current token is in. */
static void convert_all(struct json_tok *toks, size_t n, struct span text)
{
	uint32_t stack[JSON_DEPTH_MAX];
	unsigned depth = 0;

	for (uint32_t i = 0; i < n; i++) {
		convert(&toks[i], text, i + 1);
		while (depth && toks[i].start >= toks[stack[depth - 1]].end)
			toks[stack[--depth]].next = i;
		toks[i].depth = (uint8_t)depth;
		if ((toks[i].type == JSON_OBJECT || toks[i].type == JSON_ARRAY) && depth < JSON_DEPTH_MAX)
			stack[depth++] = i;
	}
	while (depth)
		toks[stack[--depth]].next = (uint32_t)n;
}

static struct span tok_text(const struct json *doc, size_t i)
{
	return span_sub(doc->text, doc->toks[i].start, doc->toks[i].end - doc->toks[i].start);
}

/* Whether one of the `before` first members of the object has the same name as the one whose name is token i. */
static bool name_repeats(const struct json *doc, size_t object, size_t before, size_t i)
{
	size_t at = object + 1;

	for (size_t k = 0; k < before; k++, at = doc->toks[at + 1].next)
		if (doc->toks[at].size == doc->toks[i].size && strings_equal(tok_text(doc, at), tok_text(doc, i)))
			return true;
	return false;
}

/* Compares each name with those before it: quadratic in the members of one object, hence their cap; hashes make each
 * comparison one number. */
static enum err check_names(const struct json *doc, size_t object)
{
	size_t at = object + 1, members = doc->toks[object].size;

	if (members > JSON_MEMBERS_MAX)
		return ERR_TOO_BIG;
	for (size_t k = 0; k < members; k++, at = doc->toks[at + 1].next)
		if (name_repeats(doc, object, k, at))
			return ERR_SYNTAX;
	return ERR_OK;
}

/* jsmn's tokens; made here for a root that is no container, since its strict mode refuses some of those. */
static int find_tokens(struct span text, struct json_tok *toks, size_t cap)
{
	struct span value = span_trim(text);
	int quote = value.p[0] == '"', start = (int)(value.p - text.p);
	jsmntok_t t = { quote ? JSMN_STRING : JSMN_PRIMITIVE, start + quote, start + (int)value.n - quote, 0, -1 };
	jsmn_parser parser;

	if (value.p[0] != '{' && value.p[0] != '[') {
		if (cap)
			memcpy(toks, &t, sizeof t);
		return cap ? 1 : JSMN_ERROR_NOMEM;
	}
	jsmn_init(&parser);
	return jsmn_parse(&parser, (const char *)text.p, text.n, (jsmntok_t *)(void *)toks, cap > INT32_MAX ? INT32_MAX : (unsigned)cap);
}

enum err json_parse(struct json *doc, struct span text, struct json_tok *toks, size_t cap)
{
	struct json found = { text, toks, 0 };
	enum err err = ERR_OK;
	int n;

	*doc = (struct json){ { NULL, 0 }, NULL, 0 };
	/* Positions are 32 bits here and int in jsmn. */
	if (text.n > INT32_MAX)
		return ERR_TOO_BIG;
	if (!check_text(text))
		return ERR_SYNTAX;
	n = find_tokens(text, toks, cap);
	if (n < 1)
		return n == JSMN_ERROR_NOMEM ? ERR_TOO_BIG : ERR_SYNTAX;
	found.n = (size_t)n;
	convert_all(toks, found.n, text);
	for (size_t i = 0; i < found.n && err == ERR_OK; i++)
		if (toks[i].type == JSON_OBJECT)
			err = check_names(&found, i);
	if (err == ERR_OK)
		*doc = found;
	return err;
}

/* --- access ------------------------------------------------------------------------------------------------------- */

static struct json_val absent(const struct json *doc)
{
	return (struct json_val){ doc, SIZE_MAX };
}

static const struct json_tok *tok_of(struct json_val v)
{
	return json_present(v) ? &v.doc->toks[v.i] : NULL;
}

static struct json_val value_at(struct json_val v, size_t i)
{
	return (struct json_val){ v.doc, i };
}

struct json_val json_root(const struct json *doc)
{
	return doc->n ? (struct json_val){ doc, 0 } : absent(doc);
}

bool json_present(struct json_val v)
{
	return v.doc && v.i < v.doc->n;
}

enum json_type json_type_of(struct json_val v)
{
	const struct json_tok *t = tok_of(v);

	return t ? (enum json_type)t->type : JSON_NONE;
}

static bool raw_is(struct span raw, struct span text)
{
	struct cursor c = cursor_init(raw);

	for (size_t i = 0; i < text.n; i++)
		if (cursor_next(&c) != text.p[i])
			return false;
	return cursor_next(&c) == -1;
}

struct json_val json_get(struct json_val v, const char *name)
{
	struct span text = span_str(name);
	size_t at = v.i + 1;

	if (json_type_of(v) != JSON_OBJECT)
		return absent(v.doc);
	for (size_t k = json_size(v); k > 0; k--, at = v.doc->toks[at + 1].next)
		if (raw_is(tok_text(v.doc, at), text))
			return value_at(v, at + 1);
	return absent(v.doc);
}

struct json_val json_path(struct json_val v, ...)
{
	const char *name;
	va_list names;

	va_start(names, v);
	for (name = va_arg(names, const char *); name; name = va_arg(names, const char *))
		v = json_get(v, name);
	va_end(names);
	return v;
}

size_t json_size(struct json_val v)
{
	const struct json_tok *t = tok_of(v);

	return t && (t->type == JSON_OBJECT || t->type == JSON_ARRAY) ? t->size : 0;
}

struct json_val json_at(struct json_val array, size_t index)
{
	size_t at = array.i + 1;

	if (json_type_of(array) != JSON_ARRAY || index >= json_size(array))
		return absent(array.doc);
	while (index--)
		at = array.doc->toks[at].next;
	return value_at(array, at);
}

struct json_val json_next(struct json_val array, struct json_val v)
{
	if (json_type_of(array) != JSON_ARRAY || !json_present(v) || v.doc != array.doc || v.i <= array.i ||
	    v.doc->toks[v.i].next >= array.doc->toks[array.i].next)
		return absent(array.doc);
	return value_at(v, v.doc->toks[v.i].next);
}

bool json_member(struct json_val object, size_t index, struct json_val *name, struct json_val *value)
{
	size_t at = object.i + 1;

	if (json_type_of(object) != JSON_OBJECT || index >= json_size(object))
		return false;
	while (index--)
		at = object.doc->toks[at + 1].next;
	*name = value_at(object, at);
	*value = value_at(object, at + 1);
	return true;
}

struct span json_raw(struct json_val v)
{
	return json_present(v) ? tok_text(v.doc, v.i) : span_of(NULL, 0);
}

enum err json_string(struct json_val v, struct out *o)
{
	struct cursor c = cursor_init(json_raw(v));

	if (json_type_of(v) != JSON_STRING)
		return ERR_NOT_FOUND;
	if (span_find(c.rest, '\\') == c.rest.n)
		out_put(o, c.rest);
	else
		for (int b = cursor_next(&c); b >= 0 && !o->bad; b = cursor_next(&c))
			out_byte(o, (uint8_t)b);
	return o->bad ? ERR_TOO_BIG : ERR_OK;
}

enum err json_cstr(struct json_val v, char *dst, size_t cap)
{
	struct out o = out_init(dst, cap);
	enum err err = json_string(v, &o);

	if (cap == 0)
		return ERR_TOO_BIG;
	if (err == ERR_OK && o.n == cap)
		err = ERR_TOO_BIG;
	if (err == ERR_OK && span_find(out_span(&o), 0) != o.n)
		err = ERR_SYNTAX;
	dst[err == ERR_OK ? o.n : 0] = '\0';
	return err;
}

enum err json_plain(struct json_val v, struct span *text)
{
	struct span raw = json_raw(v);

	if (json_type_of(v) != JSON_STRING)
		return ERR_NOT_FOUND;
	if (span_find(raw, '\\') != raw.n)
		return ERR_SYNTAX;
	*text = raw;
	return ERR_OK;
}

enum err json_b64(struct json_val v, enum b64_form form, uint8_t *dst, size_t cap, struct span *bytes)
{
	struct span text;
	size_t n;

	TRY(json_plain(v, &text));
	TRY(base64_decode(form, text, dst, cap, &n));
	*bytes = span_of(dst, n);
	return ERR_OK;
}

bool json_is(struct json_val v, const char *text)
{
	return json_type_of(v) == JSON_STRING && raw_is(json_raw(v), span_str(text));
}

static enum err digits_u64(struct span raw, uint64_t *value)
{
	for (size_t i = 0; i < raw.n; i++)
		if (!is_digit(raw.p[i]))
			return i == 0 && raw.p[0] == '-' ? ERR_RANGE : ERR_SYNTAX;
	if (raw.n == 0)
		return ERR_SYNTAX;
	return span_u64(raw, value) ? ERR_OK : ERR_RANGE;
}

enum err json_u64(struct json_val v, uint64_t *value)
{
	return json_type_of(v) == JSON_NUMBER ? digits_u64(json_raw(v), value) : ERR_NOT_FOUND;
}

enum err json_u64_lenient(struct json_val v, uint64_t *value)
{
	struct span raw = json_raw(v);

	if (json_type_of(v) != JSON_STRING)
		return json_u64(v, value);
	return span_starts(raw, "-") ? ERR_SYNTAX : digits_u64(raw, value);
}

enum err json_bool(struct json_val v, bool *value)
{
	enum json_type type = json_type_of(v);

	if (type != JSON_TRUE && type != JSON_FALSE)
		return ERR_NOT_FOUND;
	*value = type == JSON_TRUE;
	return ERR_OK;
}
