/* Evidence on request. A caller's data never become the runtime data themselves (svc/attest.h says why). */
#include "enc/base64.h"
#include "enc/hex.h"
#include "http/body.h"
#include "http/handlers.h"

/* Puts the caller's runtime_data (base64, may be absent) into our own runtime data. Answers 400 itself. */
static bool take_runtime(struct request *q, const struct body *b, struct out *runtime)
{
	struct json_val v = json_get(b->root, "runtime_data");
	uint8_t *data = q->scratch->value2;
	struct span text = { NULL, 0 };
	size_t n = 0;

	if (json_present(v) && (json_plain(v, &text) != ERR_OK ||
	                        base64_decode(B64_STD, text, data, RUNTIME_DATA_MAX / 2, &n) != ERR_OK)) {
		reply_error(q->reply, 400, "runtime_data must be standard padded base64 of at most 4096 bytes.");
		return false;
	}
	if (attest_runtime_for_caller(q->s, span_of(data, n), runtime) != ERR_OK) {
		reply_error(q->reply, 400, "runtime_data is too long.");
		return false;
	}
	return true;
}

void h_attest_maa(struct request *q)
{
	struct out runtime = out_init(q->scratch->runtime, sizeof q->scratch->runtime);
	struct attest_result *a = &q->scratch->attest;
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	struct body b;
	struct fault f;

	fault_clear(&f);
	if (!body_json(q, &b, true) || !body_same(q, &b, "maa_endpoint", q->s->maa) || !take_runtime(q, &b, &runtime))
		return;
	if (attest_token(q->s, out_span(&runtime), a, q->deadline_ms, &f) != ERR_OK) {
		const struct reply_member more = { "maa_endpoint", q->s->maa };

		reply_fault_with(q->reply, &f, 0, &more, 1);
		return;
	}
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_span(&w, "attestation_token", span_of(a->token, a->token_len));
	jw_str(&w, "maa_endpoint", q->s->maa);
	jw_b64(&w, "runtime_data", out_span(&runtime), B64_STD);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

void h_attest_raw(struct request *q)
{
	struct scratch *t = q->scratch;
	uint8_t report[SNP_REPORT_LEN];
	struct out runtime = out_init(t->runtime, sizeof t->runtime), hex = out_init(t->report_hex, sizeof t->report_hex);
	struct out text = out_init(t->report_text, sizeof t->report_text), o = out_init(t->text, sizeof t->text);
	struct jw w = jw_init(&o);
	struct body b;
	struct fault f;

	fault_clear(&f);
	if (!body_json(q, &b, false) || !take_runtime(q, &b, &runtime))
		return;
	if (attest_report(out_span(&runtime), report, &f) != ERR_OK) {
		reply_fault(q->reply, &f);
		return;
	}
	hex_encode(&hex, span_of(report, sizeof report));
	/* The original hands on the whole text of its helper's answer; clients parse that text once more. */
	out_str(&text, "{\"report\":\"");
	out_put(&text, out_span(&hex));
	out_str(&text, "\"}");
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_span(&w, "attestation_report", out_span(&text));
	jw_span(&w, "report_hex", out_span(&hex));
	jw_b64(&w, "runtime_data", out_span(&runtime), B64_STD);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}
