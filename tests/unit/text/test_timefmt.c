/* Tests of calendar times. */
#include "text/timefmt.h"

#include <time.h>

#include "t.h"

static void agrees_with_the_c_library(void **state)
{
	(void)state;
	for (int64_t t = -62135596800; t <= 253402300799; t += 86400 * 37 + 12345) {
		time_t given = (time_t)t;
		struct tm tm;
		struct civil c = time_to_civil(t);

		assert_non_null(gmtime_r(&given, &tm));
		assert_true(c.year == tm.tm_year + 1900 && c.month == tm.tm_mon + 1 && c.day == tm.tm_mday && c.hour == tm.tm_hour &&
			    c.minute == tm.tm_min && c.second == tm.tm_sec);
		assert_true(time_civil_ok(&c));
		assert_true(time_from_civil(&c) == t);
	}
}

static void every_day_of_four_centuries_there_and_back(void **state)
{
	struct civil before = time_to_civil((int64_t)-86400 * 25568);

	(void)state;
	for (int64_t day = -25567; day < 146097 - 25567; day++) {
		struct civil c = time_to_civil(day * 86400 + 86399);

		assert_true(c.hour == 23 && c.minute == 59 && c.second == 59);
		assert_true(time_from_civil(&c) == day * 86400 + 86399);
		assert_true(c.day == before.day + 1 || c.day == 1);
		before = c;
	}
}

static void outside_the_years_gives_the_nearest_second(void **state)
{
	struct civil c = time_to_civil(INT64_MAX);

	(void)state;
	assert_true(c.year == 9999 && c.month == 12 && c.day == 31 && c.second == 59);
	c = time_to_civil(INT64_MIN);
	assert_true(c.year == 1 && c.month == 1 && c.day == 1 && c.second == 0);
}

static void civil_ranges(void **state)
{
	static const struct civil bad[] = { { 0, 1, 1, 0, 0, 0 },	{ 10000, 1, 1, 0, 0, 0 }, { 2026, 0, 1, 0, 0, 0 },
					    { 2026, 13, 1, 0, 0, 0 },	{ 2026, 1, 0, 0, 0, 0 },  { 2026, 4, 31, 0, 0, 0 },
					    { 2026, 2, 29, 0, 0, 0 },	{ 1900, 2, 29, 0, 0, 0 }, { 2026, 1, 1, 24, 0, 0 },
					    { 2026, 1, 1, 0, 60, 0 },	{ 2026, 1, 1, 0, 0, 60 }, { 2026, 1, 1, -1, 0, 0 },
					    { 2026, -1, 1, 0, 0, 0 } };
	static const struct civil good[] = { { 2024, 2, 29, 0, 0, 0 }, { 2000, 2, 29, 23, 59, 59 }, { 1, 1, 1, 0, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(time_civil_ok(&bad[i]));
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		assert_true(time_civil_ok(&good[i]));
}

static void written_forms(void **state)
{
	uint8_t b[64];
	struct out o = out_init(b, sizeof b);

	(void)state;
	time_iso8601(&o, 1795226584, 5);
	t_span_is(out_span(&o), "2026-11-21T02:03:04.000005Z");
	o = out_init(b, sizeof b);
	time_iso8601(&o, -1, 999999);
	t_span_is(out_span(&o), "1969-12-31T23:59:59.999999Z");
	o = out_init(b, sizeof b);
	time_http(&o, 784111777);
	t_span_is(out_span(&o), "Sun, 06 Nov 1994 08:49:37 GMT");
	o = out_init(b, 26);
	time_iso8601(&o, 0, 0);
	assert_true(o.bad);
}

static void http_form_agrees_with_the_c_library_and_comes_back(void **state)
{
	(void)state;
	for (int64_t t = -62135596800; t <= 253402300799; t += 86400 * 251 + 4321) {
		char expected[40];
		uint8_t b[40];
		struct out o = out_init(b, sizeof b);
		time_t given = (time_t)t;
		struct tm tm;
		int64_t back = 1;

		gmtime_r(&given, &tm);
		/* the year apart: strftime does not pad it */
		strftime(expected, sizeof expected, "%a, %d %b ", &tm);
		snprintf(expected + strlen(expected), 25, "%04d %02d:%02d:%02d GMT", tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
		time_http(&o, t);
		t_span_is(out_span(&o), expected);
		assert_int_equal(time_parse_http(out_span(&o), &back), ERR_OK);
		assert_true(back == t);
	}
}

static void refuses_other_http_dates(void **state)
{
	static const char *const bad[] = {
		"",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		" Sun, 06 Nov 1994 08:49:37 GMT",
		"Mon, 06 Nov 1994 08:49:37 GMT",  /* wrong weekday */
		"sun, 06 Nov 1994 08:49:37 GMT",
		"Sun, 06 nov 1994 08:49:37 GMT",
		"Sun, 06 Nox 1994 08:49:37 GMT",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun,  6 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1994 08:49:60 GMT",
		"Sun, 06-Nov-1994 08:49:37 GMT",
		"Sun, 32 Nov 1994 08:49:37 GMT",
		"Wed, 29 Feb 1995 08:49:37 GMT",
		"Sun, 06 Nov 0000 08:49:37 GMT",
		"Sun, 06 Nov -994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994",
		"Sun, 06 Nov 1994 08.49.37 GMT",
	};
	int64_t t = 3;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(time_parse_http(span_str(bad[i]), &t), ERR_SYNTAX);
	assert_true(t == 3);
}

UNIT(timefmt)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_c_library),
		cmocka_unit_test(every_day_of_four_centuries_there_and_back),
		cmocka_unit_test(outside_the_years_gives_the_nearest_second),
		cmocka_unit_test(civil_ranges),
		cmocka_unit_test(written_forms),
		cmocka_unit_test(http_form_agrees_with_the_c_library_and_comes_back),
		cmocka_unit_test(refuses_other_http_dates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
