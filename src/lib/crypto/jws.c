/* Compact JSON Web Signatures. */
#include "crypto/jws.h"

#include "text/base64.h"

/* All that is accepted (RFC 7518 section 3.1). What is not here, HS256 and "none" first of all, is refused. */
static const struct {
	const char *name;
	enum key_type type;
	enum ec_curve curve; /* of KEY_EC: RFC 7518 section 3.4 binds hash and curve */
	enum hash_alg hash;
	bool pss;
} algorithms[] = {
	{ "RS256", KEY_RSA, 0, HASH_SHA256, false },
	{ "RS384", KEY_RSA, 0, HASH_SHA384, false },
	{ "PS256", KEY_RSA, 0, HASH_SHA256, true },
	{ "PS384", KEY_RSA, 0, HASH_SHA384, true },
	{ "ES256", KEY_EC, EC_P256, HASH_SHA256, false },
	{ "ES384", KEY_EC, EC_P384, HASH_SHA384, false },
};

#define KNOWN "RS256, RS384, PS256, PS384, ES256, ES384"
enum { ALGORITHMS = sizeof algorithms / sizeof algorithms[0] };

static size_t find_algorithm(struct json_val header)
{
	struct json_val alg = json_get(header, "alg");
	size_t i = 0;

	while (i < ALGORITHMS && !json_is(alg, algorithms[i].name))
		i++;
	return i;
}

const char *jws_unsupported(struct json_val header)
{
	if (find_algorithm(header) == ALGORITHMS)
		return "the signature algorithm is not supported (known: " KNOWN ")";
	/* RFC 7515 section 4.1.11: extensions marked critical must be understood; none is. */
	if (json_present(json_get(header, "crit")))
		return "the header has critical members (crit), which are not supported (known: none)";
	return NULL;
}

/* One part: not empty, base64url without padding, canonical (RFC 7515 section 2). */
static enum err decode_part(struct span text, uint8_t *dst, size_t cap, size_t *n)
{
	if (text.n == 0 || span_find(text, '=') != text.n)
		return ERR_SYNTAX;
	return base64_decode(B64_URL, text, dst, cap, n);
}

enum err jws_decode(struct span text, uint8_t *header_buf, size_t header_cap, uint8_t *payload_buf, size_t payload_cap,
                    struct jws *j)
{
	struct span rest = text, header = span_cut(&rest, '.'), payload = span_cut(&rest, '.');
	size_t header_len, payload_len;

	TRY(decode_part(header, header_buf, header_cap, &header_len));
	TRY(decode_part(payload, payload_buf, payload_cap, &payload_len));
	/* The signature is all that is left: a further dot is no base64url. */
	TRY(decode_part(rest, j->sig, sizeof j->sig, &j->sig_len));
	j->signing_input = span_sub(text, 0, header.n + 1 + payload.n);
	j->header = span_of(header_buf, header_len);
	j->payload = span_of(payload_buf, payload_len);
	return ERR_OK;
}

enum err jws_verify(const struct jws *j, struct json_val header, const struct verify_key *key)
{
	struct span sig = span_of(j->sig, j->sig_len);
	size_t i = find_algorithm(header);
	uint8_t digest[64];

	if (json_type_of(json_get(header, "alg")) != JSON_STRING || json_present(json_get(header, "crit")))
		return ERR_SYNTAX;
	if (i == ALGORITHMS || algorithms[i].type != key->type)
		return ERR_CRYPTO;
	hash_digest(algorithms[i].hash, j->signing_input, digest);
	if (key->type == KEY_EC) {
		if (algorithms[i].curve != key->curve)
			return ERR_CRYPTO;
		return ec_verify_raw(key->curve, key->point, span_of(digest, hash_len(algorithms[i].hash)), sig);
	}
	if (algorithms[i].pss) /* RFC 7518 section 3.5: the salt is as long as the digest */
		return rsa_verify_pss(&key->rsa, algorithms[i].hash, digest, hash_len(algorithms[i].hash), sig);
	return rsa_verify_pkcs1(&key->rsa, algorithms[i].hash, digest, sig);
}
