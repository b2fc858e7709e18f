/* Is this evidence genuine: an SNP report made by AMD's hardware, with what belongs to it. Whether it is the party, the
 * code and the patch level that we want is another question, snp/accept.h.
 * Source: AMD SEV-SNP Firmware ABI; AMD 57230; azure-protocols.md sections 1.5, 1.6 and 2. */
#ifndef SNP_VERIFY_H
#define SNP_VERIFY_H

#include "snp/chain.h"
#include "snp/uvm.h"

/* Views. Untrusted. */
struct verify_evidence {
	struct span report;      /* 1184 bytes */
	struct span chain;       /* DER: VCEK, ASK, ARK (or VLEK, ASVK, ARK), one behind the other */
	struct span crl;         /* DER; empty: revocation is not checked */
	struct span endorsement; /* COSE_Sign1; empty: the launch measurement is not judged */
};

/* What is trusted, and when. Zero-initialised but for now_s it means: AMD's and Microsoft's keys alone. */
struct verify_rules {
	int64_t now_s;              /* Unix time at which certificates and lists are judged */
	const uint8_t *extra_root;  /* SHA-256 of a further root's SubjectPublicKeyInfo, or NULL */
	const char *uvm_issuer;     /* NULL: UVM_ISSUER */
	const char *uvm_feed;       /* NULL: UVM_FEED */
	uint32_t crl_max_age_s;     /* 0: a revocation list is good until its nextUpdate */
};

/* What a token leaves unsaid when it is the evidence. It never says the FMC: a token is known by that. */
enum unsaid {
	UNSAID_DEBUG = 1 << 0, UNSAID_MIGRATION = 1 << 1, UNSAID_VMPL = 1 << 2,
	UNSAID_TCB = 1 << 3, /* the first of one bit for each part */
	UNSAID_UVM = UNSAID_TCB << TCB_PARTS,
};
#define UNSAID_LEVEL(i) ((unsigned)UNSAID_TCB << (i)) /* i: index in struct snp_tcb */

/* What was found out. Views into the evidence; to be believed only after verify_genuine was true. */
struct verify_facts {
	struct snp_report report; /* product and TCB parts by the certificate, also for version 2 reports, which do not say */
	unsigned unsaid;          /* enum unsaid: what is not in report, which is made of a token; 0 for a report */
	bool configured_root;     /* certified by rules.extra_root, not by AMD */
	bool crl_checked;
	bool endorsed;
	uint64_t uvm_svn;         /* with endorsed */
};

/* Reads a report and tells "report.form": not whether it is genuine. */
bool verify_form(struct span bytes, struct snp_report *r, struct checks *checks);
/* Judges everything that is there; all results go to checks (group CHECK_GENUINE): "report.*", "chain.*", "vcek.*",
 * "crl.*", "uvm.*". False when anything failed. About 1 to 3 ms. */
bool verify_genuine(const struct verify_evidence *e, const struct verify_rules *rules, struct verify_facts *facts,
                    struct checks *checks);

#endif
