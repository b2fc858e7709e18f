/* Base64 and base64url (RFC 4648 sections 4 and 5). */
#ifndef TEXT_BASE64_H
#define TEXT_BASE64_H

#include "base/err.h"
#include "base/out.h"

enum b64_form {
	B64_STD,     /* standard alphabet, padded */
	B64_URL,     /* URL alphabet, no padding */
	B64_URL_PAD, /* URL alphabet, padded (Azure Attestation's request fields) */
};

#define B64_LEN(n) (((n) + 2) / 3 * 4)

/* Appends the text of in. Runs in time depending on lengths only (safe for keys). */
void base64_encode(struct out *o, enum b64_form form, struct span in);

/* Decodes the whole text into dst[cap]; *n is set on success. In time depending on lengths only, apart from
 * the verdict. Strict: only the form's alphabet, no white space, canonical trailing bits; padding is required
 * for B64_STD and optional (but if present, right) for the URL forms. dst may equal text.p (in place).
 * Errors: ERR_SYNTAX, ERR_TOO_BIG. Input untrusted. */
MUST_USE enum err base64_decode(enum b64_form form, struct span text, uint8_t *dst, size_t cap, size_t *n);

#endif
