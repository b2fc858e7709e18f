/* Keys of services: what is read is inside the scratch memory and not longer than any key may be. */
#include "fuzz.h"

#include "crypto/jwk.h"

#define TOKS 256

void fuzz_one(struct span in)
{
	static struct json_tok toks[TOKS];
	struct fuzz_dice d = fuzz_dice(in);
	uint8_t *exact = fuzz_exact(in);
	struct verify_key k;
	struct json doc;

	if (json_parse(&doc, span_of(exact, in.n), toks, TOKS) == ERR_OK) {
		size_t cap = fuzz_roll(&d, 4) ? 8192 : fuzz_roll(&d, 600);
		uint8_t *scratch = malloc(cap ? cap : 1);
		enum err e = jwk_read_public(json_root(&doc), scratch, cap, &k);
		struct span room = span_of(scratch, cap);

		HOLD(e == ERR_OK || e == ERR_SYNTAX || e == ERR_TOO_BIG || e == ERR_NOT_FOUND || e == ERR_RANGE);
		if (e == ERR_OK && k.type == KEY_RSA) {
			uint8_t digest[32] = { 1 }, sig[RSA_MAX] = { 2 };
			char id[JWK_THUMBPRINT_LEN + 1];

			HOLD(fuzz_inside(k.rsa.n, room) && fuzz_inside(k.rsa.e, room) && k.rsa.n.n && k.rsa.e.n);
			HOLD(k.rsa.n.p[0] && k.rsa.e.p[0]);
			if (k.rsa.n.n <= RSA_MAX)
				HOLD(rsa_verify_pkcs1(&k.rsa, HASH_SHA256, digest, span_of(sig, k.rsa.n.n)) != ERR_OK);
			if (k.rsa.n.n <= RSA_MAX && k.rsa.e.n <= RSA_EXPONENT_MAX) { /* its own demand */
				static struct private_key whole;

				whole.type = KEY_RSA;
				memcpy(whole.rsa.n, k.rsa.n.p, k.rsa.n.n);
				memcpy(whole.rsa.e, k.rsa.e.p, k.rsa.e.n);
				whole.rsa.n_len = (uint16_t)k.rsa.n.n;
				whole.rsa.e_len = (uint16_t)k.rsa.e.n;
				jwk_thumbprint(&whole, id);
				HOLD(strlen(id) == JWK_THUMBPRINT_LEN);
			}
		} else if (e == ERR_OK) {
			uint8_t digest[32] = { 1 }, sig[132] = { 0 };

			HOLD(k.type == KEY_EC && k.curve != EC_P521 && fuzz_inside(k.point, room) && k.point.n == 1 + 2 * ec_field_len(k.curve));
			HOLD(ec_verify_raw(k.curve, k.point, span_of(digest, 32), span_of(sig, 2 * ec_field_len(k.curve))) != ERR_OK);
		}
		free(scratch);
	}
	free(exact);
}
