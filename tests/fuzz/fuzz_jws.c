/* Tokens: taken apart and put together they are the same text; signatures hold only over the recorded genuine tokens. */
#include "fuzz.h"

#include "crypto/jws.h"
#include "text/base64.h"

#define TOKS 256

static struct verify_key keys[2];
static uint8_t key_bytes[2][1024];
/* What data/rsa.jwk and data/ec.jwk have signed: headers with these algorithms, and this payload. */
static const char *const algs[] = { "RS256", "PS256", "ES256" };
#define PAYLOAD "{\"iss\":\"https://a\",\"nonce\":\"n\",\"n\":1}"

void fuzz_setup(void)
{
	static const char *const files[] = { "tests/fuzz/data/rsa.jwk", "tests/fuzz/data/ec.jwk" };
	static struct json_tok toks[TOKS];

	for (size_t i = 0; i < 2; i++) {
		struct json doc;
		size_t n;
		uint8_t *text = fuzz_file(files[i], &n);

		HOLD(json_parse(&doc, span_of(text, n), toks, TOKS) == ERR_OK);
		HOLD(jwk_read_public(json_root(&doc), key_bytes[i], sizeof key_bytes[i], &keys[i]) == ERR_OK);
	}
}

static bool is_genuine(const struct jws *j)
{
	char header[64];

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++) {
		snprintf(header, sizeof header, "{\"alg\":\"%s\",\"typ\":\"JWT\",\"kid\":\"k\"}", algs[i]);
		if (span_eq_str(j->header, header))
			return span_eq_str(j->payload, PAYLOAD);
	}
	return false;
}

void fuzz_one(struct span in)
{
	static uint8_t header[4096], payload[65536], text[100000];
	static struct json_tok toks[TOKS];
	struct out o = out_init(text, sizeof text);
	uint8_t *exact = fuzz_exact(in);
	struct span s = span_of(exact, in.n);
	struct json doc;
	struct jws j;
	enum err e = jws_decode(s, header, sizeof header, payload, sizeof payload, &j);

	HOLD(e == ERR_OK || e == ERR_SYNTAX || e == ERR_TOO_BIG);
	if (e == ERR_OK) {
		HOLD(fuzz_inside(j.signing_input, s) && j.sig_len > 0 && j.sig_len <= RSA_MAX && j.header.n && j.payload.n);
		base64_encode(&o, B64_URL, j.header);
		out_byte(&o, '.');
		base64_encode(&o, B64_URL, j.payload);
		HOLD(!o.bad && span_eq(out_span(&o), j.signing_input));
		out_byte(&o, '.');
		base64_encode(&o, B64_URL, span_of(j.sig, j.sig_len));
		HOLD(!o.bad && span_eq(out_span(&o), s));
		if (json_parse(&doc, j.header, toks, TOKS) == ERR_OK)
			for (size_t i = 0; i < 2; i++)
				if (jws_verify(&j, json_root(&doc), &keys[i]) == ERR_OK)
					HOLD(is_genuine(&j));
	}
	free(exact);
}
