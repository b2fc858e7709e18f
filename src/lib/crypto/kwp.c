/* AES key wrap with padding: the unwrapping half (RFC 5649 section 4.2, RFC 3394 section 2.2.2). */
#include "crypto/kwp.h"

#include "base/ct.h"
#include "crypto/bear.h"

#define SEMI 8 /* a semiblock */

/* AES decryption of one block: CBC decryption with a zero IV is just that. */
static void block_decrypt(union bear_aes_cbcdec_ctx *aes, uint8_t block[2 * SEMI])
{
	uint8_t iv[2 * SEMI] = { 0 };

	aes->vtable->run(&aes->vtable, iv, block, 2 * SEMI);
	WIPE(iv); /* holds the block as the next IV */
}

/* RFC 3394 section 2.2.2, index-based, over n >= 2 semiblocks already copied to r; a is A. */
static void unwrap_rounds(union bear_aes_cbcdec_ctx *aes, uint8_t a[SEMI], uint8_t *r, size_t n)
{
	uint8_t b[2 * SEMI], t[SEMI];

	for (size_t step = 6 * n; step > 0; step--) {
		uint8_t *ri = r + SEMI * ((step - 1) % n);

		store_be64(t, step);
		for (size_t i = 0; i < SEMI; i++)
			b[i] = a[i] ^ t[i];
		memcpy(b + SEMI, ri, SEMI);
		block_decrypt(aes, b);
		memcpy(a, b, SEMI);
		memcpy(ri, b + SEMI, SEMI);
	}
	WIPE(b);
}

/* RFC 5649 section 3: A must be A65959A6 and the message length (MLI), the length must end in the last semiblock, and what
 * is behind it must be zero. All three are computed before the one verdict. */
static bool unwrapped_ok(const uint8_t a[SEMI], const uint8_t *r, size_t n, uint32_t *mli)
{
	uint32_t bad = load_be32(a) ^ 0xa65959a6u;
	uint32_t len = load_be32(a + 4), pad = (uint32_t)(n * SEMI) - len;

	bad |= pad & ~7u; /* 0..7 exactly when 8(n-1) < len <= 8n */
	for (uint32_t i = 0; i < SEMI - 1; i++) {
		/* i < pad, as a mask: the difference borrows */
		uint32_t is_pad = 0u - ((i - (pad & 7u)) >> 31);

		bad |= r[n * SEMI - 1 - i] & is_pad;
	}
	*mli = len;
	return ct_mask(bad) == 0;
}

enum err kwp_unwrap(struct span kek, struct span wrapped, uint8_t *dst, size_t cap, size_t *n)
{
	union bear_aes_cbcdec_ctx aes;
	uint8_t a[SEMI], block[2 * SEMI];
	enum err err = ERR_OK;
	uint32_t mli = 0;
	size_t semis;

	if ((kek.n != 16 && kek.n != 24 && kek.n != 32) || wrapped.n < 2 * SEMI || wrapped.n % SEMI || wrapped.n > UINT32_MAX)
		err = ERR_RANGE;
	else if (cap < wrapped.n - SEMI)
		err = ERR_TOO_BIG;
	if (err) {
		WIPE_N(dst, cap);
		return err;
	}

	bear_aes_cbcdec()->init(&aes.vtable, kek.p, kek.n);
	semis = wrapped.n / SEMI - 1;
	if (semis == 1) { /* RFC 5649 section 4.2: a single block is plain AES */
		memcpy(block, wrapped.p, sizeof block);
		block_decrypt(&aes, block);
		memcpy(a, block, SEMI);
		memcpy(dst, block + SEMI, SEMI);
		WIPE(block);
	} else {
		memcpy(a, wrapped.p, SEMI);
		memcpy(dst, wrapped.p + SEMI, wrapped.n - SEMI);
		unwrap_rounds(&aes, a, dst, semis);
	}

	if (unwrapped_ok(a, dst, semis, &mli)) {
		*n = mli;
	} else {
		WIPE_N(dst, cap);
		err = ERR_CRYPTO;
	}
	WIPE(aes);
	WIPE(a);
	bear_stack_wipe();
	return err;
}
