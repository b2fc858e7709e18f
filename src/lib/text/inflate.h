/* gzip (RFC 1952) and deflate (RFC 1951), decoding only: the embedded page is kept compressed, and this opens it for the few
 * clients that do not take gzip. */
#ifndef TEXT_INFLATE_H
#define TEXT_INFLATE_H

#include "base/err.h"
#include "base/out.h"

/* Appends what one gzip member without optional header fields (as `gzip -n` makes it) holds; `out` is also the window, so it
 * must take the whole. Input may be anything, but is ours in practice. ERR_SYNTAX: malformed, wrong length or check sum, or
 * bytes behind the member. ERR_TOO_BIG: does not fit. After an error what is in o means nothing. */
MUST_USE enum err inflate_gzip(struct span in, struct out *o);

#endif
