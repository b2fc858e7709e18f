/* Test vectors: where they are, reading a file whole, and bytes from hex text. For tests only. */
#ifndef UNIT_VECTORS_H
#define UNIT_VECTORS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Directory of the vectors: PARLEY_VECTORS, else ../shared/vectors (tests run in the repository root).
 * NULL when there is none: the test calls skip(). */
static inline const char *vectors_dir(void)
{
	const char *dir = getenv("PARLEY_VECTORS");
	struct stat st;

	if (!dir || !*dir)
		dir = "../shared/vectors";
	return stat(dir, &st) == 0 && S_ISDIR(st.st_mode) ? dir : NULL;
}

/* A whole file in memory from malloc (the caller frees it), one NUL added behind the n bytes, so that text can be
 * given to libraries that want a C string. NULL when there are no vectors or no such file. */
static inline uint8_t *vectors_read(const char *relative, size_t *n)
{
	const char *dir = vectors_dir();
	char path[1024];
	uint8_t *bytes = NULL;
	struct stat st;
	FILE *f;

	if (!dir || snprintf(path, sizeof path, "%s/%s", dir, relative) >= (int)sizeof path)
		return NULL;
	f = fopen(path, "rb");
	if (!f)
		return NULL;
	if (fstat(fileno(f), &st) == 0 && S_ISREG(st.st_mode))
		bytes = malloc((size_t)st.st_size + 1);
	if (bytes && fread(bytes, 1, (size_t)st.st_size, f) != (size_t)st.st_size) {
		free(bytes);
		bytes = NULL;
	}
	fclose(f);
	if (bytes) {
		bytes[st.st_size] = 0;
		*n = (size_t)st.st_size;
	}
	return bytes;
}

static inline int vectors_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Bytes of hex text into dst[cap]; gives their number. A malformed or too long text ends the test program, because
 * the vector itself is then wrong. Independent of text/hex, which is under test itself. */
static inline size_t vectors_hex(const char *hex, uint8_t *dst, size_t cap)
{
	size_t n = strlen(hex) / 2;

	if (strlen(hex) % 2 || n > cap)
		abort();
	for (size_t i = 0; i < n; i++) {
		int high = vectors_digit(hex[2 * i]), low = vectors_digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			abort();
		dst[i] = (uint8_t)(high << 4 | low);
	}
	return n;
}

#endif
