/* How this program uses BearSSL: random source and picked implementations. */
#include "crypto/bear.h"

#include "base/ct.h"
#include "crypto/rng.h"

/* BearSSL passes a seed at set-up and in updates. The kernel's generator needs neither. */
static void generator_init(const br_prng_class **ctx, const void *params, const void *seed, size_t n)
{
	(void)ctx;
	(void)params;
	(void)seed;
	(void)n;
}

static void generator_generate(const br_prng_class **ctx, void *out, size_t n)
{
	(void)ctx;
	rng_bytes(out, n);
}

static void generator_update(const br_prng_class **ctx, const void *seed, size_t n)
{
	(void)ctx;
	(void)seed;
	(void)n;
}

static const br_prng_class generator_class = {
	sizeof(const br_prng_class *),
	generator_init,
	generator_generate,
	generator_update,
};

const br_prng_class **bear_rng(void)
{
	/* A BearSSL context starts with its class pointer; ours has nothing behind it. Never written. */
	static const br_prng_class *generator = &generator_class;

	return &generator;
}

const br_hash_class *bear_hash(enum hash_alg alg)
{
	switch (alg) {
	case HASH_SHA1: return &br_sha1_vtable;
	case HASH_SHA256: return &br_sha256_vtable;
	case HASH_SHA384: return &br_sha384_vtable;
	case HASH_SHA512: return &br_sha512_vtable;
	}
	__builtin_trap(); /* not a value of the enumeration: our bug */
}

const br_block_ctr_class *bear_aes_ctr(void)
{
	const br_block_ctr_class *ni = br_aes_x86ni_ctr_get_vtable();

	return ni ? ni : &br_aes_ct64_ctr_vtable;
}

const br_block_cbcdec_class *bear_aes_cbcdec(void)
{
	const br_block_cbcdec_class *ni = br_aes_x86ni_cbcdec_get_vtable();

	return ni ? ni : &br_aes_ct64_cbcdec_vtable;
}

br_ghash bear_ghash(void)
{
	br_ghash ni = br_ghash_pclmul_get();

	return ni ? ni : br_ghash_ctmul64;
}

const br_ec_impl *bear_ec(enum ec_curve curve)
{
	switch (curve) {
	case EC_P256: return &br_ec_p256_m31;
	case EC_P384:
	case EC_P521: return &br_ec_prime_i31;
	}
	__builtin_trap();
}

int bear_curve_id(enum ec_curve curve)
{
	switch (curve) {
	case EC_P256: return BR_EC_secp256r1;
	case EC_P384: return BR_EC_secp384r1;
	case EC_P521: return BR_EC_secp521r1;
	}
	__builtin_trap();
}

/* Not inlined, so that its frame lies where BearSSL's frames were. */
__attribute__((noinline)) void bear_stack_wipe(void)
{
	uint8_t below[15 * 1024];

	WIPE(below);
}
