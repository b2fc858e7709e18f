/* Which groups of a table may be shown. */
#include "party/query/suppress.h"

struct hidden {
	uint64_t part[SUPPRESS_PARTS];
	size_t cells;
};

bool suppress_ok(uint64_t people, uint32_t min)
{
	return people == 0 || people >= min;
}

static uint64_t people_of(const struct cell *c)
{
	return (uint64_t)c->part[0] + c->part[1];
}

static bool cell_ok(const struct cell *c, uint32_t min)
{
	bool ok = true;

	for (size_t i = 0; i < SUPPRESS_PARTS; i++)
		ok = ok && suppress_ok(c->part[i], min);
	return ok;
}

/* What is hidden is nothing, or a sum that may be known. */
static bool sum_ok(const struct hidden *h, uint32_t min)
{
	bool ok = h->cells != 1;

	for (size_t i = 0; i < SUPPRESS_PARTS; i++)
		ok = ok && suppress_ok(h->part[i], min);
	return ok;
}

static void hide(struct hidden *h, struct cell *c)
{
	c->hidden = true;
	h->cells++;
	for (size_t i = 0; i < SUPPRESS_PARTS; i++)
		h->part[i] += c->part[i];
}

/* The next one to hide, or NULL. */
static struct cell *smallest_shown(struct cell *cell, size_t n)
{
	struct cell *found = NULL;

	for (size_t i = 0; i < n; i++)
		if (!cell[i].hidden && people_of(&cell[i]) && (!found || people_of(&cell[i]) <= people_of(found)))
			found = &cell[i];
	return found;
}

uint64_t suppress_fold(struct cell *cell, size_t n, uint32_t min)
{
	struct hidden h = { { 0 }, 0 };
	struct cell *next;

	for (size_t i = 0; i < n; i++) {
		cell[i].hidden = false;
		if (!cell_ok(&cell[i], min))
			hide(&h, &cell[i]);
	}
	while (!sum_ok(&h, min) && (next = smallest_shown(cell, n)) != NULL)
		hide(&h, next);
	/* Which of the groups that are not shown have nobody is not told either. */
	for (size_t i = 0; h.cells && i < n; i++)
		cell[i].hidden = cell[i].hidden || people_of(&cell[i]) == 0;
	return h.part[0] + h.part[1];
}
