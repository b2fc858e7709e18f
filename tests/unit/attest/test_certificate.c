/* When a new certificate is made, and with what in it: with clocks and a device of this test's own. */
#include "t.h"

#include <time.h>

#include "amd.h"
#include "clock.h"
#include "base/log.h"
#include "text/base64.h"
#include "os/snp_device.h"
#include "attest/attest.h"
#include "attest/certificate.h"
#include "attest/evidence.h"
#include "attest/keys.h"
#include "snp/cert_evidence.h"

#define HOUR 3600

/* --- What the program would ask the hardware --- */

static bool device_works;
static unsigned reports;

enum snp_device snp_device_present(void)
{
	return SNP_DEVICE_SEV_GUEST;
}

const struct step STEP_REPORT[1] = { { "snp_report", true, NULL, 0 } };

enum err snp_device_report(const uint8_t report_data[64], uint8_t report[SNP_REPORT_LEN], struct fault *f)
{
	reports++;
	if (!device_works)
		return fault_set(f, ERR_NO_DEVICE, STEP_REPORT, "no device");
	amd_report(report, 3, 0x19, 1);
	memcpy(report + 0x50, report_data, 64);
	amd_sign(report, "leaf");
	return ERR_OK;
}

/* --- */

static struct attest_settings settings = { .party = "contoso" };
static struct tls_settings tls = { .evidence = true, .hours = 24 };
static struct tls_identity id;
static uint8_t serial[32];
static size_t serial_n;

static void json_text(FILE *f, const char *name, const char *pem)
{
	fprintf(f, "\"%s\":\"", name);
	for (; *pem; pem++) {
		if (*pem == '\n')
			fputs("\\n", f);
		else
			fputc(*pem, f);
	}
	fputs("\",", f);
}

/* What the platform hands over: THIM's JSON in base64. */
static void make_context(void)
{
	static char json[32768], text[65536];
	static const char end[] = "-----END CERTIFICATE-----\n";
	struct out o = out_init(text, sizeof text);
	FILE *f = fmemopen(json, sizeof json, "w");
	size_t n;
	char *pem = (char *)amd_file("milan.chain", &n), *rest = strstr(pem, end) + strlen(end), *chain = strdup(rest);

	*rest = 0;
	fputc('{', f);
	json_text(f, "vcekCert", pem);
	json_text(f, "certificateChain", chain);
	fprintf(f, "\"tcbm\":\"DB14000000000103\",\"cacheControl\":\"86400\"}");
	fclose(f);
	base64_encode(&o, B64_STD, span_str(json));
	assert_false(o.bad);
	settings.context.env.amd_cert = out_span(&o);
	free(pem);
	free(chain);
}

static int make_all(void **state)
{
	(void)state;
	if (!amd_make())
		return 0;
	log_set_level(LOG_ERROR);
	test_clock = (struct test_clock){ .set = true, .mono_ms = 1000000, .unix_s = time(NULL) };
	strcpy(settings.context.dir, "/nonexistent");
	make_context();
	if (certificate_make(&tls, &settings, &id) != ERR_OK)
		return -1;
	keys_init();
	assert_int_equal(attest_init(&settings, id.spki_sha256), ERR_OK);
	evidence_init(id.spki_sha256);
	return 0;
}

static void pass(int64_t seconds)
{
	test_clock.unix_s += seconds;
	test_clock.mono_ms += seconds * 1000;
}

/* Looks once; true when that brought a new certificate. */
static bool renewed(void)
{
	struct x509_cert c;
	bool other;

	certificate_look();
	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	assert_int_equal(x509_signed_by(&c, &c), ERR_OK);
	other = !span_eq(c.serial, span_of(serial, serial_n));
	memcpy(serial, c.serial.p, c.serial.n);
	serial_n = c.serial.n;
	if (other)
		assert_int_equal(c.not_after, test_clock.unix_s + 24 * HOUR);
	return other;
}

/* The evidence of the certificate in use is genuine and of its key; *key: the thumbprint in it. */
static bool has_evidence(char key[RUNTIME_THUMBPRINT_MAX + 1])
{
	static uint8_t store[CHAIN_DER_MAX];
	static struct checks checks;
	struct proof_rules rules = { .verify = { .now_s = test_clock.unix_s, .extra_root = amd_root() }, .tls_spki_sha256 = id.spki_sha256 };
	struct accept_context x;
	struct verify_facts facts;
	struct runtime runtime;
	const char *problem;
	struct x509_cert c;
	struct proof p;
	enum err err;

	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	err = cert_evidence_read(&c, store, &p, &problem);
	if (err == ERR_NOT_FOUND)
		return false;
	assert_int_equal(err, ERR_OK);
	checks_init(&checks);
	assert_true(proof_genuine(&p, &rules, &facts, &runtime, &x, &checks));
	assert_string_equal(runtime.role, "contoso");
	if (key)
		strcpy(key, runtime.key);
	return true;
}

/* Without evidence: tried again with longer and longer pauses, and before it expires made anew as it is. */
static void no_evidence(void **state)
{
	(void)state;
	if (!*amd_dir)
		skip();
	(void)renewed();
	assert_int_equal(reports, 1);
	for (int64_t at = 1, next = 5, tries = 1; at < 4000; at++) { /* at 5, 15, 35, ... then every 600 s */
		pass(1);
		assert_false(renewed());
		if (at == next) {
			tries++;
			next += (5 << (tries - 1)) < 600 ? 5 << (tries - 1) : 600;
		}
		assert_int_equal(reports, tries);
	}
	pass(18 * HOUR - 4000 - 700);
	assert_false(renewed());
	pass(1500);
	assert_true(renewed());
	assert_false(has_evidence(NULL));
	pass(HOUR);
	assert_false(renewed());
}

static void with_evidence(void **state)
{
	unsigned before;

	(void)state;
	if (!*amd_dir)
		skip();
	device_works = true;
	pass(601);
	assert_true(renewed());
	assert_true(has_evidence(NULL));
	before = reports;
	for (int i = 0; i < 100; i++) {
		pass(1);
		assert_false(renewed());
	}
	pass(11 * HOUR);
	assert_false(renewed());
	assert_int_equal(reports, before);
	pass(HOUR); /* half of its time is over */
	assert_true(renewed());
	assert_true(has_evidence(NULL));
	assert_int_equal(reports, before + 1);
}

/* The device does not answer any more: near its end the certificate is made anew with the evidence that there is. */
static void evidence_kept(void **state)
{
	(void)state;
	if (!*amd_dir)
		skip();
	device_works = false;
	pass(13 * HOUR);
	assert_false(renewed());
	pass(5 * HOUR);
	assert_true(renewed());
	assert_true(has_evidence(NULL));
	device_works = true;
	pass(601);
	assert_false(renewed());
	pass(12 * HOUR);
	assert_true(renewed());
}

/* A clock set back makes the certificate one of the future. */
static void clock_set_back(void **state)
{
	(void)state;
	if (!*amd_dir)
		skip();
	pass(60);
	test_clock.unix_s -= 50 * HOUR;
	assert_true(renewed());
	assert_true(has_evidence(NULL));
	pass(60);
	assert_false(renewed());
}

static void put_key(char thumbprint[JWK_THUMBPRINT_LEN + 1])
{
	struct private_key k = { .type = KEY_EC };

	assert_int_equal(ec_generate(&k.ec, EC_P256), ERR_OK);
	jwk_thumbprint(&k, thumbprint);
	keys_put(KEYS_OWN, &k);
}

/* Other keys of the party: told by the next certificate, but no faster than handshakes end. */
static void key_changes(void **state)
{
	char key[JWK_THUMBPRINT_LEN + 1], said[RUNTIME_THUMBPRINT_MAX + 1];
	unsigned before;

	(void)state;
	if (!*amd_dir)
		skip();
	pass(HOUR);
	assert_false(renewed());
	for (int i = 0; i < 2; i++) {
		put_key(key);
		assert_true(renewed());
		assert_true(has_evidence(said));
		assert_string_equal(said, key);
	}
	before = reports;
	put_key(key);
	for (int ms = 0; ms < TLS_HANDSHAKE_MS * 3 / 2; ms += 1000) {
		assert_false(renewed());
		test_clock.mono_ms += 1000;
	}
	assert_int_equal(reports, before + 1); /* collected once, then waited */
	assert_true(renewed());
	assert_true(has_evidence(said));
	assert_string_equal(said, key);
}

UNIT(certificate)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_evidence),    cmocka_unit_test(with_evidence), cmocka_unit_test(evidence_kept),
		cmocka_unit_test(clock_set_back), cmocka_unit_test(key_changes),
	};

	return cmocka_run_group_tests(tests, make_all, NULL);
}
