/* How this program uses BearSSL 0.6: the random source and the implementations picked. Inside src/lib/crypto and src/lib/tls only. */
#ifndef CRYPTO_BEAR_H
#define CRYPTO_BEAR_H

#include <bearssl.h>

#include "base/span.h"
#include "crypto/ec.h"
#include "crypto/hash.h"
#include "crypto/rsa.h"

/* Implementations are named one by one: BearSSL's own "default" getters and *_init_full link everything. The target is
 * x86-64 (SEV-SNP exists nowhere else), so the code with 64x64->128 products (br_rsa_i62_*) is used without fallback. */

/* A generator for BearSSL functions that want one; every call asks the kernel. Stateless, any thread. */
const br_prng_class **bear_rng(void);

/* The hash class of an algorithm. */
const br_hash_class *bear_hash(enum hash_alg alg);

/* AES and GHASH: with AES-NI and PCLMULQDQ where the CPU has them, else constant-time code. Asks CPUID, which an SNP guest
 * traps on: take the answer once a key, not once a message. */
const br_block_ctr_class *bear_aes_ctr(void);
const br_block_cbcdec_class *bear_aes_cbcdec(void);
br_ghash bear_ghash(void);

/* Contexts for whichever AES was picked. Hold expanded keys: the owner wipes them. */
union bear_aes_ctr_ctx {
	const br_block_ctr_class *vtable;
	br_aes_x86ni_ctr_keys x86ni;
	br_aes_ct64_ctr_keys ct64;
};
union bear_aes_cbcdec_ctx {
	const br_block_cbcdec_class *vtable;
	br_aes_x86ni_cbcdec_keys x86ni;
	br_aes_ct64_cbcdec_keys ct64;
};

/* Constant-time curve arithmetic for a curve, and BearSSL's number for the curve. */
const br_ec_impl *bear_ec(enum ec_curve curve);
int bear_curve_id(enum ec_curve curve);

/* A key as BearSSL wants it: views of k, which BearSSL only reads. In crypto/rsa.c. */
br_rsa_private_key bear_rsa_key(const struct rsa_key *k);

/* Overwrites the 16 KiB or so of stack below the caller, where BearSSL's private-key functions leave their temporaries.
 * Best effort: the compiler may keep copies elsewhere (registers, its own spill slots). */
void bear_stack_wipe(void);

#endif
