/* X.509 certificates: what chains of fixed shape (AMD's, Microsoft's endorsements) ask of names and extensions.
 * RFC 5280 section 4.2. Nothing here verifies a signature. */
#ifndef CRYPTO_X509_EXT_H
#define CRYPTO_X509_EXT_H

#include "crypto/x509.h"

/* basicConstraints with cA TRUE, and keyUsage, where there is one, with keyCertSign. Path lengths are not looked at: the
 * caller fixes the chain's length. */
bool x509_ext_is_authority(const struct x509_cert *c);
/* extendedKeyUsage names this purpose (OID content octets). */
bool x509_ext_has_eku(const struct x509_cert *c, struct span oid);
/* No critical extension but basicConstraints, keyUsage and extendedKeyUsage. */
bool x509_ext_critical_known(const struct x509_cert *c);
/* Contents of the one commonName in a Name element (as subject and issuer are), empty when there is none or several. */
struct span x509_ext_common_name(struct span name);

#endif
