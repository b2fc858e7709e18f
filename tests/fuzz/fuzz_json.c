/* JSON: the verdict equals that of a second reader written down from RFC 8259 alone, every accessor stays inside, and what was
 * read is written and read again without a change. */
#include "fuzz.h"

#include "text/json_read.h"
#include "text/json_write.h"

#define TOKS 20000
#define TEXT_MAX 60000 /* escapes make it at most six times as long */

/* --- the second reader: recursive, slow, plain -------------------------------------------------------------------- */

struct reader {
	const uint8_t *p;
	size_t n, at;
	unsigned depth;
	bool big; /* an object with too many members */
};

static bool value(struct reader *r);

static int look(const struct reader *r)
{
	return r->at < r->n ? r->p[r->at] : -1;
}

static void blanks(struct reader *r)
{
	while (look(r) == ' ' || look(r) == '\t' || look(r) == '\r' || look(r) == '\n')
		r->at++;
}

static bool word(struct reader *r, const char *w)
{
	if (r->n - r->at < strlen(w) || memcmp(r->p + r->at, w, strlen(w)) != 0)
		return false;
	r->at += strlen(w);
	return true;
}

static bool digits(struct reader *r)
{
	size_t start = r->at;

	while (look(r) >= '0' && look(r) <= '9')
		r->at++;
	return r->at > start;
}

static bool number(struct reader *r)
{
	if (look(r) == '-')
		r->at++;
	if (look(r) == '0')
		r->at++;
	else if (!digits(r))
		return false;
	if (look(r) == '.') {
		r->at++;
		if (!digits(r))
			return false;
	}
	if (look(r) == 'e' || look(r) == 'E') {
		r->at++;
		if (look(r) == '+' || look(r) == '-')
			r->at++;
		return digits(r);
	}
	return true;
}

static long hex4(struct reader *r)
{
	char text[5] = { 0 }, *end;
	long v;

	if (r->n - r->at < 4)
		return -1;
	memcpy(text, r->p + r->at, 4);
	if (strspn(text, "0123456789abcdefABCDEF") != 4)
		return -1;
	v = strtol(text, &end, 16);
	r->at += 4;
	return v;
}

static void put_utf8(struct out *o, long c)
{
	if (c < 0x80) {
		out_byte(o, (uint8_t)c);
	} else if (c < 0x800) {
		out_byte(o, (uint8_t)(0xc0 | c >> 6));
		out_byte(o, (uint8_t)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		out_byte(o, (uint8_t)(0xe0 | c >> 12));
		out_byte(o, (uint8_t)(0x80 | (c >> 6 & 63)));
		out_byte(o, (uint8_t)(0x80 | (c & 63)));
	} else {
		out_byte(o, (uint8_t)(0xf0 | c >> 18));
		out_byte(o, (uint8_t)(0x80 | (c >> 12 & 63)));
		out_byte(o, (uint8_t)(0x80 | (c >> 6 & 63)));
		out_byte(o, (uint8_t)(0x80 | (c & 63)));
	}
}

/* One raw character (RFC 3629), by decoding and looking at the value. */
static bool raw_char(struct reader *r, struct out *o)
{
	static const long least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	int b = look(r);
	int n = b < 0x80 ? 1 : (b & 0xe0) == 0xc0 ? 2 : (b & 0xf0) == 0xe0 ? 3 : (b & 0xf8) == 0xf0 ? 4 : 0;
	long c = n == 1 ? b : b & (0x7f >> n);

	if (n == 0 || r->n - r->at < (size_t)n)
		return false;
	for (int i = 1; i < n; i++) {
		if ((r->p[r->at + (size_t)i] & 0xc0) != 0x80)
			return false;
		c = c << 6 | (r->p[r->at + (size_t)i] & 63);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return false;
	out_bytes(o, r->p + r->at, (size_t)n);
	r->at += (size_t)n;
	return true;
}

static bool escape(struct reader *r, struct out *o)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *hit = look(r) > 0 ? strchr(from, look(r)) : NULL;
	long c, low;

	if (hit) {
		out_byte(o, (uint8_t)to[hit - from]);
		r->at++;
		return true;
	}
	if (!word(r, "u") || (c = hex4(r)) < 0 || (c >= 0xdc00 && c <= 0xdfff))
		return false;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (!word(r, "\\u") || (low = hex4(r)) < 0xdc00 || low > 0xdfff)
			return false;
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	}
	put_utf8(o, c);
	return true;
}

static bool string(struct reader *r, struct out *o)
{
	if (!word(r, "\""))
		return false;
	while (look(r) != '"') {
		if (look(r) < 0x20)
			return false;
		if (word(r, "\\") ? !escape(r, o) : !raw_char(r, o))
			return false;
	}
	r->at++;
	return true;
}

static bool members(struct reader *r)
{
	struct out *names = NULL;
	size_t n = 0;
	bool ok = true;

	blanks(r);
	if (word(r, "}"))
		return true;
	do {
		struct out name = out_init(malloc(r->n + 1), r->n + 1);

		names = realloc(names, (n + 1) * sizeof *names);
		HOLD(names && name.p);
		blanks(r);
		ok = string(r, &name);
		for (size_t i = 0; ok && i < n; i++)
			ok = !span_eq(out_span(&names[i]), out_span(&name));
		names[n++] = name;
		blanks(r);
		ok = ok && word(r, ":") && value(r);
		blanks(r);
	} while (ok && word(r, ","));
	for (size_t i = 0; i < n; i++)
		free(names[i].p);
	free(names);
	r->big = r->big || n > JSON_MEMBERS_MAX;
	return ok && word(r, "}");
}

static bool elements(struct reader *r)
{
	bool ok;

	blanks(r);
	if (word(r, "]"))
		return true;
	do {
		ok = value(r);
		blanks(r);
	} while (ok && word(r, ","));
	return ok && word(r, "]");
}

static bool value(struct reader *r)
{
	uint8_t *text;
	struct out o;
	bool ok;

	blanks(r);
	if (look(r) == '"') {
		text = malloc(r->n + 1);
		o = out_init(text, r->n + 1);
		ok = string(r, &o);
		free(text);
		return ok;
	}
	if (look(r) == '{' || look(r) == '[') {
		if (++r->depth > JSON_DEPTH_MAX)
			return false;
		ok = r->p[r->at++] == '{' ? members(r) : elements(r);
		r->depth--;
		return ok;
	}
	return word(r, "true") || word(r, "false") || word(r, "null") || number(r);
}

static bool is_json(struct span in, bool *big)
{
	struct reader r = { in.p, in.n, 0, 0, false };
	bool ok = value(&r);

	blanks(&r);
	*big = r.big;
	return ok && r.at == r.n;
}

/* --- the accessors ------------------------------------------------------------------------------------------------ */

static uint8_t text_buf[6 * TEXT_MAX], name_buf[6 * TEXT_MAX];

/* Asks everything that can be asked of a value; the answers must fit each other and the type. */
static void ask(const struct json *doc, struct json_val v)
{
	enum json_type type = json_type_of(v);
	struct span raw = json_raw(v), plain;
	struct out o = out_init(text_buf, sizeof text_buf);
	enum err e = json_string(v, &o), ep = json_plain(v, &plain);
	char *c = malloc(o.n + 1);
	uint64_t n, lenient;
	bool b;

	HOLD(c && fuzz_inside(raw, doc->text));
	HOLD((e == ERR_OK) == (type == JSON_STRING) && (e == ERR_OK || e == ERR_NOT_FOUND));
	if (e == ERR_OK) {
		enum err ec = json_cstr(v, c, o.n + 1);

		HOLD((ep == ERR_OK) == (span_find(raw, '\\') == raw.n));
		if (ep == ERR_OK)
			HOLD(span_eq(plain, raw) && span_eq(plain, out_span(&o)));
		HOLD((ec == ERR_OK) == (span_find(out_span(&o), 0) == o.n));
		if (ec == ERR_OK)
			HOLD(strlen(c) == o.n && memcmp(c, o.p, o.n) == 0 && json_is(v, c));
		if (o.n && ec == ERR_OK)
			HOLD(json_cstr(v, c, o.n) != ERR_OK); /* no room for the NUL */
		HOLD(json_u64(v, &n) == ERR_NOT_FOUND);
		HOLD((json_u64_lenient(v, &n) == ERR_OK) == span_u64(out_span(&o), &lenient) || ep != ERR_OK);
	} else {
		HOLD(ep == ERR_NOT_FOUND && !json_is(v, ""));
	}
	if (type == JSON_NUMBER && json_u64(v, &n) == ERR_OK) {
		HOLD(span_u64(raw, &lenient) && lenient == n);
		HOLD(json_u64_lenient(v, &lenient) == ERR_OK && lenient == n);
	}
	HOLD((json_bool(v, &b) == ERR_OK) == (type == JSON_TRUE || type == JSON_FALSE));
	if (type != JSON_OBJECT && type != JSON_ARRAY)
		HOLD(json_size(v) == 0 && !json_present(json_at(v, 0)) && !json_present(json_get(v, "a")));
	free(c);
}

static void write_string(struct out *o, struct span text)
{
	struct jw w = jw_init(o);

	jw_span(&w, NULL, text);
}

/* Walks the document and writes it anew. Every name leads to its value again. */
static void copy(const struct json *doc, struct json_val v, struct out *o)
{
	enum json_type type = json_type_of(v);
	struct json_val key, member;
	size_t i = 0;

	ask(doc, v);
	switch (type) {
	case JSON_OBJECT:
		out_byte(o, '{');
		for (; json_member(v, i, &key, &member); i++) {
			struct out s = out_init(malloc(6 * TEXT_MAX), 6 * TEXT_MAX);
			char *text;

			HOLD(s.p && json_string(key, &s) == ERR_OK);
			text = fuzz_text(out_span(&s));
			if (text)
				HOLD(json_get(v, text).i == member.i && json_path(v, text, NULL).i == member.i);
			free(text);
			if (i)
				out_byte(o, ',');
			write_string(o, out_span(&s));
			out_byte(o, ':');
			copy(doc, member, o);
			free(s.p);
		}
		HOLD(i == json_size(v));
		out_byte(o, '}');
		break;
	case JSON_ARRAY: {
		struct json_val at = json_at(v, 0);

		out_byte(o, '[');
		for (; json_present(at); i++, at = json_next(v, at)) {
			if (i < 50)
				HOLD(json_at(v, i).i == at.i);
			if (i)
				out_byte(o, ',');
			copy(doc, at, o);
		}
		HOLD(i == json_size(v));
		out_byte(o, ']');
		break;
	}
	case JSON_STRING: {
		struct out s = out_init(name_buf, sizeof name_buf);

		HOLD(json_string(v, &s) == ERR_OK);
		write_string(o, out_span(&s));
		break;
	}
	case JSON_NUMBER:
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL:
		out_put(o, json_raw(v));
		break;
	case JSON_NONE:
	default:
		HOLD(!"a value without a type");
	}
}

static void absent(const struct json *doc)
{
	struct json_val v = json_root(doc), name;
	struct span s;
	uint64_t n;

	HOLD(!json_present(v) && json_type_of(v) == JSON_NONE && json_size(v) == 0 && json_raw(v).n == 0);
	HOLD(!json_present(json_get(v, "a")) && !json_present(json_at(v, 0)) && !json_member(v, 0, &name, &v));
	HOLD(json_plain(json_root(doc), &s) == ERR_NOT_FOUND && json_u64(json_root(doc), &n) == ERR_NOT_FOUND);
}

void fuzz_one(struct span in)
{
	static struct json_tok toks[TOKS], toks2[TOKS];
	static uint8_t once[8 * TEXT_MAX], twice[8 * TEXT_MAX];
	struct out o = out_init(once, sizeof once), o2 = out_init(twice, sizeof twice);
	struct json doc, doc2;
	uint8_t *exact;
	bool big, ok;
	enum err e;

	if (in.n > TEXT_MAX)
		return;
	exact = fuzz_exact(in);
	e = json_parse(&doc, span_of(exact, in.n), toks, TOKS);
	ok = is_json(in, &big);
	HOLD(e == ERR_OK || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	if (e == ERR_TOO_BIG)
		HOLD(big || in.n >= TOKS / 2);
	else
		HOLD((e == ERR_OK) == ok);
	if (e != ERR_OK) {
		absent(&doc);
		free(exact);
		return;
	}
	/* A token less than needed is refused, exactly as many suffice. */
	HOLD(doc.n >= 1 && json_parse(&doc2, span_of(exact, in.n), toks2, doc.n) == ERR_OK);
	HOLD(json_parse(&doc2, span_of(exact, in.n), toks2, doc.n - 1) == ERR_TOO_BIG);
	copy(&doc, json_root(&doc), &o);
	HOLD(!o.bad && json_parse(&doc2, out_span(&o), toks2, TOKS) == ERR_OK && doc2.n == doc.n);
	copy(&doc2, json_root(&doc2), &o2);
	HOLD(!o2.bad && span_eq(out_span(&o), out_span(&o2)));
	for (size_t i = 0; i < o.n; i++)
		HOLD(o.p[i] != '<' && o.p[i] != '>' && o.p[i] != '&' && o.p[i] >= 0x20);
	free(exact);
}
