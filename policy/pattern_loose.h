/* What makes a pattern of a policy match more than it seems to. Only the pattern's text is looked
 * at. */
#ifndef POLICY_PATTERN_LOOSE_H
#define POLICY_PATTERN_LOOSE_H

#include "base/span.h"

/* An alternative at the top level: "^a|b$" is not what was meant. */
bool pattern_has_loose_or(struct span pattern);
/* The anchors do not hold both ends: "\$" at the end, an open \Q, (?m), "^*". */
bool pattern_is_open(struct span pattern);

#endif
