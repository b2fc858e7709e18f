/* Which groups of a table may be shown: one answer must not be undone by subtraction.
 *
 * A cell counts the people of one group, in parts: each company's own. The other company knows its
 * own part and subtracts it, so a cell may be shown only if each of its parts is 0 or at least
 * `min`. Totals are known too: whatever is not shown follows from them as one sum. So cells are
 * hidden until that sum is the sum of at least two cells and may itself be shown. Then every sum
 * that totals, shown cells and one company's own records determine counts 0 or at least `min`
 * people of the other company. */
#ifndef PARTY_QUERY_SUPPRESS_H
#define PARTY_QUERY_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SUPPRESS_PARTS 6 /* of two companies: people; of these with a salary; and without */

struct cell {
	uint32_t part[SUPPRESS_PARTS];
	bool hidden;
};

bool suppress_ok(uint64_t people, uint32_t min);
/* Decides every cell's `hidden`: first those that may not be shown, then the smallest (by the first
 * two parts; of equals the last) as long as what is hidden could be told apart. Cells without
 * anybody are no cells, and hidden if any is. The cells are all there are: their sum is known. min
 * 1 hides nothing. Returns how many people are hidden (the first two parts). */
uint64_t suppress_fold(struct cell *cell, size_t n, uint32_t min);

#endif
