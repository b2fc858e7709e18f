/* What the guest would answer: the enforcement points of framework 0.2.3, for policies that leave the decision to it. */
#ifndef POLICY_SIMULATE_H
#define POLICY_SIMULATE_H

#include "policy/rego_read.h"

/* Judges a request, or an array of them in order (later ones see what earlier ones did). Each is an object with "point"
 * (the enforcement point's name) and the inputs that the guest gets for it; a create_container that no mount_overlay
 * preceded may carry "layers" (roots, base first), which stands for having mounted exactly these. One line of
 * verdict each goes to o, with the rule that denies; *denied counts them. ERR_SYNTAX or ERR_RANGE with the reason for
 * requests that cannot be judged, and policies that do not use the framework. Not reentrant. Untrusted input. */
MUST_USE enum err simulate_run(const struct rego_policy *p, struct json_val requests, struct out *o, size_t *denied,
                               struct why *why);

#endif
