/* Put around functions of src/ by the linker (--wrap): the choice of AES, the one comparison of secrets, and two lengths. */
#include "crypto/bear.h"
#include "crypto/kwp.h"
#include "secret.h"

bool ctgrind_soft;

const br_block_ctr_class *__real_bear_aes_ctr(void);
const br_block_ctr_class *__wrap_bear_aes_ctr(void);
const br_block_cbcdec_class *__real_bear_aes_cbcdec(void);
const br_block_cbcdec_class *__wrap_bear_aes_cbcdec(void);
br_ghash __real_bear_ghash(void);
br_ghash __wrap_bear_ghash(void);
bool __real_ct_equal(const void *a, const void *b, size_t n);
bool __wrap_ct_equal(const void *a, const void *b, size_t n);
uint32_t __real_br_rsa_i62_oaep_decrypt(const br_hash_class *dig, const void *label, size_t label_len, const br_rsa_private_key *sk,
                                        void *data, size_t *len);
uint32_t __wrap_br_rsa_i62_oaep_decrypt(const br_hash_class *dig, const void *label, size_t label_len, const br_rsa_private_key *sk,
                                        void *data, size_t *len);
enum err __real_kwp_unwrap(struct span kek, struct span wrapped, uint8_t *dst, size_t cap, size_t *n);
enum err __wrap_kwp_unwrap(struct span kek, struct span wrapped, uint8_t *dst, size_t cap, size_t *n);

const br_block_ctr_class *__wrap_bear_aes_ctr(void)
{
	return ctgrind_soft ? &br_aes_ct64_ctr_vtable : __real_bear_aes_ctr();
}

const br_block_cbcdec_class *__wrap_bear_aes_cbcdec(void)
{
	return ctgrind_soft ? &br_aes_ct64_cbcdec_vtable : __real_bear_aes_cbcdec();
}

br_ghash __wrap_bear_ghash(void)
{
	return ctgrind_soft ? br_ghash_ctmul64 : __real_bear_ghash();
}

/* Whether two secrets are equal is what the caller acts upon, and an attacker sees: the answer, nothing on the way to it, becomes public
 * here. ct_equal itself runs before that, under watch. */
bool __wrap_ct_equal(const void *a, const void *b, size_t n)
{
	bool same = __real_ct_equal(a, b, n);

	PUBLIC(&same, sizeof same);
	return same;
}

/* How long a message was is given away on return, not before (crypto/rsa.h, crypto/kwp.h). The verdict stays under watch. */
uint32_t __wrap_br_rsa_i62_oaep_decrypt(const br_hash_class *dig, const void *label, size_t label_len, const br_rsa_private_key *sk,
                                        void *data, size_t *len)
{
	uint32_t ok = __real_br_rsa_i62_oaep_decrypt(dig, label, label_len, sk, data, len);

	PUBLIC(len, sizeof *len);
	return ok;
}

enum err __wrap_kwp_unwrap(struct span kek, struct span wrapped, uint8_t *dst, size_t cap, size_t *n)
{
	enum err e = __real_kwp_unwrap(kek, wrapped, dst, cap, n);

	PUBLIC(n, sizeof *n);
	PUBLIC(&e, sizeof e);
	return e;
}
