/* Reading hexadecimal text, constant time for keys. base/out.h writes it. */
#ifndef TEXT_HEX_H
#define TEXT_HEX_H

#include "base/err.h"
#include "base/out.h"

/* Exactly len bytes from exactly 2*len digits of either case. Untrusted input; ERR_SYNTAX. */
MUST_USE enum err hex_decode(struct span text, uint8_t *dst, size_t len);
/* 1 to 16 digits to a number. ERR_SYNTAX. Public data. */
MUST_USE enum err hex_u64(struct span text, uint64_t *value);

#endif
