/* X.509: AMD's real certificates, hostile bytes, anchors, and chains made by openssl. */
#include <time.h>

#include "t.h"

#include "tls/tls.h"
#include "crypto/x509_ext.h"
#include "crypto/x509_path.h"
#include "text/der.h"
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
static struct span certs[12];
static uint8_t storage[1024];
static struct verify_key key;
static char why[X509_WHY_MAX];

static void trust(const char *pem_name)
{
	size_t n = 0;
	const char *pem = pki_file(pem_name, &n);

	assert_non_null(pem);
	assert_int_equal(x509_anchors_init(span_of(pem, n)), ERR_OK);
}

static enum err verify_at(const char *pem_name, const char *host, int64_t now)
{
	size_t n = pki_chain(pem_name, chain_bytes, sizeof chain_bytes, certs, sizeof certs / sizeof certs[0]);

	return x509_verify_chain(certs, n, host, now, storage, sizeof storage, &key, why);
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
	assert_int_equal(x509_verify_chain(certs, 1, "good.example", time(NULL), storage, 258, &key, why), ERR_TOO_BIG);
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
	assert_int_equal(x509_verify_chain(certs, 0, "good.example", time(NULL), storage, sizeof storage, &key, why),
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
		assert_int_equal(x509_verify_chain(certs, 2, "good.example", time(NULL), storage, sizeof storage, &key, why),
		                 ERR_UNTRUSTED);
		chain_bytes[at] ^= (uint8_t)(1u << (i % 8));
	}
	assert_int_equal(x509_verify_chain(certs, 2, "good.example", time(NULL), storage, sizeof storage, &key, why), ERR_OK);
}

/* --- what is above the leaf --------------------------------------------------------------------------------------- */

#define CA "basicConstraints=critical,CA:TRUE"
#define LEAF "subjectAltName=DNS:good.example"
/* Shell words: an issuer with further extensions, a leaf with these names. */
#define ISSUER(more) "\"/O=Test/CN=Limited CA\" \"" CA "\\n" more "\" "
#define FOR(names) "\"/O=Test/CN=good.example\" \"subjectAltName=" names "\""
#define CONSTRAINED(constraints, names) ISSUER("nameConstraints=" constraints) FOR(names)

struct limit {
	const char *words;
	const char *said; /* NULL: good */
};

static void check_limits(const struct limit *cases, size_t n)
{
	char words[2048];

	for (size_t i = 0; i < n; i++) {
		enum err e;

		snprintf(words, sizeof words, "limit %s", cases[i].words);
		pki_issue(words);
		e = verify("limit.chain.pem", "good.example");
		if (e != (cases[i].said ? ERR_UNTRUSTED : ERR_OK) || (cases[i].said && !strstr(why, cases[i].said)))
			fail_msg("%s: %s %s", cases[i].words, err_name(e), why);
	}
}

static void test_purpose_of_issuers(void **state)
{
	static const char refused[] = "the issuer \"Limited CA\" is no authority for servers";
	static const struct limit cases[] = {
		{ ISSUER("extendedKeyUsage=serverAuth") FOR("DNS:good.example"), NULL },
		{ ISSUER("extendedKeyUsage=critical,clientAuth,serverAuth") FOR("DNS:good.example"), NULL },
		{ ISSUER("extendedKeyUsage=anyExtendedKeyUsage") FOR("DNS:good.example"), NULL },
		{ ISSUER("extendedKeyUsage=emailProtection") FOR("DNS:good.example"), refused },
		{ ISSUER("extendedKeyUsage=codeSigning") FOR("DNS:good.example"), refused },
		{ ISSUER("extendedKeyUsage=critical,clientAuth") FOR("DNS:good.example"), refused },
		{ ISSUER("extendedKeyUsage=1.3.6.1.5.5.7.3.1.1") FOR("DNS:good.example"), refused },
		{ ISSUER("extendedKeyUsage=DER:3000") FOR("DNS:good.example"), refused },
		{ ISSUER("extendedKeyUsage=DER:0500") FOR("DNS:good.example"), refused },
		/* two above the leaf: either one limits it */
		{ ISSUER("extendedKeyUsage=codeSigning") "\"/CN=Sub CA\" \"" CA "\\nextendedKeyUsage=serverAuth\" " FOR("DNS:good.example"),
		  refused },
		{ "\"/CN=Sub CA\" \"" CA "\" " ISSUER("extendedKeyUsage=codeSigning") FOR("DNS:good.example"), refused },
		{ "\"/CN=Sub CA\" \"" CA "\" " ISSUER("extendedKeyUsage=serverAuth") FOR("DNS:good.example"), NULL },
	};

	(void)state;
	need_openssl();
	trust("anchors.pem");
	check_limits(cases, sizeof cases / sizeof cases[0]);
}

static void test_name_constraints(void **state)
{
	static const char refused[] = "name constraints of the issuer: \"Limited CA\" does not permit good.example";
	static const struct limit cases[] = {
		{ CONSTRAINED("permitted;DNS:good.example", "DNS:good.example"), NULL },
		{ CONSTRAINED("critical,permitted;DNS:good.example", "DNS:good.example"), NULL },
		{ CONSTRAINED("critical,permitted;DNS:GOOD.example", "DNS:good.EXAMPLE"), NULL },
		{ CONSTRAINED("permitted;DNS:example", "DNS:good.example"), NULL },
		{ CONSTRAINED("permitted;DNS:.example", "DNS:good.example"), NULL },
		{ CONSTRAINED("permitted;DNS:other.example,permitted;DNS:good.example", "DNS:good.example"), NULL },
		{ CONSTRAINED("permitted;DNS:other.example", "DNS:good.example"), refused },
		{ CONSTRAINED("critical,permitted;DNS:other.example", "DNS:good.example"), refused },
		{ CONSTRAINED("permitted;DNS:ood.example", "DNS:good.example"), refused }, /* no label boundary */
		{ CONSTRAINED("permitted;DNS:x.good.example", "DNS:good.example"), refused },
		{ CONSTRAINED("permitted;DNS:.good.example", "DNS:good.example"), refused },
		{ CONSTRAINED("permitted;DNS:good.example.", "DNS:good.example"), refused }, /* no proper name */
		/* every name of the leaf counts, not only the one asked for */
		{ CONSTRAINED("permitted;DNS:good.example", "DNS:good.example,DNS:evil.example"), refused },
		{ CONSTRAINED("permitted;DNS:good.example", "DNS:evil.example,DNS:good.example"), refused },
		{ CONSTRAINED("permitted;DNS:good.example", "DNS:good.example,DNS:a.good.example"), NULL },
		{ CONSTRAINED("permitted;DNS:good.example", "DNS:good.example,IP:10.0.0.1,email:a@b.example"), NULL },
		/* excluded */
		{ CONSTRAINED("excluded;DNS:evil.example", "DNS:good.example"), NULL },
		{ CONSTRAINED("excluded;DNS:good.example", "DNS:good.example"), refused },
		{ CONSTRAINED("critical,excluded;DNS:example", "DNS:good.example"), refused },
		{ CONSTRAINED("permitted;DNS:example,excluded;DNS:good.example", "DNS:good.example"), refused },
		{ CONSTRAINED("permitted;DNS:example,excluded;DNS:evil.example", "DNS:good.example,DNS:x.evil.example"), refused },
		{ CONSTRAINED("excluded;DNS:good.example", "DNS:good.example,DNS:good.example."), refused },
		{ CONSTRAINED("excluded;DNS:evil.example", "DNS:good.example,DNS:evil.example."), refused }, /* in another spelling */
		/* wildcards stand for all their names */
		{ CONSTRAINED("permitted;DNS:example", "DNS:*.example"), NULL },
		{ CONSTRAINED("permitted;DNS:good.example", "DNS:*.example"), refused },
		{ CONSTRAINED("excluded;DNS:evil.example", "DNS:*.example"), refused },
		{ CONSTRAINED("excluded;DNS:.evil.example", "DNS:*.example"), refused },
		{ CONSTRAINED("excluded;DNS:evil.test", "DNS:*.example"), NULL },
		/* addresses */
		{ CONSTRAINED("permitted;DNS:example,excluded;IP:0.0.0.0/0.0.0.0,excluded;IP:::/::", "DNS:good.example"), NULL },
		{ CONSTRAINED("permitted;DNS:example,excluded;IP:0.0.0.0/0.0.0.0", "DNS:good.example,IP:10.0.0.1"), refused },
		{ CONSTRAINED("permitted;IP:10.0.0.0/255.0.0.0", "DNS:good.example,IP:10.9.8.7"), NULL },
		{ CONSTRAINED("permitted;IP:10.0.0.0/255.0.0.0", "DNS:good.example,IP:11.9.8.7"), refused },
		{ CONSTRAINED("permitted;IP:10.0.0.0/255.0.0.0", "DNS:good.example,IP:::1"), refused },
		{ CONSTRAINED("permitted;IP:10.0.0.0/255.0.0.0", "DNS:good.example"), NULL }, /* limits addresses, and there is none */
		/* directory names: the subject is one */
		{ CONSTRAINED("permitted;dirName:dn\\n[dn]\\nO=Test", "DNS:good.example"), NULL },
		{ CONSTRAINED("permitted;dirName:dn\\n[dn]\\nO=Other", "DNS:good.example"), refused },
		{ CONSTRAINED("excluded;dirName:dn\\n[dn]\\nO=Other", "DNS:good.example"), refused }, /* not compared: fails closed */
		/* forms that are not compared: only where the leaf has such names */
		{ CONSTRAINED("permitted;email:example,permitted;URI:.example", "DNS:good.example"), NULL },
		{ CONSTRAINED("permitted;email:example", "DNS:good.example,email:a@b.example"), refused },
		{ CONSTRAINED("excluded;URI:.example", "DNS:good.example,URI:https://x.test/"), refused },
		{ ISSUER("nameConstraints=excluded;email:example") "\"/emailAddress=a@b.test/CN=good.example\" \"" LEAF "\"", refused },
		{ ISSUER("nameConstraints=excluded;DNS:test") "\"/emailAddress=a@b.test/CN=good.example\" \"" LEAF "\"", NULL },
		/* malformed, empty */
		{ CONSTRAINED("DER:3000", "DNS:good.example"), refused },
		{ CONSTRAINED("DER:3002a000", "DNS:good.example"), refused },                     /* no subtree permitted */
		{ CONSTRAINED("DER:3002a100", "DNS:good.example"), refused },
		{ CONSTRAINED("DER:3006a00430028200", "DNS:good.example"), NULL },                /* every DNS name */
		{ CONSTRAINED("DER:3006a10430028200", "DNS:good.example"), refused },
		{ CONSTRAINED("DER:3009a00730058200800100", "DNS:good.example"), refused },       /* a minimum written out */
		{ CONSTRAINED("DER:3006a10430028201", "DNS:good.example"), refused },
		{ CONSTRAINED("DER:3008a1063004870200ff", "DNS:good.example"), refused },         /* half an address */
		{ CONSTRAINED("DER:3006a204300282003100", "DNS:good.example"), refused },
		{ CONSTRAINED("critical,DER:0500", "DNS:good.example"), refused },
		/* from two above, and through two */
		{ ISSUER("nameConstraints=permitted;DNS:other.example") "\"/CN=Sub CA\" \"" CA "\" " FOR("DNS:good.example"), refused },
		{ ISSUER("nameConstraints=permitted;DNS:example") "\"/CN=Sub CA\" \"" CA
		  "\\nnameConstraints=permitted;DNS:good.example\" " FOR("DNS:good.example"), NULL },
		{ ISSUER("nameConstraints=permitted;DNS:example") "\"/CN=Sub CA\" \"" CA
		  "\\nnameConstraints=permitted;DNS:other.example\" " FOR("DNS:good.example"), "\"Sub CA\" does not permit" },
		/* an issuer's own name below one that limits directory names */
		{ ISSUER("nameConstraints=permitted;dirName:dn\\n[dn]\\nO=Test") "\"/O=Evil/CN=Sub CA\" \"" CA "\" "
		  FOR("DNS:good.example"), refused },
	};

	(void)state;
	need_openssl();
	trust("anchors.pem");
	check_limits(cases, sizeof cases / sizeof cases[0]);
}

static void test_lengths_and_extensions_of_chains(void **state)
{
#define SUB "\"/CN=Sub CA\" \"" CA "\" "
	static const struct limit cases[] = {
		{ ISSUER("keyUsage=keyCertSign") FOR("DNS:good.example"), NULL },
		{ ISSUER("keyUsage=digitalSignature") FOR("DNS:good.example"), "no authority: \"Limited CA\"" },
		{ "\"/CN=None\" \"keyUsage=keyCertSign\" " FOR("DNS:good.example"), "no authority: \"None\"" },
		{ "\"/CN=L0\" \"" CA ",pathlen:0\" " FOR("DNS:good.example"), NULL },
		{ "\"/CN=L0\" \"" CA ",pathlen:0\" " SUB FOR("DNS:good.example"), "\"L0\" allows fewer authorities" },
		{ "\"/CN=L1\" \"" CA ",pathlen:1\" " SUB FOR("DNS:good.example"), NULL },
		{ "\"/CN=L1\" \"" CA ",pathlen:1\" " SUB SUB FOR("DNS:good.example"), "\"L1\" allows fewer authorities" },
		{ SUB SUB SUB SUB SUB SUB SUB SUB SUB FOR("DNS:good.example"), NULL }, /* ten certificates */
		{ SUB SUB SUB SUB SUB SUB SUB SUB SUB SUB FOR("DNS:good.example"), "too many certificates" },
		{ ISSUER("1.2.3.4=critical,ASN1:NULL") FOR("DNS:good.example"), "unknown critical extension" },
		{ ISSUER("1.2.3.4=ASN1:NULL") FOR("DNS:good.example"), NULL },
		{ ISSUER("2.5.29.36=critical,DER:3003800100") FOR("DNS:good.example"), "unknown critical extension" }, /* wants a policy */
		{ ISSUER("certificatePolicies=critical,1.2.3.4") FOR("DNS:good.example"), NULL },
	};

	(void)state;
	need_openssl();
	trust("anchors.pem");
	check_limits(cases, sizeof cases / sizeof cases[0]);
}

static void test_anchors_limit_too(void **state)
{
	static const struct {
		const char *words, *said;
	} cases[] = {
		{ ISSUER("nameConstraints=permitted;DNS:good.example"), NULL },
		{ ISSUER("nameConstraints=permitted;DNS:other.example"), "\"Limited CA\" does not permit" },
		{ ISSUER("extendedKeyUsage=emailProtection"), "\"Limited CA\" is no authority for servers" },
		{ ISSUER("extendedKeyUsage=serverAuth"), NULL },
	};
	char words[1024];

	(void)state;
	need_openssl();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		snprintf(words, sizeof words, "anchor %s", cases[i].words);
		pki_issue(words);
		trust("anchor.chain.pem");
		snprintf(words, sizeof words, "below %s %s", cases[i].words, FOR("DNS:good.example"));
		pki_issue(words);
		assert_int_equal(verify("below.chain.pem", "good.example"), cases[i].said ? ERR_UNTRUSTED : ERR_OK);
		assert_true(!cases[i].said || strstr(why, cases[i].said));
	}
}

static void test_missing_issuer_is_named(void **state)
{
	(void)state;
	need_openssl();
	trust("anchors.pem");
	assert_int_equal(verify("leaf.pem", "good.example"), ERR_UNTRUSTED);
	assert_string_equal(why, "certificate does not lead to a trusted root: \"Test Intermediate\" issued the last certificate, "
	                         "was not sent and is no trust anchor");
	/* printable whatever the name, and not without end */
	pki_issue("limit \"/CN=$(printf 'e\\303\\244 \\033[1m\\\"x%050d' 7)\" \"" CA "\" " FOR("DNS:good.example"));
	assert_int_equal(pki_chain("limit.chain.pem", chain_bytes, sizeof chain_bytes, certs, sizeof certs / sizeof certs[0]), 2);
	assert_int_equal(x509_verify_chain(certs, 1, "good.example", time(NULL), storage, sizeof storage, &key, why), ERR_UNTRUSTED);
	assert_non_null(strstr(why, "root: \"e"));
	for (const char *p = why; *p; p++)
		assert_in_range(*p, 0x20, 0x7e);
	/* the name of an anchor, and another key */
	assert_int_equal(verify("false.chain.pem", "good.example"), ERR_UNTRUSTED);
	assert_non_null(strstr(why, "\"Test Root\" is a trusted name, but signed with another key"));
}

/* --- Microsoft's roots of 2026 ------------------------------------------------------------------------------------ */

static bool is_anchored(const struct x509_cert *c)
{
	size_t n;
	const struct x509_cert *anchors = x509_anchors_table(&n);

	for (size_t i = 0; i < n; i++)
		if (x509_signed_by(c, &anchors[i]) == ERR_OK)
			return true;
	return false;
}

static void test_microsoft_tls_root_of_2026(void **state)
{
	static const uint8_t server_auth[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01 };
	static struct chain issuing, cross;
	static struct x509_path path;

	(void)state;
	load(&issuing, "azure/tls-2026/microsoft-tls-g2-rsa-ca-ocsp-02.pem");
	load(&cross, "azure/tls-2026/microsoft-tls-rsa-root-g2-cross.pem");
	assert_int_equal(x509_anchors_init(span_of(NULL, 0)), ERR_OK);
	/* without the bridge: the root is an anchor. With it: it leads to the older one. */
	assert_true(is_anchored(&issuing.cert[0]));
	assert_true(is_anchored(&cross.cert[0]));
	assert_int_equal(x509_signed_by(&issuing.cert[0], &cross.cert[0]), ERR_OK);
	assert_true(x509_ext_is_authority(&issuing.cert[0]) && x509_ext_path_length(&issuing.cert[0], 0));
	assert_false(x509_ext_path_length(&issuing.cert[0], 1));
	assert_true(x509_ext_has_eku(&issuing.cert[0], span_of(server_auth, sizeof server_auth)));
	/* The path from there: as if the issuing certificate were a leaf that had been looked at. */
	x509_path_start(&path, "good.example", issuing.cert[0].not_before + 86400);
	path.cert[path.n++] = issuing.cert[0];
	x509_path_add(&path, cross.der[0]);
	assert_string_equal(path.why, "");
	assert_int_equal(x509_path_end(&path), 0);
	assert_int_equal(path.n, 2);
}

/* Chains of the same shape, with keys of our own. */
static enum err verify_field(const char *name, const char *root)
{
	static uint8_t bytes[16384];
	char path[128];
	size_t n = 0, count = 0;
	uint8_t *file;
	static struct chain c;

	snprintf(path, sizeof path, "field/tls/%s.pem", root);
	file = vectors_read(path, &n);
	if (!file)
		skip();
	assert_int_equal(x509_anchors_init(span_of(file, n)), ERR_OK);
	free(file);
	for (int part = 0; part < 2; part++) {
		snprintf(path, sizeof path, "field/tls/%s-%s.pem", name, part ? "rest" : "leaf");
		load(&c, path);
		for (size_t i = 0; i < c.n; i++) {
			uint8_t *at = bytes + count * 4096;

			assert_in_range(c.der[i].n, 1, 4096);
			memcpy(at, c.der[i].p, c.der[i].n);
			certs[count++] = span_of(at, c.der[i].n);
		}
	}
	return x509_verify_chain(certs, count, "localhost", 1795888800, storage, sizeof storage, &key, why);
}

static void test_cross_signed_and_constrained(void **state)
{
	(void)state;
	assert_int_equal(verify_field("t01-with-cross", "old-root"), ERR_OK);
	assert_int_equal(verify_field("t01-with-cross", "new-root"), ERR_OK);
	assert_int_equal(verify_field("t01-without-cross", "new-root"), ERR_OK);
	assert_int_equal(verify_field("t01-without-cross", "old-root"), ERR_UNTRUSTED);
	assert_non_null(strstr(why, "\"New TLS Root G2\""));
	assert_int_equal(verify_field("t04-constrained-in-soft", "new-root"), ERR_OK);
	assert_int_equal(verify_field("t04-constrained-out", "new-root"), ERR_UNTRUSTED);
	assert_non_null(strstr(why, "name constraints"));
	assert_non_null(strstr(why, "does not permit localhost"));
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

UNIT(x509)
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
		cmocka_unit_test(test_purpose_of_issuers),
		cmocka_unit_test(test_name_constraints),
		cmocka_unit_test(test_lengths_and_extensions_of_chains),
		cmocka_unit_test(test_anchors_limit_too),
		cmocka_unit_test(test_missing_issuer_is_named),
		cmocka_unit_test(test_microsoft_tls_root_of_2026),
		cmocka_unit_test(test_cross_signed_and_constrained),
		cmocka_unit_test(test_signature_algorithms),
	};

	return cmocka_run_group_tests_name("x509", tests, set_up, NULL);
}
