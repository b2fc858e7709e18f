/* The evidence inside a TLS certificate, as an X.509 extension.
 *
 * Format: the extension id-pe-cmw (1.3.6.1.5.5.7.1.35, not critical) of the IETF's RATS Conceptual Messages Wrapper
 * (draft-ietf-rats-msg-wrap, section "Transporting CMW in PKIX Formats"), which wraps any kind of evidence with its media
 * type, so that readers who know nothing of this program find the parts. Of its two forms the binary one, an OCTET STRING
 * with CBOR in it: a Collection, that is a map of labels to Records [media type, bytes, indicator], here
 *   1  application/vnd.amd.sev-snp.attestation-report   4 evidence      the report
 *   2  application/pkix-cert                            2 endorsements  VCEK or VLEK
 *   3  application/pkix-cert                            2               ASK or ASVK
 *   4  application/pkix-cert                            2               ARK
 *   5  application/json                                 4               what REPORT_DATA is the hash of (snp/runtime.h)
 *   6  application/cose; cose-type="cose-sign1"         2               the utility VM's endorsement (optional)
 * in this order, in deterministic encoding, nothing else.
 *
 * The runtime data hold the hash of the certificate's own public key: the report speaks of this key and of no other. They
 * hold a nonce too, but of the certificate's maker: the evidence says which code has the key, not when that was so. */
#ifndef SNP_CERT_EVIDENCE_H
#define SNP_CERT_EVIDENCE_H

#include "snp/proof.h"

/* Writes the whole DER Extension: *extension is a view into buf[cap]. Of *p it takes report, chain, runtime data and
 * endorsement (may be empty). ERR_TOO_BIG; ERR_SYNTAX: the chain is not three DER elements. */
MUST_USE enum err cert_evidence_write(uint8_t *buf, size_t cap, const struct proof *p, struct span *extension);

/* Reads the evidence of a certificate into *p, to be judged by proof_genuine: views into the certificate, but the chain into
 * store, and tls_spki_sha256 the hash of the certificate's own key. The certificate's signature and dates are not looked at:
 * over TLS the handshake shows who has the key. *problem: static text. ERR_NOT_FOUND: there is none (or two of them),
 * ERR_SYNTAX: another form than the above. Untrusted. */
MUST_USE enum err cert_evidence_read(const struct x509_cert *c, uint8_t store[CHAIN_DER_MAX], struct proof *p,
                                     const char **problem);

#endif
