/* DER: whatever is read can be written again to the same bytes, since DER has one encoding of everything. */
#include "fuzz.h"

#include "text/der.h"

#define DEPTH 24

static uint8_t scratch[70000];

/* The value of one primitive element as each accessor sees it, written back. */
static void primitive(uint8_t tag, struct span whole)
{
	struct der d = der_init(whole), e = der_init(whole);
	struct dw w = dw_init(scratch, sizeof scratch);
	struct span s;
	uint64_t n;
	int64_t t;

	if (tag == DER_INTEGER) {
		s = der_uint(&d);
		n = der_u64(&e);
		HOLD(s.n == 0 || fuzz_inside(s, whole));
		if (!d.bad) {
			dw_uint(&w, s);
			HOLD(!w.bad && span_eq(dw_span(&w), whole));
			HOLD(e.bad == (s.n > 8));
		} else {
			HOLD(e.bad);
		}
		if (!e.bad) {
			w = dw_init(scratch, sizeof scratch);
			dw_u64(&w, n);
			HOLD(!w.bad && span_eq(dw_span(&w), whole));
		}
	} else if (tag == DER_BIT_STRING) {
		s = der_bits(&d);
		if (!d.bad) {
			dw_bytes(&w, s);
			dw_wrap_bits(&w, 0);
			HOLD(!w.bad && span_eq(dw_span(&w), whole));
		}
	} else if (tag == DER_UTC_TIME || tag == DER_GENERALIZED_TIME) {
		t = der_time(&d);
		if (!d.bad) {
			dw_time(&w, t);
			/* GeneralizedTime before 2050 is read, but never written. */
			HOLD(!w.bad && (span_eq(dw_span(&w), whole) || (tag == DER_GENERALIZED_TIME && scratch[w.at] == DER_UTC_TIME)));
			e = der_init(dw_span(&w));
			HOLD(der_time(&e) == t && der_done(&e));
		}
	} else if (tag == DER_OID) {
		s = der_take(&d, DER_OID);
		HOLD(!d.bad);
		HOLD(der_oid_is(&e, s) && der_done(&e));
	}
}

static void walk(struct span in, unsigned depth)
{
	struct der d = der_init(in);
	size_t n = 0;

	while (!d.bad && d.rest.n) {
		struct der before = d, by_tag = d, entered = d;
		struct dw w = dw_init(scratch, sizeof scratch);
		uint8_t tag = 0, peeked = der_peek(&d);
		struct span whole = der_element(&d, &tag), contents;

		if (d.bad) {
			HOLD(whole.n == 0 && !der_done(&d) && der_peek(&d) == 0 && der_take(&d, peeked).n == 0);
			return;
		}
		HOLD(whole.n >= 2 && fuzz_inside(whole, before.rest) && tag == peeked && tag == whole.p[0]);
		contents = der_take(&by_tag, tag);
		HOLD(!by_tag.bad && by_tag.rest.n == d.rest.n && fuzz_inside(contents, whole));
		dw_tlv(&w, tag, contents);
		HOLD(!w.bad && span_eq(dw_span(&w), whole));
		by_tag = before;
		HOLD(der_take(&by_tag, (uint8_t)(tag ^ 1)).n == 0 && by_tag.bad);
		struct der inner = der_enter(&entered, tag);

		HOLD(!entered.bad && span_eq(inner.rest, contents));
		primitive(tag, whole);
		if (tag & 0x20 && depth < DEPTH)
			walk(contents, depth + 1);
		n += whole.n;
	}
	HOLD(d.bad || n == in.n);
	HOLD(d.bad || der_done(&d));
}

void fuzz_one(struct span in)
{
	if (in.n < 65536)
		walk(in, 0);
}
