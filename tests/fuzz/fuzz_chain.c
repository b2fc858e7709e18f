/* Certificate chains of TLS servers through BearSSL's path engine: only the genuine leaf (tests/corpus/chain/genuine) is ever accepted. */
#include "fuzz.h"

#include "crypto/x509.h"

#define CERTS 6
#define HOST "fuzz.example"

static struct x509_cert leaf;
static int64_t now_s;

static size_t split(struct span in, struct span certs[CERTS])
{
	size_t n = 0;

	/* By the two-byte lengths that certificates have; what does not look like that goes in as it is. */
	while (in.n && n < CERTS) {
		size_t len = in.n > 4 && in.p[0] == 0x30 && in.p[1] == 0x82 ? 4 + ((size_t)in.p[2] << 8 | in.p[3]) : in.n;

		certs[n] = span_sub(in, 0, len);
		in = span_sub(in, certs[n++].n, in.n);
	}
	return n;
}

void fuzz_setup(void)
{
	static uint8_t storage[1024];
	char why[X509_WHY_MAX];
	struct span certs[CERTS], in;
	struct verify_key key;
	size_t n;
	uint8_t *root = fuzz_file("tests/fuzz/data/root.pem", &n);

	HOLD(x509_anchors_init(span_of(root, n)) == ERR_OK);
	in.p = fuzz_file("tests/corpus/chain/genuine", &n);
	in.n = n;
	n = split(in, certs);
	HOLD(n == 2 && x509_parse(certs[0], &leaf) == ERR_OK);
	now_s = leaf.not_before + 86400;
	HOLD(x509_verify_chain(certs, n, HOST, now_s, storage, sizeof storage, &key, why) == ERR_OK);
}

void fuzz_one(struct span in)
{
	static uint8_t storage[1024];
	char why[X509_WHY_MAX];
	struct span certs[CERTS];
	struct verify_key key;
	struct x509_cert c;
	uint8_t *exact[CERTS];
	size_t n;

	n = split(in, certs);
	for (size_t i = 0; i < n; i++) {
		exact[i] = fuzz_exact(certs[i]);
		certs[i].p = exact[i];
	}
	if (x509_verify_chain(certs, n, HOST, now_s, storage, sizeof storage, &key, why) == ERR_OK) {
		HOLD(n > 0 && x509_parse(certs[0], &c) == ERR_OK && span_eq(c.tbs, leaf.tbs));
		HOLD(key.type == KEY_RSA && span_eq(key.rsa.n, leaf.key.rsa.n) && fuzz_inside(key.rsa.n, span_of(storage, sizeof storage)));
		HOLD(x509_verify_chain(certs, n, "other.example", now_s, storage, sizeof storage, &key, why) != ERR_OK);
		HOLD(x509_verify_chain(certs, n, HOST, leaf.not_after + 1, storage, sizeof storage, &key, why) != ERR_OK);
		HOLD(x509_verify_chain(certs, n, HOST, leaf.not_before - 1, storage, sizeof storage, &key, why) != ERR_OK);
	}
	for (size_t i = 0; i < n; i++)
		free(exact[i]);
}
