/* TLS: the algorithms both sides have in common, named one by one, and the seed of BearSSL's generator. */
#include "tls/tls_state.h"
#include "text/der.h"

#include "base/ct.h"
#include "crypto/rng.h"

static int seed_generator(const br_prng_class **generator)
{
	uint8_t seed[32];

	rng_bytes(seed, sizeof seed);
	(*generator)->update(generator, seed, sizeof seed);
	WIPE(seed);
	return 1;
}

/* BearSSL's engine looks for this name to seed itself. Its own version would use RDRAND or open /dev/urandom; defined
 * here, in a file that every user of the engine links, it takes that one's place and every random bit comes from
 * crypto/rng. The name is BearSSL's, hence the exception to ours. */
br_prng_seeder br_prng_seeder_system(const char **name)
{
	if (name)
		*name = "crypto/rng";
	return seed_generator;
}

static void set_hashes(br_ssl_engine_context *eng)
{
	/* No SHA-1: neither signatures nor MACs of the offered suites use it. */
	br_ssl_engine_set_hash(eng, br_sha256_ID, &br_sha256_vtable);
	br_ssl_engine_set_hash(eng, br_sha384_ID, &br_sha384_vtable);
	br_ssl_engine_set_hash(eng, br_sha512_ID, &br_sha512_vtable);
	br_ssl_engine_set_prf_sha256(eng, br_tls12_sha256_prf);
	br_ssl_engine_set_prf_sha384(eng, br_tls12_sha384_prf);
}

static void set_record_protection(br_ssl_engine_context *eng)
{
	br_ssl_engine_set_gcm(eng, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
	br_ssl_engine_set_aes_ctr(eng, bear_aes_ctr());
	br_ssl_engine_set_ghash(eng, bear_ghash());
}

void tls_profile_identity(struct tls_state *s, const struct tls_identity *id)
{
	struct der chain = der_init(tls_identity_cert(id));

	/* BearSSL's structures are not const; it only reads through them. */
	for (s->cert_n = 0; s->cert_n < TLS_CHAIN_MAX && chain.rest.n; s->cert_n++) {
		struct span one = der_element(&chain, NULL);

		s->cert[s->cert_n] = (br_x509_certificate){ (unsigned char *)(uintptr_t)one.p, one.n };
	}
	s->key = (br_ec_private_key){ BR_EC_secp256r1, (unsigned char *)(uintptr_t)id->key.ec.d, 32 };
	s->rsa_key = bear_rsa_key(&id->key.rsa);
}

void tls_profile_apply(struct tls_state *s)
{
	br_ssl_engine_context *eng = tls_engine(s);

	br_ssl_engine_set_versions(eng, BR_TLS12, BR_TLS12);
	br_ssl_engine_add_flags(eng, BR_OPT_NO_RENEGOTIATION);
	set_hashes(eng);
	set_record_protection(eng);
	br_ssl_engine_set_ec(eng, &br_ec_all_m31); /* X25519, P-256, P-384, P-521 */
	br_ssl_engine_set_buffers_bidi(eng, s->in, sizeof s->in, s->out, sizeof s->out);
}

void tls_profile_own_curves(struct tls_state *s)
{
	s->ec = br_ec_all_m31;
	s->ec.supported_curves = (uint32_t)1 << BR_EC_curve25519 | (uint32_t)1 << BR_EC_secp256r1;
	br_ssl_engine_set_ec(tls_engine(s), &s->ec);
}
