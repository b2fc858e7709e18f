/* What the enforcer in the guest is known to do: framework 0.5.0 with API 0.12.0. Later rules of it
 * take effect only for policies that name their version or a later one. */
#ifndef POLICY_GUEST_H
#define POLICY_GUEST_H

#include "policy/rego_read.h"

#define GUEST_VERSION(major, minor, patch) \
	((uint32_t)(major) << 20 | (uint32_t)(minor) << 10 | (uint32_t)(patch))

/* The newest versions known here, and since which version of the framework something is not
 * ignored. */
enum {
	GUEST_API = GUEST_VERSION(0, 12, 0),
	GUEST_FRAMEWORK = GUEST_VERSION(0, 5, 0),
	GUEST_NO_NEW_PRIVILEGES = GUEST_VERSION(0, 2, 0),
	GUEST_USER = GUEST_VERSION(0, 2, 1),
	GUEST_CAPABILITIES = GUEST_VERSION(0, 2, 2),
	GUEST_SECCOMP = GUEST_VERSION(0, 2, 3),
	GUEST_SIGNALS =
		GUEST_VERSION(0, 4, 1), /* before: 9 and 15 are added to a container's signals */
	GUEST_PLATFORM_RULES = GUEST_VERSION(0, 5, 0),
	GUEST_HOST_NETWORK = GUEST_VERSION(0, 5, 0),
};

/* What a request gets that the policy, older than the request, does not define. */
enum guest_default { GUEST_DENIES, GUEST_ALLOWS, GUEST_ASKS_FRAMEWORK };

struct guest_point {
	const char *name;
	uint32_t since; /* API version */
	enum guest_default absent;
};

#define GUEST_POINTS 23
extern const struct guest_point guest_points[GUEST_POINTS];

/* How a request is answered. */
enum guest_answer {
	ANSWER_FRAMEWORK,
	ANSWER_ALLOW,
	ANSWER_DENY,
	ANSWER_DEFAULT_ALLOW,
	ANSWER_MISSING,
	ANSWER_OTHER
};

/* Versions as the policy states them; 0 when there is none, two that differ, or not three numbers.
 */
uint32_t guest_api(const struct rego_policy *p);
uint32_t guest_framework(const struct rego_policy *p);
/* Who answers requests of this point. ANSWER_MISSING: nobody, they are denied. ANSWER_OTHER: a rule
 * of the policy itself. */
enum guest_answer guest_answer(const struct rego_policy *p, const struct guest_point *point);
/* The lists that count: absent where the framework ignores them, as it does with all when the
 * policy's framework version is missing or newer than the guest's. */
struct json_val guest_list(const struct rego_policy *p, const char *name);
/* The first member whose lack keeps a container from ever matching; NULL when all are there. */
const char *guest_container_lacks(struct json_val container, uint32_t framework);
/* Not false and there: Rego's idea of true. */
bool guest_truth(struct json_val v);
/* A flag of the policy; false where the framework ignores it. */
bool guest_flag(const struct rego_policy *p, const char *name);

#endif
