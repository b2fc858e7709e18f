/* The TLS server against any bytes: it opens only for the genuine client's Finished, and gives out only what that client sent. */
#include "fuzz.h"

#include "tlspair.h"

void fuzz_setup(void)
{
	tlspair_init();
	fuzz_seed("tls", "genuine", span_of(tlspair_genuine.sent[0], tlspair_genuine.n[0]));
}

void fuzz_one(struct span in)
{
	uint8_t data[256];
	bool open;
	size_t n;

	if (in.n > TLSPAIR_MAX)
		return;
	tlspair_run(false, TLS_TRUST_LATER, in, &open, data, sizeof data, &n);
	/* The Finished is under keys that nobody else has: the record's own text must stand there. Warning alerts may stand before it. */
	if (open) {
		size_t end = tlspair_genuine.open_at[0];
		const uint8_t *finished = tlspair_genuine.sent[0] + end - 40; /* nonce, Finished and tag */

		HOLD(memmem(in.p, in.n, finished, 40));
	}
	HOLD(n == 0 || (open && n <= 12 && fuzz_same(data, "hello server", n)));
}
