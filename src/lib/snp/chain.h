/* AMD's certificate chain: VCEK, ASK, ARK, or VLEK, ASVK, ARK; and AMD's revocation list.
 * Source: AMD VCEK Certificate and KDS Interface Specification (57230); azure-protocols.md sections 2.1 to 2.3. */
#ifndef SNP_CHAIN_H
#define SNP_CHAIN_H

#include "crypto/x509.h"
#include "snp/checks.h"
#include "snp/vcek.h"

#define CHAIN_DER_MAX 8192 /* three certificates, about 4.4 KiB */
#define CHAIN_CRL_MAX 8192 /* AMD's lists have below 1 KiB */

/* A chain taken apart: views into the caller's bytes. */
struct chain {
	struct x509_cert leaf, intermediate, root;
	struct vcek vcek;
	bool configured_root; /* it ends in the configured root, which is not AMD's */
};

/* Exactly three certificates in DER, the leaf first: read, named and shaped as AMD's, each signed by the next with
 * RSASSA-PSS SHA-384, the root by itself; root key AMD's or the one with SHA-256 extra_root (32 bytes or NULL) of its
 * SubjectPublicKeyInfo; product, and dates at now_s. Everything that can be judged is judged and goes to checks
 * ("chain.*"). False when anything failed; *c is usable whenever chain_form passed, that is when *readable is set. */
bool chain_verify(struct span ders, const uint8_t *extra_root, int64_t now_s, struct chain *c, bool *readable,
                  struct checks *checks);

/* AMD's revocation list for a chain: signed by its root; not from the future, not after its nextUpdate, and (when
 * max_age_s is not 0) not older than that; naming neither the chain's intermediate nor its root. checks: "crl.*". */
bool chain_check_crl(const struct chain *c, struct span crl_der, int64_t now_s, uint32_t max_age_s,
                     struct checks *checks);

#endif
