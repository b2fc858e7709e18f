/* Counting by label in fixed tables that remember who was seen first. */
#ifndef PARTY_QUERY_GROUPS_H
#define PARTY_QUERY_GROUPS_H

#include "base/fault.h"
#include "base/span.h"
#include "party/steps.h"

enum group_kind { GROUP_COUNTRY, GROUP_CITY, GROUP_EYE, GROUP_COLOR, GROUP_KINDS };

/* Different labels of each kind. Far above what the analysis is about; a data set beyond it is refused by name. */
#define GROUP_COUNTRIES_MAX 1024
#define GROUP_CITIES_MAX 32768
#define GROUP_EYES_MAX 256
#define GROUP_COLORS_MAX 1024
#define GROUPS_MAX (GROUP_COUNTRIES_MAX + GROUP_CITIES_MAX + GROUP_EYES_MAX + GROUP_COLORS_MAX)
#define GROUPS_SLOTS 65536      /* power of two, nearly twice GROUPS_MAX */
#define GROUPS_TEXT_MAX 1048576 /* bytes of all labels */
#define GROUP_LABEL_MAX 256     /* bytes of one label */

#define GROUP_PARTS 2 /* companies */

struct group {
	uint32_t part[GROUP_PARTS];
	uint32_t hash, text_at;
	uint32_t ordinal; /* how many of its kind came before */
	uint32_t parent;  /* for cities the ordinal of their country, else 0 */
	uint16_t text_n;
	uint8_t kind;
	bool hidden; /* set by the owner: groups_top leaves it out */
};

/* About 2.2 MiB. Holds no pointers: copying the structure copies the tables. Labels are partners' plaintext: wiped by the
 * owner. */
struct groups {
	uint32_t n, text_n, seed;
	uint32_t of_kind[GROUP_KINDS];
	struct group item[GROUPS_MAX]; /* in order of first appearance */
	uint16_t slot[GROUPS_SLOTS];   /* index + 1, 0 = free */
	uint8_t text[GROUPS_TEXT_MAX];
};

/* seed: random, so that data cannot be made to collide. */
void groups_init(struct groups *g, uint32_t seed);
/* Copies and wipes what is used of the tables, which is little of them: *to and *g are wiped, zeroed or in use. */
void groups_copy(struct groups *to, const struct groups *from);
void groups_wipe(struct groups *g);
uint64_t group_count(const struct group *item);
/* Counts one more of label in a part; *item, when not NULL, is set to its entry. ERR_FULL naming
 * the table and its capacity. */
MUST_USE enum err groups_add(struct groups *g, enum group_kind kind, uint32_t parent, struct span label, size_t part,
                             struct group **item, struct fault *f);
/* The up to max entries that are not hidden of a kind (and parent) with the largest counts, ties in
 * order of first appearance: their indices in item[]. Returns how many. */
size_t groups_top(const struct groups *g, enum group_kind kind, uint32_t parent, uint32_t *index, size_t max);
struct span groups_label(const struct groups *g, const struct group *item);

#endif
