/* Tokens of the attestation service as the party itself checks them: only the genuine one (tests/corpus/maa/genuine) passes. */
#include "azure/maa_token.c"

#include "fuzz.h"
#include "genuine_evidence.h"

static struct span genuine;

/* The set is here already, and too fresh to be fetched again for an unknown key. */
static struct maa work;

static void have_keys(void)
{
	static uint8_t *jwk;
	static size_t n;
	struct out o = out_init(work.set, sizeof work.set);

	if (!jwk)
		jwk = fuzz_file("tests/fuzz/data/rsa.jwk", &n);
	out_str(&o, "{\"keys\":[");
	out_bytes(&o, jwk, n);
	out_str(&o, "]}");
	work.set_len = o.n;
	memcpy(work.instance, "maa.fuzz", 9);
	work.fetched_ms = clock_ms();
}

static enum err judged(struct span token, const struct maa_expect *x)
{
	struct fault f;
	enum err e;

	fault_clear(&f);
	work.fetched_ms = clock_ms();
	e = maa_verify(&work, token, x, clock_ms() + 1000, &f);
	HOLD(f.err == e && !e == !f.message[0]);
	HOLD(e || json_is(json_get(json_root(&work.token.claims), "x-ms-attestation-type"), "sevsnpvm"));
	return e;
}

void fuzz_setup(void)
{
	size_t n;

	genuine_evidence_load();
	have_keys();
	genuine.p = fuzz_file("tests/corpus/maa/genuine", &n);
	genuine.n = n;
}

/* An input that is a JSON object is taken for claims whose signature was good. */
static void claims(struct span in, const struct maa_expect *x)
{
	struct json doc;
	struct fault f;

	fault_clear(&f);
	if (json_parse(&doc, in, work.token.claim_toks, TOKEN_CLAIM_TOKENS) != ERR_OK)
		return;
	if (check_asked(json_root(&doc), x, &f) == ERR_OK) {
		struct json_val v = json_root(&doc);

		HOLD(!x->report_data || json_present(json_get(v, "x-ms-sevsnpvm-reportdata")));
		HOLD(!x->host_data || json_present(json_get(v, "x-ms-sevsnpvm-hostdata")));
	} else {
		HOLD(f.message[0]);
	}
}

void fuzz_one(struct span in)
{
	const struct snp_report *r = &genuine_evidence.fields;
	struct maa_expect loose = { .instance = "maa.fuzz" };
	struct maa_expect tight = { .instance = "maa.fuzz", .report_data = r->report_data, .host_data = r->host_data };
	struct maa_expect other = { .instance = "maa.fuzz", .report_data = r->chip_id };
	struct maa_expect nonced = { .instance = "maa.fuzz", .nonce = "1" };
	uint8_t *exact = fuzz_exact(in);
	struct span s = span_of(exact, in.n);
	enum err e = judged(s, &loose);

	if (in.n && in.p[0] == '{') {
		claims(s, &loose);
		claims(s, &tight);
	}
	HOLD((e == ERR_OK) == span_eq(in, genuine));
	HOLD((judged(s, &tight) == ERR_OK) == span_eq(in, genuine));
	HOLD(judged(s, &other) != ERR_OK && judged(s, &nonced) != ERR_OK);
	free(exact);
}
