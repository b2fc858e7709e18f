/* What makes a pattern match more than it seems to. */
#include "policy/pattern_loose.h"

/* Walks a pattern token by token, as far as escapes, classes, quotes and groups go. */
struct walk {
	struct span p;
	size_t at, depth;
	bool in_class, quoted;
};

/* What stands at w->at, one or two bytes; in a class and in quotes nothing means anything but the
 * end. */
static struct span walk_next(struct walk *w)
{
	struct span rest = span_sub(w->p, w->at, w->p.n), token = span_sub(rest, 0, 1);

	if (rest.n > 1 && rest.p[0] == '\\' && (!w->quoted || rest.p[1] == 'E'))
		token = span_sub(rest, 0, 2);
	w->at += token.n;
	if (w->quoted) {
		w->quoted = token.n < 2;
		return span_of(NULL, 0);
	}
	if (w->in_class) {
		w->in_class = !span_eq_str(token, "]");
		return span_of(NULL, 0);
	}
	w->quoted = span_eq_str(token, "\\Q");
	if (span_eq_str(token, "[")) {
		w->in_class = true;
		if (span_starts(span_sub(w->p, w->at, 1), "^"))
			token = span_sub(rest, 0, 2);
		w->at += token.n - 1;
		w->at += span_starts(span_sub(w->p, w->at, 1), "]");
	}
	if (span_eq_str(token, "("))
		w->depth++;
	if (span_eq_str(token, ")") && w->depth)
		w->depth--;
	return token;
}

bool pattern_has_loose_or(struct span p)
{
	struct walk w = { .p = p };

	while (w.at < p.n)
		if (span_eq_str(walk_next(&w), "|") && !w.depth)
			return true;
	return false;
}

bool pattern_is_open(struct span p)
{
	struct walk w = { .p = p };
	struct span token = span_of(NULL, 0), first = span_sub(p, span_starts(p, "^"), 1);

	while (w.at < p.n) {
		token = walk_next(&w);
		/* (?m): lines, of which one need match. */
		if (span_eq_str(token, "(") && span_starts(span_sub(p, w.at, p.n), "?")) {
			struct span flags = span_sub(p, w.at, p.n);

			for (size_t i = 1;
				i < flags.n && (is_alnum(flags.p[i]) || flags.p[i] == '-'); i++)
				if (flags.p[i] == 'm')
					return true;
		}
	}
	/* The beginning: "^*" holds anywhere. The end: "\$" and "\" + the added "$" are a dollar;
	 * quotes take it up, too. */
	if (first.n && span_find(SPAN_LIT("*?{"), first.p[0]) < 3)
		return true;
	return w.quoted || span_eq_str(token, "\\$") || span_eq_str(token, "\\");
}
