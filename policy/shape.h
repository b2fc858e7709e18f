/* What a policy may hold: which statements, members and types this program knows. */
#ifndef POLICY_SHAPE_H
#define POLICY_SHAPE_H

#include "policy/rego_read.h"

/* Gets one thing that is not known: a sentence's beginning, and the name it is about. */
typedef void shape_report(void *ctx, const char *what, struct span name);

/* Reports every statement, member, type and strategy that is not known. Nothing reported: all of
 * the policy is described by explain_facts. */
void shape_check(const struct rego_policy *p, shape_report *report, void *ctx);
/* Whether both policies hold the same values. Order counts only where the guest looks at it
 * (command, layers). False for what is not known, even when it looks the same. */
bool shape_same(const struct rego_policy *a, const struct rego_policy *b);

#endif
