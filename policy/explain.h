/* What a policy allows, in words. */
#ifndef POLICY_EXPLAIN_H
#define POLICY_EXPLAIN_H

#include "base/out.h"
#include "policy/rego_read.h"

/* One fact a line, each complete in itself, so that the lines of two policies can be compared. */
void explain_facts(const struct rego_policy *p, struct out *o);
/* One line for each thing that is looser than it need be; *n counts them. Nothing said is no proof: what could not be
 * read is itself a line. */
void explain_warnings(const struct rego_policy *p, struct out *o, size_t *n);

#endif
