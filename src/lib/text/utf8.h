/* UTF-8 (RFC 3629). */
#ifndef TEXT_UTF8_H
#define TEXT_UTF8_H

#include "base/out.h"

/* Length (1..4) of the valid sequence at the start of in, or 0 when it is invalid or cut. No surrogates, no overlong
 * forms, at most U+10FFFF. Untrusted. */
size_t utf8_len(struct span in);
bool utf8_valid(struct span in);
/* The form of a code point, which is at most U+10FFFF. */
void utf8_put(struct out *o, uint32_t point);

#endif
