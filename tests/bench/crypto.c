/* crypto RSA2048.der RSA3072.der RSA4096.der: processor time of the shipped objects' cryptography, "name seconds" a line. Keys in PKCS#8. */
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "crypto/bear.h"
#include "crypto/gcm.h"
#include "crypto/pkcs8.h"
#include "crypto/rng.h"
#include "os/file.h"

static void check(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static struct gcm_job {
	struct gcm key;
	size_t n;
	uint8_t nonce[GCM_NONCE_LEN], tag[GCM_TAG_LEN], data[16384], copy[16384];
} gcm;

static void seal(void *arg)
{
	struct gcm_job *j = arg;

	gcm_seal(&j->key, j->nonce, SPAN_LIT("0123456789abc"), j->data, j->n, j->tag);
}

/* Opening destroys what it opens: the copy is part of the price. */
static void open_copy(void *arg)
{
	struct gcm_job *j = arg;

	memcpy(j->copy, j->data, j->n);
	check(gcm_open(&j->key, j->nonce, SPAN_LIT("0123456789abc"), j->copy, j->n, j->tag) == ERR_OK, "gcm_open");
}

static void sha256(void *arg)
{
	struct gcm_job *j = arg;
	uint8_t out[SHA256_LEN];

	struct sha256 h;

	hash_sha256_init(&h);
	hash_sha256_update(&h, span_of(j->data, j->n));
	hash_sha256_out(&h, out);
	j->data[0] ^= out[0];
}

static struct rsa_job {
	struct private_key key;
	uint8_t sealed[RSA_MAX], out[RSA_MAX];
	size_t n;
} rsa;

static void oaep_decrypt(void *arg)
{
	struct rsa_job *j = arg;
	size_t n;

	check(rsa_oaep_decrypt(&j->key.rsa, HASH_SHA256, span_of(j->sealed, j->n), j->out, sizeof j->out, &n) == ERR_OK, "rsa_oaep_decrypt");
}

static void load(const char *path)
{
	static uint8_t der[8192];
	uint8_t dek[32];
	struct rsa_pub pub;
	size_t n;

	check(file_read_all(path, der, sizeof der, &n) == ERR_OK, path);
	check(pkcs8_parse(span_of(der, n), &rsa.key) == ERR_OK, path);
	rng_bytes(dek, sizeof dek);
	pub = rsa_public(&rsa.key.rsa);
	check(rsa_oaep_encrypt(&pub, HASH_SHA256, span_of(dek, sizeof dek), rsa.sealed, sizeof rsa.sealed, &rsa.n) == ERR_OK, "rsa_oaep_encrypt");
}

/* What a TLS handshake of ours is made of: two multiplications on Curve25519, one signature on P-256. */
static struct ec_key signer;

static void sign(void *arg)
{
	const br_ec_private_key key = { BR_EC_secp256r1, signer.d, 32 };
	uint8_t sig[80];
	(void)arg;

	check(br_ecdsa_i31_sign_asn1(bear_ec(EC_P256), &br_sha256_vtable, signer.point + 1, &key, sig) > 0, "br_ecdsa_i31_sign_asn1");
}

static void x25519(void *arg)
{
	static uint8_t point[32] = { 9 };

	(void)arg;
	check(br_ec_all_m31.mul(point, 32, signer.d, 32, BR_EC_curve25519) == 1, "x25519");
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "oaep-2048", "oaep-3072", "oaep-4096" };
	uint8_t key[GCM_KEY_LEN];

	check(argc == 4, "usage: crypto RSA2048.der RSA3072.der RSA4096.der");
	rng_bytes(key, sizeof key);
	gcm_init(&gcm.key, key);
	gcm.n = 16;
	measure("seal-16", seal, &gcm);
	measure("open-16", open_copy, &gcm);
	gcm.n = 16384;
	measure("seal-16384", seal, &gcm);
	seal(&gcm);
	measure("open-16384", open_copy, &gcm);
	measure("sha256-16384", sha256, &gcm);
	for (int i = 0; i < 3; i++) {
		load(argv[1 + i]);
		measure(names[i], oaep_decrypt, &rsa);
	}
	check(ec_generate(&signer, EC_P256) == ERR_OK, "ec_generate");
	measure("ecdsa-p256", sign, NULL);
	measure("x25519", x25519, NULL);
	return 0;
}
