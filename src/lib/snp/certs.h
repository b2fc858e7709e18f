/* Platform certificates: the PEM chain VCEK, ASK, ARK that goes with a report, and THIM's JSON that carries it.
 * Source: azure-protocols.md section 2.4. */
#ifndef SNP_CERTS_H
#define SNP_CERTS_H

#include "snp/vcek.h"

/* Owns its bytes. Public data, untrusted: whoever needs trust verifies the chain against AMD's roots. */
struct platform_certs {
	uint8_t pem[CERT_CHAIN_PEM_MAX]; /* VCEK first, as sent to Azure Attestation */
	size_t pem_len;                  /* 0: none */
	bool has_tcbm;
	uint64_t tcbm;                   /* TCB the source says the VCEK is for */
	uint32_t cache_s;                /* how long the source says it may be kept, 0 when it did not */
};

#define CERT_DER_MAX 4096 /* an RSA-4096 certificate of AMD is about 1.6 KiB */

/* {"vcekCert","tcbm","certificateChain","cacheControl"}; other members are ignored. Certificates are concatenated, with a
 * line break between them if the text lacks it. Here and below all three certificates of a chain must be there.
 * ERR_SYNTAX, ERR_NOT_FOUND, ERR_TOO_BIG, ERR_RANGE. */
MUST_USE enum err certs_parse_thim(struct span json, struct platform_certs *c);
/* A PEM chain as it is. */
MUST_USE enum err certs_from_pem(struct span pem, struct platform_certs *c);
/* DER VCEK and PEM chain (KDS gives the two apart). */
MUST_USE enum err certs_from_parts(struct span vcek_der, struct span chain_pem, struct platform_certs *c);
/* The first certificate, decoded. */
MUST_USE enum err certs_leaf(const struct platform_certs *c, uint8_t der[CERT_DER_MAX], size_t *n);
/* The chain's leaf is for the key that signed r (vcek_matches). When the leaf's extensions cannot be read, the source's
 * tcbm decides; *problem (static text, may be NULL) says what differs. */
bool certs_match(const struct platform_certs *c, const struct snp_report *r, const char **problem);

#endif
