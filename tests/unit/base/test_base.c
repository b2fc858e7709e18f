/* Tests of spans, the bounded writer, constant-time helpers, errors, faults and the log. */
#include <fcntl.h>
#include <unistd.h>

#include "azure/services.h"
#include "base/ct.h"
#include "base/err.h"
#include "base/fault.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/out.h"
#include "os/snp_device.h"
#include "party/steps.h"
#include "t.h"

/* --- spans */

static void spans_compare(void **state)
{
	struct span none = { NULL, 0 };

	(void)state;
	assert_true(span_eq(none, SPAN_LIT("")));
	assert_true(span_eq(none, span_str(NULL)));
	assert_false(span_eq(none, SPAN_LIT("a")));
	assert_true(span_eq_str(SPAN_LIT("abc"), "abc"));
	assert_false(span_eq_str(SPAN_LIT("abc"), "abcd"));
	assert_false(span_eq_str(span_of("abc\0", 4), "abc"));
	assert_true(span_eq_nocase(SPAN_LIT("Content-LENGTH"), "content-length"));
	assert_false(span_eq_nocase(SPAN_LIT("a"), "b"));
	/* only letters have a case: '[' and '{' differ by the same bit, and so do bytes over 0x7f */
	assert_false(span_eq_nocase(SPAN_LIT("["), "{"));
	assert_false(span_eq_nocase(SPAN_LIT("@"), "`"));
	assert_false(span_eq_nocase(SPAN_LIT("\xc0"), "\xe0"));
}

static void spans_start_end_and_contain(void **state)
{
	(void)state;
	assert_true(span_starts(SPAN_LIT("abc"), "ab") && span_starts(SPAN_LIT("abc"), "") && span_starts(SPAN_LIT("abc"), "abc"));
	assert_false(span_starts(SPAN_LIT("abc"), "abcd") || span_starts(SPAN_LIT("abc"), "b"));
	assert_true(span_ends(SPAN_LIT("abc"), "bc") && span_ends(SPAN_LIT("abc"), "") && span_ends(SPAN_LIT("abc"), "abc"));
	assert_false(span_ends(SPAN_LIT("abc"), "zabc") || span_ends(SPAN_LIT("abc"), "b"));
	assert_true(span_has_nocase(SPAN_LIT("not Authorized"), "AUTHOR") && span_has_nocase(SPAN_LIT("abc"), "c"));
	assert_true(span_has_nocase(SPAN_LIT(""), ""));
	assert_false(span_has_nocase(SPAN_LIT("ab"), "abc") || span_has_nocase(SPAN_LIT(""), "a"));
}

static void parts_never_reach_outside(void **state)
{
	struct span s = SPAN_LIT("abcdef");

	(void)state;
	t_span_is(span_sub(s, 2, 3), "cde");
	t_span_is(span_sub(s, 2, SIZE_MAX), "cdef");
	t_span_is(span_sub(s, 6, 1), "");
	t_span_is(span_sub(s, SIZE_MAX, SIZE_MAX), "");
	t_span_is(span_sub(s, 0, 0), "");
	assert_int_equal(span_find(s, 'c'), 2);
	assert_int_equal(span_find(s, 'x'), 6);
	assert_int_equal(span_find(span_of(NULL, 0), 'x'), 0);
	t_span_is(span_trim(SPAN_LIT(" \t\r\na b\n ")), "a b");
	t_span_is(span_trim(SPAN_LIT(" \n ")), "");
	t_span_is(span_trim(SPAN_LIT("\x0b" "a")), "\x0b" "a");
}

static void decimal_numbers(void **state)
{
	static const char *const bad[] = { "", "-1", "+1", " 1", "1 ", "1a", "0x1", "18446744073709551616", "99999999999999999999", "000000000000000000001", "1.0" };
	uint64_t v = 5;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(span_u64(span_str(bad[i]), &v));
	assert_true(v == 5);
	assert_true(span_u64(SPAN_LIT("18446744073709551615"), &v) && v == UINT64_MAX);
	assert_true(span_u64(SPAN_LIT("007"), &v) && v == 7);
	assert_true(span_u64(SPAN_LIT("0"), &v) && v == 0);
}

static void texts_are_copied_whole_or_not_at_all(void **state)
{
	char dst[4] = "xyz";

	(void)state;
	assert_true(span_copy_str(SPAN_LIT("abc"), dst, sizeof dst));
	assert_string_equal(dst, "abc");
	assert_false(span_copy_str(SPAN_LIT("abcd"), dst, sizeof dst));
	assert_string_equal(dst, "");
	assert_true(span_copy_str(SPAN_LIT("ab"), dst, sizeof dst));
	assert_false(span_copy_str(span_of("a\0b", 3), dst, sizeof dst));
	assert_string_equal(dst, "");
	assert_true(span_copy_str(span_of(NULL, 0), dst, sizeof dst));
	assert_false(span_copy_str(span_of(NULL, 0), dst, 0));
}

static void loads_and_stores(void **state)
{
	const uint8_t p[8] = { 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8 };
	uint8_t q[8];

	(void)state;
	assert_true(load_be16(p) == 0x8192 && load_le16(p) == 0x9281);
	assert_true(load_be32(p) == 0x8192a3b4 && load_le32(p) == 0xb4a39281);
	assert_true(load_be64(p) == 0x8192a3b4c5d6e7f8 && load_le64(p) == 0xf8e7d6c5b4a39281);
	store_be64(q, 0x8192a3b4c5d6e7f8);
	assert_memory_equal(p, q, 8);
	store_le64(q, 0xf8e7d6c5b4a39281);
	assert_memory_equal(p, q, 8);
	store_be32(q, 0xc5d6e7f8);
	assert_memory_equal(p + 4, q, 4);
}

/* --- writer */

static void write_all_kinds(struct out *o)
{
	out_str(o, "s");
	out_byte(o, 'b');
	out_bytes(o, NULL, 0);
	out_put(o, SPAN_LIT("pq"));
	out_u64(o, 0);
	out_u64(o, UINT64_MAX);
	out_i64(o, INT64_MIN);
	out_i64(o, -7);
	out_hex_u64(o, 0);
	out_hex_u64(o, 0xfedcba9876543210);
	out_hex(o, (const uint8_t *)"\x00\xff", 2);
	out_fixed(o, 1234, 2);
	out_fixed(o, -5, 3);
	out_fixed(o, 0, 0);
	out_fixed(o, INT64_MIN, 9);
}

static void every_kind_is_written_right(void **state)
{
	uint8_t b[200];
	struct out o = out_init(b, sizeof b);

	(void)state;
	write_all_kinds(&o);
	assert_false(o.bad);
	t_span_is(out_span(&o), "sbpq0" "18446744073709551615" "-9223372036854775808" "-7" "0" "fedcba9876543210" "00ff"
				"12.34" "-0.005" "0" "-9223372036.854775808");
}

static void an_overflow_sticks_at_every_size(void **state)
{
	uint8_t b[200];
	struct out whole = out_init(b, sizeof b);

	(void)state;
	write_all_kinds(&whole);
	for (size_t cap = 0; cap <= whole.n; cap++) {
		uint8_t *exact = malloc(cap ? cap : 1);
		struct out o = out_init(exact, cap);

		write_all_kinds(&o);
		assert_int_equal(o.bad, cap < whole.n);
		assert_true(o.n <= cap);
		if (o.bad) {
			size_t n = o.n;

			out_bytes(&o, NULL, 0);
			out_u64(&o, 1);
			assert_true(o.bad && o.n == n);
		}
		free(exact);
	}
}

static void reserving_and_ending(void **state)
{
	uint8_t b[4];
	struct out o = out_init(b, sizeof b);

	(void)state;
	assert_ptr_equal(out_reserve(&o, 3), b);
	assert_null(out_reserve(&o, SIZE_MAX));
	assert_true(o.bad && o.n == 3);
	assert_null(out_reserve(&o, 0));
	o = out_init(b, sizeof b);
	out_str(&o, "abc");
	assert_string_equal(out_cstr(&o), "abc");
	assert_int_equal(o.n, 3);
	out_byte(&o, 'd');
	assert_false(o.bad);
	assert_string_equal(out_cstr(&o), "");
	assert_true(o.bad);
	o = out_init(NULL, 0);
	assert_string_equal(out_cstr(&o), "");
}

/* --- constant time and wiping */

static void constant_time_helpers(void **state)
{
	uint8_t a[65], b[65];
	struct { uint32_t x, y; } secret = { 1, 2 };

	(void)state;
	assert_int_equal(ct_mask(0), 0);
	for (unsigned bit = 0; bit < 32; bit++)
		assert_int_equal(ct_mask(1u << bit), UINT32_MAX);
	assert_int_equal(ct_mask(UINT32_MAX), UINT32_MAX);
	memset(a, 0x5a, sizeof a);
	memcpy(b, a, sizeof b);
	assert_true(ct_equal(a, b, sizeof a));
	for (size_t i = 0; i < 8 * sizeof b; i++) {
		b[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_false(ct_equal(a, b, sizeof a));
		b[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	assert_true(ct_equal(a, b, 0) && ct_equal(NULL, NULL, 0));
	WIPE(secret);
	assert_true(secret.x == 0 && secret.y == 0);
	WIPE_N(a + 1, 2);
	assert_true(a[0] == 0x5a && a[1] == 0 && a[2] == 0 && a[3] == 0x5a);
}

/* --- errors and faults */

static void every_error_and_step_has_its_own_name(void **state)
{
	static const struct step *const steps[] = {
		NULL, STEP_REPORT, STEP_COLLATERAL, STEP_ATTEST, STEP_TOKEN_VERIFY, STEP_IDENTITY, STEP_RELEASE, STEP_RELEASE_VERIFY,
		STEP_UNWRAP, STEP_PARTNER, STEP_STORE, STEP_ANALYSIS,
	};

	(void)state;
	for (int i = 0; i < ERR_COUNT; i++) {
		assert_string_not_equal(err_name((enum err)i), "unknown");
		for (int k = 0; k < i; k++)
			assert_string_not_equal(err_name((enum err)i), err_name((enum err)k));
	}
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++)
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(step_name(steps[i]), step_name(steps[k]));
	assert_string_equal(err_name(ERR_COUNT), "unknown");
	assert_string_equal(err_name((enum err)-1), "unknown");
	assert_string_equal(step_name(NULL), "none");
	assert_string_equal(step_name(STEP_BLOB), step_name(STEP_STORE)); /* to callers both are the storage of records */
	assert_string_equal(err_name(ERR_TIMEOUT), "timeout");
}

static void faults_are_set_and_advised(void **state)
{
	struct fault f;

	(void)state;
	memset(&f, 0xff, sizeof f);
	fault_clear(&f);
	assert_int_equal(f.err, ERR_OK);
	assert_null(f.cause);
	fault_text(f.service, sizeof f.service, SPAN_LIT("host:443"));
	assert_int_equal(fault_set(&f, ERR_DENIED, STEP_RELEASE, "the vault refused"), ERR_DENIED);
	assert_int_equal(f.err, ERR_DENIED);
	assert_ptr_equal(f.step, STEP_RELEASE);
	assert_string_equal(f.message, "the vault refused");
	assert_string_equal(f.service, "host:443");
	fault_advise(&f, "cause", "remedy");
	assert_string_equal(f.cause, "cause");
	assert_string_equal(f.remedy, "remedy");
	assert_int_equal(fault_set_detail(&f, ERR_HTTP, STEP_ATTEST, "said", SPAN_LIT("a\nb\x80\x7f")), ERR_HTTP);
	assert_string_equal(f.message, "said: a?b??");
	assert_string_equal(f.cause, "cause");
	assert_int_equal(fault_set_detail(&f, ERR_HTTP, STEP_ATTEST, "said", SPAN_LIT("")), ERR_HTTP);
	assert_string_equal(f.message, "said");
	assert_int_equal(fault_set(NULL, ERR_HTTP, STEP_ATTEST, "x"), ERR_HTTP);
	assert_int_equal(fault_set_detail(NULL, ERR_HTTP, STEP_ATTEST, "x", SPAN_LIT("y")), ERR_HTTP);
	fault_advise(NULL, "a", "b");
}

/* A step's own rows first, in their order; else what holds for all steps; a layer that knows more replaces both. */
static void advice_comes_from_the_steps_own_table(void **state)
{
	static const struct advice rows[] = { { ERR_TIMEOUT, "too slow", "wait" }, { ERR_OK, "anything", "look" }, { ERR_HTTP, "never", "never" } };
	static const struct advice one[] = { { ERR_FULL, "full", "empty it" } };
	static const struct step any[1] = { { "any", true, STEP_ADVICE(rows) } }, some[1] = { { "some", false, STEP_ADVICE(one) } };
	static const struct { const struct step *step; enum err err; const char *cause, *remedy; } cases[] = {
		{ any, ERR_TIMEOUT, "too slow", "wait" }, { any, ERR_HTTP, "anything", "look" }, { some, ERR_FULL, "full", "empty it" },
		{ some, ERR_CONFIG, "a setting is missing or wrong", "check the settings that the message names" },
		{ NULL, ERR_CONFIG, "a setting is missing or wrong", "check the settings that the message names" },
		{ some, ERR_CRYPTO, "not known, see the message", "see the message and this party's log" },
		{ NULL, ERR_CRYPTO, "not known, see the message", "see the message and this party's log" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct fault f;

		fault_clear(&f);
		(void)fault_set(&f, cases[i].err, cases[i].step, "x");
		assert_string_equal(fault_cause(&f), cases[i].cause);
		assert_string_equal(fault_remedy(&f), cases[i].remedy);
		fault_advise(&f, "known", "do this");
		assert_string_equal(fault_cause(&f), "known");
		assert_string_equal(fault_remedy(&f), "do this");
	}
}

static void long_messages_are_cut(void **state)
{
	static char text[2000];
	struct fault f;

	(void)state;
	memset(text, 'm', sizeof text - 1);
	fault_clear(&f);
	for (size_t n = 500; n < 520; n++) {
		text[n] = 0;
		fault_set_detail(&f, ERR_HTTP, STEP_ATTEST, text, SPAN_LIT("detail that is longer than what is left"));
		assert_true(strlen(f.message) <= sizeof f.message - 1);
		assert_memory_equal(f.message, text, n < 511 ? n : 511);
		text[n] = 'm';
	}
	fault_text(f.code, sizeof f.code, span_of(text, 1000));
	assert_int_equal(strlen(f.code), sizeof f.code - 1);
	fault_text(f.code, 1, SPAN_LIT("abc"));
	assert_string_equal(f.code, "");
}

/* --- log */

static char logged[8192];

/* Runs f with standard error going into a file and gives what was written. */
static const char *log_of(void (*f)(void))
{
	char path[] = "/tmp/test_base.XXXXXX";
	int file = mkstemp(path), saved = dup(2);
	ssize_t n;

	assert_true(file >= 0 && saved >= 0);
	unlink(path);
	dup2(file, 2);
	f();
	dup2(saved, 2);
	close(saved);
	n = pread(file, logged, sizeof logged - 1, 0);
	close(file);
	logged[n < 0 ? 0 : n] = 0;
	return logged;
}

static void log_several(void)
{
	log_line(LOG_INFO, "part", "plain");
	log_line(LOG_DEBUG, "part", "not shown");
	log_num(LOG_WARN, "part", "count", "n", UINT64_MAX);
	log_text(LOG_ERROR, "part", "odd", "value", SPAN_LIT("a\nb\x7f\x9b" "1m\xe2\x80\xae\\x"));
	log_text(LOG_DEBUG, "part", "not shown", "value", SPAN_LIT("x"));
	log_num(LOG_DEBUG, "part", "not shown", "n", 1);
}

/* The text of the n-th line behind its time. */
static const char *line_text(const char *text, size_t n)
{
	while (n--)
		text = strchr(text, '\n') + 1;
	return strchr(text, ' ') + 1;
}

static void log_lines_have_level_name_and_no_control_bytes(void **state)
{
	const char *text;
	size_t lines = 0;

	(void)state;
	log_set_name("con\ntoso");
	text = log_of(log_several);
	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 3);
	assert_memory_equal(line_text(text, 0), "info con\\x0atoso part: plain\n", 29);
	assert_memory_equal(line_text(text, 1), "warn con\\x0atoso part: count n=18446744073709551615\n", 52);
	/* escape sequences of terminals (also those of one byte) and of text direction are text */
	assert_string_equal(line_text(text, 2), "error con\\x0atoso part: odd value=a\\x0ab\\x7f\\x9b1m\\xe2\\x80\\xae\\x5cx\n");
	for (const char *p = text; *p; p++)
		assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	assert_true(strspn(text, "0123456789.") > 10);
}

static void log_long(void)
{
	static char text[3000];

	memset(text, 'l', sizeof text - 1);
	log_line(LOG_ERROR, "c", text);
	log_text(LOG_ERROR, "c", "t", "k", span_of(text, sizeof text - 1));
	log_text(LOG_ERROR, text, text, text, span_of(text, sizeof text - 1));
	memset(text, 0xff, sizeof text - 1); /* no escape is cut */
	for (size_t i = 0; i < 4; i++)
		log_line(LOG_ERROR, &"cccc"[i], text);
}

static void long_log_lines_are_cut_and_end_in_one_line_break(void **state)
{
	const char *text = log_of(log_long);
	size_t lines = 0, length = 0;

	(void)state;
	for (const char *p = text; *p; p++) {
		length++;
		if (*p == '\n') {
			assert_true(length > 200 && length <= LOG_LINE_MAX);
			assert_true(lines < 3 || memcmp(p - 4, "\\xff", 4) == 0);
			length = 0;
			lines++;
		}
	}
	assert_int_equal(length, 0);
	assert_int_equal(lines, 7);
}

static void log_a_fault(void)
{
	struct fault f;

	fault_clear(&f);
	fault_set(&f, ERR_THROTTLED, STEP_RELEASE, "too many requests");
	fault_text(f.service, sizeof f.service, SPAN_LIT("vault:443"));
	fault_text(f.code, sizeof f.code, SPAN_LIT("Throttled"));
	f.http_status = 429;
	f.sys_errno = 5;
	f.fw_error = 7;
	log_fault(LOG_ERROR, "svc", "failed", &f);
	log_fault(LOG_DEBUG, "svc", "not shown", &f);
	log_set_level(LOG_ERROR);
	log_line(LOG_WARN, "svc", "not shown");
	log_set_level(LOG_INFO);
}

static void a_fault_is_one_line(void **state)
{
	static const char expected[] = "error contoso svc: failed step=key_release error=throttled service=vault:443 status=429 "
				       "code=Throttled errno=5 fw_error=7 message=too many requests\n";
	const char *text;

	(void)state;
	log_set_name("contoso");
	text = log_of(log_a_fault);
	assert_string_equal(line_text(text, 0), expected);
}

UNIT(base)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spans_compare),
		cmocka_unit_test(spans_start_end_and_contain),
		cmocka_unit_test(parts_never_reach_outside),
		cmocka_unit_test(decimal_numbers),
		cmocka_unit_test(texts_are_copied_whole_or_not_at_all),
		cmocka_unit_test(loads_and_stores),
		cmocka_unit_test(every_kind_is_written_right),
		cmocka_unit_test(an_overflow_sticks_at_every_size),
		cmocka_unit_test(reserving_and_ending),
		cmocka_unit_test(constant_time_helpers),
		cmocka_unit_test(every_error_and_step_has_its_own_name),
		cmocka_unit_test(faults_are_set_and_advised), cmocka_unit_test(advice_comes_from_the_steps_own_table),
		cmocka_unit_test(long_messages_are_cut),
		cmocka_unit_test(log_lines_have_level_name_and_no_control_bytes),
		cmocka_unit_test(long_log_lines_are_cut_and_end_in_one_line_break),
		cmocka_unit_test(a_fault_is_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
