/* The security context that the platform hands to a confidential container: certificates, policy and the utility VM's
 * endorsement, as files or as environment variables. Source: azure-protocols.md section 2.5. */
#ifndef SNP_CONTEXT_H
#define SNP_CONTEXT_H

#include "base/setting.h"
#include "snp/certs.h"

enum context_source { CONTEXT_NONE, CONTEXT_FILES, CONTEXT_ENVIRONMENT };

#define CONTEXT_POLICY_MAX SECURITY_POLICY_MAX

/* Owns its bytes. Public data; the host wrote them, so nothing here is trusted. */
struct context {
	enum context_source source;
	char dir[256];                       /* directory read, "" when none was found */
	struct platform_certs certs;         /* pem_len 0: none */
	uint8_t reference[UVM_ENDORSEMENT_MAX]; /* COSE_Sign1 */
	size_t reference_len;                /* 0: none */
	bool has_policy;
	uint8_t policy_sha256[32];           /* of the decoded policy: equals HOST_DATA when the host is honest */
	uint8_t policy[CONTEXT_POLICY_MAX];  /* its text, for showing */
	size_t policy_len;                   /* 0: none */
};

/* The three variables' values (base64), empty when unset. */
struct context_env {
	struct span amd_cert, policy, reference;
};

struct context_settings {
	char dir[256];          /* UVM_SECURITY_CONTEXT_DIR, "": look for it */
	struct context_env env; /* UVM_HOST_AMD_CERTIFICATE, UVM_SECURITY_POLICY, UVM_REFERENCE_INFO */
};
extern const struct setting context_settings[];

/* Base64 text of the largest file. */
#define CONTEXT_SCRATCH_LEN (B64_SCRATCH(SECURITY_POLICY_MAX))
#define B64_SCRATCH(n) (((n) + 2) / 3 * 4 + 64)

/* Looks for the directory: dir_setting; else the first entry of / whose name contains "security-context-"; else Kata's
 * place. All three files or none: a part read from files is never mixed with another from the environment. Without the
 * files the environment is used, again all that is set must be readable. scratch has CONTEXT_SCRATCH_LEN bytes.
 * ERR_NOT_FOUND when there is neither (c is emptied): not an error for a caller with another source. Other errors name
 * the file or variable in *problem (static text). */
MUST_USE enum err context_load(struct context *c, const char *dir_setting, const struct context_env *env,
                               uint8_t *scratch, const char **problem);

#endif
