/* Released keys: either a key that works, or an empty structure. */
#include "fuzz.h"

#include "crypto/pkcs8.h"

void fuzz_one(struct span in)
{
	static struct private_key k;
	static uint8_t sealed[RSA_MAX], opened[RSA_MAX];
	uint8_t *exact = fuzz_exact(in);
	struct rsa_pub pub;
	size_t n, m;
	enum err e;

	memset(&k, 0xa5, sizeof k);
	e = pkcs8_parse(span_of(exact, in.n), &k);
	if (e != ERR_OK) {
		HOLD(e == ERR_SYNTAX || e == ERR_RANGE || e == ERR_CRYPTO);
		HOLD(fuzz_zero(&k, sizeof k));
	} else if (k.type == KEY_RSA) {
		HOLD(k.rsa.n_bits >= 2048 && k.rsa.n_bits <= 4096);
		pub = rsa_public(&k.rsa);
		HOLD(rsa_oaep_encrypt(&pub, HASH_SHA256, SPAN_LIT("key"), sealed, sizeof sealed, &n) == ERR_OK);
		HOLD(rsa_oaep_decrypt(&k.rsa, HASH_SHA256, span_of(sealed, n), opened, sizeof opened, &m) == ERR_OK);
		HOLD(span_eq_str(span_of(opened, m), "key"));
	} else {
		struct ec_key other;

		HOLD(k.type == KEY_EC);
		HOLD(ec_from_scalar(&other, k.ec.curve, span_of(k.ec.d, ec_field_len(k.ec.curve))) == ERR_OK);
		HOLD(fuzz_same(other.point, k.ec.point, 1 + 2 * ec_field_len(k.ec.curve)));
	}
	free(exact);
}
