/* Whom to trust beside the compiled-in roots. */
#include "snp/trust.h"

const struct setting trust_settings[] = {
	{ SETTING("EXTRA_TRUST_ANCHOR", "", "PEM file of further roots", struct trust_settings,
	          anchor_file),
	  .kind = SETTING_PATH, .own = 6 },
	{ SETTING("EXTRA_AMD_ROOT", "", "a further root's public key, for partners' reports",
	          struct trust_settings, amd_root),
	  .kind = SETTING_HASH },
	{ SETTING("EXTRA_UVM_ISSUER", "", "did:x509 that endorses partners' utility VMs",
	          struct trust_settings, uvm_issuer),
	  .kind = SETTING_WORD },
	{ .text = NULL },
};
