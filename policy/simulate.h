/* What the guest would answer: the enforcement points of framework 0.5.0, for policies that leave
 * the decision to it. */
#ifndef POLICY_SIMULATE_H
#define POLICY_SIMULATE_H

#include "base/out.h"
#include "policy/rego_read.h"

/* Judges a request, or an array of them in order (later ones see what earlier ones did). text is
 * their JSON. Each is an object with "point" (the enforcement point's name) and the inputs that the
 * guest gets for it; what is left out is empty. A create_container that no mount_overlay preceded
 * may carry "layers" (roots, base first), which stands for having mounted exactly these. One line
 * of verdict each goes to o: "allow", "deny" with the rule that denies, or "?" with the reason why
 * this program cannot judge it. *refused counts the last two. ERR_SYNTAX or ERR_RANGE with the
 * reason for what is no request, and policies that do not use the framework. Not reentrant.
 * Untrusted input. */
MUST_USE enum err simulate_run(const struct rego_policy *p, struct span text, struct out *o,
	size_t *refused, struct why *why);

#endif
