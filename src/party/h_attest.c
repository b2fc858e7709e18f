/* Evidence on request. A caller's data never become the runtime data themselves (attest/attest.h says why). */
#include "text/base64.h"
#include "party/handlers.h"

/* Puts the caller's runtime_data (base64, may be absent) into our own runtime data. Answers 400 itself. */
static bool take_runtime(struct request *q, struct out *runtime)
{
	struct json_val v = json_get(q->root, "runtime_data");
	uint8_t *data = q->scratch->value2;
	struct span text = { NULL, 0 };
	size_t n = 0;

	*runtime = out_init(q->scratch->runtime, sizeof q->scratch->runtime);
	if (json_present(v) && (json_plain(v, &text) != ERR_OK ||
	                        base64_decode(B64_STD, text, data, RUNTIME_DATA_MAX / 2, &n) != ERR_OK))
		return answer_error(q, 400, "runtime_data must be standard padded base64 of at most 4096 bytes.");
	return attest_runtime_for_caller(&q->s->attest, span_of(data, n), runtime) == ERR_OK || answer_error(q, 400, "runtime_data is too long.");
}

int h_attest_maa(struct request *q, struct jw *w)
{
	const struct reply_member more = { "maa_endpoint", q->s->attest.maa };
	struct attest_result *a = &q->scratch->attest;
	struct out runtime;

	if (!body_json(q, true) || !body_same(q, "maa_endpoint", q->s->attest.maa) || !take_runtime(q, &runtime))
		return REPLIED;
	if (attest_token(&q->s->attest, out_span(&runtime), a, q->deadline_ms, &q->fault) != ERR_OK)
		return answer_fault(q, 0, &more, 1);
	jw_str(w, "status", "success");
	jw_span(w, "attestation_token", span_of(a->token, a->token_len));
	jw_str(w, "maa_endpoint", q->s->attest.maa);
	jw_b64(w, "runtime_data", out_span(&runtime), B64_STD);
	return 200;
}

int h_attest_raw(struct request *q, struct jw *w)
{
	char hex[2 * SNP_REPORT_LEN + 1], text[sizeof hex + 16];
	struct out h = out_init(hex, sizeof hex), runtime;
	uint8_t report[SNP_REPORT_LEN];

	if (!body_json(q, false) || !take_runtime(q, &runtime))
		return REPLIED;
	if (attest_report(out_span(&runtime), report, &q->fault) != ERR_OK)
		return FAILED;
	out_hex(&h, report, sizeof report);
	/* The original hands on the whole text of its helper's answer; clients parse that text once more. */
	out_join(text, sizeof text, "{\"report\":\"", out_cstr(&h), "\"}");
	jw_str(w, "status", "success");
	jw_str(w, "attestation_report", text);
	jw_str(w, "report_hex", hex);
	jw_b64(w, "runtime_data", out_span(&runtime), B64_STD);
	return 200;
}
