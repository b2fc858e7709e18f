/* Error answers, and the table of causes and remedies. */
#include "client/refusal.h"

#include <errno.h>
#include <string.h>

#include "base/out.h"
#include "enc/json_read.h"

#define REFUSAL_TOKENS 64

static void take_text(struct json_val v, char *dst, size_t cap)
{
	uint8_t text[2048];
	struct out o = out_init(text, sizeof text);

	dst[0] = '\0';
	if (json_type_of(v) == JSON_STRING && json_string(v, &o) == ERR_OK)
		fault_text(dst, cap, out_span(&o));
	else if (json_type_of(v) == JSON_STRING) /* too long to unescape: show its beginning as it is */
		fault_text(dst, cap, json_raw(v));
}

void refusal_read(struct span body, struct refusal *r)
{
	struct json_tok toks[REFUSAL_TOKENS];
	struct json_val root, error;
	struct json doc;

	memset(r, 0, sizeof *r);
	if (json_parse(&doc, body, toks, REFUSAL_TOKENS) != ERR_OK)
		return;
	root = json_root(&doc);
	error = json_get(root, "error");
	if (json_type_of(error) == JSON_STRING) {
		take_text(error, r->code, sizeof r->code);
		take_text(json_get(root, "error_description"), r->message, sizeof r->message);
		return;
	}
	take_text(json_get(error, "code"), r->code, sizeof r->code);
	take_text(json_path(error, "innererror", "code", NULL), r->inner, sizeof r->inner);
	/* App Service's identity endpoint has {"statusCode","message"} without an error object. */
	take_text(json_get(json_present(error) ? error : root, "message"), r->message, sizeof r->message);
}

/* First row that fits wins. status 0: any. word: looked for in code, inner code and message; NULL: any. */
struct advice {
	enum service from;
	int status;
	const char *word;
	enum err err;
	const char *cause, *remedy;
};

static const struct advice advices[] = {
	{ SERVICE_VAULT, 429, NULL, ERR_THROTTLED, "the vault limits requests (this is not a policy denial)",
	  "wait and try again; limits are per vault and 10 seconds" },
	{ SERVICE_VAULT, 403, "does not meet key release policy", ERR_DENIED,
	  "the attested claims do not satisfy the key's release policy: most often HOST_DATA, the hash of this container's "
	  "security policy, is not the one the policy names, or the authority is another attestation service",
	  "compare the release policy of the key with the claims of /attest/maa; put this deployment's policy hash into it" },
	{ SERVICE_VAULT, 403, "cannot be verified", ERR_DENIED,
	  "the vault could not verify the attestation token: expired, not signed by the policy's authority, or the authority "
	  "is not reachable from the vault", "check that SKR_MAA_ENDPOINT is the authority in the key's release policy" },
	{ SERVICE_VAULT, 403, "ForbiddenByRbac", ERR_DENIED, "the managed identity may not release keys of this vault",
	  "give it the role \"Key Vault Crypto Service Release User\" (Managed HSM: \"Managed HSM Crypto Service Release "
	  "User\"); a new role assignment takes some minutes" },
	{ SERVICE_VAULT, 403, "ForbiddenByFirewall", ERR_DENIED, "the vault's firewall does not admit this network",
	  "allow the container group's network in the vault's networking settings" },
	{ SERVICE_VAULT, 403, "Caller is not authorized", ERR_DENIED, "the managed identity may not release keys of this vault",
	  "give it the role \"Key Vault Crypto Service Release User\" or an access policy with the key permission Release" },
	{ SERVICE_VAULT, 403, NULL, ERR_DENIED, "the vault refused: permission or policy, see its message",
	  "check the identity's role on the vault and the key's release policy" },
	{ SERVICE_VAULT, 401, NULL, ERR_DENIED, "the vault did not accept the identity's token",
	  "check the audience (AKV_AUDIENCE for sovereign clouds) and that the identity is of the vault's tenant" },
	{ SERVICE_VAULT, 404, NULL, ERR_NOT_FOUND, "no key of this name or version in this vault",
	  "check SKR_KEY_NAME and SKR_AKV_ENDPOINT; a deleted key must be recovered first" },
	{ SERVICE_VAULT, 400, "not exportable", ERR_HTTP, "the key was created without \"exportable\"",
	  "create or import the key as exportable with a release policy (premium vault or Managed HSM)" },
	{ SERVICE_VAULT, 400, NULL, ERR_HTTP, "the vault did not accept the request, see its message",
	  "check that the key is exportable and has a release policy" },
	{ SERVICE_VAULT, 0, NULL, ERR_HTTP, "the vault failed", "try again; see the Azure status page" },

	{ SERVICE_MAA, 429, NULL, ERR_THROTTLED, "the attestation service limits requests",
	  "wait and try again, or use your own attestation provider" },
	{ SERVICE_MAA, 400, "PolicyEvaluationError", ERR_DENIED, "the attestation provider's own policy denies this evidence",
	  "look at the provider's SevSnpVm policy" },
	{ SERVICE_MAA, 400, NULL, ERR_HTTP,
	  "the attestation service rejects the evidence: certificates that do not fit the report, an endorsement that does not "
	  "fit the measurement, or a simulated device",
	  "see its message; if certificates are stale set CERT_CACHE, and restart the container group on another host" },
	{ SERVICE_MAA, 401, NULL, ERR_DENIED, "this attestation provider wants a caller with a role",
	  "use a shared provider or one that attests anonymously" },
	{ SERVICE_MAA, 403, NULL, ERR_DENIED, "the attestation service refuses this caller", "use another attestation provider" },
	{ SERVICE_MAA, 404, NULL, ERR_NOT_FOUND, "this host is no attestation service", "check SKR_MAA_ENDPOINT" },
	{ SERVICE_MAA, 0, NULL, ERR_HTTP, "the attestation service failed", "try again, or use another region's service" },

	{ SERVICE_IDENTITY, 429, NULL, ERR_THROTTLED, "the identity service limits requests", "wait and try again" },
	{ SERVICE_IDENTITY, 400, "Identity not found", ERR_DENIED, "no managed identity is assigned, or not the one asked for",
	  "assign a managed identity to the container group; set AZURE_CLIENT_ID when there are several" },
	{ SERVICE_IDENTITY, 400, NULL, ERR_HTTP,
	  "no managed identity is assigned, several are and AZURE_CLIENT_ID does not say which, or the audience is wrong",
	  "assign a managed identity; set AZURE_CLIENT_ID; check AKV_AUDIENCE" },
	{ SERVICE_IDENTITY, 401, NULL, ERR_DENIED, "the identity service did not accept IDENTITY_HEADER",
	  "let the platform set IDENTITY_ENDPOINT and IDENTITY_HEADER" },
	{ SERVICE_IDENTITY, 403, NULL, ERR_DENIED, "the identity service refuses this caller", "assign a managed identity" },
	{ SERVICE_IDENTITY, 404, NULL, ERR_NOT_FOUND, "no such identity, or no identity service at this endpoint",
	  "assign a managed identity; check IMDS_ENDPOINT or IDENTITY_ENDPOINT" },
	{ SERVICE_IDENTITY, 410, NULL, ERR_HTTP, "the identity service is being updated", "try again after two minutes" },
	{ SERVICE_IDENTITY, 0, NULL, ERR_HTTP, "the identity service failed", "try again; restart the container group" },

	{ SERVICE_ENTRA, 429, NULL, ERR_THROTTLED, "Microsoft Entra limits requests", "wait and try again" },
	{ SERVICE_ENTRA, 0, "AADSTS700213", ERR_DENIED, "no federated credential of the application matches this pod's subject",
	  "create a federated identity credential for the service account's issuer and subject" },
	{ SERVICE_ENTRA, 0, "AADSTS700024", ERR_DENIED, "the pod's token is not within its validity",
	  "check the clock; check that the token file is rotated" },
	{ SERVICE_ENTRA, 0, "AADSTS700016", ERR_DENIED, "the application is unknown in this tenant",
	  "check AZURE_CLIENT_ID and AZURE_TENANT_ID" },
	{ SERVICE_ENTRA, 400, NULL, ERR_DENIED, "Microsoft Entra refuses the workload's identity, see its message",
	  "check the federated identity credential, AZURE_CLIENT_ID and AZURE_TENANT_ID" },
	{ SERVICE_ENTRA, 401, NULL, ERR_DENIED, "Microsoft Entra refuses the workload's identity, see its message",
	  "check the federated identity credential, AZURE_CLIENT_ID and AZURE_TENANT_ID" },
	{ SERVICE_ENTRA, 0, NULL, ERR_HTTP, "Microsoft Entra failed", "try again" },

	{ SERVICE_CERTS, 429, NULL, ERR_THROTTLED, "the certificate service limits requests", "wait; set CERT_CACHE to another" },
	{ SERVICE_CERTS, 404, NULL, ERR_NOT_FOUND, "the certificate service does not know this chip at this TCB",
	  "set CERT_CACHE to another source" },
	{ SERVICE_CERTS, 0, NULL, ERR_HTTP, "the certificate service failed", "try again; set CERT_CACHE to another source" },

	/* ERR_MISMATCH: a condition of the request does not hold; client/blob says what its callers do then. */
	{ SERVICE_STORAGE, 412, NULL, ERR_MISMATCH, "the blob was changed by somebody else meanwhile", "try again" },
	{ SERVICE_STORAGE, 304, NULL, ERR_MISMATCH, "the blob has not changed", "use what you have" },
	{ SERVICE_STORAGE, 409, "BlobAlreadyExists", ERR_MISMATCH, "the blob was made by somebody else meanwhile", "try again" },
	{ SERVICE_STORAGE, 400, "InvalidBlockList", ERR_MISMATCH, "another writer's commit came in between", "try again" },
	{ SERVICE_STORAGE, 409, NULL, ERR_HTTP, "the blob or container is in a state that does not allow this, see its message",
	  "wait if a container of this name is being deleted; look for a lease or an immutability policy" },
	{ SERVICE_STORAGE, 400, "InvalidBlobOrBlock", ERR_HTTP, "another program's uncommitted blocks of other names' length are there",
	  "let that program finish, or delete the blob" },
	{ SERVICE_STORAGE, 404, "ContainerNotFound", ERR_NOT_FOUND, "there is no such container",
	  "create it, or check AZURE_STORAGE_CONTAINER" },
	{ SERVICE_STORAGE, 404, NULL, ERR_NOT_FOUND, "there is no such blob (or the account hides it from this caller)",
	  "list the container; the companies put their records there when they import" },
	{ SERVICE_STORAGE, 416, NULL, ERR_RANGE, "the blob is shorter than that", "read it from the beginning" },
	{ SERVICE_STORAGE, 401, NULL, ERR_DENIED, "the account did not accept the identity's token",
	  "check that the identity is of the account's tenant" },
	{ SERVICE_STORAGE, 403, "AuthorizationPermissionMismatch", ERR_DENIED, "the identity or SAS may not do this",
	  "give it the role \"Storage Blob Data Contributor\" (reading: Reader), or the permissions r, w, c and l" },
	{ SERVICE_STORAGE, 403, "AuthenticationFailed", ERR_DENIED,
	  "the signature does not verify: a wrong key, an expired or damaged SAS, or this machine's clock is wrong",
	  "renew AZURE_STORAGE_SAS or AZURE_STORAGE_KEY" },
	{ SERVICE_STORAGE, 403, "KeyBasedAuthenticationNotPermitted", ERR_DENIED, "the account does not allow shared keys",
	  "use a managed identity" },
	{ SERVICE_STORAGE, 403, NULL, ERR_DENIED, "the account refuses this caller: permission, expiry or network rules",
	  "check the SAS or the identity's role, and the account's networking settings" },
	{ SERVICE_STORAGE, 429, NULL, ERR_THROTTLED, "the storage account limits requests", "wait and try again" },
	{ SERVICE_STORAGE, 503, NULL, ERR_THROTTLED, "the storage account is busy", "wait and try again" },
	{ SERVICE_STORAGE, 0, NULL, ERR_HTTP, "the storage service failed or did not accept the request, see its message",
	  "try again; see the Azure status page" },
};

static bool has_word(const struct refusal *r, const char *word)
{
	return span_has_nocase(span_str(r->inner), word) || span_has_nocase(span_str(r->code), word) ||
	       span_has_nocase(span_str(r->message), word);
}

static const struct advice *find_advice(enum service from, int status, const struct refusal *r)
{
	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
		const struct advice *a = &advices[i];

		if (a->from == from && (a->status == 0 || a->status == status) && (!a->word || has_word(r, a->word)))
			return a;
	}
	return NULL;
}

enum err refusal_fault(enum service from, enum step step, int status, const struct refusal *r, uint32_t retry_after_s,
                       struct fault *f)
{
	const struct advice *a = find_advice(from, status, r);
	enum err err = a ? a->err : ERR_HTTP;
	struct span said = span_str(r->message[0] ? r->message : "no message");

	f->http_status = status;
	f->retry_after_s = retry_after_s;
	(void)out_join(f->code, sizeof f->code, r->code, r->inner[0] ? "/" : "", r->inner);
	if (a)
		fault_advise(f, a->cause, a->remedy);
	return fault_set_detail(f, err, step, err == ERR_THROTTLED ? "the service is throttling" : "the service refused", said);
}

/* Below HTTP the same few causes hold for all services; only where to look differs. */
static const char *const remedies[] = {
	[SERVICE_IDENTITY] = "check IMDS_ENDPOINT or IDENTITY_ENDPOINT, and that an identity is assigned",
	[SERVICE_ENTRA] = "check AZURE_AUTHORITY_HOST and the network's outbound rules",
	[SERVICE_CERTS] = "check CERT_CACHE and CERT_CACHE_ENDPOINT",
	[SERVICE_STORAGE] = "check AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_BLOB_ENDPOINT and the network's outbound rules",
	[SERVICE_MAA] = "check SKR_MAA_ENDPOINT (a host name without https://) and the network's outbound rules",
	[SERVICE_VAULT] = "check SKR_AKV_ENDPOINT (a host name without https://) and the network's outbound rules",
};
static const struct {
	enum err err;
	const char *cause;
} causes[] = {
	{ ERR_NOT_FOUND, "the name does not exist, or there is no DNS here" },
	{ ERR_CONNECT, "nothing listens there, or a firewall is in between" },
	{ ERR_TIMEOUT, "the service or the network is slow, or a firewall drops packets" },
	{ ERR_CLOSED, "the service or something in between cut the connection" },
	{ ERR_UNTRUSTED, "its certificate does not lead to a known root, is for another name, or is not valid now" },
	{ ERR_TLS, "the peer speaks no TLS 1.2 with ECDHE, or something in between interferes" },
	{ ERR_PROTOCOL, "this is another service than expected" },
};

void refusal_transport(enum service from, struct fault *f)
{
	if (f->cause)
		return;
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++)
		if (causes[i].err == f->err)
			fault_advise(f, causes[i].cause, remedies[from]);
	if (f->err == ERR_CONNECT && f->sys_errno == EACCES) /* svc/confine.h */
		fault_advise(f, "this process is confined to the ports of its settings and to 443", "use such a port");
}
