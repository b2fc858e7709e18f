/* The TLS client against any bytes: it opens only for a server whose key has signed this handshake, and gives out only what that server sent. */
#include "fuzz.h"

#include "crypto/x509.h"
#include "tlspair.h"

void fuzz_setup(void)
{
	HOLD(x509_anchors_init(span_of(NULL, 0)) == ERR_OK);
	tlspair_init();
	fuzz_seed("tlsclient", "genuine", span_of(tlspair_genuine.sent[1], tlspair_genuine.n[1]));
}

void fuzz_one(struct span in)
{
	uint8_t data[256];
	bool open;
	size_t n;

	if (in.n > TLSPAIR_MAX)
		return;
	tlspair_run(true, TLS_TRUST_LATER, in, &open, data, sizeof data, &n);
	if (open) {
		size_t end = tlspair_genuine.open_at[1];
		const uint8_t *finished = tlspair_genuine.sent[1] + end - 40;

		HOLD(memmem(in.p, in.n, finished, 40));
	}
	HOLD(n == 0 || (open && n <= 12 && fuzz_same(data, "hello client", n)));
	/* No anchor has signed that server's certificate. */
	tlspair_run(true, TLS_TRUST_ANCHORS, in, &open, data, sizeof data, &n);
	HOLD(!open && n == 0);
}
