/* Private keys as Key Vault releases them: PKCS#8 (RFC 5958) RSA and EC, or raw octets. */
#ifndef CRYPTO_PKCS8_H
#define CRYPTO_PKCS8_H

#include "base/err.h"
#include "crypto/ec.h"
#include "crypto/rsa.h"

enum key_type { KEY_NONE = 0, KEY_RSA, KEY_EC, KEY_OCT };

#define OCT_KEY_MAX 64 /* Key Vault's own limit for oct keys */

/* The kind of key by the OID of its AlgorithmIdentifier (content octets): KEY_RSA, KEY_EC, else KEY_NONE. */
enum key_type pkcs8_key_type(struct span oid);

/* Any released key. Holds a secret: lives in the key area, wiped with pkcs8_wipe. */
struct private_key {
	enum key_type type;
	struct rsa_key rsa;
	struct ec_key ec;
	uint8_t oct[OCT_KEY_MAX];
	size_t oct_len;
};

/* Parses PrivateKeyInfo strictly (trailing bytes, wrong parameters, inconsistent key: refused) and checks the key
 * works (rsa_check; EC public point recomputed and compared when given). RSA of 2048 to 4096 bits with two primes; EC on
 * P-256, P-384, P-521. Attributes are skipped. The RSA private exponent d is kept but not checked: the
 * CRT form is what is used. Untrusted until then. ERR_SYNTAX, ERR_RANGE (kind of key not offered), ERR_CRYPTO. On error *k is wiped.
 * Not constant time in the structure; the key's numbers are only copied. */
MUST_USE enum err pkcs8_parse(struct span der, struct private_key *k);
void pkcs8_wipe(struct private_key *k);

#endif
