/* Compact JSON Web Signatures (RFC 7515): RS256, RS384, PS256, PS384, ES256, ES384. Nothing else, never "none". */
#ifndef CRYPTO_JWS_H
#define CRYPTO_JWS_H

#include "crypto/jwk.h"

/* A compact JWS taken apart: views into the text; decoded header and payload in the caller's buffers. */
struct jws {
	struct span signing_input; /* header.payload as sent */
	struct span header, payload; /* decoded bytes, in the caller's memory */
	uint8_t sig[RSA_MAX];
	size_t sig_len;
};

/* Splits and decodes. header_buf/payload_buf receive the decoded JSON texts. Exactly three non-empty parts.
 * ERR_SYNTAX, ERR_TOO_BIG. Nothing is verified yet. Untrusted. */
MUST_USE enum err jws_decode(struct span text, uint8_t *header_buf, size_t header_cap, uint8_t *payload_buf,
                             size_t payload_cap, struct jws *j);
/* What the header asks for that is not supported: an algorithm, or a critical member. NULL when there is nothing. Static text. */
const char *jws_unsupported(struct json_val header);
/* Checks the signature with key under the header's "alg", which must suit the key's type and curve (an RSA key never
 * verifies an HMAC). A "crit" header member is refused. ERR_CRYPTO, ERR_SYNTAX. header: the parsed jws->header. */
MUST_USE enum err jws_verify(const struct jws *j, struct json_val header, const struct verify_key *key);

#endif
