/* AES-256-GCM out of BearSSL's CTR and GHASH, laid out for many short messages under one key. */
#include "crypto/gcm.h"

#include "base/ct.h"
#include "crypto/bear.h"

#define BLOCK 16
/* One run of CTR over four blocks: the first masks the tag, the other three encrypt the start of the message. AES-NI code
 * works on four blocks at a time, so that a short field costs a single pass. */
#define HEAD (4 * BLOCK)
#define HEAD_DATA (HEAD - BLOCK)
#define SHORT (6 * BLOCK) /* AAD and ciphertext together */

struct state {
	union bear_aes_ctr_ctx aes;
	br_ghash ghash;
	uint8_t h[BLOCK]; /* the hash subkey, AES of the zero block */
	uint8_t y[BLOCK]; /* GHASH of what every message's AAD begins with */
	uint64_t y_len;
};
_Static_assert(sizeof(struct state) <= sizeof(struct gcm), "opaque too small");
_Static_assert(_Alignof(struct state) <= _Alignof(struct gcm), "opaque misaligned");

static const struct state *state_of(const struct gcm *g)
{
	return (const struct state *)(const void *)g->opaque;
}

void gcm_init(struct gcm *g, const uint8_t key[GCM_KEY_LEN])
{
	struct state *s = (struct state *)(void *)g->opaque;
	const uint8_t zero[GCM_NONCE_LEN] = { 0 };

	memset(s, 0, sizeof *s);
	bear_aes_ctr()->init(&s->aes.vtable, key, GCM_KEY_LEN);
	s->ghash = bear_ghash();
	s->aes.vtable->run(&s->aes.vtable, zero, 0, s->h, sizeof s->h); /* counter 0 and nonce 0: the zero block */
	bear_stack_wipe(); /* the key schedule's temporaries */
}

void gcm_aad_start(struct gcm *g, const uint8_t start[GCM_AAD_START])
{
	struct state *s = (struct state *)(void *)g->opaque;

	memset(s->y, 0, sizeof s->y);
	s->ghash(s->y, s->h, start, GCM_AAD_START);
	s->y_len = GCM_AAD_START;
}

static void xor_into(uint8_t *dst, const uint8_t *with, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dst[i] ^= with[i];
}

static size_t whole_blocks(size_t n)
{
	return (n + BLOCK - 1) / BLOCK * BLOCK;
}

/* The tag before masking (SP 800-38D section 6.4): GHASH of aad and ciphertext, each padded with zeros to whole blocks, and of both
 * lengths in bits. What is short goes through GHASH at once; BearSSL pads the rest. */
static void authenticate(const struct state *s, struct span aad, struct span text, uint8_t y[BLOCK])
{
	uint8_t last[SHORT + BLOCK] = { 0 };
	size_t text_at = whole_blocks(aad.n), n = text_at + whole_blocks(text.n);

	memcpy(y, s->y, BLOCK);
	if (n <= SHORT) {
		xor_into(last, aad.p, aad.n);
		xor_into(last + text_at, text.p, text.n);
	} else {
		s->ghash(y, s->h, aad.p, aad.n);
		s->ghash(y, s->h, text.p, text.n);
		n = 0;
	}
	store_be64(last + n, (s->y_len + aad.n) * 8);
	store_be64(last + n + 8, (uint64_t)text.n * 8);
	s->ghash(y, s->h, last, n + BLOCK);
}

/* Key stream of counters 1 to 4 (J0 = nonce || 1, SP 800-38D section 7.1). */
static void head_stream(const struct state *s, const uint8_t *nonce, uint8_t head[HEAD])
{
	memset(head, 0, HEAD);
	s->aes.vtable->run(&s->aes.vtable, nonce, 1, head, HEAD);
}

/* Encryption and decryption are the same: counters 2.. over the data. */
static void crypt_data(const struct state *s, const uint8_t *nonce, const uint8_t head[HEAD], uint8_t *data, size_t n)
{
	size_t first = n < HEAD_DATA ? n : HEAD_DATA;

	xor_into(data, head + BLOCK, first);
	if (n > first)
		s->aes.vtable->run(&s->aes.vtable, nonce, 1 + HEAD / BLOCK, data + first, n - first);
}

void gcm_seal(const struct gcm *g, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, uint8_t *data, size_t n,
              uint8_t tag[GCM_TAG_LEN])
{
	const struct state *s = state_of(g);
	uint8_t head[HEAD];

	head_stream(s, nonce, head);
	crypt_data(s, nonce, head, data, n);
	authenticate(s, aad, span_of(data, n), tag);
	xor_into(tag, head, BLOCK);
	WIPE(head);
}

enum err gcm_open(const struct gcm *g, const uint8_t nonce[GCM_NONCE_LEN], struct span aad, uint8_t *data, size_t n,
                  const uint8_t tag[GCM_TAG_LEN])
{
	const struct state *s = state_of(g);
	uint8_t head[HEAD], expected[GCM_TAG_LEN];
	enum err err = ERR_OK;

	head_stream(s, nonce, head);
	authenticate(s, aad, span_of(data, n), expected);
	xor_into(expected, head, BLOCK);
	if (ct_equal(expected, tag, GCM_TAG_LEN)) {
		crypt_data(s, nonce, head, data, n);
	} else {
		WIPE_N(data, n);
		err = ERR_CRYPTO;
	}
	WIPE(head);
	WIPE(expected); /* the right tag of a forged message must not lie about */
	return err;
}
