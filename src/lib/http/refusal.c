/* Error answers, and the table of causes and remedies. */
#include "http/refusal.h"

#include <errno.h>
#include <string.h>

#include "base/out.h"
#include "text/json_read.h"
#include "text/utf8.h"

#define REFUSAL_TOKENS 64

/* --- one clean line --- */

/* How much is markup at the start of s, which begins with '<'. What browsers do not show counts
 * too. */
static size_t markup_len(struct span s)
{
	static const struct {
		const char *start, *end;
	} hidden[] = { { "<style", "</style>" }, { "<script", "</script>" }, { "<!--", "-->" } };

	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		size_t n = strlen(hidden[i].end), at = 0;

		if (!span_eq_nocase(span_sub(s, 0, strlen(hidden[i].start)), hidden[i].start))
			continue;
		while (at < s.n && !span_eq_nocase(span_sub(s, at, n), hidden[i].end))
			at++;
		return at < s.n ? at + n : s.n;
	}
	return span_find(s, '>') < s.n ? span_find(s, '>') + 1 : s.n;
}

/* More than a quarter of it stands for nothing that a person reads. */
static bool is_binary(struct span s)
{
	size_t odd = 0, n;

	for (size_t i = 0; i < s.n; i += n ? n : 1) {
		n = utf8_len(span_sub(s, i, s.n));
		odd += n == 0 || s.p[i] == 0x7f || (s.p[i] < 0x20 && !strchr("\t\r\n", s.p[i])) ||
		       s.p[i] == 0;
	}
	return odd > s.n / 4;
}

/* Blanks and line breaks become one blank. What is not printable ASCII becomes '?', one for a
 * character. */
static void put_line(struct out *o, struct span s)
{
	bool markup = span_starts(s, "<"), blank = false;

	for (size_t i = 0, n = 1; i < s.n && !o->bad; i += n) {
		uint8_t c = s.p[i];

		n = 1;
		if (markup && c == '<') {
			n = markup_len(span_sub(s, i, s.n));
			c = ' ';
		} else if (c >= 0x80 && utf8_len(span_sub(s, i, 4))) {
			n = utf8_len(span_sub(s, i, 4));
		}
		if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
			blank = o->n > 0;
			continue;
		}
		if (blank)
			out_byte(o, ' ');
		blank = false;
		out_byte(o, c > 0x20 && c < 0x7f ? c : '?');
	}
}

void refusal_line(struct span body, char *dst, size_t cap)
{
	struct out o = out_init(dst, cap - 4); /* room for what says that it is cut */

	if (!is_binary(body))
		put_line(&o, span_trim(body));
	if (o.n == 0 && body.n) {
		out_str(&o, "(no text, bytes: ");
		out_u64(&o, body.n);
		out_byte(&o, ')');
	} else if (o.n == 0) {
		out_str(&o, "(empty answer)");
	}
	memcpy(dst + o.n, o.bad ? "..." : "", o.bad ? 4 : 1);
}

/* --- error answers --- */

static void take_code(struct json_val v, char *dst, size_t cap)
{
	uint8_t text[256];
	struct out o = out_init(text, sizeof text);

	if (json_type_of(v) == JSON_STRING && json_string(v, &o) == ERR_OK)
		fault_text(dst, cap, out_span(&o));
}

/* False: no message. */
static bool take_message(struct json_val v, struct refusal *r)
{
	uint8_t text[2048];
	struct out o = out_init(text, sizeof text);

	if (json_type_of(v) != JSON_STRING)
		return false;
	/* too long to unescape: its beginning is shown as it is */
	refusal_line(json_string(v, &o) == ERR_OK ? out_span(&o) : json_raw(v), r->message,
		     sizeof r->message);
	return !json_is(v, "");
}

/* The members of the documented forms. False: no message among them. */
static bool read_members(struct json_val root, struct refusal *r)
{
	struct json_val error = json_get(root, "error");

	if (json_type_of(error) == JSON_STRING) {
		take_code(error, r->code, sizeof r->code);
		return take_message(json_get(root, "error_description"), r);
	}
	take_code(json_get(error, "code"), r->code, sizeof r->code);
	take_code(json_path(error, "innererror", "code", NULL), r->inner, sizeof r->inner);
	/* App Service's identity endpoint has {"statusCode","message"} without an error object. */
	return take_message(json_get(json_present(error) ? error : root, "message"), r);
}

void refusal_read(struct span body, struct refusal *r)
{
	struct json_tok toks[REFUSAL_TOKENS];
	struct json doc;

	memset(r, 0, sizeof *r);
	if (json_parse(&doc, body, toks, REFUSAL_TOKENS) != ERR_OK ||
	    !read_members(json_root(&doc), r))
		refusal_line(body, r->message, sizeof r->message);
}

/* First row that fits wins. status: one, or its first digit for all of that class, or 0 for any. words: one of them is in code,
 * inner code or message; NULL: any. */
struct advice {
	enum service from;
	int status;
	const char *words; /* '|' between */
	enum err err;
	const char *cause, *remedy;
};

static const struct advice advices[] = {
	{ SERVICE_VAULT, 429, NULL, ERR_THROTTLED, "the vault limits requests (this is not a policy denial)",
	  "wait and try again; limits are per vault and 10 seconds" },
	{ SERVICE_VAULT, 4, "does not meet key release policy", ERR_DENIED,
	  "the attested claims do not satisfy the key's release policy: most often HOST_DATA, the hash of this container's "
	  "security policy, is not the one the policy names, or the authority is another attestation service",
	  "compare the release policy of the key with the claims of /attest/maa; put this deployment's policy hash into it" },
	{ SERVICE_VAULT, 4, "cannot be verified", ERR_DENIED,
	  "the vault could not verify the attestation token: it expired, its signer is no authority of this key, or the vault "
	  "cannot reach the authority", "check that SKR_MAA_ENDPOINT is an authority that the key names" },
	{ SERVICE_VAULT, 4, "ForbiddenByRbac|Caller is not authorized", ERR_DENIED,
	  "the managed identity may not release keys of this vault: it has no role that permits it",
	  "give it the role \"Key Vault Crypto Service Release User\" (Managed HSM: \"Managed HSM Crypto Service Release "
	  "User\"); a new role assignment takes some minutes" },
	{ SERVICE_VAULT, 4, "ForbiddenByPolicy|permission on key vault", ERR_DENIED,
	  "the managed identity may not release keys of this vault: no access policy permits it",
	  "add an access policy with the key permission Release for it" },
	{ SERVICE_VAULT, 4, "ForbiddenByFirewall|Client address is not authorized", ERR_DENIED,
	  "the vault's firewall does not admit this network", "allow the container group's network in the vault's networking settings" },
	{ SERVICE_VAULT, 4, "ForbiddenByConnection|Public network access is disabled", ERR_DENIED,
	  "the vault's public network access is off, and this request came through no approved private link",
	  "give this network an approved private endpoint of the vault and its private DNS zone, or enable public access" },
	{ SERVICE_VAULT, 4, "KeyDisabled|disabled key", ERR_DENIED, "the key, or this version of it, is disabled",
	  "enable it in the vault, or name an enabled version in SKR_KEY_NAME" },
	{ SERVICE_VAULT, 4, "KeyNotYetValid|not yet valid", ERR_DENIED, "the key's activation date lies ahead",
	  "wait until then, or change the key's activation date" },
	{ SERVICE_VAULT, 4, "KeyExpired|expired key", ERR_DENIED, "the key's expiration date has passed",
	  "change the key's expiration date, or make a new version" },
	{ SERVICE_VAULT, 4, "KeyOperationForbidden|not permitted on this key", ERR_DENIED,
	  "the key's permitted operations do not include this one", "change the key's permitted operations" },
	{ SERVICE_VAULT, 4, "ObjectIsDeletedButRecoverable|deleted but recoverable", ERR_NOT_FOUND, "the key is deleted",
	  "recover the deleted key" },
	{ SERVICE_VAULT, 409, NULL, ERR_HTTP, "the key is being deleted, recovered or changed", "wait and try again" },
	{ SERVICE_VAULT, 0, "not activated", ERR_HTTP, "the Managed HSM is not activated", "download its security domain" },
	{ SERVICE_VAULT, 403, NULL, ERR_DENIED, "the vault refused for a reason that this program does not know, see its message",
	  "look up the code; check the identity's permissions, the vault's network settings and the key's state" },
	{ SERVICE_VAULT, 401, "AKV10022", ERR_DENIED, "the identity's token is for another audience than this vault's", "check AKV_AUDIENCE" },
	{ SERVICE_VAULT, 401, "AKV10032", ERR_DENIED, "the identity's token is from another tenant than the vault's",
	  "use an identity of the vault's tenant" },
	{ SERVICE_VAULT, 401, NULL, ERR_DENIED, "the vault did not accept the identity's token",
	  "check the audience (AKV_AUDIENCE for sovereign clouds) and that the identity is of the vault's tenant" },
	{ SERVICE_VAULT, 404, NULL, ERR_NOT_FOUND, "no key of this name or version in this vault",
	  "check SKR_KEY_NAME and SKR_AKV_ENDPOINT; a deleted key must be recovered first" },
	{ SERVICE_VAULT, 400, "not exportable", ERR_HTTP, "the key was created without \"exportable\"",
	  "create or import the key as exportable (premium vault or Managed HSM)" },
	{ SERVICE_VAULT, 400, NULL, ERR_HTTP, "the vault did not accept the request, see its message",
	  "check SKR_KEY_NAME, and that the key is exportable" },
	{ SERVICE_VAULT, 5, NULL, ERR_HTTP, "the vault failed", "try again; see the Azure status page" },

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
	{ SERVICE_MAA, 5, NULL, ERR_HTTP, "the attestation service failed", "try again, or use another region's service" },

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
	{ SERVICE_IDENTITY, 5, NULL, ERR_HTTP, "the identity service failed, see its message",
	  "try again; check that a managed identity is assigned; restart the container group" },

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
	{ SERVICE_ENTRA, 5, NULL, ERR_HTTP, "Microsoft Entra failed", "try again" },

	{ SERVICE_CERTS, 429, NULL, ERR_THROTTLED, "the certificate service limits requests", "wait; set CERT_CACHE to another" },
	{ SERVICE_CERTS, 404, NULL, ERR_NOT_FOUND, "the certificate service does not know this chip at this TCB",
	  "set CERT_CACHE to another source" },
	{ SERVICE_CERTS, 5, NULL, ERR_HTTP, "the certificate service failed", "try again; set CERT_CACHE to another source" },

	/* ERR_MISMATCH: a condition of the request does not hold; azure/blob says what its callers do then. */
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
	{ SERVICE_STORAGE, 403, "AuthorizationFailure|AuthorizationSourceIPMismatch", ERR_DENIED,
	  "the account's network rules, or the SAS's, do not admit this network", "allow the container group's network there" },
	{ SERVICE_STORAGE, 403, NULL, ERR_DENIED, "the account refuses this caller: permission, expiry or network rules",
	  "check the SAS or the identity's role, and the account's networking settings" },
	{ SERVICE_STORAGE, 429, NULL, ERR_THROTTLED, "the storage account limits requests", "wait and try again" },
	{ SERVICE_STORAGE, 503, NULL, ERR_THROTTLED, "the storage account is busy", "wait and try again" },
	{ SERVICE_STORAGE, 0, NULL, ERR_HTTP, "the storage service failed or did not accept the request, see its message",
	  "try again; see the Azure status page" },
};

static bool has_word(const struct refusal *r, const char *words)
{
	char word[64];

	for (struct span rest = span_str(words); rest.n;)
		if (span_copy_str(span_cut(&rest, '|'), word, sizeof word) &&
		    (span_has_nocase(span_str(r->inner), word) ||
		     span_has_nocase(span_str(r->code), word) ||
		     span_has_nocase(span_str(r->message), word)))
			return true;
	return false;
}

static const struct advice *find_advice(enum service from, int status, const struct refusal *r)
{
	for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++) {
		const struct advice *a = &advices[i];

		if (a->from == from &&
		    (a->status == 0 || a->status == status || a->status == status / 100) &&
		    (!a->words || has_word(r, a->words)))
			return a;
	}
	return NULL;
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
enum err refusal_fault(enum service from, enum step step, int status, const struct refusal *r,
		       uint32_t retry_after_s, struct fault *f)
{
	const struct advice *a = find_advice(from, status, r);
	enum err err = a ? a->err : ERR_HTTP;
	char what[64];
	struct out o = out_init(what, sizeof what);

	f->http_status = status;
	f->retry_after_s = retry_after_s;
	(void)out_join(f->code, sizeof f->code, r->code, r->inner[0] ? "/" : "", r->inner);
	if (a)
		fault_advise(f, a->cause, a->remedy);
	else
		fault_advise(f,
			     "this status is none that the service answers with: a proxy, or "
			     "another service, may have answered",
			     remedies[from]);
	out_str(&o, err == ERR_THROTTLED ? "the service is throttling with status "
					 : "the service refused with status ");
	out_u64(&o, (uint64_t)status);
	return fault_set_detail(f, err, step, out_cstr(&o), span_str(r->message));
}

static const struct {
	enum err err;
	const char *cause;
} causes[] = {
	{ ERR_NOT_FOUND, "the name does not exist, or there is no DNS here" },
	{ ERR_CONNECT, "nothing listens there, or a firewall is in between" },
	{ ERR_TIMEOUT, "the service or the network is slow, or a firewall drops packets" },
	{ ERR_CLOSED, "the service or something in between cut the connection" },
	{ ERR_UNTRUSTED, "its certificate does not lead to a known root, is for another name, or "
			 "is not valid now" },
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
	if (f->err == ERR_CONNECT && f->sys_errno == EACCES) /* conf/confine.h */
		fault_advise(f, "this process is confined to the ports of its settings and to 443", "use such a port");
}
