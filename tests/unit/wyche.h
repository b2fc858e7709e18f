/* Reading Wycheproof vector files in tests. */
#ifndef UNIT_WYCHE_H
#define UNIT_WYCHE_H

#include <cjson/cJSON.h>

#include "base/span.h"
#include "vectors.h"

#define WYCHE_MAX 16384 /* longest byte string in the files used */

/* A vector file as JSON (the caller deletes it), or NULL when there are no vectors. A file that is there but does not parse
 * ends the test program. */
static inline cJSON *wyche_open(const char *name)
{
	size_t n;
	uint8_t *bytes = vectors_read(name, &n);
	cJSON *root = bytes ? cJSON_Parse((const char *)bytes) : NULL;

	if (bytes && !root)
		abort();
	free(bytes);
	return root;
}

static inline const char *wyche_text(const cJSON *object, const char *member)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, member);

	if (!cJSON_IsString(v))
		abort();
	return v->valuestring;
}

static inline int wyche_int(const cJSON *object, const char *member)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, member);

	if (!cJSON_IsNumber(v))
		abort();
	return v->valueint;
}

/* A hex member as bytes; the storage is the caller's. */
static inline struct span wyche_bytes(const cJSON *object, const char *member, uint8_t *store, size_t cap)
{
	return span_of(store, vectors_hex(wyche_text(object, member), store, cap));
}

/* A hex number without its leading zero bytes. */
static inline struct span wyche_number(const cJSON *object, const char *member, uint8_t *store, size_t cap)
{
	struct span v = wyche_bytes(object, member, store, cap);

	while (v.n && v.p[0] == 0)
		v = span_sub(v, 1, v.n);
	return v;
}

static inline bool wyche_result(const cJSON *test, const char *result)
{
	return strcmp(wyche_text(test, "result"), result) == 0;
}

/* Says how many tests ran, so that a file with nothing in it cannot pass silently: at_least is asserted by the caller. */
static inline void wyche_say(const char *file, int id, const char *what)
{
	fprintf(stderr, "%s: test %d: %s\n", file, id, what);
}

#endif
