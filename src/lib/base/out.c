/* A bounded writer whose first overflow sticks. */
#include "base/out.h"

#include <string.h>

uint8_t *out_reserve(struct out *o, size_t n)
{
	uint8_t *at;

	if (o->bad || n > o->cap - o->n) {
		o->bad = true;
		return NULL;
	}
	at = o->p + o->n;
	o->n += n;
	return at;
}

void out_bytes(struct out *o, const void *p, size_t n)
{
	uint8_t *at = out_reserve(o, n);

	if (at && n)
		memcpy(at, p, n);
}

void out_byte(struct out *o, uint8_t c)
{
	uint8_t *at = out_reserve(o, 1);

	if (at)
		*at = c;
}

void out_str(struct out *o, const char *text)
{
	out_put(o, span_str(text));
}

void out_put(struct out *o, struct span s)
{
	out_bytes(o, s.p, s.n);
}

void out_list(struct out *o, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		out_str(o, texts[i]);
}

bool out_join_list(char *dst, size_t cap, const char *const *texts, size_t n)
{
	struct out o = out_init(dst, cap);

	out_list(&o, texts, n);
	(void)out_cstr(&o);
	if (o.bad && cap)
		dst[0] = '\0';
	return !o.bad;
}

void out_u64(struct out *o, uint64_t v)
{
	char d[20];
	size_t n = sizeof d;

	do {
		d[--n] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	out_bytes(o, d + n, sizeof d - n);
}

void out_i64(struct out *o, int64_t v)
{
	if (v < 0)
		out_byte(o, '-');
	out_u64(o, v < 0 ? 0 - (uint64_t)v : (uint64_t)v);
}

void out_hex_u64(struct out *o, uint64_t v)
{
	char d[16];
	size_t n = sizeof d;

	do {
		d[--n] = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	out_bytes(o, d + n, sizeof d - n);
}

/* Behind 9 come the letters: the difference is then below zero, and its upper bits are the mask. */
static uint8_t hex_digit(uint32_t v)
{
	return (uint8_t)('0' + v + ((9 - v) >> 8 & ('a' - '0' - 10)));
}

void out_hex(struct out *o, const uint8_t *p, size_t n)
{
	uint8_t *d = out_reserve(o, 2 * n);

	for (size_t i = 0; d && i < n; i++) {
		d[2 * i] = hex_digit(p[i] >> 4);
		d[2 * i + 1] = hex_digit(p[i] & 15);
	}
}

void out_fixed(struct out *o, int64_t v, unsigned decimals)
{
	uint64_t a = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	uint64_t unit = 1;

	for (unsigned i = 0; i < decimals; i++)
		unit *= 10;
	if (v < 0)
		out_byte(o, '-');
	out_u64(o, a / unit);
	if (decimals)
		out_byte(o, '.');
	while (unit > 1) {
		a %= unit;
		unit /= 10;
		out_byte(o, (uint8_t)('0' + a / unit));
	}
}

const char *out_cstr(struct out *o)
{
	if (o->bad || o->n >= o->cap) {
		o->bad = true;
		return "";
	}
	o->p[o->n] = 0;
	return (const char *)o->p;
}
