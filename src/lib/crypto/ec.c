/* Elliptic curves out of BearSSL's arithmetic. */
#include "crypto/ec.h"

#include "base/ct.h"
#include "crypto/bear.h"
#include "crypto/rng.h"
#include "text/der.h"

size_t ec_field_len(enum ec_curve curve)
{
	switch (curve) {
	case EC_P256: return 32;
	case EC_P384: return 48;
	case EC_P521: return 66;
	}
	__builtin_trap(); /* not a value of the enumeration: our bug */
}

bool ec_curve_of(struct span oid, enum ec_curve *curve)
{
	/* RFC 5480 section 2.1.1.1 */
	static const struct {
		enum ec_curve curve;
		uint8_t n, oid[8];
	} curves[] = {
		{ EC_P256, 8, { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07 } },
		{ EC_P384, 5, { 0x2b, 0x81, 0x04, 0x00, 0x22 } },
		{ EC_P521, 5, { 0x2b, 0x81, 0x04, 0x00, 0x23 } },
	};

	for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++)
		if (span_eq(oid, span_of(curves[i].oid, curves[i].n))) {
			*curve = curves[i].curve;
			return true;
		}
	return false;
}

/* 0 < d < order, both n bytes long; without a branch on d. */
static bool scalar_in_range(const uint8_t *d, const uint8_t *order, size_t n)
{
	uint32_t borrow = 0, any = 0;

	for (size_t i = n; i-- > 0;) {
		borrow = (((uint32_t)d[i] - order[i] - borrow) >> 8) & 1;
		any |= d[i];
	}
	return (ct_mask(any) & borrow) == 1;
}

enum err ec_from_scalar(struct ec_key *k, enum ec_curve curve, struct span d)
{
	const br_ec_impl *impl = bear_ec(curve);
	size_t n = ec_field_len(curve), order_len;
	const uint8_t *order = impl->order(bear_curve_id(curve), &order_len);
	enum err err = ERR_RANGE;

	if (d.n == n && order_len == n && scalar_in_range(d.p, order, n)) {
		memmove(k->d, d.p, n); /* d may be k->d itself */
		k->curve = curve;
		if (impl->mulgen(k->point, k->d, n, bear_curve_id(curve)) == 1 + 2 * n)
			err = ERR_OK;
		bear_stack_wipe();
	}
	if (err)
		WIPE(*k);
	return err;
}

enum err ec_generate(struct ec_key *k, enum ec_curve curve)
{
	uint8_t d[EC_SCALAR_MAX];
	enum err err = ERR_CRYPTO;

	/* FIPS 186-5 appendix A.2.2, rejection. The orders are so close to a power of two that a second try is rare. */
	for (int tries = 0; err && tries < 64; tries++) {
		rng_bytes(d, ec_field_len(curve));
		if (curve == EC_P521)
			d[0] &= 1; /* 521 bits in 66 bytes */
		err = ec_from_scalar(k, curve, span_of(d, ec_field_len(curve)));
	}
	WIPE(d);
	return err ? ERR_CRYPTO : ERR_OK;
}

enum err ec_verify_raw(enum ec_curve curve, struct span point, struct span digest, struct span sig)
{
	br_ec_public_key pk = { bear_curve_id(curve), (uint8_t *)point.p, point.n }; /* only read */
	size_t n = ec_field_len(curve);

	if (curve != EC_P256 && curve != EC_P384)
		return ERR_RANGE;
	/* BearSSL takes shorter signatures, hashes of any length and r = 0 (its sum then simply does not match). */
	if (point.n != 1 + 2 * n || point.p[0] != 0x04 || sig.n != 2 * n || digest.n < 20 || digest.n > 64 ||
	    span_is_zero(span_sub(sig, 0, n)))
		return ERR_CRYPTO;
	return br_ecdsa_i31_vrfy_raw(bear_ec(curve), digest.p, digest.n, &pk, sig.p, sig.n) == 1 ? ERR_OK : ERR_CRYPTO;
}

/* Right-aligned into n zeroed bytes. */
static bool place(uint8_t *dst, size_t n, struct span magnitude)
{
	if (magnitude.n > n)
		return false;
	memcpy(dst + n - magnitude.n, magnitude.p, magnitude.n);
	return true;
}

enum err ec_verify_der(enum ec_curve curve, struct span point, struct span digest, struct span sig)
{
	/* ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }, RFC 5480 appendix A / SEC 1 C.5. BearSSL's own reader is
	 * lenient about lengths, ours is not. */
	struct der outer = der_init(sig), seq = der_enter(&outer, DER_SEQUENCE);
	struct span r = der_uint(&seq), s = der_uint(&seq);
	uint8_t raw[2 * EC_SCALAR_MAX] = { 0 };
	size_t n = ec_field_len(curve);

	if (!der_done(&outer) || !der_done(&seq) || !place(raw, n, r) || !place(raw + n, n, s))
		return ERR_CRYPTO;
	return ec_verify_raw(curve, point, digest, span_of(raw, 2 * n));
}
