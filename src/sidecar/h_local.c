/* The SKR sidecar's interface on a loopback port, for applications that had that program beside them (azure-protocols.md section
 * 5): its requests, replies, status codes and texts. Two things are its contract and happen nowhere else: a caller's bytes are
 * hashed into a report as they are (but for those that could pass for our own: snp/runtime.h), and a released key leaves, whole. */
#include <string.h>

#include "text/base64.h"
#include "text/url.h"
#include "http/answer.h"
#include "attest/release.h"
#include "sidecar/handlers.h"
#include "sidecar/routes.h"
#include "snp/runtime.h"

/* The second to fifth line of every error. */
#define MANUAL "https://github.com/microsoft/confidential-sidecar-containers/blob/main/examples/skr/"
#define ERROR_STRING \
	"ERROR: Please refer to the documentation for more information on how to use this sidecar.\n" \
	"ACI: " MANUAL "aci/README.md\nKATA: " MANUAL "aks/README.md\nTroubleshooting: " MANUAL "TROUBLESHOOTING.md"

static const struct attest_settings *settings;

void sidecar_init(const struct attest_settings *s)
{
	settings = s;
}

static struct sidecar_scratch *scratch(const struct request *q)
{
	return (struct sidecar_scratch *)(void *)q->scratch;
}

enum field { MAA, AKV, KID, RUNTIME, ACCESS_TOKEN, FIELDS };
#define BIT(field) (1u << (field))

/* In JSON, and as messages about a missing one call it. */
static const struct {
	const char *json, *said;
} names[FIELDS] = {
	[MAA] = { "maa_endpoint", "MAAEndpoint" }, [AKV] = { "akv_endpoint", "AKVEndpoint" }, [KID] = { "kid", "KID" },
	[RUNTIME] = { "runtime_data", "RuntimeData" }, [ACCESS_TOKEN] = { "access_token", "AccessToken" },
};

static const struct call {
	const char *said;        /* the request, in such messages */
	unsigned needs, takes;   /* fields; others are ignored */
	const char *failed;
	int status;
} raw = { "RawAttestData", BIT(RUNTIME), BIT(RUNTIME), "failure to fetch attestation report hex", 403 },
  combined = { "RawAttestData", BIT(RUNTIME), BIT(RUNTIME), "failure to fetch attestation report bytes", 500 },
  maa = { "MAAAttestData", BIT(MAA) | BIT(RUNTIME), BIT(MAA) | BIT(RUNTIME), "attestation failed", 403 },
  release = { "KeyReleaseData", BIT(MAA) | BIT(AKV) | BIT(KID), BIT(MAA) | BIT(AKV) | BIT(KID) | BIT(ACCESS_TOKEN),
              "secure key release failed", 403 };

static int refuse(struct request *q, int status, const char *what, struct span cause)
{
	uint8_t text[2048], json[4096];
	struct out t = out_init(text, sizeof text), o = out_init(json, sizeof json);
	struct jw w = jw_init(&o);

	out_strs(&t, what, "\n" ERROR_STRING ": ");
	out_put(&t, cause);
	jw_object(&w, NULL);
	jw_span(&w, "error", out_span(&t));
	return answer_object(q, &w, status);
}

/* One status for all that goes wrong behind us, as clients expect; the text says what it was. */
static int fail(struct request *q, const struct call *call)
{
	const struct fault *f = &q->fault;
	uint8_t text[1024];
	struct out o = out_init(text, sizeof text);

	out_str(&o, f->message);
	if (f->http_status) {
		out_str(&o, ": http response status equal to ");
		out_u64(&o, (uint64_t)f->http_status);
	}
	out_strs(&o, f->service[0] ? " from " : "", f->service, "; likely cause: ", fault_cause(f), "; remedy: ", fault_remedy(f));
	return refuse(q, call->status, call->failed, out_span(&o));
}

static const char bad_request[] = "invalid request format";

/* A sentence for each field that is not there. */
static bool complete(struct request *q, const struct call *call, const struct span value[FIELDS])
{
	uint8_t text[512];
	struct out o = out_init(text, sizeof text);

	for (enum field i = 0; i < FIELDS; i++) {
		if (!(call->needs & BIT(i)) || value[i].n)
			continue;
		out_strs(&o, o.n ? "\nKey: '" : "Key: '", call->said, ".", names[i].said, "' Error:Field validation for '", names[i].said,
		         "' failed on the 'required' tag");
	}
	return o.n == 0 || refuse(q, 400, bad_request, out_span(&o));
}

/* The fields of the request, unescaped, as views into the answer's memory. Names are matched without regard to case; the
 * content type is not looked at. Answers 400 itself. */
static bool read_fields(struct request *q, const struct call *call, struct span value[FIELDS])
{
	struct out text = out_init(scratch(q)->text, sizeof scratch(q)->text);
	struct json_val name, v;

	if (json_parse(&q->json, q->body, q->toks, BODY_TOKENS) != ERR_OK || json_type_of(json_root(&q->json)) != JSON_OBJECT)
		return refuse(q, 400, bad_request, span_trim(q->body).n ? SPAN_LIT("the body is not a JSON object") : SPAN_LIT("EOF"));
	for (size_t i = 0; json_member(json_root(&q->json), i, &name, &v); i++) {
		for (enum field k = 0; k < FIELDS; k++) {
			size_t start = text.n;

			if (!(call->takes & BIT(k)) || !span_eq_nocase(json_raw(name), names[k].json) || json_type_of(v) == JSON_NULL)
				continue;
			if (json_string(v, &text) != ERR_OK)
				return refuse(q, 400, bad_request, SPAN_LIT("a field is not a string"));
			value[k] = span_of(text.p + start, text.n - start);
		}
	}
	return complete(q, call, value);
}

/* Standard base64, line breaks between. Answers 400 itself. */
static bool decode(struct request *q, struct span text, struct span *data)
{
	struct out plain = out_init(scratch(q)->attest.token, sizeof scratch(q)->attest.token);
	enum err err;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != '\r' && text.p[i] != '\n')
			out_byte(&plain, text.p[i]);
	err = base64_decode(B64_STD, out_span(&plain), scratch(q)->runtime, sizeof scratch(q)->runtime, &data->n);
	data->p = scratch(q)->runtime;
	if (err)
		return refuse(q, 400, "decoding base64-encoded runtime data of request failed",
		              err == ERR_TOO_BIG ? SPAN_LIT("longer than 8192 bytes") : SPAN_LIT("illegal base64 data: standard alphabet with padding is needed"));
	if (runtime_is_ours(*data))
		return refuse(q, 400, bad_request, SPAN_LIT("runtime_data with \"keys\" or a \"purpose\" of parley are this program's own: they would "
		                                            "pass for its evidence, or for its wrapping key; for a key ask /key/release"));
	return true;
}

/* Fields and, where the call has them, runtime data. */
static bool take(struct request *q, const struct call *call, struct span value[FIELDS], struct span *data)
{
	memset(value, 0, FIELDS * sizeof value[0]);
	return read_fields(q, call, value) && (!data || decode(q, value[RUNTIME], data));
}

/* {name: text}, over what the fields were in. */
static int answer(struct request *q, const char *name, struct span text)
{
	struct out o = out_init(scratch(q)->text, sizeof scratch(q)->text);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_span(&w, name, text);
	return answer_object(q, &w, 200);
}

int h_local_status(struct request *q, struct jw *w)
{
	(void)q;
	jw_str(w, "message", "Status OK");
	return 200;
}

int h_local_raw(struct request *q, struct jw *w)
{
	uint8_t report[SNP_REPORT_LEN], text[2 * SNP_REPORT_LEN];
	struct out hex = out_init(text, sizeof text);
	struct span value[FIELDS], data;

	(void)w;
	if (!take(q, &raw, value, &data))
		return REPLIED;
	if (attest_report(data, report, &q->fault) != ERR_OK)
		return fail(q, &raw);
	out_hex(&hex, report, sizeof report);
	return answer(q, "report", out_span(&hex));
}

/* The certificates' TCB as the host's service writes it: 16 digits, upper case. They fit the report, so it is the report's. */
static void write_tcb(struct jw *w, const struct snp_report *r)
{
	char text[17] = { 0 };

	for (unsigned i = 0; i < 16; i++)
		text[i] = "0123456789ABCDEF"[r->reported_tcb.raw >> (60 - 4 * i) & 15];
	jw_str(w, "endorsed_tcb", text);
}

int h_local_combined(struct request *q, struct jw *w)
{
	struct attest_collateral *with = &scratch(q)->collateral;
	struct out o = out_init(scratch(q)->text, sizeof scratch(q)->text);
	uint8_t report[SNP_REPORT_LEN];
	struct span value[FIELDS], data;
	char problem[REPORT_PROBLEM_MAX];
	struct snp_report r;

	if (!take(q, &combined, value, &data))
		return REPLIED;
	if (attest_evidence(settings, data, report, q->deadline_ms, &q->fault) != ERR_OK || report_parse(report, &r, problem) != ERR_OK)
		return fail(q, &combined);
	attest_collateral(with);
	*w = jw_init(&o); /* over what the fields were in */
	jw_object(w, NULL);
	write_tcb(w, &r);
	jw_b64(w, "endorsements", span_of(with->pem, with->pem_len), B64_STD);
	jw_b64(w, "evidence", span_of(report, sizeof report), B64_STD);
	jw_b64(w, "uvm_endorsements", with->endorsement, B64_STD);
	return answer_object(q, w, 200);
}

int h_local_maa(struct request *q, struct jw *w)
{
	struct attest_result *a = &scratch(q)->attest;
	struct span value[FIELDS], data;
	char host[HOSTPORT_MAX];

	(void)w;
	if (!take(q, &maa, value, &data))
		return REPLIED;
	if (!url_host_text(value[MAA], host, sizeof host))
		return refuse(q, maa.status, maa.failed, SPAN_LIT("maa_endpoint is not host or host:port"));
	if (attest_token_from(settings, host, data, a, q->deadline_ms, &q->fault) != ERR_OK)
		return fail(q, &maa);
	return answer(q, "token", span_of(a->token, a->token_len));
}

int h_local_release(struct request *q, struct jw *w)
{
	struct out jwk = out_init(scratch(q)->jwk, sizeof scratch(q)->jwk);
	struct span value[FIELDS];

	(void)w;
	if (take(q, &release, value, NULL)) {
		const struct release_wish wish = { value[MAA], value[AKV], value[KID], value[ACCESS_TOKEN] };

		if (release_for_caller(settings, &wish, &jwk, q->deadline_ms, &q->fault) != ERR_OK)
			fail(q, &release);
		else
			answer(q, "key", out_span(&jwk));
	}
	return REPLIED;
}
