/* Why something was refused: one sentence, and what it is about. */
#ifndef POLICY_WHY_H
#define POLICY_WHY_H

#include "base/err.h"
#include "base/span.h"

/* NUL-terminated, printable ASCII only; about is "" when the sentence says it all. */
struct why {
	char text[192];
	char about[256];
};

/* Sets both and returns err, so that `return why_set(...)` reads well. text is a literal; about may be untrusted
 * (unprintable bytes become '?', cut to fit). */
MUST_USE enum err why_set(struct why *w, enum err err, const char *text, struct span about);
/* The same when nothing more is to be said. */
MUST_USE enum err why_say(struct why *w, enum err err, const char *text);

#endif
