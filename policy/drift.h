/* What changes outside a policy will do to its containers: variables that the platform injects, or that a running container has,
 * against the policy's rules for them. */
#ifndef POLICY_DRIFT_H
#define POLICY_DRIFT_H

#include "base/out.h"
#include "policy/rego_read.h"

/* env: a container's variables, "NAME=value" each, ended by a newline or a zero byte (/proc/PID/environ); empty when there are none.
 * platform: text of the platform file, and the name of one of its lists, whose "injects" are variables as the platform sends
 * them; those that env has too are not looked at. Both may be empty. One line for each container and variable goes to o; values never
 * do. *fails counts what denies a container, or what cannot be judged. Required rules count only with env.
 * ERR_SYNTAX, ERR_RANGE, ERR_TOO_BIG with the reason. Not reentrant. Untrusted input. */
MUST_USE enum err drift_judge(const struct rego_policy *p, struct span env, struct span platform, const char *list, struct out *o,
                              size_t *fails, struct why *why);

#endif
