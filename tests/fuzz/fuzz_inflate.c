/* gzip: never more than there is room for, and the verdict does not depend on how much more room there is. */
#include "fuzz.h"

#include "text/inflate.h"

void fuzz_one(struct span in)
{
	static uint8_t a[1 << 18], b[1 << 19];
	struct out o = out_init(a, sizeof a), p = out_init(b, sizeof b);
	uint8_t *copy = fuzz_exact(in);
	enum err e = inflate_gzip(span_of(copy, in.n), &o);
	enum err f = inflate_gzip(span_of(copy, in.n), &p);

	HOLD(e == ERR_OK || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	HOLD(o.n <= sizeof a);
	if (e == ERR_OK) {
		uint8_t *exact = malloc(o.n ? o.n : 1);
		struct out q = out_init(exact, o.n);

		HOLD(f == ERR_OK && p.n == o.n && fuzz_same(a, b, o.n));
		HOLD(inflate_gzip(span_of(copy, in.n), &q) == ERR_OK && q.n == o.n);
		if (o.n) {
			q = out_init(exact, o.n - 1);
			HOLD(inflate_gzip(span_of(copy, in.n), &q) != ERR_OK);
		}
		HOLD(inflate_gzip(span_of(copy, in.n - 1), &p) != ERR_OK); /* every byte counts */
		free(exact);
	}
	if (e == ERR_SYNTAX)
		HOLD(f == ERR_SYNTAX);
	free(copy);
}
