/* Tokens beside a report: only the genuine one (tests/corpus/token/genuine) is found signed and about it. */
#include "fuzz.h"

#include "genuine_evidence.h"
#include "snp/token.h"

#define ISSUER "https://maa.fuzz"

static struct token_work work;
static struct checks checks;
static struct span keys, genuine;

static bool verify(struct span token, int64_t *issued_s)
{
	struct token_rules rules = { .issuer = ISSUER, .keys = keys, .now_s = 1800000000 };

	bool ok;

	checks_init(&checks);
	ok = token_verify(token, &rules, &work, issued_s, &checks) == ERR_OK;
	return work.claims.n && token_agrees(&work, &genuine_evidence.fields, &checks) && ok;
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
	struct snp_report said;
	unsigned unsaid = 0;
	int64_t issued = 1;
	bool ok = verify(s, &issued);

	HOLD(ok == (checks_ok(&checks, CHECK_GENUINE) && work.claims.n));
	if (ok)
		HOLD(span_eq(s, genuine) && issued == 1700000000);
	if (!ok && issued != 0) /* signed by that key, but about something else: there is only one token of that key */
		HOLD(span_eq(s, genuine));
	if (token_report(&work, &said, &unsaid)) {
		HOLD(said.report_data && said.host_data && said.measurement && !said.chip_id && said.product == SNP_PRODUCT_UNKNOWN);
		HOLD((unsaid & UNSAID_TCB) && (said.vmpl == 0 || !(unsaid & UNSAID_VMPL)));
	}
	free(exact);
}
