/* Values for ${NAME} in a party's settings: given on the command line, from a file, or computed before (HOST_DATA:x). */
#ifndef POLICY_VARS_H
#define POLICY_VARS_H

#include "base/out.h"
#include "policy/policy_limits.h"
#include "policy/why.h"

/* Owns copies of all texts. About 170 KiB: keep it static. */
struct vars {
	size_t n, used;
	struct {
		struct span name, value;
	} list[POLICY_SETS_MAX];
	uint8_t text[POLICY_SETS_MAX * (PARTY_TEXT_MAX + 128)];
};

/* Sets or replaces. Names: letters, digits, '_', ':' and '-'. ERR_RANGE, ERR_TOO_BIG with the reason. */
MUST_USE enum err vars_set(struct vars *v, struct span name, struct span value, struct why *why);
/* Appends text with every ${NAME} replaced. ERR_NOT_FOUND with why->about = NAME when one is not set, ERR_SYNTAX for
 * a '$' without a name in braces, ERR_TOO_BIG. A value is not looked into again. */
MUST_USE enum err vars_expand(const struct vars *v, struct span text, struct out *o, struct why *why);

#endif
