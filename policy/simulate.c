/* What the guest would answer. Inputs and order of the checks: cce-policy.md section 5; the framework narrows the list
 * of containers step by step, and the step that leaves none is the one that is named. */
#include "base/out.h"
#include "policy/simulate.h"

#include "policy/explain.h"
#include "policy/pattern.h"

#define CONTAINERS_MAX 64
#define DEVICES_MAX 256
#define MATCHES_MAX 64
#define LIST_MAX 512

struct device {
	struct span target, hash;
};

/* A container id, and which containers of the policy it may be. */
struct match {
	struct span id, overlay;
	uint64_t candidates;
	bool created;
};

static struct {
	const struct rego_policy *p;
	struct json_val containers;
	struct out *o;
	struct why *why;
	enum err failed;
	size_t n_devices, n_matches, denied;
	struct device device[DEVICES_MAX];
	struct match match[MATCHES_MAX];
} S;

/* --- Small helpers --- */

static struct span text_of(struct json_val v)
{
	struct span s;

	return json_plain(v, &s) == ERR_OK ? s : span_of(NULL, 0);
}

static bool same(struct json_val a, struct json_val b)
{
	return json_type_of(a) == JSON_STRING && json_type_of(b) == JSON_STRING && span_eq(json_raw(a), json_raw(b));
}

static bool is_true(struct json_val v)
{
	bool b;

	return json_bool(v, &b) == ERR_OK && b;
}

static bool flag(const char *name)
{
	return is_true(rego_read_value(S.p, name));
}

static bool listed(struct json_val list, struct json_val item)
{
	for (struct json_val i = json_at(list, 0); json_present(i); i = json_next(list, i))
		if (same(i, item))
			return true;
	return false;
}

static bool lists_equal(struct json_val a, struct json_val b)
{
	struct json_val x = json_at(a, 0), y = json_at(b, 0);

	for (; json_present(x) && json_present(y); x = json_next(a, x), y = json_next(b, y))
		if (!same(x, y))
			return false;
	return !json_present(x) && !json_present(y);
}

static bool subset(struct json_val a, struct json_val b)
{
	for (struct json_val i = json_at(a, 0); json_present(i); i = json_next(a, i))
		if (!listed(b, i))
			return false;
	return true;
}

/* A pattern that cannot be judged ends the run: a guess would be worse than none. */
static bool matches(struct span pattern, struct span text)
{
	bool match = false;
	enum err e = pattern_match(pattern, text, &match);

	if (e != ERR_OK && S.failed == ERR_OK)
		S.failed = why_set(S.why, e, "a pattern that this program cannot judge", pattern);
	return match;
}

static bool verdict(const char *point, bool allowed, const char *rule, struct span about)
{
	out_str(S.o, allowed ? "allow " : "deny  ");
	out_str(S.o, point);
	if (!allowed) {
		out_str(S.o, ": ");
		out_str(S.o, rule);
		if (about.n)
			out_str(S.o, ": ");
		for (size_t i = 0; i < about.n && i < 200; i++)
			out_byte(S.o, about.p[i] >= 0x20 && about.p[i] < 0x7f ? about.p[i] : '?');
		S.denied++;
	}
	out_byte(S.o, '\n');
	return allowed;
}

static const struct span no_text = { NULL, 0 };

static struct match *match_of(struct span id)
{
	for (size_t i = 0; i < S.n_matches; i++)
		if (span_eq(S.match[i].id, id))
			return &S.match[i];
	return NULL;
}

static struct json_val container(size_t i)
{
	return json_at(S.containers, i);
}

/* --- Mounts of disks and overlays --- */

static bool some_layer(struct span hash)
{
	for (struct json_val c = json_at(S.containers, 0); json_present(c); c = json_next(S.containers, c))
		for (struct json_val l = json_at(json_get(c, "layers"), 0); json_present(l); l = json_next(json_get(c, "layers"), l))
			if (span_eq(json_raw(l), hash))
				return true;
	return false;
}

/* Layers go to /run/mounts/scsi/m and a number. */
static bool layer_target(struct span t)
{
	uint64_t number;
	const char *prefix = "/run/mounts/scsi/m";

	return span_starts(t, prefix) && span_u64(span_sub(t, span_str(prefix).n, t.n), &number);
}

static struct device *device_at(struct span target)
{
	for (size_t i = 0; i < S.n_devices; i++)
		if (span_eq(S.device[i].target, target))
			return &S.device[i];
	return NULL;
}

static bool mount_device(struct json_val r)
{
	struct span hash = text_of(json_get(r, "deviceHash")), target = text_of(json_get(r, "target"));

	if (!some_layer(hash))
		return verdict("mount_device", false, "deviceHash: no container has this layer", hash);
	if (!layer_target(target))
		return verdict("mount_device", false, "target: layers go to /run/mounts/scsi/m and a number", target);
	if (device_at(target) || S.n_devices == DEVICES_MAX)
		return verdict("mount_device", false, "target: already in use", target);
	S.device[S.n_devices++] = (struct device){ target, hash };
	return verdict("mount_device", true, "", no_text);
}

static bool unmount_device(struct json_val r)
{
	struct span target = text_of(json_get(r, "unmountTarget")).n ? text_of(json_get(r, "unmountTarget")) : text_of(json_get(r, "target"));
	struct device *d = device_at(target);

	if (!d)
		return verdict("unmount_device", false, "target: nothing is mounted there", target);
	*d = S.device[--S.n_devices];
	return verdict("unmount_device", true, "", no_text);
}

static bool rw_mount_device(struct json_val r)
{
	struct json_val fs = json_get(r, "filesystem");

	if (!is_true(json_get(r, "encrypted")) && !flag("allow_unencrypted_scratch"))
		return verdict("rw_mount_device", false, "encrypted: a writable disk must be", no_text);
	if (!is_true(json_get(r, "ensureFilesystem")) || (!json_is(fs, "ext4") && !json_is(fs, "xfs")))
		return verdict("rw_mount_device", false, "filesystem: must be made anew, ext4 or xfs", json_raw(fs));
	return verdict("rw_mount_device", true, "", no_text);
}

/* The overlay's layers, top first, are those of the container, base first. */
static bool overlay_is(struct json_val paths, struct json_val layers)
{
	size_t n = json_size(layers), i = 0;

	if (n != json_size(paths))
		return false;
	for (struct json_val p = json_at(paths, 0); json_present(p); p = json_next(paths, p), i++) {
		const struct device *d = device_at(json_raw(p));

		if (!d || !span_eq(json_raw(json_at(layers, n - 1 - i)), d->hash))
			return false;
	}
	return true;
}

static struct match *new_match(struct span id, struct span overlay)
{
	struct match *m;

	if (S.n_matches == MATCHES_MAX)
		return NULL;
	m = &S.match[S.n_matches++];
	*m = (struct match){ .id = id, .overlay = overlay };
	return m;
}

static bool mount_overlay(struct json_val r)
{
	struct span id = text_of(json_get(r, "containerID")), target = text_of(json_get(r, "target"));
	uint64_t candidates = 0;
	struct match *m;
	size_t i = 0;

	if (match_of(id))
		return verdict("mount_overlay", false, "containerID: already has an overlay", id);
	for (struct json_val c = json_at(S.containers, 0); json_present(c); c = json_next(S.containers, c), i++)
		if (overlay_is(json_get(r, "layerPaths"), json_get(c, "layers")))
			candidates |= (uint64_t)1 << i;
	if (!candidates)
		return verdict("mount_overlay", false, "layerPaths: no container consists of exactly these layers", no_text);
	m = new_match(id, target);
	if (!m)
		return verdict("mount_overlay", false, "more containers than this program holds", no_text);
	m->candidates = candidates;
	return verdict("mount_overlay", true, "", no_text);
}

/* --- Creating a container --- */

static bool id_ok(struct json_val rule, struct json_val input)
{
	struct json_val strategy = json_get(rule, "strategy"), pattern = json_get(rule, "pattern");

	if (json_is(strategy, "any"))
		return true;
	if (json_is(strategy, "id"))
		return same(pattern, json_get(input, "id"));
	if (json_is(strategy, "name"))
		return same(pattern, json_get(input, "name"));
	return json_is(strategy, "re2") && matches(text_of(pattern), text_of(json_get(input, "name")));
}

static bool user_ok(struct json_val c, struct json_val r)
{
	struct json_val user = json_get(c, "user"), rules = json_get(user, "group_idnames"), groups = json_get(r, "groups");

	if (!same(json_get(user, "umask"), json_get(r, "umask")) || !id_ok(json_get(user, "user_idname"), json_get(r, "user")))
		return false;
	for (struct json_val g = json_at(groups, 0); json_present(g); g = json_next(groups, g)) {
		bool ok = false;

		for (struct json_val i = json_at(rules, 0); json_present(i) && !ok; i = json_next(rules, i))
			ok = id_ok(i, g);
		if (!ok)
			return false;
	}
	return true;
}

static bool no_new_privileges_ok(struct json_val c, struct json_val r)
{
	return !is_true(json_get(c, "no_new_privileges")) || is_true(json_get(r, "noNewPrivileges"));
}

static bool privileged_ok(struct json_val c, struct json_val r)
{
	return !is_true(json_get(r, "privileged")) || is_true(json_get(c, "allow_elevated"));
}

static bool working_dir_ok(struct json_val c, struct json_val r)
{
	return same(json_get(c, "working_dir"), json_get(r, "workingDir"));
}

static bool command_ok(struct json_val c, struct json_val r)
{
	return lists_equal(json_get(c, "command"), json_get(r, "argList"));
}

static bool seccomp_ok(struct json_val c, struct json_val r)
{
	return span_eq(json_raw(json_get(c, "seccomp_profile_sha256")), json_raw(json_get(r, "seccompProfileSHA256")));
}

static bool devices_ok(struct json_val c, struct json_val r)
{
	(void)c;
	return json_size(json_get(r, "devices")) == 0;
}

/* What every container has, known by place and type; the options are compared no further than read-only. */
static bool built_in_mount(struct json_val m, struct json_val r)
{
	static const struct {
		const char *destination, *type;
		bool read_only;
	} table[] = {
		{ "/proc", "proc", false }, { "/dev", "tmpfs", false }, { "/dev/pts", "devpts", false }, { "/dev/shm", "tmpfs", false },
		{ "/dev/mqueue", "mqueue", false }, { "/sys", "sysfs", true }, { "/run", "tmpfs", false }, { "/sys/fs/cgroup", "cgroup", true },
	};
	static const char *const binds[] = { "hostname", "hosts", "resolv.conf" };
	struct span destination = json_raw(json_get(m, "destination")), source = json_raw(json_get(m, "source"));
	struct span sandbox = json_raw(json_get(r, "sandboxDir"));
	struct json_val options = json_get(m, "options");
	bool read_only = false;

	for (struct json_val i = json_at(options, 0); json_present(i); i = json_next(options, i))
		read_only = read_only || json_is(i, "ro");
	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (span_eq_str(destination, table[i].destination) && json_is(json_get(m, "type"), table[i].type))
			return read_only || !table[i].read_only;
	for (size_t i = 0; i < sizeof binds / sizeof binds[0]; i++)
		if (span_starts(destination, "/etc/") && span_eq_str(span_sub(destination, 5, destination.n), binds[i]))
			return sandbox.n && source.n > sandbox.n && span_eq(span_sub(source, 0, sandbox.n), sandbox) &&
			       source.p[sandbox.n] == '/' && span_eq_str(span_sub(source, sandbox.n + 1, source.n), binds[i]);
	return false;
}

/* "sandbox://" in a rule stands for the pod's own directory of mounts. */
static bool source_ok(struct json_val rule, struct json_val m, struct json_val r)
{
	uint8_t text[4096];
	struct out o = out_init(text, sizeof text);
	struct span pattern = text_of(json_get(rule, "source")), source = text_of(json_get(m, "source"));

	if (span_starts(pattern, "sandbox://")) {
		out_put(&o, text_of(json_get(r, "sandboxDir")));
		pattern = span_sub(pattern, 10, pattern.n);
	} else if (span_starts(pattern, "hugepages://")) {
		out_put(&o, text_of(json_get(r, "hugePagesDir")));
		pattern = span_sub(pattern, 12, pattern.n);
	} else if (span_eq(pattern, source)) {
		return true;
	}
	out_put(&o, pattern);
	return !o.bad && matches(out_span(&o), source);
}

static bool mount_ok(struct json_val rules, struct json_val m, struct json_val r)
{
	struct json_val options = json_get(m, "options");

	if (built_in_mount(m, r))
		return true;
	for (struct json_val rule = json_at(rules, 0); json_present(rule); rule = json_next(rules, rule))
		if (same(json_get(rule, "type"), json_get(m, "type")) && same(json_get(rule, "destination"), json_get(m, "destination")) &&
		    subset(options, json_get(rule, "options")) && subset(json_get(rule, "options"), options) && source_ok(rule, m, r))
			return true;
	return false;
}

static bool mounts_ok(struct json_val c, struct json_val r)
{
	struct json_val mounts = json_get(r, "mounts");

	for (struct json_val m = json_at(mounts, 0); json_present(m); m = json_next(mounts, m))
		if (!mount_ok(json_get(c, "mounts"), m, r))
			return false;
	return true;
}

typedef bool (*check_fn)(struct json_val c, struct json_val r);

struct check {
	const char *rule;
	check_fn ok;
};

static const struct check create_checks[] = {
	{ "no_new_privileges", no_new_privileges_ok }, { "user", user_ok }, { "allow_elevated", privileged_ok },
	{ "working_dir", working_dir_ok }, { "command", command_ok }, { "mounts", mounts_ok }, { "seccomp_profile_sha256", seccomp_ok },
	{ "devices", devices_ok },
};

/* Drops the candidates that a check refuses, one check after the other; names the one that left none. */
static const char *narrow(uint64_t *candidates, const struct check *checks, size_t n, struct json_val r)
{
	for (size_t k = 0; k < n; k++) {
		uint64_t left = 0;

		for (size_t i = 0; i < CONTAINERS_MAX; i++)
			if (*candidates >> i & 1 && checks[k].ok(container(i), r))
				left |= (uint64_t)1 << i;
		*candidates = left;
		if (!left)
			return checks[k].rule;
	}
	return NULL;
}

/* --- Environment --- */

static bool rule_takes(struct json_val rule, struct json_val variable)
{
	if (json_is(json_get(rule, "strategy"), "re2"))
		return matches(text_of(json_get(rule, "pattern")), text_of(variable));
	return json_is(json_get(rule, "strategy"), "string") && same(json_get(rule, "pattern"), variable);
}

/* One bit for each variable of the request. */
struct chosen {
	uint64_t bits[LIST_MAX / 64];
	size_t n;
};

static void choose(struct chosen *s, size_t i)
{
	s->bits[i / 64] |= (uint64_t)1 << (i % 64);
	s->n++;
}

static bool is_chosen(const struct chosen *s, size_t i)
{
	return (s->bits[i / 64] >> (i % 64) & 1) != 0;
}

static bool chosen_equal(const struct chosen *a, const struct chosen *b)
{
	bool equal = true;

	for (size_t i = 0; i < LIST_MAX / 64; i++)
		equal = equal && a->bits[i] == b->bits[i];
	return equal;
}

static struct chosen variables_of(struct json_val rules, struct json_val list)
{
	struct chosen s = { { 0 }, 0 };
	size_t i = 0;

	for (struct json_val v = json_at(list, 0); json_present(v); v = json_next(list, v), i++)
		for (struct json_val rule = json_at(rules, 0); json_present(rule); rule = json_next(rules, rule))
			if (rule_takes(rule, v)) {
				choose(&s, i);
				break;
			}
	return s;
}

/* Every rule that is required takes one of the chosen variables. */
static bool required_there(struct json_val rules, struct json_val list, const struct chosen *s)
{
	for (struct json_val rule = json_at(rules, 0); json_present(rule); rule = json_next(rules, rule)) {
		bool there = !is_true(json_get(rule, "required"));
		size_t i = 0;

		for (struct json_val v = json_at(list, 0); json_present(v) && !there; v = json_next(list, v), i++)
			there = is_chosen(s, i) && rule_takes(rule, v);
		if (!there)
			return false;
	}
	return true;
}

/* The largest set of variables that some candidate takes, when dropping is allowed; else all. Sets of one size must agree. */
static bool choose_variables(uint64_t candidates, struct json_val list, struct chosen *best)
{
	bool first = true;

	*best = (struct chosen){ { 0 }, 0 };
	if (!flag("allow_environment_variable_dropping")) {
		for (size_t i = 0; i < json_size(list); i++)
			choose(best, i);
		return true;
	}
	for (size_t i = 0; i < CONTAINERS_MAX; i++)
		if (candidates >> i & 1) {
			struct chosen s = variables_of(json_get(container(i), "env_rules"), list);

			if (first || s.n > best->n)
				*best = s;
			first = false;
		}
	for (size_t i = 0; i < CONTAINERS_MAX; i++)
		if (candidates >> i & 1) {
			struct chosen s = variables_of(json_get(container(i), "env_rules"), list);

			if (s.n == best->n && !chosen_equal(&s, best))
				return false;
		}
	return true;
}

static uint64_t takes_variables(uint64_t candidates, struct json_val list, const struct chosen *s)
{
	uint64_t left = 0;

	for (size_t i = 0; i < CONTAINERS_MAX; i++)
		if (candidates >> i & 1) {
			struct json_val rules = json_get(container(i), "env_rules");
			struct chosen own = variables_of(rules, list);
			bool all = true;

			for (size_t j = 0; j < LIST_MAX / 64; j++)
				all = all && (s->bits[j] & ~own.bits[j]) == 0;
			if (all && required_there(rules, list, s))
				left |= (uint64_t)1 << i;
		}
	return left;
}

/* --- Capabilities: dropping keeps what both sides have, so it never denies; without it the lists must be equal --- */

static bool capabilities_ok(struct json_val c, struct json_val r)
{
	static const char *const sets[] = { "bounding", "effective", "inheritable", "permitted", "ambient" };
	struct json_val have = json_get(c, "capabilities"), asked = json_get(r, "capabilities");

	for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
		struct json_val a = json_get(have, sets[i]), b = json_get(asked, sets[i]);

		if (!flag("allow_capability_dropping") && (!subset(a, b) || !subset(b, a)))
			return false;
	}
	return true;
}

static void tell_created(uint64_t candidates, struct json_val list, const struct chosen *s)
{
	bool stdio = false;
	size_t i = 0;

	for (size_t k = CONTAINERS_MAX; k-- > 0;)
		if (candidates >> k & 1)
			stdio = is_true(json_get(container(k), "allow_stdio_access"));
	for (struct json_val v = json_at(list, 0); json_present(v); v = json_next(list, v), i++) {
		out_str(S.o, is_chosen(s, i) ? "      keeps " : "      drops ");
		for (size_t k = 0; k < json_raw(v).n; k++)
			out_byte(S.o, json_raw(v).p[k] >= 0x20 && json_raw(v).p[k] < 0x7f ? json_raw(v).p[k] : '?');
		out_byte(S.o, '\n');
	}
	out_str(S.o, stdio ? "      input and output are open\n" : "      no input, no output\n");
}

static bool stdio_agrees(uint64_t candidates)
{
	bool yes = false, no = false;

	for (size_t i = 0; i < CONTAINERS_MAX; i++)
		if (candidates >> i & 1)
			*(is_true(json_get(container(i), "allow_stdio_access")) ? &yes : &no) = true;
	return !(yes && no);
}

/* The request's own "layers" stand for mounts that nobody spelt out. */
static struct match *assume_mounted(struct span id, struct json_val layers)
{
	struct match *m = json_size(layers) ? new_match(id, no_text) : NULL;
	size_t i = 0;

	for (struct json_val c = json_at(S.containers, 0); m && json_present(c); c = json_next(S.containers, c), i++)
		if (lists_equal(json_get(c, "layers"), layers))
			m->candidates |= (uint64_t)1 << i;
	return m;
}

static bool create_container(struct json_val r)
{
	struct span id = text_of(json_get(r, "containerID"));
	struct json_val list = json_get(r, "envList");
	struct match *m = match_of(id);
	struct chosen s;
	const char *rule;
	uint64_t left;

	if (!m)
		m = assume_mounted(id, json_get(r, "layers"));
	if (!m || !m->candidates)
		return verdict("create_container", false, "layers: nothing of the policy is mounted for this container", id);
	if (m->created)
		return verdict("create_container", false, "containerID: already created", id);
	if (json_size(list) > LIST_MAX) {
		S.failed = why_say(S.why, ERR_TOO_BIG, "too many variables in a request");
		return false;
	}
	left = m->candidates;
	rule = narrow(&left, create_checks, sizeof create_checks / sizeof create_checks[0], r);
	if (rule)
		return verdict("create_container", false, rule, no_text);
	if (!choose_variables(left, list, &s))
		return verdict("create_container", false, "env_rules: two containers would keep different variables", no_text);
	left = takes_variables(left, list, &s);
	if (!left)
		return verdict("create_container", false, "env_rules: a variable is not allowed, or a required one is missing", no_text);
	rule = narrow(&left, &(struct check){ "capabilities", capabilities_ok }, 1, r);
	if (rule)
		return verdict("create_container", false, rule, no_text);
	if (!stdio_agrees(left))
		return verdict("create_container", false, "allow_stdio_access: containers that match disagree", no_text);
	m->candidates = left;
	m->created = true;
	verdict("create_container", true, "", no_text);
	tell_created(left, list, &s);
	return true;
}

/* --- Running containers --- */

static struct match *running(struct json_val r)
{
	struct match *m = match_of(text_of(json_get(r, "containerID")));

	return m && m->created ? m : NULL;
}

static bool same_command(struct json_val process, struct json_val r)
{
	return lists_equal(json_get(process, "command"), json_get(r, "argList"));
}

static bool may_exec(struct json_val c, struct json_val r)
{
	struct json_val list = json_get(c, "exec_processes");

	for (struct json_val x = json_at(list, 0); json_present(x); x = json_next(list, x))
		if (same_command(x, r) && working_dir_ok(c, r) && user_ok(c, r) && no_new_privileges_ok(c, r))
			return true;
	return false;
}

static bool exec_in_container(struct json_val r)
{
	const struct match *m = running(r);
	uint64_t left = m ? m->candidates : 0;
	struct chosen s;

	if (!m)
		return verdict("exec_in_container", false, "containerID: not running", json_raw(json_get(r, "containerID")));
	if (narrow(&left, &(struct check){ "exec_processes", may_exec }, 1, r))
		return verdict("exec_in_container", false, "exec_processes", no_text);
	if (!choose_variables(left, json_get(r, "envList"), &s) || !takes_variables(left, json_get(r, "envList"), &s))
		return verdict("exec_in_container", false, "env_rules", no_text);
	return verdict("exec_in_container", true, "", no_text);
}

static bool exec_external(struct json_val r)
{
	struct json_val list = rego_read_value(S.p, "external_processes");

	for (struct json_val x = json_at(list, 0); json_present(x); x = json_next(list, x))
		if (same_command(x, r))
			return verdict("exec_external", true, "", no_text);
	return verdict("exec_external", false, "external_processes", no_text);
}

static bool shutdown_container(struct json_val r)
{
	return verdict("shutdown_container", running(r) != NULL, "containerID: not running", json_raw(json_get(r, "containerID")));
}

/* Framework 0.2.3 adds SIGKILL (9) and SIGTERM (15) for the first process by itself. */
static bool signal_container_process(struct json_val r)
{
	const struct match *m = running(r);
	bool init = is_true(json_get(r, "isInitProcess"));
	uint64_t signal, number;

	if (!m || json_u64(json_get(r, "signal"), &signal) != ERR_OK)
		return verdict("signal_container_process", false, "containerID: not running, or no signal number", no_text);
	if (init && (signal == 9 || signal == 15))
		return verdict("signal_container_process", true, "", no_text);
	for (size_t i = 0; i < CONTAINERS_MAX; i++) {
		struct json_val c = container(i), list = json_get(c, "exec_processes");

		if (!(m->candidates >> i & 1))
			continue;
		for (struct json_val n = json_at(json_get(c, "signals"), 0); init && json_present(n); n = json_next(json_get(c, "signals"), n))
			if (json_u64(n, &number) == ERR_OK && number == signal)
				return verdict("signal_container_process", true, "", no_text);
		for (struct json_val x = json_at(list, 0); !init && json_present(x); x = json_next(list, x))
			for (struct json_val n = json_at(json_get(x, "signals"), 0); json_present(n); n = json_next(json_get(x, "signals"), n))
				if (same_command(x, r) && json_u64(n, &number) == ERR_OK && number == signal)
					return verdict("signal_container_process", true, "", no_text);
	}
	return verdict("signal_container_process", false, "signals", no_text);
}

/* --- The rest --- */

static bool svn_enough(struct json_val rule, struct json_val r)
{
	struct json_val least = json_get(rule, "minimum_svn");
	uint64_t want, have;

	return json_u64_lenient(least, &want) == ERR_OK && json_u64_lenient(json_get(r, "svn"), &have) == ERR_OK && have >= want;
}

static bool load_fragment(struct json_val r)
{
	struct json_val list = rego_read_value(S.p, "fragments");
	bool source = false;

	for (struct json_val f = json_at(list, 0); json_present(f); f = json_next(list, f)) {
		if (!same(json_get(f, "issuer"), json_get(r, "issuer")) || !same(json_get(f, "feed"), json_get(r, "feed")))
			continue;
		source = true;
		if (svn_enough(f, r))
			return verdict("load_fragment", true, "", no_text);
	}
	return verdict("load_fragment", false, source ? "minimum_svn" : "fragments: neither this issuer nor this feed", no_text);
}

static bool plan9_mount(struct json_val r)
{
	struct span target = text_of(json_get(r, "target"));

	for (size_t i = 0; i < S.n_matches; i++) {
		struct span dir = S.match[i].overlay;

		if (dir.n && target.n > dir.n && span_eq(span_sub(target, 0, dir.n), dir))
			return verdict("plan9_mount", true, "", no_text);
	}
	return verdict("plan9_mount", false, "target: not below the directory of a known container", target);
}

static bool unmount_overlay(struct json_val r)
{
	struct span target = text_of(json_get(r, "unmountTarget")).n ? text_of(json_get(r, "unmountTarget")) : text_of(json_get(r, "target"));

	for (size_t i = 0; i < S.n_matches; i++)
		if (S.match[i].overlay.n && span_eq(S.match[i].overlay, target)) {
			S.match[i].overlay = no_text;
			return verdict("unmount_overlay", true, "", no_text);
		}
	return verdict("unmount_overlay", false, "target: nothing is mounted there", target);
}

static bool scratch_mount(struct json_val r)
{
	return verdict("scratch_mount", is_true(json_get(r, "encrypted")) || flag("allow_unencrypted_scratch"),
		"allow_unencrypted_scratch", no_text);
}

static bool scratch_unmount(struct json_val r)
{
	(void)r;
	return verdict("scratch_unmount", true, "", no_text);
}

static bool get_properties(struct json_val r)
{
	(void)r;
	return verdict("get_properties", flag("allow_properties_access"), "allow_properties_access", no_text);
}

static bool dump_stacks(struct json_val r)
{
	(void)r;
	return verdict("dump_stacks", flag("allow_dump_stacks"), "allow_dump_stacks", no_text);
}

static bool runtime_logging(struct json_val r)
{
	(void)r;
	return verdict("runtime_logging", flag("allow_runtime_logging"), "allow_runtime_logging", no_text);
}

static bool host_network(struct json_val r)
{
	(void)r;
	return verdict("host_network", false, "not allowed by policies of this api version", no_text);
}

static const struct {
	const char *name;
	bool (*run)(struct json_val r);
	bool implied; /* the guest has a default when the policy, older than the point, does not define it */
} points[] = {
	{ "mount_device", mount_device, false }, { "unmount_device", unmount_device, false },
	{ "rw_mount_device", rw_mount_device, true }, { "mount_overlay", mount_overlay, false },
	{ "unmount_overlay", unmount_overlay, false }, { "create_container", create_container, false },
	{ "exec_in_container", exec_in_container, false }, { "exec_external", exec_external, false },
	{ "shutdown_container", shutdown_container, false }, { "signal_container_process", signal_container_process, false },
	{ "plan9_mount", plan9_mount, false }, { "get_properties", get_properties, false }, { "dump_stacks", dump_stacks, false },
	{ "runtime_logging", runtime_logging, false }, { "load_fragment", load_fragment, false },
	{ "scratch_mount", scratch_mount, false }, { "scratch_unmount", scratch_unmount, false }, { "host_network", host_network, true },
};

/* Does the policy leave this point to the framework? Missing: denied. Anything else: not for us to judge. */
static enum err judge(const char *name, bool implied, bool *ask)
{
	const struct rego_statement *s = rego_read_statement(S.p, name);

	*ask = false;
	if (!s) {
		*ask = implied;
		if (!implied)
			verdict(name, false, "the policy does not define this request", no_text);
		return ERR_OK;
	}
	if (s->kind == REGO_VALUE && is_true(json_get(json_root(&s->doc), "allowed"))) {
		verdict(name, true, "", no_text);
		return ERR_OK;
	}
	if (s->kind != REGO_WORD || !span_starts(s->word, "data.framework.") || !span_eq(span_sub(s->word, 15, s->word.n), s->name))
		return why_set(S.why, ERR_RANGE, "the policy decides this request by a rule of its own", s->name);
	*ask = true;
	return ERR_OK;
}

static enum err run_one(struct json_val r)
{
	struct json_val point = json_get(r, "point");
	bool ask;

	if (json_type_of(r) != JSON_OBJECT || json_type_of(point) != JSON_STRING)
		return why_say(S.why, ERR_SYNTAX, "a request is an object with \"point\", the name of an enforcement point");
	for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
		enum err e;

		if (!json_is(point, points[i].name))
			continue;
		e = judge(points[i].name, points[i].implied, &ask);
		if (e == ERR_OK && ask)
			points[i].run(r);
		return e == ERR_OK ? S.failed : e;
	}
	return why_set(S.why, ERR_RANGE, "no such enforcement point", json_raw(point));
}

enum err simulate_run(const struct rego_policy *p, struct json_val requests, struct out *o, size_t *denied, struct why *why)
{
	enum err e = ERR_OK;

	S.p = p;
	S.containers = rego_read_value(p, "containers");
	S.o = o;
	S.why = why;
	S.failed = ERR_OK;
	S.n_devices = S.n_matches = S.denied = 0;
	if (p->n_unknown)
		return why_set(why, ERR_RANGE, "the policy holds statements that were not understood", span_str(p->unknown));
	if (json_size(S.containers) > CONTAINERS_MAX)
		return why_say(why, ERR_TOO_BIG, "too many containers in the policy");
	if (json_type_of(requests) == JSON_OBJECT)
		e = run_one(requests);
	for (struct json_val r = json_at(requests, 0); json_present(r) && e == ERR_OK; r = json_next(requests, r))
		e = run_one(r);
	if (json_type_of(requests) != JSON_OBJECT && json_type_of(requests) != JSON_ARRAY)
		e = why_say(why, ERR_SYNTAX, "requests are an object or an array of them");
	if (e == ERR_OK && o->bad)
		e = why_say(why, ERR_TOO_BIG, "too many verdicts");
	*denied = S.denied;
	return e;
}
