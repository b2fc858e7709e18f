/* Tokens beside a report: only the genuine one (tests/corpus/token/genuine) is found signed and about it. */
#include "fuzz.h"

#include "genuine_evidence.h"
#include "tee/token.h"

#define ISSUER "https://maa.fuzz"

static struct token_work work;
static struct checks checks;
static struct span keys, genuine;

static bool verify(struct span token, int64_t *issued_s)
{
	struct token_rules rules = { .issuer = ISSUER, .keys = keys, .now_s = 1800000000 };

	checks_init(&checks);
	return token_verify(token, &genuine_evidence.fields, &rules, &work, issued_s, &checks);
}

void fuzz_setup(void)
{
	static uint8_t set[4096];
	struct out o = out_init(set, sizeof set);
	int64_t issued;
	size_t n;
	uint8_t *jwk = fuzz_file("tests/fuzz/data/rsa.jwk", &n);

	out_str(&o, "{\"keys\":[");
	out_bytes(&o, jwk, n);
	out_str(&o, "]}");
	keys = out_span(&o);
	genuine_evidence_load();
	genuine.p = fuzz_file("tests/corpus/token/genuine", &n);
	genuine.n = n;
	HOLD(verify(genuine, &issued) && issued == 1700000000);
}

void fuzz_one(struct span in)
{
	uint8_t *exact = fuzz_exact(in);
	struct span s = span_of(exact, in.n);
	char issuer[64];
	int64_t issued = 1;
	bool ok = verify(s, &issued);

	HOLD(ok == checks_ok(&checks, CHECK_GENUINE));
	if (ok)
		HOLD(span_eq(s, genuine) && issued == 1700000000);
	if (!ok && issued != 0) /* signed by that key, but about something else: there is only one token of that key */
		HOLD(span_eq(s, genuine));
	if (token_issuer(s, &work, issuer, sizeof issuer) == ERR_OK)
		HOLD(memchr(issuer, 0, sizeof issuer));
	free(exact);
}
