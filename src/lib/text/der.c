/* DER: sticky reader and back-to-front writer. */
#include "text/der.h"

#include <string.h>

#include "text/timefmt.h"

/* --- reader ------------------------------------------------------------------------------------------------------- */

static const struct span nothing = { NULL, 0 };

static struct span fault(struct der *d)
{
	d->bad = true;
	d->rest = nothing;
	return nothing;
}

uint8_t der_peek(const struct der *d)
{
	return d->rest.n && !d->bad ? d->rest.p[0] : 0;
}

/* Reads tag and length without consuming: *header bytes of them, then *len bytes of contents, all inside in.
 * False for multi-byte tags, tag 0, indefinite or longer than minimal lengths, over 4 length bytes, or cut input. */
static bool read_header(struct span in, size_t *header, size_t *len)
{
	size_t count, n = 0;

	if (in.n < 2 || in.p[0] == 0 || (in.p[0] & 0x1f) == 0x1f)
		return false;
	count = in.p[1] < 0x80 ? 0 : in.p[1] & 0x7fu;
	if (in.p[1] == 0x80 || count > 4 || in.n - 2 < count)
		return false;
	for (size_t i = 0; i < count; i++)
		n = n << 8 | in.p[2 + i];
	if (count == 0)
		n = in.p[1];
	else if (n < 0x80 || in.p[2] == 0)
		return false;
	*header = 2 + count;
	*len = n;
	return n <= in.n - *header;
}

/* The next element, whole, and what is in it. */
static struct span take_next(struct der *d, struct span *contents)
{
	struct span whole;
	size_t header, len;

	*contents = nothing;
	if (d->bad || !read_header(d->rest, &header, &len))
		return fault(d);
	whole = span_sub(d->rest, 0, header + len);
	*contents = span_sub(whole, header, len);
	d->rest = span_sub(d->rest, whole.n, d->rest.n);
	return whole;
}

struct span der_element(struct der *d, uint8_t *tag)
{
	struct span contents;

	if (tag)
		*tag = der_peek(d);
	return take_next(d, &contents);
}

struct span der_take(struct der *d, uint8_t tag)
{
	struct span contents;

	if (der_peek(d) != tag)
		return fault(d);
	(void)take_next(d, &contents);
	return contents;
}

struct span der_whole(struct der *d, uint8_t tag)
{
	uint8_t found = 0;
	struct span whole = der_element(d, &found);

	if (found != tag)
		d->bad = true;
	return whole;
}

struct der der_enter(struct der *d, uint8_t tag)
{
	struct span contents = der_take(d, tag);

	return (struct der){ contents, d->bad };
}

struct span der_uint(struct der *d)
{
	struct span v = der_take(d, DER_INTEGER);

	if (d->bad || v.n == 0 || v.p[0] & 0x80)
		return fault(d);
	if (v.n == 1 || v.p[0] != 0)
		return v;
	/* A leading zero octet is there only to keep the number positive. */
	if (!(v.p[1] & 0x80))
		return fault(d);
	return span_sub(v, 1, v.n);
}

uint64_t der_u64(struct der *d)
{
	struct span v = der_uint(d);
	uint64_t n = 0;

	if (v.n > 8) {
		fault(d);
		return 0;
	}
	for (size_t i = 0; i < v.n; i++)
		n = n << 8 | v.p[i];
	return n;
}

struct span der_bits(struct der *d)
{
	struct span v = der_take(d, DER_BIT_STRING);

	if (d->bad || v.n == 0 || v.p[0] != 0)
		return fault(d);
	return span_sub(v, 1, v.n);
}

bool der_oid_is(struct der *d, struct span oid)
{
	struct span v = der_take(d, DER_OID);

	return !d->bad && span_eq(v, oid);
}

int64_t der_time(struct der *d)
{
	bool utc = der_peek(d) == DER_UTC_TIME;
	struct span v = der_take(d, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME);
	size_t at = utc ? 2 : 4; /* where the month is */
	struct civil c;
	int low, high;

	if (d->bad || v.n != at + 11 || v.p[at + 10] != 'Z') {
		fault(d);
		return 0;
	}
	low = time_digits(v, at - 2, 2);
	high = !utc ? time_digits(v, 0, 2) : low >= 50 ? 19 : 20;
	c = (struct civil){ high * 100 + low, time_digits(v, at, 2), time_digits(v, at + 2, 2), time_digits(v, at + 4, 2),
			    time_digits(v, at + 6, 2), time_digits(v, at + 8, 2) };
	if (low < 0 || high < 0 || !time_civil_ok(&c)) {
		fault(d);
		return 0;
	}
	return time_from_civil(&c);
}

/* --- writer ------------------------------------------------------------------------------------------------------- */

void dw_bytes(struct dw *w, struct span bytes)
{
	if (w->bad || bytes.n > w->at) {
		w->bad = true;
		return;
	}
	w->at -= bytes.n;
	if (bytes.n)
		memcpy(w->p + w->at, bytes.p, bytes.n);
}

void dw_append(struct dw *w, struct span bytes)
{
	size_t n = dw_mark(w);

	dw_bytes(w, bytes); /* makes room in front */
	if (w->bad || n == 0 || bytes.n == 0)
		return;
	memmove(w->p + w->at, w->p + w->at + bytes.n, n);
	memcpy(w->p + w->cap - bytes.n, bytes.p, bytes.n);
}

static void put_byte(struct dw *w, uint8_t b)
{
	dw_bytes(w, span_of(&b, 1));
}

void dw_wrap(struct dw *w, uint8_t tag, size_t mark)
{
	size_t len = dw_mark(w) - mark, n = len;
	uint8_t count = 0;

	if (len < 0x80) {
		put_byte(w, (uint8_t)len);
	} else {
		for (; n; n >>= 8, count++)
			put_byte(w, (uint8_t)n);
		put_byte(w, (uint8_t)(0x80 | count));
	}
	put_byte(w, tag);
}

void dw_tlv(struct dw *w, uint8_t tag, struct span contents)
{
	size_t mark = dw_mark(w);

	dw_bytes(w, contents);
	dw_wrap(w, tag, mark);
}

void dw_uint(struct dw *w, struct span magnitude)
{
	size_t mark = dw_mark(w);

	while (magnitude.n && magnitude.p[0] == 0)
		magnitude = span_sub(magnitude, 1, magnitude.n);
	dw_bytes(w, magnitude);
	if (magnitude.n == 0 || magnitude.p[0] & 0x80)
		put_byte(w, 0);
	dw_wrap(w, DER_INTEGER, mark);
}

void dw_u64(struct dw *w, uint64_t v)
{
	uint8_t b[8];

	store_be64(b, v);
	dw_uint(w, span_of(b, sizeof b));
}

void dw_wrap_bits(struct dw *w, size_t mark)
{
	put_byte(w, 0);
	dw_wrap(w, DER_BIT_STRING, mark);
}

void dw_time(struct dw *w, int64_t unix_s)
{
	struct civil c = time_to_civil(unix_s);
	const int members[] = { c.second, c.minute, c.hour, c.day, c.month, c.year % 100, c.year / 100 };
	bool utc = c.year >= 1950 && c.year < 2050;
	size_t mark = dw_mark(w);

	/* Not a year of four digits. */
	if (time_from_civil(&c) != unix_s)
		w->bad = true;
	put_byte(w, 'Z');
	for (size_t i = 0; i < (utc ? 6u : 7u); i++) {
		put_byte(w, (uint8_t)('0' + members[i] % 10));
		put_byte(w, (uint8_t)('0' + members[i] / 10));
	}
	dw_wrap(w, utc ? DER_UTC_TIME : DER_GENERALIZED_TIME, mark);
}
