/* Regular expressions: to postfix, to a nondeterministic automaton, then all states at once
 * (Thompson, "Regular Expression Search Algorithm", 1968). No backtracking, no recursion. The
 * syntax is that of Go's package regexp with Perl flags, which the guest uses; characters are code
 * points. */
#include "policy/pattern.h"

#include <string.h>

#include "base/out.h"
#include "text/utf8.h"

#define POSTFIX_MAX 8192
#define NODES_MAX (2 * POSTFIX_MAX)
#define SETS_MAX 1024
#define RANGES_MAX 4096
#define DEPTH_MAX 64
#define REPEAT_MAX 1000 /* also of nested repetitions multiplied: Go refuses more */
#define WIDE_FROM \
	80 /* of the 95 printable characters of ASCII: letters, digits and the punctuation of \
	      addresses are 75 */
#define POINT_MAX 0x10ffffu
#define BAD_POINT 0xfffdu /* stands for a byte that is no UTF-8 */
#define IS_CLASS 0x110000u /* "escape" met a class, not a character */

enum op {
	OP_SET,
	OP_BEGIN,
	OP_END,
	OP_LINE_BEGIN,
	OP_LINE_END,
	OP_WORD,
	OP_NO_WORD,
	OP_EMPTY,
	OP_CAT,
	OP_OR,
	OP_STAR,
	OP_PLUS,
	OP_OPT
};

struct item {
	uint8_t op;
	uint16_t set;
};

struct range {
	uint32_t from, to;
};

/* Characters: n ranges, in any order. */
struct set {
	uint16_t first, n;
	bool invert, fold;
};

/* Automaton: SET goes to x on a character of the set; SPLIT to x and y; NOP, and AT where its
 * condition (an op) holds, freely to x. */
enum kind { N_SET, N_SPLIT, N_NOP, N_AT, N_MATCH };

struct node {
	uint8_t kind, at;
	uint16_t set;
	uint16_t x, y;
};

struct group {
	size_t start; /* of its postfix */
	unsigned atoms, ors;
	unsigned most; /* the largest product of repetitions nested in an atom of it */
	bool fold, dot_all, lines;
};

/* Between two characters; IS_CLASS beyond the ends. */
struct place {
	uint32_t before, after;
};

static struct {
	struct span in;
	size_t at, n, n_sets, n_ranges, n_nodes, depth,
		last; /* last: where the last atom's postfix begins */
	unsigned last_most;
	bool repeated, named,
		quoted; /* a repetition was just read; a group has a name; within \Q */
	struct item post[POSTFIX_MAX];
	struct set set[SETS_MAX];
	struct range range[RANGES_MAX];
	struct node node[NODES_MAX];
	struct group stack[DEPTH_MAX], now;
	enum err failed;
	/* Running. */
	uint16_t list[2][NODES_MAX],
		todo[2 * NODES_MAX + 1]; /* each state is expanded once and has two ways at most */
	uint32_t mark[NODES_MAX], round;
} P;

static void fail(enum err e)
{
	if (P.failed == ERR_OK)
		P.failed = e;
}

/* The code point at the start of s and its length. */
static uint32_t point_at(struct span s, size_t *len)
{
	uint32_t c;

	*len = s.n ? utf8_len(s) : 0;
	if (*len < 2) {
		c = s.n && *len ? s.p[0] : BAD_POINT;
		*len = 1;
		return c;
	}
	c = s.p[0] & (0x7fu >> *len);
	for (size_t i = 1; i < *len; i++)
		c = c << 6 | (s.p[i] & 0x3fu);
	return c;
}

/* --- Sets of characters --- */

/* The set that is being made: it stands last, so that its ranges can grow. */
static struct set set_new(void)
{
	return (struct set){ .first = (uint16_t)P.n_ranges, .fold = P.now.fold };
}

static void set_range(struct set *s, uint32_t from, uint32_t to)
{
	if (P.n_ranges == RANGES_MAX) {
		fail(ERR_TOO_BIG);
		return;
	}
	P.range[P.n_ranges++] = (struct range){ from, to };
	s->n++;
}

static bool in_ranges(const struct set *s, uint32_t c)
{
	for (size_t i = 0; i < s->n; i++)
		if (c >= P.range[s->first + i].from && c <= P.range[s->first + i].to)
			return true;
	return false;
}

/* ASCII letters, and the two other characters that Unicode folds to them: KELVIN SIGN and LATIN
 * SMALL LETTER LONG S. */
static bool in_folded(const struct set *s, uint32_t c)
{
	uint32_t small = c == 0x212a ? 'k' : c == 0x17f ? 's' : c >= 'A' && c <= 'Z' ? c + 32 : c;

	if (in_ranges(s, c))
		return true;
	if (small < 'a' || small > 'z')
		return false;
	return in_ranges(s, small) || in_ranges(s, small - 32) ||
	       (small == 'k' && in_ranges(s, 0x212a)) || (small == 's' && in_ranges(s, 0x17f));
}

static bool set_has(const struct set *s, uint32_t c)
{
	return (s->fold ? in_folded(s, c) : in_ranges(s, c)) != s->invert;
}

static bool is_word(uint32_t c)
{
	return c < 0x80 && (is_alnum((uint8_t)c) || c == '_');
}

/* Names in [:x:] and letters after a backslash, with their characters in ascending ranges. */
static const struct class
{
	const char *name, *ranges;
} classes[] = {
	{ "d", "09" },
	{ "s", "\t\n\f\r  " },
	{ "w", "09AZ__az" },
	{ "alnum", "09AZaz" },
	{ "alpha", "AZaz" },
	{ "ascii", "\1\x7f" },
	{ "blank", "\t\t  " },
	{ "cntrl", "\1\x1f\x7f\x7f" },
	{ "digit", "09" },
	{ "graph", "!~" },
	{ "lower", "az" },
	{ "print", " ~" },
	{ "punct", "!/:@[`{~" },
	{ "space", "\t\r  " },
	{ "upper", "AZ" },
	{ "word", "09AZ__az" },
	{ "xdigit", "09AFaf" },
};

static const struct class *class_named(struct span name)
{
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++)
		if (span_eq_str(name, classes[i].name))
			return &classes[i];
	return NULL;
}

/* NUL cannot stand in the table: where a class begins at 1, it begins at 0. */
static void set_class(struct set *s, const struct class *k, bool opposite)
{
	uint32_t next = 0;
	bool letters = false;

	for (const char *r = k->ranges; *r; r += 2) {
		uint32_t from = r[0] == 1 ? 0 : (uint8_t)r[0], to = (uint8_t)r[1];

		if (!opposite)
			set_range(s, from, to);
		else if (from > next)
			set_range(s, next, from - 1);
		next = to + 1;
		letters = letters || (from <= 'k' && to >= 's');
	}
	if (!opposite)
		return;
	/* Folding comes before the opposite, so that what folds to a letter of the class is
	 * outside, too. */
	if (s->fold && letters) {
		set_range(s, next, 0x17e);
		set_range(s, 0x180, 0x2129);
		set_range(s, 0x212b, POINT_MAX);
	} else {
		set_range(s, next, POINT_MAX);
	}
}

/* --- To postfix --- */

static void emit(enum op op, size_t set)
{
	if (P.n == POSTFIX_MAX) {
		fail(ERR_TOO_BIG);
		return;
	}
	P.post[P.n++] = (struct item){ (uint8_t)op, (uint16_t)set };
}

static void emit_cat(void)
{
	if (P.now.atoms > 1) {
		P.now.atoms--;
		emit(OP_CAT, 0);
	}
}

static void atom(enum op op, size_t set)
{
	emit_cat();
	P.last = P.n;
	P.last_most = 1;
	emit(op, set);
	P.now.atoms++;
}

static void atom_set(struct set s)
{
	if (P.n_sets == SETS_MAX) {
		fail(ERR_TOO_BIG);
		return;
	}
	P.set[P.n_sets] = s;
	atom(OP_SET, P.n_sets++);
}

static bool more(void)
{
	return P.at < P.in.n && P.failed == ERR_OK;
}

static uint8_t peek(void)
{
	return more() ? P.in.p[P.at] : 0;
}

/* The next character. Patterns that are no UTF-8 are malformed. */
static uint32_t next(void)
{
	struct span rest = span_sub(P.in, P.at, P.in.n);
	size_t len;
	uint32_t c;

	if (!more() || !utf8_len(rest)) {
		fail(ERR_SYNTAX);
		return 0;
	}
	c = point_at(rest, &len);
	P.at += len;
	return c;
}

static bool take(const char *text)
{
	if (!span_starts(span_sub(P.in, P.at, P.in.n), text))
		return false;
	P.at += strlen(text);
	return true;
}

/* A character of the pattern as it is. Folding beyond ASCII is not known here. */
static void set_literals(struct set *s, uint32_t from, uint32_t to)
{
	if (s->fold && to > 0x7f)
		fail(ERR_RANGE);
	set_range(s, from, to);
}

static int digit_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10 : 16;
}

/* Digits of a base, at least min and at most max of them. */
static uint32_t read_digits(int base, unsigned min, unsigned max)
{
	uint32_t v = 0;
	unsigned n = 0;

	for (; n < max && more() && digit_value(peek()) < base && v <= POINT_MAX; n++)
		v = v * (uint32_t)base + (uint32_t)digit_value(P.in.p[P.at++]);
	if (n < min || v > POINT_MAX)
		fail(ERR_SYNTAX);
	return v;
}

static uint32_t escape_hex(void)
{
	uint32_t v;

	if (!take("{"))
		return read_digits(16, 2, 2);
	v = read_digits(16, 1, 16);
	if (!take("}"))
		fail(ERR_SYNTAX);
	return v;
}

/* After a backslash: the character it stands for, or IS_CLASS for a class added to s. */
static uint32_t escape(struct set *s)
{
	static const char names[] = "afnrtv", values[] = "\a\f\n\r\t\v";
	uint8_t c = peek(), small = c | 32;
	const char *hit;

	if (c && c < 0x80 && (small == 'd' || small == 's' || small == 'w')) {
		P.at++;
		set_class(s, class_named(span_of(&small, 1)), small != c);
		return IS_CLASS;
	}
	if (c == 'p' || c == 'P')
		fail(ERR_RANGE); /* classes of Unicode */
	if (c >= '1' && c <= '7') {
		struct span second = span_sub(P.in, P.at + 1, 1);

		if (!second.n || second.p[0] < '0' || second.p[0] > '7')
			fail(ERR_SYNTAX);
	}
	if (c >= '0' && c <= '7')
		return read_digits(8, 1, 3);
	if (take("x"))
		return escape_hex();
	hit = c ? strchr(names, c) : NULL;
	if (hit || c >= 0x80 || is_alnum(c))
		P.at++;
	if (hit)
		return (uint8_t)values[hit - names];
	if (c >= 0x80 || is_alnum(c))
		fail(ERR_SYNTAX);
	return c >= 0x80 || is_alnum(c) ? 0 : next();
}

/* "[:name:]" within a class. False when it is none, then '[' stands for itself. */
static bool read_named_class(struct set *s)
{
	struct span rest = span_sub(P.in, P.at, P.in.n), name = span_of(NULL, 0);
	const struct class *k;
	bool opposite;

	if (!span_starts(rest, "[:"))
		return false;
	for (size_t i = 2; i + 1 < rest.n && !name.p; i++)
		if (rest.p[i] == ':' && rest.p[i + 1] == ']')
			name = span_sub(rest, 2, i - 2);
	if (!name.p)
		return false;
	P.at += name.n + 4;
	opposite = span_starts(name, "^");
	k = class_named(span_sub(name, opposite, name.n));
	if (!k || k->name[1] == '\0') {
		fail(ERR_SYNTAX);
		return true;
	}
	if (opposite && s->fold && (strcmp(k->name, "upper") == 0 || strcmp(k->name, "lower") == 0))
		fail(ERR_RANGE);
	set_class(s, k, opposite);
	return true;
}

static uint32_t class_character(struct set *s)
{
	return take("\\") ? escape(s) : next();
}

static void read_class(void)
{
	struct set s = set_new();

	s.invert = take("^");
	for (bool first = true; more() && (first || peek() != ']'); first = false) {
		uint32_t from, to;

		if (read_named_class(&s))
			continue;
		from = class_character(&s);
		if (from == IS_CLASS)
			continue;
		to = from;
		if (P.at + 1 < P.in.n && peek() == '-' && P.in.p[P.at + 1] != ']') {
			P.at++;
			to = class_character(&s);
		}
		if (to > POINT_MAX || to < from) {
			fail(ERR_SYNTAX);
			return;
		}
		set_literals(&s, from, to);
	}
	if (next() != ']')
		fail(ERR_SYNTAX);
	atom_set(s);
}

/* All alternatives of the present group into one atom. */
static void close_alternatives(void)
{
	if (!P.now.atoms)
		atom(OP_EMPTY, 0);
	while (P.now.atoms > 1)
		emit_cat();
	for (; P.now.ors; P.now.ors--)
		emit(OP_OR, 0);
}

static void read_or(void)
{
	if (!P.now.atoms)
		atom(OP_EMPTY, 0);
	while (P.now.atoms > 1)
		emit_cat();
	P.now.atoms = 0;
	P.now.ors++;
}

/* "P<name>": what the name is does not matter, but no two may be the same. */
static void read_group_name(void)
{
	size_t from = P.at;

	if (P.named)
		fail(ERR_RANGE);
	P.named = true;
	while (more() && is_word(peek()))
		P.at++;
	if (P.at == from || !take(">"))
		fail(ERR_SYNTAX);
}

/* After "(": flags, a name, or nothing. False when it was flags alone, "(?i)". */
static bool read_group_head(struct group *g)
{
	bool on = true, any = false;

	if (!take("?"))
		return true;
	if (take("P<")) {
		read_group_name();
		return true;
	}
	if (peek() == '<') {
		fail(ERR_RANGE); /* a name for newer versions of Go, an error for older ones */
		return true;
	}
	for (;;) {
		uint32_t c = next();

		if ((c == ':' || c == ')') && (on || any))
			return c == ':';
		any = true;
		switch (c) {
		case 'i': g->fold = on; break;
		case 's': g->dot_all = on; break;
		case 'm': g->lines = on; break;
		case 'U': break; /* which repetition is greedy does not matter */
		case '-':
			if (!on)
				fail(ERR_SYNTAX);
			on = any = false;
			break;
		default: fail(ERR_SYNTAX); break;
		}
		if (P.failed != ERR_OK)
			return true;
	}
}

static void open_group(void)
{
	struct group g = P.now;

	if (!read_group_head(&g)) {
		P.now.fold = g.fold;
		P.now.dot_all = g.dot_all;
		P.now.lines = g.lines;
		return;
	}
	emit_cat();
	if (P.depth == DEPTH_MAX) {
		fail(ERR_TOO_BIG);
		return;
	}
	P.stack[P.depth++] = P.now;
	P.now = (struct group){
		.start = P.n, .most = 1, .fold = g.fold, .dot_all = g.dot_all, .lines = g.lines
	};
}

static void close_group(void)
{
	size_t start = P.now.start;

	if (!P.depth) {
		fail(ERR_SYNTAX);
		return;
	}
	close_alternatives();
	P.last_most = P.now.most;
	P.now = P.stack[--P.depth];
	P.now.most = P.last_most > P.now.most ? P.last_most : P.now.most;
	P.now.atoms++;
	P.last = start;
}

/* A number without leading zeros; false when there is none. */
static bool read_number(unsigned *v)
{
	size_t from = P.at;

	for (*v = 0; more() && peek() >= '0' && peek() <= '9'; P.at++)
		*v = *v > REPEAT_MAX ? *v : *v * 10 + (unsigned)(peek() - '0');
	return P.at > from && (P.in.p[from] != '0' || P.at == from + 1);
}

/* Appends the last atom's postfix once more. */
static void copy_atom(size_t from, size_t n)
{
	for (size_t i = 0; i < n && P.failed == ERR_OK; i++)
		emit((enum op)P.post[from + i].op, P.post[from + i].set);
}

/* X{m,n}: m times X, then n-m times X?, or X* when there is no end. The original is taken as the
 * first of them. */
static void repeat(unsigned m, unsigned n, bool endless)
{
	size_t from = P.last, len = P.n - P.last;
	unsigned total = endless ? m + 1 : n;

	if (m > REPEAT_MAX || n > REPEAT_MAX || (!endless && n < m)) {
		fail(ERR_SYNTAX);
		return;
	}
	P.last_most *= n ? n : 1;
	P.now.most = P.last_most > P.now.most ? P.last_most : P.now.most;
	if (P.last_most > REPEAT_MAX)
		fail(ERR_SYNTAX);
	if (total == 0) {
		P.n = from;
		emit(OP_EMPTY, 0);
		return;
	}
	for (unsigned i = 0; i < total && P.failed == ERR_OK; i++) {
		if (i)
			copy_atom(from, len);
		if (i >= m)
			emit(endless ? OP_STAR : OP_OPT, 0);
		if (i)
			emit(OP_CAT, 0);
	}
}

/* After '{': false when no repetition follows; the brace then stands for itself. */
static bool read_repeat(void)
{
	size_t from = P.at;
	unsigned m, n;
	bool endless = false, ok = read_number(&m);

	n = m;
	if (ok && take(",")) {
		endless = peek() == '}';
		ok = endless || read_number(&n);
	}
	if (!ok || !take("}")) {
		P.at = from;
		return false;
	}
	if (!P.now.atoms || P.repeated)
		fail(ERR_SYNTAX);
	else
		repeat(m, n, endless);
	return true;
}

static void read_quantifier(uint32_t c)
{
	if (!P.now.atoms || P.repeated) {
		fail(ERR_SYNTAX);
		return;
	}
	emit(c == '*' ? OP_STAR : c == '+' ? OP_PLUS : OP_OPT, 0);
}

static void read_literal(uint32_t c)
{
	struct set s = set_new();

	set_literals(&s, c, c);
	atom_set(s);
}

static void read_dot(void)
{
	struct set s = set_new();

	s.fold = false;
	s.invert = !P.now.dot_all;
	set_range(&s, P.now.dot_all ? 0 : '\n', P.now.dot_all ? POINT_MAX : '\n');
	atom_set(s);
}

static void read_escape(void)
{
	struct set s = set_new();
	uint32_t c;

	if (take("A"))
		atom(OP_BEGIN, 0);
	else if (take("z"))
		atom(OP_END, 0);
	else if (take("b"))
		atom(OP_WORD, 0);
	else if (take("B"))
		atom(OP_NO_WORD, 0);
	else if (take("Q"))
		P.quoted = true;
	else {
		c = escape(&s);
		if (c != IS_CLASS)
			set_literals(&s, c, c);
		atom_set(s);
	}
}

/* One token; true when it was a repetition. */
static bool read_token(void)
{
	uint32_t c;

	if (P.quoted) {
		P.quoted = !take("\\E");
		if (P.quoted)
			read_literal(next());
		return false;
	}
	c = next();
	switch (c) {
	case '(': open_group(); return false;
	case ')': close_group(); return false;
	case '|': read_or(); return false;
	case '[': read_class(); return false;
	case '.': read_dot(); return false;
	case '\\': read_escape(); return false;
	case '^': atom(P.now.lines ? OP_LINE_BEGIN : OP_BEGIN, 0); return false;
	case '$': atom(P.now.lines ? OP_LINE_END : OP_END, 0); return false;
	case '*':
	case '+':
	case '?': read_quantifier(c); break;
	case '{':
		if (read_repeat())
			break;
		/* fallthrough */
	default: read_literal(c); return false;
	}
	(void)take("?"); /* lazy or not, the same texts match */
	return true;
}

static void to_postfix(struct span in)
{
	P.in = in;
	P.at = P.n = P.n_sets = P.n_ranges = P.depth = P.last = 0;
	P.failed = ERR_OK;
	P.repeated = P.named = P.quoted = false;
	P.last_most = 1;
	P.now = (struct group){ .start = 0, .most = 1 };
	while (more())
		P.repeated = read_token();
	if (P.depth)
		fail(ERR_SYNTAX);
	close_alternatives();
}

/* --- To an automaton: a fragment has one way in and one NOP at its end --- */

struct fragment {
	uint16_t in, out;
};

/* detail: the set, or the condition of N_AT. */
static uint16_t add(enum kind kind, size_t detail, size_t x, size_t y)
{
	if (P.n_nodes == NODES_MAX) {
		fail(ERR_TOO_BIG);
		return 0;
	}
	P.node[P.n_nodes] = (struct node){ (uint8_t)kind, (uint8_t)detail, (uint16_t)detail,
		(uint16_t)x, (uint16_t)y };
	return (uint16_t)P.n_nodes++;
}

static struct fragment build_one(const struct item *i, struct fragment a, struct fragment b)
{
	uint16_t out = i->op == OP_CAT ? 0 : add(N_NOP, 0, 0, 0);

	switch ((enum op)i->op) {
	case OP_SET: return (struct fragment){ add(N_SET, i->set, out, 0), out };
	case OP_BEGIN:
	case OP_END:
	case OP_LINE_BEGIN:
	case OP_LINE_END:
	case OP_WORD:
	case OP_NO_WORD: return (struct fragment){ add(N_AT, i->op, out, 0), out };
	case OP_EMPTY: return (struct fragment){ out, out };
	case OP_CAT: P.node[a.out].x = b.in; return (struct fragment){ a.in, b.out };
	case OP_OR:
		P.node[a.out].x = P.node[b.out].x = out;
		return (struct fragment){ add(N_SPLIT, 0, a.in, b.in), out };
	case OP_OPT:
		P.node[a.out].x = out;
		return (struct fragment){ add(N_SPLIT, 0, a.in, out), out };
	case OP_STAR:
	case OP_PLUS: break;
	}
	{
		uint16_t split = add(N_SPLIT, 0, a.in, out);

		P.node[a.out].x = split;
		return (struct fragment){ i->op == OP_PLUS ? a.in : split, out };
	}
}

static uint16_t build(void)
{
	static struct fragment stack[POSTFIX_MAX];
	const struct fragment none = { 0, 0 };
	size_t n = 0;

	P.n_nodes = 0;
	add(N_MATCH, 0, 0, 0);
	for (size_t i = 0; i < P.n && P.failed == ERR_OK; i++) {
		const struct item *it = &P.post[i];
		size_t takes = it->op == OP_CAT || it->op == OP_OR ? 2 : it->op <= OP_EMPTY ? 0 : 1;

		if (takes > n) {
			fail(ERR_SYNTAX);
			return 0;
		}
		n -= takes;
		stack[n] = build_one(it, takes ? stack[n] : none, takes == 2 ? stack[n + 1] : none);
		n++;
	}
	if (P.failed != ERR_OK || n != 1) {
		fail(ERR_SYNTAX);
		return 0;
	}
	P.node[stack[0].out].x = 0; /* node 0 is the match */
	return stack[0].in;
}

/* --- Running --- */

static bool holds(enum op op, struct place at)
{
	bool word = is_word(at.before) != is_word(at.after);

	switch (op) {
	case OP_BEGIN: return at.before == IS_CLASS;
	case OP_END: return at.after == IS_CLASS;
	case OP_LINE_BEGIN: return at.before == IS_CLASS || at.before == '\n';
	case OP_LINE_END: return at.after == IS_CLASS || at.after == '\n';
	case OP_WORD: return word;
	case OP_NO_WORD: return !word;
	case OP_SET:
	case OP_EMPTY:
	case OP_CAT:
	case OP_OR:
	case OP_STAR:
	case OP_PLUS:
	case OP_OPT: break;
	}
	return false;
}

/* Adds a state and all it reaches without a character; true when the match is among them. */
static bool reach(uint16_t start, uint16_t *list, size_t *n, struct place at)
{
	size_t left = 0;
	bool match = false;

	P.todo[left++] = start;
	while (left) {
		uint16_t s = P.todo[--left];
		const struct node *d = &P.node[s];
		uint16_t to[2] = { d->x, d->y };
		size_t ways = d->kind == N_SPLIT
				      ? 2
				      : d->kind == N_NOP ||
						(d->kind == N_AT && holds((enum op)d->at, at));

		if (P.mark[s] == P.round)
			continue;
		P.mark[s] = P.round;
		match = match || d->kind == N_MATCH;
		if (d->kind == N_SET)
			list[(*n)++] = s;
		for (size_t i = 0; i < ways; i++)
			if (P.mark[to[i]] != P.round)
				P.todo[left++] = to[i];
	}
	return match;
}

/* The first character of s; IS_CLASS at its end. */
static uint32_t first_of(struct span s, size_t *len)
{
	*len = 0;
	return s.n ? point_at(s, len) : IS_CLASS;
}

static bool run(uint16_t start, struct span text)
{
	size_t n[2] = { 0, 0 }, len;
	struct place at = { IS_CLASS, first_of(text, &len) };
	unsigned from = 0;
	bool match;

	memset(P.mark, 0, sizeof P.mark);
	P.round = 1;
	match = reach(start, P.list[0], &n[0], at);
	for (; text.n && !match; from = 1 - from) {
		unsigned to = 1 - from;

		text = span_sub(text, len, text.n);
		at = (struct place){ at.after, first_of(text, &len) };
		n[to] = 0;
		P.round++;
		for (size_t j = 0; j < n[from]; j++) {
			const struct node *d = &P.node[P.list[from][j]];

			if (set_has(&P.set[d->set], at.before) &&
				reach(d->x, P.list[to], &n[to], at))
				match = true;
		}
		/* A search: it may also begin here. */
		if (reach(start, P.list[to], &n[to], at))
			match = true;
	}
	return match;
}

enum err pattern_match(struct span pattern, struct span text, bool *match)
{
	static uint8_t whole[65536];
	struct out o = out_init(whole, sizeof whole);
	uint16_t start;

	/* The framework looks at the first and the last character, not at what they mean. */
	if (!span_starts(pattern, "^"))
		out_byte(&o, '^');
	out_put(&o, pattern);
	if (!span_ends(pattern, "$"))
		out_byte(&o, '$');
	if (o.bad)
		return ERR_TOO_BIG;
	to_postfix(out_span(&o));
	start = P.failed == ERR_OK ? build() : 0;
	if (P.failed != ERR_OK)
		return P.failed;
	*match = run(start, text);
	return ERR_OK;
}

bool pattern_is_wide(struct span pattern)
{
	to_postfix(pattern);
	for (size_t i = 0; i < P.n_sets && P.failed == ERR_OK; i++) {
		unsigned n = 0;

		for (uint32_t c = ' '; c <= '~'; c++)
			n += set_has(&P.set[i], c);
		if (n > WIDE_FROM)
			return true;
	}
	return false;
}
