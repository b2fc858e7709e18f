/* A read-only view of bytes, and the fixed-order loads and stores every parser uses. */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Does not own its bytes; valid as long as what it points into. p may be NULL only when n is 0. */
struct span {
	const uint8_t *p;
	size_t n;
};

/* View of n bytes at p. */
static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){ (const uint8_t *)p, n };
}

/* View of a NUL-terminated text, without the NUL. NULL gives the empty span. */
struct span span_str(const char *text);

/* View of a string literal or a char array holding text. */
#define SPAN_LIT(s) ((struct span){ (const uint8_t *)("" s), sizeof(s) - 1 })

/* Equality of contents. NOT constant time: public data only (ct_equal for secrets). */
bool span_eq(struct span a, struct span b);
bool span_eq_str(struct span a, const char *text);
/* ASCII case-insensitive equality. NOT constant time. */
bool span_eq_nocase(struct span a, const char *text);
bool span_same_nocase(struct span a, struct span b);
bool span_starts(struct span a, const char *prefix);
bool span_ends(struct span a, const char *suffix);
/* ASCII case-insensitive "contains". NOT constant time. */
bool span_has_nocase(struct span a, const char *word);

/* Whether all bytes are zero. */
bool span_is_zero(struct span a);

/* The part from at (clamped to n) of at most len bytes. Never reads outside a. */
struct span span_sub(struct span a, size_t at, size_t len);
/* Index of the first byte c, or a.n when there is none. */
size_t span_find(struct span a, uint8_t c);
/* Takes what stands before the first byte `stop`, and that byte, off the front of *rest: all of it when there is none. */
struct span span_cut(struct span *rest, uint8_t stop);
/* At least one byte, all of them printable ASCII and no blank: may go into a line of a protocol as it is. */
bool span_is_word(struct span a);
/* Without leading and trailing spaces, tabs, CR and LF. */
struct span span_trim(struct span a);

/* Decimal digits only, no sign, no blanks, at most 20 digits; false when anything else or on overflow. */
bool span_u64(struct span a, uint64_t *value);

/* Copies text into dst[cap] and ends it with NUL; false (dst empty) when it does not fit or holds a NUL. */
bool span_copy_str(struct span a, char *dst, size_t cap);

/* ASCII letters and digits. */
static inline bool is_alnum(uint8_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

static inline uint16_t load_be16(const uint8_t *p) { return (uint16_t)((p[0] << 8) | p[1]); }
static inline uint32_t load_be32(const uint8_t *p)
{
	return ((uint32_t)p[0] << 24) | ((uint32_t)p[1] << 16) | ((uint32_t)p[2] << 8) | p[3];
}
static inline uint64_t load_be64(const uint8_t *p) { return ((uint64_t)load_be32(p) << 32) | load_be32(p + 4); }
static inline uint16_t load_le16(const uint8_t *p) { return (uint16_t)((p[1] << 8) | p[0]); }
static inline uint32_t load_le32(const uint8_t *p)
{
	return ((uint32_t)p[3] << 24) | ((uint32_t)p[2] << 16) | ((uint32_t)p[1] << 8) | p[0];
}
static inline uint64_t load_le64(const uint8_t *p) { return ((uint64_t)load_le32(p + 4) << 32) | load_le32(p); }
static inline void store_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}
static inline void store_be64(uint8_t *p, uint64_t v)
{
	store_be32(p, (uint32_t)(v >> 32));
	store_be32(p + 4, (uint32_t)v);
}
static inline void store_le64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

#endif
