/* What the enforcer in the guest is known to do. */
#include "policy/guest.h"

/* Windows only: mount_cims. The last three and their defaults were not measured one by one: the
 * guest denies them. */
const struct guest_point guest_points[GUEST_POINTS] = {
	{ "mount_device", GUEST_VERSION(0, 1, 0), GUEST_DENIES },
	{ "rw_mount_device", GUEST_VERSION(0, 11, 0), GUEST_ASKS_FRAMEWORK },
	{ "unmount_device", GUEST_VERSION(0, 2, 0), GUEST_ALLOWS },
	{ "rw_unmount_device", GUEST_VERSION(0, 11, 0), GUEST_ASKS_FRAMEWORK },
	{ "mount_overlay", GUEST_VERSION(0, 1, 0), GUEST_DENIES },
	{ "unmount_overlay", GUEST_VERSION(0, 6, 0), GUEST_ALLOWS },
	{ "mount_cims", GUEST_VERSION(0, 11, 0), GUEST_DENIES },
	{ "create_container", GUEST_VERSION(0, 1, 0), GUEST_DENIES },
	{ "exec_in_container", GUEST_VERSION(0, 2, 0), GUEST_ALLOWS },
	{ "exec_external", GUEST_VERSION(0, 3, 0), GUEST_ALLOWS },
	{ "shutdown_container", GUEST_VERSION(0, 4, 0), GUEST_ALLOWS },
	{ "signal_container_process", GUEST_VERSION(0, 5, 0), GUEST_ALLOWS },
	{ "plan9_mount", GUEST_VERSION(0, 6, 0), GUEST_ALLOWS },
	{ "plan9_unmount", GUEST_VERSION(0, 6, 0), GUEST_ALLOWS },
	{ "get_properties", GUEST_VERSION(0, 7, 0), GUEST_ALLOWS },
	{ "dump_stacks", GUEST_VERSION(0, 7, 0), GUEST_ALLOWS },
	{ "runtime_logging", GUEST_VERSION(0, 8, 0), GUEST_ALLOWS },
	{ "load_fragment", GUEST_VERSION(0, 9, 0), GUEST_DENIES },
	{ "scratch_mount", GUEST_VERSION(0, 10, 0), GUEST_ALLOWS },
	{ "scratch_unmount", GUEST_VERSION(0, 10, 0), GUEST_ALLOWS },
	{ "mount_blockdev", GUEST_VERSION(0, 12, 0), GUEST_DENIES },
	{ "unmount_blockdev", GUEST_VERSION(0, 12, 0), GUEST_DENIES },
	{ "host_network", GUEST_VERSION(0, 12, 0), GUEST_DENIES },
};

/* "1.2.3", each below 1024. */
static uint32_t version_of(struct json_val v)
{
	struct span rest = rego_text(v);
	uint32_t version = 0;

	for (int i = 0; i < 3; i++) {
		bool last = span_find(rest, '.') == rest.n;
		struct span part = span_cut(&rest, '.');
		uint64_t number;

		if (!span_u64(part, &number) || number > 1023 || last != (i == 2) ||
			(part.n > 1 && part.p[0] == '0'))
			return 0;
		version = version << 10 | (uint32_t)number;
	}
	return version;
}

/* The older name of a version counts as well. Two that differ are an error in the guest. */
static uint32_t version_named(const struct rego_policy *p, const char *name, const char *old)
{
	struct json_val a = rego_read_value(p, name), b = rego_read_value(p, old);

	if (!json_present(a) || !json_present(b))
		return version_of(json_present(a) ? a : b);
	return span_eq(rego_text(a), rego_text(b)) ? version_of(a) : 0;
}

uint32_t guest_api(const struct rego_policy *p)
{
	return version_named(p, "api_version", "api_svn");
}

uint32_t guest_framework(const struct rego_policy *p)
{
	return version_named(p, "framework_version", "framework_svn");
}

static bool by_framework(const struct rego_statement *s)
{
	return s->kind == REGO_WORD && span_starts(s->word, "data.framework.") &&
	       span_eq(span_sub(s->word, 15, s->word.n), s->name);
}

enum guest_answer guest_answer(const struct rego_policy *p, const struct guest_point *point)
{
	const struct rego_statement *s = rego_read_statement(p, point->name);
	uint32_t api = guest_api(p);

	/* Without a version every request is refused, whatever the policy says of it. */
	if (!api)
		return ANSWER_MISSING;
	if (s && by_framework(s))
		return ANSWER_FRAMEWORK;
	if (s && s->kind == REGO_VALUE &&
		json_type_of(json_get(json_root(&s->doc), "allowed")) == JSON_TRUE)
		return ANSWER_ALLOW;
	if (s && s->kind == REGO_VALUE &&
		json_type_of(json_get(json_root(&s->doc), "allowed")) == JSON_FALSE)
		return ANSWER_DENY;
	if (s)
		return ANSWER_OTHER;
	if (api >= point->since)
		return ANSWER_MISSING;
	switch (point->absent) {
	case GUEST_DENIES: return ANSWER_MISSING;
	case GUEST_ALLOWS: return ANSWER_DEFAULT_ALLOW;
	case GUEST_ASKS_FRAMEWORK: return ANSWER_FRAMEWORK;
	}
	return ANSWER_MISSING;
}

struct json_val guest_list(const struct rego_policy *p, const char *name)
{
	uint32_t framework = guest_framework(p);
	bool ignored =
		!framework || framework > GUEST_FRAMEWORK ||
		(span_eq_str(span_str(name), "platform_rules") && framework < GUEST_PLATFORM_RULES);

	return ignored ? rego_read_value(p, "") : rego_read_value(p, name);
}

const char *guest_container_lacks(struct json_val container, uint32_t framework)
{
	static const struct {
		const char *name;
		uint32_t since;
		bool until_now; /* from 0.5.0 on its lack matters where it is used, if anywhere */
	} members[] = {
		{ "command", 0, false },
		{ "env_rules", 0, false },
		{ "layers", 0, false },
		{ "mounts", 0, false },
		{ "allow_elevated", 0, false },
		{ "working_dir", 0, false },
		{ "exec_processes", 0, true },
		{ "signals", 0, true },
		{ "allow_stdio_access", 0, true },
		{ "no_new_privileges", GUEST_NO_NEW_PRIVILEGES, false },
		{ "user", GUEST_USER, false },
		{ "capabilities", GUEST_CAPABILITIES, true },
		{ "seccomp_profile_sha256", GUEST_SECCOMP, false },
	};

	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		if (framework >= members[i].since &&
			!(members[i].until_now && framework >= GUEST_FRAMEWORK) &&
			!json_present(json_get(container, members[i].name)))
			return members[i].name;
	return NULL;
}

bool guest_truth(struct json_val v)
{
	return json_present(v) && json_type_of(v) != JSON_FALSE;
}

bool guest_flag(const struct rego_policy *p, const char *name)
{
	static const struct {
		const char *name;
		uint32_t since;
	} later[] = { { "allow_capability_dropping", GUEST_CAPABILITIES },
		{ "allow_host_network", GUEST_HOST_NETWORK } };

	for (size_t i = 0; i < sizeof later / sizeof later[0]; i++)
		if (span_eq_str(span_str(name), later[i].name) &&
			guest_framework(p) < later[i].since)
			return false;
	return guest_truth(rego_read_value(p, name));
}
