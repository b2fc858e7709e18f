/* Platform certificates over the network: THIM of the host, Azure's certificate cache, AMD's KDS.
 * Source: azure-protocols.md sections 2.3 and 2.4. */
#ifndef AZURE_THIM_H
#define AZURE_THIM_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "base/setting.h"
#include "http/https.h"
#include "snp/certs.h"

enum thim_source { THIM_HOST, THIM_AZURE_CACHE, THIM_AMD_KDS };

struct thim_settings {
	enum thim_source source; /* CERT_CACHE */
	char endpoint[URL_MAX];  /* CERT_CACHE_ENDPOINT, kept as base URL */
};
extern const struct setting thim_settings[];
/* The endpoint's default, by source. imds: the host's metadata service. */
void thim_settle(struct thim_settings *t, const char *imds);

/* Working memory of one call, about 140 KiB, the caller's: one call at a time. Nothing secret in it. */
struct thim {
	struct platform_certs certs; /* what came back */
	struct https conn;
	uint8_t reply[CERT_CHAIN_PEM_MAX * 2];
	uint8_t vcek[CERT_DER_MAX];
	char target[URL_MAX];
};

/* Fetches the chain for the chip and REPORTED_TCB of r from base URL ("" is not allowed). THIM_HOST: r may be NULL, then the
 * host's current certificate is asked for without query; with r the query names TCB, chip and product. What comes back, in
 * t->certs, is untrusted and may still be for another TCB (snp/certs.h: certs_match). f: step STEP_COLLATERAL.
 * ERR_CONFIG, ERR_RANGE (unknown product, masked chip), ERR_NOT_FOUND, ERR_THROTTLED, ERR_HTTP, ERR_PROTOCOL, transport. */
MUST_USE enum err thim_fetch(struct thim *t, enum thim_source source, const char *base_url, const struct snp_report *r,
                             int64_t deadline_ms, struct fault *f);
/* Request targets, for the three kinds; exported for tests. ERR_RANGE. */
MUST_USE enum err thim_write_target(struct out *o, enum thim_source source, const struct snp_report *r);

#endif
