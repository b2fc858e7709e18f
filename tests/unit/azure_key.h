/* The public TEST key of the Azure vectors as a loaded key, and running openssl. For tests only. */
#ifndef UNIT_AZURE_KEY_H
#define UNIT_AZURE_KEY_H

#include "crypto/pkcs8.h"
#include "text/der.h"
#include "text/pem.h"
#include "vectors.h"

/* PrivateKeyInfo around an RSAPrivateKey, written into store; the view lies inside it. */
static inline struct span pkcs8_around_rsa(struct span pkcs1, uint8_t *store, size_t cap)
{
	static const uint8_t oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01 };
	struct dw w = dw_init(store, cap);
	size_t whole = dw_mark(&w), alg;

	dw_tlv(&w, DER_OCTET_STRING, pkcs1);
	alg = dw_mark(&w);
	dw_tlv(&w, DER_NULL, span_of(NULL, 0));
	dw_tlv(&w, DER_OID, span_of(oid, sizeof oid));
	dw_wrap(&w, DER_SEQUENCE, alg);
	dw_u64(&w, 0);
	dw_wrap(&w, DER_SEQUENCE, whole);
	if (w.bad)
		abort();
	return dw_span(&w);
}

/* False when there are no vectors; a vector that does not load ends the test program. */
static inline bool azure_test_key(struct private_key *k)
{
	uint8_t pkcs1[2048], store[2048], *bytes;
	struct span text;
	size_t n;

	bytes = vectors_read("azure/skr-sidecar/akv_unwrap_test_rsa2048_private_pkcs1.pem", &n);
	if (!bytes)
		return false;
	text = span_of(bytes, n);
	if (pem_next(&text, "RSA PRIVATE KEY", pkcs1, sizeof pkcs1, &n) ||
	    pkcs8_parse(pkcs8_around_rsa(span_of(pkcs1, n), store, sizeof store), k))
		abort();
	free(bytes);
	return true;
}

/* Output of a shell command; 0 bytes when it fails. */
static inline size_t run_command(const char *command, uint8_t *dst, size_t cap)
{
	FILE *f = popen(command, "r");
	size_t n = f ? fread(dst, 1, cap, f) : 0;

	return f && pclose(f) == 0 ? n : 0;
}

static inline bool have_openssl(void)
{
	uint8_t line[256];

	return run_command("openssl version 2>/dev/null", line, sizeof line) > 0;
}

#endif
