/* SHA-1, SHA-2 and HMAC-SHA-256. */
#include "crypto/hash.h"

#include "base/ct.h"
#include "crypto/bear.h"
#include "crypto/sha256_ni.h"

_Static_assert(sizeof(br_sha256_context) <= sizeof(struct sha256), "opaque too small");
_Static_assert(_Alignof(br_sha256_context) <= _Alignof(struct sha256), "opaque misaligned");
_Static_assert(SHA256_LEN == br_sha256_SIZE && SHA384_LEN == br_sha384_SIZE, "FIPS 180-4 figure 1");

size_t hash_len(enum hash_alg alg)
{
	switch (alg) {
	case HASH_SHA1: return br_sha1_SIZE;
	case HASH_SHA256: return br_sha256_SIZE;
	case HASH_SHA384: return br_sha384_SIZE;
	case HASH_SHA512: return br_sha512_SIZE;
	}
	__builtin_trap(); /* not a value of the enumeration: our bug */
}

void hash_digest(enum hash_alg alg, struct span in, uint8_t *out)
{
	br_hash_compat_context ctx;

	bear_hash(alg)->init(&ctx.vtable);
	ctx.vtable->update(&ctx.vtable, in.p, in.n);
	ctx.vtable->out(&ctx.vtable, out);
	WIPE(ctx); /* its block buffer holds the end of the input */
}

void hash_sha256(struct span in, uint8_t out[SHA256_LEN])
{
	hash_digest(HASH_SHA256, in, out);
}

void hash_sha256_init(struct sha256 *h)
{
	br_sha256_init((br_sha256_context *)(void *)h->opaque);
}

void hash_sha256_update(struct sha256 *h, struct span in)
{
	br_sha256_context *c = (br_sha256_context *)(void *)h->opaque;
	size_t used = (size_t)c->count % SHA256_BLOCK, whole;

	/* BearSSL keeps what is not a whole block, and does the padding. */
	if (!sha256_ni_there() || in.n < SHA256_BLOCK - used) {
		br_sha256_update(c, in.p, in.n);
		return;
	}
	c->count += in.n;
	if (used) {
		memcpy(c->buf + used, in.p, SHA256_BLOCK - used);
		sha256_ni(c->val, c->buf, 1);
		in = span_sub(in, SHA256_BLOCK - used, in.n);
	}
	whole = in.n / SHA256_BLOCK;
	sha256_ni(c->val, in.p, whole);
	memcpy(c->buf, in.p + whole * SHA256_BLOCK, in.n % SHA256_BLOCK);
}

void hash_sha256_out(const struct sha256 *h, uint8_t out[SHA256_LEN])
{
	br_sha256_out((const br_sha256_context *)(const void *)h->opaque, out);
}

void hash_hmac_sha256(struct span key, struct span in, uint8_t out[SHA256_LEN])
{
	br_hmac_key_context kc;
	br_hmac_context ctx;

	br_hmac_key_init(&kc, &br_sha256_vtable, key.p, key.n);
	br_hmac_init(&ctx, &kc, 0);
	br_hmac_update(&ctx, in.p, in.n);
	br_hmac_out(&ctx, out);
	WIPE(ctx);
	WIPE(kc);
}
