/* Tests of COMPARE_ORIGINS: what it holds goes into response heads as it is. */
#include "party/settings.h"

#include "t.h"

static struct settings s;

static enum err read_value(const char *value)
{
	static struct setting_report report;
	char entry[2048];
	char *environment[] = { entry, NULL };

	snprintf(entry, sizeof entry, "COMPARE_ORIGINS=%s", value);
	return conf_read(&s, environment, &report);
}

static void origins_are_kept_with_blanks_between(void **state)
{
	(void)state;
	assert_int_equal(read_value("https://contoso.example,http://localhost:8081 , https://[::1]:8443"), ERR_OK);
	assert_string_equal(s.demo.compare_origins, "https://contoso.example http://localhost:8081 https://[::1]:8443");
	assert_int_equal(read_value(""), ERR_OK);
	assert_string_equal(s.demo.compare_origins, "");
}

static void everything_else_is_refused(void **state)
{
	static const char *const wrong[] = {
		"contoso.example", "https://", "https://a/", "https://a/path", "https://a?x", "https://a;", "https://a#x", "https://u@a",
		"https://*", "https://*.a", "'self'", "https://a https://b", "https://a,,https://b", "https://a,", ",https://a", "https://a:0",
		"https://a:99999", "ftp://a", "https://a\"", "https://a'; script-src *", "https://a\\b", "javascript:alert(1)", "data:x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		if (read_value(wrong[i]) == ERR_OK)
			print_error("accepted: %s\n", wrong[i]);
		assert_int_equal(read_value(wrong[i]), ERR_CONFIG);
	}
}

static void more_than_fit_are_refused(void **state)
{
	char many[1600] = "https://party.example";

	(void)state;
	while (strlen(many) < COMPARE_MAX + 100)
		strcat(many, ",https://party.example");
	assert_int_equal(read_value(many), ERR_CONFIG);
}

UNIT(compare_origins)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_are_kept_with_blanks_between),
		cmocka_unit_test(everything_else_is_refused),
		cmocka_unit_test(more_than_fit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
