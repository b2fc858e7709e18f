/* The SNP attestation report: bytes to fields, with must-be-zero checks. Not its signature.
 * Source: AMD SEV-SNP Firmware ABI, ATTESTATION_REPORT; azure-protocols.md section 1.5. */
#ifndef TEE_REPORT_H
#define TEE_REPORT_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

enum snp_product { SNP_PRODUCT_UNKNOWN, SNP_MILAN, SNP_GENOA, SNP_TURIN };

#define SNP_PRODUCTS 4
#define TCB_PARTS 5

struct snp_tcb {
	uint64_t raw; /* numeric form, as THIM's tcbm */
	union {
		struct {
			uint8_t fmc, bootloader, tee, snp, microcode; /* fmc: Turin only, else 0 */
		};
		uint8_t part[TCB_PARTS];
	};
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
/* "Milan", "Genoa", "Turin", "unknown"; and back, SNP_PRODUCT_UNKNOWN for any other text. */
const char *report_product_name(enum snp_product p);
enum snp_product report_product(struct span name);
/* Parts of a numeric TCB by product layout, and back. Of an unknown product there are none. */
struct snp_tcb report_tcb(uint64_t raw, enum snp_product p);
uint64_t report_tcb_raw(const struct snp_tcb *t, enum snp_product p);
/* Takes the product from elsewhere, and the TCBs' parts by it. */
void report_set_product(struct snp_report *r, enum snp_product p);

#endif
