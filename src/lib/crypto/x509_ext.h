/* X.509 certificates: what chains of fixed shape (AMD's, Microsoft's endorsements) ask of names and extensions.
 * RFC 5280 section 4.2. Nothing here verifies a signature. */
#ifndef CRYPTO_X509_EXT_H
#define CRYPTO_X509_EXT_H

#include "crypto/x509.h"

/* basicConstraints with cA TRUE, and keyUsage, where there is one, with keyCertSign. Path
 * lengths are not looked at: chains of fixed shape need none. */
bool x509_ext_is_authority(const struct x509_cert *c);
/* extendedKeyUsage names this purpose (OID content octets). */
bool x509_ext_has_eku(const struct x509_cert *c, struct span oid);
/* No extendedKeyUsage, or one with this purpose or any (RFC 5280 section 4.2.1.12). Above a leaf it
 * limits what is below. */
bool x509_ext_serves(const struct x509_cert *c, struct span oid);
/* keyUsage, where there is one, has digitalSignature: what the key signs in a TLS handshake
 * counts. */
bool x509_ext_may_sign(const struct x509_cert *c);
/* An authority's path length constraint, if any, allows so many intermediate certificates below
 * it. */
bool x509_ext_path_length(const struct x509_cert *c, size_t below);
/* No critical extension but id-ce (2.5.29) ones whose last arc is among the bytes of arcs. */
bool x509_ext_critical_among(const struct x509_cert *c, struct span arcs);
/* No critical extension but basicConstraints, keyUsage and extendedKeyUsage. */
bool x509_ext_critical_known(const struct x509_cert *c);
/* Contents of the one commonName in a Name element (as subject and issuer are), empty when there is none or several. */
struct span x509_ext_common_name(struct span name);

#endif
