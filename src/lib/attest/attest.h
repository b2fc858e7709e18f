/* Attestation of this process: report, platform certificates, endorsement, MAA token, verified before use. */
#ifndef ATTEST_ATTEST_H
#define ATTEST_ATTEST_H

#include "azure/identity.h"
#include "azure/maa.h"
#include "base/fault.h"
#include "azure/thim.h"
#include "snp/context.h"
#include "snp/report.h"

/* What attestation and key release need to know. */
struct attest_settings {
	const char *party;           /* our name in runtime data, NULL: none; the program's to fill in */
	char maa[HOSTPORT_MAX];      /* SKR_MAA_ENDPOINT */
	char akv[HOSTPORT_MAX];      /* SKR_AKV_ENDPOINT, "": none */
	char key_name[KEY_NAME_MAX]; /* SKR_KEY_NAME, may be "name/version" */
	char akv_audience[URL_MAX];  /* AKV_AUDIENCE, "": by host */
	struct identity_source identity;
	struct thim_settings certs;
	struct context_settings context;
};
extern const struct setting attest_settings[]; /* of the struct's own members */

/* Loads the security context (directory, or UVM_* variables) once at start; absence is not an error by itself, nor is one that is not as it
 * should be (a warning says so). ERR_SYSTEM when it is there and cannot be read just now: without it no key would be released as long as
 * this process runs, so the caller must not go on. */
MUST_USE enum err attest_init(const struct attest_settings *s, const uint8_t tls_spki_sha256[32]);
/* A device is there. Cheap; says nothing about whether attestation works. */
bool attest_device_present(void);

/* A verified token and the report it was made from. Views and text are valid until the next attest_* call of the
 * same result structure. Holds no secret. */
struct attest_result {
	char token[TOKEN_MAX];
	size_t token_len;
	uint8_t report[SNP_REPORT_LEN];
};

/* Working memory of one attestation, the owner's: one attestation at a time in each. Two never wait for each other. Zero-initialise.
 * Nothing secret in it. */
struct attest_collect { /* about 160 KiB */
	struct platform_certs certs; /* that belong to the last report */
	struct thim thim;
};
struct attest_work { /* about 900 KiB */
	struct attest_collect collect;
	struct maa maa;
};

/* Runtime data for callers' requests. Callers' bytes are NEVER the runtime data themselves: whoever could choose them
 * could have his own wrapping key attested as ours. They are carried inside:
 * {"client_data":"<base64>","purpose":"parley-attest","role":"contoso","tls_spki_sha256":"<hex>"} (sorted, no "keys"). */
MUST_USE enum err attest_runtime_for_caller(const struct attest_settings *s, struct span client_data, struct out *o);

/* Gets a report with REPORT_DATA = SHA-256(runtime) || 0, checks it (snp/report), no network.
 * ERR_NO_DEVICE outside a confidential container. */
MUST_USE enum err attest_report(struct span runtime, uint8_t report[SNP_REPORT_LEN], struct fault *f);
/* The same, and the platform certificates in use fit the report: asks their source when they do not. Up to the deadline. For anonymous callers:
 * serialises with the other functions without a work area. */
MUST_USE enum err attest_evidence(const struct attest_settings *s, struct span runtime, uint8_t report[SNP_REPORT_LEN], int64_t deadline_ms,
                                  struct fault *f);
/* The same for this party itself, which waits for nobody. */
MUST_USE enum err attest_evidence_in(struct attest_collect *c, const struct attest_settings *s, struct span runtime,
                                     uint8_t report[SNP_REPORT_LEN], int64_t deadline_ms, struct fault *f);
/* What goes with a report: the certificates in use now, and what the platform handed over at start. Public data. */
struct attest_collateral {
	uint8_t pem[CERT_CHAIN_PEM_MAX]; /* VCEK, ASK, ARK */
	size_t pem_len;
	unsigned version; /* of the certificates: attest_certs_version */
	struct span endorsement; /* a view that never changes; empty when there is none */
};
void attest_collateral(struct attest_collateral *c);
/* The text of the security policy that the platform handed over: a view that never changes, empty when there is none. Not verified. */
struct span attest_policy(void);
/* Another number whenever other certificates came into use. Cheap. */
unsigned attest_certs_version(void);
/* The whole way to a token from the configured MAA, signature, issuer, times, nonce, report data and host data
 * verified. runtime is JSON. For anonymous callers: serialises them (one at a time) up to the deadline. */
MUST_USE enum err attest_token(const struct attest_settings *s, struct span runtime, struct attest_result *r, int64_t deadline_ms,
                               struct fault *f);
/* The same from an instance that a caller named, in the form url_host_text gives. */
MUST_USE enum err attest_token_from(const struct attest_settings *s, const char *maa, struct span runtime, struct attest_result *r,
                                    int64_t deadline_ms, struct fault *f);
/* One attestation, by an instance. */
struct attest_order {
	const struct attest_settings *s;
	const char *maa;     /* in the form url_host_text gives */
	struct span runtime; /* JSON */
	int64_t deadline_ms;
};
/* The same in a work area of the caller's, waiting for nobody. */
MUST_USE enum err attest_token_in(struct attest_work *w, const struct attest_order *o, struct attest_result *r, struct fault *f);

#endif
