/* A bounded writer whose first overflow sticks: build a whole message, check once. */
#ifndef BASE_OUT_H
#define BASE_OUT_H

#include "base/span.h"

/* Writes into memory owned by the caller. After an overflow `bad` stays set and later writes do nothing. */
struct out {
	uint8_t *p;
	size_t n, cap;
	bool bad;
};

/* Starts an empty writer over cap bytes at p. */
static inline struct out out_init(void *p, size_t cap)
{
	return (struct out){ (uint8_t *)p, 0, cap, false };
}

/* What has been written so far (the part that fitted when bad is set; check `bad` first). */
static inline struct span out_span(const struct out *o)
{
	return span_of(o->p, o->n);
}

void out_bytes(struct out *o, const void *p, size_t n);
void out_byte(struct out *o, uint8_t c);
void out_str(struct out *o, const char *text);
void out_put(struct out *o, struct span s);
/* Several texts, one behind the other; a NULL is an empty one. */
#define out_strs(o, ...) out_list((o), (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
void out_list(struct out *o, const char *const *texts, size_t n);
/* Decimal without leading zeros. */
void out_u64(struct out *o, uint64_t v);
void out_i64(struct out *o, int64_t v);
/* Lower-case hex digits of a number without leading zeros ("0" for zero). */
void out_hex_u64(struct out *o, uint64_t v);
/* Two lower-case hex digits a byte; all or nothing. Time depends on length only. */
void out_hex(struct out *o, const uint8_t *p, size_t n);
/* v/10^decimals with exactly `decimals` fraction digits (0..9), e.g. (1234, 2) -> "12.34". */
void out_fixed(struct out *o, int64_t v, unsigned decimals);
/* Room for n more bytes, counted as written, or NULL (and bad) when they do not fit. */
uint8_t *out_reserve(struct out *o, size_t n);
/* Ends the text with NUL (not counted in n) and gives it as a C string; "" when it does not fit. */
const char *out_cstr(struct out *o);
/* Several texts as one C string in dst[cap]; false, and "", when they do not fit. */
#define out_join(dst, cap, ...) out_join_list((dst), (cap), (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))
bool out_join_list(char *dst, size_t cap, const char *const *texts, size_t n);

#endif
