/* Azure key release policies. */
#include "policy/release_check.h"

#include <string.h>

/* The token's issuer is changed last: another authority is another attestation service. */
enum { COST_CLAIM = 1, COST_AUTHORITY = 100, COST_MAX = 60000 };

/* Of a condition: the operators stand in the order of enum release_op. */
static const char *const condition[] = { "claim", "equals", "notEquals", "less", "lessOrEquals", "greater", "greaterOrEquals", "exists", NULL };
static const char *const *const ops = condition + 1;
enum { OPS = sizeof condition / sizeof condition[0] - 2 };

const char *release_check_op(enum release_op op)
{
	return (unsigned)op < OPS ? ops[op] : "";
}

bool release_check_text(struct json_val v, char *dst, size_t cap)
{
	struct span raw;

	switch (json_type_of(v)) {
	case JSON_STRING: return json_cstr(v, dst, cap) == ERR_OK;
	case JSON_NUMBER:
	case JSON_TRUE:
	case JSON_FALSE:
		raw = json_raw(v);
		return span_copy_str(raw, dst, cap);
	default: return false;
	}
}

/* --- Comparing --- */

/* A decimal number: sign, whole part, billionths. Exponents are not used in policies. */
struct decimal {
	bool negative;
	uint64_t whole, billionths;
};

static bool read_decimal(struct span s, struct decimal *d)
{
	size_t dot;
	struct span fraction;

	*d = (struct decimal){ .negative = s.n && s.p[0] == '-' };
	s = span_sub(s, d->negative, s.n);
	dot = span_find(s, '.');
	fraction = span_sub(s, dot + 1, s.n);
	if (!span_u64(span_sub(s, 0, dot), &d->whole) || fraction.n > 9 || (dot < s.n && fraction.n == 0))
		return false;
	if (fraction.n && !span_u64(fraction, &d->billionths))
		return false;
	for (size_t n = fraction.n; fraction.n && n < 9; n++)
		d->billionths *= 10;
	if (d->whole == 0 && d->billionths == 0)
		d->negative = false;
	return true;
}

static int compare_decimals(const struct decimal *a, const struct decimal *b)
{
	int sign = a->negative ? -1 : 1;

	if (a->negative != b->negative)
		return sign;
	if (a->whole != b->whole)
		return a->whole < b->whole ? -sign : sign;
	if (a->billionths != b->billionths)
		return a->billionths < b->billionths ? -sign : sign;
	return 0;
}

static bool ordered(enum release_op op, const char *claim, const char *wanted)
{
	struct decimal a, b;
	int sign;

	if (!read_decimal(span_str(claim), &a) || !read_decimal(span_str(wanted), &b))
		return false;
	sign = compare_decimals(&a, &b);
	switch (op) {
	case RELEASE_LESS: return sign < 0;
	case RELEASE_LESS_OR_EQUALS: return sign <= 0;
	case RELEASE_GREATER: return sign > 0;
	case RELEASE_GREATER_OR_EQUALS: return sign >= 0;
	default: return false;
	}
}

static bool claim_holds(const struct release_node *n)
{
	char claim[RELEASE_TEXT_MAX], wanted[RELEASE_TEXT_MAX];

	if (!release_check_text(n->wanted, wanted, sizeof wanted))
		return false;
	if (n->op == RELEASE_EXISTS)
		return json_present(n->found) == (strcmp(wanted, "true") == 0);
	if (!release_check_text(n->found, claim, sizeof claim))
		return false; /* absent, or an object: no condition on it holds, "notEquals" included */
	if (n->op == RELEASE_EQUALS)
		return strcmp(claim, wanted) == 0;
	if (n->op == RELEASE_NOT_EQUALS)
		return strcmp(claim, wanted) != 0;
	return ordered((enum release_op)n->op, claim, wanted);
}

/* Scheme and host exactly; one slash at the end makes no difference. */
static bool authority_holds(const struct release_node *n)
{
	char a[RELEASE_TEXT_MAX], b[RELEASE_TEXT_MAX];
	struct span x, y;

	if (!release_check_text(n->wanted, a, sizeof a) || !release_check_text(n->found, b, sizeof b))
		return false;
	x = span_str(a);
	y = span_str(b);
	return span_eq(span_sub(x, 0, x.n - span_ends(x, "/")), span_sub(y, 0, y.n - span_ends(y, "/")));
}

/* --- The tree, breadth first --- */

struct builder {
	struct release_check *p;
	struct json_val claims;
	const char *problem;
};

static struct release_node *add(struct builder *b, size_t parent, enum release_kind kind)
{
	struct release_node *n;

	if (b->p->n == RELEASE_NODES_MAX) {
		b->problem = "more conditions than can be judged";
		return NULL;
	}
	n = &b->p->nodes[b->p->n++];
	memset(n, 0, sizeof *n);
	n->parent = (uint16_t)parent;
	n->kind = (uint8_t)kind;
	return n;
}

/* "a.b.c" descends; no claim of that path gives an absent value. */
static struct json_val claim_at(struct json_val claims, struct span path)
{
	struct json_val v = claims;

	for (;;) {
		char part[RELEASE_TEXT_MAX];
		size_t dot = span_find(path, '.');

		if (!span_copy_str(span_sub(path, 0, dot), part, sizeof part))
			return (struct json_val){ claims.doc, SIZE_MAX };
		v = json_get(v, part);
		if (dot >= path.n || !json_present(v))
			return v;
		path = span_sub(path, dot + 1, path.n);
	}
}

/* Whether a member of v has none of those names: b->p->found then is its name. */
static bool has_unknown(struct builder *b, struct json_val v, const char *const *names)
{
	struct json_val name, value;

	for (size_t i = 0; json_member(v, i, &name, &value); i++) {
		size_t k = 0;

		while (names[k] && !json_is(name, names[k]))
			k++;
		if (!names[k]) {
			(void)span_copy_str(json_raw(name), b->p->found, sizeof b->p->found);
			return true;
		}
	}
	return false;
}

static const char *add_claim(struct builder *b, size_t parent, struct json_val v)
{
	char path[RELEASE_TEXT_MAX], wanted_text[RELEASE_TEXT_MAX];
	struct release_node *n = add(b, parent, RELEASE_CLAIM);
	unsigned used = 0;

	if (!n)
		return b->problem;
	if (has_unknown(b, v, condition))
		return "an operator of a condition is not supported (known: equals, notEquals, less, lessOrEquals, greater, greaterOrEquals, exists)";
	n->claim = json_get(v, "claim");
	for (size_t i = 0; i < OPS; i++) {
		struct json_val wanted = json_get(v, ops[i]);

		if (!json_present(wanted))
			continue;
		n->wanted = wanted;
		n->op = (uint8_t)i;
		used++;
	}
	if (json_cstr(n->claim, path, sizeof path) != ERR_OK || !path[0] || used != 1 || json_size(v) != 2)
		return "a condition needs a claim and one operator, and nothing else";
	if (!release_check_text(n->wanted, wanted_text, sizeof wanted_text))
		return "a condition's value must be text, a number, true or false";
	n->found = claim_at(b->claims, span_str(path));
	return NULL;
}

/* The members of a list become children of parent when their turn comes: the node remembers its list in `wanted`. */
static const char *add_group(struct builder *b, size_t parent, struct json_val all, struct json_val any)
{
	struct json_val list = json_present(all) ? all : any;
	struct release_node *n;

	if (json_present(all) && json_present(any))
		return "allOf and anyOf stand side by side";
	if (json_type_of(list) != JSON_ARRAY || json_size(list) == 0)
		return "allOf and anyOf want a list that is not empty";
	n = add(b, parent, json_present(all) ? RELEASE_ALL : RELEASE_ANY);
	if (!n)
		return b->problem;
	n->wanted = list;
	return NULL;
}

static const char *add_condition(struct builder *b, size_t parent, struct json_val v)
{
	struct json_val all = json_get(v, "allOf"), any = json_get(v, "anyOf");

	if (json_type_of(v) != JSON_OBJECT)
		return "a condition is an object";
	if (!json_present(all) && !json_present(any))
		return add_claim(b, parent, v);
	if (json_size(v) != 1)
		return "allOf and anyOf stand alone in their object";
	return add_group(b, parent, all, any);
}

/* {"authority", "allOf" or "anyOf"}: both the issuer and the conditions. */
static const char *add_authority(struct builder *b, size_t parent, struct json_val v)
{
	static const char *const names[] = { "authority", "allOf", "anyOf", NULL };
	char text[RELEASE_TEXT_MAX];
	struct release_node *both = add(b, parent, RELEASE_ALL), *issuer;
	size_t at = b->p->n - 1;

	if (!both)
		return b->problem;
	issuer = add(b, at, RELEASE_AUTHORITY);
	if (!issuer)
		return b->problem;
	issuer->wanted = json_get(v, "authority");
	issuer->found = json_get(b->claims, "iss");
	if (has_unknown(b, v, names))
		return "a member of the policy's entry is not supported (known: authority, allOf, anyOf)";
	if (json_type_of(v) != JSON_OBJECT || json_size(v) != 2 || json_cstr(issuer->wanted, text, sizeof text) != ERR_OK)
		return "an entry of the policy needs an authority, and one of allOf and anyOf";
	return add_group(b, at, json_get(v, "allOf"), json_get(v, "anyOf"));
}

static const char *build(struct builder *b, struct json_val policy)
{
	static const char *const names[] = { "version", "anyOf", NULL }, *const versions[] = { "0.2", "1.0", "1.0.0" };
	struct json_val list = json_get(policy, "anyOf"), version = json_get(policy, "version");
	size_t known = 0;
	struct release_node *root = add(b, 0, RELEASE_ANY);
	const char *problem = NULL;

	if (json_type_of(policy) != JSON_OBJECT || json_type_of(version) != JSON_STRING)
		return "a policy is an object with version and anyOf";
	while (known < sizeof versions / sizeof versions[0] && !json_is(version, versions[known]))
		known++;
	if (known == sizeof versions / sizeof versions[0]) {
		(void)span_copy_str(json_raw(version), b->p->found, sizeof b->p->found);
		return "this version of policy is not supported (known: 0.2, 1.0, 1.0.0)";
	}
	if (has_unknown(b, policy, names))
		return "a member of the policy is not supported (known: version, anyOf)";
	if (json_type_of(list) != JSON_ARRAY || json_size(list) == 0)
		return "the policy's anyOf wants a list of authorities that is not empty";
	root->cost = 0;
	for (struct json_val v = json_at(list, 0); !problem && json_present(v); v = json_next(list, v))
		problem = add_authority(b, 0, v);
	/* Node 0 has its children; so have authorities. Groups get theirs here, appended behind: each level after the last. */
	for (size_t i = 1; !problem && i < b->p->n; i++) {
		const struct release_node *n = &b->p->nodes[i];
		struct json_val members = n->wanted;

		if ((n->kind != RELEASE_ALL && n->kind != RELEASE_ANY) || !members.doc)
			continue;
		for (struct json_val v = json_at(members, 0); !problem && json_present(v); v = json_next(members, v))
			problem = add_condition(b, i, v);
	}
	return problem;
}

/* --- Costs, from the leaves up; then the way, from the root down --- */

static uint16_t sum(uint16_t a, uint16_t b)
{
	return a + b > COST_MAX ? COST_MAX : (uint16_t)(a + b);
}

static void add_costs(struct release_check *p)
{
	for (size_t i = 0; i < p->n; i++) {
		struct release_node *n = &p->nodes[i];

		switch ((enum release_kind)n->kind) {
		case RELEASE_CLAIM: n->cost = claim_holds(n) ? 0 : COST_CLAIM; break;
		case RELEASE_AUTHORITY: n->cost = authority_holds(n) ? 0 : COST_AUTHORITY; break;
		case RELEASE_ANY: n->cost = COST_MAX; break;
		case RELEASE_ALL: n->cost = 0; break;
		}
	}
	for (size_t i = p->n; i-- > 1;) {
		const struct release_node *n = &p->nodes[i];
		struct release_node *parent = &p->nodes[n->parent];

		if (parent->kind == RELEASE_ANY)
			parent->cost = n->cost < parent->cost ? n->cost : parent->cost;
		else
			parent->cost = sum(parent->cost, n->cost);
	}
}

static void mark_way(struct release_check *p)
{
	bool chosen[RELEASE_NODES_MAX] = { false }; /* of an "any" node: one of its children is on the way already */

	p->nodes[0].in_way = p->nodes[0].cost > 0;
	for (size_t i = 1; i < p->n; i++) {
		struct release_node *n = &p->nodes[i];
		const struct release_node *parent = &p->nodes[n->parent];

		if (!parent->in_way || n->cost == 0)
			continue;
		if (parent->kind == RELEASE_ANY && (chosen[n->parent] || n->cost != parent->cost))
			continue;
		chosen[n->parent] = true;
		n->in_way = true;
	}
}

enum err release_check_run(struct json_val policy, struct json_val claims, struct release_check *p, const char **problem)
{
	struct builder b = { .p = p, .claims = claims };

	p->n = 0;
	p->found[0] = 0;
	*problem = build(&b, policy);
	if (*problem) {
		p->n = 0;
		return b.problem ? ERR_FULL : ERR_SYNTAX;
	}
	add_costs(p);
	mark_way(p);
	return ERR_OK;
}
