/* Regular expressions of policies ("pattern LF text"): the same verdict as the C library's, where both speak the same language. */
#include "fuzz.h"

#include <regex.h>

#include "policy/pattern.h"
#include "policy/pattern_loose.h"

/* Extended regular expressions of POSIX and RE2 agree on: letters, digits, '.', groups, '|', and one of * + ? behind something. */
static bool is_common(const char *p)
{
	char before = '(';
	int depth = 0;

	if (!*p)
		return false;
	for (; *p; p++) {
		if (strchr("*+?", *p) && strchr("(|*+?", before))
			return false;
		if ((*p == '|' || *p == ')') && strchr("(|", before))
			return false;
		if (!strchr("*+?.()|", *p) && !(*p >= 'a' && *p <= 'z') && !(*p >= '0' && *p <= '9') && *p != '/' && *p != '-')
			return false;
		depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
		if (depth < 0)
			return false;
		before = *p;
	}
	return depth == 0 && before != '|';
}

static void compare(const char *pattern, const char *text, bool match)
{
	char anchored[256];
	regex_t r;

	/* The guest's own form: "^" pattern "$". */
	snprintf(anchored, sizeof anchored, "^%s$", pattern);
	if (regcomp(&r, anchored, REG_EXTENDED | REG_NOSUB) != 0)
		return;
	HOLD((regexec(&r, text, 0, NULL, 0) == 0) == match);
	regfree(&r);
}

void fuzz_one(struct span in)
{
	size_t lf = span_find(in, '\n');
	struct span pattern = span_sub(in, 0, lf), text = span_sub(in, lf + 1, in.n);
	uint8_t *p = fuzz_exact(pattern), *t = fuzz_exact(text);
	bool match = false;
	enum err e;

	if (in.n < 2000) {
		e = pattern_match(span_of(p, pattern.n), span_of(t, text.n), &match);
		HOLD(e == ERR_OK || e == ERR_RANGE || e == ERR_SYNTAX || e == ERR_TOO_BIG);
		(void)pattern_has_loose_or(span_of(p, pattern.n));
		(void)pattern_is_open(span_of(p, pattern.n));
		(void)pattern_is_wide(span_of(p, pattern.n));
		char *ps = fuzz_text(pattern), *ts = fuzz_text(text);

		if (e == ERR_OK && ps && ts && pattern.n < 40 && text.n < 60 && is_common(ps) && !strchr(ts, '\n'))
			compare(ps, ts, match);
		if (ps && is_common(ps) && pattern.n < 40)
			HOLD(e == ERR_OK || e == ERR_TOO_BIG);
		free(ps);
		free(ts);
	}
	free(p);
	free(t);
}
