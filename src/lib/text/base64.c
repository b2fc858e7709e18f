/* Base64 and base64url without tables and without branches on the data. */
#include "text/base64.h"

#include "base/ct.h"

#include <emmintrin.h>

/* The two characters in which the alphabets differ. */
static uint32_t char_62(enum b64_form form)
{
	return form == B64_STD ? '+' : '-';
}

static uint32_t char_63(enum b64_form form)
{
	return form == B64_STD ? '/' : '_';
}

/* All ones in the bytes that are in a range of ASCII. Compares are signed: bytes over 0x7f are below all. */
static __m128i in_range16(__m128i c, char lo, char hi)
{
	return _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8((char)(lo - 1))), _mm_cmpgt_epi8(_mm_set1_epi8((char)(hi + 1)), c));
}

static __m128i moved(__m128i in, __m128i c, int by)
{
	return _mm_and_si128(in, _mm_add_epi8(c, _mm_set1_epi8((char)by)));
}

/* Sixteen characters to twelve bytes, with SSE2, which is part of x86-64; *good stays all ones only while every character was in the
 * alphabet. All sixteen are read before a byte is written. */
static void decode_16(enum b64_form form, const uint8_t text[16], uint8_t dst[12], __m128i *good)
{
	__m128i c = _mm_loadu_si128((const void *)text), v, last;
	__m128i upper = in_range16(c, 'A', 'Z'), lower = in_range16(c, 'a', 'z'), digit = in_range16(c, '0', '9');
	__m128i is_62 = _mm_cmpeq_epi8(c, _mm_set1_epi8((char)char_62(form))), is_63 = _mm_cmpeq_epi8(c, _mm_set1_epi8((char)char_63(form)));
	uint64_t a, b;

	last = _mm_or_si128(is_62, is_63);
	*good = _mm_and_si128(*good, _mm_or_si128(_mm_or_si128(upper, lower), _mm_or_si128(digit, last)));
	v = _mm_or_si128(_mm_or_si128(moved(upper, c, -'A'), moved(lower, c, 26 - 'a')), moved(digit, c, 52 - '0'));
	v = _mm_or_si128(v, _mm_sub_epi8(_mm_and_si128(last, _mm_set1_epi8(62)), is_63));
	/* Of each four: two pairs of twelve bits, then 24 in a word. */
	v = _mm_or_si128(_mm_slli_epi16(_mm_and_si128(v, _mm_set1_epi16(0xff)), 6), _mm_srli_epi16(v, 8));
	v = _mm_madd_epi16(v, _mm_set1_epi32(1 << 16 | 1 << 12));
	a = (uint64_t)_mm_cvtsi128_si64(v);
	b = (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(v, v));
	store_be64(dst, a << 40 | (a >> 32) << 16 | (b >> 8 & 0xffff));
	store_be32(dst + 8, (uint32_t)(b << 24 | b >> 32));
}

/* Twelve bytes to sixteen characters. */
static void encode_12(enum b64_form form, const uint8_t p[12], uint8_t text[16])
{
	/* 24 bits to a word. */
	__m128i x = _mm_set_epi32((int)(load_be32(p + 8) & 0xffffff), (int)(load_be32(p + 6) >> 8), (int)(load_be32(p + 3) >> 8), (int)(load_be32(p) >> 8));
	__m128i v, c;

	v = _mm_or_si128(_mm_srli_epi32(x, 18), _mm_and_si128(_mm_srli_epi32(x, 4), _mm_set1_epi32(63 << 8)));
	v = _mm_or_si128(v, _mm_and_si128(_mm_slli_epi32(x, 10), _mm_set1_epi32(63 << 16)));
	v = _mm_or_si128(v, _mm_and_si128(_mm_slli_epi32(x, 24), _mm_set1_epi32(63 << 24)));
	c = _mm_add_epi8(v, _mm_set1_epi8('A'));
	c = _mm_add_epi8(c, _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(25)), _mm_set1_epi8('a' - 26 - 'A')));
	c = _mm_add_epi8(c, _mm_and_si128(_mm_cmpgt_epi8(v, _mm_set1_epi8(51)), _mm_set1_epi8('0' - 52 - ('a' - 26))));
	c = _mm_add_epi8(c, _mm_and_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(62)), _mm_set1_epi8((char)(char_62(form) - ('0' + 10)))));
	c = _mm_add_epi8(c, _mm_and_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(63)), _mm_set1_epi8((char)(char_63(form) - ('0' + 11)))));
	_mm_storeu_si128((void *)text, c);
}

void base64_encode(struct out *o, enum b64_form form, struct span in)
{
	size_t digits = (in.n * 4 + 2) / 3, n = form == B64_URL ? digits : B64_LEN(in.n), i, at;
	uint8_t *d = out_reserve(o, n), rest[16] = { 0 };

	if (o->bad)
		return;
	for (i = at = 0; in.n - i >= 12; i += 12, at += 16)
		encode_12(form, in.p + i, d + at);
	for (size_t k = 0; k < in.n - i; k++)
		rest[k] = in.p[i + k];
	encode_12(form, rest, rest);
	for (size_t k = 0; at + k < n; k++)
		d[at + k] = at + k < digits ? rest[k] : '=';
	WIPE(rest);
}

/* Number of characters without the padding, which must be right for the form. Lengths are public. */
static bool count_digits(enum b64_form form, struct span text, size_t *digits)
{
	size_t pad = 0;

	while (pad < 2 && pad < text.n && text.p[text.n - 1 - pad] == '=')
		pad++;
	if ((pad || form == B64_STD) && text.n % 4)
		return false;
	*digits = text.n - pad;
	return *digits % 4 != 1;
}

enum err base64_decode(enum b64_form form, struct span text, uint8_t *dst, size_t cap, size_t *n)
{
	__m128i good = _mm_set1_epi8(-1);
	size_t digits, len, at, used;
	int bad = 0;

	if (!count_digits(form, text, &digits))
		return ERR_SYNTAX;
	len = digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0);
	if (len > cap)
		return ERR_TOO_BIG;
	/* In place is safe: bytes are written behind the characters that were read. */
	for (at = used = 0; digits - at >= 16; at += 16, used += 12)
		decode_16(form, text.p + at, dst + used, &good);
	if (at < digits) {
		uint8_t rest[16];

		/* Filled up with zeros. What the last character holds beyond the last byte must be zero too: one text for one value. */
		for (size_t k = 0; k < sizeof rest; k++)
			rest[k] = k < digits - at ? text.p[at + k] : 'A';
		decode_16(form, rest, rest, &good);
		for (size_t k = 0; k < len - used; k++)
			dst[used + k] = rest[k];
		bad = rest[len - used];
		WIPE(rest);
	}
	if (bad | (_mm_movemask_epi8(good) ^ 0xffff)) {
		WIPE_N(dst, len);
		return ERR_SYNTAX;
	}
	*n = len;
	return ERR_OK;
}
