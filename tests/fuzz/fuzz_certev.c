/* Evidence in a certificate: what is read is written to the same bytes, and only the genuine one proves anything. An input is the
 * CBOR, and is taken as a certificate's extensions too. The genuine evidence (tests/corpus/proof/genuine) speaks of a key
 * with the hash ab..ab, which no certificate has: it is put in its place before judging. */
#include "fuzz.h"

#include "genuine_evidence.h"
#include "text/der.h"
#include "snp/cert_evidence.h"

static struct checks checks;
static uint8_t store[CHAIN_DER_MAX], text_store[PROOF_MAX], wrapped[1 << 20];
static struct proof genuine;
static const uint8_t spki[] = { 0x30, 0x00 };

static bool judge(struct proof *p, struct verify_facts *facts)
{
	struct runtime runtime;
	struct accept_context x;
	const struct proof_rules rules = { .verify = { .now_s = genuine_evidence.now_s, .extra_root = genuine_evidence.root_sha256 } };

	memset(p->tls_spki_sha256, 0xab, 32);
	checks_init(&checks);
	return proof_genuine(p, &rules, facts, &runtime, &x, &checks);
}

void fuzz_setup(void)
{
	struct verify_facts facts;
	struct span extension;
	const char *problem;
	size_t n;
	uint8_t *text = fuzz_file("tests/corpus/proof/genuine", &n);

	genuine_evidence_load();
	HOLD(proof_parse(span_of(text, n), text_store, &genuine, &problem) == ERR_OK);
	genuine.token = genuine.policy = span_of(NULL, 0);
	HOLD(judge(&genuine, &facts));
	HOLD(cert_evidence_write(wrapped, sizeof wrapped, &genuine, &extension) == ERR_OK);
	fuzz_seed("certev", "genuine", span_sub(extension, 22, extension.n)); /* the CBOR: behind Extension, OID, extnValue, CMW */
}

static void read_and_judge(struct span extensions)
{
	static uint8_t again[1 << 20];
	const struct x509_cert c = { .extensions = extensions, .spki = span_of(spki, sizeof spki) };
	struct verify_facts facts;
	struct span extension;
	const char *problem = NULL;
	struct x509_cert leaf;
	uint8_t hash[32];
	struct proof p;
	enum err e = cert_evidence_read(&c, store, &p, &problem);

	if (e != ERR_OK) {
		HOLD((e == ERR_SYNTAX || e == ERR_NOT_FOUND) && problem);
		return;
	}
	HOLD(fuzz_inside(p.report, extensions) && fuzz_inside(p.runtime_data, extensions) && fuzz_inside(p.endorsement, extensions));
	HOLD(fuzz_inside(p.chain, span_of(store, sizeof store)) && memchr(p.nonce, 0, sizeof p.nonce));
	HOLD(p.report.n == SNP_REPORT_LEN && p.crl.n + p.policy.n + p.token.n == 0);
	hash_sha256(c.spki, hash);
	HOLD(fuzz_same(p.tls_spki_sha256, hash, 32));
	HOLD(cert_evidence_write(again, sizeof again, &p, &extension) == ERR_OK);
	if (extension.n == extensions.n) /* the only one, and not marked critical */
		HOLD(span_eq(extension, extensions));
	if (!judge(&p, &facts))
		return;
	HOLD(span_eq(facts.report.signed_part, genuine_evidence.fields.signed_part) && span_eq(p.runtime_data, genuine.runtime_data));
	HOLD(x509_parse(genuine_evidence_first(p.chain), &leaf) == ERR_OK && span_eq(leaf.tbs, genuine_evidence.leaf.tbs));
}

void fuzz_one(struct span in)
{
	struct dw w = dw_init(wrapped, sizeof wrapped);
	uint8_t *exact = fuzz_exact(in);

	read_and_judge(span_of(exact, in.n));
	free(exact);
	dw_tlv(&w, DER_OCTET_STRING, in);
	dw_wrap(&w, DER_OCTET_STRING, 0);
	dw_tlv(&w, DER_OID, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x01\x23"));
	dw_wrap(&w, DER_SEQUENCE, 0);
	HOLD(!w.bad);
	exact = fuzz_exact(dw_span(&w));
	read_and_judge(span_of(exact, dw_span(&w).n));
	free(exact);
}
