/* Private keys at work: RSA-OAEP, scalars of curves, the whole way from the vault's ciphertext to the key. */
#include "azure/akv.h"
#include "crypto/pkcs8.h"
#include "text/der.h"
#include "secret.h"

static uint8_t p8[2048];
static size_t p8_n;
static struct private_key key;
static uint8_t sealed[RSA_MAX], opened[RSA_MAX];

/* The numbers, but for the first byte of each: how many bits a prime has is known of every key of its size, and is looked at. */
static void hide(uint8_t *number, size_t n)
{
	SECRET(number + 1, n - 1);
}

static void hide_rsa(struct rsa_key *k)
{
	hide(k->p, k->p_len);
	hide(k->q, k->q_len);
	hide(k->dp, k->dp_len);
	hide(k->dq, k->dq_len);
	hide(k->qi, k->qi_len);
}

static void show_rsa(struct rsa_key *k)
{
	PUBLIC(k, sizeof *k);
}

static void oaep(void)
{
	struct rsa_pub pub = rsa_public(&key.rsa);
	size_t n, len;

	for (int alg = HASH_SHA1; alg <= HASH_SHA256; alg++) {
		uint8_t msg[32] = { 7 };

		SECRET(msg, sizeof msg);
		EXPECT(verdict(rsa_oaep_encrypt(&pub, (enum hash_alg)alg, span_of(msg, 32), sealed, sizeof sealed, &n)) == ERR_OK);
		PUBLIC(sealed, sizeof sealed);
		hide_rsa(&key.rsa);
		EXPECT(verdict(rsa_oaep_decrypt(&key.rsa, (enum hash_alg)alg, span_of(sealed, n), opened, sizeof opened, &len)) == ERR_OK);
		EXPECT(len == 32);
		/* Wrong in every way that padding can be (another label's hash, no delimiter, a changed first byte all come out of a changed ciphertext):
		 * the same way is taken. */
		sealed[17] ^= 4;
		EXPECT(verdict(rsa_oaep_decrypt(&key.rsa, (enum hash_alg)alg, span_of(sealed, n), opened, sizeof opened, &len)) == ERR_CRYPTO);
		show_rsa(&key.rsa);
	}
}

/* PKCS#8 with its numbers hidden: reading copies them, and the check of the key is a private operation. */
static void pkcs8(void)
{
	static struct private_key k;
	struct der outer = der_init(span_of(p8, p8_n)), info, rsa, seq;

	info = der_enter(&outer, DER_SEQUENCE);
	EXPECT(der_u64(&info) == 0);
	der_element(&info, NULL);
	rsa = der_init(der_take(&info, DER_OCTET_STRING));
	seq = der_enter(&rsa, DER_SEQUENCE);
	for (int i = 0; i < 9; i++) {
		struct span number = der_take(&seq, DER_INTEGER);

		/* version, n and e are public. The first two bytes say whether the form is minimal. */
		if (i >= 3)
			SECRET((uint8_t *)(uintptr_t)number.p + 2, number.n - 2);
	}
	EXPECT(der_done(&seq) && verdict(pkcs8_parse(span_of(p8, p8_n), &k)) == ERR_OK && k.type == KEY_RSA);
	PUBLIC(p8, p8_n);
	pkcs8_wipe(&k);
}

static void curves(void)
{
	struct ec_key k;
	uint8_t d[EC_SCALAR_MAX] = { 0 };

	for (int curve = EC_P256; curve <= EC_P521; curve++) {
		size_t n = ec_field_len((enum ec_curve)curve);

		memset(d, 0x31, sizeof d);
		d[0] = 0;
		SECRET(d, sizeof d);
		EXPECT(verdict(ec_from_scalar(&k, (enum ec_curve)curve, span_of(d, n))) == ERR_OK);
		PUBLIC(&k, sizeof k);
		EXPECT(k.point[0] == 4);
		memset(d, 0xff, sizeof d);
		SECRET(d, sizeof d);
		EXPECT(verdict(ec_from_scalar(&k, (enum ec_curve)curve, span_of(d, n))) == ERR_RANGE);
	}
}

/* akv_unwrap over the recorded ciphertexts of tests/corpus/unwrap: an oct key, and a ciphertext with a changed end. */
static void vault(void)
{
	static struct akv_stage stage;
	struct private_key *k = &stage.key;
	uint8_t text[4096];
	size_t n = read_file("tests/corpus/unwrap/oct", text, sizeof text);

	stage.wrap = key;
	hide_rsa(&stage.wrap.rsa);
	for (int i = 0; i < 2; i++) {
		enum err e = verdict(akv_unwrap(&stage, "RSA_AES_KEY_WRAP_256", span_of(text, n), "oct-HSM"));

		EXPECT(e == (i == 0 ? ERR_OK : ERR_CRYPTO));
		PUBLIC(&k->oct_len, sizeof k->oct_len);
		EXPECT(k->oct_len == (i == 0 ? 32 : 0));
		text[n - 1] ^= 1;
	}
	show_rsa(&stage.wrap.rsa);
}

int main(void)
{
	p8_n = read_file("tests/fuzz/data/rsa.p8", p8, sizeof p8);
	EXPECT(pkcs8_parse(span_of(p8, p8_n), &key) == ERR_OK);
	oaep();
	pkcs8();
	curves();
	vault();
	return 0;
}
