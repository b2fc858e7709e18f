/* Microsoft's endorsement of a utility VM: this launch measurement, under this security version.
 * Source: azure-protocols.md section 2.7; confidential-aci-examples, docs/Confidential_ACI_SCHEME.md. */
#ifndef SNP_UVM_H
#define SNP_UVM_H

#include "text/json_read.h"
#include "snp/checks.h"

/* Who endorses Azure's confidential containers. */
#define UVM_ISSUER "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2"
#define UVM_FEED "ContainerPlat-AMD-UVM"

/* Verifies a COSE_Sign1 endorsement for a launch measurement: PS384 by the first certificate of its chain; the chain
 * leads by signatures to a self-signed root, and is NOT judged against the clock (the signing certificate lives for
 * months, endorsements for years); key usage, path lengths and the authorities' extended key usage allow it, and no
 * certificate has name constraints; issuer (NULL: Microsoft's) equals the message's, names that root and a purpose of
 * that leaf; feed (NULL: Azure's) equal; measurement equal. *svn: the endorsed security version number, the smaller one
 * where the payload gives two. Goes to checks ("uvm.*"); false when anything failed, *svn is then not set.
 *
 * Two forms, by the protected headers. The first has the labels "iss" and "feed" and a payload of JSON. The hash envelope
 * has CWT claims (15: issuer, subject as the feed, issued at, "svn"), the payload's hash algorithm (258: SHA-384) and no
 * content type; the measurement is the payload, and every certificate was valid at "issued at" (check "uvm.issued"). */
bool uvm_verify(struct span cose, const char *issuer, const char *feed, const uint8_t measurement[48], uint64_t *svn,
                struct checks *checks);

/* The security version number of the first form's payload: "x-ms-sevsnpvm-guestsvn" (decimal text or number) and, since
 * October 2025, "-int" (number): the smaller one. ERR_NOT_FOUND, ERR_SYNTAX, ERR_RANGE. */
MUST_USE enum err uvm_read_svn(struct json_val payload, uint64_t *svn);

#endif
