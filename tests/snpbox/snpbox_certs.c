/* snpbox: the certificate table of extended requests (GHCB specification, SNP Extended Guest Request). */
#include "snpbox.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#define ENTRY_LEN 24u
#define PAGE 4096u
#define TABLE_MAX 0x4000u /* SEV_FW_BLOB_MAX_SIZE */

/* VCEK, ASK, ARK; the sixteen bytes in the order of the text form. */
static const uint8_t GUIDS[3][16] = {
	{0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd},
	{0x4a, 0xb7, 0xb3, 0x79, 0xbb, 0xac, 0x4f, 0xe4, 0xa0, 0x2f, 0x05, 0xae, 0xf3, 0x27, 0xc7, 0x82},
	{0xc0, 0xb4, 0x06, 0xa4, 0xa8, 0x03, 0x49, 0x52, 0x97, 0x43, 0x3f, 0xb6, 0x01, 0x4c, 0xd0, 0xae},
};

static uint8_t table[TABLE_MAX];
static size_t table_len;

static void put32(uint8_t *p, size_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

/* Entries first, an all-zero one after the last, then the certificates in DER. */
static bool from_pem(FILE *f)
{
	size_t at = 4 * ENTRY_LEN;

	for (size_t i = 0; i < 3; i++) {
		X509 *x = PEM_read_X509(f, NULL, NULL, NULL);
		if (x == NULL)
			break;
		int len = i2d_X509(x, NULL);
		uint8_t *dst = table + at;
		bool fits = len > 0 && (size_t)len <= TABLE_MAX - at;
		if (fits)
			i2d_X509(x, &dst);
		X509_free(x);
		if (!fits)
			return false;
		memcpy(table + i * ENTRY_LEN, GUIDS[i], 16);
		put32(table + i * ENTRY_LEN + 16, at);
		put32(table + i * ENTRY_LEN + 20, (size_t)len);
		at += (size_t)len;
	}
	table_len = at;
	return at > 4 * ENTRY_LEN;
}

bool certs_load(const char *path)
{
	FILE *f = fopen(path, "re");

	if (f == NULL) {
		box_log("%s: %s", path, strerror(errno));
		return false;
	}
	bool ok;
	if (fgetc(f) == '-') {
		rewind(f);
		ok = from_pem(f);
	} else {
		rewind(f);
		table_len = fread(table, 1, sizeof table, f);
		ok = table_len > 0 && fgetc(f) == EOF;
	}
	fclose(f);
	if (!ok)
		box_log("%s: neither PEM certificates nor a certificate table of at most 16384 bytes", path);
	return ok;
}

size_t certs_size(void)
{
	return (table_len + PAGE - 1) / PAGE * PAGE;
}

const uint8_t *certs_bytes(void)
{
	return table;
}
