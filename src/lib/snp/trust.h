/* Whom to trust beside the compiled-in roots: settings, and measured like all of them. */
#ifndef SNP_TRUST_H
#define SNP_TRUST_H

#include "base/setting.h"

struct trust_settings {
	char anchor_file[256]; /* EXTRA_TRUST_ANCHOR, "": none */
	struct setting_hash
		amd_root; /* EXTRA_AMD_ROOT: of the public key; partners' reports may lead to it */
	char uvm_issuer[256]; /* EXTRA_UVM_ISSUER: endorses partners' utility VMs, "": Microsoft's
	                         alone */
};
extern const struct setting trust_settings[];

#endif
