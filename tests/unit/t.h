/* What every unit test of the codecs includes: cmocka with what it needs, and small helpers. For tests only. */
#ifndef UNIT_T_H
#define UNIT_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/span.h"

/* A copy of bytes in memory of exactly their size, so that the address sanitizer sees every read outside.
 * The caller frees it. */
static inline uint8_t *t_exact(struct span s)
{
	uint8_t *p = malloc(s.n ? s.n : 1);

	if (!p)
		abort();
	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

static inline void t_span_is(struct span s, const char *text)
{
	if (!span_eq_str(s, text))
		print_error("got \"%.*s\", expected \"%s\"\n", (int)s.n, (const char *)s.p, text);
	assert_true(span_eq_str(s, text));
}

/* Numbers that look random and are the same in every run (xorshift64). */
static inline uint64_t t_random(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

#endif
