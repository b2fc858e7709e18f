/* Regular expressions in the guest's dialect (RE2), enough of it to judge policies. */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "base/err.h"
#include "base/span.h"

/* Whether the pattern, anchored as the framework does it, is found in text: "^" goes before it
 * unless its first character is
 * '^', "$" behind it unless its last one is '$', whatever these mean there. Alternatives at the top
 * level are then anchored at one end each. ERR_SYNTAX for what Go's package regexp refuses (in the
 * guest it matches nothing); ERR_RANGE for what this program does not know: Unicode classes,
 * folding beyond ASCII, two group names; ERR_TOO_BIG when it expands too far. Time is bounded by
 * size of pattern times text. Untrusted; not reentrant. */
MUST_USE enum err pattern_match(struct span pattern, struct span text, bool *match);
/* It takes nearly any character in some place: '.', [^x], [!-~], \S. False for a pattern that
 * pattern_match refuses. */
bool pattern_is_wide(struct span pattern);

#endif
