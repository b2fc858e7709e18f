/* What a policy allows, in words. */
#include "policy/explain.h"

#include "policy/pattern.h"
#include "policy/rego.h"

static const char *const points[] = { "mount_device", "rw_mount_device", "unmount_device", "rw_unmount_device", "mount_overlay",
	"unmount_overlay", "create_container", "exec_in_container", "exec_external", "shutdown_container", "signal_container_process",
	"plan9_mount", "plan9_unmount", "get_properties", "dump_stacks", "runtime_logging", "load_fragment", "scratch_mount",
	"scratch_unmount", "mount_cims", "policy_fragment", "mount_device_to_fs" };

/* --- Writing --- */

/* Texts of a policy are not ours: what a terminal would obey is not passed on. */
static void put_text(struct out *o, struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		out_byte(o, s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '?');
}

static void put_raw(struct out *o, struct json_val v)
{
	put_text(o, json_raw(v));
}

static bool is_true(struct json_val v)
{
	bool b;

	return json_bool(v, &b) == ERR_OK && b;
}

static struct span explain_container_name(struct json_val c)
{
	struct json_val name = json_get(c, "name");

	return json_type_of(name) == JSON_STRING && json_raw(name).n ? json_raw(name) : json_raw(json_get(c, "id"));
}

static bool explain_is_pause(struct json_val c)
{
	struct json_val layers = json_get(c, "layers"), command = json_get(c, "command");

	return json_size(layers) == 1 && json_is(json_at(layers, 0), rego_pause_layer) &&
	       json_size(command) == 1 && json_is(json_at(command, 0), "/pause") && !json_size(json_get(c, "exec_processes")) &&
	       !json_size(json_get(c, "mounts")) && !is_true(json_get(c, "allow_elevated")) && !is_true(json_get(c, "allow_stdio_access"));
}

/* "container NAME: " */
static void put_head(struct out *o, struct json_val c)
{
	struct span name = explain_container_name(c);

	out_str(o, "container ");
	put_text(o, name.n ? name : SPAN_LIT("(no name)"));
	out_str(o, ": ");
}

/* "a", "b" or "nothing" */
static void put_list(struct out *o, struct json_val list)
{
	if (!json_size(list))
		out_str(o, "nothing");
	for (struct json_val i = json_at(list, 0); json_present(i); i = json_next(list, i)) {
		out_byte(o, '"');
		put_raw(o, i);
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

static void facts_env(struct out *o, struct json_val c)
{
	struct json_val rules = json_get(c, "env_rules");

	for (struct json_val r = json_at(rules, 0); json_present(r); r = json_next(rules, r)) {
		bool re2 = json_is(json_get(r, "strategy"), "re2");

		put_head(o, c);
		out_str(o, re2 ? "variable of the form " : "variable ");
		put_raw(o, json_get(r, "pattern"));
		out_str(o, is_true(json_get(r, "required")) ? (re2 ? " (must be there)" : " (exactly this, must be there)") : " (may be there)");
		put_line_end(o);
	}
}

static void facts_mounts(struct out *o, struct json_val c)
{
	struct json_val mounts = json_get(c, "mounts");

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

	if (json_is(strategy, "any")) {
		out_str(o, "any");
		return;
	}
	put_raw(o, strategy);
	out_byte(o, ' ');
	put_raw(o, json_get(id, "pattern"));
}

static void fact_user(struct out *o, struct json_val c)
{
	struct json_val user = json_get(c, "user"), groups = json_get(user, "group_idnames");

	put_head(o, c);
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

static void facts_capabilities(struct out *o, struct json_val c)
{
	static const char *const sets[] = { "ambient", "bounding", "effective", "inheritable", "permitted" };
	struct json_val caps = json_get(c, "capabilities");

	if (json_type_of(caps) != JSON_OBJECT) {
		put_head(o, c);
		out_str(o, "capabilities not fixed\n");
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

static void facts_container(struct out *o, struct json_val c)
{
	fact_list(o, c, "runs ", json_get(c, "command"));
	fact_list(o, c, "consists of the layers ", json_get(c, "layers"));
	fact_text(o, c, "starts in ", "working_dir");
	fact_user(o, c);
	facts_capabilities(o, c);
	facts_env(o, c);
	facts_mounts(o, c);
	facts_exec(o, c);
	fact_list(o, c, "signals besides those that end it, numbers: ", json_get(c, "signals"));
	fact_flag(o, c, "allow_stdio_access", "its input and output are open to the host", "no input, no output");
	fact_flag(o, c, "allow_elevated", "may run privileged", "not privileged");
	fact_flag(o, c, "no_new_privileges", "must run without new privileges", "new privileges not ruled out");
	if (json_raw(json_get(c, "seccomp_profile_sha256")).n)
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
	};

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		out_str(o, is_true(rego_read_value(p, flags[i].name)) ? flags[i].yes : flags[i].no);
		put_line_end(o);
	}
}

static bool by_framework(const struct rego_statement *s)
{
	return s->kind == REGO_WORD && span_starts(s->word, "data.framework.") && span_eq(span_sub(s->word, 15, s->word.n), s->name);
}

static void facts_points(struct out *o, const struct rego_policy *p)
{
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		const struct rego_statement *s = rego_read_statement(p, points[i]);

		if (!s || by_framework(s))
			continue;
		out_str(o, "request ");
		out_str(o, points[i]);
		if (s->kind == REGO_VALUE && is_true(json_get(json_root(&s->doc), "allowed")))
			out_str(o, ": always allowed\n");
		else
			out_str(o, s->kind == REGO_VALUE ? ": answered by a fixed value\n" : ": decided by another rule\n");
	}
	out_str(o, "decided by the framework:");
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		const struct rego_statement *s = rego_read_statement(p, points[i]);

		if (s && by_framework(s)) {
			out_byte(o, ' ');
			out_str(o, points[i]);
		}
	}
	put_line_end(o);
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

void explain_facts(const struct rego_policy *p, struct out *o)
{
	struct json_val list = rego_read_value(p, "containers");

	fact_versions(o, p);
	for (struct json_val c = json_at(list, 0); json_present(c); c = json_next(list, c))
		facts_container(o, c);
	if (!json_size(list))
		out_str(o, "no containers are listed\n");
	facts_fragments(o, p);
	for (struct json_val x = json_at(rego_read_value(p, "external_processes"), 0); json_present(x);
	     x = json_next(rego_read_value(p, "external_processes"), x)) {
		out_str(o, "outside containers may be started: ");
		put_list(o, json_get(x, "command"));
		put_line_end(o);
	}
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

static bool contains(struct span s, const char *part)
{
	size_t n = span_str(part).n;

	for (size_t i = 0; i + n <= s.n; i++)
		if (span_eq_str(span_sub(s, i, n), part))
			return true;
	return false;
}

static void warn_env(struct warner *w, struct json_val c)
{
	struct json_val rules = json_get(c, "env_rules");

	for (struct json_val r = json_at(rules, 0); json_present(r); r = json_next(rules, r)) {
		struct json_val pattern = json_get(r, "pattern");

		if (!json_is(json_get(r, "strategy"), "re2"))
			continue;
		if (contains(json_raw(pattern), ".+") || contains(json_raw(pattern), ".*"))
			warn(w, c, "the host chooses a variable freely", pattern);
		if (pattern_has_loose_or(json_raw(pattern)))
			warn(w, c, "a pattern with '|' outside brackets matches more than it seems", pattern);
	}
}

/* What the platform mounts everywhere says where names are looked up, and no more. */
static void warn_mounts(struct warner *w, struct json_val c)
{
	static const char *const usual[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/hostname", "/dev/termination-log",
		"/var/run/secrets/kubernetes.io/serviceaccount" };
	struct json_val mounts = json_get(c, "mounts");

	for (struct json_val m = json_at(mounts, 0); json_present(m); m = json_next(mounts, m)) {
		struct json_val destination = json_get(m, "destination");
		bool known = false;

		for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
			known = known || json_is(destination, usual[i]);
		if (!known)
			warn(w, c, "the host provides what is mounted at", destination);
	}
}

static void warn_capabilities(struct warner *w, struct json_val c)
{
	struct json_val caps = json_get(c, "capabilities"), name, set;
	size_t i = 0;

	if (json_type_of(caps) != JSON_OBJECT)
		warn(w, c, "capabilities are not limited", nothing());
	for (; json_member(caps, i, &name, &set); i++)
		if (json_size(set)) {
			warn(w, c, "has capabilities, which it may not need", name);
			break;
		}
	if (i < json_size(caps) && !is_true(json_get(c, "no_new_privileges")))
		warn(w, c, "programs in it may gain privileges", nothing());
}

static void warn_user(struct warner *w, struct json_val c)
{
	struct json_val id = json_get(json_get(c, "user"), "user_idname");

	if (!json_present(id) || json_is(json_get(id, "strategy"), "any"))
		warn(w, c, "the host chooses the user", nothing());
	else if (json_is(json_get(id, "strategy"), "re2"))
		warn(w, c, "the host chooses the user within a pattern", json_get(id, "pattern"));
}

static void warn_container(struct warner *w, struct json_val c)
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
	warn_user(w, c);
	warn_env(w, c);
	warn_mounts(w, c);
	warn_capabilities(w, c);
}

static void warn_whole(struct warner *w, const struct rego_policy *p)
{
	static const struct {
		const char *flag, *text;
	} flags[] = {
		{ "allow_dump_stacks", "the host may read the guest agent's stacks" },
		{ "allow_runtime_logging", "the host receives the guest's logs" },
		{ "allow_unencrypted_scratch", "what containers write may lie unencrypted with the host" },
	};
	struct json_val fragments = rego_read_value(p, "fragments");

	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		const struct rego_statement *s = rego_read_statement(p, points[i]);

		if (!s || by_framework(s))
			continue;
		w->n++;
		out_str(w->o, "request ");
		out_str(w->o, points[i]);
		out_str(w->o, s->kind == REGO_VALUE && is_true(json_get(json_root(&s->doc), "allowed")) ? " is always allowed\n" :
			" is not decided by the framework; it was not judged\n");
	}
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (is_true(rego_read_value(p, flags[i].flag)))
			warn(w, nothing(), flags[i].text, nothing());
	for (struct json_val f = json_at(fragments, 0); json_present(f); f = json_next(fragments, f))
		warn(w, nothing(), "whatever this issuer signs may run beside, in the same machine", json_get(f, "issuer"));
	if (json_size(rego_read_value(p, "external_processes")))
		warn(w, nothing(), "programs outside containers may be started", nothing());
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
	warn_whole(&w, p);
	for (struct json_val c = json_at(list, 0); json_present(c); c = json_next(list, c))
		if (!explain_is_pause(c))
			warn_container(&w, c);
	*n = w.n;
}
