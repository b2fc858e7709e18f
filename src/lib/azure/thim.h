/* Platform certificates over the network: THIM of the host, Azure's certificate cache, AMD's KDS.
 * Source: azure-protocols.md sections 2.3 and 2.4. */
#ifndef AZURE_THIM_H
#define AZURE_THIM_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "base/setting.h"
#include "snp/certs.h"

enum thim_source { THIM_HOST, THIM_AZURE_CACHE, THIM_AMD_KDS };

struct thim_settings {
	enum thim_source source; /* CERT_CACHE */
	char endpoint[URL_MAX];  /* CERT_CACHE_ENDPOINT, kept as base URL */
};
extern const struct setting thim_settings[];
/* The endpoint's default, by source. imds: the host's metadata service. */
void thim_settle(struct thim_settings *t, const char *imds);

/* Fetches the chain for the chip and REPORTED_TCB of r from base URL ("" is not allowed). THIM_HOST: r may be NULL, then the
 * host's current certificate is asked for without query; with r the query names TCB, chip and product. What comes back is
 * untrusted and may still be for another TCB (snp/certs.h: certs_match). The caller sees to it that there is one at a time. f: step STEP_COLLATERAL.
 * ERR_CONFIG, ERR_RANGE (unknown product, masked chip), ERR_NOT_FOUND, ERR_THROTTLED, ERR_HTTP, ERR_PROTOCOL, transport. */
MUST_USE enum err thim_fetch(enum thim_source source, const char *base_url, const struct snp_report *r,
                             struct platform_certs *certs, int64_t deadline_ms, struct fault *f);
/* Request targets, for the three kinds; exported for tests. ERR_RANGE. */
MUST_USE enum err thim_write_target(struct out *o, enum thim_source source, const struct snp_report *r);

#endif
