/* CBOR: items of RFC 8949 appendix A, what is refused, and hostile nesting. */
#include "t.h"

#include "text/cbor.h"
#include "vectors.h"

static size_t bytes_of(const char *hex, uint8_t *buf, size_t cap)
{
	return vectors_hex(hex, buf, cap);
}

static void integers(void **state)
{
	static const struct { const char *hex; int64_t v; } all[] = {
		{ "00", 0 }, { "17", 23 }, { "1818", 24 }, { "18ff", 255 }, { "190100", 256 }, { "1903e8", 1000 }, { "1a000f4240", 1000000 },
		{ "1b000000e8d4a51000", 1000000000000 }, { "1b7fffffffffffffff", INT64_MAX }, { "20", -1 }, { "3863", -100 },
		{ "3903e7", -1000 }, { "3825", -38 }, { "3b7fffffffffffffff", INT64_MIN },
	};
	static const char *const bad[] = {
		"", "1800", "1817", "1900ff", "1a0000ffff", "1b00000000ffffffff", "1b8000000000000000", "3b8000000000000000", "18", "19ff",
		"1c", "1d", "1e", "1f", "3817", "40", "60", "80", "c1", "f4",
	};
	uint8_t buf[16];

	(void)state;
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		size_t n = bytes_of(all[i].hex, buf, sizeof buf);
		struct cbor c = cbor_init(span_of(buf, n));
		uint8_t again[16];
		struct out o = out_init(again, sizeof again);

		assert_true(cbor_int(&c) == all[i].v);
		assert_true(cbor_done(&c));
		cbor_put_head(&o, all[i].v < 0 ? CBOR_NINT : CBOR_UINT, all[i].v < 0 ? (uint64_t)(-1 - all[i].v) : (uint64_t)all[i].v);
		assert_true(span_eq(out_span(&o), span_of(buf, n)));
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t *p;
		size_t n = bytes_of(bad[i], buf, sizeof buf);
		struct cbor c;

		p = t_exact(span_of(buf, n));
		c = cbor_init(span_of(p, n));
		assert_true(cbor_int(&c) == 0);
		assert_true(c.bad);
		assert_int_equal(cbor_peek(&c), CBOR_NOTHING);
		free(p);
	}
}

static void strings_and_containers(void **state)
{
	static const uint8_t in[] = { 0xd2, 0x84, 0x43, 1, 2, 3, 0xa1, 0x61, 'a', 0x82, 0xf6, 0xfb, 0, 0, 0, 0, 0, 0, 0, 0, 0x62, 0xc3, 0xbc, 0x40 };
	struct cbor c = cbor_init(span_of(in, sizeof in));

	(void)state;
	assert_int_equal(cbor_tag(&c), 18);
	assert_int_equal(cbor_array(&c), 4);
	assert_true(span_eq(cbor_bytes(&c), span_of("\1\2\3", 3)));
	assert_int_equal(cbor_peek(&c), CBOR_MAP);
	cbor_skip(&c);
	t_span_is(cbor_text(&c), "\xc3\xbc");
	assert_int_equal(cbor_bytes(&c).n, 0);
	assert_true(cbor_done(&c));
}

static void refused(void **state)
{
	static const char *const bad[] = {
		"",                     /* nothing */
		"5f42010243030405ff",   /* indefinite lengths */
		"7f657374726561646d696e67ff", "9fff", "bfff", "ff",
		"41", "5803ffff", "61ff", "62c328", /* cut; not UTF-8 */
		"82", "8101820304", "a1", "a101", "a10102a1", /* members missing or left over */
		"9a7fffffff", "9b7fffffffffffffff", "bb7fffffffffffffff", "bbffffffffffffffff", "5bffffffffffffffff", /* huge counts */
		"c1", "d818", "d80100",
		"f800", "f81f", "f8", "f97e", "fb00", "fc", "fd", "fe",
	};
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t n = bytes_of(bad[i], buf, sizeof buf);
		uint8_t *p = t_exact(span_of(buf, n));
		struct cbor c = cbor_init(span_of(p, n));

		cbor_skip(&c);
		if (cbor_done(&c))
			fail_msg("%s accepted", bad[i]);
		free(p);
	}
}

static void deep_nesting_takes_no_stack(void **state)
{
	size_t n = 1000000;
	uint8_t *p = malloc(n);
	struct cbor c;

	(void)state;
	memset(p, 0x81, n);
	p[n - 1] = 0;
	c = cbor_init(span_of(p, n));
	cbor_skip(&c);
	assert_true(cbor_done(&c));
	memset(p, 0xa1, n); /* maps of maps: never ends */
	c = cbor_init(span_of(p, n));
	cbor_skip(&c);
	assert_true(c.bad);
	memset(p, 0x9a, n);
	c = cbor_init(span_of(p, n));
	cbor_skip(&c);
	assert_true(c.bad);
	free(p);
}

static void random_bytes(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		uint8_t buf[40];
		size_t n = t_random() % sizeof buf;
		uint8_t *p;
		struct cbor c;

		for (size_t i = 0; i < n; i++)
			buf[i] = (uint8_t)t_random();
		p = t_exact(span_of(buf, n));
		c = cbor_init(span_of(p, n));
		while (!c.bad && c.rest.n)
			cbor_skip(&c);
		free(p);
	}
}

UNIT(cbor)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers), cmocka_unit_test(strings_and_containers), cmocka_unit_test(refused),
		cmocka_unit_test(deep_nesting_takes_no_stack), cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
