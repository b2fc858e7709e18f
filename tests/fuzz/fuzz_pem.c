/* PEM: blocks found stay found among whatever else stands there. */
#include "fuzz.h"

#include "text/pem.h"

#define DER_MAX 20000

static uint8_t der[DER_MAX], again[DER_MAX], text[3 * DER_MAX];

void fuzz_one(struct span in)
{
	uint8_t *copy = fuzz_exact(in);
	struct span rest = span_of(copy, in.n);
	struct out o = out_init(text, sizeof text);
	size_t n, m, blocks = 0;
	enum err e;

	for (;;) {
		struct span before = rest;

		memset(der, 0xa5, sizeof der);
		e = pem_next(&rest, "CERTIFICATE", der, sizeof der, &n);
		HOLD(fuzz_inside(rest, before) || rest.n == 0);
		if (e != ERR_OK)
			break;
		HOLD(n > 0 && n <= sizeof der && rest.n < before.n);
		blocks++;
		/* As we write it, it is read to the same bytes; with a byte less of room it is refused. */
		o = out_init(text, sizeof text);
		pem_write(&o, "CERTIFICATE", span_of(der, n));
		HOLD(!o.bad);
		struct span own = out_span(&o);

		HOLD(pem_next(&own, "CERTIFICATE", again, sizeof again, &m) == ERR_OK && m == n && fuzz_same(der, again, n));
		HOLD(pem_next(&own, "CERTIFICATE", again, sizeof again, &m) == ERR_NOT_FOUND);
		own = out_span(&o);
		HOLD(pem_next(&own, "PRIVATE KEY", again, sizeof again, &m) == ERR_NOT_FOUND);
		HOLD(pem_next(&own, "CERTIFICATE", again, n - 1, &m) == ERR_TOO_BIG);
	}
	HOLD(e == ERR_NOT_FOUND || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	if (e == ERR_NOT_FOUND)
		HOLD(blocks <= in.n / 50);
	free(copy);
}
