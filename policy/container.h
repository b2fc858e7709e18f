/* One container of a policy against one request of the host, as the guest's framework compares
 * them. Strings of both are unescaped (rego_unescape). What a request leaves out counts as empty,
 * as the guest itself would fill it in. */
#ifndef POLICY_CONTAINER_H
#define POLICY_CONTAINER_H

#include "policy/guest.h"

#define CONTAINER_CAPS 5 /* sets of capabilities */
#define CONTAINER_CAPS_MAX 64 /* of one set in one request */

/* What holds for all comparisons of a run. pattern: the first that this program cannot judge. */
struct container_view {
	uint32_t framework;
	struct json_val platform_rules;
	bool no_judgement;
	struct span pattern;
};

typedef bool container_check(struct container_view *v, struct json_val c, struct json_val r);

container_check container_complete, container_user, container_no_new_privileges,
	container_privileged, container_working_dir, container_command, container_mounts,
	container_seccomp, container_no_devices, container_exec;

/* The guest's anchored match. A pattern that Go refuses matches nothing. */
bool container_matches(struct container_view *v, struct span pattern, struct span text);
/* Whether one rule takes the variable ("NAME=value"): a pattern for all of it, or one for the name
 * and one for the value. */
bool container_rule_takes(struct container_view *v, struct json_val rule, struct json_val variable);
/* The i-th list of rules that hold for c under this name ("env_rules", "mounts"): its own, then
 * those of the platform. False past the last. */
bool container_rules(const struct container_view *v, struct json_val c, size_t i,
	const char *member, struct json_val *list);

/* Which capabilities of the request c allows, a bit for each place in the request's five lists. */
struct container_caps {
	uint64_t kept[CONTAINER_CAPS];
	size_t n;
};

/* False when the policy's sets are not all there, or the request's are too long. */
MUST_USE bool container_caps_kept(const struct container_view *v, struct json_val c,
	struct json_val r, bool privileged, struct container_caps *caps);
/* Whether c's capabilities are exactly those of the request (kept NULL), or those kept of it. */
bool container_caps_equal(const struct container_view *v, struct json_val c, struct json_val r,
	bool privileged, const struct container_caps *kept);

#endif
