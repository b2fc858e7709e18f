// Root certificates that answers of Azure's services may chain to, as data.
//
// Public, trusted: chosen by the SHA-256 of the whole certificate (scripts/make-anchors), taken unchanged from Debian's
// ca-certificates, or, cross-signed by one of those, from scripts/anchors. They are whole X.509 certificates in DER; dates
// and signature are not looked at, a root is trusted for its name and public key. They are among the roots of Microsoft's "Azure Certificate Authority details" list.
#ifndef CRYPTO_ANCHORS_DATA_H
#define CRYPTO_ANCHORS_DATA_H

#include <stddef.h>
#include <stdint.h>

struct anchor_data {
    const char *name;   // subject's common name, for messages only
    const uint8_t *der; // the certificate
    size_t der_len;     // its length in bytes
};

// All anchors, in the order of the pinned list, and their number.
extern const struct anchor_data anchors_data[];
extern const size_t anchors_data_n;

#endif
