/* A Key Vault release policy: which attested environments may get a key (azure-protocols.md section 4.8; Microsoft's
 * "Azure Key Vault secure key release policy grammar"). */
#ifndef POLICY_RELEASE_H
#define POLICY_RELEASE_H

#include "base/out.h"
#include "crypto/hash.h"
#include "policy/policy_limits.h"
#include "policy/why.h"

#define RELEASE_ENTRIES_MAX 8

/* Least security version numbers of the platform, each optional. */
enum release_svn { SVN_BOOTLOADER, SVN_TEE, SVN_SNP, SVN_MICROCODE, SVN_UVM, SVN_COUNT };

struct release_policy {
	struct span authority; /* https://HOST of the attestation service */
	bool has_svn[SVN_COUNT];
	uint32_t svn[SVN_COUNT];
	uint8_t host_data[RELEASE_ENTRIES_MAX][SHA256_LEN];
	size_t n;
};

/* "bootloader", "tee", "snp", "microcode", "uvm": the members of "minimum_svn". */
extern const char *const release_svn_names[SVN_COUNT];

/* Appends the policy and a line feed: one entry an environment; each demands type, compliance, HOST_DATA, no debugging,
 * VMPL 0 and the minimums. There is no looser form: no entry, no authority or an overflow is an error. */
MUST_USE enum err release_write(struct out *o, const struct release_policy *r, struct why *why);

#endif
