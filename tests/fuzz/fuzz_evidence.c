/* Whole evidence, report and chain: nothing but the genuine one (tests/corpus/evidence/genuine) is ever found genuine under its root. */
#include "fuzz.h"

#include "genuine_evidence.h"

static struct checks checks;

static bool verify(struct span in, struct verify_facts *facts)
{
	struct verify_evidence e = { .report = span_sub(in, 0, SNP_REPORT_LEN), .chain = span_sub(in, SNP_REPORT_LEN, in.n) };
	struct verify_rules rules = { .now_s = genuine_evidence.now_s, .extra_root = genuine_evidence.root_sha256 };

	checks_init(&checks);
	return verify_genuine(&e, &rules, facts, &checks);
}

void fuzz_setup(void)
{
	struct verify_facts facts;

	genuine_evidence_load();
	HOLD(verify(genuine_evidence.all, &facts) && facts.configured_root);
}

void fuzz_one(struct span in)
{
	struct verify_facts facts;
	struct x509_cert c;
	uint8_t *exact = fuzz_exact(in);
	struct span s = span_of(exact, in.n);
	bool ok = verify(s, &facts);

	HOLD(ok == checks_ok(&checks, CHECK_GENUINE));
	if (ok) {
		HOLD(span_eq(facts.report.signed_part, genuine_evidence.fields.signed_part));
		HOLD(x509_parse(genuine_evidence_first(span_sub(s, SNP_REPORT_LEN, s.n)), &c) == ERR_OK && span_eq(c.tbs, genuine_evidence.leaf.tbs));
	}
	free(exact);
}
