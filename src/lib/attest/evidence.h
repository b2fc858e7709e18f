/* Evidence about this party for anyone who asks: report, certificates, endorsement, policy, bound to a nonce and to the TLS
 * key. What it says is snp/runtime.h; how it is verified is snp/proof.h. */
#ifndef ATTEST_EVIDENCE_H
#define ATTEST_EVIDENCE_H

#include "attest/attest.h"
#include "snp/proof.h"

/* Call once at start, with attest_init. */
void evidence_init(const uint8_t tls_spki_sha256[32]);

struct evidence_wish {
	struct span nonce; /* runtime_nonce_ok; empty: one is made, and proves no freshness */
	bool token;        /* a token of the attestation service too */
	const uint8_t *tls_spki_sha256; /* of another key than evidence_init's, or NULL */
};

/* Collects fresh evidence and appends a JSON object: {tee_type, report, certificates, endorsement, policy, runtime_data, nonce,
 * attestation_token, verification_endpoint, tls_spki_sha256, instructions}; binary values in base64, certificates in PEM,
 * null for what there is not. work: for the token. Serialises callers up to the deadline. ERR_NO_DEVICE outside a
 * confidential container; otherwise as attest_evidence and attest_token. */
MUST_USE enum err evidence_write(const struct attest_settings *s, const struct evidence_wish *wish, struct attest_result *work,
                                 struct out *o, int64_t deadline_ms, struct fault *f);
/* The same as a proof file (snp/proof.h). Without a nonce the last one is given again for five minutes, as long as it is
 * still true. What does not fit into 32 KiB is left out: first the token, then the policy's text. */
MUST_USE enum err evidence_proof(const struct attest_settings *s, const struct evidence_wish *wish, struct attest_result *work,
                                 struct out *o, int64_t deadline_ms, struct fault *f);

/* The same as an extension for a certificate of the key with this hash (snp/cert_evidence.h): a view into buf[cap]. The nonce is
 * made here. ERR_TOO_BIG when it does not fit. For one thread, which waits for nobody who asks. */
MUST_USE enum err evidence_extension(const struct attest_settings *s, const uint8_t tls_spki_sha256[32], uint8_t *buf, size_t cap,
                                     struct span *extension, int64_t deadline_ms, struct fault *f);
/* The last extension's platform certificates and key are still those in use; false when none was made. For the thread that
 * makes extensions. */
bool evidence_extension_true(void);

#endif
