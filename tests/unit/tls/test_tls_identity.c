/* The server's own certificate: as our reader sees it and as openssl does. */
#include <time.h>

#include "t.h"

#include "tls/tls.h"
#include "crypto/x509.h"
#include "text/der.h"
#include "pki.h"

static struct tls_identity id;
static bool have_openssl;

static enum err make(const char *name, unsigned days, struct span extension)
{
	return tls_identity_make(&id, name, time(NULL), days * 24, extension);
}

static struct x509_cert parsed(void)
{
	struct x509_cert c;

	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	return c;
}

static struct span extension_of(const struct x509_cert *c, const char *oid, size_t n, bool want_critical)
{
	struct span value;
	bool critical;

	assert_true(x509_extension(c, span_of(oid, n), &value, &critical));
	assert_int_equal(critical, want_critical);
	return value;
}

static void test_fields(void **state)
{
	int64_t now = time(NULL);
	struct x509_cert c;
	struct ec_key again;
	uint8_t hash[32];

	(void)state;
	assert_int_equal(make("contoso", 30, span_of(NULL, 0)), ERR_OK);
	c = parsed();
	assert_int_equal(x509_signed_by(&c, &c), ERR_OK);
	assert_int_equal(c.serial.n, 16);
	assert_true(c.serial.p[0] >= 0x40 && c.serial.p[0] < 0x80);
	assert_in_range(c.not_before, now - 3600, now - 3590);
	assert_in_range(c.not_after, now + 30 * 86400, now + 30 * 86400 + 10);
	assert_true(span_eq(c.issuer, c.subject));
	assert_true(span_eq(c.subject, SPAN_LIT("\x30\x12\x31\x10\x30\x0e\x06\x03\x55\x04\x03\x0c\x07""contoso")));
	assert_true(span_eq(extension_of(&c, "\x55\x1d\x13", 3, true), SPAN_LIT("\x30\x00")));
	assert_true(span_eq(extension_of(&c, "\x55\x1d\x0f", 3, true), SPAN_LIT("\x03\x02\x07\x80")));
	assert_true(span_eq(extension_of(&c, "\x55\x1d\x25", 3, false),
	                    SPAN_LIT("\x30\x14\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x02")));
	assert_true(span_eq(extension_of(&c, "\x55\x1d\x11", 3, false),
	                    SPAN_LIT("\x30\x14\x82\x07""contoso\x82\x09""localhost")));
	hash_sha256(c.spki, hash);
	assert_memory_equal(hash, id.spki_sha256, 32);
	assert_int_equal(ec_from_scalar(&again, EC_P256, span_of(id.key.ec.d, 32)), ERR_OK);
	assert_int_equal(c.key.curve, EC_P256);
	assert_true(span_eq(c.key.point, span_of(again.point, 65)));
}

static void test_every_one_is_new(void **state)
{
	static struct tls_identity first;

	(void)state;
	assert_int_equal(make("contoso", 30, span_of(NULL, 0)), ERR_OK);
	first = id;
	for (unsigned i = 0; i < 50; i++) { /* also: any length of r and s */
		struct x509_cert c, other;

		assert_int_equal(make("contoso", 30, span_of(NULL, 0)), ERR_OK);
		c = parsed();
		assert_int_equal(x509_signed_by(&c, &c), ERR_OK);
		assert_int_equal(x509_parse(tls_identity_cert(&first), &other), ERR_OK);
		assert_false(span_eq(c.serial, other.serial));
		assert_memory_not_equal(id.key.ec.d, first.key.ec.d, 32);
		assert_int_equal(x509_signed_by(&c, &other), ERR_CRYPTO);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool host; /* becomes a dNSName */
	} cases[] = {
		{ "a", true },          { "a.b-c.example", true }, { "localhost", false }, { "Contoso Ltd", false },
		{ "a..b", false },      { ".a", false },           { "a.", false },        { "*.example", false },
		{ "under_score", false },
	};
	char name[256];

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct x509_cert c;
		struct span names;
		struct der outer, d;

		assert_int_equal(make(cases[i].name, 1, span_of(NULL, 0)), ERR_OK);
		c = parsed();
		names = extension_of(&c, "\x55\x1d\x11", 3, false);
		outer = der_init(names);
		d = der_enter(&outer, DER_SEQUENCE);
		if (cases[i].host)
			assert_true(span_eq_str(der_take(&d, DER_CONTEXT + 2), cases[i].name));
		assert_true(span_eq_str(der_take(&d, DER_CONTEXT + 2), "localhost"));
		assert_true(der_done(&d));
	}
	memset(name, 'a', sizeof name);
	name[63] = name[127] = name[191] = '.';
	name[253] = 0;
	assert_int_equal(make(name, 1, span_of(NULL, 0)), ERR_OK); /* the longest; its CN is cut at 64 */
	assert_int_equal(parsed().subject.n, 2 + 2 + 2 + 5 + 2 + 64);
	name[253] = 'a';
	name[254] = 0;
	assert_int_equal(make(name, 1, span_of(NULL, 0)), ERR_RANGE);
	assert_int_equal(tls_identity_cert(&id).n, 0);
	assert_int_equal(make("", 1, span_of(NULL, 0)), ERR_RANGE);
	assert_int_equal(make("line\nbreak", 1, span_of(NULL, 0)), ERR_RANGE);
	assert_int_equal(make("caf\xc3\xa9", 1, span_of(NULL, 0)), ERR_RANGE);
}

static void test_extension_added(void **state)
{
	static uint8_t extension[2 * TLS_CERT_MAX], contents[TLS_CERT_MAX];
	struct x509_cert c;
	struct span value;

	(void)state;
	for (size_t n = 100; n <= TLS_CERT_MAX - 500; n += 3976) {
		struct dw w = dw_init(extension, sizeof extension);
		memset(contents, 7, sizeof contents);
		dw_tlv(&w, DER_OCTET_STRING, span_of(contents, n));
		dw_tlv(&w, DER_OID, SPAN_LIT("\x2a\x03\x04"));
		dw_wrap(&w, DER_SEQUENCE, 0);
		assert_int_equal(make("contoso", 30, dw_span(&w)), ERR_OK);
		c = parsed();
		assert_int_equal(x509_signed_by(&c, &c), ERR_OK);
		value = extension_of(&c, "\x2a\x03\x04", 3, false);
		assert_int_equal(value.n, n);
		assert_memory_equal(value.p, contents, n);
	}
	assert_int_equal(make("contoso", 30, span_of(extension, TLS_CERT_MAX)), ERR_TOO_BIG);
	assert_int_equal(tls_identity_cert(&id).n, 0);
	for (size_t i = 0; i < 32; i++)
		assert_int_equal(((const uint8_t *)&id.key)[i], 0);
}

static void test_renewed(void **state)
{
	struct span before, kept;
	struct x509_cert c, other;
	uint8_t copy[1024], key[32];
	size_t n;

	(void)state;
	assert_int_equal(make("contoso", 1, span_of(NULL, 0)), ERR_OK);
	before = tls_identity_cert(&id);
	n = before.n;
	assert_true(n <= sizeof copy);
	memcpy(copy, before.p, n);
	memcpy(key, id.key.ec.d, 32);
	assert_int_equal(x509_parse(before, &other), ERR_OK);
	assert_int_equal(tls_identity_renew(&id, "contoso", time(NULL), 48, SPAN_LIT("\x30\x09\x06\x03\x2a\x03\x04\x04\x02\x05\x00")), ERR_OK);
	c = parsed();
	assert_true(span_eq(c.spki, other.spki));
	assert_false(span_eq(c.serial, other.serial));
	assert_true(c.not_after > other.not_after);
	assert_int_equal(x509_signed_by(&c, &c), ERR_OK);
	assert_memory_equal(key, id.key.ec.d, 32);
	assert_memory_equal(before.p, copy, n); /* a handshake that began with it ends with it */
	kept = tls_identity_cert(&id);
	assert_int_equal(tls_identity_renew(&id, "", time(NULL), 48, span_of(NULL, 0)), ERR_RANGE);
	assert_int_equal(tls_identity_renew(&id, "contoso", time(NULL), 48, span_of(id.cert, TLS_CERT_MAX)), ERR_TOO_BIG);
	assert_ptr_equal(tls_identity_cert(&id).p, kept.p);
	assert_int_equal(tls_identity_cert(&id).n, kept.n);
	assert_int_equal(tls_identity_renew(&id, "contoso", time(NULL), 48, span_of(NULL, 0)), ERR_OK);
	assert_memory_equal(before.p, copy, n);
	assert_int_equal(tls_identity_renew(&id, "contoso", time(NULL), 48, span_of(NULL, 0)), ERR_THROTTLED);
	assert_memory_equal(before.p, copy, n);
}

static void test_wiped(void **state)
{
	(void)state;
	assert_int_equal(make("contoso", 30, span_of(NULL, 0)), ERR_OK);
	tls_identity_wipe(&id);
	for (size_t i = 0; i < sizeof id; i++)
		assert_int_equal(((const uint8_t *)&id)[i], 0);
}

/* Output of a shell command run in the directory. */
static const char *output_of(const char *command)
{
	static char text[16384];
	char whole[512];
	FILE *f;
	size_t n;

	snprintf(whole, sizeof whole, "cd %s && (%s) 2>&1", pki_dir, command);
	f = popen(whole, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = 0;
	pclose(f);
	return text;
}

static void test_openssl_agrees(void **state)
{
	char path[256], hex[65];
	const char *out;
	FILE *f;

	(void)state;
	if (!have_openssl)
		skip();
	assert_int_equal(make("party.example", 30, span_of(NULL, 0)), ERR_OK);
	snprintf(path, sizeof path, "%s/id.der", pki_dir);
	f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(tls_identity_cert(&id).p, 1, tls_identity_cert(&id).n, f), tls_identity_cert(&id).n);
	fclose(f);
	out = output_of("openssl x509 -inform DER -in id.der -noout -text");
	assert_non_null(strstr(out, "Version: 3 (0x2)"));
	assert_non_null(strstr(out, "Subject: CN = party.example"));
	assert_non_null(strstr(out, "DNS:party.example, DNS:localhost"));
	assert_non_null(strstr(out, "TLS Web Server Authentication, TLS Web Client Authentication"));
	assert_non_null(strstr(out, "ecdsa-with-SHA256"));
	assert_non_null(strstr(out, "CA:FALSE"));
	out = output_of("openssl x509 -inform DER -in id.der -out id.pem && openssl verify -check_ss_sig -purpose sslserver -verify_hostname party.example -partial_chain "
	                "-trusted id.pem id.pem");
	assert_non_null(strstr(out, "id.pem: OK"));
	out = output_of("openssl x509 -in id.pem -noout -pubkey | openssl pkey -pubin -outform DER | openssl dgst -sha256 -r");
	for (unsigned i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", id.spki_sha256[i]);
	assert_memory_equal(out, hex, 64);
}

/* Key of the directory, as the vault gives it. */
static void take_key(const char *name)
{
	char command[256];
	const char *der;
	size_t n;

	snprintf(command, sizeof command, "openssl pkcs8 -topk8 -nocrypt -in %s.key -outform DER -out key.der", name);
	(void)output_of(command);
	der = pki_file("key.der", &n);
	assert_non_null(der);
	assert_int_equal(pkcs8_parse(span_of(der, n), &id.key), ERR_OK);
}

static const char *given(const char *file, int64_t now)
{
	const char *problem = "", *text;
	size_t n;
	enum err err;

	text = pki_file(file, &n);
	assert_non_null(text);
	err = tls_identity_given(&id, span_of(text, n), now, &problem);
	assert_int_equal(err == ERR_OK, problem == NULL);
	return problem;
}

static void test_given(void **state)
{
	static const struct { const char *file, *problem; } bad[] = {
		{ "leaf.key", "no certificates" }, { "order.chain.pem", "is not signed by the one behind it" }, { "swapped.chain.pem", "is not signed by" },
		{ "nosan.chain.pem", "subjectAltName" }, { "mail.chain.pem", "not for servers" }, { "p384leaf.pem", "neither EC P-256 nor RSA" },
		{ "weak.pem", "cannot be read" }, { "anchors.pem", "is not signed by" },
	};
	static const char *const good[][3] = { /* chain, its key, another */
		{ "leaf.chain.pem", "leaf", "nosan" }, { "leaf.pem", "leaf", "rsaleaf" }, { "full.chain.pem", "leaf", "p384leaf" }, { "rsaleaf.pem", "rsaleaf", "rsaroot" },
	};
	int64_t now = time(NULL);
	struct x509_cert c;
	struct der chain;

	(void)state;
	if (!have_openssl)
		skip();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		const char *problem = given(bad[i].file, now);

		if (!problem || !strstr(problem, bad[i].problem))
			fail_msg("%s: %s", bad[i].file, problem ? problem : "taken");
	}
	assert_non_null(strstr(given("leaf.chain.pem", now - 86400), "not yet valid"));
	assert_non_null(strstr(given("leaf.chain.pem", now + 366 * 86400), "expired"));
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		uint8_t hash[32];

		assert_null(given(good[i][0], now));
		assert_false(tls_identity_given_key(&id)); /* none yet */
		chain = der_init(tls_identity_cert(&id));
		assert_int_equal(x509_parse(der_element(&chain, NULL), &c), ERR_OK);
		hash_sha256(c.spki, hash);
		assert_memory_equal(hash, id.spki_sha256, 32);
		take_key(good[i][2]);
		assert_false(tls_identity_given_key(&id));
		take_key(good[i][1]);
		assert_true(tls_identity_given_key(&id));
		tls_identity_wipe(&id);
		for (size_t k = 0; k < sizeof id.key; k++)
			assert_int_equal(((const uint8_t *)&id.key)[k], 0);
	}
}

static int set_up(void **state)
{
	(void)state;
	have_openssl = pki_make();
	return 0;
}

UNIT(tls_identity)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),          cmocka_unit_test(test_every_one_is_new),
		cmocka_unit_test(test_names),           cmocka_unit_test(test_extension_added),
		cmocka_unit_test(test_renewed),         cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_openssl_agrees),  cmocka_unit_test(test_given),
	};

	return cmocka_run_group_tests_name("tls_identity", tests, set_up, NULL);
}
