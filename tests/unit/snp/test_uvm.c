/* Microsoft's endorsements: the real ones, every changed byte, and messages that are wrong in one way each. */
#include "t.h"

#include "crypto/cose.h"
#include "text/base64.h"
#include "text/hex.h"
#include "snp/did.h"
#include "snp/uvm.h"
#include "vectors.h"

#define SKR "azure/skr-sidecar/"

static struct checks checks;

static struct span need(const char *name)
{
	size_t n;
	uint8_t *p = vectors_read(name, &n);

	if (!p)
		skip();
	return span_of(p, n);
}

static bool verify(struct span cose, const char *issuer, const char *feed, const uint8_t measurement[48], uint64_t *svn)
{
	checks_init(&checks);
	return uvm_verify(cose, issuer, feed, measurement, svn, &checks);
}

static const char *first_failed(void)
{
	for (size_t i = 0; i < checks.n; i++)
		if (checks.list[i].state == CHECK_FAILED)
			return checks.list[i].id;
	return "";
}

static const uint8_t *measurement_of(struct span report)
{
	return report.p + 0x90;
}

static void real_endorsements(void **state)
{
	struct span cose = need(SKR "body.uvm_reference_info.bin"), text = need(SKR "security-context-test/reference-info-base64");
	uint8_t *bytes = malloc(text.n), measurement[48];
	struct cose_sign1 m;
	uint64_t svn = 0;
	const char *at;
	size_t n;

	(void)state;
	assert_true(verify(cose, NULL, NULL, measurement_of(need(SKR "snp_report.bin")), &svn));
	assert_int_equal(svn, 22);
	assert_int_equal(base64_decode(B64_STD, span_trim(text), bytes, text.n, &n), ERR_OK);
	assert_int_equal(cose_parse(span_of(bytes, n), &m), ERR_OK);
	at = memmem(m.payload.p, m.payload.n, "launchmeasurement\": \"", 21);
	assert_non_null(at);
	assert_int_equal(hex_decode(span_of(at + 21, 96), measurement, 48), ERR_OK);
	assert_true(verify(span_of(bytes, n), NULL, NULL, measurement, &svn));
	assert_int_equal(svn, 100);
	measurement[47] ^= 1;
	svn = 7;
	assert_false(verify(span_of(bytes, n), NULL, NULL, measurement, &svn));
	assert_string_equal(first_failed(), "uvm.measurement");
	assert_int_equal(svn, 7);
	free(bytes);
}

static void others_are_refused(void **state)
{
	struct span cose = need(SKR "body.uvm_reference_info.bin");
	const uint8_t *measurement = measurement_of(need(SKR "snp_report.bin"));
	/* the right issuer but for one digit of the hash, of the purpose, or another form */
	static const char *const issuers[] = {
		"did:x509:0:sha256:J__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2",
		"did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.3",
		"did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s", "",
	};
	uint64_t svn;

	(void)state;
	for (size_t i = 0; i < sizeof issuers / sizeof issuers[0]; i++) {
		assert_false(verify(cose, issuers[i], NULL, measurement, &svn));
		assert_string_equal(first_failed(), "uvm.issuer");
	}
	assert_false(verify(cose, NULL, "ContainerPlat-AMD-CVM", measurement, &svn));
	assert_string_equal(first_failed(), "uvm.feed");
	assert_false(verify(cose, NULL, NULL, measurement_of(need(SKR "cert_fetcher_test_report_v3.bin")), &svn));
	assert_string_equal(first_failed(), "uvm.measurement");
}

static bool inside(size_t i, struct span whole, struct span part)
{
	size_t at = (size_t)(part.p - whole.p);

	return i >= at && i < at + part.n;
}

static void a_real_envelope(void **state)
{
	struct span cose = need("azure/uvm-envelope/uvm_0.2.10.cose");
	uint8_t measurement[48];
	struct cose_sign1 m;
	uint64_t svn = 7;

	(void)state;
	assert_int_equal(cose_parse(cose, &m), ERR_OK);
	assert_true(m.hashed && !m.typed && m.payload_hash == COSE_SHA384 && m.claims.n && !m.iss.n && !m.feed.n);
	memcpy(measurement, m.payload.p, sizeof measurement);
	assert_int_equal(measurement[0], 0x49);
	assert_true(verify(cose, NULL, NULL, measurement, &svn));
	assert_int_equal(svn, 104);
	svn = 7;
	assert_false(verify(cose, UVM_ISSUER "1", NULL, measurement, &svn));
	assert_string_equal(first_failed(), "uvm.issuer");
	assert_false(verify(cose, NULL, "ConfAKS-AMD-UVM", measurement, &svn));
	assert_string_equal(first_failed(), "uvm.feed");
	measurement[0] ^= 1;
	assert_false(verify(cose, NULL, NULL, measurement, &svn));
	assert_string_equal(first_failed(), "uvm.measurement");
	assert_int_equal(svn, 7);
}

/* Everything but the unprotected header, which is signed by nobody. */
static void every_byte_of(struct span cose, const uint8_t *measurement)
{
	uint8_t *copy = t_exact(cose);
	struct span whole = span_of(copy, cose.n);
	struct cose_sign1 m;
	size_t signed_bytes = 0;
	uint64_t svn;

	assert_int_equal(cose_parse(whole, &m), ERR_OK);
	for (size_t i = 0; i < whole.n; i++) {
		bool is_signed = inside(i, whole, m.protected_bytes) || inside(i, whole, m.payload) || inside(i, whole, m.sig);
		bool ok;

		if (!is_signed && i % 16) /* unsigned ones may do no harm: a sample */
			continue;
		copy[i] ^= (uint8_t)(1u << (i % 8));
		ok = verify(whole, NULL, NULL, measurement, &svn);
		copy[i] ^= (uint8_t)(1u << (i % 8));
		signed_bytes += is_signed;
		if (ok && is_signed)
			fail_msg("changed byte %zu accepted", i);
	}
	assert_int_equal(signed_bytes, m.protected_bytes.n + m.payload.n + m.sig.n);
	for (size_t n = 0; n < whole.n; n += 7) {
		uint8_t *cut = t_exact(span_of(copy, n));

		assert_false(verify(span_of(cut, n), NULL, NULL, measurement, &svn));
		free(cut);
	}
	free(copy);
}

static void every_byte(void **state)
{
	struct span envelope = need("azure/uvm-envelope/uvm_0.2.10.cose");
	struct cose_sign1 m;

	(void)state;
	every_byte_of(need(SKR "body.uvm_reference_info.bin"), measurement_of(need(SKR "snp_report.bin")));
	assert_int_equal(cose_parse(envelope, &m), ERR_OK);
	every_byte_of(envelope, m.payload.p);
}

/* --- Messages that are malformed or say another algorithm --- */

static size_t message(const char *head_hex, uint8_t *buf, size_t cap)
{
	char hex[512];

	/* tag 18, [ protected (at most 23 bytes), {}, h'', h'00' ] */
	snprintf(hex, sizeof hex, "d284%02x%sa0404100", (unsigned)(0x40 + strlen(head_hex) / 2), head_hex);
	return vectors_hex(hex, buf, cap);
}

static void forms(void **state)
{
	static const struct { const char *head; bool ok; } heads[] = {
		{ "a1013825", true }, { "a1013824", true }, /* another algorithm: parsed, never verified */
		{ "a2013825024100", false }, /* crit */
		{ "a2013825013825", false }, /* alg twice */
		{ "a30138250a000b00", true }, { "a30138250a000a01", false }, /* what is not known, twice */
		{ "a3013825617800617900", true }, { "a3013825617800617801", false },
		{ "a20138251821420102", true }, { "a2013825182180", false }, { "a201382518218141ff", true },
		{ "a0", false }, { "a101", false }, { "80", false }, { "", false },
		{ "a201382519010238", false }, { "a2013825190102382a", true }, { "a301382519010238" "2a19010220", false }, /* 258: once */
		{ "a20138250fa0", true }, { "a30138250fa00fa0", false }, { "a20138250f", false }, { "a20138250f5f", false }, /* 15 */
		{ "a20138250361" "78", true }, { "a301382503617803" "6178", false }, /* 3 */
		{ "a2013825636973736161", true }, { "a201382563697373413a", false }, { "a10138250000", false },
	};
	uint8_t buf[256];
	struct cose_sign1 m;

	(void)state;
	for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		size_t n = message(heads[i].head, buf, sizeof buf);

		if ((cose_parse(span_of(buf, n), &m) == ERR_OK) != heads[i].ok)
			fail_msg("head %s", heads[i].head);
		if (heads[i].ok) {
			buf[n] = 0; /* a trailing byte */
			assert_int_equal(cose_parse(span_of(buf, n + 1), &m), ERR_SYNTAX);
			buf[0] = 0xd1; /* another tag */
			assert_int_equal(cose_parse(span_of(buf, n), &m), ERR_SYNTAX);
		}
	}
}

static void another_algorithm_is_never_verified(void **state)
{
	struct span cose = need(SKR "body.uvm_reference_info.bin");
	struct x509_cert leaf;
	struct cose_sign1 m;

	(void)state;
	assert_int_equal(cose_parse(cose, &m), ERR_OK);
	assert_int_equal(m.n_chain, 3);
	assert_int_equal(x509_parse(m.chain[0], &leaf), ERR_OK);
	assert_int_equal(cose_verify(&m, &leaf.key), ERR_OK);
	for (int64_t alg = -300; alg < 10; alg++) {
		m.alg = alg;
		assert_int_equal(cose_verify(&m, &leaf.key) == ERR_OK, alg == COSE_PS384);
	}
}

static void identifiers(void **state)
{
	static const uint8_t oid[] = { 0x2b, 6, 1, 4, 1, 0x82, 0x37, 0x4c, 0x3b, 1, 2 };
	static const char hash[] = "I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s";
	static const char *const bad[] = {
		"", "did", "did:x509:0:sha256:", "did:x509:1:sha256:%s::eku:1.3", "did:x509:0:sha384:%s::eku:1.3", "did:x509:0:sha256:%s",
		"did:x509:0:sha256:%s::eku:", "did:x509:0:sha256:%s::subject:CN:x", "did:x509:0:sha256:%s::eku:1", "did:x509:0:sha256:%s::eku:1.",
		"did:x509:0:sha256:%s::eku:.1", "did:x509:0:sha256:%s::eku:3.1", "did:x509:0:sha256:%s::eku:1.40", "did:x509:0:sha256:%s::eku:1.3.06",
		"did:x509:0:sha256:%s::eku:1.3.4294967296", "did:x509:0:sha256:%s::eku:1.3x", "did:x509:0:sha256:%s::eku:1.3::eku:1.4",
		"did:x509:0:sha256:%s:eku:1.3", "DID:x509:0:sha256:%s::eku:1.3", "did:x509:0:sha256:%s=::eku:1.3",
		"did:x509:0:sha256:%s::eku:1.3.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1.1",
	};
	struct did d;

	(void)state;
	assert_int_equal(did_parse(SPAN_LIT(UVM_ISSUER), &d), ERR_OK);
	assert_true(span_eq(span_of(d.eku, d.eku_len), span_of(oid, sizeof oid)));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		char text[512];

		snprintf(text, sizeof text, bad[i], hash);
		if (did_parse(span_str(text), &d) == ERR_OK)
			fail_msg("%s accepted", text);
	}
	assert_int_equal(did_parse(SPAN_LIT("did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:2.999.4294967295"), &d), ERR_OK);
	assert_true(span_eq(span_of(d.eku, d.eku_len), span_of("\x88\x37\x8f\xff\xff\xff\x7f", 7)));
}

UNIT(uvm)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_endorsements), cmocka_unit_test(a_real_envelope), cmocka_unit_test(others_are_refused), cmocka_unit_test(every_byte),
		cmocka_unit_test(forms), cmocka_unit_test(another_algorithm_is_never_verified), cmocka_unit_test(identifiers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
