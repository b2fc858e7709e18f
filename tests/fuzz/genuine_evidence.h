/* The genuine evidence of tests/corpus (made by make-data.js), the root it leads to, and a time at which it is good. For tests only. */
#ifndef FUZZ_GENUINE_EVIDENCE_H
#define FUZZ_GENUINE_EVIDENCE_H

#include "snp/verify.h"

struct genuine_evidence {
	struct span all;            /* report, then chain */
	struct span report, chain;
	struct snp_report fields;
	struct x509_cert leaf;
	uint8_t root_sha256[32];    /* of the ARK's SubjectPublicKeyInfo */
	int64_t now_s;
};

extern struct genuine_evidence genuine_evidence;
void genuine_evidence_load(void);
/* The certificate at the start of a run of them. */
struct span genuine_evidence_first(struct span ders);

#endif
