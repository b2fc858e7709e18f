/* Making RS256 tokens and wrapped keys: the services' side, for tests only. Text is put together with snprintf and an encoder
 * of its own, so that a fault of the tested codecs is not repeated here. */
#ifndef UNIT_SIGNER_H
#define UNIT_SIGNER_H

#include <bearssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/rsa.h"

/* Base64 of n bytes as text with NUL; url: the URL alphabet; pad: with '='. */
static inline char *b64_text(const void *bytes, size_t n, int url, int pad)
{
	const char *digits = url ? "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	                         : "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *b = bytes;
	char *text = malloc(n * 2 + 8), *to = text;

	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned v = (unsigned)b[i] << 16 | (left > 1 ? (unsigned)b[i + 1] << 8 : 0) | (left > 2 ? b[i + 2] : 0u);

		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		if (left > 1)
			*to++ = digits[v >> 6 & 63];
		else if (pad)
			*to++ = '=';
		if (left > 2)
			*to++ = digits[v & 63];
		else if (pad)
			*to++ = '=';
	}
	*to = 0;
	return text;
}

static inline char *b64u(const void *bytes, size_t n)
{
	return b64_text(bytes, n, 1, 0);
}

/* A compact JWS with an RS256 signature over the given header and payload texts. The caller frees it. */
static inline char *sign_token(const struct rsa_key *k, const char *header, const char *payload)
{
	static const unsigned char oid[] = "\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01";
	struct rsa_key copy = *k;
	br_rsa_private_key key = { copy.n_bits, copy.p, copy.p_len, copy.q, copy.q_len, copy.dp, copy.dp_len, copy.dq,
		                   copy.dq_len, copy.qi, copy.qi_len };
	unsigned char hash[32], sig[RSA_MAX];
	char *h = b64u(header, strlen(header)), *p = b64u(payload, strlen(payload)), *s, *text;
	size_t n = strlen(h) + strlen(p);
	br_sha256_context c;

	text = malloc(n + 2000);
	sprintf(text, "%s.%s", h, p);
	br_sha256_init(&c);
	br_sha256_update(&c, text, n + 1);
	br_sha256_out(&c, hash);
	if (!br_rsa_i62_pkcs1_sign(oid, hash, 32, &key, sig))
		abort();
	s = b64u(sig, k->n_len);
	strcat(text, ".");
	strcat(text, s);
	free(h);
	free(p);
	free(s);
	return text;
}

/* {"kty":"RSA","n":..,"e":"AQAB","kid":kid} */
static inline char *public_jwk(const struct rsa_key *k, const char *kid)
{
	char *n = b64u(k->n, k->n_len), *text = malloc(2000);

	sprintf(text, "{\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"%s\",\"n\":\"%s\",\"e\":\"AQAB\"}", kid, n);
	free(n);
	return text;
}

/* AES-256 of one block: what counter mode adds to zeros is the encrypted counter block. */
static inline void aes_block(const unsigned char kek[32], unsigned char block[16])
{
	br_aes_ct64_ctr_keys keys;
	unsigned char zero[16] = { 0 };

	br_aes_ct64_ctr_init(&keys, kek, 32);
	br_aes_ct64_ctr_run(&keys, block, (uint32_t)block[12] << 24 | (uint32_t)block[13] << 16 | (uint32_t)block[14] << 8 | block[15], zero, 16);
	memcpy(block, zero, 16);
}

/* AES key wrap with padding, RFC 5649 section 4.1. dst has room for n + 16 bytes. Gives the length. */
static inline size_t kwp_wrap(const unsigned char kek[32], const unsigned char *key, size_t n, unsigned char *dst)
{
	size_t blocks = (n + 7) / 8;
	unsigned char b[16] = { 0xa6, 0x59, 0x59, 0xa6 };

	memset(dst, 0, blocks * 8 + 8);
	memcpy(dst + 8, key, n);
	for (int i = 0; i < 4; i++)
		b[4 + i] = (unsigned char)(n >> (24 - 8 * i));
	for (unsigned j = 0; j < 6; j++) {
		for (size_t i = 1; i <= blocks; i++) {
			unsigned t = (unsigned)(blocks * j + i);

			memcpy(b + 8, dst + 8 * i, 8);
			aes_block(kek, b);
			for (int k = 0; k < 4; k++)
				b[4 + k] ^= (unsigned char)(t >> (24 - 8 * k));
			memcpy(dst + 8 * i, b + 8, 8);
		}
	}
	memcpy(dst, b, 8);
	return blocks * 8 + 8;
}

#endif
