/* X.509: AMD's real certificates, hostile bytes, anchors, and chains made by openssl. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>
#include <cmocka.h>

#include "crypto/tls.h"
#include "crypto/x509.h"
#include "enc/der.h"
#include "pki.h"
#include "vectors.h"

static bool have_openssl;

static void need_openssl(void)
{
	if (!have_openssl)
		skip();
}

/* --- AMD's certificates ------------------------------------------------------------------------------------------- */

struct chain {
	uint8_t bytes[32768];
	struct span der[4];
	struct x509_cert cert[4];
	size_t n;
};

/* PEM chain or one DER certificate of the vectors, parsed. */
static void load(struct chain *c, const char *name)
{
	size_t n = 0, used = 0;
	uint8_t *file = vectors_read(name, &n);
	struct span text;

	c->n = 0;
	if (!file)
		skip();
	if (file[0] == 0x30) {
		memcpy(c->bytes, file, n);
		c->der[c->n++] = span_of(c->bytes, n);
	} else {
		text = span_of(file, n);
		while (c->n < 4) {
			size_t len = 0;

			if (pem_next(&text, "CERTIFICATE", c->bytes + used, sizeof c->bytes - used, &len) != ERR_OK)
				break;
			c->der[c->n++] = span_of(c->bytes + used, len);
			used += len;
		}
	}
	free(file);
	for (size_t i = 0; i < c->n; i++)
		assert_int_equal(x509_parse(c->der[i], &c->cert[i]), ERR_OK);
}

#define SEV "azure/go-sev-guest/"
static struct chain a, b;

static void test_amd_issuers(void **state)
{
	static const char *const files[] = { SEV "ask_ark_milan.pem",      SEV "ask_ark_genoa.pem",
		                             SEV "ask_ark_turin_vcek.pem", SEV "ask_ark_milan_vlek.pem",
		                             SEV "ask_ark_genoa_vlek.pem", SEV "ask_ark_turin_vlek.pem" };

	(void)state;
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		load(&a, files[i]);
		assert_int_equal(a.n, 2);
		assert_int_equal(x509_signed_by(&a.cert[0], &a.cert[1]), ERR_OK);
		assert_int_equal(x509_signed_by(&a.cert[1], &a.cert[1]), ERR_OK);
		assert_int_not_equal(x509_signed_by(&a.cert[1], &a.cert[0]), ERR_OK);
		assert_int_equal(x509_signed_by(&a.cert[0], &a.cert[0]), ERR_UNTRUSTED);
		load(&b, files[(i + 1) % 3]); /* of another product */
		assert_int_equal(x509_signed_by(&a.cert[0], &b.cert[1]), ERR_UNTRUSTED);
		b.cert[1].subject = a.cert[0].issuer; /* the right name does not make up for the wrong key */
		assert_int_equal(x509_signed_by(&a.cert[0], &b.cert[1]), ERR_CRYPTO);
	}
}

static void check_vcek(const struct x509_cert *vcek, unsigned microcode)
{
	static const uint8_t ucode_spl[] = { 0x2b, 0x06, 0x01, 0x04, 0x01, 0x9c, 0x78, 0x01, 0x03, 0x08 };
	struct span value;
	bool critical = true;
	struct der d;

	assert_int_equal(vcek->serial.n, 1);
	assert_int_equal(vcek->serial.p[0], 0);
	assert_int_equal(vcek->key.type, KEY_EC);
	assert_int_equal(vcek->key.curve, EC_P384);
	assert_in_range(vcek->not_after - vcek->not_before, (7 * 365 + 1) * 86400, (7 * 365 + 2) * 86400);
	assert_true(x509_extension(vcek, span_of(ucode_spl, sizeof ucode_spl), &value, &critical));
	assert_false(critical);
	d = der_init(value);
	assert_int_equal(der_u64(&d), microcode);
	assert_true(der_done(&d));
	assert_false(x509_extension(vcek, span_of(ucode_spl, sizeof ucode_spl - 1), &value, &critical));
}

static void test_vcek_with_written_trailer(void **state)
{
	(void)state;
	load(&a, SEV "vcek.testcer");
	load(&b, SEV "ask_ark_milan.pem");
	assert_int_equal(a.cert[0].sig_alg.n, 0x48);
	assert_int_equal(x509_signed_by(&a.cert[0], &b.cert[0]), ERR_OK);
	assert_int_not_equal(x509_signed_by(&a.cert[0], &b.cert[1]), ERR_OK);
	check_vcek(&a.cert[0], 0x44);
}

static void test_vcek_with_default_trailer(void **state)
{
	(void)state;
	load(&a, "azure/skr-sidecar/cert_fetcher_test_chain.pem");
	assert_int_equal(a.n, 3);
	assert_int_equal(a.cert[0].sig_alg.n, 0x43);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(x509_signed_by(&a.cert[i], &a.cert[i < 2 ? i + 1 : 2]), ERR_OK);
	check_vcek(&a.cert[0], 0xdb);
	load(&a, "azure/skr-sidecar/uvm_host_amd_certificate.pem");
	assert_int_equal(a.n, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(x509_signed_by(&a.cert[i], &a.cert[i < 2 ? i + 1 : 2]), ERR_OK);
}

static void test_any_changed_byte_is_refused(void **state)
{
	static uint8_t copy[4096];
	struct x509_cert c;
	unsigned parsed = 0;

	(void)state;
	load(&a, SEV "vcek.testcer");
	load(&b, SEV "ask_ark_milan.pem");
	assert_true(a.der[0].n <= sizeof copy);
	for (size_t i = 0; i < a.der[0].n; i++) {
		memcpy(copy, a.der[0].p, a.der[0].n);
		copy[i] ^= (uint8_t)(1u << (i % 8));
		if (x509_parse(span_of(copy, a.der[0].n), &c) != ERR_OK)
			continue;
		parsed++;
		assert_int_not_equal(x509_signed_by(&c, &b.cert[0]), ERR_OK);
	}
	assert_true(parsed > 500); /* names, dates, keys and the signature itself still parse */
}

static void test_cut_or_longer_bytes_are_refused(void **state)
{
	struct x509_cert c;

	(void)state;
	load(&a, SEV "vcek.testcer");
	for (size_t n = 0; n <= a.der[0].n + 1; n++) {
		uint8_t *exact = malloc(n ? n : 1); /* so that the sanitizer sees one byte too many */

		memset(exact, 0, n);
		memcpy(exact, a.der[0].p, n < a.der[0].n ? n : a.der[0].n);
		assert_int_equal(x509_parse(span_of(exact, n), &c), n == a.der[0].n ? ERR_OK : ERR_SYNTAX);
		free(exact);
	}
}

/* --- structure ---------------------------------------------------------------------------------------------------- */

static const uint8_t private_oid[] = { 0x2a, 0x03, 0x04 };
#define PRIVATE_EXTENSION 0x30, 0x0a, 0x06, 0x03, 0x2a, 0x03, 0x04, 0x04, 0x03, 0x04, 0x01, 0x78

static void test_extension_present_repeated_malformed(void **state)
{
	static const uint8_t once[] = { PRIVATE_EXTENSION }, twice[] = { PRIVATE_EXTENSION, PRIVATE_EXTENSION };
	static const uint8_t no_value[] = { 0x30, 0x05, 0x06, 0x03, 0x2a, 0x03, 0x04 };
	static const uint8_t odd_flag[] = { 0x30, 0x0a, 0x06, 0x03, 0x2a, 0x03, 0x04, 0x01, 0x01, 0x01, 0x04, 0x00 };
	static const uint8_t marked[] = { 0x30, 0x0a, 0x06, 0x03, 0x2a, 0x03, 0x04, 0x01, 0x01, 0xff, 0x04, 0x00 };
	static struct tls_identity id;
	struct x509_cert c;
	struct span value;
	bool critical = true;

	(void)state;
	assert_int_equal(tls_identity_make(&id, "a", time(NULL), 1, span_of(once, sizeof once)), ERR_OK);
	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	assert_true(x509_extension(&c, span_of(private_oid, 3), &value, &critical));
	assert_false(critical);
	assert_true(span_eq(value, SPAN_LIT("\x04\x01x")));
	assert_int_equal(tls_identity_make(&id, "a", time(NULL), 1, span_of(twice, sizeof twice)), ERR_OK);
	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	assert_false(x509_extension(&c, span_of(private_oid, 3), &value, &critical));
	assert_int_equal(tls_identity_make(&id, "a", time(NULL), 1, span_of(marked, sizeof marked)), ERR_OK);
	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	assert_true(x509_extension(&c, span_of(private_oid, 3), &value, &critical));
	assert_true(critical);
	assert_int_equal(tls_identity_make(&id, "a", time(NULL), 1, span_of(no_value, sizeof no_value)), ERR_OK);
	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_SYNTAX);
	assert_int_equal(tls_identity_make(&id, "a", time(NULL), 1, span_of(odd_flag, sizeof odd_flag)), ERR_OK);
	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_SYNTAX);
}

/* A certificate written field by field, signature of zeros: for x509_parse only. */
struct recipe {
	unsigned version;       /* as encoded; 9: none */
	bool extensions, unique_id, other_inner_alg;
	const uint8_t *spki;
	size_t spki_len;
};

static size_t write_cert(const struct recipe *r, uint8_t *buf, size_t cap)
{
	static const uint8_t alg[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	static const uint8_t alg2[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03 };
	static const uint8_t extension[] = { PRIVATE_EXTENSION };
	struct dw w = dw_init(buf, cap);
	size_t mark, inner;

	dw_bytes(&w, SPAN_LIT("\0\0\0"));
	dw_wrap_bits(&w, 0);
	dw_bytes(&w, span_of(alg, sizeof alg));
	mark = dw_mark(&w);
	if (r->extensions) {
		dw_bytes(&w, span_of(extension, sizeof extension));
		dw_wrap(&w, DER_SEQUENCE, mark);
		dw_wrap(&w, DER_CONTEXT_CONSTRUCTED + 3, mark);
	}
	if (r->unique_id)
		dw_tlv(&w, DER_CONTEXT + 1, SPAN_LIT("\0\1"));
	dw_bytes(&w, span_of(r->spki, r->spki_len));
	dw_tlv(&w, DER_SEQUENCE, SPAN_LIT(""));
	inner = dw_mark(&w);
	dw_time(&w, 4102444800); /* 2100 */
	dw_time(&w, 1000000000);
	dw_wrap(&w, DER_SEQUENCE, inner);
	dw_tlv(&w, DER_SEQUENCE, SPAN_LIT(""));
	dw_bytes(&w, r->other_inner_alg ? span_of(alg2, sizeof alg2) : span_of(alg, sizeof alg));
	dw_u64(&w, 0);
	if (r->version != 9) {
		inner = dw_mark(&w);
		dw_u64(&w, r->version);
		dw_wrap(&w, DER_CONTEXT_CONSTRUCTED, inner);
	}
	dw_wrap(&w, DER_SEQUENCE, mark);
	dw_wrap(&w, DER_SEQUENCE, 0);
	assert_false(w.bad);
	memmove(buf, dw_span(&w).p, dw_span(&w).n);
	return dw_span(&w).n;
}

static enum err parse_recipe(const struct recipe *r, struct x509_cert *c)
{
	static uint8_t buf[2048];
	size_t n = write_cert(r, buf, sizeof buf);

	return x509_parse(span_of(buf, n), c);
}

/* RSA SubjectPublicKeyInfo of a modulus length and exponent. */
static size_t write_rsa(uint8_t *buf, size_t cap, size_t modulus, struct span e, bool even)
{
	static const uint8_t alg[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05,
		                       0x00 };
	uint8_t n[1024];
	struct dw w = dw_init(buf, cap);

	memset(n, 0xa5, sizeof n);
	n[modulus - 1] = even ? 0x10 : 0x11;
	dw_uint(&w, e);
	dw_uint(&w, span_of(n, modulus));
	dw_wrap(&w, DER_SEQUENCE, 0);
	dw_wrap_bits(&w, 0);
	dw_bytes(&w, span_of(alg, sizeof alg));
	dw_wrap(&w, DER_SEQUENCE, 0);
	assert_false(w.bad);
	memmove(buf, dw_span(&w).p, dw_span(&w).n);
	return dw_span(&w).n;
}

static void test_versions_and_fields(void **state)
{
	static uint8_t rsa[1200];
	struct recipe r = { .version = 2, .extensions = true, .spki = rsa };
	struct x509_cert c;

	(void)state;
	r.spki_len = write_rsa(rsa, sizeof rsa, 256, SPAN_LIT("\1\0\1"), false);
	assert_int_equal(parse_recipe(&r, &c), ERR_OK);
	assert_int_equal(c.not_before, 1000000000);
	assert_int_equal(c.not_after, 4102444800);
	assert_int_equal(c.key.type, KEY_RSA);
	assert_int_equal(c.key.rsa.n.n, 256);
	r.extensions = false;
	assert_int_equal(parse_recipe(&r, &c), ERR_OK);
	r.version = 9; /* none: version 1 */
	assert_int_equal(parse_recipe(&r, &c), ERR_OK);
	r.extensions = true; /* version 1 has none */
	assert_int_equal(parse_recipe(&r, &c), ERR_SYNTAX);
	for (r.version = 0; r.version < 5; r.version++)
		assert_int_equal(parse_recipe(&r, &c), r.version == 2 ? ERR_OK : ERR_SYNTAX);
	r.version = 2;
	r.unique_id = true;
	assert_int_equal(parse_recipe(&r, &c), ERR_SYNTAX);
	r.unique_id = false;
	r.other_inner_alg = true;
	assert_int_equal(parse_recipe(&r, &c), ERR_SYNTAX);
}

static void test_keys_outside_the_limits(void **state)
{
	static uint8_t spki[1200];
	struct recipe r = { .version = 2, .spki = spki };
	struct x509_cert c;
	static const struct {
		size_t modulus;
		struct span e;
		bool even;
		enum err expected;
	} cases[] = {
		{ 256, { (const uint8_t *)"\3", 1 }, false, ERR_OK },
		{ 512, { (const uint8_t *)"\1\0\1", 3 }, false, ERR_OK },
		{ 255, { (const uint8_t *)"\1\0\1", 3 }, false, ERR_SYNTAX },
		{ 513, { (const uint8_t *)"\1\0\1", 3 }, false, ERR_SYNTAX },
		{ 256, { (const uint8_t *)"\1\0\1", 3 }, true, ERR_SYNTAX },  /* even modulus */
		{ 256, { (const uint8_t *)"\1", 1 }, false, ERR_SYNTAX },     /* exponent 1: anyone could sign */
		{ 256, { (const uint8_t *)"\0", 1 }, false, ERR_SYNTAX },
		{ 256, { (const uint8_t *)"\4", 1 }, false, ERR_SYNTAX },
		{ 256, { (const uint8_t *)"\1\1\1\1\1\1\1\1\1", 9 }, false, ERR_SYNTAX },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		r.spki_len = write_rsa(spki, sizeof spki, cases[i].modulus, cases[i].e, cases[i].even);
		assert_int_equal(parse_recipe(&r, &c), cases[i].expected);
	}
}

/* --- anchors and chains ------------------------------------------------------------------------------------------- */

static uint8_t chain_bytes[32768];
static struct span certs[8];
static uint8_t storage[1024];
static struct verify_key key;

static void trust(const char *pem_name)
{
	size_t n = 0;
	const char *pem = pki_file(pem_name, &n);

	assert_non_null(pem);
	assert_int_equal(x509_anchors_init(span_of(pem, n)), ERR_OK);
}

static enum err verify_at(const char *pem_name, const char *host, int64_t now)
{
	size_t n = pki_chain(pem_name, chain_bytes, sizeof chain_bytes, certs, 8);

	return x509_verify_chain(certs, n, host, now, storage, sizeof storage, &key);
}

static enum err verify(const char *pem_name, const char *host)
{
	return verify_at(pem_name, host, time(NULL));
}

static void test_anchor_bundles(void **state)
{
	size_t n = 0;
	static char bundle[65536];
	const char *pem;

	(void)state;
	assert_int_equal(x509_anchors_init(span_of(NULL, 0)), ERR_OK);
	assert_int_equal(x509_anchors_init(SPAN_LIT("no certificate here")), ERR_SYNTAX);
	assert_int_equal(x509_anchors_init(SPAN_LIT("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")),
	                 ERR_SYNTAX);
	need_openssl();
	pem = pki_file("leaf.pem", &n);
	assert_int_equal(x509_anchors_init(span_of(pem, n)), ERR_SYNTAX); /* no authority */
	assert_int_equal(verify("leaf.chain.pem", "good.example"), ERR_UNTRUSTED);
	pem = pki_file("root.pem", &n);
	for (unsigned i = 0; i < 50; i++)
		memcpy(bundle + i * n, pem, n);
	assert_int_equal(x509_anchors_init(span_of(bundle, n)), ERR_OK);
	assert_int_equal(verify("leaf.chain.pem", "good.example"), ERR_OK);
	assert_int_equal(x509_anchors_init(span_of(bundle, 50 * n)), ERR_FULL);
	assert_int_equal(verify("leaf.chain.pem", "good.example"), ERR_UNTRUSTED); /* nothing is trusted then */
	trust("root.pem");
	assert_int_equal(verify("rsaleaf.pem", "good.example"), ERR_UNTRUSTED);
	trust("anchors.pem");
	assert_int_equal(verify("rsaleaf.pem", "good.example"), ERR_OK);
}

static void test_good_chains(void **state)
{
	static const char *const files[] = { "leaf.chain.pem", "full.chain.pem", "noeku.chain.pem", "p384leaf.pem",
		                             "rsaleaf.pem" };
	struct x509_cert c;

	(void)state;
	need_openssl();
	trust("anchors.pem");
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		assert_int_equal(verify(files[i], "good.example"), ERR_OK);
		assert_int_equal(x509_parse(certs[0], &c), ERR_OK);
		assert_int_equal(key.type, c.key.type);
		if (key.type == KEY_EC) {
			assert_int_equal(key.curve, c.key.curve);
			assert_true(span_eq(key.point, c.key.point));
			assert_ptr_equal(key.point.p, storage);
		} else {
			assert_true(span_eq(key.rsa.n, c.key.rsa.n));
			assert_true(span_eq(key.rsa.e, c.key.rsa.e));
			assert_ptr_equal(key.rsa.n.p, storage);
		}
	}
	assert_int_equal(x509_verify_chain(certs, 1, "good.example", time(NULL), storage, 258, &key), ERR_TOO_BIG);
}

static void test_names(void **state)
{
	static const struct {
		const char *host;
		enum err expected;
	} cases[] = {
		{ "good.example", ERR_OK },          { "GOOD.Example", ERR_OK },         { "a.wild.example", ERR_OK },
		{ "localhost", ERR_OK },             { "bad.example", ERR_UNTRUSTED },   { "good.example.", ERR_UNTRUSTED },
		{ "good.exampl", ERR_UNTRUSTED },    { "xgood.example", ERR_UNTRUSTED }, { "wild.example", ERR_UNTRUSTED },
		{ "a.b.wild.example", ERR_UNTRUSTED }, { ".wild.example", ERR_OK }, /* an empty label: no such host can be reached */
		{ "", ERR_UNTRUSTED },               { "*.wild.example", ERR_OK },
	};

	(void)state;
	need_openssl();
	trust("anchors.pem");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(verify("leaf.chain.pem", cases[i].host), cases[i].expected);
	assert_int_equal(verify("leaf.chain.pem", NULL), ERR_UNTRUSTED);
	assert_int_equal(verify("nosan.chain.pem", "good.example"), ERR_UNTRUSTED); /* never the common name */
}

static void test_dates(void **state)
{
	int64_t now = time(NULL);

	(void)state;
	need_openssl();
	trust("anchors.pem");
	assert_int_equal(verify_at("leaf.chain.pem", "good.example", now + 300 * 86400), ERR_OK);
	assert_int_equal(verify_at("leaf.chain.pem", "good.example", now + 366 * 86400), ERR_UNTRUSTED);
	assert_int_equal(verify_at("leaf.chain.pem", "good.example", now - 86400), ERR_UNTRUSTED);
	assert_int_equal(verify_at("leaf.chain.pem", "good.example", 0), ERR_UNTRUSTED);
	assert_int_equal(verify_at("leaf.chain.pem", "good.example", -5), ERR_UNTRUSTED);
}

static void test_bad_chains(void **state)
{
	static const char *const files[] = { "leaf.pem",          /* intermediate missing */
		                             "order.chain.pem",   /* wrong order */
		                             "swapped.chain.pem", /* leaf not first */
		                             "sub.chain.pem",     /* issuer is no authority */
		                             "sha1.chain.pem",    /* SHA-1 signature */
		                             "untrusted.pem",     /* other root */
		                             "weak.pem",          /* RSA-1024 */
		                             "mail.chain.pem",    /* not for servers */
		                             "agree.chain.pem",   /* may not sign */
		                             "critical.chain.pem", /* unknown critical extension */
		                             "pss48.pem",         /* PSS in a web chain */
		                             "root.pem", "inter.pem" };

	(void)state;
	need_openssl();
	trust("anchors.pem");
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
		assert_int_equal(verify(files[i], "good.example"), ERR_UNTRUSTED);
	assert_int_equal(x509_verify_chain(certs, 0, "good.example", time(NULL), storage, sizeof storage, &key),
	                 ERR_UNTRUSTED);
}

static void test_changed_chain_bytes(void **state)
{
	size_t n;
	unsigned i = 0;

	(void)state;
	need_openssl();
	trust("anchors.pem");
	assert_int_equal(verify("leaf.chain.pem", "good.example"), ERR_OK);
	n = certs[0].n + certs[1].n;
	for (size_t at = 0; at < n; at += 3, i++) {
		chain_bytes[at] ^= (uint8_t)(1u << (i % 8));
		assert_int_equal(x509_verify_chain(certs, 2, "good.example", time(NULL), storage, sizeof storage, &key),
		                 ERR_UNTRUSTED);
		chain_bytes[at] ^= (uint8_t)(1u << (i % 8));
	}
	assert_int_equal(x509_verify_chain(certs, 2, "good.example", time(NULL), storage, sizeof storage, &key), ERR_OK);
}

static void parse_file(const char *name, uint8_t *buf, size_t cap, struct x509_cert *c)
{
	struct span der;

	assert_int_equal(pki_chain(name, buf, cap, &der, 1), 1);
	assert_int_equal(x509_parse(der, c), ERR_OK);
}

static void test_signature_algorithms(void **state)
{
	static const struct {
		const char *file, *issuer;
		enum err expected;
	} cases[] = {
		{ "leaf.pem", "inter.pem", ERR_OK },         { "inter.pem", "root.pem", ERR_OK },
		{ "p384leaf.pem", "p384root.pem", ERR_OK },  { "rsaleaf.pem", "rsaroot.pem", ERR_OK }, /* SHA-512 */
		{ "rsaroot.pem", "rsaroot.pem", ERR_OK },    { "pss48.pem", "rsaroot.pem", ERR_OK },
		{ "pss32.pem", "rsaroot.pem", ERR_CRYPTO },  { "sha1.pem", "inter.pem", ERR_CRYPTO },
		{ "leaf.pem", "root.pem", ERR_UNTRUSTED },   { "untrusted.pem", "root.pem", ERR_UNTRUSTED },
	};
	static uint8_t one[4096], two[4096];
	struct x509_cert c, issuer;

	(void)state;
	need_openssl();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		parse_file(cases[i].file, one, sizeof one, &c);
		parse_file(cases[i].issuer, two, sizeof two, &issuer);
		assert_int_equal(x509_signed_by(&c, &issuer), cases[i].expected);
	}
	/* an RSA signature under an EC key of the right name, and the other way round */
	parse_file("rsaleaf.pem", one, sizeof one, &c);
	parse_file("root.pem", two, sizeof two, &issuer);
	issuer.subject = c.issuer;
	assert_int_equal(x509_signed_by(&c, &issuer), ERR_CRYPTO);
	parse_file("leaf.pem", one, sizeof one, &c);
	parse_file("rsaroot.pem", two, sizeof two, &issuer);
	issuer.subject = c.issuer;
	assert_int_equal(x509_signed_by(&c, &issuer), ERR_CRYPTO);
}

static int set_up(void **state)
{
	(void)state;
	have_openssl = pki_make();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	pki_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_amd_issuers),
		cmocka_unit_test(test_vcek_with_written_trailer),
		cmocka_unit_test(test_vcek_with_default_trailer),
		cmocka_unit_test(test_any_changed_byte_is_refused),
		cmocka_unit_test(test_cut_or_longer_bytes_are_refused),
		cmocka_unit_test(test_extension_present_repeated_malformed),
		cmocka_unit_test(test_versions_and_fields),
		cmocka_unit_test(test_keys_outside_the_limits),
		cmocka_unit_test(test_anchor_bundles),
		cmocka_unit_test(test_good_chains),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_bad_chains),
		cmocka_unit_test(test_changed_chain_bytes),
		cmocka_unit_test(test_signature_algorithms),
	};

	return cmocka_run_group_tests_name("x509", tests, set_up, tear_down);
}
