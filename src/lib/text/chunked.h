/* Chunked transfer coding (RFC 9112 section 7.1), incrementally. */
#ifndef TEXT_CHUNKED_H
#define TEXT_CHUNKED_H

#include "base/err.h"
#include "base/span.h"

/* Zero-initialise to start. Extensions are skipped up to 256 bytes a line, trailers up to 4 KiB in all and ignored;
 * bare LF, sign, blanks, over 15 size digits: ERR_SYNTAX. */
struct chunked {
	uint64_t left;   /* bytes of data left in this chunk */
	uint32_t seen;   /* bytes of the current line, or of trailers */
	uint8_t state;
	uint8_t digits;
};

/* Consumes from *in and gives the next piece of data as a view into it (possibly empty when more input is needed).
 * ERR_OK with *done set at the end of the body (what follows stays in *in); ERR_OK otherwise means: use *data, call
 * again while data or input remain; ERR_MORE: *in used up. ERR_SYNTAX: give up. Untrusted. */
MUST_USE enum err chunked_next(struct chunked *c, struct span *in, struct span *data, bool *done);

#endif
