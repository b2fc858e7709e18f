/* Health, readiness, and what this server is, with a live attestation. */
#include "base/version.h"
#include "party/handlers.h"
#include "os/seal.h"
#include "party/autoinit.h"
#include "attest/certificate.h"
#include "conf/confine.h"
#include "attest/keys.h"

int h_health(struct request *q, struct jw *w)
{
	(void)q;
	jw_str(w, "status", "healthy");
	jw_str(w, "service", "confidential-aci-attestation-demo");
	return 200;
}

/* Ready means: what this party was configured to hold, it holds. */
int h_readyz(struct request *q, struct jw *w)
{
	bool wants_key = q->s->attest.akv[0] && q->s->attest.key_name[0], ready = !wants_key || keys_have(KEYS_OWN);

	jw_str(w, "status", ready ? "ready" : "not_ready");
	jw_bool(w, "own_key", keys_have(KEYS_OWN));
	if (q->s->role == ROLE_WOODGROVE) {
		jw_bool(w, "contoso_key", keys_have(KEYS_CONTOSO));
		jw_bool(w, "fabrikam_key", keys_have(KEYS_FABRIKAM));
	}
	if (!ready)
		jw_str(w, "message",
		       q->s->auto_start ? "The company's key has not been released yet; it is "
					  "tried again until it is."
					: "The company's key has not been released yet, and "
					  "AUTO_INIT is off: POST /skr/release.");
	autoinit_write(w);
	return ready ? 200 : 503;
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

int h_info(struct request *q, struct jw *w)
{
	struct out runtime = out_init(q->scratch->runtime, sizeof q->scratch->runtime);
	bool device = attest_device_present(), works;

	works = attest_runtime_for_caller(&q->s->attest, SPAN_LIT("info"), &runtime) == ERR_OK &&
	        attest_token(&q->s->attest, out_span(&runtime), &q->scratch->attest, q->deadline_ms, &q->fault) == ERR_OK;
	jw_str(w, "platform", "Azure Container Instances");
	jw_str(w, "sku", works ? "Confidential" : device ? "Unknown" : "Standard-or-Misconfigured");
	jw_str(w, "attestation_service", "Microsoft Azure Attestation");
	jw_str(w, "hardware", works ? "AMD SEV-SNP" : device ? "AMD SEV-SNP device present, attestation failed" : "no SNP device");
	jw_str(w, "demo", "parley: confidential multi-party computing");
	jw_str(w, "version", PARLEY_VERSION);
	write_status(w, device, works, &q->fault);
	answer_list(w, "features", works ? features_on : features_off, 5);
	jw_object(w, "confinement");
	jw_u64(w, "system_calls_allowed", seal_calls_allowed());
	jw_u64(w, "landlock_abi", (uint64_t)confine_landlock()); /* 0: this kernel has none */
	jw_end_object(w);
	certificate_write(w);
	jw_object(w, "diagnostics");
	jw_str(w, "note", works ? "A report was taken and attested just now." : q->fault.message);
	jw_str(w, "recommendation", works ? NULL : q->fault.remedy);
	answer_https(w, "maa_endpoint", q->s->attest.maa);
	jw_end_object(w);
	return 200;
}
