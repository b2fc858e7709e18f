/* AMD's root keys (ARK) for SEV-SNP: who may certify what signs reports.
 * Source: AMD Key Distribution Service, /vcek/v1/{Milan,Genoa,Turin}/cert_chain; azure-protocols.md section 2.1. */
#ifndef SNP_AMD_ROOTS_H
#define SNP_AMD_ROOTS_H

#include "snp/report.h"

/* Product family whose ARK has a SubjectPublicKeyInfo (whole DER element) with this SHA-256; SNP_PRODUCT_UNKNOWN when it
 * is none of AMD's. */
enum snp_product amd_roots_find(const uint8_t spki_sha256[32]);

#endif
