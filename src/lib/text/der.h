/* DER (ITU-T X.690): a sticky reader over untrusted bytes and a writer that fills lengths in. */
#ifndef TEXT_DER_H
#define TEXT_DER_H

#include "base/err.h"
#include "base/out.h"

enum {
	DER_BOOLEAN = 0x01, DER_INTEGER = 0x02, DER_BIT_STRING = 0x03, DER_OCTET_STRING = 0x04, DER_NULL = 0x05,
	DER_OID = 0x06, DER_UTF8_STRING = 0x0c, DER_PRINTABLE_STRING = 0x13, DER_IA5_STRING = 0x16,
	DER_UTC_TIME = 0x17, DER_GENERALIZED_TIME = 0x18, DER_SEQUENCE = 0x30, DER_SET = 0x31,
	DER_CONTEXT = 0x80, DER_CONTEXT_CONSTRUCTED = 0xa0, /* add the tag number (0..30) */
};

/* Reads elements one after the other. After the first fault `bad` sticks and every read gives empty views.
 * Definite minimal lengths only, single-byte tags only, as DER demands. */
struct der {
	struct span rest;
	bool bad;
};

static inline struct der der_init(struct span in) { return (struct der){ in, false }; }
/* Nothing left and nothing wrong. */
static inline bool der_done(const struct der *d) { return !d->bad && d->rest.n == 0; }
/* Tag of the next element, or 0 at the end or after a fault. */
uint8_t der_peek(const struct der *d);
/* Contents of the next element, which must have this tag. */
struct span der_take(struct der *d, uint8_t tag);
/* Whole next element (tag, length, contents), any tag; its tag in *tag unless NULL. */
struct span der_element(struct der *d, uint8_t *tag);
/* The same, of an element that must have this tag. */
struct span der_whole(struct der *d, uint8_t tag);
/* Enters a constructed element: a reader over its contents; bad when d is bad. */
struct der der_enter(struct der *d, uint8_t tag);
/* Non-negative INTEGER as big-endian magnitude without leading zero octet (zero gives one 0x00 byte).
 * Negative or non-minimal is a fault. */
struct span der_uint(struct der *d);
/* Small non-negative INTEGER; a fault when over 64 bits. */
uint64_t der_u64(struct der *d);
/* BIT STRING with no unused bits: contents without the count octet. */
struct span der_bits(struct der *d);
/* True when the next element is an OID equal to the given content bytes; consumed either way. */
bool der_oid_is(struct der *d, struct span oid);
/* UTCTime or GeneralizedTime in Z form to Unix seconds (RFC 5280 section 4.1.2.5). */
int64_t der_time(struct der *d);

/* Writer: elements are written back to front, so that lengths are known when their header is written.
 * dw_* calls prepend; write the LAST element first. Overflow sticks in bad. */
struct dw {
	uint8_t *p;     /* buffer */
	size_t at, cap; /* bytes used are p[at..cap) */
	bool bad;
};

static inline struct dw dw_init(uint8_t *p, size_t cap) { return (struct dw){ p, cap, cap, false }; }
static inline struct span dw_span(const struct dw *w) { return span_of(w->p + w->at, w->cap - w->at); }
/* Bytes written so far: remember it before writing the contents of a constructed element. */
static inline size_t dw_mark(const struct dw *w) { return w->cap - w->at; }
void dw_bytes(struct dw *w, struct span bytes);
/* Puts bytes behind everything written so far. */
void dw_append(struct dw *w, struct span bytes);
/* Puts a tag and length in front of everything written since mark. */
void dw_wrap(struct dw *w, uint8_t tag, size_t mark);
/* tag, length, contents. */
void dw_tlv(struct dw *w, uint8_t tag, struct span contents);
/* Non-negative INTEGER from a big-endian magnitude. */
void dw_uint(struct dw *w, struct span magnitude);
void dw_u64(struct dw *w, uint64_t v);
/* BIT STRING header in front of everything since mark (no unused bits). */
void dw_wrap_bits(struct dw *w, size_t mark);
/* UTCTime before 2050, else GeneralizedTime. */
void dw_time(struct dw *w, int64_t unix_s);

#endif
