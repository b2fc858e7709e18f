/* What a policy may hold. All walks follow the tables here, which are four levels deep, and not the
 * input. */
#include "policy/shape.h"

#include "policy/guest.h"

enum want {
	W_TEXT,
	W_FLAG,
	W_ORDERED,
	W_TEXTS,
	W_NUMBERS,
	W_SVN,
	W_STRATEGY,
	W_ID_STRATEGY,
	W_OBJECT,
	W_OBJECT_OR_NULL,
	W_OBJECTS
};

/* Members of an object; a table ends with a NULL name. */
struct member {
	const char *name;
	enum want want;
	const struct member *of;
};

static const struct member id_members[] = { { "pattern", W_TEXT, NULL },
	{ "strategy", W_ID_STRATEGY, NULL }, { NULL, W_TEXT, NULL } };
static const struct member user_members[] = {
	{ "user_idname", W_OBJECT, id_members },
	{ "group_idnames", W_OBJECTS, id_members },
	{ "umask", W_TEXT, NULL },
	{ NULL, W_TEXT, NULL },
};
static const struct member caps_members[] = {
	{ "ambient", W_TEXTS, NULL },
	{ "bounding", W_TEXTS, NULL },
	{ "effective", W_TEXTS, NULL },
	{ "inheritable", W_TEXTS, NULL },
	{ "permitted", W_TEXTS, NULL },
	{ NULL, W_TEXT, NULL },
};
static const struct member env_members[] = {
	{ "pattern", W_TEXT, NULL },
	{ "strategy", W_STRATEGY, NULL },
	{ "name", W_TEXT, NULL },
	{ "name_strategy", W_STRATEGY, NULL },
	{ "value", W_TEXT, NULL },
	{ "value_strategy", W_STRATEGY, NULL },
	{ "required", W_FLAG, NULL },
	{ NULL, W_TEXT, NULL },
};
static const struct member mount_members[] = {
	{ "destination", W_TEXT, NULL },
	{ "options", W_TEXTS, NULL },
	{ "source", W_TEXT, NULL },
	{ "type", W_TEXT, NULL },
	{ NULL, W_TEXT, NULL },
};
static const struct member exec_members[] = { { "command", W_ORDERED, NULL },
	{ "signals", W_NUMBERS, NULL }, { NULL, W_TEXT, NULL } };
static const struct member container_members[] = {
	{ "allow_elevated", W_FLAG, NULL },
	{ "allow_stdio_access", W_FLAG, NULL },
	{ "capabilities", W_OBJECT_OR_NULL, caps_members },
	{ "command", W_ORDERED, NULL },
	{ "env_rules", W_OBJECTS, env_members },
	{ "exec_processes", W_OBJECTS, exec_members },
	{ "id", W_TEXT, NULL },
	{ "layers", W_ORDERED, NULL },
	{ "mounts", W_OBJECTS, mount_members },
	{ "name", W_TEXT, NULL },
	{ "no_new_privileges", W_FLAG, NULL },
	{ "seccomp_profile_sha256", W_TEXT, NULL },
	{ "signals", W_NUMBERS, NULL },
	{ "user", W_OBJECT, user_members },
	{ "working_dir", W_TEXT, NULL },
	{ NULL, W_TEXT, NULL },
};
static const struct member fragment_members[] = {
	{ "feed", W_TEXT, NULL },
	{ "includes", W_TEXTS, NULL },
	{ "issuer", W_TEXT, NULL },
	{ "minimum_svn", W_SVN, NULL },
	{ NULL, W_TEXT, NULL },
};
static const struct member external_members[] = {
	{ "allow_stdio_access", W_FLAG, NULL },
	{ "command", W_ORDERED, NULL },
	{ "env_rules", W_OBJECTS, env_members },
	{ "working_dir", W_TEXT, NULL },
	{ NULL, W_TEXT, NULL },
};
static const struct member platform_members[] = {
	{ "env_rules", W_OBJECTS, env_members },
	{ "mounts", W_OBJECTS, mount_members },
	{ NULL, W_TEXT, NULL },
};
static const struct member statements[] = {
	{ "api_version", W_TEXT, NULL },
	{ "api_svn", W_TEXT, NULL },
	{ "framework_version", W_TEXT, NULL },
	{ "framework_svn", W_TEXT, NULL },
	{ "containers", W_OBJECTS, container_members },
	{ "fragments", W_OBJECTS, fragment_members },
	{ "external_processes", W_OBJECTS, external_members },
	{ "platform_rules", W_OBJECTS, platform_members },
	{ "allow_properties_access", W_FLAG, NULL },
	{ "allow_dump_stacks", W_FLAG, NULL },
	{ "allow_runtime_logging", W_FLAG, NULL },
	{ "allow_environment_variable_dropping", W_FLAG, NULL },
	{ "allow_unencrypted_scratch", W_FLAG, NULL },
	{ "allow_capability_dropping", W_FLAG, NULL },
	{ "allow_host_network", W_FLAG, NULL },
	{ NULL, W_TEXT, NULL },
};

static const struct member *member_named(const struct member *table, struct span name)
{
	for (; table->name; table++)
		if (span_eq_str(name, table->name))
			return table;
	return NULL;
}

static bool is_point(struct span name)
{
	for (size_t i = 0; i < GUEST_POINTS; i++)
		if (span_eq_str(name, guest_points[i].name))
			return true;
	return false;
}

static bool all_of(struct json_val list, enum json_type type)
{
	for (struct json_val i = json_at(list, 0); json_present(i); i = json_next(list, i))
		if (json_type_of(i) != type)
			return false;
	return json_type_of(list) == JSON_ARRAY;
}

/* The value's own type; members of objects are looked at by the caller. */
static bool type_ok(struct json_val v, enum want want)
{
	enum json_type type = json_type_of(v);

	switch (want) {
	case W_TEXT: return type == JSON_STRING;
	case W_FLAG: return type == JSON_TRUE || type == JSON_FALSE;
	case W_ORDERED:
	case W_TEXTS: return all_of(v, JSON_STRING);
	case W_NUMBERS: return all_of(v, JSON_NUMBER);
	case W_SVN: return type == JSON_STRING || type == JSON_NUMBER;
	case W_STRATEGY: return rego_is(v, "string") || rego_is(v, "re2");
	case W_ID_STRATEGY:
		return rego_is(v, "any") || rego_is(v, "id") || rego_is(v, "name") ||
		       rego_is(v, "re2");
	case W_OBJECT: return type == JSON_OBJECT;
	case W_OBJECT_OR_NULL: return type == JSON_OBJECT || type == JSON_NULL;
	case W_OBJECTS: return all_of(v, JSON_OBJECT);
	}
	return false;
}

struct reporter {
	shape_report *report;
	void *ctx;
};

static void check_value(const struct reporter *r, struct json_val v, const struct member *m);

static void check_members(const struct reporter *r, struct json_val object, const struct member *of)
{
	struct json_val name, value;

	for (size_t i = 0; json_member(object, i, &name, &value); i++) {
		const struct member *m = member_named(of, json_raw(name));

		if (m)
			check_value(r, value, m);
		else
			r->report(r->ctx, "not understood, a member that is not known",
				json_raw(name));
	}
}

/* A rule for variables has one complete form. */
static bool env_complete(struct json_val rule)
{
	return (json_present(json_get(rule, "pattern")) &&
		       json_present(json_get(rule, "strategy"))) ||
	       (json_present(json_get(rule, "name")) &&
		       json_present(json_get(rule, "name_strategy")) &&
		       json_present(json_get(rule, "value")) &&
		       json_present(json_get(rule, "value_strategy")));
}

static void check_value(const struct reporter *r, struct json_val v, const struct member *m)
{
	if (!type_ok(v, m->want)) {
		r->report(
			r->ctx, "not understood, a value that is not known for", span_str(m->name));
		return;
	}
	if (m->want == W_OBJECT || m->want == W_OBJECT_OR_NULL)
		check_members(r, v, m->of);
	if (m->want != W_OBJECTS)
		return;
	for (struct json_val i = json_at(v, 0); json_present(i); i = json_next(v, i)) {
		check_members(r, i, m->of);
		if (m->of == env_members && !env_complete(i))
			r->report(r->ctx, "not understood, a rule without pattern and strategy in",
				span_str(m->name));
	}
}

void shape_check(const struct rego_policy *p, shape_report *report, void *ctx)
{
	const struct reporter r = { report, ctx };

	for (size_t i = 0; i < p->n; i++) {
		const struct rego_statement *s = &p->list[i];
		const struct member *m = member_named(statements, s->name);

		if (m && s->kind == REGO_VALUE)
			check_value(&r, json_root(&s->doc), m);
		else if (m)
			report(ctx, "not understood, no plain value", s->name);
		else if (!is_point(s->name) && !span_eq_str(s->name, "reason"))
			report(ctx, "not understood, a statement that is not known", s->name);
	}
}

/* --- Comparing --- */

static bool same_value(struct json_val a, struct json_val b, const struct member *m);

static bool same_members(struct json_val a, struct json_val b, const struct member *of)
{
	size_t n = 0;

	for (; of->name; of++) {
		struct json_val x = json_get(a, of->name), y = json_get(b, of->name);

		if (json_present(x) != json_present(y) ||
			(json_present(x) && !same_value(x, y, of)))
			return false;
		n += json_present(x);
	}
	/* More members than the known ones. */
	return json_size(a) == n && json_size(b) == n;
}

static bool same_item(struct json_val a, struct json_val b, const struct member *m)
{
	if (m->want == W_OBJECTS)
		return same_members(a, b, m->of);
	return json_type_of(a) == json_type_of(b) && span_eq(json_raw(a), json_raw(b));
}

/* Every item of a is in b. */
static bool all_in(struct json_val a, struct json_val b, const struct member *m)
{
	for (struct json_val x = json_at(a, 0); json_present(x); x = json_next(a, x)) {
		bool there = false;

		for (struct json_val y = json_at(b, 0); json_present(y) && !there;
			y = json_next(b, y))
			there = same_item(x, y, m);
		if (!there)
			return false;
	}
	return true;
}

static bool same_order(struct json_val a, struct json_val b, const struct member *m)
{
	struct json_val x = json_at(a, 0), y = json_at(b, 0);

	while (json_present(x) && json_present(y) && same_item(x, y, m)) {
		x = json_next(a, x);
		y = json_next(b, y);
	}
	return !json_present(x) && !json_present(y);
}

static bool same_value(struct json_val a, struct json_val b, const struct member *m)
{
	if (!type_ok(a, m->want) || json_type_of(a) != json_type_of(b))
		return false;
	switch (m->want) {
	case W_OBJECT:
	case W_OBJECT_OR_NULL: return json_type_of(a) == JSON_NULL || same_members(a, b, m->of);
	case W_ORDERED: return same_order(a, b, m);
	case W_TEXTS:
	case W_NUMBERS:
	case W_OBJECTS:
		return json_size(a) == json_size(b) &&
		       (same_order(a, b, m) || (all_in(a, b, m) && all_in(b, a, m)));
	case W_TEXT:
	case W_FLAG:
	case W_SVN:
	case W_STRATEGY:
	case W_ID_STRATEGY: break;
	}
	return same_item(a, b, m);
}

/* A point's answer: who decides it, or a fixed value of one member. */
static bool same_statement(const struct rego_statement *a, const struct rego_statement *b)
{
	static const struct member answer[] = { { "allowed", W_FLAG, NULL },
		{ NULL, W_TEXT, NULL } };
	const struct member *m = member_named(statements, a->name);

	if (a->kind != b->kind)
		return false;
	if (a->kind == REGO_WORD)
		return span_eq(a->word, b->word);
	if (m)
		return same_value(json_root(&a->doc), json_root(&b->doc), m);
	return is_point(a->name) && same_members(json_root(&a->doc), json_root(&b->doc), answer);
}

/* The statement of a name that counts: a default only where there is no other. */
static const struct rego_statement *statement_of(const struct rego_policy *p, struct span name)
{
	const struct rego_statement *found = NULL;

	for (size_t i = 0; i < p->n; i++)
		if (span_eq(p->list[i].name, name) && (!found || found->is_default))
			found = &p->list[i];
	return found;
}

static bool each_in(const struct rego_policy *a, const struct rego_policy *b)
{
	for (size_t i = 0; i < a->n; i++) {
		struct span name = a->list[i].name;
		const struct rego_statement *t = statement_of(b, name);

		/* "reason" only says why something was denied. */
		if (!span_eq_str(name, "reason") &&
			(!t || !same_statement(statement_of(a, name), t)))
			return false;
	}
	return a->n_unknown == 0;
}

bool shape_same(const struct rego_policy *a, const struct rego_policy *b)
{
	return each_in(a, b) && each_in(b, a);
}
