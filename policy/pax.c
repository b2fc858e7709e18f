/* Records of a pax extended header: "LENGTH KEY=VALUE\n", LENGTH counting the whole record in decimal. */
#include "policy/pax.h"

#define XATTR_PREFIX "SCHILY.xattr."
/* Real headers have a dozen; the search for repeated keys is quadratic. */
#define RECORDS_MAX 512

struct record {
	struct span key, value;
};

static enum err bad(struct why *w, const char *text, struct span about)
{
	return why_set(w, ERR_SYNTAX, text, about);
}

static bool record_next(struct span *rest, struct record *r)
{
	size_t space = span_find(*rest, ' '), eq;
	struct span body;
	uint64_t n;

	if (space == rest->n || !span_u64(span_sub(*rest, 0, space), &n) || n < space + 4 || n > rest->n || rest->p[n - 1] != '\n')
		return false;
	body = span_sub(*rest, space + 1, (size_t)n - space - 2);
	eq = span_find(body, '=');
	if (eq == 0 || eq == body.n)
		return false;
	r->key = span_sub(body, 0, eq);
	r->value = span_sub(body, eq + 1, body.n);
	*rest = span_sub(*rest, (size_t)n, rest->n);
	return span_find(r->key, 0) == r->key.n;
}

/* SECONDS or SECONDS.FRACTION, or either after a minus sign; digits after the ninth are dropped. */
static bool read_time(struct span s, struct tar_time *t)
{
	bool negative = span_starts(s, "-");
	struct span number = span_sub(s, negative, s.n);
	size_t dot = span_find(number, '.');
	struct span fraction = dot < number.n ? span_sub(number, dot + 1, number.n) : span_of(NULL, 0);
	uint32_t ns = 0;
	uint64_t seconds;

	if (!span_u64(span_sub(number, 0, dot), &seconds) || seconds > INT64_MAX)
		return false;
	for (size_t i = 0; i < fraction.n; i++)
		if (fraction.p[i] < '0' || fraction.p[i] > '9')
			return false;
	for (size_t i = 0; i < 9; i++)
		ns = ns * 10 + (i < fraction.n ? (uint32_t)(fraction.p[i] - '0') : 0);
	t->s = negative ? -(int64_t)seconds : (int64_t)seconds;
	t->ns = ns;
	/* -1.25 is 0.75 seconds after -2. */
	if (negative && ns) {
		t->s--;
		t->ns = 1000000000 - ns;
	}
	return true;
}

static enum err take_xattr(struct pax_values *v, const struct record *r, struct why *w)
{
	struct span name = span_sub(r->key, sizeof XATTR_PREFIX - 1, r->key.n);

	if (!name.n)
		return bad(w, "an extended attribute without a name", r->key);
	if (v->n_xattrs == ENTRY_XATTRS_MAX)
		return why_set(w, ERR_TOO_BIG, "too many extended attributes for one entry", v->path);
	v->xattrs[v->n_xattrs++] = (struct tar_xattr){ name, r->value };
	return ERR_OK;
}

static enum err take_record(struct pax_values *v, const struct record *r, struct why *w)
{
	bool ok = true;

	/* Sparse formats redefine name, size and data: none of them is supported. */
	if (span_starts(r->key, "GNU.sparse."))
		return why_set(w, ERR_RANGE, "a sparse file", v->path);
	if (span_starts(r->key, XATTR_PREFIX))
		return take_xattr(v, r, w);
	if (!r->value.n)
		return ERR_OK;
	if (span_eq_str(r->key, "path") || span_eq_str(r->key, "linkpath")) {
		ok = span_find(r->value, 0) == r->value.n;
		*(r->key.n == 4 ? &v->path : &v->linkpath) = r->value;
	} else if (span_eq_str(r->key, "size")) {
		ok = span_u64(r->value, &v->size) && v->size <= INT64_MAX;
	} else if (span_eq_str(r->key, "uid")) {
		ok = span_u64(r->value, &v->uid);
	} else if (span_eq_str(r->key, "gid")) {
		ok = span_u64(r->value, &v->gid);
	} else if (span_eq_str(r->key, "mtime")) {
		ok = read_time(r->value, &v->mtime);
	} else if (span_eq_str(r->key, "atime")) {
		ok = read_time(r->value, &v->atime);
	} else if (span_eq_str(r->key, "ctime")) {
		ok = read_time(r->value, &v->ctime);
	}
	return ok ? ERR_OK : bad(w, "a pax value is malformed or negative", r->key);
}

/* Readers differ on which of two equal keys counts. Headers are small, so looking back is cheap enough. */
static bool key_seen(struct span before, const struct record *r)
{
	struct record other;

	while (before.n && record_next(&before, &other))
		if (span_eq(other.key, r->key))
			return true;
	return false;
}

enum err pax_read(struct span records, struct pax_values *v, struct why *why)
{
	struct span rest = records;
	struct record r;
	size_t n = 0;

	v->n_xattrs = 0;
	while (rest.n) {
		struct span before = span_sub(records, 0, records.n - rest.n);
		enum err e;

		if (!record_next(&rest, &r))
			return bad(why, "a malformed pax header", v->path);
		if (n++ == RECORDS_MAX)
			return why_set(why, ERR_TOO_BIG, "too many records in one pax header", v->path);
		if (key_seen(before, &r))
			return bad(why, "a pax key given twice", r.key);
		e = take_record(v, &r, why);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}
