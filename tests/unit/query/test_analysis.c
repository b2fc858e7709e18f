/* The statistics: golden results of real data through the whole chain, and hand-made cases of every rule. */
#include "records_help.h"

#include <cjson/cJSON.h>

#include "party/query/analysis.h"
#include "vectors.h"

static struct analysis analysis;
static struct settings settings;
static struct fault why;
static uint8_t text[262144];

static int set_up(void **state)
{
	(void)state;
	keys_init();
	help_settings(&settings, ROLE_CONTOSO);
	help_new_key(KEYS_OWN);
	help_same_key(KEYS_CONTOSO);
	help_same_key(KEYS_FABRIKAM);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	help_clean(&settings);
	keys_wipe();
	return 0;
}

static int fresh(void **state)
{
	(void)state;
	analysis_init(&analysis, 2026, 1, 12345);
	return 0;
}

static cJSON *result(bool with_staff)
{
	struct out o = out_init(text, sizeof text);
	struct jw w = jw_init(&o);
	cJSON *root;

	analysis_close(&analysis);
	jw_object(&w, NULL);
	analysis_write(&analysis, &w, with_staff);
	analysis_write_rest(&analysis, &w);
	jw_end_object(&w);
	assert_true(*out_cstr(&o));
	assert_false(o.bad);
	root = cJSON_ParseWithLength((const char *)o.p, o.n);
	assert_non_null(root);
	return root;
}

/* --- golden --- */

static void count_record(struct recread *r, void *ctx)
{
	enum company *c = ctx;

	assert_int_equal(analysis_add(&analysis, *c, r->value, &why), ERR_OK);
}

static void count_company(enum company c, const char *csv_name)
{
	static struct recread reader;
	struct populate_result populated;
	char path[512];
	size_t n, m;
	uint8_t *csv = vectors_read(csv_name, &n), *bytes;

	assert_non_null(csv);
	settings.role = c == COMPANY_CONTOSO ? ROLE_CONTOSO : ROLE_FABRIKAM;
	assert_int_equal(help_import(&settings, span_of(csv, n), 4096, &populated, &why), ERR_OK);
	help_path(&settings, store_file_name(&settings), path);
	bytes = help_read(path, &m);
	recread_begin(&reader, c == COMPANY_CONTOSO ? KEYS_CONTOSO : KEYS_FABRIKAM, role_name(settings.role), analysis_fields,
	              ANALYSIS_FIELDS);
	assert_int_equal(help_read_records(&reader, span_of(bytes, m), count_record, &c, &why), ERR_OK);
	assert_int_equal(reader.count, populated.total_records);
	recread_wipe(&reader);
	free(csv);
	free(bytes);
}

static void same_as_expected(const char *name)
{
	size_t n;
	uint8_t *bytes = vectors_read(name, &n);
	cJSON *expected, *got = result(true), *member;
	int members = 0;

	assert_non_null(bytes);
	expected = cJSON_Parse((const char *)bytes);
	assert_non_null(expected);
	cJSON_ArrayForEach(member, expected)
	{
		members++;
		if (!cJSON_Compare(member, cJSON_GetObjectItemCaseSensitive(got, member->string), true))
			fail_msg("%s: %s differs", name, member->string);
	}
	assert_int_equal(members, cJSON_GetArraySize(got));
	cJSON_Delete(expected);
	cJSON_Delete(got);
	free(bytes);
}

static void gives_the_golden_results(void **state)
{
	static const char *const sizes[] = { "50", "250", "2500" };

	if (!vectors_dir())
		skip();
	for (size_t i = 0; i < 3; i++) {
		char contoso[64], fabrikam[64], expected[64];

		snprintf(contoso, sizeof contoso, "multiparty/contoso-%s.csv", sizes[i]);
		snprintf(fabrikam, sizeof fabrikam, "multiparty/fabrikam-%s.csv", sizes[i]);
		snprintf(expected, sizeof expected, "multiparty/expected-%s.json", sizes[i]);
		fresh(state);
		count_company(COMPANY_CONTOSO, contoso);
		count_company(COMPANY_FABRIKAM, fabrikam);
		same_as_expected(expected);
	}
}

/* --- hand-made --- */

static enum err add(enum company c, const char *age, const char *salary, const char *eye, const char *color, const char *city,
                    const char *country)
{
	const struct span v[ANALYSIS_FIELDS] = { span_str(age),   span_str(salary), span_str(eye),
		                                 span_str(color), span_str(city),   span_str(country) };

	return analysis_add(&analysis, c, v, &why);
}

static void add_place(const char *salary, const char *city, const char *country)
{
	assert_int_equal(add(COMPANY_CONTOSO, "", salary, "", "", city, country), ERR_OK);
}

/* The written result holds this text. */
static void has(const char *part)
{
	cJSON_Delete(result(false));
	if (!strstr((const char *)text, part))
		print_error("not in %.3000s\n", (const char *)text);
	assert_non_null(strstr((const char *)text, part));
}

static void lacks(const char *part)
{
	cJSON_Delete(result(false));
	assert_null(strstr((const char *)text, part));
}

static void rounds_halves_to_even(void **state)
{
	(void)state;
	assert_int_equal(analysis_round(5, 2), 2);
	assert_int_equal(analysis_round(7, 2), 4);
	assert_int_equal(analysis_round(1, 2), 0);
	assert_int_equal(analysis_round(3, 2), 2);
	assert_int_equal(analysis_round(-5, 2), -2);
	assert_int_equal(analysis_round(-7, 2), -4);
	assert_int_equal(analysis_round(10, 4), 2);
	assert_int_equal(analysis_round(11, 4), 3);
	assert_int_equal(analysis_round(9, 4), 2);
	assert_int_equal(analysis_round(0, 7), 0);
	assert_int_equal(analysis_round(((__int128)1 << 126) + 1, UINT64_MAX), INT64_C(1) << 62);
	assert_int_equal(analysis_round((__int128)INT64_MIN * UINT64_MAX, UINT64_MAX), INT64_MIN);
	assert_int_equal(analysis_truncate(11, 4), 2);
	assert_int_equal(analysis_truncate(-11, 4), -2);
	for (uint64_t i = 1; i < 5000; i++) {
		__int128 n = (__int128)(i * 0x9e3779b97f4a7c15 >> 1) * (int64_t)(i * i) - (__int128)(i << 40);
		uint64_t den = (i * 0xd1342543de82ef95 >> 2) + i * i;

		assert_int_equal(analysis_truncate(n, den), (int64_t)(n / (__int128)den));
		assert_int_equal(analysis_truncate(-n, den), (int64_t)(-n / (__int128)den));
	}
	assert_int_equal(analysis_round(122500, 1000), 122); /* 12.25 % with one decimal is 12.2 */
	assert_int_equal(analysis_round(500, 1000), 0);
	assert_int_equal(analysis_round((__int128)INT64_MAX * 3, 3), INT64_MAX);
}

static void averages_are_rounded_to_even(void **state)
{
	(void)state;
	add_place("2", "", "A");
	add_place("3", "", "A");
	assert_int_equal(add(COMPANY_FABRIKAM, "", "3", "", "", "", "B"), ERR_OK);
	assert_int_equal(add(COMPANY_FABRIKAM, "", "4", "", "", "", "B"), ERR_OK);
	has("\"avg_salaries\":{\"Contoso\":2,\"Fabrikam\":4,\"Combined\":3}");
	has("\"salary_by_country\":[{\"country\":\"B\",\"avg_salary\":4,\"count\":2,\"min_salary\":3,\"max_salary\":4},"
	    "{\"country\":\"A\",\"avg_salary\":2,\"count\":2,\"min_salary\":2,\"max_salary\":3}]");
}

static void nothing_gives_empty_results(void **state)
{
	(void)state;
	has("{\"contoso_count\":0,\"fabrikam_count\":0,\"total_count\":0,\"top_10_countries\":[],\"generations\":[],"
	    "\"generations_by_company\":{\"Contoso\":[],\"Fabrikam\":[]},\"avg_salaries\":{\"Contoso\":0,\"Fabrikam\":0,\"Combined\":0},"
	    "\"salary_by_country\":[],\"eye_colors\":{\"most_common\":{\"color\":\"N/A\",\"count\":0},"
	    "\"least_common\":{\"color\":\"N/A\",\"count\":0},\"all\":[]},\"top_3_favorite_colors\":[]}");
}

static void missing_values_count_as_records_only(void **state)
{
	(void)state;
	assert_int_equal(add(COMPANY_CONTOSO, "", "", "", "", "", ""), ERR_OK);
	assert_int_equal(analysis.readable, 0);
	assert_int_equal(add(COMPANY_CONTOSO, "0", "0", "", "", "Rome", ""), ERR_OK); /* zero is no value, a city needs a country */
	assert_int_equal(analysis.readable, 1);
	has("{\"contoso_count\":2,\"fabrikam_count\":0,\"total_count\":2,\"top_10_countries\":[],\"generations\":[],");
	has("\"avg_salaries\":{\"Contoso\":0,");
}

/* Which texts are numbers: whole ones above 0, in decimal digits. */
static void parses_numbers(void **state)
{
	static const char *const no[] = { "", " ", "abc", "12.5", "1e3", "1,000", "1_000", "0x10", "--1", "+-1", "+", "-", "1 2", "\xd9\xa3",
		                          "0", "-0", "000", "-9", "1000000000000000000", "99999999999999999999999999" };
	static const struct {
		const char *text;
		int64_t value;
	} yes[] = { { "1", 1 }, { " 7\t", 7 }, { "+8", 8 }, { "007", 7 },
		    { "999999999999999999", 999999999999999999 }, { "0000000000000000000000000001", 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof no / sizeof no[0]; i++) {
		add_place(no[i], "", "");
		assert_int_equal(analysis.salary[COMPANY_CONTOSO].n, 0);
	}
	for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++) {
		analysis_init(&analysis, 2026, 1, 0);
		add_place(yes[i].text, "", "");
		assert_int_equal(analysis.salary[COMPANY_CONTOSO].n, 1);
		assert_true(analysis.salary[COMPANY_CONTOSO].min == yes[i].value);
	}
}

static void generations_change_at_the_right_ages(void **state)
{
	static const struct {
		const char *age, *name;
	} cases[] = {
		{ "1", "Gen Alpha" },     { "13", "Gen Alpha" },    { "14", "Gen Z" },
		{ "29", "Gen Z" },      { "30", "Millennials" },  { "45", "Millennials" },  { "46", "Gen X" },
		{ "61", "Gen X" },      { "62", "Baby Boomers" }, { "80", "Baby Boomers" }, { "81", "Silent Generation" },
		{ "999999999999999999", "Silent Generation" },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char part[128];

		fresh(state);
		assert_int_equal(add(COMPANY_FABRIKAM, cases[i].age, "", "", "", "", ""), ERR_OK);
		snprintf(part, sizeof part, "\"generations\":[{\"generation\":\"%s\",\"count\":1}],", cases[i].name);
		has(part);
		snprintf(part, sizeof part, "\"Contoso\":[],\"Fabrikam\":[{\"generation\":\"%s\",\"count\":1,\"percent\":100.0}]", cases[i].name);
		has(part);
	}
	analysis_init(&analysis, 2030, 1, 0);
	assert_int_equal(add(COMPANY_FABRIKAM, "17", "", "", "", "", ""), ERR_OK);
	has("Gen Alpha");
}

static void percentages_are_of_those_with_a_generation(void **state)
{
	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(add(COMPANY_CONTOSO, i ? "20" : "40", "", "", "", "", ""), ERR_OK);
	assert_int_equal(add(COMPANY_CONTOSO, "", "", "", "", "", ""), ERR_OK);
	/* 93.75 and 6.25: halves at the first decimal, to the even digit. */
	has("\"Contoso\":[{\"generation\":\"Gen Z\",\"count\":15,\"percent\":93.8},{\"generation\":\"Millennials\",\"count\":1,\"percent\":6.2}]");
}

static void ties_keep_the_first_seen_order(void **state)
{
	(void)state;
	for (int i = 0; i < 12; i++) { /* twelve countries once each: the first ten are shown */
		char name[] = { (char)('L' - i), 0 };

		add_place("100", "Town", name);
	}
	has("\"top_10_countries\":[{\"country\":\"L\",");
	has("{\"country\":\"C\",\"count\":1,\"top_cities\":[{\"city\":\"Town\",\"count\":1}]}],\"generations\"");
	has("\"salary_by_country\":[{\"country\":\"L\",");
	/* One more for the last of them moves it to the front, and its cities are its own, three at most. */
	add_place("100", "B", "A");
	add_place("", "C", "A");
	add_place("", "D", "A");
	add_place("", "D", "A");
	has("\"top_10_countries\":[{\"country\":\"A\",\"count\":5,\"top_cities\":[{\"city\":\"D\",\"count\":2},{\"city\":\"Town\",\"count\":1},"
	    "{\"city\":\"B\",\"count\":1}]},{\"country\":\"L\"");
}

static void colors_and_eyes(void **state)
{
	static const char *const eyes[] = { "Blue", "Brown", "Brown", "Gray", "Amber", "Blue", "Green" };
	static const char *const colors[] = { "Red", "Gold", "Pink", "Teal", "Teal" };

	(void)state;
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(add(COMPANY_CONTOSO, "", "", eyes[i], i < 5 ? colors[i] : "", "", ""), ERR_OK);
	has("\"eye_colors\":{\"most_common\":{\"color\":\"Blue\",\"count\":2},\"least_common\":{\"color\":\"Green\",\"count\":1},\"all\":["
	    "{\"color\":\"Blue\",\"count\":2},{\"color\":\"Brown\",\"count\":2},{\"color\":\"Gray\",\"count\":1},{\"color\":\"Amber\",\"count\":1},"
	    "{\"color\":\"Green\",\"count\":1}]}");
	has("\"top_3_favorite_colors\":[{\"color\":\"Teal\",\"count\":2},{\"color\":\"Red\",\"count\":1},{\"color\":\"Gold\",\"count\":1}]");
}

/* Sorted by what is shown: equal rounded averages are ties, in the order of the first salary there. */
static void countries_sort_by_rounded_average(void **state)
{
	(void)state;
	add_place("", "", "Late");
	add_place("10", "", "A");
	add_place("11", "", "A"); /* 10.5 -> 10 */
	add_place("10", "", "B");
	add_place("10", "", "Late");
	has("\"salary_by_country\":[{\"country\":\"A\",\"avg_salary\":10,\"count\":2,\"min_salary\":10,\"max_salary\":11},{\"country\":\"B\","
	    "\"avg_salary\":10,\"count\":1,\"min_salary\":10,\"max_salary\":10},{\"country\":\"Late\"");
}

static void add_people(enum company c, int n, const char *salary, const char *country, const char *eye)
{
	for (int i = 0; i < n; i++)
		assert_int_equal(add(c, i % 2 ? "20" : "40", salary, eye, "", "", country), ERR_OK);
}

/* What is not shown has neither name nor figure, and is more than one group.
 * tests/unit/test_disclosure.c attacks it. */
static void small_groups_are_hidden(void **state)
{
	(void)state;
	analysis_init(&analysis, 2026, 3, 0);
	add_people(COMPANY_CONTOSO, 9, "900", "Nine", "Brown");
	add_people(COMPANY_CONTOSO, 2, "7777", "Two", "Brown");
	add_people(COMPANY_CONTOSO, 4, "500", "Four", "Blue");
	add_people(COMPANY_FABRIKAM, 6, "800", "Nine", "Brown");
	add_people(COMPANY_FABRIKAM, 5, "600", "Five", "Blue");
	has("\"top_10_countries\":[{\"country\":\"Nine\",\"count\":15,\"top_cities\":[]},{\"country\":\"Five\",\"count\":5,\"top_cities\":[]}]");
	has("\"salary_by_country\":[{\"country\":\"Nine\",\"avg_salary\":860,\"count\":15,\"min_salary\":null,\"max_salary\":null},"
	    "{\"country\":\"Five\",\"avg_salary\":600,\"count\":5,\"min_salary\":null,\"max_salary\":null}]");
	has("\"withheld\":{\"min_group_size\":3,\"countries\":6,\"generations\":0,\"eye_colors\":0,\"favorite_colors\":0,\"salaries\":false}");
	lacks("Two");
	lacks("Four"); /* large enough, but the two would follow from the total */
	lacks("7777");
}

/* Fewer than min without a salary would follow from the numbers of people: the first salaries are
 * left out as well. */
static void few_without_a_salary_are_filled_up(void **state)
{
	(void)state;
	analysis_init(&analysis, 2026, 5, 0);
	add_people(COMPANY_CONTOSO, 2, "1000000", "A", "Brown");
	add_people(COMPANY_CONTOSO, 3, "n/a", "A", "Brown");
	add_people(COMPANY_CONTOSO, 8, "500", "A", "Brown");
	add_people(COMPANY_FABRIKAM, 8, "600", "A", "Brown");
	has("\"avg_salaries\":{\"Contoso\":500,\"Fabrikam\":600,\"Combined\":550}");
	has("\"salary_by_country\":[{\"country\":\"A\",\"avg_salary\":550,\"count\":16,");
	has("{\"company\":\"Contoso\",\"column\":\"salary\",\"count\":5,\"reasons\":{}}");
	/* Where that is not enough, nobody's salary is shown. */
	analysis_init(&analysis, 2026, 100, 0);
	add_people(COMPANY_CONTOSO, 3, "n/a", "A", "Brown");
	add_people(COMPANY_CONTOSO, 300, "500", "A", "Brown");
	add_people(COMPANY_FABRIKAM, 300, "600", "A", "Brown");
	has("\"avg_salaries\":{\"Contoso\":null,\"Fabrikam\":600,\"Combined\":null},\"salary_by_country\":[],");
	has("{\"company\":\"Contoso\",\"column\":\"salary\",\"count\":null}");
}

static void what_is_not_read_is_told_by_company_column_and_reason(void **state)
{
	static const char *const salaries[] = { "85,000", "85.000", "0", "", "-1", "85000" };

	(void)state;
	for (int i = 0; i < 6; i++)
		assert_int_equal(add(COMPANY_CONTOSO, "20", salaries[i], "Blue", "Red", "Rome", "Italy"), ERR_OK);
	assert_int_equal(add(COMPANY_FABRIKAM, "x", "1", "Blue", "Red", "Rome", " "), ERR_OK);
	has("\"avg_salaries\":{\"Contoso\":85000,");
	has("\"not_read\":[{\"company\":\"Contoso\",\"column\":\"salary\",\"count\":5,\"reasons\":{\"empty\":1,\"zero\":1,\"negative\":1,\"not_a_whole_number\":2}},"
	    "{\"company\":\"Fabrikam\",\"column\":\"age\",\"count\":1,\"reasons\":{\"not_a_whole_number\":1}},"
	    "{\"company\":\"Fabrikam\",\"column\":\"country\",\"count\":1,\"reasons\":{\"empty\":1}}]}");
	lacks("withheld");
}

static void large_sums_do_not_overflow(void **state)
{
	(void)state;
	for (int i = 0; i < 100; i++)
		add_place("999999999999999999", "", "A");
	has("\"avg_salaries\":{\"Contoso\":999999999999999999,");
}

static void labels_are_inert_text(void **state)
{
	(void)state;
	add_place("", "", "<b>\"\\\n\xc3\xa9");
	has("{\"country\":\"\\u003cb\\u003e\\\"\\\\\\n\xc3\xa9\",\"count\":1");
}

/* --- capacities --- */

static void a_full_table_is_named(enum err e, const char *name, const char *number)
{
	assert_int_equal(e, ERR_FULL);
	if (!strstr(why.message, name) || !strstr(why.message, number))
		fail_msg("\"%s\"", why.message);
}

static void full_tables_are_errors_that_name_them(void **state)
{
	char label[32];
	enum err e = ERR_OK;
	static char longer[GROUP_LABEL_MAX + 2];

	for (int i = 0; i < GROUP_COUNTRIES_MAX; i++) {
		snprintf(label, sizeof label, "c%d", i);
		assert_int_equal(add(COMPANY_CONTOSO, "", "", "", "", "", label), ERR_OK);
	}
	assert_int_equal(add(COMPANY_CONTOSO, "", "", "", "", "", "c7"), ERR_OK);
	a_full_table_is_named(add(COMPANY_CONTOSO, "", "", "", "", "", "more"), "countries", "1024");

	fresh(state);
	for (int i = 0; i < GROUP_CITIES_MAX && !e; i++) {
		snprintf(label, sizeof label, "%d", i);
		e = add(COMPANY_CONTOSO, "", "", "", "", label, i % 2 ? "A" : "B");
	}
	assert_int_equal(e, ERR_OK);
	a_full_table_is_named(add(COMPANY_CONTOSO, "", "", "", "", "more", "A"), "cities", "32768");

	fresh(state);
	for (int i = 0; i < GROUP_EYES_MAX; i++) {
		snprintf(label, sizeof label, "%d", i);
		assert_int_equal(add(COMPANY_CONTOSO, "", "", label, "", "", ""), ERR_OK);
	}
	a_full_table_is_named(add(COMPANY_CONTOSO, "", "", "more", "", "", ""), "eye colors", "256");
	/* The other tables have their own room. */
	assert_int_equal(add(COMPANY_CONTOSO, "", "", "", "Red", "Rome", "Italy"), ERR_OK);

	fresh(state);
	for (int i = 0; i < GROUP_COLORS_MAX; i++) {
		snprintf(label, sizeof label, "%d", i);
		assert_int_equal(add(COMPANY_CONTOSO, "", "", "", label, "", ""), ERR_OK);
	}
	a_full_table_is_named(add(COMPANY_CONTOSO, "", "", "", "more", "", ""), "favorite colors", "1024");

	fresh(state);
	memset(longer, 'x', GROUP_LABEL_MAX);
	assert_int_equal(add(COMPANY_CONTOSO, "", "", "", longer, "", ""), ERR_OK);
	longer[GROUP_LABEL_MAX] = 'x';
	a_full_table_is_named(add(COMPANY_CONTOSO, "", "", "", longer, "", ""), "favorite colors", "256");
}

static void full_text_is_an_error(void **state)
{
	char label[GROUP_LABEL_MAX + 1];
	enum err e = ERR_OK;
	int i;

	(void)state;
	memset(label, 'x', sizeof label);
	label[GROUP_LABEL_MAX] = '\0';
	for (i = 0; !e && i < GROUP_CITIES_MAX; i++) {
		label[snprintf(label, 8, "%d", i)] = '_';
		e = add(COMPANY_CONTOSO, "", "", "", "", label, "A");
	}
	assert_int_equal(i, GROUPS_TEXT_MAX / GROUP_LABEL_MAX);
	a_full_table_is_named(e, "cities", "1048576");
}

/* A copy goes on as its original, holds nothing of what it replaced, and nothing is left of either. */
static void copies_and_wipes_what_is_used(void **state)
{
	static struct analysis other, nothing;
	char before[4096];

	(void)state;
	memset(&analysis, 0, sizeof analysis);
	fresh(state);
	add_place("100", "B", "A");
	analysis_copy(&other, &analysis);
	for (int i = 0; i < 500; i++) {
		char city[12];

		snprintf(city, sizeof city, "%d", i);
		add_place("7", city, "C");
	}
	cJSON_Delete(result(true));
	assert_true(strlen((const char *)text) < sizeof before);
	memcpy(before, text, sizeof before);
	assert_memory_not_equal(&other, &analysis, sizeof other);
	analysis_copy(&other, &analysis);
	assert_memory_equal(&other, &analysis, sizeof other);
	analysis_wipe(&analysis);
	assert_memory_equal(&analysis, &nothing, sizeof analysis);
	analysis_copy(&analysis, &other);
	cJSON_Delete(result(true));
	assert_string_equal((const char *)text, before);
	fresh(state);
	analysis_copy(&other, &analysis);
	assert_memory_equal(other.groups.item, nothing.groups.item, sizeof other.groups.item);
	assert_memory_equal(other.groups.text, nothing.groups.text, sizeof other.groups.text);
}

UNIT(analysis)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(gives_the_golden_results, fresh),
		cmocka_unit_test(rounds_halves_to_even),
		cmocka_unit_test_setup(averages_are_rounded_to_even, fresh),
		cmocka_unit_test_setup(nothing_gives_empty_results, fresh),
		cmocka_unit_test_setup(missing_values_count_as_records_only, fresh),
		cmocka_unit_test_setup(parses_numbers, fresh),
		cmocka_unit_test_setup(generations_change_at_the_right_ages, fresh),
		cmocka_unit_test_setup(percentages_are_of_those_with_a_generation, fresh),
		cmocka_unit_test_setup(ties_keep_the_first_seen_order, fresh),
		cmocka_unit_test_setup(colors_and_eyes, fresh),
		cmocka_unit_test_setup(countries_sort_by_rounded_average, fresh),
		cmocka_unit_test_setup(small_groups_are_hidden, fresh),
		cmocka_unit_test_setup(few_without_a_salary_are_filled_up, fresh),
		cmocka_unit_test_setup(what_is_not_read_is_told_by_company_column_and_reason, fresh),
		cmocka_unit_test_setup(large_sums_do_not_overflow, fresh),
		cmocka_unit_test_setup(labels_are_inert_text, fresh),
		cmocka_unit_test_setup(full_tables_are_errors_that_name_them, fresh),
		cmocka_unit_test_setup(full_text_is_an_error, fresh),
		cmocka_unit_test(copies_and_wipes_what_is_used),
	};

	return cmocka_run_group_tests_name("analysis", tests, set_up, tear_down);
}
