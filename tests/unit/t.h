/* Every unit test includes this: cmocka with the headers it needs, the entry of a file, and small
 * helpers. For tests only. */
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

/* A test file: its name, and the function that runs its group of cases and returns how many failed. */
struct unit {
	const char *name;
	int (*run)(void);
	struct unit *next;
};

void unit_add(struct unit *u);

/* A directory for one run of a program: what one test file leaves there, the next one may use. */
extern char unit_dir[];

/* In place of main: UNIT(x509) { ... return cmocka_run_group_tests(tests, NULL, NULL); } */
#define UNIT(file)                                              \
	static int unit_run(void);                                  \
	__attribute__((constructor)) static void unit_add_own(void) \
	{                                                           \
		static struct unit u = { #file, unit_run, NULL };       \
		unit_add(&u);                                           \
	}                                                           \
	static int unit_run(void)

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
