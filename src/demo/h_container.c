/* What this container is: its files, its device, its policy, and the access test. */
#include "base/version.h"
#include "crypto/hash.h"
#include "demo/handlers.h"
#include "demo/ui.h"
#include "os/file.h"
#include "os/lock.h"
#include "demo/probe.h"
#include "os/snp_device.h"
#include "demo/access_test.h"

#define HOST_DATA_AT 0xc0 /* in the report (azure-protocols.md 1.5) */
#define NO_DEVICE "No SNP guest device: this is not a confidential container."

/* The helper process of the original is part of this one. */
int h_sidecar_status(struct request *q, struct jw *w)
{
	bool device = attest_device_present();

	(void)q;
	jw_str(w, "status", device ? "available" : "unavailable");
	if (device) {
		jw_str(w, "sidecar_response", "in-process");
		jw_u64(w, "sidecar_status_code", 200);
	} else {
		jw_str(w, "message", NO_DEVICE);
	}
	return device ? 200 : 503;
}

/* --- /container/info --------------------------------------------------------------------------------------------- */

/* SHA-256 of the running program's own file, which cannot change: anybody may ask, so it is computed once. */
static struct {
	struct lock lock;
	bool done;
	char sha256[2 * SHA256_LEN + 1];
	uint64_t size;
} program = { .lock = LOCK_INIT };

static bool hash_program_locked(struct request *q)
{
	struct out hex = out_init(program.sha256, sizeof program.sha256);
	uint8_t digest[SHA256_LEN];
	struct sha256 h;
	struct file_in f;
	size_t n = 1;
	enum err e = file_open("/proc/self/exe", &f, &program.size);

	if (e != ERR_OK)
		return false;
	hash_sha256_init(&h);
	while (!e && n) {
		e = file_read(&f, demo_storage(q)->piece, sizeof demo_storage(q)->piece, &n);
		if (!e)
			hash_sha256_update(&h, span_of(demo_storage(q)->piece, n));
	}
	file_close(&f);
	hash_sha256_out(&h, digest);
	out_hex(&hex, digest, sizeof digest);
	return e == ERR_OK && out_cstr(&hex);
}

static bool hash_program(struct request *q)
{
	lock_take(&program.lock);
	if (!program.done)
		program.done = hash_program_locked(q);
	lock_release(&program.lock);
	return program.done;
}

static void write_checksum(struct jw *w, const char *path, const char *sha256, uint64_t size)
{
	jw_object(w, path);
	if (sha256) {
		jw_str(w, "sha256", sha256);
		jw_u64(w, "size_bytes", size);
	} else {
		jw_str(w, "error", "cannot be read");
	}
	jw_end_object(w);
}

/* Each embedded file as its users get it; hashed when it was embedded. */
static void write_assets(struct jw *w)
{
	for (size_t i = 0; i < ui_files_n; i++)
		write_checksum(w, ui_files[i].path, ui_files[i].sha256, ui_files[i].len);
}

static void write_device(struct jw *w)
{
	static const char *const words[] = { "sev", "tpm", "sgx" };
	enum snp_device d = snp_device_present();
	const char *path = snp_device_path(d), *type = NULL;
	char entry[256], mode[8];
	struct out o = out_init(mode, sizeof mode);

	jw_object(w, "sev_device");
	jw_bool(w, "available", path != NULL);
	jw_str(w, "device_path", path);
	if (path) {
		int bits = probe_mode(path, &type);

		out_byte(&o, '0');
		for (int shift = 6; bits >= 0 && shift >= 0; shift -= 3)
			out_u64(&o, (uint64_t)(bits >> shift & 7));
		jw_object(w, "device_info");
		jw_str(w, "mode", bits >= 0 ? out_cstr(&o) : NULL);
		jw_str(w, "type", type);
		jw_bool(w, "accessible", probe_open(path, false) == 0);
		jw_end_object(w);
		jw_str(w, "explanation", "The guest device gives reports signed by the processor.");
	} else {
		jw_null(w, "device_info");
		jw_str(w, "explanation", NO_DEVICE);
		jw_array(w, "dev_listing");
		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			if (file_find_entry("/dev", words[i], entry, sizeof entry) == ERR_OK)
				jw_str(w, NULL, entry);
		jw_end_array(w);
	}
	jw_end_object(w);
}

static void write_skr(struct jw *w, bool device)
{
	jw_object(w, "skr_status");
	jw_bool(w, "running", device);
	if (device) {
		jw_u64(w, "status_code", 200);
		jw_str(w, "response", "in-process");
	} else {
		jw_str(w, "reason", NO_DEVICE);
		jw_str(w, "explanation", "Key release needs a report of the hardware.");
		jw_str(w, "solution", "Deploy with sku Confidential and a security policy.");
	}
	jw_end_object(w);
}

static void write_os(struct jw *w)
{
	bool other = file_exists("/etc/os-release");

	jw_object(w, "os");
	jw_str(w, "name", other ? "unknown" : "none");
	jw_null(w, "version");
	jw_str(w, "pretty_name", other ? "A file system with an /etc/os-release: not the image of one file" : "No operating system (FROM scratch)");
	jw_end_object(w);
}

int h_container_info(struct request *q, struct jw *w)
{
	char id[13];
	bool ok = hash_program(q), device = attest_device_present();

	jw_str(w, "image", answer_or_null(q->s->demo.container_image));
	jw_null(w, "image_digest");
	jw_str(w, "container_id", probe_container_id(id) ? id : NULL);
	jw_str(w, "hostname", answer_or_null(q->s->demo.hostname));
	jw_object(w, "app_checksums");
	write_checksum(w, "/proc/self/exe", ok ? program.sha256 : NULL, program.size);
	write_assets(w);
	jw_end_object(w);
	jw_object(w, "skr_binary_info");
	jw_str(w, "path", "/proc/self/exe");
	if (ok)
		jw_str(w, "sha256", program.sha256);
	jw_u64(w, "size_bytes", program.size);
	jw_bool(w, "executable", probe_executable("/proc/self/exe") == 0);
	jw_str(w, "version", PARLEY_VERSION);
	jw_end_object(w);
	write_device(w);
	write_skr(w, device);
	write_os(w);
	return 200;
}

/* --- /security/policy -------------------------------------------------------------------------------------------- */

/* The policy's hash: what the hardware says when it can be asked, else what the settings say. */
static const char *policy_hash(struct request *q, struct out *hex, bool *measured)
{
	uint8_t report[SNP_REPORT_LEN];

	*measured = attest_device_present() && attest_report(SPAN_LIT("{\"purpose\":\"security-policy\"}"), report, NULL) == ERR_OK;
	if (!*measured)
		return answer_or_null(q->s->policy_hex);
	out_hex(hex, report + HOST_DATA_AT, SHA256_LEN);
	return out_cstr(hex);
}

int h_security_policy(struct request *q, struct jw *w)
{
	static const char *const trusted[] = {
		"The AMD processor and its firmware, by the certificate chain of the report",
		"Microsoft Azure Attestation and the key vault, by their certificates",
		"Exactly the container and the settings whose hash the report carries",
	};
	static const char *const not_trusted[] = {
		"The host, its hypervisor and its administrators",
		"The other companies, their operators and the network between",
		"The storage account: it holds ciphertext only",
	};
	const struct settings *s = q->s;
	uint8_t hex[2 * SHA256_LEN + 1];
	struct out h = out_init(hex, sizeof hex);
	bool measured;
	const char *hash = policy_hash(q, &h, &measured);
	const struct reply_member required[2][3] = {
		{ { "claim", "x-ms-attestation-type" }, { "required_value", "sevsnpvm" },
		  { "purpose", "The evidence is a report of AMD SEV-SNP hardware." } },
		{ { "claim", "x-ms-sevsnpvm-hostdata" }, { "required_value", hash },
		  { "purpose", "Exactly this container, with exactly these settings." } },
	};

	jw_object(w, "container_identity");
	jw_str(w, "security_policy_hash", hash);
	jw_str(w, "hash_algorithm", "SHA256");
	jw_str(w, "description", measured ? "HOST_DATA of a fresh report: the hash of the policy that this container was started with." :
	                          hash ? "As configured; no hardware here confirms it." : "Neither measured nor configured.");
	jw_str(w, "claim_name", "x-ms-sevsnpvm-hostdata");
	jw_bool(w, "measured", measured);
	jw_end_object(w);
	jw_object(w, "attestation");
	answer_https(w, "maa_endpoint", s->attest.maa);
	jw_str(w, "attestation_type", "sevsnpvm");
	jw_str(w, "hardware", measured ? "AMD SEV-SNP" : "none");
	jw_bool(w, "tee_available", measured);
	jw_str(w, "tee_device", snp_device_path(snp_device_present()));
	jw_end_object(w);
	jw_object(w, "key_release_policy");
	jw_str(w, "key_name", answer_or_null(s->attest.key_name));
	jw_str(w, "key_vault", answer_or_null(s->attest.akv));
	jw_array(w, "required_claims");
	for (size_t i = 0; i < 2; i++)
		answer_texts(w, NULL, required[i], 3);
	jw_end_array(w);
	jw_str(w, "security_level", hash ? "HIGH" : "MEDIUM");
	jw_str(w, "binding_description", hash ? "The vault gives the key only to a container whose policy has this hash." :
	                                  "No policy hash is known here: the vault's release policy decides alone.");
	jw_end_object(w);
	jw_object(w, "trust_model");
	answer_list(w, "what_is_trusted", trusted, 3);
	answer_list(w, "what_is_not_trusted", not_trusted, 3);
	jw_end_object(w);
	return 200;
}

int h_access_test(struct request *q, struct jw *w)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);

	(void)w;
	if (access_test_run(&o, q->deadline_ms) == ERR_TIMEOUT)
		return answer_error(q, 504, "Another access test did not end in time.");
	return answer_json(q, &o);
}
