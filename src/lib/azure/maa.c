/* Microsoft Azure Attestation: the attest call. */
#include "azure/maa.h"

#include "http/call.h"
#include "azure/services.h"
#include "crypto/rng.h"
#include "text/base64.h"
#include "text/json_read.h"

/* The service does not care about the case of SevSnpVM; this is how Microsoft's own client spells it. */
#define TARGET "/attest/SevSnpVM?api-version=2020-10-01"
#define REPLY_TOKENS 32

static void put_b64(struct out *o, struct span s)
{
	base64_encode(o, B64_URL_PAD, s);
}

/* {"SnpReport":S,"VcekCertChain":C,"Endorsements":E}; inner is room for the endorsements' text, {"Uvm":["<base64url COSE>"]}. */
static void write_report_json(struct out *o, const struct maa_evidence *e, struct out *inner)
{
	out_str(o, "{\"SnpReport\":\"");
	put_b64(o, e->report);
	out_str(o, "\",\"VcekCertChain\":\"");
	put_b64(o, e->chain_pem);
	if (e->uvm.n) {
		out_str(inner, "{\"Uvm\":[\"");
		put_b64(inner, e->uvm);
		out_str(inner, "\"]}");
		out_str(o, "\",\"Endorsements\":\"");
		put_b64(o, out_span(inner));
		o->bad = o->bad || inner->bad;
	}
	out_str(o, "\"}");
}

enum err maa_write_request(struct out *o, const struct maa_evidence *e, uint64_t nonce, uint8_t *scratch, size_t scratch_cap)
{
	size_t inner_cap = B64_LEN(UVM_ENDORSEMENT_MAX) + 16;
	struct out inner, report;

	if (scratch_cap < inner_cap)
		return ERR_TOO_BIG;
	inner = out_init(scratch, inner_cap);
	report = out_init(scratch + inner_cap, scratch_cap - inner_cap);
	write_report_json(&report, e, &inner);
	out_str(o, "{\"report\":\"");
	put_b64(o, out_span(&report));
	out_str(o, "\",\"runtimeData\":{\"data\":\"");
	put_b64(o, e->runtime);
	out_str(o, "\",\"dataType\":\"JSON\"},\"initTimeData\":{\"data\":\"\",\"dataType\":\"\"},\"nonce\":");
	out_u64(o, nonce);
	out_byte(o, '}');
	return report.bad || o->bad ? ERR_TOO_BIG : ERR_OK;
}

static enum err take_token(const struct call_answer *a, struct out *token, struct fault *f)
{
	struct json_tok toks[REPLY_TOKENS];
	struct json doc;
	struct span text;

	if (!a->json || json_parse(&doc, a->body, toks, REPLY_TOKENS) != ERR_OK ||
	    json_plain(json_get(json_root(&doc), "token"), &text) != ERR_OK || text.n == 0)
		return fault_set(f, ERR_PROTOCOL, STEP_ATTEST, "the attestation service's answer holds no token");
	out_put(token, text);
	return token->bad ? fault_set(f, ERR_TOO_BIG, STEP_ATTEST, "the attestation token is too long") : ERR_OK;
}

enum err maa_attest(struct maa *m, const char *instance, const struct maa_evidence *e, struct out *token, int64_t deadline_ms,
                    struct fault *f)
{
	struct out body = out_init(m->body, sizeof m->body), digits = out_init(m->nonce, sizeof m->nonce);
	struct call k = {
		.step = STEP_ATTEST, .service = SERVICE_MAA, .body = m->reply, .cap = sizeof m->reply,
	};
	struct call_answer a;
	char host[HOST_MAX];
	uint64_t n;

	if (call_host(instance, host, &k.to) != ERR_OK)
		return fault_set(f, ERR_CONFIG, STEP_ATTEST, "the attestation service's name is malformed");
	rng_bytes(&n, sizeof n);
	n >>= 11;
	out_u64(&digits, n);
	(void)out_cstr(&digits);
	if (maa_write_request(&body, e, n, m->scratch, sizeof m->scratch) != ERR_OK)
		return fault_set(f, ERR_TOO_BIG, STEP_ATTEST, "the evidence is too long for one request");
	k.request = (struct https_request){ .method = "POST", .target = TARGET, .content_type = "application/json",
	                                    .body = out_span(&body) };
	TRY(call_success(&m->conn, &k, &a, deadline_ms, f));
	return take_token(&a, token, f);
}
