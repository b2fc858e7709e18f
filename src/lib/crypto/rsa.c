/* RSA out of BearSSL's big integers; signature encodings are checked here. */
#include "crypto/rsa.h"

#include "base/ct.h"
#include "crypto/bear.h"
#include "crypto/rng.h"

#define RSA_MIN 256 /* bytes of modulus: RSA-2048 */
#define HASH_MAX 64

_Static_assert(5 * RSA_FACTOR_MAX >= BR_RSA_KBUF_PRIV_SIZE(8 * RSA_MAX), "a generated key fits");

uint32_t rsa_bits(struct span magnitude)
{
	if (magnitude.n == 0 || magnitude.p[0] == 0)
		return 0;
	return (uint32_t)(8 * magnitude.n) - ((uint32_t)__builtin_clz(magnitude.p[0]) - 24);
}

static bool is_odd(struct span magnitude)
{
	return magnitude.n > 0 && (magnitude.p[magnitude.n - 1] & 1);
}

bool rsa_pub_ok(const struct rsa_pub *pub)
{
	uint32_t bits = rsa_bits(pub->n), e_bits = rsa_bits(pub->e);

	return pub->n.n <= RSA_MAX && bits >= 8 * RSA_MIN && is_odd(pub->n) && e_bits > 1 && e_bits <= 8 * RSA_EXPONENT_MAX &&
	       is_odd(pub->e);
}

/* BearSSL's structures take pointers without const, and only read through them. */
static br_rsa_public_key bear_pub(const struct rsa_pub *pub)
{
	return (br_rsa_public_key){ (uint8_t *)pub->n.p, pub->n.n, (uint8_t *)pub->e.p, pub->e.n };
}

br_rsa_private_key bear_rsa_key(const struct rsa_key *k)
{
	return (br_rsa_private_key){
		.n_bitlen = k->n_bits,
		.p = (uint8_t *)k->p, .plen = k->p_len,
		.q = (uint8_t *)k->q, .qlen = k->q_len,
		.dp = (uint8_t *)k->dp, .dplen = k->dp_len,
		.dq = (uint8_t *)k->dq, .dqlen = k->dq_len,
		.iq = (uint8_t *)k->qi, .iqlen = k->qi_len,
	};
}

struct rsa_pub rsa_public(const struct rsa_key *k)
{
	return (struct rsa_pub){ span_of(k->n, k->n_len), span_of(k->e, k->e_len) };
}

void rsa_wipe(struct rsa_key *k)
{
	WIPE(*k);
}

static uint16_t copy_number(uint8_t *dst, const uint8_t *src, size_t n)
{
	memcpy(dst, src, n);
	return (uint16_t)n;
}

enum err rsa_generate(struct rsa_key *k, unsigned bits)
{
	uint8_t priv_buf[BR_RSA_KBUF_PRIV_SIZE(8 * RSA_MAX)], pub_buf[BR_RSA_KBUF_PUB_SIZE(8 * RSA_MAX)];
	br_rsa_private_key sk;
	br_rsa_public_key pk;
	enum err err = ERR_CRYPTO;

	WIPE(*k);
	if (bits != 2048 && bits != 3072 && bits != 4096)
		return ERR_RANGE;
	if (br_rsa_i62_keygen_get()(bear_rng(), &sk, priv_buf, &pk, pub_buf, bits, 65537)) {
		k->n_bits = bits;
		k->p_len = copy_number(k->p, sk.p, sk.plen);
		k->q_len = copy_number(k->q, sk.q, sk.qlen);
		k->dp_len = copy_number(k->dp, sk.dp, sk.dplen);
		k->dq_len = copy_number(k->dq, sk.dq, sk.dqlen);
		k->qi_len = copy_number(k->qi, sk.iq, sk.iqlen);
		k->n_len = copy_number(k->n, pk.n, pk.nlen);
		k->e_len = copy_number(k->e, pk.e, pk.elen);
		err = rsa_check(k);
	}
	WIPE(priv_buf);
	bear_stack_wipe();
	if (err)
		rsa_wipe(k);
	return err;
}

/* Lengths that BearSSL's fixed buffers take, and primes of about half the modulus. */
static bool factor_ok(const struct rsa_key *k, const uint8_t *p, size_t p_len, size_t exponent_len)
{
	size_t half = k->n_len / 2;

	return p_len >= half - 8 && p_len <= RSA_FACTOR_MAX && is_odd(span_of(p, p_len)) && exponent_len >= 1 &&
	       exponent_len <= RSA_FACTOR_MAX;
}

enum err rsa_check(const struct rsa_key *k)
{
	struct rsa_pub pub = rsa_public(k);
	br_rsa_public_key pk = bear_pub(&pub);
	br_rsa_private_key sk = bear_rsa_key(k);
	uint8_t x[RSA_MAX], y[RSA_MAX];
	bool ok;

	if (!rsa_pub_ok(&pub) || k->n_bits != rsa_bits(pub.n) || !factor_ok(k, k->p, k->p_len, k->dp_len) ||
	    !factor_ok(k, k->q, k->q_len, k->dq_len) || k->qi_len < 1 || k->qi_len > RSA_FACTOR_MAX)
		return ERR_RANGE;

	rng_bytes(x, k->n_len);
	x[0] = 0; /* below n, whose first byte is not zero */
	memcpy(y, x, k->n_len);
	ok = br_rsa_i62_public(y, k->n_len, &pk) && br_rsa_i62_private(y, &sk) && ct_equal(x, y, k->n_len);
	bear_stack_wipe();
	return ok ? ERR_OK : ERR_CRYPTO;
}

enum err rsa_oaep_encrypt(const struct rsa_pub *pub, enum hash_alg alg, struct span msg, uint8_t *out, size_t cap, size_t *n)
{
	br_rsa_public_key pk = bear_pub(pub);
	size_t done;

	if (!rsa_pub_ok(pub))
		return ERR_RANGE;
	if (cap < pub->n.n || msg.n > pub->n.n - 2 * hash_len(alg) - 2)
		return ERR_TOO_BIG;
	done = br_rsa_i62_oaep_encrypt(bear_rng(), bear_hash(alg), NULL, 0, &pk, out, cap, msg.p, msg.n);
	bear_stack_wipe();
	if (done != pub->n.n) {
		WIPE_N(out, cap); /* may hold the padded message */
		return ERR_CRYPTO;
	}
	*n = done;
	return ERR_OK;
}

enum err rsa_oaep_decrypt(const struct rsa_key *k, enum hash_alg alg, struct span in, uint8_t *out, size_t cap, size_t *n)
{
	br_rsa_private_key sk = bear_rsa_key(k);
	size_t len = in.n;
	enum err err = ERR_CRYPTO;

	if (cap < k->n_len) {
		err = ERR_TOO_BIG;
	} else if (in.n == k->n_len) {
		memmove(out, in.p, in.n);
		if (br_rsa_i62_oaep_decrypt(bear_hash(alg), NULL, 0, &sk, out, &len))
			err = ERR_OK;
	}
	if (!err) {
		/* Behind the message lies the rest of the encoded block, a second copy of its end among it. */
		WIPE_N(out + len, cap - len);
		*n = len;
	} else {
		WIPE_N(out, cap);
	}
	bear_stack_wipe();
	return err;
}

/* RSAVP1 with the length check of RFC 8017 sections 8.1.2 and 8.2.2: the encoded message in em[pub->n.n]. */
static enum err recover(const struct rsa_pub *pub, struct span sig, uint8_t em[RSA_MAX])
{
	br_rsa_public_key pk = bear_pub(pub);

	if (!rsa_pub_ok(pub))
		return ERR_RANGE;
	if (sig.n != pub->n.n)
		return ERR_CRYPTO;
	memcpy(em, sig.p, sig.n);
	return br_rsa_i62_public(em, sig.n, &pk) ? ERR_OK : ERR_CRYPTO;
}

/* DER of DigestInfo up to the digest, RFC 8017 section 9.2 note 1: the last byte of the OID, 2.16.840.1.101.3.4.2.x, says which. */
enum { DIGEST_INFO_LEN = 19 };
static void put_digest_info(uint8_t dst[DIGEST_INFO_LEN], enum hash_alg alg)
{
	static const uint8_t info[DIGEST_INFO_LEN] = { 0x30, 0x11, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x00,
		                                       0x05, 0x00, 0x04 };

	memcpy(dst, info, sizeof info);
	dst[1] = (uint8_t)(info[1] + hash_len(alg));
	dst[14] = alg == HASH_SHA256 ? 1 : alg == HASH_SHA384 ? 2 : 3;
	dst[18] = (uint8_t)hash_len(alg);
}

enum err rsa_verify_pkcs1(const struct rsa_pub *pub, enum hash_alg alg, const uint8_t *digest, struct span sig)
{
	uint8_t em[RSA_MAX], expected[RSA_MAX];
	size_t k = pub->n.n, tail = DIGEST_INFO_LEN + hash_len(alg);

	TRY(recover(pub, sig, em));
	if (alg == HASH_SHA1)
		return ERR_CRYPTO;
	/* 00 01 FF..FF 00 DigestInfo digest; 256 bytes and more always hold it */
	memset(expected, 0xff, k);
	expected[0] = 0;
	expected[1] = 1;
	expected[k - tail - 1] = 0;
	put_digest_info(expected + k - tail, alg);
	memcpy(expected + k - hash_len(alg), digest, hash_len(alg));
	return memcmp(em, expected, k) == 0 ? ERR_OK : ERR_CRYPTO;
}

/* XORs MGF1(seed) of RFC 8017 appendix B.2.1 into data. */
static void mgf1_xor(enum hash_alg alg, struct span seed, uint8_t *data, size_t n)
{
	const br_hash_class *hash = bear_hash(alg);
	br_hash_compat_context ctx;
	uint8_t mask[HASH_MAX], counter[4];
	size_t hlen = hash_len(alg);

	for (size_t i = 0; i < n; i++) {
		if (i % hlen == 0) {
			store_be32(counter, (uint32_t)(i / hlen));
			hash->init(&ctx.vtable);
			hash->update(&ctx.vtable, seed.p, seed.n);
			hash->update(&ctx.vtable, counter, sizeof counter);
			hash->out(&ctx.vtable, mask);
		}
		data[i] ^= mask[i % hlen];
	}
}

/* H' = Hash(00 00 00 00 00 00 00 00 || mHash || salt), RFC 8017 section 9.1.2 steps 12 and 13. */
static void pss_hash(enum hash_alg alg, const uint8_t *digest, struct span salt, uint8_t *out)
{
	static const uint8_t zeros[8];
	const br_hash_class *hash = bear_hash(alg);
	br_hash_compat_context ctx;

	hash->init(&ctx.vtable);
	hash->update(&ctx.vtable, zeros, sizeof zeros);
	hash->update(&ctx.vtable, digest, hash_len(alg));
	hash->update(&ctx.vtable, salt.p, salt.n);
	hash->out(&ctx.vtable, out);
}

/* EMSA-PSS-VERIFY, RFC 8017 section 9.1.2, steps 3 to 14; em has (em_bits + 7) / 8 bytes. */
static bool pss_ok(enum hash_alg alg, const uint8_t *digest, size_t salt_len, uint8_t *em, size_t em_bits)
{
	size_t em_len = (em_bits + 7) / 8, hlen = hash_len(alg), db_len, ps_len;
	uint8_t unused = (uint8_t)(0xff00u >> (8 * em_len - em_bits)); /* the bits of em[0] above em_bits */
	uint8_t expected[HASH_MAX];
	struct span h;

	if (salt_len > em_len || em_len < hlen + salt_len + 2 || em[em_len - 1] != 0xbc || (em[0] & unused))
		return false;
	db_len = em_len - hlen - 1;
	h = span_of(em + db_len, hlen);
	mgf1_xor(alg, h, em, db_len);
	em[0] &= (uint8_t)~unused;
	ps_len = db_len - salt_len - 1;
	for (size_t i = 0; i < ps_len; i++)
		if (em[i] != 0)
			return false;
	if (em[ps_len] != 0x01)
		return false;
	pss_hash(alg, digest, span_of(em + ps_len + 1, salt_len), expected);
	return memcmp(expected, h.p, hlen) == 0;
}

enum err rsa_verify_pss(const struct rsa_pub *pub, enum hash_alg alg, const uint8_t *digest, size_t salt_len, struct span sig)
{
	uint8_t em[RSA_MAX], *start = em;
	size_t em_bits;

	TRY(recover(pub, sig, em));
	em_bits = rsa_bits(pub->n) - 1;
	if (em_bits % 8 == 0) { /* EM is one byte shorter than the modulus, so the first byte must be zero */
		if (em[0] != 0)
			return ERR_CRYPTO;
		start = em + 1;
	}
	return alg != HASH_SHA1 && pss_ok(alg, digest, salt_len, start, em_bits) ? ERR_OK : ERR_CRYPTO;
}
