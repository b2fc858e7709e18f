/* X.509 certificates: one certificate's signature under another's key. */
#include "crypto/x509.h"

/* Whole AlgorithmIdentifier elements. Comparing them byte by byte leaves no parameter to interpret: whatever is not
 * in this table is refused. */
static const uint8_t alg_rsa_sha256[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b,
                                          0x05, 0x00 }; /* RFC 4055 section 5 */
static const uint8_t alg_rsa_sha384[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c,
                                          0x05, 0x00 };
static const uint8_t alg_rsa_sha512[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d,
                                          0x05, 0x00 };
static const uint8_t alg_ec_sha256[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
static const uint8_t alg_ec_sha384[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };

/* id-RSASSA-PSS with SHA-384, MGF1 of SHA-384, salt 48 (RFC 4055 section 3.1; AMD 57230 chapter 3), first with the
 * trailer field written out (older AMD certificates), then left to its default (VCEKs issued from 2025 on). */
#define PSS_COMMON                                                                                              \
	0xa0, 0x0f, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, \
	0xa1, 0x1c, 0x30, 0x1a, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08,             \
	0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,             \
	0xa2, 0x03, 0x02, 0x01, 0x30
static const uint8_t alg_pss_trailer[] = { 0x30, 0x46, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
                                           0x30, 0x39, PSS_COMMON, 0xa3, 0x03, 0x02, 0x01, 0x01 };
static const uint8_t alg_pss_default[] = { 0x30, 0x41, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a,
                                           0x30, 0x34, PSS_COMMON };

enum scheme { SCHEME_PKCS1, SCHEME_PSS, SCHEME_ECDSA };

static const struct algorithm {
	const uint8_t *der;
	size_t der_len;
	enum scheme scheme;
	enum hash_alg hash;
} algorithms[] = {
	{ alg_rsa_sha256, sizeof alg_rsa_sha256, SCHEME_PKCS1, HASH_SHA256 },
	{ alg_rsa_sha384, sizeof alg_rsa_sha384, SCHEME_PKCS1, HASH_SHA384 },
	{ alg_rsa_sha512, sizeof alg_rsa_sha512, SCHEME_PKCS1, HASH_SHA512 },
	{ alg_ec_sha256, sizeof alg_ec_sha256, SCHEME_ECDSA, HASH_SHA256 },
	{ alg_ec_sha384, sizeof alg_ec_sha384, SCHEME_ECDSA, HASH_SHA384 },
	{ alg_pss_trailer, sizeof alg_pss_trailer, SCHEME_PSS, HASH_SHA384 },
	{ alg_pss_default, sizeof alg_pss_default, SCHEME_PSS, HASH_SHA384 },
};

static const struct algorithm *find_algorithm(struct span alg)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
		if (span_eq(alg, span_of(algorithms[i].der, algorithms[i].der_len)))
			return &algorithms[i];
	return NULL;
}

bool x509_sig_is_web(const struct x509_cert *c)
{
	const struct algorithm *a = find_algorithm(c->sig_alg);

	return a && a->scheme != SCHEME_PSS;
}

bool x509_signature_known(const struct x509_cert *c)
{
	return find_algorithm(c->sig_alg) != NULL;
}

enum err x509_signed_by(const struct x509_cert *c, const struct x509_cert *issuer)
{
	const struct algorithm *a = find_algorithm(c->sig_alg);
	const struct verify_key *key = &issuer->key;
	uint8_t digest[64];

	if (!span_eq(c->issuer, issuer->subject))
		return ERR_UNTRUSTED;
	if (!a || key->type != (a->scheme == SCHEME_ECDSA ? KEY_EC : KEY_RSA))
		return ERR_CRYPTO;
	hash_digest(a->hash, c->tbs, digest);
	if (a->scheme == SCHEME_PKCS1)
		return rsa_verify_pkcs1(&key->rsa, a->hash, digest, c->sig);
	if (a->scheme == SCHEME_PSS)
		return rsa_verify_pss(&key->rsa, a->hash, digest, hash_len(a->hash), c->sig);
	return ec_verify_der(key->curve, key->point, span_of(digest, hash_len(a->hash)), c->sig);
}
