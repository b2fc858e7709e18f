/* Tars made in memory, right and wrong ones, for the tests of layers. For tests only. */
#ifndef UNIT_TARMAKER_H
#define UNIT_TARMAKER_H

#include "t.h"

#include "policy/layer.h"

/* An archive being made; n bytes at p. */
struct tm {
	uint8_t *p;
	size_t n, cap;
};

static inline struct tm tm_new(void)
{
	struct tm t = { malloc(1u << 20), 0, 1u << 20 };

	if (!t.p)
		abort();
	return t;
}

static inline void tm_bytes(struct tm *t, const void *p, size_t n)
{
	while (n > t->cap - t->n) {
		t->cap *= 2;
		t->p = realloc(t->p, t->cap);
		if (!t->p)
			abort();
	}
	if (n)
		memcpy(t->p + t->n, p, n);
	t->n += n;
}

static inline void tm_zeros(struct tm *t, size_t n)
{
	static const uint8_t zeros[4096];

	for (; n > sizeof zeros; n -= sizeof zeros)
		tm_bytes(t, zeros, sizeof zeros);
	tm_bytes(t, zeros, n);
}

/* The checksum of the header at `at`, once its other fields are as they should be. */
static inline void tm_sum(struct tm *t, size_t at)
{
	unsigned sum = 0;

	memset(t->p + at + 148, ' ', 8);
	for (size_t i = 0; i < 512; i++)
		sum += t->p[at + i];
	snprintf((char *)t->p + at + 148, 8, "%06o", sum);
}

/* A header; gives its offset, so that a test can spoil it (and call tm_sum again, or not). */
static inline size_t tm_head(struct tm *t, const char *name, char type, size_t size, const char *link)
{
	size_t at = t->n;
	char *h;

	tm_zeros(t, 512);
	h = (char *)t->p + at;
	strncpy(h, name, 100);
	snprintf(h + 100, 8, "%07o", type == '5' ? 0755 : 0644);
	snprintf(h + 108, 8, "%07o", 0);
	snprintf(h + 116, 8, "%07o", 0);
	snprintf(h + 124, 12, "%011zo", size);
	snprintf(h + 136, 12, "%011o", 0);
	h[156] = type;
	strncpy(h + 157, link, 100);
	memcpy(h + 257, "ustar\00000", 8);
	snprintf(h + 329, 8, "%07o", 0);
	snprintf(h + 337, 8, "%07o", 0);
	tm_sum(t, at);
	return at;
}

static inline void tm_data(struct tm *t, const void *data, size_t n)
{
	tm_bytes(t, data, n);
	tm_zeros(t, -n & 511);
}

static inline size_t tm_file(struct tm *t, const char *name, const char *text)
{
	size_t at = tm_head(t, name, '0', strlen(text), "");

	tm_data(t, text, strlen(text));
	return at;
}

static inline size_t tm_dir(struct tm *t, const char *name)
{
	return tm_head(t, name, '5', 0, "");
}

/* A pax header of one record. */
static inline void tm_pax(struct tm *t, const char *key, const char *value, size_t n)
{
	size_t body = strlen(key) + n + 3, total = body + 1;
	char digits[16];

	while ((size_t)snprintf(digits, sizeof digits, "%zu", total) + body != total)
		total = body + strlen(digits);
	tm_head(t, "PaxHeader", 'x', total, "");
	{
		struct tm r = tm_new();

		tm_bytes(&r, digits, strlen(digits));
		tm_bytes(&r, " ", 1);
		tm_bytes(&r, key, strlen(key));
		tm_bytes(&r, "=", 1);
		tm_bytes(&r, value, n);
		tm_bytes(&r, "\n", 1);
		tm_data(t, r.p, r.n);
		free(r.p);
	}
}

static inline void tm_end(struct tm *t)
{
	tm_zeros(t, 1024);
}

/* --- Measuring what was made --- */

struct tm_source {
	const uint8_t *p;
	size_t n, at, step; /* step: the most one read gives */
};

static inline enum err tm_read(void *of, uint8_t *dst, size_t cap, size_t *n)
{
	struct tm_source *s = of;

	*n = s->n - s->at;
	if (*n > cap)
		*n = cap;
	if (s->step && *n > s->step)
		*n = s->step;
	memcpy(dst, s->p + s->at, *n);
	s->at += *n;
	return ERR_OK;
}

static inline enum err tm_measure(const struct tm *t, size_t step, const struct ext4_sink *sink, struct layer_info *i, struct why *w)
{
	struct tm_source s = { t->p, t->n, 0, step };

	*w = (struct why){ "", "" };
	return layer_measure((struct source){ tm_read, &s }, sink, i, w);
}

/* Ends the archive, expects a root, frees the archive. */
static inline struct layer_info tm_root(struct tm *t)
{
	struct layer_info i;
	struct why w;
	enum err e;

	tm_end(t);
	e = tm_measure(t, 0, NULL, &i, &w);
	if (e != ERR_OK)
		print_error("refused: %s: %s\n", w.text, w.about);
	assert_int_equal(e, ERR_OK);
	free(t->p);
	return i;
}

/* Ends the archive (unless ended), expects a refusal that says part, frees the archive. */
static inline void tm_refused(struct tm *t, const char *part)
{
	struct layer_info i;
	struct why w;
	enum err e;

	tm_end(t);
	e = tm_measure(t, 0, NULL, &i, &w);
	if (e == ERR_OK || !strstr(w.text, part))
		print_error("expected \"%s\", got %s: \"%s\" (%s)\n", part, err_name(e), w.text, w.about);
	assert_int_not_equal(e, ERR_OK);
	assert_non_null(strstr(w.text, part));
	free(t->p);
}

#endif
