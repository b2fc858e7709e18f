/* Writing plain ustar (POSIX.1-1988). */
#include "policy/tarwrite.h"

#include <string.h>

static bool has_dots(struct span name)
{
	while (name.n) {
		size_t slash = span_find(name, '/');

		if (span_eq_str(span_sub(name, 0, slash), ".."))
			return true;
		name = span_sub(name, slash + 1, name.n);
	}
	return false;
}

/* width - 1 octal digits and a NUL. */
static void put_octal(uint8_t *at, size_t width, uint64_t v)
{
	at[width - 1] = 0;
	for (size_t i = width - 1; i-- > 0; v >>= 3)
		at[i] = (uint8_t)('0' + (v & 7));
}

enum err tarwrite_header(struct out *o, struct span name, unsigned mode, uint64_t size)
{
	uint8_t h[TARWRITE_BLOCK] = { 0 };
	uint64_t sum = 0;

	if (!name.n || name.n > 100 || name.p[0] == '/' || has_dots(name) || size >> 33)
		return ERR_RANGE;
	memcpy(h, name.p, name.n);
	put_octal(h + 100, 8, mode & 07777);
	put_octal(h + 108, 8, 0);
	put_octal(h + 116, 8, 0);
	put_octal(h + 124, 12, size);
	put_octal(h + 136, 12, 0);
	memset(h + 148, ' ', 8);
	h[156] = span_ends(name, "/") ? '5' : '0';
	memcpy(h + 257, "ustar\00000", 8);
	put_octal(h + 329, 8, 0);
	put_octal(h + 337, 8, 0);
	for (size_t i = 0; i < sizeof h; i++)
		sum += h[i];
	put_octal(h + 148, 7, sum);
	out_bytes(o, h, sizeof h);
	return ERR_OK;
}

static void tarwrite_pad(struct out *o, uint64_t size)
{
	static const uint8_t zeros[TARWRITE_BLOCK];

	out_bytes(o, zeros, (size_t)(-size & (TARWRITE_BLOCK - 1)));
}

void tarwrite_end(struct out *o)
{
	static const uint8_t zeros[2 * TARWRITE_BLOCK];

	out_bytes(o, zeros, sizeof zeros);
}

enum err tarwrite_file(struct out *o, struct span name, unsigned mode, struct span data)
{
	enum err e = tarwrite_header(o, name, mode, data.n);

	out_put(o, data);
	tarwrite_pad(o, data.n);
	return e;
}
