/* Health, readiness, and what this server is, with a live attestation. */
#include "base/version.h"
#include "http/handlers.h"
#include "plat/seal.h"
#include "svc/certificate.h"
#include "svc/confine.h"
#include "svc/keys.h"

void h_health(struct request *q)
{
	uint8_t buf[256];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_str(&w, "status", "healthy");
	jw_str(&w, "service", "confidential-aci-attestation-demo");
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

/* Ready means: what this party was configured to hold, it holds. */
void h_readyz(struct request *q)
{
	bool wants_key = q->s->akv[0] && q->s->key_name[0];
	bool ready = !wants_key || keys_have(KEYS_OWN);
	bool woodgrove = q->s->role == ROLE_WOODGROVE;
	uint8_t buf[512];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_str(&w, "status", ready ? "ready" : "not_ready");
	jw_bool(&w, "own_key", keys_have(KEYS_OWN));
	if (woodgrove) {
		jw_bool(&w, "contoso_key", keys_have(KEYS_CONTOSO));
		jw_bool(&w, "fabrikam_key", keys_have(KEYS_FABRIKAM));
	}
	if (!ready)
		jw_str(&w, "message", "The company's key has not been released yet; the log says why.");
	jw_end_object(&w);
	reply_json(q->reply, ready ? 200 : 503, &o);
}

static const char *const features_on[] = {
	"Hardware-based Trusted Execution Environment (AMD SEV-SNP)",
	"Memory encrypted with a key only the processor holds",
	"Code and settings measured: the report carries the hash of the security policy",
	"Remote attestation verified by Microsoft Azure Attestation",
	"Keys released only to attested code (Secure Key Release)",
};

static const char *const features_off[] = {
	"NOT running in a Trusted Execution Environment, or attestation FAILED",
	"Memory encryption NOT proven",
	"Code and settings NOT proven by a report",
	"Remote attestation FAILED",
	"Secure Key Release NOT possible",
};

static void write_status(struct jw *w, bool device, bool works, const struct fault *f)
{
	const char *platform = works ? "running_in_tee" : device ? "sidecar_present_attestation_failed" : "sidecar_unavailable";

	jw_object(w, "status");
	jw_str(w, "platform_status", platform);
	jw_bool(w, "sidecar_available", device);
	jw_bool(w, "attestation_works", works);
	jw_str(w, "sidecar_error", device ? NULL : "No SNP guest device: this is not a confidential container.");
	jw_str(w, "attestation_error", works ? NULL : f->message);
	jw_str(w, "sidecar_status_response", device ? "in-process" : NULL);
	jw_end_object(w);
}

void h_info(struct request *q)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	uint8_t maa_buf[HOSTPORT_MAX + 16];
	struct out runtime = out_init(q->scratch->runtime, sizeof q->scratch->runtime);
	struct out maa = out_init(maa_buf, sizeof maa_buf);
	bool device = attest_device_present(), works;
	struct fault f;

	fault_clear(&f);
	works = attest_runtime_for_caller(q->s, SPAN_LIT("info"), &runtime) == ERR_OK &&
	        attest_token(q->s, out_span(&runtime), &q->scratch->attest, q->deadline_ms, &f) == ERR_OK;
	out_str(&maa, "https://");
	out_str(&maa, q->s->maa);
	jw_object(&w, NULL);
	jw_str(&w, "platform", "Azure Container Instances");
	jw_str(&w, "sku", works ? "Confidential" : device ? "Unknown" : "Standard-or-Misconfigured");
	jw_str(&w, "attestation_service", "Microsoft Azure Attestation");
	jw_str(&w, "hardware", works ? "AMD SEV-SNP" : device ? "AMD SEV-SNP device present, attestation failed" : "no SNP device");
	jw_str(&w, "demo", "parley: confidential multi-party computing");
	jw_str(&w, "version", PARLEY_VERSION);
	write_status(&w, device, works, &f);
	jw_array(&w, "features");
	for (size_t i = 0; i < 5; i++)
		jw_str(&w, NULL, works ? features_on[i] : features_off[i]);
	jw_end_array(&w);
	jw_object(&w, "confinement");
	jw_u64(&w, "system_calls_allowed", seal_calls_allowed());
	jw_u64(&w, "landlock_abi", (uint64_t)confine_landlock()); /* 0: this kernel has none */
	jw_end_object(&w);
	certificate_write(&w);
	jw_object(&w, "diagnostics");
	jw_str(&w, "note", works ? "A report was taken and attested just now." : f.message);
	jw_str(&w, "recommendation", works ? NULL : f.remedy);
	jw_str(&w, "maa_endpoint", out_cstr(&maa));
	jw_end_object(&w);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}
