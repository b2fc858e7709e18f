/* Access tokens of the managed identity: three ways the platform offers, one cache.
 * Source: azure-protocols.md section 4.1 and 7. */
#ifndef AZURE_IDENTITY_H
#define AZURE_IDENTITY_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/setting.h"

/* Where tokens come from (IMDS_*, IDENTITY_*, AZURE_*); "" where not set.
 * client_id, tenant_id and token_file all set: AKS workload identity; else endpoint and header set: App Service form
 * (Container Apps, ACI); else IMDS. */
struct identity_source {
	char imds[URL_MAX]; /* base URL */
	char endpoint[URL_MAX]; /* its query is kept, except for what the request itself sets */
	char app_endpoint[URL_MAX]; /* used without the other */
	char header[SETTING_MAX]; /* a secret */
	char client_id[128], tenant_id[128], token_file[256];
	char authority[URL_MAX]; /* base URL of Microsoft Entra */
};
extern const struct setting identity_settings[];
/* What follows from several of them. The platform may set both endpoints, with different values. */
void identity_settle(struct identity_source *s, struct setting_report *r);

/* A token for resource ("https://vault.azure.net") into token[cap], without NUL. Cached until 5 minutes before it expires.
 * A secret: the caller wipes it. One caller at a time, up to the deadline. f: step STEP_IDENTITY. ERR_CONFIG, ERR_NOT_FOUND
 * (token file), ERR_DENIED, ERR_THROTTLED, ERR_HTTP, ERR_PROTOCOL and transport errors. */
MUST_USE enum err identity_token(const struct identity_source *s, const char *resource, char *token, size_t cap,
                                 size_t *token_len, int64_t deadline_ms, struct fault *f);

/* Logs where tokens come from. At start. */
void identity_log(const struct identity_source *s);

/* Drops the cached token of a resource: a service did not accept it. */
void identity_forget(const char *resource);
/* Wipes all cached tokens. At exit. */
void identity_wipe(void);

#endif
