/* The services' tables: delays, and what an error answer most likely means. */
#include "azure/services.h"

/* --- steps --- */

static const struct advice collateral_advice[] = {
	{ ERR_MISMATCH, "the certificate source gives certificates of another chip or another firmware level",
	  "set CERT_CACHE to another source, or try again later" },
	{ ERR_OK, "what answered is not this certificate service, or its answer was damaged on the way",
	  "check CERT_CACHE and CERT_CACHE_ENDPOINT; try again" },
};
static const struct advice token_verify_advice[] = {
	{ ERR_OK, "the token is not what this attestation service makes for this request: damaged or repeated on the way, or made "
	  "by somebody else", "check SKR_MAA_ENDPOINT and what is in between; try again" },
};
static const struct advice release_verify_advice[] = {
	{ ERR_OK, "the answer is not what this vault gives to this request: damaged or repeated on the way, or made by somebody "
	  "else", "check SKR_AKV_ENDPOINT, SKR_KEY_NAME and what is in between; try again" },
};
static const struct advice unwrap_advice[] = {
	{ ERR_OK, "the key is not wrapped for this process, or is of a kind not known here",
	  "RSA, EC (P-256, P-384, P-521) and oct keys can be released; try again" },
};
static const struct advice blob_advice[] = {
	{ ERR_SYNTAX, "the data are not in the form that is expected", "correct them at the place that the message names" },
	{ ERR_TOO_BIG, "a value or the whole is larger than is allowed", "make it smaller" },
	{ ERR_FULL, "the blob has reached the largest size that is written here", "use another container, or remove records" },
};
const struct step STEP_COLLATERAL[1] = { { "platform_certificates", true, STEP_ADVICE(collateral_advice) } };
const struct step STEP_ATTEST[1] = { { "attestation", true, NULL, 0 } };
const struct step STEP_TOKEN_VERIFY[1] = { { "token_verification", true, STEP_ADVICE(token_verify_advice) } };
const struct step STEP_IDENTITY[1] = { { "managed_identity", true, NULL, 0 } };
const struct step STEP_RELEASE[1] = { { "key_release", true, NULL, 0 } };
const struct step STEP_RELEASE_VERIFY[1] = { { "release_verification", true, STEP_ADVICE(release_verify_advice) } };
const struct step STEP_UNWRAP[1] = { { "key_unwrap", true, STEP_ADVICE(unwrap_advice) } };
const struct step STEP_BLOB[1] = { { "storage", false, STEP_ADVICE(blob_advice) } };

/* --- services. Delays: azure-protocols.md section 7 --- */

#define ANSWERS(rows) (rows), sizeof(rows) / sizeof((rows)[0])

static const struct service_answer vault_answers[] = {
	{ 429, ERR_THROTTLED, NULL, "the vault limits requests (this is not a policy denial)",
	  "wait and try again; limits are per vault and 10 seconds" },
	{ 4, ERR_DENIED, "does not meet key release policy",
	  "the attested claims do not satisfy the key's release policy: most often HOST_DATA, the hash of this container's "
	  "security policy, is not the one the policy names, or the authority is another attestation service",
	  "compare the release policy of the key with the claims of /attest/maa; put this deployment's policy hash into it" },
	{ 4, ERR_DENIED, "cannot be verified",
	  "the vault could not verify the attestation token: it expired, its signer is no authority of this key, or the vault "
	  "cannot reach the authority", "check that SKR_MAA_ENDPOINT is an authority that the key names" },
	{ 4, ERR_DENIED, "ForbiddenByRbac|Caller is not authorized",
	  "the managed identity may not release keys of this vault: it has no role that permits it",
	  "give it the role \"Key Vault Crypto Service Release User\" (Managed HSM: \"Managed HSM Crypto Service Release "
	  "User\"); a new role assignment takes some minutes" },
	{ 4, ERR_DENIED, "ForbiddenByPolicy|permission on key vault",
	  "the managed identity may not release keys of this vault: no access policy permits it",
	  "add an access policy with the key permission Release for it" },
	{ 4, ERR_DENIED, "ForbiddenByFirewall|Client address is not authorized",
	  "the vault's firewall does not admit this network", "allow the container group's network in the vault's networking settings" },
	{ 4, ERR_DENIED, "ForbiddenByConnection|Public network access is disabled",
	  "the vault's public network access is off, and this request came through no approved private link",
	  "give this network an approved private endpoint of the vault and its private DNS zone, or enable public access" },
	{ 4, ERR_DENIED, "KeyDisabled|disabled key", "the key, or this version of it, is disabled",
	  "enable it in the vault, or name an enabled version in SKR_KEY_NAME" },
	{ 4, ERR_DENIED, "KeyNotYetValid|not yet valid", "the key's activation date lies ahead",
	  "wait until then, or change the key's activation date" },
	{ 4, ERR_DENIED, "KeyExpired|expired key", "the key's expiration date has passed",
	  "change the key's expiration date, or make a new version" },
	{ 4, ERR_DENIED, "KeyOperationForbidden|not permitted on this key",
	  "the key's permitted operations do not include this one", "change the key's permitted operations" },
	{ 4, ERR_NOT_FOUND, "ObjectIsDeletedButRecoverable|deleted but recoverable", "the key is deleted",
	  "recover the deleted key" },
	{ 409, ERR_HTTP, NULL, "the key is being deleted, recovered or changed", "wait and try again" },
	{ 0, ERR_HTTP, "not activated", "the Managed HSM is not activated", "download its security domain" },
	{ 403, ERR_DENIED, NULL, "the vault refused for a reason that this program does not know, see its message",
	  "look up the code; check the identity's permissions, the vault's network settings and the key's state" },
	{ 401, ERR_DENIED, "AKV10022", "the identity's token is for another audience than this vault's", "check AKV_AUDIENCE" },
	{ 401, ERR_DENIED, "AKV10032", "the identity's token is from another tenant than the vault's",
	  "use an identity of the vault's tenant" },
	{ 401, ERR_DENIED, NULL, "the vault did not accept the identity's token",
	  "check the audience (AKV_AUDIENCE for sovereign clouds) and that the identity is of the vault's tenant" },
	{ 404, ERR_NOT_FOUND, NULL, "no key of this name or version in this vault",
	  "check SKR_KEY_NAME and SKR_AKV_ENDPOINT; a deleted key must be recovered first" },
	{ 400, ERR_HTTP, "not exportable", "the key was created without \"exportable\"",
	  "create or import the key as exportable (premium vault or Managed HSM)" },
	{ 400, ERR_HTTP, NULL, "the vault did not accept the request, see its message",
	  "check SKR_KEY_NAME, and that the key is exportable" },
	{ 5, ERR_HTTP, NULL, "the vault failed", "try again; see the Azure status page" },
};
const struct service SERVICE_VAULT[1] = { {
	{ { 1000, 2000, 4000, 8000, 16000 }, 30000, false, true, 0 },
	"check SKR_AKV_ENDPOINT (a host name without https://) and the network's outbound rules", ANSWERS(vault_answers),
} };

static const struct service_answer maa_answers[] = {
	{ 429, ERR_THROTTLED, NULL, "the attestation service limits requests",
	  "wait and try again, or use your own attestation provider" },
	{ 400, ERR_DENIED, "PolicyEvaluationError", "the attestation provider's own policy denies this evidence",
	  "look at the provider's SevSnpVm policy" },
	{ 400, ERR_HTTP, NULL,
	  "the attestation service rejects the evidence: certificates that do not fit the report, an endorsement that does not "
	  "fit the measurement, or a simulated device",
	  "see its message; if certificates are stale set CERT_CACHE, and restart the container group on another host" },
	{ 401, ERR_DENIED, NULL, "this attestation provider wants a caller with a role",
	  "use a shared provider or one that attests anonymously" },
	{ 403, ERR_DENIED, NULL, "the attestation service refuses this caller", "use another attestation provider" },
	{ 404, ERR_NOT_FOUND, NULL, "this host is no attestation service", "check SKR_MAA_ENDPOINT" },
	{ 5, ERR_HTTP, NULL, "the attestation service failed", "try again, or use another region's service" },
};
const struct service SERVICE_MAA[1] = { {
	{ { 1000, 2000, 4000, 0, 0 }, 30000, false, true, 0 },
	"check SKR_MAA_ENDPOINT (a host name without https://) and the network's outbound rules", ANSWERS(maa_answers),
} };

static const struct service_answer identity_answers[] = {
	{ 429, ERR_THROTTLED, NULL, "the identity service limits requests", "wait and try again" },
	{ 400, ERR_DENIED, "Identity not found", "no managed identity is assigned, or not the one asked for",
	  "assign a managed identity to the container group; set AZURE_CLIENT_ID when there are several" },
	{ 400, ERR_HTTP, NULL,
	  "no managed identity is assigned, several are and AZURE_CLIENT_ID does not say which, or the audience is wrong",
	  "assign a managed identity; set AZURE_CLIENT_ID; check AKV_AUDIENCE" },
	{ 401, ERR_DENIED, NULL, "the identity service did not accept IDENTITY_HEADER",
	  "let the platform set IDENTITY_ENDPOINT and IDENTITY_HEADER" },
	{ 403, ERR_DENIED, NULL, "the identity service refuses this caller", "assign a managed identity" },
	{ 404, ERR_NOT_FOUND, NULL, "no such identity, or no identity service at this endpoint",
	  "assign a managed identity; check IMDS_ENDPOINT or IDENTITY_ENDPOINT" },
	{ 410, ERR_HTTP, NULL, "the identity service is being updated", "try again after two minutes" },
	{ 5, ERR_HTTP, NULL, "the identity service failed, see its message",
	  "try again; check that a managed identity is assigned; restart the container group" },
};
const struct service SERVICE_IDENTITY[1] = { {
	{ { 2000, 6000, 14000, 30000, 0 }, 10000, true, false, 70000 },
	"check IMDS_ENDPOINT or IDENTITY_ENDPOINT, and that an identity is assigned", ANSWERS(identity_answers),
} };

static const struct service_answer entra_answers[] = {
	{ 429, ERR_THROTTLED, NULL, "Microsoft Entra limits requests", "wait and try again" },
	{ 0, ERR_DENIED, "AADSTS700213", "no federated credential of the application matches this pod's subject",
	  "create a federated identity credential for the service account's issuer and subject" },
	{ 0, ERR_DENIED, "AADSTS700024", "the pod's token is not within its validity",
	  "check the clock; check that the token file is rotated" },
	{ 0, ERR_DENIED, "AADSTS700016", "the application is unknown in this tenant",
	  "check AZURE_CLIENT_ID and AZURE_TENANT_ID" },
	{ 400, ERR_DENIED, NULL, "Microsoft Entra refuses the workload's identity, see its message",
	  "check the federated identity credential, AZURE_CLIENT_ID and AZURE_TENANT_ID" },
	{ 401, ERR_DENIED, NULL, "Microsoft Entra refuses the workload's identity, see its message",
	  "check the federated identity credential, AZURE_CLIENT_ID and AZURE_TENANT_ID" },
	{ 5, ERR_HTTP, NULL, "Microsoft Entra failed", "try again" },
};
const struct service SERVICE_ENTRA[1] = { {
	{ { 1000, 2000, 4000, 0, 0 }, 10000, false, true, 0 },
	"check AZURE_AUTHORITY_HOST and the network's outbound rules", ANSWERS(entra_answers),
} };

static const struct service_answer certs_answers[] = {
	{ 429, ERR_THROTTLED, NULL, "the certificate service limits requests", "wait; set CERT_CACHE to another" },
	{ 404, ERR_NOT_FOUND, NULL, "the certificate service does not know this chip at this TCB",
	  "set CERT_CACHE to another source" },
	{ 5, ERR_HTTP, NULL, "the certificate service failed", "try again; set CERT_CACHE to another source" },
};
/* The original client's delays of 10^k seconds, tamed. */
const struct service SERVICE_CERTS[1] = { {
	{ { 2000, 8000, 0, 0, 0 }, 10000, false, true, 0 },
	"check CERT_CACHE and CERT_CACHE_ENDPOINT", ANSWERS(certs_answers),
} };

static const struct service_answer storage_answers[] = {
	/* ERR_MISMATCH: a condition of the request does not hold; azure/blob says what its callers do then. */
	{ 412, ERR_MISMATCH, NULL, "the blob was changed by somebody else meanwhile", "try again" },
	{ 304, ERR_MISMATCH, NULL, "the blob has not changed", "use what you have" },
	{ 409, ERR_MISMATCH, "BlobAlreadyExists", "the blob was made by somebody else meanwhile", "try again" },
	{ 400, ERR_MISMATCH, "InvalidBlockList", "another writer's commit came in between", "try again" },
	{ 409, ERR_HTTP, NULL, "the blob or container is in a state that does not allow this, see its message",
	  "wait if a container of this name is being deleted; look for a lease or an immutability policy" },
	{ 400, ERR_HTTP, "InvalidBlobOrBlock", "another program's uncommitted blocks of other names' length are there",
	  "let that program finish, or delete the blob" },
	{ 404, ERR_NOT_FOUND, "ContainerNotFound", "there is no such container",
	  "create it, or check AZURE_STORAGE_CONTAINER" },
	{ 404, ERR_NOT_FOUND, NULL, "there is no such blob (or the account hides it from this caller)",
	  "list the container; the companies put their records there when they import" },
	{ 416, ERR_RANGE, NULL, "the blob is shorter than that", "read it from the beginning" },
	{ 401, ERR_DENIED, NULL, "the account did not accept the identity's token",
	  "check that the identity is of the account's tenant" },
	{ 403, ERR_DENIED, "AuthorizationPermissionMismatch", "the identity or SAS may not do this",
	  "give it the role \"Storage Blob Data Contributor\" (reading: Reader), or the permissions r, w, c and l" },
	{ 403, ERR_DENIED, "AuthenticationFailed",
	  "the signature does not verify: a wrong key, an expired or damaged SAS, or this machine's clock is wrong",
	  "renew AZURE_STORAGE_SAS or AZURE_STORAGE_KEY" },
	{ 403, ERR_DENIED, "KeyBasedAuthenticationNotPermitted", "the account does not allow shared keys",
	  "use a managed identity" },
	{ 403, ERR_DENIED, "AuthorizationFailure|AuthorizationSourceIPMismatch",
	  "the account's network rules, or the SAS's, do not admit this network", "allow the container group's network there" },
	{ 403, ERR_DENIED, NULL, "the account refuses this caller: permission, expiry or network rules",
	  "check the SAS or the identity's role, and the account's networking settings" },
	{ 429, ERR_THROTTLED, NULL, "the storage account limits requests", "wait and try again" },
	{ 503, ERR_THROTTLED, NULL, "the storage account is busy", "wait and try again" },
	{ 0, ERR_HTTP, NULL, "the storage service failed or did not accept the request, see its message",
	  "try again; see the Azure status page" },
};
const struct service SERVICE_STORAGE[1] = { {
	{ { 800, 1600, 3200, 0, 0 }, 30000, false, true, 0 },
	"check AZURE_STORAGE_ACCOUNT, AZURE_STORAGE_BLOB_ENDPOINT and the network's outbound rules", ANSWERS(storage_answers),
} };
