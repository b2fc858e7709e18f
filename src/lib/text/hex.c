/* Reading hexadecimal text without tables and without branches on the data. */
#include "text/hex.h"

#include "base/ct.h"

/* All ones when lo <= x <= hi, else zero; all three below 2^31. Constant time. */
static uint32_t ct_range(uint32_t x, uint32_t lo, uint32_t hi)
{
	/* Either difference going below zero sets its top bit. */
	return (((x - lo) | (hi - x)) >> 31) - 1;
}

/* Value of a digit; *good stays all ones only while every character was a digit. */
static uint32_t from_digit(uint32_t c, uint32_t *good)
{
	uint32_t digit = ct_range(c, '0', '9'), lower = ct_range(c, 'a', 'f'), upper = ct_range(c, 'A', 'F');

	*good &= digit | lower | upper;
	return (digit & (c - '0')) | (lower & (c - 'a' + 10)) | (upper & (c - 'A' + 10));
}

enum err hex_decode(struct span text, uint8_t *dst, size_t len)
{
	uint32_t good = ~0u;

	if (text.n % 2 || text.n / 2 != len)
		return ERR_SYNTAX;
	for (size_t i = 0; i < len; i++) {
		uint32_t high = from_digit(text.p[2 * i], &good);

		dst[i] = (uint8_t)(high << 4 | from_digit(text.p[2 * i + 1], &good));
	}
	if (!good) {
		WIPE_N(dst, len);
		return ERR_SYNTAX;
	}
	return ERR_OK;
}

enum err hex_u64(struct span text, uint64_t *value)
{
	uint32_t good = ~0u;
	uint64_t v = 0;

	if (text.n == 0 || text.n > 16)
		return ERR_SYNTAX;
	for (size_t i = 0; i < text.n; i++)
		v = v << 4 | from_digit(text.p[i], &good);
	if (!good)
		return ERR_SYNTAX;
	*value = v;
	return ERR_OK;
}
