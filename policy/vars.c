/* Values for ${NAME}. */
#include "policy/vars.h"

/* Index of a name, or v->n. */
static size_t find(const struct vars *v, struct span name)
{
	size_t i = 0;

	while (i < v->n && !span_eq(v->list[i].name, name))
		i++;
	return i;
}

static bool is_name(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c | 32) >= 'a' && (c | 32) <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != ':' && c != '-')
			return false;
	}
	return s.n > 0 && s.n <= 96;
}

static enum err keep(struct vars *v, struct span s, struct span *kept, struct why *why)
{
	struct out o = out_init(v->text + v->used, sizeof v->text - v->used);

	out_put(&o, s);
	if (o.bad || s.n > PARTY_TEXT_MAX)
		return why_say(why, ERR_TOO_BIG, "a value is too long, or there are too many");
	v->used += s.n;
	*kept = out_span(&o);
	return ERR_OK;
}

enum err vars_set(struct vars *v, struct span name, struct span value, struct why *why)
{
	size_t at = find(v, name);
	enum err e;

	if (!is_name(name))
		return why_set(why, ERR_RANGE, "not a name for a value", name);
	if (at < v->n)
		return keep(v, value, &v->list[at].value, why);
	if (at == POLICY_SETS_MAX)
		return why_say(why, ERR_TOO_BIG, "too many values");
	e = keep(v, name, &v->list[at].name, why);
	if (e == ERR_OK)
		e = keep(v, value, &v->list[at].value, why);
	if (e == ERR_OK)
		v->n++;
	return e;
}

enum err vars_expand(const struct vars *v, struct span text, struct out *o, struct why *why)
{
	while (text.n) {
		size_t dollar = span_find(text, '$'), end;
		struct span rest = span_sub(text, dollar, text.n), name;
		size_t at;

		out_put(o, span_sub(text, 0, dollar));
		if (!rest.n)
			break;
		end = span_find(rest, '}');
		name = span_sub(rest, 2, end > 2 ? end - 2 : 0);
		if (!span_starts(rest, "${") || end == rest.n || !is_name(name))
			return why_set(why, ERR_SYNTAX, "'$' must begin ${NAME}", text);
		at = find(v, name);
		if (at == v->n)
			return why_set(why, ERR_NOT_FOUND, "no value is given for", name);
		out_put(o, v->list[at].value);
		text = span_sub(rest, end + 1, rest.n);
	}
	return o->bad ? why_say(why, ERR_TOO_BIG, "a text is too long") : ERR_OK;
}
