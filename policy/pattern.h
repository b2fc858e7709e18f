/* Regular expressions in the guest's dialect (RE2), enough of it to judge policies. */
#ifndef POLICY_PATTERN_H
#define POLICY_PATTERN_H

#include "base/err.h"
#include "base/span.h"

/* Whether "^PATTERN$" is found in text, as the guest asks; note that alternatives at the top level are then anchored at
 * one end each. Supported: literals, '.', classes with ranges and \d \w \s, groups, '|', * + ? {m,n}, lazy forms, ^ $,
 * (?i) and (?s). ERR_RANGE for anything else, ERR_SYNTAX when malformed, ERR_TOO_BIG when it expands too far. Bytes, not
 * characters: '.' takes one byte. Time is bounded by size of pattern times text. Untrusted input; not reentrant. */
MUST_USE enum err pattern_match(struct span pattern, struct span text, bool *match);
/* An alternative at the top level: "^a|b$" is not what was meant. */
bool pattern_has_loose_or(struct span pattern);

#endif
