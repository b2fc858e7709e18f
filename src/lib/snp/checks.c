/* The outcome of a verification. */
#include "snp/checks.h"

#define VALUE_MAX 64 /* bytes compared and told in hex */

void checks_init(struct checks *c)
{
	c->n = 0;
	c->group = CHECK_GENUINE;
	c->full = false;
	c->text[0] = 0;
	c->text_n = 1;
}

static uint16_t keep(struct checks *c, struct span s)
{
	size_t room = CHECKS_TEXT_MAX - c->text_n;
	uint16_t at = c->text_n;

	if (s.n == 0 || room < 2)
		return 0;
	fault_text(c->text + at, room, s);
	c->text_n = (uint16_t)(at + (s.n < room ? s.n : room - 1) + 1);
	return at;
}

static void add(struct checks *c, const char *id, enum check_state state, struct span expected, struct span found,
                struct span why)
{
	struct check *k;

	if (c->n == CHECKS_MAX) {
		c->full = true;
		return;
	}
	k = &c->list[c->n++];
	k->id = id;
	k->group = c->group;
	k->state = (uint8_t)state;
	/* What is wrong comes first, should the room for texts be short. */
	k->why = keep(c, why);
	k->expected = keep(c, expected);
	k->found = keep(c, found);
}

void checks_skip(struct checks *c, const char *id, const char *why)
{
	add(c, id, CHECK_SKIPPED, span_of(NULL, 0), span_of(NULL, 0), span_str(why));
}

bool checks_judge(struct checks *c, const char *id, bool ok, struct span expected, struct span found, const char *why)
{
	add(c, id, ok ? CHECK_PASSED : CHECK_FAILED, ok ? span_of(NULL, 0) : expected, found, span_str(ok ? NULL : why));
	return ok;
}

bool checks_that(struct checks *c, const char *id, bool ok, const char *why)
{
	return checks_judge(c, id, ok, span_of(NULL, 0), span_of(NULL, 0), why);
}

static struct span hex(uint8_t *buf, size_t cap, struct span bytes)
{
	struct out o = out_init(buf, cap);

	bytes = span_sub(bytes, 0, VALUE_MAX);
	out_hex(&o, bytes.p, bytes.n);
	return out_span(&o);
}

bool checks_equal(struct checks *c, const char *id, struct span expected, struct span found, const char *why)
{
	uint8_t a[2 * VALUE_MAX], b[2 * VALUE_MAX];

	return checks_judge(c, id, span_eq(expected, found), hex(a, sizeof a, expected), hex(b, sizeof b, found), why);
}

bool checks_at_least(struct checks *c, const char *id, uint64_t min, uint64_t found, const char *why)
{
	uint8_t a[32], b[32];
	struct out want = out_init(a, sizeof a), got = out_init(b, sizeof b);

	out_str(&want, "at least ");
	out_u64(&want, min);
	out_u64(&got, found);
	return checks_judge(c, id, found >= min, out_span(&want), out_span(&got), why);
}

size_t checks_count(const struct checks *c, enum check_group group, enum check_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (c->list[i].group == group && c->list[i].state == state)
			n++;
	return n;
}

bool checks_ok(const struct checks *c, enum check_group group)
{
	return !c->full && checks_count(c, group, CHECK_FAILED) == 0 && checks_count(c, group, CHECK_PASSED) > 0;
}

const char *checks_text(const struct checks *c, uint16_t offset)
{
	return c->text + (offset < c->text_n ? offset : 0);
}

const char *checks_state_name(enum check_state s)
{
	return s == CHECK_PASSED ? "passed" : s == CHECK_SKIPPED ? "skipped" : "failed";
}

void checks_write_json(const struct checks *c, struct jw *w, const char *name)
{
	jw_array(w, name);
	for (size_t i = 0; i < c->n; i++) {
		const struct check *k = &c->list[i];

		jw_object(w, NULL);
		jw_str(w, "id", k->id);
		jw_str(w, "group", k->group == CHECK_GENUINE ? "genuine" : "acceptable");
		jw_str(w, "state", checks_state_name((enum check_state)k->state));
		if (k->expected)
			jw_str(w, "expected", checks_text(c, k->expected));
		if (k->found)
			jw_str(w, "found", checks_text(c, k->found));
		if (k->why)
			jw_str(w, "why", checks_text(c, k->why));
		jw_end_object(w);
	}
	jw_end_array(w);
}
