/* The storage account that the parties share, as configured. */
#include "svc/storage.h"

void storage_account(const struct settings *s, struct blob_account *a)
{
	const struct storage_settings *t = &s->storage;

	*a = (struct blob_account){
		.endpoint = t->endpoint, .account = t->account, .container = t->container, .sas = t->sas,
		.key = span_of(t->key, t->key_len), .resource = t->audience,
		.auth = t->auth == STORAGE_AUTH_SAS ? BLOB_AUTH_SAS : t->auth == STORAGE_AUTH_KEY ? BLOB_AUTH_KEY : BLOB_AUTH_IDENTITY,
		.identity = {
			.imds = s->imds, .endpoint = s->identity_endpoint, .header = s->identity_header, .client_id = s->client_id,
			.tenant_id = s->tenant_id, .token_file = s->federated_token_file, .authority = s->authority,
		},
	};
}

void storage_url(const struct settings *s, const char *name, struct out *o)
{
	struct blob_account a;

	storage_account(s, &a);
	if (s->storage.configured)
		blob_url(&a, name, o);
}

const char *storage_auth_name(const struct settings *s)
{
	if (!s->storage.configured)
		return "none";
	switch (s->storage.auth) {
	case STORAGE_AUTH_SAS: return "sas_token";
	case STORAGE_AUTH_KEY: return "shared_key";
	case STORAGE_AUTH_IDENTITY: break;
	}
	return "managed_identity";
}

static enum err check(const struct settings *s, struct fault *f)
{
	if (s->storage.configured)
		return ERR_OK;
	fault_advise(f, "the deployment uses local storage only", "set AZURE_STORAGE_ACCOUNT (and AZURE_STORAGE_SAS, AZURE_STORAGE_KEY or "
	             "a managed identity) to read a shared container");
	return fault_set(f, ERR_CONFIG, STEP_STORE, "no storage account is configured");
}

enum err storage_read(const struct settings *s, struct storage_reader *r, const char *name, uint64_t at, struct blob_facts *facts,
                      struct span *piece, int64_t deadline_ms, struct fault *f)
{
	struct blob_account a;
	size_t n = 0;
	enum err e = check(s, f);

	if (e)
		return e;
	storage_account(s, &a);
	e = blob_read(&r->blob, &a, name, at, r->piece, sizeof r->piece, &n, facts, deadline_ms, f);
	if (!e)
		*piece = span_of(r->piece, n);
	return e;
}

enum err storage_list(const struct settings *s, struct storage_reader *r, char marker[BLOB_MARKER_MAX], blob_each each, void *ctx,
                      int64_t deadline_ms, struct fault *f)
{
	struct blob_account a;
	enum err e = check(s, f);

	if (e)
		return e;
	storage_account(s, &a);
	return blob_list(&r->blob, &a, marker, r->piece, sizeof r->piece, each, ctx, deadline_ms, f);
}
