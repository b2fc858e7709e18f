/* snpbox: what the firmware would answer: ATTESTATION_REPORT, built and signed. */
#include "snpbox.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#define SIGNED_LEN 0x2a0u
#define COORD_LEN 72 /* room of R and of S, little-endian; 48 bytes count */
#define STATUS_INVALID_PARAM 0x16u
#define STATUS_INVALID_KEY 0x27u
#define KEY_NONE 7u
#define CUT_LEN 1024u /* of a truncated report: the signature is still inside, so only REPORT_SIZE tells */

static EVP_PKEY *vcek;
static const struct options *opts;
static uint8_t template[REPORT_LEN];

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t *p, uint64_t v)
{
	for (int i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool key_load(const char *path)
{
	char group[64] = "";
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		box_log("%s: %s", path, strerror(errno));
		return false;
	}
	vcek = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	fclose(f);
	if (vcek == NULL || EVP_PKEY_get_group_name(vcek, group, sizeof group, NULL) != 1 ||
	    strcmp(group, "secp384r1") != 0) {
		box_log("%s: not a P-384 private key in PEM", path);
		return false;
	}
	return true;
}

/* All fields but those of the request. Offsets: ATTESTATION_REPORT, AMD 56860. */
static bool template_fill(const struct options *o)
{
	/* family, model, stepping */
	static const uint8_t cpuid[3][3] = {{0x19, 0x01, 0x01}, {0x19, 0x11, 0x01}, {0x1a, 0x02, 0x01}};
	static const uint8_t versions[3][3] = {{4, 55, 1}, {4, 55, 1}, {0x41, 55, 1}}; /* build, minor, major */
	const uint8_t *version = versions[o->product];
	uint32_t key = o->vlek ? 1 : o->mask_chip_key ? KEY_NONE : 0;
	uint8_t *r = template;

	put32(r + 0x000, o->report_version);
	put32(r + 0x004, o->guest_svn);
	put64(r + 0x008, o->policy);
	r[0x010] = 1; /* FAMILY_ID and IMAGE_ID as in Azure */
	r[0x020] = 2;
	put32(r + 0x034, 1); /* ECDSA P-384 with SHA-384 */
	put64(r + 0x038, o->current_tcb);
	put64(r + 0x040, o->platform_info);
	put32(r + 0x048, key << 2 | (o->mask_chip_key ? 2 : 0));
	memcpy(r + 0x090, o->measurement, 48);
	memcpy(r + 0x0c0, o->host_data, 32);
	memcpy(r + 0x0e0, o->id_key_digest, 48);
	memset(r + 0x160, 0xff, 32); /* no migration agent */
	put64(r + 0x180, o->tcb);
	if (o->report_version >= 3)
		memcpy(r + 0x188, cpuid[o->product], 3);
	if (!o->mask_chip_id)
		memcpy(r + 0x1a0, o->chip_id, 64);
	put64(r + 0x1e0, o->tcb); /* COMMITTED_TCB: a host reports what it has committed */
	memcpy(r + 0x1e8, version, 3);
	memcpy(r + 0x1ec, version, 3);
	put64(r + 0x1f0, o->current_tcb);
	if (o->report_version >= 5) {
		put64(r + 0x1f8, 0x3f);
		put64(r + 0x200, 0x3f);
	}
	return RAND_bytes(r + 0x140, 32) == 1;
}

bool report_init(const struct options *o)
{
	opts = o;
	if (!key_load(o->vcek_key))
		return false;
	if (!template_fill(o)) {
		box_log("no randomness");
		return false;
	}
	return true;
}

static bool report_sign(uint8_t r[REPORT_LEN])
{
	uint8_t der[256];
	const uint8_t *p = der;
	size_t len = sizeof der;
	ECDSA_SIG *sig = NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, EVP_sha384(), NULL, vcek) == 1 &&
		  EVP_DigestSign(ctx, der, &len, r, SIGNED_LEN) == 1 &&
		  (sig = d2i_ECDSA_SIG(NULL, &p, (long)len)) != NULL &&
		  BN_bn2lebinpad(ECDSA_SIG_get0_r(sig), r + SIGNED_LEN, COORD_LEN) == COORD_LEN &&
		  BN_bn2lebinpad(ECDSA_SIG_get0_s(sig), r + SIGNED_LEN + COORD_LEN, COORD_LEN) == COORD_LEN;
	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	return ok;
}

/* STATUS of a request, 0 if it is fine. */
static uint32_t request_check(const uint8_t req[REQ_LEN])
{
	uint32_t vmpl = get32(req + 64), key_sel = get32(req + 68);

	for (size_t i = 72; i < REQ_LEN; i++)
		if (req[i] != 0)
			return STATUS_INVALID_PARAM;
	if (vmpl > 3 || vmpl < opts->vmpl || key_sel > 2)
		return STATUS_INVALID_PARAM;
	return key_sel == (opts->vlek ? 1 : 2) ? STATUS_INVALID_KEY : 0; /* the key that is not there */
}

void report_refuse(uint32_t status, uint8_t rsp[RSP_LEN])
{
	memset(rsp, 0, RSP_LEN);
	put32(rsp, status);
}

bool report_answer(const uint8_t req[REQ_LEN], const struct report_edit *e, uint8_t rsp[RSP_LEN])
{
	uint8_t *r = rsp + RSP_HEAD_LEN;
	uint32_t status = request_check(req);

	report_refuse(status, rsp);
	if (status != 0)
		return true;
	put32(rsp + 4, e->cut ? CUT_LEN : REPORT_LEN);
	memcpy(r, template, REPORT_LEN);
	memcpy(r + 0x030, req + 64, 4);
	if (!e->no_report_data)
		memcpy(r + 0x050, req, 64);
	if (e->old_tcb)
		put64(r + 0x180, e->tcb);
	if (e->reserved_set)
		r[0x00b] |= 4; /* POLICY bit 26, which must be zero */
	if ((opts->vlek || !opts->mask_chip_key) && !report_sign(r))
		return false;
	if (e->bad_signature)
		r[SIGNED_LEN] ^= 1;
	if (e->cut)
		memset(r + CUT_LEN, 0, REPORT_LEN - CUT_LEN);
	return true;
}
