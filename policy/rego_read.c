/* Reading policies. */
#include "policy/rego_read.h"

#include <string.h>

#include "base/fault.h"
#include "base/out.h"

struct cursor {
	struct span text;
	size_t at;
	struct rego_policy *p;
	struct why *why;
};

static bool at_end(const struct cursor *c)
{
	return c->at >= c->text.n;
}

static uint8_t peek(const struct cursor *c)
{
	return at_end(c) ? 0 : c->text.p[c->at];
}

static struct span rest_of_line(const struct cursor *c)
{
	struct span rest = span_sub(c->text, c->at, c->text.n);

	return span_sub(rest, 0, span_find(rest, '\n'));
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static bool is_word(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

static void skip_blanks(struct cursor *c)
{
	while (is_blank(peek(c)))
		c->at++;
}

/* White space and comments. */
static void skip_space(struct cursor *c)
{
	while (!at_end(c)) {
		if (peek(c) == '#')
			c->at += rest_of_line(c).n;
		else if (is_blank(peek(c)) || peek(c) == '\n')
			c->at++;
		else
			return;
	}
}

static struct span take_word(struct cursor *c)
{
	size_t from = c->at;

	while (is_word(peek(c)))
		c->at++;
	return span_sub(c->text, from, c->at - from);
}

/* Past a string in either form of quotes; false when it does not end. */
static bool skip_string(struct cursor *c)
{
	uint8_t quote = peek(c);

	for (c->at++; !at_end(c); c->at++) {
		if (peek(c) == quote) {
			c->at++;
			return true;
		}
		if (quote == '"' && peek(c) == '\\')
			c->at++;
	}
	return false;
}

/* To the end of the statement: of the line, and of every bracket opened in it. */
static void skip_statement(struct cursor *c)
{
	size_t depth = 0;

	while (!at_end(c)) {
		uint8_t b = peek(c);

		if (b == '"' || b == '`') {
			if (!skip_string(c))
				return;
			continue;
		}
		if (b == '#') {
			c->at += rest_of_line(c).n;
			continue;
		}
		if (b == '{' || b == '[' || b == '(')
			depth++;
		if ((b == '}' || b == ']' || b == ')') && depth)
			depth--;
		if (b == '\n' && !depth)
			return;
		c->at++;
	}
}

/* --- Values: Rego's into JSON's form --- */

/* `raw` strings take no escapes; JSON needs them. */
static void copy_raw(struct cursor *c, struct out *o)
{
	out_byte(o, '"');
	for (c->at++; !at_end(c) && peek(c) != '`'; c->at++) {
		uint8_t b = peek(c);

		if (b < 0x20) {
			out_str(o, "\\u00");
			out_hex(o, &b, 1);
			continue;
		}
		if (b == '"' || b == '\\')
			out_byte(o, '\\');
		out_byte(o, b);
	}
	c->at++;
	out_byte(o, '"');
}

/* A comma before the closing bracket is allowed in Rego, not in JSON. */
static void drop_comma(struct out *o)
{
	size_t n = o->n;

	while (n && (is_blank(o->p[n - 1]) || o->p[n - 1] == '\n'))
		n--;
	if (n && o->p[n - 1] == ',')
		o->n = n - 1;
}

static void copy_value(struct cursor *c, struct out *o)
{
	size_t depth = 0;

	do {
		uint8_t b = peek(c);
		size_t from = c->at;

		if (b == '`') {
			copy_raw(c, o);
			continue;
		}
		if (b == '"') {
			(void)skip_string(c);
			out_put(o, span_sub(c->text, from, c->at - from));
			continue;
		}
		if (b == '#') {
			c->at += rest_of_line(c).n;
			continue;
		}
		if (b == '{' || b == '[')
			depth++;
		if (b == '}' || b == ']') {
			drop_comma(o);
			depth--;
		}
		out_byte(o, b);
		c->at++;
	} while (depth && !at_end(c) && !o->bad);
}

/* --- Statements --- */

static void skip_rule(struct cursor *c, size_t from)
{
	c->at = from;
	skip_statement(c);
}

static void note_unknown(struct cursor *c, size_t from)
{
	c->at = from;
	if (c->p->n_unknown++ == 0)
		fault_text(c->p->unknown, sizeof c->p->unknown, rest_of_line(c));
	skip_rule(c, from);
}

/* Nothing but a comment may follow a value on its line. */
static bool line_ends(struct cursor *c)
{
	skip_blanks(c);
	return at_end(c) || peek(c) == '\n' || peek(c) == '#';
}

static bool read_json(struct cursor *c, struct rego_statement *s)
{
	struct rego_policy *p = c->p;
	struct out o = out_init(p->clean + p->clean_used, sizeof p->clean - p->clean_used);

	copy_value(c, &o);
	if (o.bad || json_parse(&s->doc, out_span(&o), p->toks + p->toks_used, POLICY_TOKENS_MAX - p->toks_used) != ERR_OK)
		return false;
	rego_unescape(&s->doc, p->toks + p->toks_used, p->clean + p->clean_used);
	p->clean_used += o.n;
	p->toks_used += s->doc.n;
	s->kind = REGO_VALUE;
	return true;
}

static bool read_word(struct cursor *c, struct rego_statement *s)
{
	struct rego_policy *p = c->p;
	uint64_t number;

	s->word = take_word(c);
	s->kind = REGO_WORD;
	if (!span_eq_str(s->word, "true") && !span_eq_str(s->word, "false") && !span_eq_str(s->word, "null") && !span_u64(s->word, &number))
		return s->word.n > 0;
	if (json_parse(&s->doc, s->word, p->toks + p->toks_used, POLICY_TOKENS_MAX - p->toks_used) != ERR_OK)
		return false;
	p->toks_used += s->doc.n;
	s->kind = REGO_VALUE;
	return true;
}

/* NAME := VALUE, or NAME = VALUE. */
static bool read_assignment(struct cursor *c, struct rego_statement *s)
{
	bool ok;

	s->name = take_word(c);
	s->is_default = span_eq_str(s->name, "default") && is_blank(peek(c));
	if (s->is_default) {
		skip_blanks(c);
		s->name = take_word(c);
	}
	skip_blanks(c);
	if (peek(c) == ':')
		c->at++;
	/* "else" goes on with the rule above it. */
	if (!s->name.n || span_eq_str(s->name, "else") || peek(c) != '=')
		return false;
	c->at++;
	skip_space(c);
	switch (peek(c)) {
	case '{': case '[': case '"': case '`': ok = read_json(c, s); break;
	/* A default is a value: Rego takes no reference there. */
	default: ok = read_word(c, s) && (s->kind == REGO_VALUE || !s->is_default); break;
	}
	/* A second value for one name makes the guest refuse the policy; which of them was meant is not for us to say. */
	for (size_t i = 0; i < c->p->n && ok; i++)
		ok = !span_eq(c->p->list[i].name, s->name) || c->p->list[i].is_default != s->is_default;
	return ok && line_ends(c);
}

/* Imports that only change the language's form; others may give a name another meaning. */
static bool is_keyword_import(struct cursor *c, struct span first)
{
	struct span what;

	if (!span_eq_str(first, "import"))
		return false;
	skip_blanks(c);
	what = take_word(c);
	return (span_eq_str(what, "rego.v1") || span_eq_str(what, "future.keywords") || span_starts(what, "future.keywords.")) &&
	       line_ends(c);
}

static enum err read_statement(struct cursor *c)
{
	struct rego_policy *p = c->p;
	size_t from = c->at;
	struct span first = take_word(c);

	if (is_keyword_import(c, first)) {
		c->at += rest_of_line(c).n;
		return ERR_OK;
	}
	if (p->n == REGO_STATEMENTS_MAX)
		return why_say(c->why, ERR_TOO_BIG, "too many statements");
	c->at = from;
	if (read_assignment(c, &p->list[p->n]))
		p->n++;
	else if (span_eq_str(first, "reason"))
		skip_rule(c, from); /* only says why something was denied */
	else
		note_unknown(c, from);
	return ERR_OK;
}

enum err rego_read(struct rego_policy *p, struct span text, struct why *why)
{
	struct cursor c = { text, 0, p, why };
	enum err e = ERR_OK;

	p->n = p->n_unknown = p->toks_used = p->clean_used = 0;
	p->unknown[0] = '\0';
	if (text.n > POLICY_TEXT_MAX)
		return why_say(why, ERR_TOO_BIG, "the policy is too long (POLICY_TEXT_MAX)");
	skip_space(&c);
	if (!span_eq_str(take_word(&c), "package"))
		return why_say(why, ERR_SYNTAX, "not a policy: it must begin with \"package policy\"");
	skip_blanks(&c);
	if (!span_eq_str(take_word(&c), "policy"))
		return why_say(why, ERR_SYNTAX, "not a policy: another package");
	for (skip_space(&c); !at_end(&c) && e == ERR_OK; skip_space(&c))
		e = read_statement(&c);
	return e;
}

const struct rego_statement *rego_read_statement(const struct rego_policy *p, const char *name)
{
	const struct rego_statement *found = NULL;

	for (size_t i = 0; i < p->n; i++)
		if (span_eq_str(p->list[i].name, name) && (!found || found->is_default))
			found = &p->list[i];
	return found;
}

struct json_val rego_read_value(const struct rego_policy *p, const char *name)
{
	static const struct json none = { .n = 0 };
	const struct rego_statement *s = rego_read_statement(p, name);

	return s && s->kind == REGO_VALUE ? json_root(&s->doc) : (struct json_val){ &none, SIZE_MAX };
}

void rego_unescape(const struct json *doc, struct json_tok *toks, uint8_t *text)
{
	for (size_t i = 0; i < doc->n; i++) {
		struct json_val v = { doc, i };
		struct span raw = json_raw(v);
		struct out o = out_init(text + toks[i].start, raw.n);

		/* A member's name has a size: the hash that it is found by. What is written never overtakes what is read. */
		if (toks[i].type != JSON_STRING || toks[i].size || span_find(raw, '\\') == raw.n)
			continue;
		if (json_string(v, &o) == ERR_OK)
			toks[i].end = toks[i].start + (uint32_t)o.n;
	}
}

struct span rego_text(struct json_val v)
{
	return json_type_of(v) == JSON_STRING ? json_raw(v) : span_of(NULL, 0);
}

bool rego_is(struct json_val v, const char *text)
{
	return json_type_of(v) == JSON_STRING && span_eq_str(json_raw(v), text);
}

bool rego_same(struct json_val a, struct json_val b)
{
	return json_type_of(a) == JSON_STRING && json_type_of(b) == JSON_STRING && span_eq(json_raw(a), json_raw(b));
}
