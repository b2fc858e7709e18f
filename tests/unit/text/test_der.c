/* Tests of DER reading and writing. */
#include "text/der.h"

#include "text/pem.h"
#include "t.h"
#include "vectors.h"

static struct der reader(const char *hex, uint8_t *buffer, size_t cap)
{
	return der_init(span_of(buffer, vectors_hex(hex, buffer, cap)));
}

/* What reads a value, for tables of cases. */
static void refuse_element(const char *hex)
{
	uint8_t b[64], tag, *exact;
	struct der d = reader(hex, b, sizeof b);

	exact = t_exact(d.rest);
	d.rest.p = exact;
	if (der_element(&d, &tag).n || !d.bad)
		print_error("accepted %s\n", hex);
	assert_true(d.bad);
	assert_int_equal(d.rest.n, 0);
	assert_false(der_done(&d));
	assert_int_equal(der_peek(&d), 0);
	assert_int_equal(der_element(&d, &tag).n, 0);
	free(exact);
}

static void refuses_malformed_elements(void **state)
{
	static const char *const bad[] = {
		"",		  /* nothing */
		"02",		  /* no length */
		"0000",		  /* end-of-contents */
		"0201",		  /* length past the end */
		"020500010203",	  /* cut contents */
		"3080020101" "0000", /* indefinite length */
		"0480",
		"04810100",	  /* long form of 1 */
		"04817f",	  /* long form under 128 */
		"0482007f",	  /* leading zero in length */
		"04820080",
		"0481",		  /* cut length */
		"048201",
		"0485000000000100", /* five length bytes */
		"04ff",
		"0484ffffffff00",
		"1f8101" "00",	  /* multi-byte tag */
		"bf1f00",
		"3fff",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		refuse_element(bad[i]);
}

static void reads_long_lengths_at_their_borders(void **state)
{
	static const size_t lengths[] = { 0, 1, 127, 128, 255, 256, 65535, 65536, 70000 };
	uint8_t *buffer = malloc(70010);

	(void)state;
	memset(buffer, 0xaa, 70010);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct dw w = dw_init(buffer, 70010);
		struct der d;
		uint8_t tag = 0;

		w.at -= lengths[i];
		dw_wrap(&w, DER_OCTET_STRING, 0);
		assert_false(w.bad);
		d = der_init(dw_span(&w));
		assert_int_equal(der_element(&d, &tag).n, dw_span(&w).n);
		assert_int_equal(tag, DER_OCTET_STRING);
		assert_true(der_done(&d));
		d = der_init(dw_span(&w));
		assert_int_equal(der_take(&d, DER_OCTET_STRING).n, lengths[i]);
		assert_true(der_done(&d));
		/* every cut is a fault */
		d = der_init(span_sub(dw_span(&w), 0, dw_span(&w).n - 1));
		assert_int_equal(der_take(&d, DER_OCTET_STRING).n, 0);
		assert_true(d.bad);
	}
	free(buffer);
}

static void another_tag_is_a_fault_that_sticks(void **state)
{
	uint8_t b[16];
	struct der d = reader("020101020102", b, sizeof b);

	(void)state;
	assert_true(der_u64(&d) == 1);
	assert_int_equal(der_take(&d, DER_OCTET_STRING).n, 0);
	assert_true(d.bad);
	assert_true(der_u64(&d) == 0);
	assert_true(d.bad);
	assert_true(der_enter(&d, DER_SEQUENCE).bad);
	assert_int_equal(der_bits(&d).n, 0);
	assert_true(der_time(&d) == 0);
	assert_false(der_oid_is(&d, SPAN_LIT("")));
}

static void integers(void **state)
{
	static const char *const bad[] = { "0200", "0201ff", "020180", "02020001", "0202007f", "0202ff80", "0203000080",
					   "020200", "030100" };
	uint8_t b[32];
	struct der d;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		d = reader(bad[i], b, sizeof b);
		assert_int_equal(der_uint(&d).n, 0);
		assert_true(d.bad);
	}
	d = reader("020100", b, sizeof b);
	assert_true(span_eq(der_uint(&d), span_of("\0", 1)));
	d = reader("02020080", b, sizeof b);
	assert_true(span_eq(der_uint(&d), SPAN_LIT("\x80")));
	d = reader("0209" "00ffffffffffffffff", b, sizeof b);
	assert_true(der_u64(&d) == UINT64_MAX);
	assert_true(der_done(&d));
	d = reader("0209" "01ffffffffffffffff", b, sizeof b);
	assert_true(der_u64(&d) == 0);
	assert_true(d.bad);
}

static void bit_strings(void **state)
{
	uint8_t b[32];
	struct der d = reader("0303" "00abcd", b, sizeof b);

	(void)state;
	assert_true(span_eq(der_bits(&d), SPAN_LIT("\xab\xcd")));
	d = reader("030100", b, sizeof b);
	assert_int_equal(der_bits(&d).n, 0);
	assert_false(d.bad);
	d = reader("0302" "0180", b, sizeof b);
	assert_int_equal(der_bits(&d).n, 0);
	assert_true(d.bad);
	d = reader("0300", b, sizeof b);
	assert_int_equal(der_bits(&d).n, 0);
	assert_true(d.bad);
}

static void oids_and_nesting(void **state)
{
	uint8_t b[32];
	struct der d = reader("300b" "06032a0304" "a004" "3002" "0500", b, sizeof b), in, deeper;

	(void)state;
	in = der_enter(&d, DER_SEQUENCE);
	assert_true(der_done(&d));
	assert_true(der_oid_is(&in, SPAN_LIT("\x2a\x03\x04")));
	assert_int_equal(der_peek(&in), DER_CONTEXT_CONSTRUCTED);
	deeper = der_enter(&in, DER_CONTEXT_CONSTRUCTED);
	deeper = der_enter(&deeper, DER_SEQUENCE);
	assert_int_equal(der_take(&deeper, DER_NULL).n, 0);
	assert_true(der_done(&deeper) && der_done(&in));
	d = reader("06032a0304" "06032a0305", b, sizeof b);
	assert_false(der_oid_is(&d, SPAN_LIT("\x2a\x03")));
	assert_false(d.bad);
	assert_true(der_oid_is(&d, SPAN_LIT("\x2a\x03\x05")));
	/* an inner element must not reach out of its container */
	d = reader("3003" "0402aabb", b, sizeof b);
	in = der_enter(&d, DER_SEQUENCE);
	assert_int_equal(der_take(&in, DER_OCTET_STRING).n, 0);
	assert_true(in.bad);
}

static int64_t time_of(uint8_t tag, const char *text, bool *bad)
{
	uint8_t b[64] = { tag, (uint8_t)strlen(text) };
	struct der d;
	int64_t t;

	memcpy(b + 2, text, strlen(text));
	d = der_init(span_of(b, 2 + strlen(text)));
	t = der_time(&d);
	*bad = d.bad;
	return t;
}

static void times(void **state)
{
	static const char *const bad_utc[] = { "", "Z", "260101000000", "2601010000Z", "261301000000Z", "260001000000Z", "260100000000Z",
					       "260132000000Z", "260229000000Z", "260101240000Z", "260101006000Z", "260101000060Z",
					       "260101000000+0000", "26010100000aZ", "-60101000000Z", " 60101000000Z", "20260101000000Z" };
	static const char *const bad_general[] = { "260101000000Z", "20260101000000", "20260101000000.5Z", "00000101000000Z",
						   "20260230000000Z", "20260101000000z", "2026010100000 Z" };
	bool bad;

	(void)state;
	assert_true(time_of(DER_UTC_TIME, "700101000000Z", &bad) == 0 && !bad);
	assert_true(time_of(DER_UTC_TIME, "491231235959Z", &bad) == 2524607999 && !bad);
	assert_true(time_of(DER_UTC_TIME, "500101000000Z", &bad) == -631152000 && !bad);
	assert_true(time_of(DER_UTC_TIME, "240229120000Z", &bad) == 1709208000 && !bad);
	assert_true(time_of(DER_GENERALIZED_TIME, "20500101000000Z", &bad) == 2524608000 && !bad);
	assert_true(time_of(DER_GENERALIZED_TIME, "99991231235959Z", &bad) == 253402300799 && !bad);
	for (size_t i = 0; i < sizeof bad_utc / sizeof bad_utc[0]; i++) {
		assert_true(time_of(DER_UTC_TIME, bad_utc[i], &bad) == 0);
		assert_true(bad);
	}
	for (size_t i = 0; i < sizeof bad_general / sizeof bad_general[0]; i++) {
		assert_true(time_of(DER_GENERALIZED_TIME, bad_general[i], &bad) == 0);
		assert_true(bad);
	}
	assert_true(time_of(DER_PRINTABLE_STRING, "700101000000Z", &bad) == 0);
	assert_true(bad);
}

static void written_times_are_read_back(void **state)
{
	static const int64_t moments[] = { 0, -1, 2524607999, 2524608000, -631152000, -631152001, 253402300799, 1709208000, -62135596800 };

	(void)state;
	for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
		uint8_t b[32];
		struct dw w = dw_init(b, sizeof b);
		struct der d;

		dw_time(&w, moments[i]);
		assert_false(w.bad);
		d = der_init(dw_span(&w));
		assert_int_equal(der_peek(&d), moments[i] >= -631152000 && moments[i] < 2524608000 ? DER_UTC_TIME : DER_GENERALIZED_TIME);
		assert_true(der_time(&d) == moments[i]);
		assert_true(der_done(&d));
	}
	for (int64_t t = 253402300800; t; t = t > 0 ? -62135596801 : 0) {
		uint8_t b[32];
		struct dw w = dw_init(b, sizeof b);

		dw_time(&w, t);
		assert_true(w.bad);
	}
}

static void write_sample(struct dw *w)
{
	size_t all = dw_mark(w), bits;

	bits = dw_mark(w);
	dw_bytes(w, SPAN_LIT("\xaa\xbb"));
	dw_wrap_bits(w, bits);
	dw_u64(w, 0x80);
	dw_u64(w, 0);
	dw_uint(w, span_of("\0\0\x7f\xff", 4));
	dw_tlv(w, DER_OID, SPAN_LIT("\x2a\x03"));
	dw_wrap(w, DER_SEQUENCE, all);
}

static void writes_the_expected_bytes(void **state)
{
	uint8_t b[64], expected[64];
	struct dw w = dw_init(b, sizeof b);
	size_t n = vectors_hex("3014" "06022a03" "02027fff" "020100" "02020080" "030300aabb", expected, sizeof expected);

	(void)state;
	write_sample(&w);
	assert_false(w.bad);
	assert_true(span_eq(dw_span(&w), span_of(expected, n)));
	for (size_t cap = 0; cap <= n; cap++) {
		uint8_t *exact = malloc(cap ? cap : 1);

		w = dw_init(exact, cap);
		write_sample(&w);
		assert_int_equal(w.bad, cap < n);
		free(exact);
	}
}

static void numbers_come_back(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		uint64_t v = t_random() >> (t_random() % 64);
		uint8_t b[16];
		struct dw w = dw_init(b, sizeof b);
		struct der d;

		dw_u64(&w, v);
		d = der_init(dw_span(&w));
		assert_true(der_u64(&d) == v);
		assert_true(der_done(&d));
	}
}

/* Walks everything inside an element, constructed ones with a stack of readers. Gives the number of elements. */
static size_t walk(struct span all, bool *bad)
{
	struct der stack[32] = { { all, false } };
	size_t depth = 1, count = 0;

	*bad = false;
	while (depth) {
		struct der *d = &stack[depth - 1], element;
		uint8_t tag;

		if (d->rest.n == 0) {
			depth--;
			continue;
		}
		element = der_init(der_element(d, &tag));
		if (d->bad) {
			*bad = true;
			return count;
		}
		count++;
		if (tag & 0x20 && depth < 32)
			stack[depth++] = der_enter(&element, tag);
	}
	return count;
}

static void real_certificates_are_walked_and_their_cuts_refused(void **state)
{
	static const char *const files[] = { "azure/go-sev-guest/ask_ark_genoa.pem", "azure/go-sev-guest/ask_ark_milan.pem",
					     "azure/go-sev-guest/milan.testcer", "azure/go-sev-guest/vcek.testcer" };
	static uint8_t cert[8192], copy[8192];
	unsigned certs = 0;

	(void)state;
	if (!vectors_dir())
		skip();
	for (size_t i = 0; i < 4; i++) {
		size_t n, len;
		uint8_t *file = vectors_read(files[i], &n);
		struct span text = span_of(file, n);

		assert_non_null(file);
		if (file[0] != '-') {
			free(file);
			continue;
		}
		while (pem_next(&text, "CERTIFICATE", cert, sizeof cert, &len) == ERR_OK) {
			bool bad;

			assert_true(walk(span_of(cert, len), &bad) > 40);
			assert_false(bad);
			certs++;
			for (size_t cut = 1; cut < len; cut += 13) {
				uint8_t *exact = t_exact(span_of(cert, cut));

				walk(span_of(exact, cut), &bad);
				assert_true(bad);
				free(exact);
			}
			for (unsigned round = 0; round < 300; round++) {
				uint8_t *exact;

				memcpy(copy, cert, len);
				copy[t_random() % len] = (uint8_t)t_random();
				exact = t_exact(span_of(copy, len));
				walk(span_of(exact, len), &bad);
				free(exact);
			}
		}
		free(file);
	}
	assert_true(certs >= 5);
}

UNIT(der)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_malformed_elements),
		cmocka_unit_test(reads_long_lengths_at_their_borders),
		cmocka_unit_test(another_tag_is_a_fault_that_sticks),
		cmocka_unit_test(integers),
		cmocka_unit_test(bit_strings),
		cmocka_unit_test(oids_and_nesting),
		cmocka_unit_test(times),
		cmocka_unit_test(written_times_are_read_back),
		cmocka_unit_test(writes_the_expected_bytes),
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(real_certificates_are_walked_and_their_cuts_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
