/* Evidence from files, in the forms in which it is found: raw, hex, PEM, DER, base64, THIM's JSON. */
#ifndef CTL_CTL_EVIDENCE_H
#define CTL_CTL_EVIDENCE_H

#include "ctl/ctl_options.h"
#include "tls/tls.h"
#include "snp/proof.h"

/* Memory for evidence, static storage of its user. */
struct ctl_evidence {
	uint8_t report[SNP_REPORT_LEN], chain[CHAIN_DER_MAX], crl[CHAIN_CRL_MAX], endorsement[UVM_ENDORSEMENT_MAX];
	uint8_t root_sha256[32];
	struct verify_evidence e; /* views of the above */
};

/* Each reads a file into its place, or complains: 0, SHOW_UNCHECKED (5) when the file cannot be read, SHOW_NOT_GENUINE (4)
 * when its content is not what it should be. */
int ctl_evidence_report(struct ctl_evidence *v, const char *path);
/* One file with the chain or several with its parts in order. */
int ctl_evidence_certs(struct ctl_evidence *v, const struct ctl_list *paths);
int ctl_evidence_crl(struct ctl_evidence *v, const char *path);
int ctl_evidence_endorsement(struct ctl_evidence *v, const char *path);
/* A further root, one certificate in PEM or DER; its key's hash is left in root_sha256. */
int ctl_evidence_root(struct ctl_evidence *v, const char *path);
/* A certificate in PEM or DER, of TLS_CERT_MAX bytes at most: into der, and taken apart. */
int ctl_evidence_cert(const char *path, uint8_t der[TLS_CERT_MAX], struct x509_cert *c);
/* Any file, whole: 0 or SHOW_UNCHECKED. */
int ctl_evidence_file(const char *path, uint8_t *dst, size_t cap, size_t *n);
/* Base64 in either alphabet, padded or not, in one line or several, decoded into dst[cap]. Untrusted. */
bool ctl_evidence_base64(struct span text, uint8_t *dst, size_t cap, size_t *n);
/* A time: Unix seconds, "2026-11-21" or "2026-11-21T02:03:04Z". */
bool ctl_evidence_time(const char *text, int64_t *unix_s);

#endif
