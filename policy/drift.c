/* What changes outside a policy will do to its containers. */
#include "policy/drift.h"

#include "text/json_write.h"
#include "policy/container.h"

#define VARIABLES_MAX 1024

/* The variables as a JSON list, as the guest gets them. */
static struct {
	uint8_t text[2 * PARTY_FILE_MAX];
	struct json_tok toks[PARTY_TOKENS_MAX], platform_toks[PARTY_TOKENS_MAX];
	struct json doc, platform;
	size_t given; /* how many come from env */
} D;

static struct span name_of(struct span variable)
{
	return span_sub(variable, 0, span_find(variable, '='));
}

static bool is_given(struct span env, struct span name)
{
	while (env.n) {
		size_t line = span_find(env, '\n'), zero = span_find(env, 0), end = line < zero ? line : zero;

		if (span_eq(name_of(span_sub(env, 0, end)), name))
			return true;
		env = span_sub(env, end + 1, env.n);
	}
	return false;
}

static enum err put_given(struct jw *w, struct span env, struct why *why)
{
	for (D.given = 0; env.n;) {
		size_t line = span_find(env, '\n'), zero = span_find(env, 0), end = line < zero ? line : zero;
		struct span variable = span_sub(env, 0, end);

		if (span_ends(variable, "\r"))
			variable = span_sub(variable, 0, variable.n - 1);
		env = span_sub(env, end + 1, env.n);
		if (!variable.n)
			continue;
		if (span_find(variable, '=') == variable.n || span_find(variable, '=') == 0)
			return why_set(why, ERR_SYNTAX, "not NAME=value, one a line", span_sub(variable, 0, 40));
		jw_span(w, NULL, variable);
		D.given++;
	}
	return ERR_OK;
}

static enum err put_injected(struct jw *w, struct span env, struct span text, const char *list, struct why *why)
{
	struct json_val root, injects;

	if (!text.n)
		return ERR_OK;
	if (json_parse(&D.platform, text, D.platform_toks, PARTY_TOKENS_MAX) != ERR_OK)
		return why_say(why, ERR_SYNTAX, "the platform file is no JSON");
	root = json_get(json_root(&D.platform), list);
	injects = json_get(root, "injects");
	if (!json_present(injects))
		return why_set(why, ERR_RANGE, "the platform file has no such list, or it does not say what is injected", span_str(list));
	for (struct json_val v = json_at(injects, 0); json_present(v); v = json_next(injects, v))
		if (!is_given(env, name_of(json_raw(v))))
			jw_span(w, NULL, json_raw(v));
	return ERR_OK;
}

static enum err read_variables(struct span env, struct span platform, const char *list, struct why *why)
{
	struct out o = out_init(D.text, sizeof D.text);
	struct jw w = jw_init(&o);
	enum err e;

	jw_array(&w, NULL);
	e = put_given(&w, env, why);
	if (e == ERR_OK)
		e = put_injected(&w, env, platform, list, why);
	jw_end_array(&w);
	if (e != ERR_OK)
		return e;
	if (o.bad || json_parse(&D.doc, out_span(&o), D.toks, PARTY_TOKENS_MAX) != ERR_OK ||
	    json_size(json_root(&D.doc)) > VARIABLES_MAX)
		return why_say(why, ERR_TOO_BIG, "too many variables, or too long ones");
	rego_unescape(&D.doc, D.toks, D.text);
	return ERR_OK;
}

/* --- judging --- */

static bool taken(struct container_view *v, struct json_val c, struct json_val variable)
{
	struct json_val rules;

	for (size_t i = 0; container_rules(v, c, i, "env_rules", &rules); i++)
		for (struct json_val r = json_at(rules, 0); json_present(r); r = json_next(rules, r))
			if (container_rule_takes(v, r, variable))
				return true;
	return false;
}

static void say(struct out *o, const char *verdict, struct span name, const char *why)
{
	out_str(o, verdict);
	out_put(o, name);
	out_str(o, why);
	out_byte(o, '\n');
}

static void judge_variables(struct container_view *v, struct json_val c, bool dropping, struct out *o, size_t *fails)
{
	struct json_val list = json_root(&D.doc);
	size_t n = 0;

	for (struct json_val i = json_at(list, 0); json_present(i); i = json_next(list, i), n++) {
		const char *from = n < D.given ? "" : " (the platform)";

		v->no_judgement = false;
		if (taken(v, c, i)) {
			say(o, "  kept     ", name_of(json_raw(i)), from);
		} else if (v->no_judgement) {
			say(o, "  ?        ", name_of(json_raw(i)), ": a pattern that this program cannot judge");
			++*fails;
		} else if (dropping) {
			say(o, "  dropped  ", name_of(json_raw(i)), from);
		} else {
			say(o, "  FAILS    ", name_of(json_raw(i)),
			    ": no rule takes it and the policy drops none, so the container is denied");
			++*fails;
		}
	}
}

static bool met(struct container_view *v, struct json_val rule)
{
	struct json_val list = json_root(&D.doc);

	for (struct json_val i = json_at(list, 0); json_present(i); i = json_next(list, i))
		if (container_rule_takes(v, rule, i))
			return true;
	return false;
}

static void judge_required(struct container_view *v, struct json_val c, struct out *o, size_t *fails)
{
	struct json_val rules;

	for (size_t i = 0; container_rules(v, c, i, "env_rules", &rules); i++)
		for (struct json_val r = json_at(rules, 0); json_present(r); r = json_next(rules, r)) {
			struct span pattern = rego_text(json_get(r, json_present(json_get(r, "pattern")) ? "pattern" : "name"));

			if (!guest_truth(json_get(r, "required")) || met(v, r))
				continue;
			say(o, "  FAILS    ", name_of(pattern), ": required, and no variable meets its rule");
			++*fails;
		}
}

/* The platform's own container, which gets none of these. */
static bool is_pause(struct json_val c)
{
	return rego_is(json_at(json_get(c, "command"), 0), "/pause");
}

enum err drift_judge(const struct rego_policy *p, struct span env, struct span platform, const char *list, struct out *o,
                     size_t *fails, struct why *why)
{
	struct container_view v = { .framework = guest_framework(p), .platform_rules = guest_list(p, "platform_rules") };
	struct json_val containers = guest_list(p, "containers");
	bool dropping = guest_flag(p, "allow_environment_variable_dropping");
	size_t judged = 0;
	enum err e = read_variables(env, platform, list, why);

	*fails = 0;
	if (e != ERR_OK)
		return e;
	if (p->n_unknown)
		return why_set(why, ERR_RANGE, "the policy holds statements that were not understood", span_str(p->unknown));
	for (struct json_val c = json_at(containers, 0); json_present(c); c = json_next(containers, c)) {
		if (is_pause(c))
			continue;
		judged++;
		say(o, "container ", rego_text(json_at(json_get(c, "command"), 0)), "");
		judge_variables(&v, c, dropping, o, fails);
		if (D.given)
			judge_required(&v, c, o, fails);
	}
	if (!judged)
		return why_say(why, ERR_RANGE, "the policy allows no container to judge");
	return o->bad ? why_say(why, ERR_TOO_BIG, "says too much to print") : ERR_OK;
}
