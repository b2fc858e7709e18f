/* The SNP attestation report: bytes to fields, with must-be-zero checks. Not its signature.
 * Source: AMD SEV-SNP Firmware ABI, ATTESTATION_REPORT; azure-protocols.md section 1.5. */
#ifndef TEE_REPORT_H
#define TEE_REPORT_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

enum snp_product { SNP_PRODUCT_UNKNOWN, SNP_MILAN, SNP_GENOA, SNP_TURIN };

struct snp_tcb {
	uint64_t raw; /* numeric form, as THIM's tcbm */
	uint8_t fmc, bootloader, tee, snp, microcode; /* fmc: Turin only */
};

struct snp_report {
	uint32_t version, guest_svn, vmpl, signature_algo, flags;
	uint64_t policy, platform_info;
	enum snp_product product; /* from CPUID fields in version 3 and later; version 2: SNP_MILAN assumed, see product_assumed */
	bool product_assumed;
	bool debug_allowed, migration_allowed, smt_allowed, author_key, chip_key_masked;
	unsigned signing_key; /* 0 VCEK, 1 VLEK, 7 none */
	struct snp_tcb current_tcb, reported_tcb, committed_tcb, launch_tcb;
	/* views into the report's bytes */
	const uint8_t *family_id, *image_id;                        /* 16 */
	const uint8_t *report_data;                                 /* 64 */
	const uint8_t *measurement, *id_key_digest, *author_key_digest; /* 48 */
	const uint8_t *host_data, *report_id, *report_id_ma;        /* 32 */
	const uint8_t *chip_id;                                     /* 64 */
	struct span signed_part;                                    /* bytes 000..29F */
	const uint8_t *signature;                                   /* 512 */
};

/* Parses exactly SNP_REPORT_LEN bytes. Refuses unknown versions, set reserved bits or bytes, VMPL over 3 (0xffffffff: requested by
 * the host), signature algorithm other than ECDSA P-384 (0 only with signing key "none" -> refused). *problem gets a static text
 * naming the field. ERR_SYNTAX, ERR_RANGE. Untrusted until the signature is verified elsewhere. */
MUST_USE enum err report_parse(const uint8_t bytes[SNP_REPORT_LEN], struct snp_report *r, const char **problem);
/* "Milan", "Genoa", "Turin", "unknown". */
const char *report_product_name(enum snp_product p);
/* Parts of a numeric TCB by product layout. */
struct snp_tcb report_tcb(uint64_t raw, enum snp_product p);

#endif
