/* Is genuine evidence acceptable: a policy over what the report says. Asked only after snp/verify.h has said yes. */
#ifndef SNP_ACCEPT_H
#define SNP_ACCEPT_H

#include "snp/verify.h"

#define ACCEPT_HOST_DATA_MAX 32
#define ACCEPT_MEASUREMENTS_MAX 16
#define ACCEPT_ROLE_MAX 64
#define ACCEPT_UVM_SVN 100 /* the first security version of a utility VM in production */
#define ACCEPT_POLICY_MAX 16384 /* bytes of policy text */

/* What is demanded. The names of the JSON members are those of the fields, unless said. */
struct accept_policy {
	bool any_host_data;                    /* "host_data": "any" */
	size_t n_host_data;                    /* "host_data": ["64 hex digits", ...]; none and not "any": refused */
	uint8_t host_data[ACCEPT_HOST_DATA_MAX][32];
	size_t n_measurements;                 /* "measurement": ["96 hex digits", ...]; none: not looked at */
	uint8_t measurements[ACCEPT_MEASUREMENTS_MAX][48];
	bool debug_allowed, migration_allowed; /* default no */
	uint8_t vmpl;                          /* exactly this; default 0 */
	bool has_min_tcb;                      /* "min_tcb": {"Milan": {"bootloader", "tee", "snp", "microcode"}, "Genoa":
	                                          {...}, "Turin": {..., "fmc"}}; a product that is not named is refused */
	bool min_tcb_for[SNP_PRODUCTS];        /* by enum snp_product */
	struct snp_tcb min_tcb[SNP_PRODUCTS];
	uint64_t platform_required;            /* "platform_required", "platform_forbidden": bits of PLATFORM_INFO by name or */
	uint64_t platform_forbidden;           /* number, ["alias_check_complete", 6, ...]; none: not looked at */
	bool any_uvm;                          /* "min_uvm_svn": "any": also without an endorsement */
	uint64_t min_uvm_svn;                  /* "min_uvm_svn": number; default ACCEPT_UVM_SVN */
	bool has_report_data;                  /* "report_data": 128 hex digits, or 64 with zeros behind */
	uint8_t report_data[64];
	char role[ACCEPT_ROLE_MAX];            /* "role": of the party, from the runtime data; "": not looked at */
	bool crl_required;                     /* default no */
	uint32_t max_age_s;                    /* 0: not looked at */
};

/* The strict default: no HOST_DATA, no debugging, no migration, VMPL 0, an endorsed utility VM in production. */
void accept_policy_default(struct accept_policy *p);
/* Reads a policy: a JSON object with "parley_policy": 1 and any of the members above; what is left out keeps its default.
 * Unknown members are refused: a mistyped demand must not be dropped in silence. *problem: static text or a member's
 * name. ERR_SYNTAX, ERR_RANGE, ERR_FULL; ERR_TOO_BIG for more than ACCEPT_POLICY_MAX bytes or 512 parts. Untrusted. */
MUST_USE enum err accept_policy_parse(struct span json, struct accept_policy *p, const char **problem);
/* One more allowed HOST_DATA. ERR_FULL. */
MUST_USE enum err accept_policy_allow(struct accept_policy *p, const uint8_t host_data[32]);
/* One more bit of PLATFORM_INFO that must be set, or must not. ERR_RANGE over 63; ERR_SYNTAX: it was named before. */
MUST_USE enum err accept_policy_platform(struct accept_policy *p, bool required, uint64_t bit);

/* What is known beside the report. */
struct accept_context {
	struct span role; /* from runtime data that REPORT_DATA binds; empty: unknown */
	bool has_age;     /* age_s is proven: by our own nonce, or by a verified token */
	int64_t age_s;
};

/* Every demand goes to checks (group CHECK_ACCEPTABLE, "accept.*"), also those not made, as skipped. False when any
 * failed. */
bool accept_check(const struct verify_facts *f, const struct accept_policy *p, const struct accept_context *x,
                  struct checks *checks);

#endif
