/* Telling valgrind (memcheck) which bytes are secret: it then reports every branch and every address that depends on them, since it
 * does so for memory without a value. Outside valgrind these do nothing. For tests only. */
#ifndef CTGRIND_SECRET_H
#define CTGRIND_SECRET_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/memcheck.h>

#include "base/ct.h"
#include "base/err.h"
#include "base/out.h"
#include "base/span.h"

/* From here on n bytes at p are secret, or (again) public: a result that the contract gives away, or one about to be compared here. */
#define SECRET(p, n) ((void)VALGRIND_MAKE_MEM_UNDEFINED((p), (n)))
#define PUBLIC(p, n) ((void)VALGRIND_MAKE_MEM_DEFINED((p), (n)))

/* What a case expects of its results, after making them public. */
#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: is not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1); \
		} \
	} while (0)

/* Made public, as a verdict is. */
static inline enum err verdict(enum err e)
{
	PUBLIC(&e, sizeof e);
	return e;
}

/* The table-free AES and GHASH in place of the CPU's instructions (see bear_wrap.c). */
extern bool ctgrind_soft;

/* A file given relative to the repository. */
static inline size_t read_file(const char *path, uint8_t *dst, size_t cap)
{
	FILE *f = fopen(path, "rb");
	size_t n = f ? fread(dst, 1, cap, f) : 0;

	EXPECT(f && n && n < cap);
	fclose(f);
	return n;
}

#endif
