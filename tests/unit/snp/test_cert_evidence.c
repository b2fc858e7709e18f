/* Evidence in a certificate: written, read, judged; every changed byte; missing, foreign and additional parts. */
#include "t.h"

#include <time.h>

#include "amd.h"
#include "tls/tls.h"
#include "crypto/x509_ext.h"
#include "text/der.h"
#include "text/pem.h"
#include "snp/cert_evidence.h"

static struct checks checks;
static struct tls_identity id;
static struct proof_rules rules;
static uint8_t report[SNP_REPORT_LEN], chain[CHAIN_DER_MAX], store[CHAIN_DER_MAX], buf[TLS_CERT_MAX];
static char runtime_text[1024];
static struct proof party;

/* The evidence of a party whose TLS key id has. */
static int make_all(void **state)
{
	struct out o = out_init(runtime_text, sizeof runtime_text);
	struct runtime runtime = { .nonce = "AAECAwQFBgcICQoLDA0ODw", .role = "contoso" };
	uint8_t *pem;
	size_t n;

	(void)state;
	if (!amd_make())
		return 0;
	if (tls_identity_make(&id, "contoso", time(NULL), 24, span_of(NULL, 0)) != ERR_OK)
		return -1;
	memcpy(runtime.tls_spki_sha256, id.spki_sha256, 32);
	runtime_write(&o, &runtime);
	amd_report(report, 3, 0x19, 1);
	runtime_report_data(out_span(&o), report + 0x50);
	amd_sign(report, "leaf");
	pem = amd_file("milan.chain", &n);
	assert_int_equal(pem_all(span_of(pem, n), "CERTIFICATE", chain, sizeof chain, &n), ERR_OK);
	free(pem);
	party = (struct proof){ .report = span_of(report, SNP_REPORT_LEN), .chain = span_of(chain, n), .runtime_data = out_span(&o) };
	rules.verify = (struct verify_rules){ .now_s = time(NULL), .extra_root = amd_root() };
	rules.tls_spki_sha256 = id.spki_sha256;
	return 0;
}

static struct span written(const struct proof *p)
{
	struct span extension;

	assert_int_equal(cert_evidence_write(buf, sizeof buf, p, &extension), ERR_OK);
	return extension;
}

/* What reading says of a certificate with these extensions for this key. */
static enum err read_as(struct span extensions, struct span spki, struct proof *p)
{
	const struct x509_cert c = { .extensions = extensions, .spki = spki };
	const char *problem = "";
	enum err err = cert_evidence_read(&c, store, p, &problem);

	assert_int_equal(err == ERR_OK, problem == NULL);
	return err;
}

static bool genuine(const struct proof *p)
{
	struct verify_facts facts;
	struct runtime runtime;
	struct accept_context x;

	checks_init(&checks);
	return proof_genuine(p, &rules, &facts, &runtime, &x, &checks);
}

static const char *failed(void)
{
	for (size_t i = 0; i < checks.n; i++)
		if (checks.list[i].state == CHECK_FAILED)
			return checks.list[i].id;
	return "";
}

static struct span own_spki(void)
{
	struct x509_cert c;

	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	return c.spki;
}

static void round_trip(void **state)
{
	static uint8_t big[TLS_CERT_MAX];
	const char *problem;
	struct proof p, with = party;
	struct x509_cert c;

	(void)state;
	if (!*amd_dir)
		skip();
	assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
	assert_int_equal(cert_evidence_read(&c, store, &p, &problem), ERR_NOT_FOUND);
	for (size_t n = 0; n <= 11000; n += 11000) { /* as large as Microsoft's endorsements are */
		with.endorsement = span_of(big, n);
		assert_int_equal(tls_identity_renew(&id, "contoso", time(NULL), 24, written(&with)), ERR_OK);
		assert_int_equal(x509_parse(tls_identity_cert(&id), &c), ERR_OK);
		assert_true(x509_ext_critical_known(&c));
		if (cert_evidence_read(&c, store, &p, &problem) != ERR_OK)
			fail_msg("%s", problem);
		assert_true(span_eq(p.report, party.report) && span_eq(p.chain, party.chain) && span_eq(p.runtime_data, party.runtime_data));
		assert_true(span_eq(p.endorsement, with.endorsement));
		assert_int_equal(p.crl.n + p.policy.n + p.token.n, 0);
		assert_string_equal(p.nonce, "AAECAwQFBgcICQoLDA0ODw");
		assert_memory_equal(p.tls_spki_sha256, id.spki_sha256, 32);
		if (genuine(&p) != (n == 0)) /* zeros endorse nothing */
			fail_msg("%zu: %s", n, failed());
	}
}

static void every_byte(void **state)
{
	struct span extension, spki;
	struct proof p;
	uint8_t *copy;
	unsigned refused = 0;

	(void)state;
	if (!*amd_dir)
		skip();
	extension = written(&party);
	spki = own_spki();
	copy = t_exact(extension);
	for (size_t i = 0; i < extension.n; i++) {
		uint8_t bit = (uint8_t)(1u << (i % 8));

		copy[i] ^= bit;
		if (read_as(span_of(copy, extension.n), spki, &p) != ERR_OK)
			refused++;
		else if (genuine(&p))
			fail_msg("changed byte %zu of %zu accepted", i, extension.n);
		copy[i] ^= bit;
	}
	assert_in_range(refused, 200, extension.n); /* headers, labels, media types, members of the runtime data */
	for (size_t n = 0; n < extension.n; n += 11)
		assert_int_not_equal(read_as(span_of(copy, n), spki, &p), ERR_OK);
	assert_int_equal(read_as(span_of(copy, extension.n), spki, &p), ERR_OK);
	assert_true(genuine(&p));
	free(copy);
}

/* Evidence of a party in a certificate of somebody else. */
static void foreign_key(void **state)
{
	static struct tls_identity thief;
	const char *problem;
	struct x509_cert c;
	struct proof p;

	(void)state;
	if (!*amd_dir)
		skip();
	assert_int_equal(tls_identity_make(&thief, "contoso", time(NULL), 24, written(&party)), ERR_OK);
	assert_int_equal(x509_parse(tls_identity_cert(&thief), &c), ERR_OK);
	assert_int_equal(cert_evidence_read(&c, store, &p, &problem), ERR_OK);
	assert_false(genuine(&p));
	assert_string_equal(failed(), "proof.tls_key");
	rules.tls_spki_sha256 = thief.spki_sha256;
	assert_false(genuine(&p));
	rules.tls_spki_sha256 = id.spki_sha256;
}

/* The wrapping, byte by byte as the draft has it; lengths of DER are left out. */
static void exact_form(void **state)
{
	struct span s;

	(void)state;
	if (!*amd_dir)
		skip();
	s = written(&party);
	assert_memory_equal(s.p, "\x30\x82", 2);
	assert_memory_equal(s.p + 4, "\x06\x08\x2b\x06\x01\x05\x05\x07\x01\x23\x04\x82", 12);
	assert_memory_equal(s.p + 18, "\x04\x82", 2);
	assert_memory_equal(s.p + 22, "\xa5\x01\x83\x78\x2e" "application/vnd.amd.sev-snp.attestation-report\x59\x04\xa0", 54);
	assert_memory_equal(s.p + 76 + SNP_REPORT_LEN, "\x04\x02\x83\x75" "application/pkix-cert", 25);
	assert_memory_equal(s.p + s.n - 1, "\x04", 1);
}

/* DER around CBOR that is not ours. */
static enum err read_cbor(const struct out *cbor, uint8_t choice, unsigned times)
{
	static uint8_t bytes[3 * TLS_CERT_MAX];
	struct dw w = dw_init(bytes, sizeof bytes);
	struct proof p;

	for (unsigned i = 0; i < times; i++) {
		size_t mark = dw_mark(&w);

		dw_tlv(&w, choice, out_span(cbor));
		dw_wrap(&w, DER_OCTET_STRING, mark);
		dw_tlv(&w, DER_OID, SPAN_LIT("\x2b\x06\x01\x05\x05\x07\x01\x23"));
		dw_wrap(&w, DER_SEQUENCE, mark);
	}
	assert_false(w.bad);
	return read_as(dw_span(&w), own_spki(), &p);
}

static void other_forms(void **state)
{
	struct span s, cbor;
	uint8_t bytes[TLS_CERT_MAX];
	struct out o;
	size_t last;

	(void)state;
	if (!*amd_dir)
		skip();
	s = written(&party);
	cbor = span_sub(s, 22, s.n);
	assert_int_equal(cbor.p[0], 0xa5);
	o = out_init(bytes, sizeof bytes);
	out_put(&o, cbor);
	assert_int_equal(read_cbor(&o, DER_OCTET_STRING, 1), ERR_OK);
	assert_int_equal(read_cbor(&o, DER_UTF8_STRING, 1), ERR_SYNTAX);
	assert_int_equal(read_cbor(&o, DER_OCTET_STRING, 2), ERR_NOT_FOUND);
	out_byte(&o, 0xf6); /* something behind */
	assert_int_equal(read_cbor(&o, DER_OCTET_STRING, 1), ERR_SYNTAX);
	/* a sixth and a seventh part that are no endorsement */
	o.n--;
	bytes[0] = 0xa6;
	out_put(&o, SPAN_LIT("\x07\x83\x61xA1\x02"));
	assert_int_equal(read_cbor(&o, DER_OCTET_STRING, 1), ERR_SYNTAX);
	bytes[0] = 0xa7;
	assert_int_equal(read_cbor(&o, DER_OCTET_STRING, 1), ERR_SYNTAX);
	/* the last part missing, or there twice */
	o.n = 0;
	out_put(&o, cbor);
	last = o.n - 1 - party.runtime_data.n - 2 - 17 - 2; /* label, array, media type, two bytes of length, indicator */
	assert_int_equal(bytes[last], 5);
	o.n = last;
	bytes[0] = 0xa4;
	assert_int_equal(read_cbor(&o, DER_OCTET_STRING, 1), ERR_SYNTAX);
	o.n = 0;
	out_put(&o, cbor);
	out_put(&o, span_sub(cbor, last, cbor.n));
	bytes[0] = 0xa6;
	assert_int_equal(read_cbor(&o, DER_OCTET_STRING, 1), ERR_SYNTAX);
}

static void parts_missing_or_strange(void **state)
{
	static uint8_t large[TLS_CERT_MAX];
	struct span extension;
	struct proof p, in = party;

	(void)state;
	if (!*amd_dir)
		skip();
	in.chain.n--;
	assert_int_equal(cert_evidence_write(buf, sizeof buf, &in, &extension), ERR_SYNTAX);
	in.chain = span_of(NULL, 0);
	assert_int_equal(cert_evidence_write(buf, sizeof buf, &in, &extension), ERR_SYNTAX);
	assert_int_equal(cert_evidence_write(buf, sizeof buf, &party, &extension), ERR_OK);
	for (size_t cap = 0; cap < extension.n; cap += cap < 60 ? 1 : 97)
		assert_int_equal(cert_evidence_write(large, cap, &party, &extension), ERR_TOO_BIG);
	in = party;
	in.report.n--;
	assert_int_equal(read_as(written(&in), own_spki(), &p), ERR_SYNTAX);
	in = party;
	in.report.n = 0;
	assert_int_equal(read_as(written(&in), own_spki(), &p), ERR_SYNTAX);
	in = party;
	in.runtime_data = SPAN_LIT("{\"keys\":[]}");
	assert_int_equal(read_as(written(&in), own_spki(), &p), ERR_SYNTAX);
	in = party;
	in.chain = SPAN_LIT("\x30\x00\x30\x00\x30\x00");
	assert_int_equal(read_as(written(&in), own_spki(), &p), ERR_OK);
	assert_false(genuine(&p));
	/* three elements that do not fit where the chain goes */
	memset(large, 0x20, sizeof large);
	memcpy(large, "\x30\x82\x20\x00", 4);
	memcpy(large + 4 + 0x2000, "\x30\x00\x30\x00", 4);
	in.chain = span_of(large, 4 + 0x2000 + 4);
	assert_int_equal(read_as(written(&in), own_spki(), &p), ERR_SYNTAX);
}

UNIT(cert_evidence)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),  cmocka_unit_test(every_byte),  cmocka_unit_test(foreign_key),
		cmocka_unit_test(exact_form),  cmocka_unit_test(other_forms), cmocka_unit_test(parts_missing_or_strange),
	};

	return cmocka_run_group_tests(tests, make_all, NULL);
}
