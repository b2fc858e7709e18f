/* The SNP attestation report: bytes to fields. Not its signature.
 * Fields that permit something or say how to read the report are judged; what is not known of them is refused. Fields that
 * only describe are shown; what is not known of them is named. Firmware sets bits that earlier specifications reserved.
 * Source: AMD SEV-SNP Firmware ABI (56860), ATTESTATION_REPORT; azure-protocols.md section 1.5. */
#ifndef SNP_REPORT_H
#define SNP_REPORT_H

#include "base/err.h"
#include "base/limits.h"
#include "base/out.h"
#include "base/span.h"

enum snp_product { SNP_PRODUCT_UNKNOWN, SNP_MILAN, SNP_GENOA, SNP_TURIN };

#define SNP_PRODUCTS 4
#define TCB_PARTS 5
#define REPORT_PROBLEM_MAX 112
#define REPORT_UNKNOWN_MAX 640 /* more than report_put_unknown or report_put_platform write */

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
	/* From the CPUID fields of version 3 and later. Version 2 has none: Milan, or unknown where Milan's layout does not fit. */
	enum snp_product product;
	bool product_assumed;     /* version 2: the certificate decides */
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

/* Parses exactly SNP_REPORT_LEN bytes. Refuses unknown versions, POLICY bits and signing keys, VMPL over 3 (0xffffffff: requested
 * by the host), a signature algorithm other than ECDSA P-384, and set bytes beside R and S, which no signature covers.
 * problem names the field and its value; "" on success. ERR_SYNTAX, ERR_RANGE. Untrusted until the signature is verified
 * elsewhere. */
MUST_USE enum err report_parse(const uint8_t bytes[SNP_REPORT_LEN], struct snp_report *r, char problem[REPORT_PROBLEM_MAX]);
/* Appends the names of everything set that no known specification defines: "PLATFORM_INFO bit 12, byte 0x208". Nothing: nothing. */
void report_put_unknown(struct out *o, const struct snp_report *r);
/* PLATFORM_INFO bits: appends the set ones, "smt ecc bit 12"; and the number of one by its name, false for other texts. */
void report_put_platform(struct out *o, uint64_t platform_info);
bool report_platform_bit(struct span name, uint64_t *bit);
/* "Milan", "Genoa", "Turin", "unknown"; and back, SNP_PRODUCT_UNKNOWN for any other text. */
const char *report_product_name(enum snp_product p);
enum snp_product report_product(struct span name);
/* Parts of a numeric TCB by product layout, and back. Of an unknown product there are none. */
struct snp_tcb report_tcb(uint64_t raw, enum snp_product p);
uint64_t report_tcb_raw(const struct snp_tcb *t, enum snp_product p);
/* Takes the product from elsewhere, and the TCBs' parts by it. */
void report_set_product(struct snp_report *r, enum snp_product p);
/* The same by its name, from a user. False when no product is called so, or when the report names another one. */
MUST_USE bool report_name_product(struct snp_report *r, struct span name);

#endif
