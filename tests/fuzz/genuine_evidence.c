/* The genuine evidence. */
#include "genuine_evidence.h"

#include "fuzz.h"

struct genuine_evidence genuine_evidence;

struct span genuine_evidence_first(struct span ders)
{
	size_t n = ders.n > 4 ? 4 + ((size_t)ders.p[2] << 8 | ders.p[3]) : 0;

	return span_sub(ders, 0, n);
}

void genuine_evidence_load(void)
{
	struct genuine_evidence *g = &genuine_evidence;
	char problem[REPORT_PROBLEM_MAX];
	struct x509_cert ark;
	size_t n;
	uint8_t *der = fuzz_file("tests/fuzz/data/ark.der", &n);

	HOLD(x509_parse(span_of(der, n), &ark) == ERR_OK);
	hash_sha256(ark.spki, g->root_sha256);
	g->all.p = fuzz_file("tests/corpus/evidence/genuine", &n);
	g->all.n = n;
	g->report = span_sub(g->all, 0, SNP_REPORT_LEN);
	g->chain = span_sub(g->all, SNP_REPORT_LEN, n);
	HOLD(report_parse(g->report.p, &g->fields, problem) == ERR_OK);
	HOLD(x509_parse(genuine_evidence_first(g->chain), &g->leaf) == ERR_OK);
	g->now_s = g->leaf.not_before + 86400 * 30;
}
