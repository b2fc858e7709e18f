/* One party's settings. Every object is read through a table of its members, so that none is overlooked or misspelt. */
#include "policy/party.h"

#include "text/json_read.h"

struct reader {
	struct party *p;
	const struct vars *vars;
	struct json_val platform; /* the versioned lists; absent when none were given */
	enum rego_target target;
	struct why *why;
};

/* A member's reader: to is what it fills. */
typedef enum err (*read_fn)(struct reader *r, struct json_val v, void *to);

struct member {
	const char *name;
	read_fn read;
	void *to;
	bool needed;
};

static enum err refuse(struct reader *r, const char *text, struct span about)
{
	return why_set(r->why, ERR_RANGE, text, about);
}

static enum err read_members(struct reader *r, struct json_val object, const struct member *table, size_t n, const char *what)
{
	struct json_val name, value;

	if (json_type_of(object) != JSON_OBJECT)
		return refuse(r, "must be an object", span_str(what));
	for (size_t i = 0; json_member(object, i, &name, &value); i++) {
		size_t at = 0;
		enum err e;

		while (at < n && !json_is(name, table[at].name))
			at++;
		if (at == n)
			return refuse(r, "an unknown member", json_raw(name));
		e = table[at].read(r, value, table[at].to);
		if (e != ERR_OK)
			return e;
	}
	for (size_t i = 0; i < n; i++)
		if (table[i].needed && !json_present(json_get(object, table[i].name)))
			return refuse(r, "a member is missing", span_str(table[i].name));
	return ERR_OK;
}

/* --- Simple values --- */

/* A string with its ${NAME} replaced, kept in the party's text. */
static enum err keep_text(struct reader *r, struct json_val v, struct span *to)
{
	uint8_t raw[PARTY_TEXT_MAX];
	struct out o = out_init(raw, sizeof raw), kept = out_init(r->p->text + r->p->used, sizeof r->p->text - r->p->used);
	enum err e = json_string(v, &o);

	if (e != ERR_OK)
		return refuse(r, "must be a string of at most 1024 bytes", json_raw(v));
	e = vars_expand(r->vars, out_span(&o), &kept, r->why);
	if (e != ERR_OK)
		return e;
	*to = out_span(&kept);
	r->p->used += kept.n;
	return ERR_OK;
}

static enum err read_text(struct reader *r, struct json_val v, void *to)
{
	return keep_text(r, v, to);
}

static enum err read_flag(struct reader *r, struct json_val v, void *to)
{
	return json_bool(v, to) == ERR_OK ? ERR_OK : refuse(r, "must be true or false", json_raw(v));
}

static enum err read_u32(struct reader *r, struct json_val v, void *to)
{
	uint64_t n;

	if (json_u64(v, &n) != ERR_OK || n > UINT32_MAX)
		return refuse(r, "must be a number of 32 bits", json_raw(v));
	*(uint32_t *)to = (uint32_t)n;
	return ERR_OK;
}

/* A file's name is made of it. */
static enum err read_party_name(struct reader *r, struct json_val v, void *to)
{
	char *name = to;

	if (json_cstr(v, name, 33) != ERR_OK || !name[0])
		return refuse(r, "a party's name is 1 to 32 lower-case letters, digits and '-'", json_raw(v));
	for (; *name; name++)
		if (!(*name >= 'a' && *name <= 'z') && !(*name >= '0' && *name <= '9') && *name != '-')
			return refuse(r, "a party's name is 1 to 32 lower-case letters, digits and '-'", json_raw(v));
	return ERR_OK;
}

/* An array of at most max elements. */
static enum err check_array(struct reader *r, struct json_val v, size_t max)
{
	if (json_type_of(v) != JSON_ARRAY || json_size(v) > max)
		return refuse(r, "must be an array, and not too long", json_raw(v));
	return ERR_OK;
}

static enum err read_texts(struct reader *r, struct json_val v, struct span *list, size_t max, size_t *n)
{
	enum err e = check_array(r, v, max);

	*n = 0;
	if (e != ERR_OK)
		return e;
	for (struct json_val i = json_at(v, 0); json_present(i) && e == ERR_OK; i = json_next(v, i))
		e = keep_text(r, i, &list[(*n)++]);
	return e;
}

/* --- The container --- */

static enum err read_command(struct reader *r, struct json_val v, void *to)
{
	struct rego_container *c = to;

	return read_texts(r, v, c->command, PARTY_ITEMS_MAX, &c->n_command);
}

static enum err read_capabilities(struct reader *r, struct json_val v, void *to)
{
	struct rego_container *c = to;

	return read_texts(r, v, c->capabilities, PARTY_ITEMS_MAX, &c->n_capabilities);
}

static enum err read_gids(struct reader *r, struct json_val v, void *to)
{
	struct rego_container *c = to;
	enum err e = check_array(r, v, PARTY_ITEMS_MAX);

	c->n_gids = 0;
	if (e != ERR_OK)
		return e;
	for (struct json_val i = json_at(v, 0); json_present(i) && e == ERR_OK; i = json_next(v, i))
		e = read_u32(r, i, &c->gids[c->n_gids++]);
	return e;
}

static enum err read_user(struct reader *r, struct json_val v, void *to)
{
	struct rego_container *c = to;
	const struct member table[] = { { "uid", read_u32, &c->uid, true }, { "gids", read_gids, c, true } };

	return read_members(r, v, table, sizeof table / sizeof table[0], "user");
}

static enum err add_variable(struct reader *r, struct span name, struct span value)
{
	struct rego_container *c = &r->p->container;
	struct out o = out_init(r->p->text + r->p->used, sizeof r->p->text - r->p->used);

	if (!rego_name(name))
		return refuse(r, "not the name of a variable", name);
	if (c->n_rules == PARTY_ENV_MAX)
		return why_say(r->why, ERR_TOO_BIG, "too many variables");
	out_put(&o, name);
	out_byte(&o, '=');
	out_put(&o, value);
	if (o.bad)
		return why_say(r->why, ERR_TOO_BIG, "the texts of a party are too long");
	r->p->used += o.n;
	c->rules[c->n_rules++] = (struct rego_rule){ out_span(&o), false, true };
	return ERR_OK;
}

/* Exact variables: each must be there with this value, and whatever else comes is dropped. */
static enum err read_env(struct reader *r, struct json_val v, void *to)
{
	struct json_val name, value;

	(void)to;
	if (json_type_of(v) != JSON_OBJECT)
		return refuse(r, "env must be an object", json_raw(v));
	for (size_t i = 0; json_member(v, i, &name, &value); i++) {
		struct span n, text;
		enum err e = keep_text(r, name, &n);

		if (e == ERR_OK)
			e = keep_text(r, value, &text);
		if (e == ERR_OK)
			e = add_variable(r, n, text);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* Variables whose value the policy must not tell, because whoever reads it would learn it: a value must be there, which
 * one is not measured. */
static enum err read_secret_env(struct reader *r, struct json_val v, void *to)
{
	struct rego_container *c = to;
	enum err e = check_array(r, v, PARTY_ITEMS_MAX);

	if (e != ERR_OK)
		return e;
	for (struct json_val i = json_at(v, 0); json_present(i); i = json_next(v, i)) {
		struct span name, any = SPAN_LIT(".+");

		e = keep_text(r, i, &name);
		if (e == ERR_OK)
			e = add_variable(r, name, any);
		if (e != ERR_OK)
			return e;
		c->rules[c->n_rules - 1].re2 = true;
	}
	return ERR_OK;
}

/* Variables that hold the HOST_DATA of a party whose own hash depends on this one's: no policy can hold a hash that holds its
 * own, so that it is one is demanded, and not which. */
static enum err read_host_data_env(struct reader *r, struct json_val v, void *to)
{
	struct party *p = to;
	struct json_val name, party;
	enum err e = ERR_OK;

	if (json_type_of(v) != JSON_OBJECT || json_size(v) > PARTY_ITEMS_MAX)
		return refuse(r, "host_data_env must be an object of few members", json_raw(v));
	for (size_t i = 0; e == ERR_OK && json_member(v, i, &name, &party); i++) {
		struct span n;

		e = keep_text(r, name, &n);
		if (e == ERR_OK)
			e = read_party_name(r, party, p->host_data_env[i].party);
		if (e == ERR_OK)
			e = add_variable(r, n, SPAN_LIT("[0-9a-f]{64}"));
		if (e == ERR_OK) {
			p->host_data_env[i].rule = p->container.n_rules - 1;
			p->container.rules[p->container.n_rules - 1].re2 = true;
			p->n_host_data_env = i + 1;
		}
	}
	return e;
}

static enum err read_strategy(struct reader *r, struct json_val v, void *to)
{
	bool *re2 = to;

	*re2 = json_is(v, "re2");
	return *re2 || json_is(v, "string") ? ERR_OK : refuse(r, "a strategy is string or re2", json_raw(v));
}

static enum err read_options(struct reader *r, struct json_val v, void *to)
{
	struct rego_mount *m = to;

	return read_texts(r, v, m->options, REGO_OPTIONS_MAX, &m->n_options);
}

static enum err read_mounts(struct reader *r, struct json_val v, void *to)
{
	struct rego_container *c = to;
	enum err e = check_array(r, v, PARTY_ITEMS_MAX);

	if (e != ERR_OK)
		return e;
	c->n_mounts = 0;
	for (struct json_val i = json_at(v, 0); json_present(i) && e == ERR_OK; i = json_next(v, i)) {
		struct rego_mount *m = &c->mounts[c->n_mounts++];
		const struct member table[] = { { "destination", read_text, &m->destination, true }, { "options", read_options, m, true },
			{ "source", read_text, &m->source, true }, { "type", read_text, &m->type, true } };

		e = read_members(r, i, table, sizeof table / sizeof table[0], "a mount");
	}
	return e;
}

/* --- What the platform injects --- */

/* {"about": text, "env": [rule, ...]} of the list named by the party for this target. */
static enum err read_about(struct reader *r, struct json_val v, void *to)
{
	(void)to;
	return json_type_of(v) == JSON_STRING ? ERR_OK : refuse(r, "must be a string", json_raw(v));
}

/* What "parleyctl policy drift" compares with; no part of a policy. */
static enum err read_injects(struct reader *r, struct json_val v, void *to)
{
	enum err e = check_array(r, v, PARTY_RULES_MAX);

	for (struct json_val i = json_at(v, 0); json_present(i) && e == ERR_OK; i = json_next(v, i))
		e = read_about(r, i, to);
	return e;
}

static enum err read_rules(struct reader *r, struct json_val v, void *to)
{
	struct rego_container *c = to;
	enum err e = check_array(r, v, PARTY_RULES_MAX);

	if (e != ERR_OK)
		return e;
	for (struct json_val i = json_at(v, 0); json_present(i) && e == ERR_OK; i = json_next(v, i)) {
		struct rego_rule *rule = &c->rules[c->n_rules++];
		const struct member table[] = { { "pattern", read_text, &rule->pattern, true },
			{ "required", read_flag, &rule->required, true }, { "strategy", read_strategy, &rule->re2, true } };

		e = read_members(r, i, table, sizeof table / sizeof table[0], "a platform rule");
		if (e == ERR_OK && !rule->pattern.n)
			e = why_say(r->why, ERR_RANGE, "a platform rule without a pattern");
	}
	return e;
}

static enum err take_list(struct reader *r, struct json_val name)
{
	struct rego_container *c = &r->p->container;
	const struct member table[] = { { "about", read_about, NULL, false },
		{ "date", read_about, NULL, false }, { "injects", read_injects, NULL, false }, { "env", read_rules, c, true } };
	char text[64];
	struct json_val list;

	if (json_cstr(name, text, sizeof text) != ERR_OK)
		return refuse(r, "the name of a platform list must be a short string", json_raw(name));
	list = json_get(r->platform, text);
	if (!json_present(list))
		return refuse(r, "no such list in the platform file (--platform)", json_raw(name));
	return read_members(r, list, table, sizeof table / sizeof table[0], text);
}

/* {"aci": "aci-1", "vn2": "vn2-1"}: read last, so that exact variables come first. */
static enum err read_platform(struct reader *r, struct json_val v, void *to)
{
	struct json_val name = json_get(v, r->target == REGO_ACI ? "aci" : "vn2");

	(void)to;
	if (json_type_of(v) != JSON_OBJECT || !json_present(name))
		return refuse(r, "platform_env names no list for this target", json_raw(v));
	return take_list(r, name);
}

static enum err skip(struct reader *r, struct json_val v, void *to)
{
	(void)r;
	(void)v;
	(void)to;
	return ERR_OK;
}

/* --- The key --- */

static enum err read_key_name(struct reader *r, struct json_val v, void *to)
{
	struct party *p = to;
	struct span name;
	enum err e = keep_text(r, v, &name);

	if (e != ERR_OK)
		return e;
	return name.n && rego_plain(name) && span_copy_str(name, p->key_name, sizeof p->key_name) ? ERR_OK :
		refuse(r, "not the name of a key", name);
}

static enum err read_release_to(struct reader *r, struct json_val v, void *to)
{
	struct party *p = to;
	enum err e = check_array(r, v, RELEASE_ENTRIES_MAX);

	p->n_release_to = 0;
	if (e != ERR_OK)
		return e;
	for (struct json_val i = json_at(v, 0); json_present(i) && e == ERR_OK; i = json_next(v, i))
		e = read_party_name(r, i, p->release_to[p->n_release_to++]);
	return e != ERR_OK || p->n_release_to ? e : refuse(r, "release_to names nobody", json_raw(v));
}

static enum err read_svns(struct reader *r, struct json_val v, void *to)
{
	struct release_policy *release = to;
	struct member table[SVN_COUNT];

	for (size_t i = 0; i < SVN_COUNT; i++) {
		table[i] = (struct member){ release_svn_names[i], read_u32, &release->svn[i], false };
		release->has_svn[i] = json_present(json_get(v, release_svn_names[i]));
	}
	return read_members(r, v, table, SVN_COUNT, "minimum_svn");
}

static enum err read_key(struct reader *r, struct json_val v, void *to)
{
	struct party *p = to;
	const struct member table[] = { { "name", read_key_name, p, true }, { "authority", read_text, &p->release.authority, true },
		{ "release_to", read_release_to, p, true }, { "minimum_svn", read_svns, &p->release, false } };

	p->has_key = true;
	return read_members(r, v, table, sizeof table / sizeof table[0], "key");
}

/* --- The whole --- */

static enum err parse(struct json *doc, struct span text, struct json_tok *toks, struct why *why, const char *what)
{
	return json_parse(doc, text, toks, PARTY_TOKENS_MAX) == ERR_OK ? ERR_OK :
		why_set(why, ERR_SYNTAX, "not JSON, a name twice, or too long", span_str(what));
}

static enum err read_party(struct reader *r, struct json_val root)
{
	struct party *p = r->p;
	struct rego_container *c = &p->container;
	const struct member table[] = {
		{ "about", read_about, NULL, false },
		{ "name", read_party_name, p->name, true },
		{ "container", read_text, &c->name, false },
		{ "command", read_command, c, true },
		{ "working_dir", read_text, &c->working_dir, false },
		{ "user", read_user, c, false },
		{ "capabilities", read_capabilities, c, false },
		{ "stdio", read_flag, &c->stdio, false },
		{ "no_new_privileges", read_flag, &c->no_new_privileges, false },
		{ "env", read_env, NULL, false },
		{ "secret_env", read_secret_env, c, false },
		{ "host_data_env", read_host_data_env, p, false },
		{ "platform_env", skip, NULL, false },
		{ "mounts", read_mounts, c, false },
		{ "key", read_key, p, false },
	};
	struct json_val platform = json_get(root, "platform_env");
	enum err e = read_members(r, root, table, sizeof table / sizeof table[0], "the settings of a party");

	if (e == ERR_OK && json_present(platform))
		e = read_platform(r, platform, NULL);
	if (e == ERR_OK && !c->name.n)
		c->name = span_str(p->name);
	return e;
}

enum err party_read(struct party *p, struct span text, struct span platform, enum rego_target target,
                    const struct vars *v, struct why *why)
{
	static struct json_tok toks[PARTY_TOKENS_MAX], platform_toks[PARTY_TOKENS_MAX];
	struct json doc, lists = { .n = 0 };
	struct reader r = { .p = p, .vars = v, .platform = { &lists, SIZE_MAX }, .target = target, .why = why };
	enum err e = parse(&doc, text, toks, why, "settings");

	if (e == ERR_OK && platform.n) {
		e = parse(&lists, platform, platform_toks, why, "platform file");
		if (e == ERR_OK)
			r.platform = json_root(&lists);
	}
	if (e != ERR_OK)
		return e;
	p->name[0] = p->key_name[0] = '\0';
	p->has_key = false;
	p->n_release_to = 0;
	p->n_host_data_env = 0;
	p->used = 0;
	p->release = (struct release_policy){ .n = 0 };
	p->container = (struct rego_container){ .working_dir = SPAN_LIT("/"), .n_gids = 1 };
	return read_party(&r, json_root(&doc));
}
