/* Counting by label in fixed tables that remember who was seen first. */
#include "party/query/groups.h"

#include "base/ct.h"
#include "base/out.h"

#include <string.h>

static const struct {
	const char *name;
	uint32_t max;
} kinds[GROUP_KINDS] = {
	[GROUP_COUNTRY] = { "countries", GROUP_COUNTRIES_MAX },
	[GROUP_CITY] = { "cities", GROUP_CITIES_MAX },
	[GROUP_EYE] = { "eye colors", GROUP_EYES_MAX },
	[GROUP_COLOR] = { "favorite colors", GROUP_COLORS_MAX },
};

_Static_assert(GROUPS_MAX < GROUPS_SLOTS && GROUPS_MAX <= UINT16_MAX, "an index + 1 fits a slot, and one is always free");

void groups_init(struct groups *g, uint32_t seed)
{
	g->n = g->text_n = 0;
	g->seed = seed;
	memset(g->of_kind, 0, sizeof g->of_kind);
	memset(g->slot, 0, sizeof g->slot);
}

void groups_wipe(struct groups *g)
{
	WIPE_N(g->item, g->n * sizeof g->item[0]);
	WIPE_N(g->text, g->text_n);
	WIPE(g->slot);
	WIPE_N(g, offsetof(struct groups, item));
}

void groups_copy(struct groups *to, const struct groups *from)
{
	groups_wipe(to);
	memcpy(to, from, offsetof(struct groups, item));
	memcpy(to->item, from->item, from->n * sizeof from->item[0]);
	memcpy(to->slot, from->slot, sizeof to->slot);
	memcpy(to->text, from->text, from->text_n);
}

/* FNV-1a with a random start. Good enough for tables this size; a bad case costs time, never memory. */
static uint32_t hash_of(const struct groups *g, enum group_kind kind, uint32_t parent, struct span label)
{
	uint32_t h = (g->seed ^ 2166136261u ^ (uint32_t)kind << 24) * 16777619u;

	h = (h ^ parent) * 16777619u;
	for (size_t i = 0; i < label.n; i++)
		h = (h ^ label.p[i]) * 16777619u;
	return h ^ h >> 15;
}

struct span groups_label(const struct groups *g, const struct group *item)
{
	return span_of(g->text + item->text_at, item->text_n);
}

/* "too many different cities: the table holds 32768" */
static enum err full(struct fault *f, enum group_kind kind)
{
	uint8_t text[128];
	struct out o = out_init(text, sizeof text);

	out_str(&o, "too many different ");
	out_str(&o, kinds[kind].name);
	out_str(&o, ": the table holds ");
	out_u64(&o, kinds[kind].max);
	return fault_set(f, ERR_FULL, STEP_ANALYSIS, out_cstr(&o));
}

/* The slot where the label is, or where it belongs. There is always a free slot: GROUPS_SLOTS > GROUPS_MAX. */
static uint32_t find_slot(const struct groups *g, enum group_kind kind, uint32_t parent, struct span label, uint32_t hash)
{
	uint32_t at = hash & (GROUPS_SLOTS - 1);

	for (; g->slot[at]; at = (at + 1) & (GROUPS_SLOTS - 1)) {
		const struct group *i = &g->item[g->slot[at] - 1];

		if (i->hash == hash && i->kind == kind && i->parent == parent && span_eq(groups_label(g, i), label))
			break;
	}
	return at;
}

static enum err insert(struct groups *g, enum group_kind kind, uint32_t parent, struct span label, uint32_t hash, uint32_t at,
                       struct fault *f)
{
	struct group *i;

	if (label.n > GROUP_LABEL_MAX)
		return fault_set_detail(f, ERR_FULL, STEP_ANALYSIS, "a label is longer than 256 bytes, among", span_str(kinds[kind].name));
	if (g->of_kind[kind] >= kinds[kind].max)
		return full(f, kind);
	if (label.n > sizeof g->text - g->text_n)
		return fault_set_detail(f, ERR_FULL, STEP_ANALYSIS, "the labels exceed 1048576 bytes in all, at",
		                        span_str(kinds[kind].name));
	i = &g->item[g->n];
	*i = (struct group){ { 0 }, hash, g->text_n, g->of_kind[kind], parent, (uint16_t)label.n, (uint8_t)kind, false };
	if (label.n)
		memcpy(g->text + g->text_n, label.p, label.n);
	g->text_n += (uint32_t)label.n;
	g->of_kind[kind]++;
	g->slot[at] = (uint16_t)++g->n;
	return ERR_OK;
}

enum err groups_add(struct groups *g, enum group_kind kind, uint32_t parent, struct span label, size_t part,
                    struct group **item, struct fault *f)
{
	uint32_t hash = hash_of(g, kind, parent, label);
	uint32_t at = find_slot(g, kind, parent, label, hash);
	struct group *found;

	if (!g->slot[at]) {
		enum err e = insert(g, kind, parent, label, hash, at, f);

		if (e)
			return e;
	}
	found = &g->item[g->slot[at] - 1];
	found->part[part]++;
	if (item)
		*item = found;
	return ERR_OK;
}

uint64_t group_count(const struct group *item)
{
	return (uint64_t)item->part[0] + item->part[1];
}

size_t groups_top(const struct groups *g, enum group_kind kind, uint32_t parent, uint32_t *index, size_t max)
{
	size_t n = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		size_t at = n;

		if (g->item[i].kind != kind || g->item[i].parent != parent || g->item[i].hidden)
			continue;
		/* Goes before those with smaller counts only: equals keep their order of appearance. */
		while (at > 0 && group_count(&g->item[index[at - 1]]) < group_count(&g->item[i]))
			at--;
		if (at == max)
			continue;
		if (n < max)
			n++;
		for (size_t k = n - 1; k > at; k--)
			index[k] = index[k - 1];
		index[at] = i;
	}
	return n;
}
