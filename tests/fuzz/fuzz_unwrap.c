/* Unwrapping: AES-KWP against a wrapping of our own, lengths and room of every size, and whole ciphertexts as the vault sends them. */
#include "fuzz.h"

#include <bearssl.h>

#include "azure/akv.h"
#include "crypto/kwp.h"

static struct akv_stage stage;

void fuzz_setup(void)
{
	size_t n;
	uint8_t *der = fuzz_file("tests/fuzz/data/rsa.p8", &n);

	HOLD(pkcs8_parse(span_of(der, n), &stage.wrap) == ERR_OK);
	free(der);
}

/* One block: with the block split into IV and counter, CTR's first key stream block is the block encrypted. */
static void encrypt_block(const br_aes_ct64_ctr_keys *aes, uint8_t block[16])
{
	uint8_t iv[12];
	uint32_t counter = load_be32(block + 12);

	memcpy(iv, block, 12);
	memset(block, 0, 16);
	br_aes_ct64_ctr_run(aes, iv, counter, block, 16);
}

/* RFC 5649 section 4.1; out has room for n + 15. */
static size_t wrap(struct span kek, struct span plain, uint8_t *out)
{
	br_aes_ct64_ctr_keys aes;
	size_t semis = (plain.n + 7) / 8;
	uint8_t block[16];

	br_aes_ct64_ctr_init(&aes, kek.p, kek.n);
	memset(out, 0, 8 + 8 * semis);
	store_be32(out, 0xa65959a6u);
	store_be32(out + 4, (uint32_t)plain.n);
	memcpy(out + 8, plain.p, plain.n);
	if (semis == 1) {
		encrypt_block(&aes, out);
		return 16;
	}
	for (uint64_t j = 0; j < 6; j++)
		for (size_t i = 1; i <= semis; i++) {
			memcpy(block, out, 8);
			memcpy(block + 8, out + 8 * i, 8);
			encrypt_block(&aes, block);
			store_be64(out, load_be64(block) ^ (semis * j + i));
			memcpy(out + 8 * i, block + 8, 8);
		}
	return 8 + 8 * semis;
}

/* The first byte says the size of the key, then key and text. */
static void kwp(struct span in)
{
	static const size_t sizes[] = { 16, 24, 32, 20 };
	struct fuzz_dice d = fuzz_dice(in);
	struct span kek, rest;
	size_t n = 4711, cap;
	uint8_t *dst;
	enum err e;

	if (in.n < 34)
		return;
	kek = span_sub(in, 1, sizes[in.p[0] % 4]);
	rest = span_sub(in, 1 + kek.n, in.n);
	cap = rest.n + fuzz_roll(&d, 3) * fuzz_roll(&d, 20);
	cap = fuzz_roll(&d, 4) ? cap : fuzz_roll(&d, rest.n + 1);
	dst = malloc(cap ? cap : 1);
	memset(dst, 0xa5, cap);
	e = kwp_unwrap(kek, rest, dst, cap, &n);
	if (e != ERR_OK) {
		HOLD(fuzz_zero(dst, cap) && n == 4711);
		HOLD((e == ERR_RANGE) == (kek.n == 20 || rest.n < 16 || rest.n % 8 != 0));
	} else {
		uint8_t *again = malloc(n + 16);

		HOLD(n > rest.n - 16 && n <= rest.n - 8 && rest.n - 8 <= cap && fuzz_zero(dst + n, rest.n - 8 - n));
		HOLD(wrap(kek, span_of(dst, n), again) == rest.n && fuzz_same(again, rest.p, rest.n));
		free(again);
	}
	free(dst);
	if (kek.n == 20 || rest.n == 0)
		return;
	/* And what we wrap ourselves comes back, unless a bit of it is another. */
	uint8_t *wrapped = malloc(rest.n + 16), *plain = malloc(rest.n + 16);
	size_t len = wrap(kek, rest, wrapped);

	HOLD(kwp_unwrap(kek, span_of(wrapped, len), plain, len - 8, &n) == ERR_OK && n == rest.n && fuzz_same(plain, rest.p, n));
	wrapped[fuzz_roll(&d, len)] ^= (uint8_t)(1u << fuzz_roll(&d, 8));
	HOLD(kwp_unwrap(kek, span_of(wrapped, len), plain, len - 8, &n) == ERR_CRYPTO && fuzz_zero(plain, len - 8));
	free(wrapped);
	free(plain);
}

static void whole(struct span in)
{
	static const char *const encs[] = { "RSA_AES_KEY_WRAP_256", "RSA_AES_KEY_WRAP_384", "CKM_RSA_AES_KEY_WRAP", "none" };
	static const char *const kinds[] = { "RSA-HSM", "EC", "oct-HSM", "" };
	struct private_key *k = &stage.key;

	for (size_t i = 0; i < 3; i += 2)
		for (size_t t = 0; t < 3; t += 2) {
			enum err e;

			memset(k, 0xa5, sizeof *k);
			e = akv_unwrap(&stage, encs[i], in, kinds[t]);
			if (e != ERR_OK)
				HOLD(fuzz_zero(k, sizeof *k));
			else
				HOLD(t == 0 ? k->type == KEY_RSA : k->type == KEY_OCT && k->oct_len && k->oct_len <= OCT_KEY_MAX);
		}
	memset(k, 0xa5, sizeof *k);
	HOLD(akv_unwrap(&stage, encs[3], in, kinds[0]) != ERR_OK && fuzz_zero(k, sizeof *k));
	HOLD(akv_unwrap(&stage, encs[0], in, kinds[3]) != ERR_OK && fuzz_zero(k, sizeof *k));
}

void fuzz_one(struct span in)
{
	if (in.n > 4000)
		return;
	kwp(in);
	if (in.n >= 256 + 16)
		whole(in);
}
