/* PKCS#8 private keys. */
#include "crypto/pkcs8.h"

#include "base/ct.h"
#include "text/der.h"

/* Contents of object identifiers */
static const uint8_t oid_rsa[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 }; /* rsaEncryption, RFC 8017 A.1 */
static const uint8_t oid_ec[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };       /* id-ecPublicKey, RFC 5480 2.1.1 */
void pkcs8_wipe(struct private_key *k)
{
	WIPE(*k);
}

enum key_type pkcs8_key_type(struct span oid)
{
	return span_eq(oid, span_of(oid_rsa, sizeof oid_rsa)) ? KEY_RSA : span_eq(oid, span_of(oid_ec, sizeof oid_ec)) ? KEY_EC : KEY_NONE;
}

/* Copies the next INTEGER; one that is too long marks the reader bad. */
static uint16_t take_number(struct der *d, uint8_t *dst, size_t cap)
{
	struct span v = der_uint(d);

	if (v.n > cap)
		d->bad = true;
	if (d->bad)
		return 0;
	memcpy(dst, v.p, v.n);
	return (uint16_t)v.n;
}

/* RSAPrivateKey, RFC 8017 appendix A.1.2; version 0 means two primes. */
static enum err parse_rsa(struct span octets, struct rsa_key *k)
{
	struct der outer = der_init(octets), seq = der_enter(&outer, DER_SEQUENCE);

	if (der_u64(&seq) != 0)
		return ERR_RANGE;
	k->n_len = take_number(&seq, k->n, sizeof k->n);
	k->e_len = take_number(&seq, k->e, sizeof k->e);
	k->d_len = take_number(&seq, k->d, sizeof k->d);
	k->p_len = take_number(&seq, k->p, sizeof k->p);
	k->q_len = take_number(&seq, k->q, sizeof k->q);
	k->dp_len = take_number(&seq, k->dp, sizeof k->dp);
	k->dq_len = take_number(&seq, k->dq, sizeof k->dq);
	k->qi_len = take_number(&seq, k->qi, sizeof k->qi);
	if (!der_done(&seq) || !der_done(&outer) || k->d_len > k->n_len)
		return ERR_SYNTAX;
	k->n_bits = rsa_bits(span_of(k->n, k->n_len));
	return rsa_check(k);
}

/* ECPrivateKey, RFC 5915 section 3: version 1, privateKey, [0] parameters OPTIONAL, [1] publicKey OPTIONAL. */
static enum err parse_ec(struct span octets, enum ec_curve curve, struct ec_key *k)
{
	struct der outer = der_init(octets), seq = der_enter(&outer, DER_SEQUENCE), field;
	uint64_t version = der_u64(&seq);
	struct span d = der_take(&seq, DER_OCTET_STRING), point = { NULL, 0 };
	bool has_point = false;
	enum ec_curve again;
	enum err err;

	if (der_peek(&seq) == DER_CONTEXT_CONSTRUCTED) {
		field = der_enter(&seq, DER_CONTEXT_CONSTRUCTED);
		if (!ec_curve_of(der_take(&field, DER_OID), &again) || again != curve || !der_done(&field))
			return ERR_SYNTAX;
	}
	if (der_peek(&seq) == DER_CONTEXT_CONSTRUCTED + 1) {
		field = der_enter(&seq, DER_CONTEXT_CONSTRUCTED + 1);
		point = der_bits(&field);
		has_point = true;
		if (!der_done(&field))
			return ERR_SYNTAX;
	}
	if (version != 1 || !der_done(&seq) || !der_done(&outer))
		return ERR_SYNTAX;
	err = ec_from_scalar(k, curve, d);
	if (!err && has_point && !span_eq(point, span_of(k->point, 1 + 2 * ec_field_len(curve))))
		err = ERR_CRYPTO;
	return err;
}

/* The key inside, by its AlgorithmIdentifier. */
static enum err parse_key(struct der *alg, struct span octets, struct private_key *k)
{
	struct span params;
	enum ec_curve curve;

	k->type = pkcs8_key_type(der_take(alg, DER_OID));
	if (k->type == KEY_NONE)
		return alg->bad ? ERR_SYNTAX : ERR_RANGE;
	/* RSA: NULL, not absent (RFC 8017 appendix A.1); named curves only (RFC 5480 section 2.1.1) */
	params = der_take(alg, k->type == KEY_RSA ? DER_NULL : DER_OID);
	if (!der_done(alg) || (k->type == KEY_RSA && params.n))
		return ERR_SYNTAX;
	if (k->type == KEY_RSA)
		return parse_rsa(octets, &k->rsa);
	return ec_curve_of(params, &curve) ? parse_ec(octets, curve, &k->ec) : ERR_RANGE;
}

/* OneAsymmetricKey, RFC 5958 section 2: version, algorithm, key, [0] attributes OPTIONAL, [1] publicKey OPTIONAL (then, and
 * only then, version 1). Windows writes a key usage attribute, so attributes are passed over. */
enum err pkcs8_parse(struct span der, struct private_key *k)
{
	struct der outer = der_init(der), info = der_enter(&outer, DER_SEQUENCE);
	uint64_t version = der_u64(&info);
	struct der alg = der_enter(&info, DER_SEQUENCE);
	struct span octets = der_take(&info, DER_OCTET_STRING);
	bool has_public;
	enum err err = ERR_SYNTAX;

	WIPE(*k);
	if (der_peek(&info) == DER_CONTEXT_CONSTRUCTED)
		der_take(&info, DER_CONTEXT_CONSTRUCTED);
	has_public = der_peek(&info) == DER_CONTEXT + 1;
	if (has_public)
		der_take(&info, DER_CONTEXT + 1);
	if (der_done(&info) && der_done(&outer) && version == (has_public ? 1 : 0))
		err = parse_key(&alg, octets, k);
	if (err)
		pkcs8_wipe(k);
	return err;
}
