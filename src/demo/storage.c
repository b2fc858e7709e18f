/* The storage account that the parties share, as configured. */
#include "demo/storage.h"

#include "party/steps.h"

void storage_url(const struct settings *s, const char *name, struct out *o)
{
	if (s->demo.storage.configured)
		blob_url(&s->demo.storage.at, name, o);
}

const char *storage_auth_name(const struct settings *s)
{
	static const char *const names[] = {
		[BLOB_AUTH_SAS] = "sas_token", [BLOB_AUTH_KEY] = "shared_key", [BLOB_AUTH_IDENTITY] = "managed_identity",
	};

	return s->demo.storage.configured ? names[s->demo.storage.at.auth] : "none";
}

static enum err check(const struct settings *s, struct fault *f)
{
	if (s->demo.storage.configured)
		return ERR_OK;
	fault_advise(f, "the deployment uses local storage only", "set AZURE_STORAGE_ACCOUNT (and AZURE_STORAGE_SAS, AZURE_STORAGE_KEY or "
	             "a managed identity) to read a shared container");
	return fault_set(f, ERR_CONFIG, STEP_STORE, "no storage account is configured");
}

enum err storage_read(const struct settings *s, struct storage_reader *r, const char *name, uint64_t at, struct blob_facts *facts,
                      struct span *piece, int64_t deadline_ms, struct fault *f)
{
	size_t n = 0;

	TRY(check(s, f));
	TRY(blob_read(&r->blob, &s->demo.storage.at, name, at, r->piece, sizeof r->piece, &n, facts, deadline_ms, f));
	*piece = span_of(r->piece, n);
	return ERR_OK;
}

enum err storage_list(const struct settings *s, struct storage_reader *r, char marker[BLOB_MARKER_MAX], blob_each each, void *ctx,
                      int64_t deadline_ms, struct fault *f)
{
	TRY(check(s, f));
	return blob_list(&r->blob, &s->demo.storage.at, marker, r->piece, sizeof r->piece, each, ctx, deadline_ms, f);
}
