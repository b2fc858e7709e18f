/* The key area: nothing private comes out, everything is wiped, wrapping keys are fresh and used once. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <bearssl.h>

#include "t.h"

#include "../../src/lib/attest/keys.c"

static struct private_key given;

/* In place of BearSSL's function of this name, the same and counted: whether a kept data key was used shows in nothing else. */
static int private_operations;
uint32_t br_rsa_oaep_unpad(const br_hash_class *hash, const void *label, size_t label_len, void *data, size_t *n); /* BearSSL's inner.h */
uint32_t br_rsa_i62_oaep_decrypt(const br_hash_class *hash, const void *label, size_t label_len, const br_rsa_private_key *k, void *data, size_t *n)
{
	private_operations++;
	return br_rsa_i62_private(data, k) & br_rsa_oaep_unpad(hash, label, label_len, data, n);
}

static void make_rsa(struct private_key *k)
{
	memset(k, 0, sizeof *k);
	k->type = KEY_RSA;
	assert_int_equal(rsa_generate(&k->rsa, 2048), ERR_OK);
}

static bool is_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

static void empty_slots(void **state)
{
	char thumb[JWK_THUMBPRINT_LEN + 1];
	uint8_t out[512], text[64];
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);
	enum key_type type;
	unsigned bits;
	size_t n;

	(void)state;
	keys_init();
	assert_false(keys_have(KEYS_OWN));
	assert_int_equal(keys_describe(KEYS_OWN, &type, &bits, thumb), ERR_STATE);
	assert_int_equal(keys_oaep_encrypt(KEYS_OWN, SPAN_LIT("x"), out, sizeof out, &n), ERR_STATE);
	assert_int_equal(keys_oaep_decrypt(KEYS_OWN, SPAN_LIT("x"), out, sizeof out, &n), ERR_STATE);
	assert_int_equal(keys_oaep_max(KEYS_OWN), 0);
	keys_write_jwk(KEYS_OWN, &w, NULL);
	assert_string_equal(out_cstr(&o), "null");
	assert_false(keys_have((enum key_slot)99));
	assert_int_equal(keys_oaep_max((enum key_slot)99), 0);
}

static void put_and_use(void **state)
{
	static const char secret[] = "a data encryption key, 32 bytes!";
	uint8_t sealed[512], plain[512], text[4096];
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);
	char thumb[JWK_THUMBPRINT_LEN + 1];
	enum key_type type;
	unsigned bits;
	size_t n, m;

	(void)state;
	make_rsa(&given);
	keys_put(KEYS_OWN, &given);
	assert_true(is_zero(&given, sizeof given)); /* moved, not copied */
	assert_true(keys_have(KEYS_OWN));
	assert_false(keys_have(KEYS_CONTOSO));
	assert_int_equal(keys_describe(KEYS_OWN, &type, &bits, thumb), ERR_OK);
	assert_int_equal(type, KEY_RSA);
	assert_int_equal(bits, 2048);
	assert_int_equal(strlen(thumb), JWK_THUMBPRINT_LEN);
	assert_int_equal(keys_oaep_max(KEYS_OWN), 190);
	assert_int_equal(keys_oaep_encrypt(KEYS_OWN, SPAN_LIT("a data encryption key, 32 bytes!"), sealed, sizeof sealed, &n), ERR_OK);
	assert_int_equal(n, 256);
	assert_int_equal(keys_oaep_decrypt(KEYS_OWN, span_of(sealed, n), plain, sizeof plain, &m), ERR_OK);
	assert_int_equal(m, strlen(secret));
	assert_memory_equal(plain, secret, m);
	sealed[0] ^= 1;
	assert_int_equal(keys_oaep_decrypt(KEYS_OWN, span_of(sealed, n), plain, sizeof plain, &m), ERR_CRYPTO);
	keys_write_jwk(KEYS_OWN, &w, NULL);
	assert_non_null(strstr(out_cstr(&o), "\"n\":\""));
	assert_non_null(strstr(out_cstr(&o), thumb));
	for (const char *const *m2 = (const char *const[]){ "\"d\"", "\"p\"", "\"q\"", "\"dp\"", "\"dq\"", "\"qi\"", "\"k\"", NULL }; *m2; m2++)
		assert_null(strstr(out_cstr(&o), *m2));
}

static uint8_t kept_wrapped[512];
static size_t kept;

static size_t wrap(const char *dek, uint8_t wrapped[512])
{
	size_t n;

	assert_int_equal(keys_oaep_encrypt(KEYS_FABRIKAM, span_str(dek), wrapped, 512, &n), ERR_OK);
	return n;
}

/* How many private operations it took. */
static int unwrap(struct span wrapped, enum err expected, const char *dek)
{
	uint8_t plain[KEYS_DEK_LEN];
	int before = private_operations;

	assert_int_equal(keys_unwrap_dek(KEYS_FABRIKAM, wrapped, plain), expected);
	if (dek)
		assert_memory_equal(plain, dek, sizeof plain);
	return private_operations - before;
}

static void last_data_key_is_kept_with_its_key(void **state)
{
	static const char dek_a[] = "a data encryption key, 32 bytes!", dek_b[] = "another such key, 32 bytes again";
	static struct private_key first;
	uint8_t one[512], two[512], text[512];
	struct span a = { one, 0 }, b = { two, 0 }, other = { text, 0 };

	(void)state;
	assert_int_equal(unwrap(a, ERR_STATE, NULL), 0);
	make_rsa(&given);
	first = given;
	keys_put(KEYS_FABRIKAM, &given);
	a.n = wrap(dek_a, one);
	b.n = wrap(dek_b, two);
	other.n = wrap("not of that length", text);
	assert_int_equal(unwrap(a, ERR_OK, dek_a), 1);
	assert_int_equal(unwrap(a, ERR_OK, dek_a), 0);
	/* What does not unwrap changes nothing; another key takes the place. */
	assert_int_equal(unwrap(other, ERR_CRYPTO, NULL), 1);
	assert_int_equal(unwrap(span_sub(a, 0, a.n - 1), ERR_CRYPTO, NULL), 0);
	assert_int_equal(unwrap(a, ERR_OK, dek_a), 0);
	assert_int_equal(unwrap(b, ERR_OK, dek_b), 1);
	assert_int_equal(unwrap(b, ERR_OK, dek_b), 0);
	assert_int_equal(unwrap(a, ERR_OK, dek_a), 1);
	one[100] ^= 1;
	assert_int_equal(unwrap(a, ERR_CRYPTO, NULL), 1);
	one[100] ^= 1;
	assert_int_equal(unwrap(a, ERR_OK, dek_a), 0);
	/* Another key in the slot, and the first one again: each time it is gone. */
	make_rsa(&given);
	keys_put(KEYS_FABRIKAM, &given);
	assert_int_equal(unwrap(a, ERR_CRYPTO, NULL), 1);
	keys_put(KEYS_FABRIKAM, &first);
	assert_int_equal(unwrap(a, ERR_OK, dek_a), 1);
	assert_int_equal(unwrap(a, ERR_OK, dek_a), 0);
	kept = a.n;
	memcpy(kept_wrapped, one, a.n);
}

static void other_kinds_do_not_decrypt(void **state)
{
	uint8_t out[512], text[256];
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);
	size_t n;

	(void)state;
	memset(&given, 0, sizeof given);
	given.type = KEY_OCT;
	given.oct_len = 32;
	memset(given.oct, 0x5a, 32);
	keys_put(KEYS_CONTOSO, &given);
	assert_int_equal(keys_oaep_decrypt(KEYS_CONTOSO, SPAN_LIT("x"), out, sizeof out, &n), ERR_RANGE);
	assert_int_equal(keys_oaep_encrypt(KEYS_CONTOSO, SPAN_LIT("x"), out, sizeof out, &n), ERR_RANGE);
	keys_write_jwk(KEYS_CONTOSO, &w, NULL);
	assert_null(strstr(out_cstr(&o), "WlpaWlpa")); /* base64url of the key's bytes */
	assert_null(strstr(out_cstr(&o), "5a5a5a5a"));
}

/* With the area out of reach: a question that read it would end the program. */
static void public_questions_touch_no_private_byte(void **state)
{
	static struct private_key ec;
	char thumb[JWK_THUMBPRINT_LEN + 1], want[JWK_THUMBPRINT_LEN + 1];
	uint8_t sealed[512], plain[512], text[4096], jwk[4096];
	struct out o = out_init(text, sizeof text), direct = out_init(jwk, sizeof jwk);
	struct jw w = jw_init(&o), d = jw_init(&direct);
	enum key_type type;
	unsigned bits;
	size_t n, m;

	(void)state;
	ec.type = KEY_EC;
	assert_int_equal(ec_generate(&ec.ec, EC_P521), ERR_OK);
	jwk_thumbprint(&ec, want);
	jwk_write_public(&d, NULL, &ec);
	keys_put(KEYS_CONTOSO, &ec);
	assert_int_equal(mprotect(&secret, sizeof secret, PROT_NONE), 0);
	assert_true(keys_have(KEYS_OWN));
	assert_int_equal(keys_oaep_max(KEYS_OWN), 190);
	assert_int_equal(keys_oaep_encrypt(KEYS_OWN, SPAN_LIT("outside"), sealed, sizeof sealed, &n), ERR_OK);
	assert_int_equal(keys_oaep_max(KEYS_CONTOSO), 0);
	assert_int_equal(keys_oaep_encrypt(KEYS_CONTOSO, SPAN_LIT("x"), plain, sizeof plain, &m), ERR_RANGE);
	assert_int_equal(keys_oaep_decrypt(KEYS_CONTOSO, SPAN_LIT("x"), plain, sizeof plain, &m), ERR_RANGE);
	assert_int_equal(keys_describe(KEYS_CONTOSO, &type, &bits, thumb), ERR_OK);
	assert_int_equal(type, KEY_EC);
	assert_int_equal(bits, 521);
	assert_string_equal(thumb, want);
	keys_write_jwk(KEYS_CONTOSO, &w, NULL);
	assert_string_equal(out_cstr(&o), out_cstr(&direct));
	assert_int_equal(mprotect(&secret, sizeof secret, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(keys_oaep_decrypt(KEYS_OWN, span_of(sealed, n), plain, sizeof plain, &m), ERR_OK);
	assert_int_equal(m, 7);
}

static void stages_are_in_the_area(void **state)
{
	const uint8_t *from = (const uint8_t *)&secret;

	(void)state;
	for (int i = 0; i < KEY_STAGES; i++) {
		const uint8_t *at = (const uint8_t *)keys_stage((enum key_stage)i);

		assert_true(at >= from && at + sizeof(struct akv_stage) <= from + sizeof secret);
	}
	assert_ptr_not_equal(keys_stage(STAGE_OWN), keys_stage(STAGE_CALLER));
}

static void wrapping_keys_are_fresh(void **state)
{
	static struct private_key a, b;

	(void)state;
	assert_int_equal(keys_wrap_take(&a, clock_ms() + 50), ERR_TIMEOUT); /* nobody makes one yet */
	assert_int_equal(keys_wrap_start(), ERR_OK);
	assert_int_equal(keys_wrap_take(&a, clock_ms() + 60000), ERR_OK);
	assert_int_equal(keys_wrap_take(&b, clock_ms() + 60000), ERR_OK);
	assert_int_equal(a.type, KEY_RSA);
	assert_int_equal(a.rsa.n_bits, 2048);
	assert_int_equal(rsa_check(&a.rsa), ERR_OK);
	assert_memory_not_equal(a.rsa.n, b.rsa.n, 256);
	pkcs8_wipe(&a);
	pkcs8_wipe(&b);
}

static void wiped_at_the_end(void **state)
{
	(void)state;
	assert_true(keys_have(KEYS_OWN) && keys_open());
	memset(&keys_stage(STAGE_CALLER)->key, 0x5a, sizeof(struct private_key));
	keys_wipe();
	assert_false(keys_have(KEYS_OWN));
	assert_false(keys_have(KEYS_CONTOSO));
	assert_false(keys_open());
	assert_true(is_zero(keys_stage(STAGE_CALLER), sizeof(struct akv_stage)));
	assert_int_equal(unwrap(span_of(kept_wrapped, kept), ERR_STATE, NULL), 0);
	make_rsa(&given);
	keys_put(KEYS_OWN, &given); /* after the wipe nothing enters any more */
	assert_false(keys_have(KEYS_OWN));
	assert_true(is_zero(&given, sizeof given));
}

UNIT(keys)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(empty_slots), cmocka_unit_test(put_and_use), cmocka_unit_test(last_data_key_is_kept_with_its_key),
		cmocka_unit_test(other_kinds_do_not_decrypt), cmocka_unit_test(public_questions_touch_no_private_byte),
		cmocka_unit_test(stages_are_in_the_area), cmocka_unit_test(wrapping_keys_are_fresh), cmocka_unit_test(wiped_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
