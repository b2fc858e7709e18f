/* Answers of identity services: a token that comes out is printable, is the answer's own, and is kept for its resource only. */
#include "../../src/lib/azure/identity.c"

#include "fuzz.h"

void fuzz_one(struct span in)
{
	static const char *const resources[] = { "https://vault.azure.net", "https://storage.azure.com", "https://a", "https://b", "https://c" };
	static char token[TOKEN_MAX];
	uint8_t *exact = fuzz_exact(in);
	struct fault f;
	size_t n = 4711;

	for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++) {
		enum err e;

		fault_clear(&f);
		e = take_answer(span_of(exact, in.n), resources[i], token, sizeof token, &n, &f);
		if (e != ERR_OK) {
			HOLD(f.err == e && f.message[0] && n == 4711);
			HOLD(!find_cached(resources[i]));
			break;
		}
		HOLD(n > 0 && n <= sizeof token);
		for (size_t k = 0; k < n; k++)
			HOLD(token[k] > 0x20 && token[k] < 0x7f);
		HOLD(memmem(in.p, in.n, token, n));
		const struct cached *c = find_cached(resources[i]);

		if (c)
			HOLD(strcmp(c->resource, resources[i]) == 0 && c->len == n && fuzz_same(c->token, token, n));
		identity_forget(resources[i]);
		HOLD(!find_cached(resources[i]));
	}
	identity_wipe();
	free(exact);
}
