/* What AMD certified in a VCEK or VLEK: product, chip and TCB; and whether that is what a report was signed under.
 * Source: AMD VCEK Certificate and KDS Interface Specification; azure-protocols.md section 2.2. */
#ifndef SNP_VCEK_H
#define SNP_VCEK_H

#include "snp/report.h"

struct vcek {
	enum snp_product product;
	bool vlek;          /* certifies a provider's key: no chip identity */
	struct snp_tcb tcb; /* the security patch levels; raw is their numeric form by the product's layout */
	struct span hwid;   /* 64 bytes (Turin: 8), a view into the certificate; empty for a VLEK */
};

/* Reads the extensions of a certificate in DER, in whatever order they are. INTEGERs of one or two content bytes
 * ("02 02 00 DB" is 219); hwID raw or wrapped in an OCTET STRING. Nothing is verified: not the chain, not the dates.
 * *problem gets a static text. ERR_SYNTAX, ERR_NOT_FOUND, ERR_RANGE. Untrusted. */
MUST_USE enum err vcek_parse(struct span der, struct vcek *v, const char **problem);

/* The certificate is for the key that signed r: same product, each level equal to REPORTED_TCB's part, hwID equal to
 * CHIP_ID (not compared when the chip is masked or for a VLEK). *problem (may be NULL) names the first difference. */
bool vcek_matches(const struct snp_report *r, const struct vcek *v, const char **problem);

#endif
