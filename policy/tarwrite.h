/* Writing the one form of tar that is the same everywhere: plain ustar, owner, group and time zero. */
#ifndef POLICY_TARWRITE_H
#define POLICY_TARWRITE_H

#include "base/err.h"
#include "base/out.h"

#define TARWRITE_BLOCK 512

/* Appends the header of a file (name without '/' at its end) or directory (with). ERR_RANGE for a name that is empty,
 * absolute, over 100 bytes or holds "..", and for sizes over 8 GiB. */
MUST_USE enum err tarwrite_header(struct out *o, struct span name, unsigned mode, uint64_t size);
/* Appends the two zero blocks that end an archive. */
void tarwrite_end(struct out *o);
/* A header, data and padding. */
MUST_USE enum err tarwrite_file(struct out *o, struct span name, unsigned mode, struct span data);

#endif
