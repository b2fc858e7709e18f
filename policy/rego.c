/* The text of a container's security policy. JSON parts are compact, members in byte order, ASCII only. */
#include "policy/rego.h"

#include "text/json_write.h"

const char *const rego_pause_layer = "16b514057a06ad665f92c02863aca074fd5976c755d26bff16365299169e8415";
const char *const rego_fragment_issuer =
	"did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.3";
const char *const rego_fragment_feed = "mcr.microsoft.com/aci/aci-cc-infra-fragment";

static bool all_of(struct span s, const char *also)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_alnum(s.p[i]) && span_find(span_str(also), s.p[i]) == span_str(also).n)
			return false;
	return true;
}

bool rego_plain(struct span s)
{
	return all_of(s, " ./_=:,@+-");
}

static bool rego_pattern(struct span s)
{
	return all_of(s, " !#$%'()*+,-./:;=?@[]^_`{|}~");
}

bool rego_name(struct span s)
{
	return s.n && all_of(s, "_") && !(s.p[0] >= '0' && s.p[0] <= '9');
}

static bool rego_capability(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'A' && s.p[i] <= 'Z') && s.p[i] != '_')
			return false;
	return span_starts(s, "CAP_") && s.n > 4;
}

/* --- Parts --- */

static void put_list(struct jw *w, const char *name, const struct span *items, size_t n)
{
	jw_array(w, name);
	for (size_t i = 0; i < n; i++)
		jw_span(w, NULL, items[i]);
	jw_end_array(w);
}

/* The same list serves the three sets that matter; nothing is inherited. */
static void put_capabilities(struct jw *w, const struct span *items, size_t n)
{
	jw_object(w, "capabilities");
	put_list(w, "ambient", NULL, 0);
	put_list(w, "bounding", items, n);
	put_list(w, "effective", items, n);
	put_list(w, "inheritable", NULL, 0);
	put_list(w, "permitted", items, n);
	jw_end_object(w);
}

static void put_rule(struct jw *w, const struct rego_rule *r)
{
	jw_object(w, NULL);
	jw_span(w, "pattern", r->pattern);
	jw_bool(w, "required", r->required);
	jw_str(w, "strategy", r->re2 ? "re2" : "string");
	jw_end_object(w);
}

static void put_mount(struct jw *w, const struct rego_mount *m)
{
	jw_object(w, NULL);
	jw_span(w, "destination", m->destination);
	put_list(w, "options", m->options, m->n_options);
	jw_span(w, "source", m->source);
	jw_span(w, "type", m->type);
	jw_end_object(w);
}

static void put_bind(struct jw *w, const char *destination, const char *source, const char *mode)
{
	struct rego_mount m = { .destination = span_str(destination), .source = span_str(source), .type = SPAN_LIT("bind"),
		.options = { SPAN_LIT("rbind"), SPAN_LIT("rshared"), span_str(mode) }, .n_options = 3 };

	put_mount(w, &m);
}

/* What the platform itself binds into every container; an unknown mount denies the container. */
static void put_target_mounts(struct jw *w, enum rego_target target)
{
	static const struct {
		const char *destination, *mode;
	} node[] = {
		{ "/etc/resolv.conf", "rw" }, { "/var/run/secrets/kubernetes.io/serviceaccount", "ro" }, { "/etc/hosts", "rw" },
		{ "/dev/termination-log", "rw" }, { "/etc/hostname", "rw" },
	};

	switch (target) {
	case REGO_ACI:
		put_bind(w, "/etc/resolv.conf", "sandbox:///tmp/atlas/resolvconf/.+", "rw");
		break;
	case REGO_VN2:
		for (size_t i = 0; i < sizeof node / sizeof node[0]; i++)
			put_bind(w, node[i].destination, "sandbox:///tmp/atlas/emptydir/.+", node[i].mode);
		break;
	}
}

static void put_id(struct jw *w, const char *name, bool any, uint32_t id)
{
	uint8_t text[12];
	struct out o = out_init(text, sizeof text);

	if (!any)
		out_u64(&o, id);
	jw_object(w, name);
	jw_span(w, "pattern", out_span(&o));
	jw_str(w, "strategy", any ? "any" : "id");
	jw_end_object(w);
}

/* gids NULL: any user and group. */
static void put_user(struct jw *w, uint32_t uid, const uint32_t *gids, size_t n)
{
	jw_object(w, "user");
	jw_array(w, "group_idnames");
	for (size_t i = 0; i < n; i++)
		put_id(w, NULL, !gids, gids ? gids[i] : 0);
	jw_end_array(w);
	jw_str(w, "umask", "0022");
	put_id(w, "user_idname", !gids, uid);
	jw_end_object(w);
}

static void put_layers(struct jw *w, const struct rego_container *c)
{
	jw_array(w, "layers");
	for (size_t i = 0; i < c->n_layers; i++)
		jw_hex(w, NULL, span_of(c->layers[i], SHA256_LEN));
	jw_end_array(w);
}

static void put_app(struct jw *w, const struct rego_container *c, enum rego_target target)
{
	jw_object(w, NULL);
	jw_bool(w, "allow_elevated", false);
	jw_bool(w, "allow_stdio_access", c->stdio);
	put_capabilities(w, c->capabilities, c->n_capabilities);
	put_list(w, "command", c->command, c->n_command);
	jw_array(w, "env_rules");
	for (size_t i = 0; i < c->n_rules; i++)
		put_rule(w, &c->rules[i]);
	jw_end_array(w);
	put_list(w, "exec_processes", NULL, 0);
	put_layers(w, c);
	jw_array(w, "mounts");
	put_target_mounts(w, target);
	for (size_t i = 0; i < c->n_mounts; i++)
		put_mount(w, &c->mounts[i]);
	jw_end_array(w);
	jw_span(w, "name", c->name);
	jw_bool(w, "no_new_privileges", c->no_new_privileges);
	jw_str(w, "seccomp_profile_sha256", "");
	put_list(w, "signals", NULL, 0);
	put_user(w, c->uid, c->gids, c->n_gids);
	jw_span(w, "working_dir", c->working_dir);
	jw_end_object(w);
}

/* Holds the pod's namespaces; part of every policy, the same in each. */
static void put_pause(struct jw *w)
{
	static const char *const names[] = { "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD",
		"NET_BIND_SERVICE", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT" };
	static const struct rego_rule rules[] = {
		{ SPAN_LIT("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"), false, true },
		{ SPAN_LIT("TERM=xterm"), false, false },
	};
	const struct span command = SPAN_LIT("/pause"), layer = span_str(rego_pause_layer);
	struct span caps[sizeof names / sizeof names[0]];
	uint8_t text[512];
	struct out o = out_init(text, sizeof text);

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t at = o.n;

		out_str(&o, "CAP_");
		out_str(&o, names[i]);
		caps[i] = span_of(text + at, o.n - at);
	}
	jw_object(w, NULL);
	jw_bool(w, "allow_elevated", false);
	jw_bool(w, "allow_stdio_access", false);
	put_capabilities(w, caps, sizeof caps / sizeof caps[0]);
	put_list(w, "command", &command, 1);
	jw_array(w, "env_rules");
	put_rule(w, &rules[0]);
	put_rule(w, &rules[1]);
	jw_end_array(w);
	put_list(w, "exec_processes", NULL, 0);
	put_list(w, "layers", &layer, 1);
	put_list(w, "mounts", NULL, 0);
	jw_str(w, "name", "pause-container");
	jw_bool(w, "no_new_privileges", false);
	jw_str(w, "seccomp_profile_sha256", "");
	put_list(w, "signals", NULL, 0);
	put_user(w, 0, NULL, 1);
	jw_str(w, "working_dir", "/");
	jw_end_object(w);
}

static void put_fragments(struct jw *w, const struct rego_fragment *f)
{
	static const struct span includes[] = { SPAN_LIT("containers"), SPAN_LIT("fragments") };

	jw_array(w, NULL);
	if (f->on) {
		jw_object(w, NULL);
		jw_str(w, "feed", rego_fragment_feed);
		put_list(w, "includes", includes, 2);
		jw_str(w, "issuer", rego_fragment_issuer);
		jw_span(w, "minimum_svn", f->minimum_svn);
		jw_end_object(w);
	}
	jw_end_array(w);
}

/* --- Checks --- */

static enum err refuse(struct why *w, const char *text, struct span about)
{
	return why_set(w, ERR_RANGE, text, about);
}

static enum err check_plain(const struct span *list, size_t n, bool empty_ok, struct why *w)
{
	for (size_t i = 0; i < n; i++)
		if (!rego_plain(list[i]) || (!list[i].n && !empty_ok))
			return refuse(w, "a text with characters that a policy cannot hold, or an empty one", list[i]);
	return ERR_OK;
}

static enum err check_mount(const struct rego_mount *m, struct why *w)
{
	const struct span plain[2] = { m->destination, m->type };

	if (!span_starts(m->destination, "/") || !m->source.n || !rego_pattern(m->source))
		return refuse(w, "a mount needs an absolute destination and a source", m->destination);
	if (check_plain(plain, 2, false, w) != ERR_OK)
		return ERR_RANGE;
	return check_plain(m->options, m->n_options, false, w);
}

static enum err check(const struct rego_container *c, const struct rego_fragment *f, struct why *w)
{
	const struct span texts[2] = { c->name, c->working_dir };
	uint64_t svn;
	enum err e;

	if (!c->n_command || !c->command[0].n || !c->n_layers || !c->n_gids)
		return why_say(w, ERR_RANGE, "a container needs a command, a layer and a group");
	if (!span_starts(c->working_dir, "/"))
		return refuse(w, "the working directory must be absolute", c->working_dir);
	e = check_plain(texts, 2, false, w);
	if (e == ERR_OK)
		e = check_plain(c->command, c->n_command, true, w);
	for (size_t i = 0; i < c->n_rules && e == ERR_OK; i++)
		if (!(c->rules[i].re2 ? rego_pattern(c->rules[i].pattern) : rego_plain(c->rules[i].pattern)))
			e = refuse(w, "a variable with characters that a policy cannot hold", c->rules[i].pattern);
	for (size_t i = 0; i < c->n_mounts && e == ERR_OK; i++)
		e = check_mount(&c->mounts[i], w);
	for (size_t i = 0; i < c->n_capabilities && e == ERR_OK; i++)
		if (!rego_capability(c->capabilities[i]))
			e = refuse(w, "not a capability's name (CAP_...)", c->capabilities[i]);
	if (e == ERR_OK && f->on && (!span_u64(f->minimum_svn, &svn) || f->minimum_svn.n > 9))
		e = refuse(w, "the fragment's minimum svn must be a number", f->minimum_svn);
	return e;
}

/* --- The whole --- */

static void put_points(struct out *o)
{
	static const char *const points[] = { "mount_device", "unmount_device", "mount_overlay", "unmount_overlay",
		"create_container", "exec_in_container", "exec_external", "shutdown_container", "signal_container_process",
		"plan9_mount", "plan9_unmount", "get_properties", "dump_stacks", "runtime_logging", "load_fragment",
		"scratch_mount", "scratch_unmount" };

	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		out_str(o, points[i]);
		out_str(o, " := data.framework.");
		out_str(o, points[i]);
		out_byte(o, '\n');
	}
}

enum err rego_write(struct out *o, const struct rego_container *c, enum rego_target target,
                    const struct rego_fragment *fragment, struct why *why)
{
	struct jw w = jw_init(o);
	enum err e = check(c, fragment, why);

	if (e != ERR_OK)
		return e;
	out_str(o, "package policy\n\napi_version := \"0.10.0\"\nframework_version := \"0.2.3\"\n\nfragments := ");
	put_fragments(&w, fragment);
	out_str(o, "\n\ncontainers := ");
	jw_array(&w, NULL);
	put_app(&w, c, target);
	put_pause(&w);
	jw_end_array(&w);
	out_str(o, "\n\nallow_properties_access := true\nallow_dump_stacks := false\nallow_runtime_logging := false\n"
		"allow_environment_variable_dropping := true\nallow_unencrypted_scratch := false\n"
		"allow_capability_dropping := true\n\n");
	put_points(o);
	out_str(o, "\nreason := {\"errors\": data.framework.errors}\n");
	return o->bad ? why_say(why, ERR_TOO_BIG, "the policy is too long (POLICY_TEXT_MAX)") : ERR_OK;
}
