/* PEM blocks (RFC 7468). */
#ifndef TEXT_PEM_H
#define TEXT_PEM_H

#include "base/err.h"
#include "base/out.h"

/* Takes the next block labelled `label` ("CERTIFICATE") from *text, decodes it into dst[cap], advances *text past
 * it. Text between blocks and blocks with other labels are skipped, LF or CRLF. A begin marker counts only at the
 * start of a line or of *text, so that blocks glued together without a line break are found too. ERR_NOT_FOUND when
 * there is none left, ERR_SYNTAX (also for an empty block or one with headers), ERR_TOO_BIG; *text then stays.
 * Untrusted. Does not look at the bytes' values but through the constant-time base64, so keys may pass. */
MUST_USE enum err pem_next(struct span *text, const char *label, uint8_t *dst, size_t cap, size_t *n);
/* All blocks with the label, decoded one behind the other. ERR_NOT_FOUND when there is none, else as pem_next. */
MUST_USE enum err pem_all(struct span text, const char *label, uint8_t *dst, size_t cap, size_t *n);
/* Appends a block with 64-character lines. */
void pem_write(struct out *o, const char *label, struct span der);

#endif
