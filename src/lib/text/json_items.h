/* Cutting a stream of JSON into its top-level records, incrementally. */
#ifndef TEXT_JSON_ITEMS_H
#define TEXT_JSON_ITEMS_H

#include "base/err.h"
#include "base/span.h"

/* Understands three layouts, told apart by the first bytes:
 *   JSON lines            object LF object LF ...   (one object alone may lack the LF; blanks around are ignored)
 *   an array              [ object , object ... ]
 *   a wrapped array       { ..., "records": [ object, ... ], ... }   (the service's list reply; the rest is skipped)
 * Only nesting, strings and escapes are followed: every item MUST still be parsed strictly by its user. */
struct json_items {
	uint8_t *buf;     /* NULL: items are only counted, their spans are empty */
	size_t cap, n;
	struct span item;
	uint64_t items;   /* complete items so far */
	uint8_t state, match;
	uint8_t depth;
	bool in_string, escaped, first, in_array, wrapped, need_lf;
	enum err failed;
};

/* Starts over with the caller's buffer for one item; cap is the longest item also when buf is NULL. */
void json_items_init(struct json_items *it, uint8_t *buf, size_t cap);
/* Consumes from *in: ERR_OK with the next whole item (a view of buf or of the input, valid until the next call and as long as
 * the input), ERR_MORE when *in is used up, ERR_SYNTAX, ERR_TOO_BIG (an item over cap). Errors stick. Untrusted input; no recursion. */
MUST_USE enum err json_items_next(struct json_items *it, struct span *in, struct span *item);
/* The input has ended: ERR_OK when it ended where it may (also when it was empty), ERR_SYNTAX when it was cut, which
 * includes a missing last LF after two or more lines. */
MUST_USE enum err json_items_finish(struct json_items *it);

#endif
