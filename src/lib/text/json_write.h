/* Writing JSON into a bounded writer. Commas are placed by the writer. */
#ifndef TEXT_JSON_WRITE_H
#define TEXT_JSON_WRITE_H

#include "base/fault.h"
#include "base/out.h"

/* Wraps a writer owned by the caller. Nesting up to 64. Compact output, no spaces. Names are literals or checked
 * text; a NULL name writes a bare value (array element or root). Overflow, too deep nesting and an end without
 * a start stick in o->bad. */
struct jw {
	struct out *o;
	uint64_t has_item; /* bit d-1: something was already written at depth d; values at depth 0 get no comma */
	unsigned depth;
};

struct jw jw_init(struct out *o);
void jw_open(struct jw *w, const char *name, uint8_t bracket);
void jw_close(struct jw *w, uint8_t bracket);
static inline void jw_object(struct jw *w, const char *name) { jw_open(w, name, '{'); }
static inline void jw_end_object(struct jw *w) { jw_close(w, '}'); }
static inline void jw_array(struct jw *w, const char *name) { jw_open(w, name, '['); }
static inline void jw_end_array(struct jw *w) { jw_close(w, ']'); }
/* Untrusted bytes allowed: invalid UTF-8 becomes U+FFFD, control characters, quote and backslash are escaped,
 * and '<', '>', '&' as \u003c.. so that the text is inert inside HTML. */
void jw_str(struct jw *w, const char *name, const char *text); /* NULL text writes null */
void jw_span(struct jw *w, const char *name, struct span text);
/* A member whose name is untrusted text (escaped like a string). */
void jw_name_span(struct jw *w, struct span name, struct span text);
void jw_u64(struct jw *w, const char *name, uint64_t v);
void jw_i64(struct jw *w, const char *name, int64_t v);
/* A number with fixed decimals: v / 10^decimals. */
void jw_fixed(struct jw *w, const char *name, int64_t v, unsigned decimals);
void jw_bool(struct jw *w, const char *name, bool v);
static inline void jw_null(struct jw *w, const char *name) { jw_str(w, name, NULL); }
/* Text that is already JSON, inserted as is (trusted or produced by this program). */
void jw_raw(struct jw *w, const char *name, struct span json);
/* Binary as base64 (form) or lower-case hex; time depends on length only. */
void jw_b64(struct jw *w, const char *name, struct span bytes, int b64_form);
void jw_hex(struct jw *w, const char *name, struct span bytes);

#endif
