/* Regular expressions: to postfix, to a nondeterministic automaton, then all states at once (Thompson, "Regular
 * Expression Search Algorithm", 1968). No backtracking, no recursion. */
#include "policy/pattern.h"

#include <string.h>

#define POSTFIX_MAX 8192
#define NODES_MAX (2 * POSTFIX_MAX)
#define SETS_MAX 256
#define DEPTH_MAX 64
#define REPEAT_MAX 1000

enum op { OP_SET, OP_BEGIN, OP_END, OP_EMPTY, OP_CAT, OP_OR, OP_STAR, OP_PLUS, OP_OPT };

struct item {
	uint8_t op;
	uint16_t set;
};

struct set {
	uint8_t bits[32];
};

/* Automaton: SET goes to x on a byte of the set; SPLIT to x and y, NOP to x, BEGIN and END to x where they hold, freely. */
enum kind { N_SET, N_SPLIT, N_NOP, N_BEGIN, N_END, N_MATCH };

struct node {
	uint8_t kind;
	uint16_t set;
	uint16_t x, y;
};

struct group {
	size_t start; /* of its postfix */
	unsigned atoms, ors;
	bool fold, dot_all;
};

static struct {
	struct span in;
	size_t at, n, n_sets, n_nodes, depth, last; /* last: where the last atom's postfix begins */
	struct item post[POSTFIX_MAX];
	struct set set[SETS_MAX];
	struct node node[NODES_MAX];
	struct group stack[DEPTH_MAX], now;
	enum err failed;
	/* Running. */
	uint16_t list[2][NODES_MAX], todo[2 * NODES_MAX + 1]; /* each state is expanded once and has two ways at most */
	uint32_t mark[NODES_MAX], round;
} P;

static void fail(enum err e)
{
	if (P.failed == ERR_OK)
		P.failed = e;
}

/* --- Sets of bytes --- */

static void set_add(struct set *s, unsigned c)
{
	s->bits[c / 8] = (uint8_t)(s->bits[c / 8] | 1u << (c % 8));
}

static bool set_has(const struct set *s, unsigned c)
{
	return (s->bits[c / 8] >> (c % 8) & 1) != 0;
}

static void set_range(struct set *s, unsigned from, unsigned to)
{
	for (unsigned c = from; c <= to; c++)
		set_add(s, c);
}

static void set_invert(struct set *s)
{
	for (size_t i = 0; i < sizeof s->bits; i++)
		s->bits[i] = (uint8_t)~s->bits[i];
}

static void set_fold(struct set *s)
{
	for (unsigned c = 'a'; c <= 'z'; c++)
		if (set_has(s, c) || set_has(s, c - 32)) {
			set_add(s, c);
			set_add(s, c - 32);
		}
}

/* \d \w \s and their opposites; false for another letter. */
static bool set_class(struct set *s, uint8_t c)
{
	struct set k = { { 0 } };

	switch (c | 32) {
	case 'd': set_range(&k, '0', '9'); break;
	case 'w':
		set_range(&k, '0', '9');
		set_range(&k, 'A', 'Z');
		set_range(&k, 'a', 'z');
		set_add(&k, '_');
		break;
	case 's':
		set_range(&k, 9, 10);
		set_range(&k, 12, 13);
		set_add(&k, ' ');
		break;
	default: return false;
	}
	if (!(c & 32))
		set_invert(&k);
	for (size_t i = 0; i < sizeof k.bits; i++)
		s->bits[i] |= k.bits[i];
	return true;
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
	emit(op, set);
	P.now.atoms++;
}

static void atom_set(struct set s)
{
	if (P.now.fold)
		set_fold(&s);
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

static uint8_t next(void)
{
	if (!more()) {
		fail(ERR_SYNTAX);
		return 0;
	}
	return P.in.p[P.at++];
}

static bool take(const char *text)
{
	if (!span_starts(span_sub(P.in, P.at, P.in.n), text))
		return false;
	P.at += strlen(text);
	return true;
}

/* After a backslash: the byte it stands for, or a class added to s (returns 256). */
static unsigned escape(struct set *s)
{
	uint8_t c = next();

	if (set_class(s, c))
		return 256;
	switch (c) {
	case 'n': return '\n';
	case 't': return '\t';
	case 'r': return '\r';
	default:
		if ((c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z'))
			fail(ERR_RANGE);
		return c;
	}
}

static void read_class(void)
{
	struct set s = { { 0 } };
	bool invert = take("^");

	for (bool first = true; more() && (first || P.in.p[P.at] != ']'); first = false) {
		unsigned from = next(), to;

		if (from == '[' && take(":")) {
			fail(ERR_RANGE);
			return;
		}
		if (from == '\\')
			from = escape(&s);
		if (from == 256)
			continue;
		to = from;
		if (P.at + 1 < P.in.n && P.in.p[P.at] == '-' && P.in.p[P.at + 1] != ']') {
			P.at++;
			to = next();
			if (to == '\\')
				to = escape(&s);
		}
		if (to > 255 || to < from) {
			fail(ERR_SYNTAX);
			return;
		}
		set_range(&s, from, to);
	}
	if (next() != ']')
		fail(ERR_SYNTAX);
	if (P.now.fold)
		set_fold(&s);
	if (invert)
		set_invert(&s);
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

/* After "(": flags, a name, or nothing. False when it was flags alone, "(?i)". */
static bool read_group_head(bool *fold, bool *dot_all)
{
	if (!take("?"))
		return true;
	if (take("P<") || take("<")) {
		while (more() && next() != '>')
			;
		return true;
	}
	for (;;) {
		switch (next()) {
		case ':': return true;
		case ')': return false;
		case 'i': *fold = true; break;
		case 's': *dot_all = true; break;
		default: fail(ERR_RANGE); return true;
		}
	}
}

static void open_group(void)
{
	bool fold = P.now.fold, dot_all = P.now.dot_all;

	if (!read_group_head(&fold, &dot_all)) {
		P.now.fold = fold;
		P.now.dot_all = dot_all;
		return;
	}
	emit_cat();
	if (P.depth == DEPTH_MAX) {
		fail(ERR_TOO_BIG);
		return;
	}
	P.stack[P.depth++] = P.now;
	P.now = (struct group){ .start = P.n, .fold = fold, .dot_all = dot_all };
}

static void close_group(void)
{
	size_t start = P.now.start;

	if (!P.depth) {
		fail(ERR_SYNTAX);
		return;
	}
	close_alternatives();
	P.now = P.stack[--P.depth];
	P.now.atoms++;
	P.last = start;
}

static unsigned read_number(void)
{
	unsigned v = 0;
	bool any = false;

	while (more() && P.in.p[P.at] >= '0' && P.in.p[P.at] <= '9' && v <= REPEAT_MAX) {
		v = v * 10 + (unsigned)(next() - '0');
		any = true;
	}
	if (!any || v > REPEAT_MAX)
		fail(v > REPEAT_MAX ? ERR_TOO_BIG : ERR_SYNTAX);
	return v;
}

/* Appends the last atom's postfix once more. */
static void copy_atom(size_t from, size_t n)
{
	for (size_t i = 0; i < n && P.failed == ERR_OK; i++)
		emit((enum op)P.post[from + i].op, P.post[from + i].set);
}

/* X{m,n}: m times X, then n-m times X?, or X* when there is no end. The original is taken as the first of them. */
static void repeat(unsigned m, unsigned n, bool endless)
{
	size_t from = P.last, len = P.n - P.last;
	unsigned total = endless ? m + 1 : n;

	if (!endless && n < m) {
		fail(ERR_SYNTAX);
		return;
	}
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

static void read_repeat(void)
{
	unsigned m = read_number(), n = m;
	bool endless = false;

	if (take(",")) {
		endless = more() && P.in.p[P.at] == '}';
		n = endless ? m : read_number();
	}
	if (next() != '}')
		fail(ERR_SYNTAX);
	if (P.failed == ERR_OK)
		repeat(m, n, endless);
}

static void read_quantifier(uint8_t c)
{
	if (!P.now.atoms) {
		fail(ERR_SYNTAX);
		return;
	}
	switch (c) {
	case '*': emit(OP_STAR, 0); break;
	case '+': emit(OP_PLUS, 0); break;
	case '?': emit(OP_OPT, 0); break;
	default: read_repeat(); break;
	}
	(void)take("?"); /* lazy or not, the same texts match */
}

static void read_literal(uint8_t c)
{
	struct set s = { { 0 } };

	if (c == '.') {
		set_invert(&s);
		if (!P.now.dot_all)
			s.bits['\n' / 8] &= (uint8_t)~(1u << ('\n' % 8));
	} else {
		unsigned byte = c == '\\' ? escape(&s) : c;

		if (byte < 256)
			set_add(&s, byte);
	}
	atom_set(s);
}

static void to_postfix(struct span in)
{
	P.in = in;
	P.at = P.n = P.n_sets = P.depth = P.last = 0;
	P.failed = ERR_OK;
	P.now = (struct group){ .start = 0 };
	while (more()) {
		uint8_t c = next();

		switch (c) {
		case '(': open_group(); break;
		case ')': close_group(); break;
		case '|': read_or(); break;
		case '[': read_class(); break;
		case '^': atom(OP_BEGIN, 0); break;
		case '$': atom(OP_END, 0); break;
		case '*': case '+': case '?': case '{': read_quantifier(c); break;
		default: read_literal(c); break;
		}
	}
	if (P.depth)
		fail(ERR_SYNTAX);
	close_alternatives();
}

/* --- To an automaton: a fragment has one way in and one NOP at its end --- */

struct fragment {
	uint16_t in, out;
};

static uint16_t add(enum kind kind, size_t set, size_t x, size_t y)
{
	if (P.n_nodes == NODES_MAX) {
		fail(ERR_TOO_BIG);
		return 0;
	}
	P.node[P.n_nodes] = (struct node){ (uint8_t)kind, (uint16_t)set, (uint16_t)x, (uint16_t)y };
	return (uint16_t)P.n_nodes++;
}

static struct fragment build_one(const struct item *i, struct fragment a, struct fragment b)
{
	uint16_t out = i->op == OP_CAT ? 0 : add(N_NOP, 0, 0, 0);

	switch ((enum op)i->op) {
	case OP_SET: return (struct fragment){ add(N_SET, i->set, out, 0), out };
	case OP_BEGIN: return (struct fragment){ add(N_BEGIN, 0, out, 0), out };
	case OP_END: return (struct fragment){ add(N_END, 0, out, 0), out };
	case OP_EMPTY: return (struct fragment){ out, out };
	case OP_CAT:
		P.node[a.out].x = b.in;
		return (struct fragment){ a.in, b.out };
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

/* Adds a state and all it reaches without a byte; true when the match is among them. */
static bool reach(uint16_t start, uint16_t *list, size_t *n, bool at_begin, bool at_end)
{
	size_t left = 0;
	bool match = false;

	P.todo[left++] = start;
	while (left) {
		uint16_t s = P.todo[--left];
		const struct node *d = &P.node[s];
		uint16_t to[2] = { d->x, d->y };
		size_t ways = d->kind == N_SPLIT ? 2 : d->kind == N_NOP || (d->kind == N_BEGIN && at_begin) || (d->kind == N_END && at_end);

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

static bool run(uint16_t start, struct span text)
{
	size_t n[2] = { 0, 0 };
	bool match;

	memset(P.mark, 0, sizeof P.mark);
	P.round = 1;
	match = reach(start, P.list[0], &n[0], true, text.n == 0);
	for (size_t i = 0; i < text.n && !match; i++) {
		unsigned from = i % 2, to = 1 - from;

		n[to] = 0;
		P.round++;
		for (size_t j = 0; j < n[from]; j++) {
			const struct node *d = &P.node[P.list[from][j]];

			if (set_has(&P.set[d->set], text.p[i]) && reach(d->x, P.list[to], &n[to], false, i + 1 == text.n))
				match = true;
		}
		/* A search: it may also begin here. */
		if (reach(start, P.list[to], &n[to], false, i + 1 == text.n))
			match = true;
	}
	return match;
}

enum err pattern_match(struct span pattern, struct span text, bool *match)
{
	static uint8_t whole[65536];
	uint16_t start;

	if (pattern.n > sizeof whole - 2)
		return ERR_TOO_BIG;
	whole[0] = '^';
	if (pattern.n)
		memcpy(whole + 1, pattern.p, pattern.n);
	whole[pattern.n + 1] = '$';
	to_postfix(span_of(whole, pattern.n + 2));
	start = P.failed == ERR_OK ? build() : 0;
	if (P.failed != ERR_OK)
		return P.failed;
	*match = run(start, text);
	return ERR_OK;
}

bool pattern_has_loose_or(struct span p)
{
	size_t depth = 0;
	bool in_class = false;

	for (size_t i = 0; i < p.n; i++) {
		uint8_t c = p.p[i];

		if (c == '\\')
			i++;
		else if (in_class)
			in_class = c != ']';
		else if (c == '[')
			in_class = true;
		else if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (c == '|' && !depth)
			return true;
	}
	return false;
}
