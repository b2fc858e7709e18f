/* What the guest would answer. Inputs and order of the checks: cce-policy.md section 5; the
 * framework narrows the list of containers step by step, and the step that leaves none is the one
 * that is named. */
#include "policy/simulate.h"

#include <string.h>

#include "policy/container.h"

#define CONTAINERS_MAX 64
#define DEVICES_MAX 256
#define MATCHES_MAX 256
#define LIST_MAX 512

/* What the guest passes as patterns of mount points when a request does not say. */
#define LAYER_TARGETS "/run/mounts/scsi/m[0-9]+"
#define SCRATCH_TARGETS "/run/gcs/c/[0-9a-fA-F]{64}"
#define CONTAINERS_DIR "/run/gcs/c"
#define PLAN9_TARGETS "/mounts/m[0-9]+"

enum place_kind { PLACE_LAYER, PLACE_WRITABLE, PLACE_OVERLAY, PLACE_PLAN9, PLACE_SCRATCH };

/* Where something is mounted. about: a layer's hash. */
struct place {
	enum place_kind kind;
	struct span target, about;
};

/* A container id, and which containers of the policy it may be: none after a shutdown. */
struct match {
	struct span id;
	uint64_t candidates;
	bool created, privileged;
};

static struct {
	const struct rego_policy *p;
	struct json_val containers;
	struct container_view view;
	struct out *o;
	struct why *why;
	size_t n_places, n_matches, refused;
	struct place place[DEVICES_MAX];
	struct match match[MATCHES_MAX];
} S;

static const struct span no_text = { NULL, 0 };

/* --- Small helpers --- */

static struct span field(struct json_val r, const char *name)
{
	return rego_text(json_get(r, name));
}

static struct span field_or(struct json_val r, const char *name, const char *usual)
{
	return json_present(json_get(r, name)) ? field(r, name) : span_str(usual);
}

static bool flag(const char *name)
{
	return guest_flag(S.p, name);
}

static void put_text(struct span s)
{
	for (size_t i = 0; i < s.n && i < 4096; i++) {
		if (s.p[i] >= 0x20 && s.p[i] < 0x7f) {
			out_byte(S.o, s.p[i]);
		} else {
			out_str(S.o, "\\x");
			out_hex(S.o, s.p + i, 1);
		}
	}
}

static void put_line(const char *mark, const char *point, const char *rule, struct span about)
{
	out_str(S.o, mark);
	out_str(S.o, point);
	if (rule[0]) {
		out_str(S.o, ": ");
		out_str(S.o, rule);
		if (about.n)
			out_str(S.o, ": ");
		put_text(span_sub(about, 0, 200));
	}
	out_byte(S.o, '\n');
}

static bool unjudged(const char *point, const char *reason, struct span about)
{
	put_line("?     ", point, reason, about);
	S.refused++;
	return false;
}

/* The verdict's line. True only when it is "allow": then the request takes effect. */
static bool verdict(const char *point, bool allowed, const char *rule, struct span about)
{
	if (S.view.no_judgement)
		return unjudged(point,
			"cannot be judged: a pattern that this program does not know",
			S.view.pattern);
	put_line(allowed ? "allow " : "deny  ", point, allowed ? "" : rule, about);
	S.refused += !allowed;
	return allowed;
}

static struct match *match_of(struct span id)
{
	for (size_t i = 0; i < S.n_matches; i++)
		if (span_eq(S.match[i].id, id))
			return &S.match[i];
	return NULL;
}

static struct place *place_at(enum place_kind kind, struct span target)
{
	for (size_t i = 0; i < S.n_places; i++)
		if (S.place[i].kind == kind && span_eq(S.place[i].target, target))
			return &S.place[i];
	return NULL;
}

/* False, with a line, when there is no room: the guest has no such limit. */
static bool room_for(const char *point)
{
	return S.n_places < DEVICES_MAX && S.n_matches < MATCHES_MAX
		       ? true
		       : unjudged(point,
				 "cannot be judged: more mounts or containers than this program holds",
				 no_text);
}

static void place_add(enum place_kind kind, struct span target, struct span about)
{
	S.place[S.n_places++] = (struct place){ kind, target, about };
}

static bool unmount(const char *point, enum place_kind kind, struct json_val r)
{
	struct span target = json_present(json_get(r, "unmountTarget")) ? field(r, "unmountTarget")
									: field(r, "target");
	struct place *at = place_at(kind, target);

	if (!verdict(point, at != NULL, "target: nothing is mounted there", target))
		return false;
	*at = S.place[--S.n_places];
	return true;
}

/* --- Mounts of disks and overlays --- */

/* The framework looks at the policy's own list here, whatever its version. */
static bool some_layer(struct span hash)
{
	struct json_val list = rego_read_value(S.p, "containers");

	for (struct json_val c = json_at(list, 0); json_present(c); c = json_next(list, c))
		for (struct json_val l = json_at(json_get(c, "layers"), 0); json_present(l);
			l = json_next(json_get(c, "layers"), l))
			if (json_type_of(l) == JSON_STRING && span_eq(rego_text(l), hash))
				return true;
	return false;
}

static bool target_used(struct span target)
{
	return place_at(PLACE_LAYER, target) || place_at(PLACE_WRITABLE, target);
}

static void mount_device(const char *point, struct json_val r)
{
	struct span hash = field(r, "deviceHash"), target = field(r, "target");

	if (!some_layer(hash))
		(void)verdict(point, false, "deviceHash: no container has this layer", hash);
	else if (target_used(target))
		(void)verdict(point, false, "target: already in use", target);
	else if (verdict(point,
			 container_matches(
				 &S.view, field_or(r, "mountPathRegex", LAYER_TARGETS), target),
			 "target: not where layers are mounted (" LAYER_TARGETS ")", target) &&
		 room_for(point))
		place_add(PLACE_LAYER, target, hash);
}

static void unmount_device(const char *point, struct json_val r)
{
	(void)unmount(point, PLACE_LAYER, r);
}

static void rw_mount_device(const char *point, struct json_val r)
{
	struct span fs = field(r, "filesystem"), target = field(r, "target");

	if (!guest_truth(json_get(r, "encrypted")) && !flag("allow_unencrypted_scratch"))
		(void)verdict(point, false, "encrypted: a writable disk must be", no_text);
	else if (!guest_truth(json_get(r, "ensureFilesystem")) ||
		 (!span_eq_str(fs, "ext4") && !span_eq_str(fs, "xfs")))
		(void)verdict(point, false, "filesystem: must be made anew, ext4 or xfs", fs);
	else if (target_used(target))
		(void)verdict(point, false, "target: already in use", target);
	else if (verdict(point,
			 container_matches(
				 &S.view, field_or(r, "mountPathRegex", SCRATCH_TARGETS), target),
			 "target: not where writable disks are mounted (" SCRATCH_TARGETS ")",
			 target) &&
		 room_for(point))
		place_add(PLACE_WRITABLE, target, no_text);
}

/* The overlay's layers, top first, are those of the container, base first. */
static bool overlay_is(struct json_val paths, struct json_val layers)
{
	size_t n = json_size(layers), i = 0;

	if (n != json_size(paths) || json_type_of(layers) != JSON_ARRAY)
		return false;
	for (struct json_val p = json_at(paths, 0); json_present(p); p = json_next(paths, p), i++) {
		const struct place *d = place_at(PLACE_LAYER, rego_text(p));

		if (!d || !span_eq(rego_text(json_at(layers, n - 1 - i)), d->about))
			return false;
	}
	return true;
}

static bool layers_are(struct json_val wanted, struct json_val layers)
{
	struct json_val x = json_at(wanted, 0), y = json_at(layers, 0);

	for (; json_present(x) && json_present(y);
		x = json_next(wanted, x), y = json_next(layers, y))
		if (!rego_same(x, y))
			return false;
	return json_type_of(layers) == JSON_ARRAY && !json_present(x) && !json_present(y);
}

/* Containers with these layers. Older policies are brought up to date first, and that leaves out
 * incomplete ones. */
static uint64_t containers_with(
	struct json_val layers, bool (*same)(struct json_val, struct json_val))
{
	uint64_t candidates = 0;
	size_t i = 0;

	for (struct json_val c = json_at(S.containers, 0); json_present(c);
		c = json_next(S.containers, c), i++)
		if ((S.view.framework >= GUEST_FRAMEWORK ||
			    !guest_container_lacks(c, S.view.framework)) &&
			same(layers, json_get(c, "layers")))
			candidates |= (uint64_t)1 << i;
	return candidates;
}

/* The entry of an id; a new one when there is none. There is room. */
static struct match *match_make(struct span id, uint64_t candidates)
{
	struct match *m = match_of(id);

	if (!m) {
		m = &S.match[S.n_matches++];
		*m = (struct match){ .id = id };
	}
	m->candidates = candidates;
	return m;
}

static void mount_overlay(const char *point, struct json_val r)
{
	struct span id = field(r, "containerID"), target = field(r, "target");
	const struct match *m = match_of(id);
	uint64_t candidates = containers_with(json_get(r, "layerPaths"), overlay_is);

	if (m && m->candidates)
		(void)verdict(point, false, "containerID: already has an overlay", id);
	else if (place_at(PLACE_OVERLAY, target))
		(void)verdict(point, false, "target: already in use", target);
	else if (verdict(point, candidates != 0,
			 "layerPaths: no container consists of exactly these layers", no_text) &&
		 room_for(point)) {
		match_make(id, candidates);
		place_add(PLACE_OVERLAY, target, no_text);
	}
}

static void unmount_overlay(const char *point, struct json_val r)
{
	(void)unmount(point, PLACE_OVERLAY, r);
}

/* --- Narrowing --- */

/* The containers, or external processes, that a request may still mean. */
struct pool {
	struct json_val list;
	uint64_t left;
	bool privileged;
};

static struct json_val member(const struct pool *p, size_t i)
{
	return json_at(p->list, i);
}

static bool in_pool(const struct pool *p, size_t i)
{
	return (p->left >> i & 1) != 0;
}

struct check {
	const char *rule;
	container_check *ok;
};

static const struct check create_checks[] = {
	{ "a member of the container is missing", container_complete },
	{ "no_new_privileges", container_no_new_privileges }, { "user", container_user }, { "allow_elevated", container_privileged },
	{ "working_dir", container_working_dir }, { "command", container_command }, { "mounts", container_mounts },
	{ "seccomp_profile_sha256", container_seccomp }, { "devices", container_no_devices }, { NULL, NULL },
}, exec_checks[] = {
	{ "exec_processes", container_exec }, { "working_dir", container_working_dir },
	{ "no_new_privileges", container_no_new_privileges }, { "user", container_user }, { NULL, NULL },
}, external_checks[] = {
	{ "external_processes", container_command }, { "working_dir", container_working_dir }, { NULL, NULL },
};

/* Drops what a check refuses, one check after the other; names the one that left none. */
static const char *narrow(struct pool *p, const struct check *checks, struct json_val r)
{
	for (size_t k = 0; checks[k].rule; k++) {
		for (size_t i = 0; i < CONTAINERS_MAX; i++)
			if (in_pool(p, i) && !checks[k].ok(&S.view, member(p, i), r))
				p->left &= ~((uint64_t)1 << i);
		if (!p->left)
			return checks[k].rule;
	}
	return NULL;
}

/* --- Environment --- */

/* One bit for each variable of the request; n counts different ones. */
struct chosen {
	uint64_t bits[LIST_MAX / 64];
	size_t n;
};

static bool is_chosen(const struct chosen *s, size_t i)
{
	return (s->bits[i / 64] >> (i % 64) & 1) != 0;
}

static bool all_chosen(const struct chosen *s, const struct chosen *in)
{
	for (size_t i = 0; i < LIST_MAX / 64; i++)
		if (s->bits[i] & ~in->bits[i])
			return false;
	return true;
}

static bool rules_take(struct json_val c, struct json_val variable)
{
	struct json_val rules;

	for (size_t i = 0; container_rules(&S.view, c, i, "env_rules", &rules); i++)
		for (struct json_val rule = json_at(rules, 0); json_present(rule);
			rule = json_next(rules, rule))
			if (container_rule_takes(&S.view, rule, variable))
				return true;
	return false;
}

static bool seen_before(struct json_val list, struct json_val variable)
{
	for (struct json_val v = json_at(list, 0); v.i != variable.i; v = json_next(list, v))
		if (rego_same(v, variable))
			return true;
	return false;
}

static struct chosen variables_of(struct json_val c, struct json_val list)
{
	struct chosen s = { { 0 }, 0 };
	size_t i = 0;

	for (struct json_val v = json_at(list, 0); json_present(v); v = json_next(list, v), i++)
		if (rules_take(c, v)) {
			s.bits[i / 64] |= (uint64_t)1 << (i % 64);
			s.n += !seen_before(list, v);
		}
	return s;
}

/* The rule, when it is required, takes one of the chosen variables. */
static bool rule_satisfied(struct json_val rule, struct json_val list, const struct chosen *s)
{
	size_t i = 0;

	if (!guest_truth(json_get(rule, "required")))
		return true;
	for (struct json_val v = json_at(list, 0); json_present(v); v = json_next(list, v), i++)
		if (is_chosen(s, i) && container_rule_takes(&S.view, rule, v))
			return true;
	return false;
}

static bool required_there(struct json_val c, struct json_val list, const struct chosen *s)
{
	struct json_val rules;

	for (size_t i = 0; container_rules(&S.view, c, i, "env_rules", &rules); i++)
		for (struct json_val rule = json_at(rules, 0); json_present(rule);
			rule = json_next(rules, rule))
			if (!rule_satisfied(rule, list, s))
				return false;
	return true;
}

/* The largest set of variables that one of the pool takes, when dropping is allowed; else all. Sets
 * of one size must agree. */
static bool choose_variables(const struct pool *p, struct json_val list, struct chosen *best)
{
	struct chosen s;
	bool agree = true, first = true;

	*best = (struct chosen){ { 0 }, json_size(list) };
	for (size_t i = 0; i < json_size(list); i++)
		best->bits[i / 64] |= (uint64_t)1 << (i % 64);
	if (!flag("allow_environment_variable_dropping"))
		return true;
	for (size_t i = 0; i < CONTAINERS_MAX; i++) {
		if (!in_pool(p, i))
			continue;
		s = variables_of(member(p, i), list);
		if (first || s.n > best->n)
			agree = true;
		else if (s.n == best->n)
			agree = agree && all_chosen(&s, best) && all_chosen(best, &s);
		if (first || s.n > best->n)
			*best = s;
		first = false;
	}
	return agree;
}

static bool narrow_by_variables(struct pool *p, struct json_val list, const struct chosen *s)
{
	for (size_t i = 0; i < CONTAINERS_MAX; i++) {
		struct chosen own;

		if (!in_pool(p, i))
			continue;
		own = variables_of(member(p, i), list);
		if (!all_chosen(s, &own) || !required_there(member(p, i), list, s))
			p->left &= ~((uint64_t)1 << i);
	}
	return p->left != 0;
}

/* Both steps; the rule that denies, or NULL with the variables that are kept. */
static const char *narrow_variables(struct pool *p, struct json_val list, struct chosen *s)
{
	if (!choose_variables(p, list, s))
		return "env_rules: two containers would keep different variables";
	if (!narrow_by_variables(p, list, s))
		return "env_rules: a variable is not allowed, or a required one is missing";
	return NULL;
}

static void tell_variables(struct json_val list, const struct chosen *s)
{
	size_t i = 0;

	for (struct json_val v = json_at(list, 0); json_present(v); v = json_next(list, v), i++) {
		out_str(S.o, is_chosen(s, i) ? "      keeps " : "      drops ");
		put_text(rego_text(v));
		out_byte(S.o, '\n');
	}
}

/* --- Capabilities: as with variables, but what is kept must be all that a container lists --- */

static const char *narrow_capabilities(struct pool *p, struct json_val r)
{
	struct container_caps best = { { 0 }, 0 }, caps;
	bool dropping = flag("allow_capability_dropping"), first = true, agree = true;

	for (size_t i = 0; i < CONTAINERS_MAX && dropping; i++) {
		if (!in_pool(p, i) ||
			!container_caps_kept(&S.view, member(p, i), r, p->privileged, &caps))
			continue;
		if (first || caps.n > best.n) {
			best = caps;
			agree = true;
		} else if (caps.n == best.n) {
			agree = agree && memcmp(caps.kept, best.kept, sizeof best.kept) == 0;
		}
		first = false;
	}
	if (dropping && (first || !agree))
		return "capabilities: two containers would keep different ones, or none lists them";
	for (size_t i = 0; i < CONTAINERS_MAX; i++)
		if (in_pool(p, i) && !container_caps_equal(&S.view, member(p, i), r, p->privileged,
					     dropping ? &best : NULL))
			p->left &= ~((uint64_t)1 << i);
	return p->left ? NULL : "capabilities: other ones than the container lists";
}

/* What all that are left say of input and output: a flag, or -1 when they disagree or do not say.
 */
static int pool_stdio(const struct pool *p)
{
	bool yes = false, no = false;

	for (size_t i = 0; i < CONTAINERS_MAX; i++) {
		struct json_val says = in_pool(p, i) ? json_get(member(p, i), "allow_stdio_access")
						     : json_at(p->list, SIZE_MAX);

		if (in_pool(p, i) && json_type_of(says) != JSON_TRUE &&
			json_type_of(says) != JSON_FALSE)
			return -1;
		yes = yes || json_type_of(says) == JSON_TRUE;
		no = no || json_type_of(says) == JSON_FALSE;
	}
	return yes && no ? -1 : yes;
}

/* --- Creating a container, running others in it --- */

static bool too_many(const char *point, struct json_val r)
{
	if (json_size(json_get(r, "envList")) <= LIST_MAX)
		return false;
	(void)unjudged(point, "cannot be judged: more variables than this program holds", no_text);
	return true;
}

static void create_container(const char *point, struct json_val r)
{
	struct span id = field(r, "containerID");
	struct json_val list = json_get(r, "envList");
	struct match *m = match_of(id);
	struct pool pool = { S.containers, m ? m->candidates : 0,
		guest_truth(json_get(r, "privileged")) };
	struct chosen s;
	const char *rule;

	if (too_many(point, r) || !room_for(point))
		return;
	/* The request's own "layers" stand for mounts that nobody spelt out. */
	if (!m && json_size(json_get(r, "layers")))
		pool.left = containers_with(json_get(r, "layers"), layers_are);
	if (m && m->created) {
		(void)verdict(point, false, "containerID: already created", id);
		return;
	}
	if (!pool.left) {
		(void)verdict(point, false,
			"layers: nothing of the policy is mounted for this container", id);
		return;
	}
	rule = narrow(&pool, create_checks, r);
	if (!rule)
		rule = narrow_variables(&pool, list, &s);
	if (!rule)
		rule = narrow_capabilities(&pool, r);
	if (!rule && pool_stdio(&pool) < 0)
		rule = "allow_stdio_access: containers that match disagree";
	if (!verdict(point, !rule, rule ? rule : "", no_text))
		return;
	m = match_make(id, pool.left);
	m->created = true;
	m->privileged = pool.privileged;
	tell_variables(list, &s);
	out_str(S.o, pool_stdio(&pool) ? "      input and output are open\n"
				       : "      no input, no output\n");
}

static struct match *running(struct json_val r)
{
	struct match *m = match_of(field(r, "containerID"));

	return m && m->created ? m : NULL;
}

static void exec_in_container(const char *point, struct json_val r)
{
	struct match *m = running(r);
	struct pool pool = { S.containers, m ? m->candidates : 0, m && m->privileged };
	struct json_val list = json_get(r, "envList");
	struct chosen s;
	const char *rule;

	if (!m) {
		(void)verdict(point, false, "containerID: not running", field(r, "containerID"));
		return;
	}
	if (too_many(point, r))
		return;
	rule = narrow(&pool, exec_checks, r);
	if (!rule)
		rule = narrow_variables(&pool, list, &s);
	if (!rule)
		rule = narrow_capabilities(&pool, r);
	if (!verdict(point, !rule, rule ? rule : "", no_text))
		return;
	m->candidates = pool.left;
	tell_variables(list, &s);
}

static bool external_complete(struct json_val x)
{
	return S.view.framework >= GUEST_FRAMEWORK ||
	       (json_present(json_get(x, "command")) && json_present(json_get(x, "env_rules")) &&
		       json_present(json_get(x, "working_dir")) &&
		       json_present(json_get(x, "allow_stdio_access")));
}

static void exec_external(const char *point, struct json_val r)
{
	struct pool pool = { guest_list(S.p, "external_processes"), 0, false };
	struct json_val platform = S.view.platform_rules;
	struct chosen s;
	const char *rule;
	size_t i = 0;

	if (too_many(point, r))
		return;
	for (struct json_val x = json_at(pool.list, 0); json_present(x) && i < CONTAINERS_MAX;
		x = json_next(pool.list, x), i++)
		if (external_complete(x))
			pool.left |= (uint64_t)1 << i;
	/* What the platform adds, it adds to containers. */
	S.view.platform_rules = rego_read_value(S.p, "");
	rule = narrow(&pool, external_checks, r);
	if (!rule)
		rule = narrow_variables(&pool, json_get(r, "envList"), &s);
	if (!rule && pool_stdio(&pool) < 0)
		rule = "allow_stdio_access: processes that match disagree";
	S.view.platform_rules = platform;
	if (verdict(point, !rule, rule ? rule : "", no_text))
		tell_variables(json_get(r, "envList"), &s);
}

static void shutdown_container(const char *point, struct json_val r)
{
	struct match *m = running(r);

	if (verdict(point, m != NULL, "containerID: not running", field(r, "containerID")))
		m->candidates = 0;
}

static bool lists_signal(struct json_val signals, uint64_t signal)
{
	uint64_t number;

	for (struct json_val n = json_at(signals, 0); json_present(n); n = json_next(signals, n))
		if (json_u64(n, &number) == ERR_OK && number == signal)
			return true;
	return false;
}

/* Older frameworks add SIGKILL and SIGTERM for the first process by themselves. */
static bool takes_signal(struct json_val c, struct json_val r, uint64_t signal)
{
	struct json_val list = json_get(c, "exec_processes");

	if (guest_truth(json_get(r, "isInitProcess")))
		return (S.view.framework < GUEST_SIGNALS && (signal == 9 || signal == 15)) ||
		       lists_signal(json_get(c, "signals"), signal);
	for (struct json_val x = json_at(list, 0); json_present(x); x = json_next(list, x))
		if (container_command(&S.view, x, r) &&
			lists_signal(json_get(x, "signals"), signal))
			return true;
	return false;
}

static void signal_container_process(const char *point, struct json_val r)
{
	struct match *m = running(r);
	uint64_t signal, left = m ? m->candidates : 0;

	if (!m || json_u64(json_get(r, "signal"), &signal) != ERR_OK) {
		(void)verdict(
			point, false, "containerID: not running, or no signal number", no_text);
		return;
	}
	for (size_t i = 0; i < CONTAINERS_MAX; i++)
		if ((left >> i & 1) && !takes_signal(json_at(S.containers, i), r, signal))
			left &= ~((uint64_t)1 << i);
	if (verdict(point, left != 0, "signals", no_text))
		m->candidates = left;
}

/* --- The rest --- */

/* A number, also one in a string: no more digits than fit. */
static bool svn_of(struct json_val v, uint64_t *svn)
{
	return json_type_of(v) == JSON_STRING ? span_u64(rego_text(v), svn)
					      : json_u64(v, svn) == ERR_OK;
}

static void load_fragment(const char *point, struct json_val r)
{
	struct json_val list = guest_list(S.p, "fragments"), given = json_get(r, "svn");
	const char *rule = "fragments: no entry has this issuer and feed";
	bool allowed = false;
	uint64_t have, least;

	for (struct json_val f = json_at(list, 0); json_present(f) && !allowed;
		f = json_next(list, f)) {
		if (!rego_same(json_get(f, "issuer"), json_get(r, "issuer")) ||
			!rego_same(json_get(f, "feed"), json_get(r, "feed")))
			continue;
		rule = "minimum_svn";
		/* The version is looked at once the fragment is there. */
		allowed = !json_present(given) ||
			  (svn_of(given, &have) && svn_of(json_get(f, "minimum_svn"), &least) &&
				  have >= least);
	}
	if (verdict(point, allowed, rule, no_text))
		out_str(S.o,
			"      what it adds is not known here: verdicts below are those without it\n");
}

static void plan9_mount(const char *point, struct json_val r)
{
	struct span target = field(r, "target");
	bool ok = false;

	for (size_t i = 0; i < S.n_matches && !ok; i++) {
		uint8_t text[4096];
		struct out o = out_init(text, sizeof text);

		out_put(&o, field_or(r, "rootPrefix", CONTAINERS_DIR));
		out_byte(&o, '/');
		out_put(&o, S.match[i].id);
		out_put(&o, field_or(r, "mountPathPrefix", PLAN9_TARGETS));
		ok = S.match[i].candidates && !o.bad &&
		     container_matches(&S.view, out_span(&o), target);
	}
	if (place_at(PLACE_PLAN9, target))
		(void)verdict(point, false, "target: already in use", target);
	else if (verdict(point, ok, "target: not below the directory of a known container",
			 target) &&
		 room_for(point))
		place_add(PLACE_PLAN9, target, no_text);
}

static void plan9_unmount(const char *point, struct json_val r)
{
	(void)unmount(point, PLACE_PLAN9, r);
}

static void scratch_mount(const char *point, struct json_val r)
{
	struct span target = field(r, "target");

	if (place_at(PLACE_SCRATCH, target))
		(void)verdict(point, false, "target: already in use", target);
	else if (verdict(point,
			 guest_truth(json_get(r, "encrypted")) || flag("allow_unencrypted_scratch"),
			 "allow_unencrypted_scratch", no_text) &&
		 room_for(point))
		place_add(PLACE_SCRATCH, target, no_text);
}

static void scratch_unmount(const char *point, struct json_val r)
{
	(void)unmount(point, PLACE_SCRATCH, r);
}

/* Requests that one flag decides. */
static void by_flag(const char *point, struct json_val r)
{
	static const char *const flags[][2] = {
		{ "get_properties", "allow_properties_access" },
		{ "dump_stacks", "allow_dump_stacks" },
		{ "runtime_logging", "allow_runtime_logging" },
		{ "host_network", "allow_host_network" },
	};

	(void)r;
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++)
		if (strcmp(point, flags[i][0]) == 0)
			(void)verdict(point, flag(flags[i][1]), flags[i][1], no_text);
}

/* Points of the guest that are not here have no rule that this program knows. */
static const struct {
	const char *name;
	void (*run)(const char *point, struct json_val r);
} rules[] = {
	{ "mount_device", mount_device },
	{ "unmount_device", unmount_device },
	{ "rw_mount_device", rw_mount_device },
	{ "mount_overlay", mount_overlay },
	{ "unmount_overlay", unmount_overlay },
	{ "create_container", create_container },
	{ "exec_in_container", exec_in_container },
	{ "exec_external", exec_external },
	{ "shutdown_container", shutdown_container },
	{ "signal_container_process", signal_container_process },
	{ "plan9_mount", plan9_mount },
	{ "plan9_unmount", plan9_unmount },
	{ "get_properties", by_flag },
	{ "dump_stacks", by_flag },
	{ "runtime_logging", by_flag },
	{ "host_network", by_flag },
	{ "load_fragment", load_fragment },
	{ "scratch_mount", scratch_mount },
	{ "scratch_unmount", scratch_unmount },
};

static bool is_known(const char *point)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (strcmp(rules[i].name, point) == 0)
			return true;
	return false;
}

static void ask_framework(const char *point, struct json_val r)
{
	if (!is_known(point))
		(void)unjudged(point,
			"cannot be judged: this program does not know the framework's rule",
			no_text);
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (strcmp(rules[i].name, point) == 0)
			rules[i].run(point, r);
}

static enum err judge(const struct guest_point *point, struct json_val r)
{
	S.view.no_judgement = false;
	switch (guest_answer(S.p, point)) {
	case ANSWER_FRAMEWORK: ask_framework(point->name, r); break;
	case ANSWER_ALLOW: (void)verdict(point->name, true, "", no_text); break;
	case ANSWER_DENY: (void)verdict(point->name, false, "always", no_text); break;
	case ANSWER_MISSING:
		/* Denied when the policy's version has the point; else by a default of the guest,
		 * which was not measured for all. */
		if (guest_api(S.p) >= point->since || !guest_api(S.p) || is_known(point->name))
			(void)verdict(point->name, false, "the policy does not define this request",
				no_text);
		else
			ask_framework(point->name, r);
		break;
	case ANSWER_DEFAULT_ALLOW:
		(void)verdict(point->name, true, "", no_text);
		out_str(S.o,
			"      by the guest's default: the policy's api_version is older than this request\n");
		break;
	case ANSWER_OTHER:
		return why_set(S.why, ERR_RANGE,
			"the policy decides this request by a rule of its own",
			span_str(point->name));
	}
	return ERR_OK;
}

static enum err run_one(struct json_val r)
{
	struct json_val point = json_get(r, "point");
	char name[64];

	if (json_type_of(r) != JSON_OBJECT || json_type_of(point) != JSON_STRING)
		return why_say(S.why, ERR_SYNTAX,
			"a request is an object with \"point\", the name of an enforcement point");
	for (size_t i = 0; i < GUEST_POINTS; i++)
		if (rego_is(point, guest_points[i].name))
			return judge(&guest_points[i], r);
	(void)unjudged(
		span_copy_str(rego_text(point), name, sizeof name) && span_is_word(rego_text(point))
			? name
			: "(no name)",
		"cannot be judged: no enforcement point that this program knows", no_text);
	return ERR_OK;
}

/* A copy of the requests, so that their strings can be unescaped. */
static enum err read_requests(struct span text, struct json_val *requests)
{
	static uint8_t copy[POLICY_B64_MAX];
	static struct json_tok toks[POLICY_TOKENS_MAX];
	static struct json doc;

	if (text.n > sizeof copy)
		return why_say(S.why, ERR_TOO_BIG, "the requests are too long (POLICY_B64_MAX)");
	if (text.n)
		memcpy(copy, text.p, text.n);
	if (json_parse(&doc, span_of(copy, text.n), toks, POLICY_TOKENS_MAX) != ERR_OK)
		return why_say(S.why, ERR_SYNTAX, "the requests are not JSON");
	rego_unescape(&doc, toks, copy);
	*requests = json_root(&doc);
	return ERR_OK;
}

enum err simulate_run(const struct rego_policy *p, struct span text, struct out *o, size_t *refused,
	struct why *why)
{
	struct json_val requests;
	enum err e;

	S.p = p;
	S.containers = guest_list(p, "containers");
	S.view = (struct container_view){ .framework = guest_framework(p),
		.platform_rules = guest_list(p, "platform_rules") };
	S.o = o;
	S.why = why;
	S.n_places = S.n_matches = S.refused = 0;
	*refused = 0;
	e = read_requests(text, &requests);
	if (e != ERR_OK)
		return e;
	if (p->n_unknown)
		return why_set(why, ERR_RANGE,
			"the policy holds statements that were not understood",
			span_str(p->unknown));
	if (json_size(S.containers) > CONTAINERS_MAX)
		return why_say(why, ERR_TOO_BIG, "too many containers in the policy");
	if (json_type_of(requests) != JSON_OBJECT && json_type_of(requests) != JSON_ARRAY)
		return why_say(why, ERR_SYNTAX, "requests are an object or an array of them");
	if (json_type_of(requests) == JSON_OBJECT)
		e = run_one(requests);
	for (struct json_val r = json_at(requests, 0); json_present(r) && e == ERR_OK;
		r = json_next(requests, r))
		e = run_one(r);
	if (e == ERR_OK && o->bad)
		e = why_say(why, ERR_TOO_BIG, "too many verdicts");
	*refused = S.refused;
	return e;
}
