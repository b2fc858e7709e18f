/* Read-only views of bytes. */
#include "base/span.h"

#include <emmintrin.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

struct span span_str(const char *text)
{
	return text ? span_of(text, strlen(text)) : span_of(NULL, 0);
}

/* Eight bytes at a time: musl's memcmp takes single ones, and every byte between a record's values comes through here. */
static bool same(const uint8_t *a, const uint8_t *b, size_t n)
{
	uint64_t x, y;

	for (; n >= sizeof x; n -= sizeof x, a += sizeof x, b += sizeof x) {
		memcpy(&x, a, sizeof x);
		memcpy(&y, b, sizeof y);
		if (x != y)
			return false;
	}
	while (n && *a == *b)
		n--, a++, b++;
	return n == 0;
}

bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && same(a.p, b.p, a.n);
}

bool span_eq_str(struct span a, const char *text)
{
	return span_eq(a, span_str(text));
}

static bool eq_nocase(const uint8_t *a, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (lower(a[i]) != lower(b[i]))
			return false;
	return true;
}

bool span_same_nocase(struct span a, struct span b)
{
	return a.n == b.n && eq_nocase(a.p, b.p, a.n);
}

bool span_eq_nocase(struct span a, const char *text)
{
	return span_same_nocase(a, span_str(text));
}

bool span_starts(struct span a, const char *prefix)
{
	struct span b = span_str(prefix);

	return a.n >= b.n && span_eq(span_sub(a, 0, b.n), b);
}

bool span_ends(struct span a, const char *suffix)
{
	struct span b = span_str(suffix);

	return a.n >= b.n && span_eq(span_sub(a, a.n - b.n, b.n), b);
}

bool span_has_nocase(struct span a, const char *word)
{
	struct span b = span_str(word);

	for (size_t at = 0; a.n >= b.n && at <= a.n - b.n; at++)
		if (eq_nocase(a.p + at, b.p, b.n))
			return true;
	return false;
}

bool span_is_zero(struct span a)
{
	uint8_t any = 0;

	for (size_t i = 0; i < a.n; i++)
		any |= a.p[i];
	return any == 0;
}

struct span span_sub(struct span a, size_t at, size_t len)
{
	if (at >= a.n)
		return span_of(a.p, 0);
	if (len > a.n - at)
		len = a.n - at;
	return span_of(a.p + at, len);
}

size_t span_find(struct span a, uint8_t c)
{
	__m128i all = _mm_set1_epi8((char)c);
	size_t i = 0;

	for (; a.n - i >= 16; i += 16) {
		unsigned hits = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const void *)(a.p + i)), all));

		if (hits)
			return i + (size_t)__builtin_ctz(hits);
	}
	while (i < a.n && a.p[i] != c)
		i++;
	return i;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct span span_cut(struct span *rest, uint8_t stop)
{
	struct span part = span_sub(*rest, 0, span_find(*rest, stop));

	*rest = span_sub(*rest, part.n + 1, rest->n);
	return part;
}

bool span_is_word(struct span a)
{
	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] <= 0x20 || a.p[i] >= 0x7f)
			return false;
	return a.n > 0;
}

struct span span_trim(struct span a)
{
	while (a.n && is_blank(a.p[0])) {
		a.p++;
		a.n--;
	}
	while (a.n && is_blank(a.p[a.n - 1]))
		a.n--;
	return a;
}

bool span_u64(struct span a, uint64_t *value)
{
	uint64_t v = 0;

	if (a.n == 0 || a.n > 20)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		unsigned d = (unsigned)a.p[i] - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return false;
		v = v * 10 + d;
	}
	*value = v;
	return true;
}

bool span_copy_str(struct span a, char *dst, size_t cap)
{
	if (cap == 0)
		return false;
	dst[0] = '\0';
	if (a.n >= cap || span_find(a, 0) != a.n)
		return false;
	if (a.n)
		memcpy(dst, a.p, a.n);
	dst[a.n] = '\0';
	return true;
}
