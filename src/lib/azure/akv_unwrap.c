/* Unwrapping of a released key: RSA-OAEP, then AES-KWP, then the key's own form. */
#include "azure/akv.h"

#include <string.h>

#include "base/ct.h"
#include "crypto/kwp.h"

struct wrapping {
	const char *enc;
	enum hash_alg hash; /* of OAEP and of its MGF1 */
};
/* azure-protocols.md 4.5. CKM is SHA-1 there, confirmed by a stored ciphertext of the real service. */
static const struct wrapping wrappings[] = {
	{ "RSA_AES_KEY_WRAP_256", HASH_SHA256 },
	{ "RSA_AES_KEY_WRAP_384", HASH_SHA384 },
	{ "CKM_RSA_AES_KEY_WRAP", HASH_SHA1 },
};

static const struct wrapping *find_wrapping(const char *enc)
{
	for (size_t i = 0; i < sizeof wrappings / sizeof wrappings[0]; i++)
		if (strcmp(wrappings[i].enc, enc) == 0)
			return &wrappings[i];
	return NULL;
}

static enum key_type type_of(const char *kty)
{
	static const struct { const char *kty; enum key_type type; } types[] = {
		{ "RSA", KEY_RSA }, { "RSA-HSM", KEY_RSA }, { "EC", KEY_EC }, { "EC-HSM", KEY_EC },
		{ "oct", KEY_OCT }, { "oct-HSM", KEY_OCT },
	};

	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].kty, kty) == 0)
			return types[i].type;
	return KEY_NONE;
}

static enum err take_key(enum key_type want, struct span plain, struct private_key *k)
{
	enum err err;

	if (want == KEY_OCT) {
		if (plain.n == 0 || plain.n > OCT_KEY_MAX)
			return ERR_RANGE;
		k->type = KEY_OCT;
		memcpy(k->oct, plain.p, plain.n);
		k->oct_len = plain.n;
		return ERR_OK;
	}
	err = pkcs8_parse(plain, k);
	if (!err && k->type != want)
		err = ERR_MISMATCH;
	return err;
}

enum err akv_unwrap(struct akv_stage *stage, const char *enc, struct span ciphertext, const char *kty)
{
	const struct wrapping *form = find_wrapping(enc);
	enum key_type want = type_of(kty);
	size_t first = stage->wrap.rsa.n_len, kek_len = 0, plain_len = 0;
	enum err err;

	memset(&stage->key, 0, sizeof stage->key);
	if (!form || want == KEY_NONE || ciphertext.n <= first)
		return ERR_RANGE;
	err = rsa_oaep_decrypt(&stage->wrap.rsa, form->hash, span_sub(ciphertext, 0, first), stage->kek, sizeof stage->kek, &kek_len);
	/* The key-wrapping key is AES-256 in all of these forms; a shorter one would be a downgrade. */
	if (!err && kek_len != 32)
		err = ERR_CRYPTO;
	if (!err)
		err = kwp_unwrap(span_of(stage->kek, kek_len), span_sub(ciphertext, first, ciphertext.n), stage->plain, sizeof stage->plain,
		                 &plain_len);
	if (!err)
		err = take_key(want, span_of(stage->plain, plain_len), &stage->key);
	if (err)
		pkcs8_wipe(&stage->key);
	WIPE(stage->kek);
	WIPE(stage->plain);
	return err;
}
