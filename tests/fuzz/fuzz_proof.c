/* Proofs: read and written again they are the same, and only the genuine one (tests/corpus/proof/genuine) proves anything. */
#include "fuzz.h"

#include "genuine_evidence.h"
#include "snp/proof.h"

static struct checks checks;
static uint8_t store[PROOF_MAX], store2[PROOF_MAX], store3[PROOF_MAX];
static struct proof genuine;

static bool judge(const struct proof *p, struct verify_facts *facts, struct runtime *runtime)
{
	static struct token_work work;
	struct accept_context x;
	struct proof_rules rules = {
		.verify = { .now_s = genuine_evidence.now_s, .extra_root = genuine_evidence.root_sha256 },
		.token = { .now_s = 1800000000 },
		.tokens = &proof_tokens,
		.work = &work,
	};

	checks_init(&checks);
	return proof_genuine(p, &rules, facts, runtime, &x, &checks);
}

void fuzz_setup(void)
{
	struct verify_facts facts;
	struct runtime runtime;
	const char *problem;
	size_t n;
	uint8_t *text = fuzz_file("tests/corpus/proof/genuine", &n);

	genuine_evidence_load();
	HOLD(proof_parse(span_of(text, n), store3, &genuine, &problem) == ERR_OK);
	HOLD(judge(&genuine, &facts, &runtime));
}

static void parts_inside(const struct proof *p, struct span text)
{
	struct span whole = span_of(store, sizeof store);

	HOLD(p->report.n == SNP_REPORT_LEN && fuzz_inside(p->report, whole) && fuzz_inside(p->chain, whole) && fuzz_inside(p->crl, whole));
	HOLD(fuzz_inside(p->endorsement, whole) && fuzz_inside(p->policy, whole) && fuzz_inside(p->runtime_data, whole));
	HOLD(fuzz_inside(p->token, text) || fuzz_inside(p->token, whole));
	HOLD(memchr(p->nonce, 0, sizeof p->nonce));
}

static void same(const struct proof *a, const struct proof *b)
{
	HOLD(span_eq(a->report, b->report) && span_eq(a->chain, b->chain) && span_eq(a->crl, b->crl) && span_eq(a->endorsement, b->endorsement));
	HOLD(span_eq(a->policy, b->policy) && span_eq(a->token, b->token) && span_eq(a->runtime_data, b->runtime_data));
	HOLD(strcmp(a->nonce, b->nonce) == 0 && fuzz_same(a->tls_spki_sha256, b->tls_spki_sha256, 32));
}

/* As tokens are: what the writer need not escape. */
static bool is_plain(struct span token)
{
	for (size_t i = 0; i < token.n; i++)
		if (token.p[i] >= 0x7f || strchr("<>&\"\\", token.p[i]))
			return false;
	return true;
}

void fuzz_one(struct span in)
{
	static uint8_t text[2 * PROOF_MAX];
	struct out o = out_init(text, sizeof text);
	uint8_t *exact = fuzz_exact(in);
	struct verify_facts facts;
	struct runtime runtime;
	const char *problem = NULL;
	struct proof p, q;
	enum err e = proof_parse(span_of(exact, in.n), store, &p, &problem);

	if (e != ERR_OK) {
		HOLD((e == ERR_SYNTAX || e == ERR_RANGE || e == ERR_TOO_BIG) && problem);
		free(exact);
		return;
	}
	parts_inside(&p, span_of(exact, in.n));
	HOLD(runtime_parse(p.runtime_data, &runtime) != ERR_OK || runtime_is_ours(p.runtime_data));
	e = proof_write(&o, &p);
	HOLD(e == ERR_OK || e == ERR_TOO_BIG || e == ERR_SYNTAX);
	if (e == ERR_OK && is_plain(p.token)) {
		HOLD(proof_parse(out_span(&o), store2, &q, &problem) == ERR_OK);
		same(&p, &q);
	}
	if (judge(&p, &facts, &runtime)) {
		struct x509_cert c;

		HOLD(checks_ok(&checks, CHECK_GENUINE));
		HOLD(span_eq(facts.report.signed_part, genuine_evidence.fields.signed_part) && span_eq(p.runtime_data, genuine.runtime_data));
		HOLD(p.policy.n == 0 || span_eq(p.policy, genuine.policy));
		HOLD(strcmp(p.nonce, genuine.nonce) == 0 && fuzz_same(p.tls_spki_sha256, genuine.tls_spki_sha256, 32));
		HOLD(x509_parse(genuine_evidence_first(p.chain), &c) == ERR_OK && span_eq(c.tbs, genuine_evidence.leaf.tbs));
	} else {
		HOLD(!checks_ok(&checks, CHECK_GENUINE));
	}
	free(exact);
}
