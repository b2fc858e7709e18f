/* AES-GCM with the check of its tag, and AES key unwrapping: by the CPU's instructions where it has them, and by the code that stands
 * in for them. */
#include "crypto/gcm.h"
#include "crypto/kwp.h"
#include "secret.h"

static void gcm(void)
{
	static const size_t lengths[] = { 0, 1, 16, 47, 48, 49, 200 };
	struct gcm g;
	uint8_t key[GCM_KEY_LEN] = { 5 }, nonce[GCM_NONCE_LEN] = { 1 }, data[256] = { 9 }, tag[GCM_TAG_LEN];

	SECRET(key, sizeof key);
	gcm_init(&g, key);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		size_t n = lengths[i];

		SECRET(data, sizeof data);
		gcm_seal(&g, nonce, SPAN_LIT("aad"), data, n, tag);
		PUBLIC(data, n);
		PUBLIC(tag, sizeof tag); /* sent: but the expected tag is computed under watch */
		EXPECT(verdict(gcm_open(&g, nonce, SPAN_LIT("aad"), data, n, tag)) == ERR_OK);
		PUBLIC(data, sizeof data);
		tag[15] ^= 1;
		EXPECT(verdict(gcm_open(&g, nonce, SPAN_LIT("aad"), data, n, tag)) == ERR_CRYPTO);
	}
	WIPE(g);
}

/* RFC 5649 section 6: 20 octets, and 7 in one block, under a key of 192 bits. */
static void kwp(void)
{
	static const uint8_t kek_bytes[24] = "\x58\x40\xdf\x6e\x29\xb0\x2a\xf1\xab\x49\x3b\x70\x5b\xf1\x6e\xa1\xae\x83\x38\xf4\xdc\xc1\x76\xa8";
	static const uint8_t long_one[32] = "\x13\x8b\xde\xaa\x9b\x8f\xa7\xfc\x61\xf9\x77\x42\xe7\x22\x48\xee"
					    "\x5a\xe6\xae\x53\x60\xd1\xae\x6a\x5f\x54\xf3\x73\xfa\x54\x3b\x6a";
	static const uint8_t short_one[16] = "\xaf\xbe\xb0\xf0\x7d\xfb\xf5\x41\x92\x00\xf2\xcc\xb5\x0b\xb2\x4f";
	uint8_t kek[24], wrapped[32], plain[64];
	size_t n;

	memcpy(kek, kek_bytes, 24);
	SECRET(kek, sizeof kek);
	memcpy(wrapped, long_one, 32);
	EXPECT(verdict(kwp_unwrap(span_of(kek, 24), span_of(wrapped, 32), plain, sizeof plain, &n)) == ERR_OK);
	EXPECT(n == 20);
	memcpy(wrapped, short_one, 16);
	EXPECT(verdict(kwp_unwrap(span_of(kek, 24), span_of(wrapped, 16), plain, sizeof plain, &n)) == ERR_OK);
	EXPECT(n == 7);
	wrapped[0] ^= 1;
	EXPECT(verdict(kwp_unwrap(span_of(kek, 24), span_of(wrapped, 16), plain, sizeof plain, &n)) == ERR_CRYPTO);
	memcpy(wrapped, long_one, 32);
	wrapped[31] ^= 1;
	EXPECT(verdict(kwp_unwrap(span_of(kek, 24), span_of(wrapped, 32), plain, sizeof plain, &n)) == ERR_CRYPTO);
}

int main(void)
{
	for (int soft = 0; soft < 2; soft++) {
		ctgrind_soft = soft;
		gcm();
		kwp();
	}
	return 0;
}
