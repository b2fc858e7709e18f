/* Comparison, base64, hexadecimal, hashes and MACs over keys. */
#include "crypto/hash.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/json_write.h"
#include "text/pem.h"
#include "secret.h"

static uint8_t key[100], text[512], back[512];

static void fill(void)
{
	for (size_t i = 0; i < sizeof key; i++)
		key[i] = (uint8_t)(i * 7 + 3);
	SECRET(key, sizeof key);
}

static void compare(void)
{
	uint8_t a[32] = { 1 }, b[32] = { 1 };

	SECRET(a, sizeof a);
	EXPECT(ct_equal(a, b, sizeof a));
	b[31] = 1;
	EXPECT(!ct_equal(a, b, sizeof a));
	SECRET(b, sizeof b);
	EXPECT(!ct_equal(b, a, sizeof a));
	uint32_t mask = ct_mask(a[0]);
	PUBLIC(&mask, sizeof mask);
	EXPECT(mask == ~0u);
}

static void base64(void)
{
	for (int form = B64_STD; form <= B64_URL_PAD; form++)
		for (size_t len = 31; len < 35; len++) { /* every kind of end */
			struct out o = out_init(text, sizeof text);
			size_t n;

			base64_encode(&o, (enum b64_form)form, span_of(key, len));
			EXPECT(!o.bad);
			/* Whether the last two characters are '=' is looked at, and says the length, which is public. */
			PUBLIC(text + o.n - 2, 2);
			EXPECT(verdict(base64_decode((enum b64_form)form, out_span(&o), back, sizeof back, &n)) == ERR_OK);
			EXPECT(n == len && ct_equal(back, key, len));
			text[5] = '!';
			SECRET(text + 5, 1);
			EXPECT(verdict(base64_decode((enum b64_form)form, out_span(&o), back, sizeof back, &n)) == ERR_SYNTAX);
		}
}

static void hex(void)
{
	struct out o = out_init(text, sizeof text);

	out_hex(&o, key, 32);
	EXPECT(o.n == 64 && verdict(hex_decode(out_span(&o), back, 32)) == ERR_OK && ct_equal(back, key, 32));
	text[9] = 'g';
	SECRET(text + 9, 1);
	EXPECT(verdict(hex_decode(out_span(&o), back, 32)) == ERR_SYNTAX);
}

/* Into and out of the forms that carry keys. */
static void carriers(void)
{
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);
	struct span s;
	size_t n;

	jw_b64(&w, NULL, span_of(key, 48), B64_URL);
	jw_hex(&w, NULL, span_of(key, 48));
	EXPECT(!o.bad);
	o = out_init(text, sizeof text);
	pem_write(&o, "PRIVATE KEY", span_of(key, 96));
	PUBLIC(text, o.n); /* where lines end in a PEM text is looked for, byte by byte */
	s = out_span(&o);
	EXPECT(pem_next(&s, "PRIVATE KEY", back, sizeof back, &n) == ERR_OK && n == 96);
}

static void hashes(void)
{
	static const enum hash_alg algs[] = { HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512 };
	uint8_t digest[64];
	struct sha256 running;

	for (size_t i = 0; i < sizeof algs / sizeof algs[0]; i++)
		hash_digest(algs[i], span_of(key, 77), digest);
	hash_hmac_sha256(span_of(key, 100), span_of(key, 20), digest);
	hash_hmac_sha256(span_of(key, 32), span_of(key, 20), digest);
	hash_sha256_init(&running);
	hash_sha256_update(&running, span_of(key, 65));
	hash_sha256_out(&running, digest);
}

int main(void)
{
	fill();
	compare();
	base64();
	hex();
	carriers();
	hashes();
	return 0;
}
