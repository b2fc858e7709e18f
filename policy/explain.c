/* What a policy allows, in words. */
#include "policy/explain.h"

#include "policy/guest.h"
#include "policy/pattern.h"
#include "policy/pattern_loose.h"
#include "policy/rego.h"
#include "policy/shape.h"

/* --- Writing --- */

/* Texts of a policy are not ours: what a terminal would obey is not passed on. */
static void put_text(struct out *o, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x20 && s.p[i] < 0x7f) {
			out_byte(o, s.p[i]);
		} else {
			out_str(o, "\\x");
			out_hex(o, s.p + i, 1);
		}
	}
}

/* Strings are unescaped: their text; of other values the JSON. */
static void put_raw(struct out *o, struct json_val v)
{
	put_text(o, json_raw(v));
}

static bool is_true(struct json_val v)
{
	return guest_truth(v);
}

static struct span explain_container_name(struct json_val c)
{
	struct json_val name = json_get(c, "name");

	return rego_text(name).n ? rego_text(name) : json_raw(json_get(c, "id"));
}

static bool explain_is_pause(struct json_val c)
{
	struct json_val layers = json_get(c, "layers"), command = json_get(c, "command");

	return json_size(layers) == 1 && rego_is(json_at(layers, 0), rego_pause_layer) &&
	       json_size(command) == 1 && rego_is(json_at(command, 0), "/pause") && !json_size(json_get(c, "exec_processes")) &&
	       !json_size(json_get(c, "mounts")) && !is_true(json_get(c, "allow_elevated")) && !is_true(json_get(c, "allow_stdio_access"));
}

/* What rules are about: a container, or the list of platform_rules. */
static void put_head(struct out *o, struct json_val c)
{
	struct span name = explain_container_name(c);

	if (json_type_of(c) == JSON_ARRAY) {
		out_str(o, "every container, by platform_rules: ");
		return;
	}
	out_str(o, "container ");
	put_text(o, name.n ? name : SPAN_LIT("(no name)"));
	out_str(o, ": ");
}

/* "a", "b" or "nothing"; quotes and backslashes escaped, so that two lists never look alike. */
static void put_list(struct out *o, struct json_val list)
{
	if (!json_size(list))
		out_str(o, "nothing");
	for (struct json_val i = json_at(list, 0); json_present(i); i = json_next(list, i)) {
		struct span s = json_raw(i);

		out_byte(o, '"');
		for (size_t k = 0; k < s.n; k++) {
			if (s.p[k] == '"' || s.p[k] == '\\')
				out_byte(o, '\\');
			put_text(o, span_sub(s, k, 1));
		}
		out_str(o, json_present(json_next(list, i)) ? "\" " : "\"");
	}
}

static void put_line_end(struct out *o)
{
	out_byte(o, '\n');
}

/* --- Facts of a container --- */

static void fact_list(struct out *o, struct json_val c, const char *what, struct json_val list)
{
	put_head(o, c);
	out_str(o, what);
	put_list(o, list);
	put_line_end(o);
}

static void fact_flag(struct out *o, struct json_val c, const char *member, const char *yes, const char *no)
{
	put_head(o, c);
	out_str(o, is_true(json_get(c, member)) ? yes : no);
	put_line_end(o);
}

/* One half of a rule that has its own pattern for name and value. */
static void put_half(struct out *o, const char *what, struct json_val pattern, struct json_val strategy)
{
	out_str(o, what);
	out_str(o, rego_is(strategy, "re2") ? " of the form \"" : " \"");
	put_raw(o, pattern);
	out_byte(o, '"');
}

static void facts_env(struct out *o, struct json_val c, struct json_val rules)
{
	for (struct json_val r = json_at(rules, 0); json_present(r); r = json_next(rules, r)) {
		bool re2 = rego_is(json_get(r, "strategy"), "re2"), required = is_true(json_get(r, "required"));

		put_head(o, c);
		if (json_present(json_get(r, "name"))) {
			put_half(o, "variable", json_get(r, "name"), json_get(r, "name_strategy"));
			put_half(o, " with a value", json_get(r, "value"), json_get(r, "value_strategy"));
			out_str(o, json_present(json_get(r, "pattern")) ? ", or " : required ? " (must be there)\n" : " (may be there)\n");
			if (!json_present(json_get(r, "pattern")))
				continue;
		}
		out_str(o, re2 ? "variable of the form " : "variable ");
		put_raw(o, json_get(r, "pattern"));
		out_str(o, required ? (re2 ? " (must be there)" : " (exactly this, must be there)") : " (may be there)");
		put_line_end(o);
	}
}

static void facts_mounts(struct out *o, struct json_val c, struct json_val mounts)
{
	for (struct json_val m = json_at(mounts, 0); json_present(m); m = json_next(mounts, m)) {
		put_head(o, c);
		out_str(o, "mount ");
		put_raw(o, json_get(m, "destination"));
		out_str(o, " from ");
		put_raw(o, json_get(m, "source"));
		out_str(o, " (");
		put_raw(o, json_get(m, "type"));
		out_str(o, ": ");
		put_list(o, json_get(m, "options"));
		out_str(o, ")\n");
	}
}

static void facts_exec(struct out *o, struct json_val c)
{
	struct json_val list = json_get(c, "exec_processes");

	if (!json_size(list)) {
		put_head(o, c);
		out_str(o, "no other program may be started in it\n");
	}
	for (struct json_val x = json_at(list, 0); json_present(x); x = json_next(list, x)) {
		fact_list(o, c, "may be entered with ", json_get(x, "command"));
		if (json_size(json_get(x, "signals")))
			fact_list(o, c, "a program started in it may be sent signals, numbers ", json_get(x, "signals"));
	}
}

static void put_id(struct out *o, struct json_val id)
{
	struct json_val strategy = json_get(id, "strategy");

	if (rego_is(strategy, "any")) {
		out_str(o, "any");
		return;
	}
	put_raw(o, strategy);
	out_byte(o, ' ');
	put_raw(o, json_get(id, "pattern"));
}

static void fact_user(struct out *o, struct json_val c, uint32_t framework)
{
	struct json_val user = json_get(c, "user"), groups = json_get(user, "group_idnames");

	put_head(o, c);
	if (framework < GUEST_USER) {
		out_str(o, "any user and groups, umask 0022: this framework_version ignores what the policy says\n");
		return;
	}
	if (json_type_of(user) != JSON_OBJECT) {
		out_str(o, "user not fixed\n");
		return;
	}
	out_str(o, "user ");
	put_id(o, json_get(user, "user_idname"));
	for (struct json_val g = json_at(groups, 0); json_present(g); g = json_next(groups, g)) {
		out_str(o, ", group ");
		put_id(o, g);
	}
	out_str(o, ", umask ");
	put_raw(o, json_get(user, "umask"));
	put_line_end(o);
}

static void facts_capabilities(struct out *o, struct json_val c, uint32_t framework)
{
	static const char *const sets[] = { "ambient", "bounding", "effective", "inheritable", "permitted" };
	struct json_val caps = json_get(c, "capabilities");

	if (framework < GUEST_CAPABILITIES || json_type_of(caps) != JSON_OBJECT) {
		put_head(o, c);
		out_str(o, framework < GUEST_CAPABILITIES ? "the usual capabilities: this framework_version ignores what the policy says\n" :
			"capabilities not fixed\n");
		return;
	}
	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		put_head(o, c);
		out_str(o, sets[i]);
		out_str(o, " capabilities: ");
		put_list(o, json_get(caps, sets[i]));
		put_line_end(o);
	}
}

static void fact_text(struct out *o, struct json_val c, const char *what, const char *member)
{
	put_head(o, c);
	out_str(o, what);
	put_raw(o, json_get(c, member));
	put_line_end(o);
}

static void facts_container(struct out *o, struct json_val c, uint32_t framework)
{
	const char *lacks = guest_container_lacks(c, framework);

	if (lacks) {
		put_head(o, c);
		out_str(o, "never runs, because this member is not there: ");
		out_str(o, lacks);
		put_line_end(o);
	}
	fact_list(o, c, "runs ", json_get(c, "command"));
	fact_list(o, c, "consists of the layers ", json_get(c, "layers"));
	fact_text(o, c, "starts in ", "working_dir");
	fact_user(o, c, framework);
	facts_capabilities(o, c, framework);
	facts_env(o, c, json_get(c, "env_rules"));
	facts_mounts(o, c, json_get(c, "mounts"));
	facts_exec(o, c);
	fact_list(o, c, framework < GUEST_SIGNALS ? "signals besides those that end it, numbers: " : "signals, numbers: ", json_get(c, "signals"));
	fact_flag(o, c, "allow_stdio_access", "its input and output are open to the host", "no input, no output");
	fact_flag(o, c, "allow_elevated", "may run privileged", "not privileged");
	if (framework >= GUEST_NO_NEW_PRIVILEGES)
		fact_flag(o, c, "no_new_privileges", "must run without new privileges", "new privileges not ruled out");
	if (framework >= GUEST_SECCOMP && json_raw(json_get(c, "seccomp_profile_sha256")).n)
		fact_text(o, c, "system call filter with SHA-256 ", "seccomp_profile_sha256");
}

/* --- Facts of the whole --- */

static void facts_fragments(struct out *o, const struct rego_policy *p)
{
	struct json_val list = rego_read_value(p, "fragments");

	if (!json_size(list))
		out_str(o, "no fragments: nothing but the containers listed here may run\n");
	for (struct json_val f = json_at(list, 0); json_present(f); f = json_next(list, f)) {
		out_str(o, "fragment ");
		put_raw(o, json_get(f, "feed"));
		out_str(o, " of ");
		put_raw(o, json_get(f, "issuer"));
		out_str(o, ", version at least ");
		put_raw(o, json_get(f, "minimum_svn"));
		out_str(o, ", may add ");
		put_list(o, json_get(f, "includes"));
		put_line_end(o);
	}
}

static void facts_flags(struct out *o, const struct rego_policy *p)
{
	static const struct {
		const char *name, *yes, *no;
	} flags[] = {
		{ "allow_properties_access", "the host may list containers and processes", "the host may not list containers and processes" },
		{ "allow_dump_stacks", "the host may read the guest agent's stacks", "the host may not read stacks" },
		{ "allow_runtime_logging", "the host receives the guest's logs", "the host receives no guest logs" },
		{ "allow_environment_variable_dropping", "variables without a rule are dropped", "a variable without a rule denies the container" },
		{ "allow_unencrypted_scratch", "writable disks may be unencrypted", "writable disks are encrypted" },
		{ "allow_capability_dropping", "capabilities beyond those listed are dropped", "other capabilities deny the container" },
		{ "allow_host_network", "the host's network may be used", "the host's network may not be used" },
	};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		out_str(o, guest_flag(p, flags[i].name) ? flags[i].yes : flags[i].no);
		put_line_end(o);
	}
}

/* The points that are answered in one way, on one line; none when there are none. */
static void fact_points(struct out *o, const struct rego_policy *p, enum guest_answer answer, const char *head)
{
	size_t n = 0;

	for (size_t i = 0; i < GUEST_POINTS; i++)
		if (guest_answer(p, &guest_points[i]) == answer) {
			out_str(o, n++ ? " " : head);
			out_str(o, guest_points[i].name);
		}
	if (n)
		put_line_end(o);
}

static void facts_points(struct out *o, const struct rego_policy *p)
{
	fact_points(o, p, ANSWER_FRAMEWORK, "decided by the framework: ");
	fact_points(o, p, ANSWER_ALLOW, "always allowed: ");
	fact_points(o, p, ANSWER_DENY, "always denied: ");
	fact_points(o, p, ANSWER_OTHER, "decided by another rule: ");
	fact_points(o, p, ANSWER_DEFAULT_ALLOW, "allowed, because the policy is older than this request and does not define it: ");
	fact_points(o, p, ANSWER_MISSING, "denied, because the policy does not define it: ");
}

static void fact_versions(struct out *o, const struct rego_policy *p)
{
	struct json_val framework = rego_read_value(p, "framework_version"), api = rego_read_value(p, "api_version");

	out_str(o, "written for api ");
	put_raw(o, json_present(api) ? api : rego_read_value(p, "api_svn"));
	out_str(o, ", framework ");
	put_raw(o, json_present(framework) ? framework : rego_read_value(p, "framework_svn"));
	put_line_end(o);
}

static void facts_platform(const struct rego_policy *p, struct out *o)
{
	struct json_val list = guest_list(p, "platform_rules");

	if (!json_present(list) && rego_read_statement(p, "platform_rules"))
		out_str(o, "platform_rules are ignored by this framework_version\n");
	for (struct json_val r = json_at(list, 0); json_present(r); r = json_next(list, r)) {
		facts_env(o, list, json_get(r, "env_rules"));
		facts_mounts(o, list, json_get(r, "mounts"));
	}
}

static void facts_external(const struct rego_policy *p, struct out *o)
{
	struct json_val list = rego_read_value(p, "external_processes");

	for (struct json_val x = json_at(list, 0); json_present(x); x = json_next(list, x)) {
		out_str(o, "outside containers may be started: ");
		put_list(o, json_get(x, "command"));
		out_str(o, is_true(json_get(x, "allow_stdio_access")) ? ", input and output open, in " : ", in ");
		put_raw(o, json_get(x, "working_dir"));
		put_line_end(o);
		for (struct json_val r = json_at(json_get(x, "env_rules"), 0); json_present(r); r = json_next(json_get(x, "env_rules"), r)) {
			out_str(o, "outside containers, with a rule for variables: ");
			put_raw(o, r);
			put_line_end(o);
		}
	}
}

void explain_facts(const struct rego_policy *p, struct out *o)
{
	struct json_val list = rego_read_value(p, "containers");

	fact_versions(o, p);
	for (struct json_val c = json_at(list, 0); json_present(c); c = json_next(list, c))
		facts_container(o, c, guest_framework(p));
	if (!json_size(list))
		out_str(o, "no containers are listed\n");
	facts_platform(p, o);
	facts_fragments(o, p);
	facts_external(p, o);
	facts_flags(o, p);
	facts_points(o, p);
}

/* --- Looseness --- */

struct warner {
	struct out *o;
	size_t n;
};

static void warn(struct warner *w, struct json_val c, const char *text, struct json_val about)
{
	w->n++;
	if (json_present(c))
		put_head(w->o, c);
	out_str(w->o, text);
	if (json_present(about)) {
		out_str(w->o, ": ");
		put_raw(w->o, about);
	}
	put_line_end(w->o);
}

static struct json_val nothing(void)
{
	static const struct json none = { .n = 0 };

	return (struct json_val){ &none, SIZE_MAX };
}

/* What a pattern lets through besides what it seems to. */
static void warn_pattern(struct warner *w, struct json_val c, struct json_val pattern)
{
	bool match;
	enum err e = pattern_match(rego_text(pattern), span_of(NULL, 0), &match);

	if (e != ERR_OK && e != ERR_SYNTAX)
		warn(w, c, "not understood, a pattern that this program cannot judge", pattern);
	if (pattern_is_wide(rego_text(pattern)))
		warn(w, c, "the host chooses a variable freely", pattern);
	if (pattern_has_loose_or(rego_text(pattern)))
		warn(w, c, "a pattern with '|' outside brackets matches more than it seems", pattern);
	if (pattern_is_open(rego_text(pattern)))
		warn(w, c, "a pattern without an anchor at one end: the guest does not add it, so more may stand there", pattern);
}

static void warn_env(struct warner *w, struct json_val c, struct json_val rules)
{
	for (struct json_val r = json_at(rules, 0); json_present(r); r = json_next(rules, r)) {
		if (rego_is(json_get(r, "strategy"), "re2"))
			warn_pattern(w, c, json_get(r, "pattern"));
		if (rego_is(json_get(r, "name_strategy"), "re2"))
			warn(w, c, "the host chooses the name of a variable within a pattern", json_get(r, "name"));
		if (rego_is(json_get(r, "name_strategy"), "re2"))
			warn_pattern(w, c, json_get(r, "name"));
		if (rego_is(json_get(r, "value_strategy"), "re2"))
			warn_pattern(w, c, json_get(r, "value"));
	}
}

static bool is_read_only(struct json_val options)
{
	for (struct json_val i = json_at(options, 0); json_present(i); i = json_next(options, i))
		if (rego_is(i, "ro"))
			return true;
	return false;
}

/* What the platform mounts everywhere says where names are looked up, and no more. */
static void warn_mounts(struct warner *w, struct json_val c, struct json_val mounts)
{
	static const char *const usual[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/dev/termination-log",
		"/var/run/secrets/kubernetes.io/serviceaccount" };

	for (struct json_val m = json_at(mounts, 0); json_present(m); m = json_next(mounts, m)) {
		struct json_val destination = json_get(m, "destination");
		bool known = false;

		for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
			known = known || rego_is(destination, usual[i]);
		if (!known)
			warn(w, c, is_read_only(json_get(m, "options")) ? "the host provides what is mounted at" :
				"the host provides what is mounted, writable, at", destination);
	}
}

static void warn_capabilities(struct warner *w, struct json_val c, uint32_t framework)
{
	struct json_val caps = json_get(c, "capabilities"), name, set;
	bool ignored = framework < GUEST_NO_NEW_PRIVILEGES;
	size_t i = 0;

	if (json_type_of(caps) != JSON_OBJECT || framework < GUEST_CAPABILITIES)
		warn(w, c, "capabilities are not limited", nothing());
	for (; json_member(caps, i, &name, &set); i++)
		if (json_size(set)) {
			warn(w, c, "has capabilities, which it may not need", name);
			break;
		}
	if ((i < json_size(caps) || framework < GUEST_CAPABILITIES) && (ignored || !is_true(json_get(c, "no_new_privileges"))))
		warn(w, c, "programs in it may gain privileges", nothing());
}

static void warn_user(struct warner *w, struct json_val c, uint32_t framework)
{
	struct json_val id = json_path(c, "user", "user_idname", NULL), groups = json_path(c, "user", "group_idnames", NULL);

	if (!json_present(id) || rego_is(json_get(id, "strategy"), "any") || framework < GUEST_USER)
		warn(w, c, "the host chooses the user", nothing());
	else if (rego_is(json_get(id, "strategy"), "re2"))
		warn(w, c, "the host chooses the user within a pattern", json_get(id, "pattern"));
	for (struct json_val g = json_at(groups, 0); json_present(g) && framework >= GUEST_USER; g = json_next(groups, g))
		if (rego_is(json_get(g, "strategy"), "any") || rego_is(json_get(g, "strategy"), "re2"))
			warn(w, c, "the host chooses groups within a pattern", json_get(g, "pattern"));
}

/* What the policy says, and older frameworks do not look at. */
static void warn_ignored(struct warner *w, struct json_val c, uint32_t framework)
{
	static const struct {
		const char *member;
		uint32_t since;
	} table[] = {
		{ "no_new_privileges", GUEST_NO_NEW_PRIVILEGES }, { "user", GUEST_USER }, { "capabilities", GUEST_CAPABILITIES },
		{ "seccomp_profile_sha256", GUEST_SECCOMP },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (framework < table[i].since && json_present(json_get(c, table[i].member))) {
			w->n++;
			put_head(w->o, c);
			out_str(w->o, "this framework_version ignores ");
			out_str(w->o, table[i].member);
			put_line_end(w->o);
		}
}

static void warn_container(struct warner *w, struct json_val c, uint32_t framework)
{
	struct json_val exec = json_get(c, "exec_processes");

	if (!json_size(json_get(c, "layers")))
		warn(w, c, "no layers: its content is not fixed", nothing());
	if (!json_size(json_get(c, "command")))
		warn(w, c, "no command is fixed", nothing());
	if (is_true(json_get(c, "allow_elevated")))
		warn(w, c, "may run privileged, with all devices and capabilities", nothing());
	if (is_true(json_get(c, "allow_stdio_access")))
		warn(w, c, "the host reads what it prints", nothing());
	for (struct json_val x = json_at(exec, 0); json_present(x); x = json_next(exec, x))
		warn(w, c, "the host may start a program in it", json_at(json_get(x, "command"), 0));
	warn_user(w, c, framework);
	warn_env(w, c, json_get(c, "env_rules"));
	warn_mounts(w, c, json_get(c, "mounts"));
	warn_capabilities(w, c, framework);
	warn_ignored(w, c, framework);
}

/* Requests that the framework does not decide, and those that it allows for want of a rule. */
static void warn_points(struct warner *w, const struct rego_policy *p)
{
	for (size_t i = 0; i < GUEST_POINTS; i++) {
		enum guest_answer answer = guest_answer(p, &guest_points[i]);

		if (answer != ANSWER_ALLOW && answer != ANSWER_OTHER && answer != ANSWER_DEFAULT_ALLOW)
			continue;
		w->n++;
		out_str(w->o, "request ");
		out_str(w->o, guest_points[i].name);
		out_str(w->o, answer == ANSWER_ALLOW ? " is always allowed\n" : answer == ANSWER_OTHER ?
			" is not decided by the framework; it was not judged\n" :
			" is allowed by the guest's default: it is newer than the policy's api_version, and the policy does not define it\n");
	}
}

static void warn_version(struct warner *w, const char *name, uint32_t version, uint32_t newest)
{
	if (version && version <= newest)
		return;
	w->n++;
	out_str(w->o, name);
	out_str(w->o, version ? " is newer than this program knows, so not judged\n" : " is missing, or not three numbers: not understood\n");
}

static void warn_odd(void *ctx, const char *what, struct span name)
{
	struct warner *w = ctx;

	w->n++;
	out_str(w->o, what);
	out_str(w->o, ": ");
	put_text(w->o, name);
	put_line_end(w->o);
}

static void warn_whole(struct warner *w, const struct rego_policy *p)
{
	static const struct {
		const char *flag, *text;
	} flags[] = {
		{ "allow_dump_stacks", "the host may read the guest agent's stacks" },
		{ "allow_runtime_logging", "the host receives the guest's logs" },
		{ "allow_unencrypted_scratch", "what containers write may lie unencrypted with the host" },
		{ "allow_host_network", "host network: containers may use the host's network" },
	};
	struct json_val fragments = rego_read_value(p, "fragments"), external = rego_read_value(p, "external_processes");
	struct json_val platform = guest_list(p, "platform_rules");

	warn_version(w, "api_version", guest_api(p), GUEST_API);
	warn_version(w, "framework_version", guest_framework(p), GUEST_FRAMEWORK);
	warn_points(w, p);
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (guest_flag(p, flags[i].flag))
			warn(w, nothing(), flags[i].text, nothing());
	for (struct json_val f = json_at(fragments, 0); json_present(f); f = json_next(fragments, f))
		warn(w, nothing(), "whatever this issuer signs may run beside, in the same machine", json_get(f, "issuer"));
	if (json_size(external))
		warn(w, nothing(), "programs outside containers may be started", nothing());
	for (struct json_val x = json_at(external, 0); json_present(x); x = json_next(external, x))
		warn_env(w, nothing(), json_get(x, "env_rules"));
	for (struct json_val r = json_at(platform, 0); json_present(r); r = json_next(platform, r)) {
		warn_env(w, platform, json_get(r, "env_rules"));
		warn_mounts(w, platform, json_get(r, "mounts"));
	}
}

void explain_warnings(const struct rego_policy *p, struct out *o, size_t *n)
{
	struct json_val list = rego_read_value(p, "containers");
	struct warner w = { o, 0 };

	if (p->n_unknown) {
		w.n++;
		out_str(o, "NOT UNDERSTOOD, so not judged: ");
		out_u64(o, p->n_unknown);
		out_str(o, " statements, the first: ");
		out_str(o, p->unknown);
		put_line_end(o);
	}
	shape_check(p, warn_odd, &w);
	warn_whole(&w, p);
	for (struct json_val c = json_at(list, 0); json_present(c); c = json_next(list, c))
		if (!explain_is_pause(c))
			warn_container(&w, c, guest_framework(p));
	*n = w.n;
}
