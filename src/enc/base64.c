/* Base64 and base64url without tables and without branches on the data. */
#include "enc/base64.h"

#include "base/ct.h"
#include "enc/ct_range.h"

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

/* Character of a value 0..63. Exactly one of the masks is set. */
static uint8_t to_char(enum b64_form form, uint32_t v)
{
	uint32_t c = (ct_range(v, 0, 25) & (v + 'A')) | (ct_range(v, 26, 51) & (v - 26 + 'a')) |
		     (ct_range(v, 52, 61) & (v - 52 + '0')) | (ct_range(v, 62, 62) & char_62(form)) |
		     (ct_range(v, 63, 63) & char_63(form));

	return (uint8_t)c;
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

/* The last one or two bytes, and the padding if the form has it. */
static void encode_tail(struct out *o, enum b64_form form, const uint8_t *p, size_t n)
{
	uint32_t v = (uint32_t)p[0] << 16 | (n == 2 ? (uint32_t)p[1] << 8 : 0);

	out_byte(o, to_char(form, v >> 18));
	out_byte(o, to_char(form, v >> 12 & 63));
	if (n == 2)
		out_byte(o, to_char(form, v >> 6 & 63));
	if (form != B64_URL)
		out_bytes(o, "==", 3 - n);
}

void base64_encode(struct out *o, enum b64_form form, struct span in)
{
	size_t whole = in.n / 3;
	uint8_t *d = out_reserve(o, whole * 4);

	if (o->bad)
		return;
	for (size_t i = 0; i < whole; i++) {
		const uint8_t *s = in.p + 3 * i;
		uint32_t v = (uint32_t)s[0] << 16 | (uint32_t)s[1] << 8 | s[2];

		for (size_t k = 0; k < 4; k++)
			d[4 * i + k] = to_char(form, v >> (18 - 6 * k) & 63);
	}
	if (in.n % 3)
		encode_tail(o, form, in.p + 3 * whole, in.n % 3);
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
