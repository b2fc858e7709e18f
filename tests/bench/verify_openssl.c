/* verify_openssl PARTS: the public-key work of one offline verification, done by OpenSSL; "verify seconds". PARTS: each with its length in
 * four bytes, little-endian, before it: report; VCEK, ASK, ARK; certificates of the endorsement, leaf first (three); what its signature is
 * over; that signature. */
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "measure.h"

enum { REPORT, VCEK, ASK, ARK, LEAF, MIDDLE, ROOT, SIGNED, SIGNATURE, PARTS };
#define REPORT_SIGNED 0x2a0 /* AMD SEV-SNP ABI, table 23: then the signature, r and s of 72 bytes each, little-endian */

static struct part {
	const unsigned char *p;
	size_t n;
} part[PARTS];

static void check(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "bench: OpenSSL: %s\n", what);
	exit(1);
}

static X509 *certificate(int i)
{
	const unsigned char *p = part[i].p;
	X509 *c = d2i_X509(NULL, &p, (long)part[i].n);

	check(c != NULL, "certificate");
	return c;
}

/* Each is signed by the next, the last by itself. */
static void verify_chain(X509 *const c[3])
{
	for (int i = 0; i < 3; i++)
		check(X509_verify(c[i], X509_get0_pubkey(c[i < 2 ? i + 1 : 2])) == 1, "certificate's signature");
}

static void verify_report(X509 *vcek)
{
	const unsigned char *sig = part[REPORT].p + REPORT_SIGNED;
	ECDSA_SIG *s = ECDSA_SIG_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL;
	int n;

	ECDSA_SIG_set0(s, BN_lebin2bn(sig, 72, NULL), BN_lebin2bn(sig + 72, 72, NULL));
	n = i2d_ECDSA_SIG(s, &der);
	check(EVP_DigestVerifyInit(ctx, NULL, EVP_sha384(), NULL, X509_get0_pubkey(vcek)) == 1 &&
	      EVP_DigestVerify(ctx, der, (size_t)n, part[REPORT].p, REPORT_SIGNED) == 1, "report's signature");
	OPENSSL_free(der);
	ECDSA_SIG_free(s);
	EVP_MD_CTX_free(ctx);
}

static void verify_endorsement(X509 *leaf)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *key;

	check(EVP_DigestVerifyInit(ctx, &key, EVP_sha384(), NULL, X509_get0_pubkey(leaf)) == 1 &&
	      EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING) == 1 && EVP_PKEY_CTX_set_rsa_pss_saltlen(key, 48) == 1 &&
	      EVP_DigestVerify(ctx, part[SIGNATURE].p, part[SIGNATURE].n, part[SIGNED].p, part[SIGNED].n) == 1, "endorsement's signature");
	EVP_MD_CTX_free(ctx);
}

static void verify(void *arg)
{
	X509 *amd[3], *uvm[3];

	(void)arg;
	for (int i = 0; i < 3; i++) {
		amd[i] = certificate(VCEK + i);
		uvm[i] = certificate(LEAF + i);
	}
	verify_chain(amd);
	verify_report(amd[0]);
	verify_chain(uvm);
	verify_endorsement(uvm[0]);
	for (int i = 0; i < 3; i++) {
		X509_free(amd[i]);
		X509_free(uvm[i]);
	}
}

int main(int argc, char **argv)
{
	static unsigned char file[65536];
	FILE *f = argc == 2 ? fopen(argv[1], "rb") : NULL;
	size_t n, at = 0;

	check(f != NULL, "usage: verify_openssl PARTS");
	n = fread(file, 1, sizeof file, f);
	fclose(f);
	for (int i = 0; i < PARTS; i++) {
		uint32_t len;

		check(n - at >= 4, "parts are cut");
		memcpy(&len, file + at, 4);
		check(len <= n - at - 4, "parts are cut");
		part[i] = (struct part){ file + at + 4, len };
		at += 4 + len;
	}
	check(at == n && part[REPORT].n == 1184, "parts");
	measure("verify", verify, NULL);
	return 0;
}
