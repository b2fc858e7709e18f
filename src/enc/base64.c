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

/* Value of a character; *good stays all ones only while every character was in the alphabet. */
static uint32_t from_char(enum b64_form form, uint32_t c, uint32_t *good)
{
	uint32_t upper = ct_range(c, 'A', 'Z'), lower = ct_range(c, 'a', 'z'), digit = ct_range(c, '0', '9');
	uint32_t is_62 = ct_range(c, char_62(form), char_62(form)), is_63 = ct_range(c, char_63(form), char_63(form));

	*good &= upper | lower | digit | is_62 | is_63;
	return (upper & (c - 'A')) | (lower & (c - 'a' + 26)) | (digit & (c - '0' + 52)) | (is_62 & 62) | (is_63 & 63);
}

static __m128i in_range16(__m128i c, uint32_t lo, uint32_t hi)
{
	return _mm_and_si128(_mm_cmpgt_epi8(c, _mm_set1_epi8((char)(lo - 1))), _mm_cmpgt_epi8(_mm_set1_epi8((char)(hi + 1)), c));
}

/* The same as from_char for sixteen characters, with SSE2, which is part of x86-64. Compares are signed: bytes over 0x7f are below all. */
static __m128i from_16(enum b64_form form, __m128i c, __m128i *good)
{
	const struct {
		uint32_t lo, hi, value;
	} ranges[] = { { 'A', 'Z', 0 }, { 'a', 'z', 26 }, { '0', '9', 52 }, { char_62(form), char_62(form), 62 }, { char_63(form), char_63(form), 63 } };
	__m128i v = _mm_setzero_si128(), known = v;

	for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
		__m128i in = in_range16(c, ranges[i].lo, ranges[i].hi);

		known = _mm_or_si128(known, in);
		v = _mm_or_si128(v, _mm_and_si128(in, _mm_add_epi8(c, _mm_set1_epi8((char)(ranges[i].value - ranges[i].lo)))));
	}
	*good = _mm_and_si128(*good, known);
	return v;
}

/* Whole groups of sixteen characters: how many characters were taken. In place is safe: all sixteen are read before a byte is written. */
static size_t decode_groups(enum b64_form form, const uint8_t *text, size_t digits, uint8_t *dst, uint32_t *good)
{
	__m128i all = _mm_set1_epi8(-1);
	uint8_t v[16];
	size_t i;

	for (i = 0; digits - i >= sizeof v; i += sizeof v) {
		_mm_storeu_si128((void *)v, from_16(form, _mm_loadu_si128((const void *)(text + i)), &all));
		for (size_t k = 0; k < sizeof v; k += 4) {
			uint32_t bits = (uint32_t)v[k] << 18 | (uint32_t)v[k + 1] << 12 | (uint32_t)v[k + 2] << 6 | v[k + 3];

			*dst++ = (uint8_t)(bits >> 16);
			*dst++ = (uint8_t)(bits >> 8);
			*dst++ = (uint8_t)bits;
		}
	}
	WIPE(v);
	*good &= ct_range((uint32_t)_mm_movemask_epi8(all), 0xffff, 0xffff);
	return i;
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
	uint32_t good = ~0u, bits = 0;
	size_t digits, len, used, start;

	if (!count_digits(form, text, &digits))
		return ERR_SYNTAX;
	len = digits / 4 * 3 + (digits % 4 ? digits % 4 - 1 : 0);
	if (len > cap)
		return ERR_TOO_BIG;
	/* In place is safe: byte k is written only after character k + k/3 + 1 was read. */
	start = decode_groups(form, text.p, digits, dst, &good);
	used = start / 4 * 3;
	for (size_t i = start; i < digits; i++) {
		bits = bits << 6 | from_char(form, text.p[i], &good);
		if (i % 4)
			dst[used++] = (uint8_t)(bits >> (6 - 2 * (i % 4)));
	}
	/* What the last character holds beyond the last byte must be zero: one text for one value. */
	if (digits % 4)
		good &= ct_range(bits & (digits % 4 == 2 ? 15 : 3), 0, 0);
	if (!good) {
		WIPE_N(dst, len);
		return ERR_SYNTAX;
	}
	*n = len;
	return ERR_OK;
}
