/* One container of a policy against one request. */
#include "policy/container.h"

#include "base/out.h"
#include "policy/pattern.h"

bool container_matches(struct container_view *v, struct span pattern, struct span text)
{
	bool match = false;
	enum err e = pattern_match(pattern, text, &match);

	if (e != ERR_OK && e != ERR_SYNTAX && !v->no_judgement) {
		v->no_judgement = true;
		v->pattern = pattern;
	}
	return e == ERR_OK && match;
}

static bool has(struct json_val list, struct json_val item)
{
	for (struct json_val i = json_at(list, 0); json_present(i); i = json_next(list, i))
		if (rego_same(i, item))
			return true;
	return false;
}

static bool has_all(struct json_val list, struct json_val items)
{
	for (struct json_val i = json_at(items, 0); json_present(i); i = json_next(items, i))
		if (!has(list, i))
			return false;
	return true;
}

bool container_rules(const struct container_view *v, struct json_val c, size_t i,
	const char *member, struct json_val *list)
{
	if (i > json_size(v->platform_rules))
		return false;
	*list = json_get(i ? json_at(v->platform_rules, i - 1) : c, member);
	return true;
}

/* --- Who, where, what --- */

/* Fields that a request may leave out. */
static bool text_is(struct json_val want, struct json_val v)
{
	return json_type_of(want) == JSON_STRING && span_eq(rego_text(want), rego_text(v)) &&
	       (json_type_of(v) == JSON_STRING || !json_present(v));
}

static bool id_ok(struct container_view *v, struct json_val rule, struct json_val id)
{
	struct json_val strategy = json_get(rule, "strategy"), pattern = json_get(rule, "pattern");

	if (!json_present(pattern))
		return false;
	if (rego_is(strategy, "any"))
		return true;
	if (rego_is(strategy, "id"))
		return text_is(pattern, json_get(id, "id"));
	if (rego_is(strategy, "name"))
		return text_is(pattern, json_get(id, "name"));
	return rego_is(strategy, "re2") && json_type_of(pattern) == JSON_STRING &&
	       container_matches(v, rego_text(pattern), rego_text(json_get(id, "name")));
}

bool container_user(struct container_view *v, struct json_val c, struct json_val r)
{
	struct json_val user = json_get(c, "user"), rules = json_get(user, "group_idnames"),
			groups = json_get(r, "groups");

	if (v->framework < GUEST_USER)
		return rego_is(json_get(r, "umask"), "0022");
	if (!rego_same(json_get(user, "umask"), json_get(r, "umask")) ||
		!id_ok(v, json_get(user, "user_idname"), json_get(r, "user")))
		return false;
	for (struct json_val g = json_at(groups, 0); json_present(g); g = json_next(groups, g)) {
		bool ok = false;

		for (struct json_val i = json_at(rules, 0); json_present(i) && !ok;
			i = json_next(rules, i))
			ok = id_ok(v, i, g);
		if (!ok)
			return false;
	}
	return true;
}

bool container_no_new_privileges(struct container_view *v, struct json_val c, struct json_val r)
{
	return v->framework < GUEST_NO_NEW_PRIVILEGES ||
	       !guest_truth(json_get(c, "no_new_privileges")) ||
	       guest_truth(json_get(r, "noNewPrivileges"));
}

bool container_privileged(struct container_view *v, struct json_val c, struct json_val r)
{
	(void)v;
	return !guest_truth(json_get(r, "privileged")) ||
	       json_type_of(json_get(c, "allow_elevated")) == JSON_TRUE;
}

bool container_working_dir(struct container_view *v, struct json_val c, struct json_val r)
{
	(void)v;
	return text_is(json_get(c, "working_dir"), json_get(r, "workingDir"));
}

bool container_command(struct container_view *v, struct json_val c, struct json_val r)
{
	struct json_val a = json_get(c, "command"), b = json_get(r, "argList"), x = json_at(a, 0),
			y = json_at(b, 0);

	(void)v;
	for (; json_present(x) && json_present(y); x = json_next(a, x), y = json_next(b, y))
		if (!rego_same(x, y))
			return false;
	return json_type_of(a) == JSON_ARRAY && !json_present(x) && !json_present(y);
}

bool container_exec(struct container_view *v, struct json_val c, struct json_val r)
{
	struct json_val list = json_get(c, "exec_processes");

	for (struct json_val x = json_at(list, 0); json_present(x); x = json_next(list, x))
		if (container_command(v, x, r))
			return true;
	return false;
}

bool container_seccomp(struct container_view *v, struct json_val c, struct json_val r)
{
	struct span asked = rego_text(json_get(r, "seccompProfileSHA256"));

	if (v->framework < GUEST_SECCOMP)
		return asked.n == 0;
	return text_is(json_get(c, "seccomp_profile_sha256"), json_get(r, "seccompProfileSHA256"));
}

bool container_complete(struct container_view *v, struct json_val c, struct json_val r)
{
	(void)r;
	return !guest_container_lacks(c, v->framework);
}

bool container_no_devices(struct container_view *v, struct json_val c, struct json_val r)
{
	(void)v;
	(void)c;
	return json_size(json_get(r, "devices")) == 0;
}

/* --- Mounts --- */

struct known_mount {
	const char *destination, *type, *source, *options[7];
};

/* What every container gets, and what a privileged one may get instead. */
static const struct known_mount default_mounts[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts", "devpts", "devpts", { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/shm", "tmpfs", "shm", { "nosuid", "noexec", "nodev", "mode=1777", "size=65536k" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
	{ "/run", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
	{ "/sys/fs/cgroup", "cgroup2", "cgroup2", { "nosuid", "noexec", "nodev", "relatime", "ro" } },
}, privileged_mounts[] = {
	{ "/sys/fs/cgroup", "cgroup", "cgroup", { "nosuid", "noexec", "nodev", "relatime", "rw" } },
	{ "/sys/fs/cgroup", "cgroup2", "cgroup2", { "nosuid", "noexec", "nodev", "relatime", "rw" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "rw" } },
};

static bool options_are(struct json_val options, const char *const *want)
{
	size_t n = 0;

	for (; want[n]; n++) {
		bool there = false;

		for (struct json_val o = json_at(options, 0); json_present(o) && !there;
			o = json_next(options, o))
			there = rego_is(o, want[n]);
		if (!there)
			return false;
	}
	return json_size(options) == n;
}

static bool mount_known(struct json_val m, const struct known_mount *table, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rego_is(json_get(m, "destination"), table[i].destination) &&
			rego_is(json_get(m, "type"), table[i].type) &&
			rego_is(json_get(m, "source"), table[i].source) &&
			options_are(json_get(m, "options"), table[i].options))
			return true;
	return false;
}

/* Three files of the pod's own directory, the one above its "sandboxMounts", which the guest itself
 * adds. */
static bool mount_by_guest(struct json_val m, struct json_val r)
{
	static const char *const files[] = { "hostname", "hosts", "resolv.conf" };
	static const char *const writable[] = { "bind", NULL }, *const read_only[] = { "bind", "ro",
		NULL };
	struct span destination = rego_text(json_get(m, "destination")),
		    source = rego_text(json_get(m, "source"));
	struct span dir = rego_text(json_get(r, "sandboxDir"));
	struct json_val options = json_get(m, "options");

	if (!span_ends(dir, "/sandboxMounts") || !span_starts(destination, "/etc/") ||
		!rego_is(json_get(m, "type"), "bind"))
		return false;
	dir = span_sub(dir, 0, dir.n - sizeof "sandboxMounts" + 1);
	if (!options_are(options, writable) && !options_are(options, read_only))
		return false;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		if (span_eq_str(span_sub(destination, 5, destination.n), files[i]))
			return span_eq(span_sub(source, 0, dir.n), dir) &&
			       span_eq_str(span_sub(source, dir.n, source.n), files[i]);
	return false;
}

/* A rule's source with every prefix replaced by the pod's directory that it stands for. False when
 * it does not begin so. */
static bool source_expand(struct span source, const char *prefix, struct span dir, struct out *o)
{
	if (!span_starts(source, prefix))
		return false;
	while (source.n) {
		bool here = span_starts(source, prefix);

		out_put(o, here ? dir : span_sub(source, 0, 1));
		source = span_sub(source, here ? span_str(prefix).n : 1, source.n);
	}
	return true;
}

static bool source_ok(
	struct container_view *v, struct json_val rule, struct json_val m, struct json_val r)
{
	static uint8_t text[65536];
	struct out o = out_init(text, sizeof text);
	struct span source = rego_text(json_get(m, "source"));

	if (rego_same(json_get(rule, "source"), json_get(m, "source")))
		return true;
	/* Shares of the host: which of them are mounted is not known here. */
	if (span_starts(rego_text(json_get(rule, "source")), "plan9://")) {
		v->no_judgement = true;
		v->pattern = rego_text(json_get(rule, "source"));
		return false;
	}
	if (!source_expand(rego_text(json_get(rule, "source")), "sandbox://",
		    rego_text(json_get(r, "sandboxDir")), &o) &&
		!source_expand(rego_text(json_get(rule, "source")), "hugepages://",
			rego_text(json_get(r, "hugePagesDir")), &o))
		return false;
	return !o.bad && container_matches(v, out_span(&o), source);
}

static bool mount_rule_ok(
	struct container_view *v, struct json_val rule, struct json_val m, struct json_val r)
{
	struct json_val options = json_get(m, "options"), wanted = json_get(rule, "options");

	return rego_same(json_get(rule, "type"), json_get(m, "type")) &&
	       rego_text(json_get(m, "destination")).n &&
	       rego_same(json_get(rule, "destination"), json_get(m, "destination")) &&
	       json_type_of(wanted) == JSON_ARRAY && json_size(options) == json_size(wanted) &&
	       has_all(options, wanted) && has_all(wanted, options) && source_ok(v, rule, m, r);
}

/* The pause container of a privileged pod gets /sys writable. */
static bool mount_of_sandbox(struct json_val m, struct json_val r)
{
	return guest_truth(json_get(r, "isSandboxContainer")) &&
	       mount_known(m, &privileged_mounts[2], 1);
}

static bool mount_ok(
	struct container_view *v, struct json_val c, struct json_val m, struct json_val r)
{
	struct json_val rules;

	if (mount_known(m, default_mounts, sizeof default_mounts / sizeof default_mounts[0]) ||
		mount_by_guest(m, r) || mount_of_sandbox(m, r))
		return true;
	if (guest_truth(json_get(c, "allow_elevated")) &&
		mount_known(m, privileged_mounts,
			sizeof privileged_mounts / sizeof privileged_mounts[0]))
		return true;
	for (size_t i = 0; container_rules(v, c, i, "mounts", &rules); i++)
		for (struct json_val rule = json_at(rules, 0); json_present(rule);
			rule = json_next(rules, rule))
			if (mount_rule_ok(v, rule, m, r))
				return true;
	return false;
}

bool container_mounts(struct container_view *v, struct json_val c, struct json_val r)
{
	struct json_val mounts = json_get(r, "mounts");

	for (struct json_val m = json_at(mounts, 0); json_present(m); m = json_next(mounts, m))
		if (!mount_ok(v, c, m, r))
			return false;
	return true;
}

/* --- Environment --- */

static bool pattern_ok(struct container_view *v, struct json_val pattern, struct json_val strategy,
	struct span text)
{
	if (json_type_of(pattern) != JSON_STRING)
		return false;
	if (rego_is(strategy, "string"))
		return span_eq(rego_text(pattern), text);
	return rego_is(strategy, "re2") && container_matches(v, rego_text(pattern), text);
}

bool container_rule_takes(struct container_view *v, struct json_val rule, struct json_val variable)
{
	struct span text = rego_text(variable), value = text, name;

	if (json_type_of(variable) != JSON_STRING)
		return false;
	if (pattern_ok(v, json_get(rule, "pattern"), json_get(rule, "strategy"), text))
		return true;
	if (span_find(text, '=') == text.n)
		return false;
	name = span_cut(&value, '=');
	return pattern_ok(v, json_get(rule, "name"), json_get(rule, "name_strategy"), name) &&
	       pattern_ok(v, json_get(rule, "value"), json_get(rule, "value_strategy"), value);
}

/* --- Capabilities --- */

static const char *const caps_names[CONTAINER_CAPS] = { "bounding", "effective", "inheritable",
	"permitted", "ambient" };

/* Where a policy sets none: what the guest's runtime gives, all of them to a privileged container.
 */
static const char caps_usual[] =
	" CAP_CHOWN CAP_DAC_OVERRIDE CAP_FSETID CAP_FOWNER CAP_MKNOD CAP_NET_RAW CAP_SETGID CAP_SETUID "
	"CAP_SETFCAP CAP_SETPCAP CAP_NET_BIND_SERVICE CAP_SYS_CHROOT CAP_KILL CAP_AUDIT_WRITE ";
static const char caps_further[] =
	" CAP_DAC_READ_SEARCH CAP_LINUX_IMMUTABLE CAP_NET_BROADCAST CAP_NET_ADMIN CAP_IPC_LOCK "
	"CAP_IPC_OWNER CAP_SYS_MODULE CAP_SYS_RAWIO CAP_SYS_PTRACE CAP_SYS_PACCT CAP_SYS_ADMIN CAP_SYS_BOOT CAP_SYS_NICE "
	"CAP_SYS_RESOURCE CAP_SYS_TIME CAP_SYS_TTY_CONFIG CAP_LEASE CAP_AUDIT_CONTROL CAP_MAC_OVERRIDE CAP_MAC_ADMIN CAP_SYSLOG "
	"CAP_WAKE_ALARM CAP_BLOCK_SUSPEND CAP_AUDIT_READ CAP_PERFMON CAP_BPF CAP_CHECKPOINT_RESTORE ";

/* One of a container's five sets: a list, or the guest's own. */
struct caps_set {
	struct json_val list;
	const char *usual, *further; /* NULL: none of these */
};

static size_t words_in(const char *words)
{
	size_t n = 0;

	for (struct span rest = span_str(words); rest.n;)
		n += span_cut(&rest, ' ').n > 0;
	return n;
}

static bool word_in(const char *words, struct span word)
{
	for (struct span rest = span_str(words); rest.n;)
		if (span_eq(span_cut(&rest, ' '), word) && word.n)
			return true;
	return false;
}

/* The guest's own sets: nothing ambient; what programs inherit only when privileged. */
static bool caps_set_of(const struct container_view *v, struct json_val c, bool privileged,
	size_t i, struct caps_set *s)
{
	struct json_val caps = json_get(c, "capabilities");
	bool all = privileged && guest_truth(json_get(c, "allow_elevated"));

	*s = (struct caps_set){ json_at(caps, 0), NULL, NULL }; /* absent: it is no array */
	if (v->framework >= GUEST_CAPABILITIES && json_type_of(caps) != JSON_NULL) {
		s->list = json_get(caps, caps_names[i]);
		return json_type_of(s->list) == JSON_ARRAY;
	}
	if (i != 4 && (i != 2 || all))
		s->usual = caps_usual;
	s->further = s->usual && all ? caps_further : NULL;
	return true;
}

static bool set_has(const struct caps_set *s, struct json_val cap)
{
	return has(s->list, cap) || word_in(s->usual, rego_text(cap)) ||
	       word_in(s->further, rego_text(cap));
}

static size_t set_size(const struct caps_set *s)
{
	return json_size(s->list) + words_in(s->usual) + words_in(s->further);
}

/* A capability that the list has before. */
static bool repeats(struct json_val list, struct json_val cap)
{
	for (struct json_val i = json_at(list, 0); i.i != cap.i; i = json_next(list, i))
		if (rego_same(i, cap))
			return true;
	return false;
}

bool container_caps_kept(const struct container_view *v, struct json_val c, struct json_val r,
	bool privileged, struct container_caps *caps)
{
	*caps = (struct container_caps){ { 0 }, 0 };
	for (size_t i = 0; i < CONTAINER_CAPS; i++) {
		struct json_val asked = json_path(r, "capabilities", caps_names[i], NULL);
		struct caps_set set;
		size_t k = 0;

		if (!caps_set_of(v, c, privileged, i, &set) ||
			json_size(asked) > CONTAINER_CAPS_MAX)
			return false;
		for (struct json_val cap = json_at(asked, 0); json_present(cap);
			cap = json_next(asked, cap), k++)
			if (set_has(&set, cap) && !repeats(asked, cap)) {
				caps->kept[i] |= (uint64_t)1 << k;
				caps->n++;
			}
	}
	return true;
}

/* The framework compares lengths, and each list's members with the other list. */
bool container_caps_equal(const struct container_view *v, struct json_val c, struct json_val r,
	bool privileged, const struct container_caps *kept)
{
	for (size_t i = 0; i < CONTAINER_CAPS; i++) {
		struct json_val asked = json_path(r, "capabilities", caps_names[i], NULL);
		struct caps_set set;
		size_t n = 0, k = 0, found = 0;

		if (!caps_set_of(v, c, privileged, i, &set))
			return false;
		for (struct json_val cap = json_at(asked, 0); json_present(cap);
			cap = json_next(asked, cap), k++) {
			if (kept && !(kept->kept[i] >> k & 1))
				continue;
			n++;
			if (!set_has(&set, cap))
				return false;
			found += !repeats(asked, cap);
		}
		/* All of the set are asked for when as many different ones were found as the set
		 * has. */
		if (n != set_size(&set) || (n != found && json_size(set.list) == 0))
			return false;
		for (struct json_val cap = json_at(set.list, 0); json_present(cap);
			cap = json_next(set.list, cap))
			if (!has(asked, cap))
				return false;
	}
	return true;
}
