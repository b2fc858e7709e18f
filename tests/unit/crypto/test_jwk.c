/* JSON Web Keys. */
#include "t.h"

#include "azure_key.h"
#include "crypto/jwk.h"
#include "text/base64.h"
#include "jws_vectors.h"
#include "wyche.h"

static uint8_t scratch[4096];

/* Reads a JWK text. */
static enum err read_text(const char *text, struct verify_key *k)
{
	struct json_tok toks[64];
	struct json doc;
	enum err err = json_parse(&doc, span_str(text), toks, 64);

	return err ? err : jwk_read_public(json_root(&doc), scratch, sizeof scratch, k);
}

/* The example of RFC 7638 section 3.1 */
#define RFC7638_N \
	"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj" \
	"hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ" \
	"vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK" \
	"nqDKgw"

static void thumbprint_of_rfc7638(void **state)
{
	char thumb[JWK_THUMBPRINT_LEN + 1];
	struct private_key whole = { .type = KEY_RSA };
	struct verify_key k;

	(void)state;
	assert_int_equal(read_text("{\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"AQAB\",\"alg\":\"RS256\",\"kid\":\"2011-04-29\"}",
				   &k), ERR_OK);
	memcpy(whole.rsa.n, k.rsa.n.p, whole.rsa.n_len = (uint16_t)k.rsa.n.n);
	memcpy(whole.rsa.e, k.rsa.e.p, whole.rsa.e_len = (uint16_t)k.rsa.e.n);
	jwk_thumbprint(&whole, thumb);
	assert_string_equal(thumb, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

/* The bytes that Azure hashes into the report, from the key of the vector. */
static void wrapping_set_is_exact(void **state)
{
	char thumb[JWK_THUMBPRINT_LEN + 1];
	uint8_t text[1024], *want;
	struct out o = out_init(text, sizeof text), small = out_init(text, 100);
	struct private_key k;
	size_t n;

	(void)state;
	if (!azure_test_key(&k))
		skip();
	want = vectors_read("azure/skr-sidecar/wrapping_key_jwks.json", &n);
	assert_non_null(want);
	jwk_write_wrapping_set(&o, &k);
	assert_false(o.bad);
	assert_int_equal(o.n, n);
	assert_memory_equal(text, want, n);
	jwk_thumbprint(&k, thumb);
	assert_string_equal(thumb, "Nvhfuq2cCIOAB8XR4Xi9Pr0NP_9CeMzWQGtW_HALz_w");
	jwk_write_wrapping_set(&small, &k);
	assert_true(small.bad);
	free(want);
}

static void write_bare(const struct private_key *k, char *dst, size_t cap)
{
	struct out o = out_init(dst, cap);
	struct jw w = jw_init(&o);

	jwk_write_public(&w, NULL, k);
	assert_true(*out_cstr(&o) != 0);
}

static void sha256_url(const char *text, char *dst)
{
	struct out o = out_init(dst, JWK_THUMBPRINT_LEN + 1);
	uint8_t digest[32];

	hash_sha256(span_str(text), digest);
	base64_encode(&o, B64_URL, span_of(digest, 32));
	out_cstr(&o);
}

/* The private halves of these keys must not show up; the text must be exactly the public members. */
/* What goes out on the sidecar port; tests/e2e/sidecar.test.js compares every kind with the vault's. */
static void whole_keys_as_the_sidecar_writes_them(void **state)
{
	struct private_key k = { .type = KEY_OCT, .oct = { 1, 2, 3 }, .oct_len = 3 };
	char text[64];
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);

	(void)state;
	jwk_write_private(&w, &k, span_of(NULL, 0));
	assert_string_equal(out_cstr(&o), "{\"k\":\"AQID\",\"kty\":\"oct\"}");
	o = out_init(text, sizeof text);
	w = jw_init(&o);
	jwk_write_private(&w, &k, SPAN_LIT("[\"sign\"]"));
	assert_string_equal(out_cstr(&o), "{\"k\":\"AQID\",\"key_ops\":[\"sign\"],\"kty\":\"oct\"}");
}

static void written_keys_hold_public_members_only(void **state)
{
	static struct private_key k;
	char text[2048], want[2048], thumb[JWK_THUMBPRINT_LEN + 1], x[100], y[100], hashed[512];
	struct out o;
	struct verify_key back;

	(void)state;
	memset(&k, 0, sizeof k);
	k.type = KEY_EC;
	assert_int_equal(ec_generate(&k.ec, EC_P521), ERR_OK);
	o = out_init(x, sizeof x);
	base64_encode(&o, B64_URL, span_of(k.ec.point + 1, 66));
	out_cstr(&o);
	o = out_init(y, sizeof y);
	base64_encode(&o, B64_URL, span_of(k.ec.point + 67, 66));
	out_cstr(&o);
	snprintf(hashed, sizeof hashed, "{\"crv\":\"P-521\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", x, y);
	sha256_url(hashed, thumb);
	write_bare(&k, text, sizeof text);
	snprintf(want, sizeof want, "{\"crv\":\"P-521\",\"kid\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}", thumb, x, y);
	assert_string_equal(text, want);

	assert_int_equal(ec_generate(&k.ec, EC_P256), ERR_OK);
	write_bare(&k, text, sizeof text);
	assert_int_equal(read_text(text, &back), ERR_OK);
	assert_int_equal(back.type, KEY_EC);
	assert_int_equal(back.curve, EC_P256);
	assert_true(span_eq(back.point, span_of(k.ec.point, 65)));

	k.type = KEY_OCT;
	k.oct_len = 32;
	memset(k.oct, 0x4b, sizeof k.oct);
	jwk_thumbprint(&k, thumb);
	write_bare(&k, text, sizeof text);
	snprintf(want, sizeof want, "{\"kid\":\"%s\",\"kty\":\"oct\"}", thumb);
	assert_string_equal(text, want);
	k.oct[31] ^= 1;
	jwk_thumbprint(&k, hashed);
	assert_string_not_equal(thumb, hashed);

	k.type = KEY_RSA;
	assert_int_equal(rsa_generate(&k.rsa, 2048), ERR_OK);
	write_bare(&k, text, sizeof text);
	assert_int_equal(strncmp(text, "{\"e\":\"AQAB\",\"kid\":\"", 19), 0);
	assert_int_equal(strlen(text), 19 + 43 + strlen("\",\"kty\":\"RSA\",\"n\":\"") + 342 + 2);
	assert_int_equal(read_text(text, &back), ERR_OK);
	assert_true(span_eq(back.rsa.n, rsa_public(&k.rsa).n));
	assert_true(span_eq(back.rsa.e, rsa_public(&k.rsa).e));
}

static void keys_of_node_are_read(void **state)
{
	struct verify_key k;

	(void)state;
	assert_int_equal(read_text(rsa_jwk, &k), ERR_OK);
	assert_int_equal(k.type, KEY_RSA);
	assert_int_equal(rsa_bits(k.rsa.n), 2048);
	assert_int_equal(read_text(p256_jwk, &k), ERR_OK);
	assert_int_equal(k.type, KEY_EC);
	assert_int_equal(k.point.n, 65);
	assert_int_equal(read_text(p384_jwk, &k), ERR_OK);
	assert_int_equal(k.curve, EC_P384);
	assert_int_equal(k.point.n, 97);
}

static void unusual_keys_are_refused(void **state)
{
	static const struct {
		const char *text;
		enum err want;
	} bad[] = {
		{ "{}", ERR_NOT_FOUND },
		{ "[]", ERR_NOT_FOUND },
		{ "{\"kty\":\"oct\",\"k\":\"AAAA\"}", ERR_RANGE },
		{ "{\"kty\":\"rsa\",\"n\":\"AQAB\",\"e\":\"AQAB\"}", ERR_RANGE },
		{ "{\"kty\":\"RSA\"}", ERR_NOT_FOUND },
		{ "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\"}", ERR_NOT_FOUND },
		{ "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"AAEAAQ\"}", ERR_SYNTAX }, /* leading zero byte */
		{ "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N "\",\"e\":\"\"}", ERR_SYNTAX },
		{ "{\"kty\":\"RSA\",\"n\":\"" RFC7638_N "==\",\"e\":\"AQAB\"}", ERR_SYNTAX }, /* padded */
		{ "{\"kty\":\"RSA\",\"n\":\"AP-A\",\"e\":\"AQAB\"}", ERR_SYNTAX },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\",\"y\":\"AQAB\"}", ERR_SYNTAX },
		{ "{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"AQAB\",\"y\":\"AQAB\"}", ERR_RANGE },
		{ "{\"kty\":\"EC\",\"x\":\"AQAB\",\"y\":\"AQAB\"}", ERR_RANGE },
		{ "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AQAB\"}", ERR_NOT_FOUND },
		{ "{\"kty\":\"RSA\",\"x5c\":[]}", ERR_NOT_FOUND },
		{ "{\"kty\":\"RSA\",\"x5c\":\"AAAA\"}", ERR_NOT_FOUND },
		{ "{\"kty\":\"RSA\",\"x5c\":[\"AAAA\"]}", ERR_SYNTAX },
	};
	struct verify_key k;
	struct json_tok toks[16];
	struct json doc;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		if (read_text(bad[i].text, &k) != bad[i].want)
			print_message("%s\n", bad[i].text);
		assert_int_equal(read_text(bad[i].text, &k), bad[i].want);
	}
	assert_int_equal(json_parse(&doc, span_str(rsa_jwk), toks, 16), ERR_OK);
	assert_int_equal(jwk_read_public(json_root(&doc), scratch, 200, &k), ERR_TOO_BIG);
	assert_int_equal(json_parse(&doc, span_str(p256_jwk), toks, 16), ERR_OK);
	for (size_t cap = 0; cap < 65; cap++)
		assert_int_equal(jwk_read_public(json_root(&doc), scratch, cap, &k), ERR_TOO_BIG);
	assert_int_equal(jwk_read_public(json_root(&doc), scratch, 65, &k), ERR_OK);
}

/* Attestation services publish certificates only: the key comes from the first one. */
static void key_from_certificate(void **state)
{
	static char text[8192];
	struct out o = out_init(text, sizeof text), again;
	struct verify_key k;
	uint8_t *cert;
	size_t n;

	(void)state;
	cert = vectors_read("azure/go-sev-guest/vcek.testcer", &n); /* P-384, DER */
	if (!cert)
		skip();
	out_str(&o, "{\"kty\":\"EC\",\"x5c\":[\"");
	base64_encode(&o, B64_STD, span_of(cert, n));
	out_str(&o, "\"]}");
	assert_int_equal(read_text(out_cstr(&o), &k), ERR_OK);
	assert_int_equal(k.type, KEY_EC);
	assert_int_equal(k.curve, EC_P384);
	assert_int_equal(k.point.n, 97);
	/* the announced type must be the certificate's */
	again = out_init(text, sizeof text);
	out_str(&again, "{\"kty\":\"RSA\",\"x5c\":[\"");
	base64_encode(&again, B64_STD, span_of(cert, n));
	out_str(&again, "\"]}");
	assert_int_equal(read_text(out_cstr(&again), &k), ERR_SYNTAX);
	free(cert);
}

UNIT(jwk)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thumbprint_of_rfc7638),
		cmocka_unit_test(wrapping_set_is_exact),
		cmocka_unit_test(written_keys_hold_public_members_only), cmocka_unit_test(whole_keys_as_the_sidecar_writes_them),
		cmocka_unit_test(keys_of_node_are_read),
		cmocka_unit_test(unusual_keys_are_refused),
		cmocka_unit_test(key_from_certificate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
