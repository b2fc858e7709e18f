/* UTF-8. */
#include "text/utf8.h"

static bool is_tail(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Length a lead byte announces and the range of the byte after it. The narrowed ranges are what keeps out overlong
 * forms (e0, f0), surrogates (ed) and numbers above U+10FFFF (f4). */
static size_t lead(uint8_t c, uint8_t *lo, uint8_t *hi)
{
	*lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
	*hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return 2;
	if (c >= 0xe0 && c <= 0xef)
		return 3;
	return c >= 0xf0 && c <= 0xf4 ? 4 : 0;
}

size_t utf8_len(struct span in)
{
	uint8_t lo, hi;
	size_t n;

	if (in.n == 0)
		return 0;
	n = lead(in.p[0], &lo, &hi);
	if (n < 2)
		return n;
	if (in.n < n || in.p[1] < lo || in.p[1] > hi)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (!is_tail(in.p[i]))
			return 0;
	return n;
}

bool utf8_valid(struct span in)
{
	while (in.n) {
		size_t n = utf8_len(in);

		if (n == 0)
			return false;
		in = span_sub(in, n, in.n);
	}
	return true;
}

void utf8_put(struct out *o, uint32_t point)
{
	unsigned tails = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
	static const uint8_t leads[4] = { 0, 0xc0, 0xe0, 0xf0 };

	out_byte(o, (uint8_t)(leads[tails] | point >> 6 * tails));
	while (tails-- > 0)
		out_byte(o, (uint8_t)(0x80 | (point >> 6 * tails & 0x3f)));
}
