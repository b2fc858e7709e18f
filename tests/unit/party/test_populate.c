/* Import of CSV: what gets stored, what is refused, and that the stored data survive everything. */
#include "records_help.h"

#include <signal.h>
#include <sys/wait.h>

#include "vectors.h"

static struct settings settings;
static struct recread reader;
static struct spool_in spool;
static struct populate_result result;
static struct fault why;
static char path[512];

static int set_up(void **state)
{
	(void)state;
	return help_begin(&settings, path);
}

static int tear_down(void **state)
{
	(void)state;
	return help_end(&settings);
}

static int nothing_stored(void **state)
{
	(void)state;
	unlink(path);
	return 0;
}

static enum err import(const char *csv)
{
	return help_import(&settings, span_str(csv), 0, &result, &why);
}

/* All values of the stored file as "a|b|c\n...", decrypted. */
struct text {
	char *p;
	size_t n;
};

static void add_values(struct recread *r, void *ctx)
{
	struct text *t = ctx;

	for (size_t i = 0; i < r->n_wanted; i++) {
		memcpy(t->p + t->n, r->value[i].p, r->value[i].n);
		t->n += r->value[i].n;
		t->p[t->n++] = i + 1 < r->n_wanted ? '|' : '\n';
	}
}

static void stored_is(const char *const *fields, size_t n_fields, const char *expected)
{
	static char text[65536];
	struct text t = { text, 0 };
	size_t n;
	uint8_t *bytes = help_read(path, &n);

	recread_begin(&reader, KEYS_OWN, role_name(settings.role), fields, n_fields);
	assert_int_equal(help_read_records(&reader, span_of(bytes, n), add_values, &t, &why), ERR_OK);
	text[t.n] = '\0';
	assert_string_equal(text, expected);
	free(bytes);
}

static void stores_every_column_of_every_row(void **state)
{
	static const char *const fields[] = { "name", "shoe size", "x.y-z_0" };
	static const char csv[] = "\xef\xbb\xbfname,shoe size,x.y-z_0\r\n\"Ada, \"\"A\"\"\",42,\"two\r\nlines\"\r\n,,\r\nZo\xc3\xab,1,2";

	(void)state;
	for (size_t piece = 1; piece <= sizeof csv; piece += 7) {
		unlink(path);
		assert_int_equal(help_import(&settings, span_str(csv), piece, &result, &why), ERR_OK);
		assert_int_equal(result.records_added, 2);
		assert_int_equal(result.total_records, 2);
		assert_int_equal(result.empty_rows, 1);
		assert_false(result.unchanged);
		stored_is(fields, 3, "Ada, \"A\"|42|two\r\nlines\nZo\xc3\xab|1|2\n");
	}
}

static void same_content_changes_nothing(void **state)
{
	size_t n, m;
	uint8_t *before, *after;

	(void)state;
	assert_int_equal(import("a,b\n1,2\n"), ERR_OK);
	before = help_read(path, &n);
	assert_int_equal(import("a,b\n1,2\n"), ERR_OK);
	assert_true(result.unchanged);
	assert_int_equal(result.records_added, 0);
	assert_int_equal(result.total_records, 1);
	after = help_read(path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(before);
	free(after);
}

static void other_content_replaces(void **state)
{
	static const char *const fields[] = { "a" };

	(void)state;
	assert_int_equal(import("a,b\n1,2\n"), ERR_OK);
	assert_int_equal(import("a\n3\n4\n"), ERR_OK);
	assert_false(result.unchanged);
	assert_int_equal(result.total_records, 2);
	stored_is(fields, 1, "3\n4\n");
}

/* What could not be read is beside the new data, as it was; then it is taken away. */
static void kept_is(struct span bytes)
{
	char kept[600];
	size_t n;
	uint8_t *got;

	assert_true(result.kept);
	snprintf(kept, sizeof kept, "%s" POPULATE_KEPT, path);
	got = help_read(kept, &n);
	assert_int_equal(n, bytes.n);
	assert_memory_equal(got, bytes.p, n);
	free(got);
	assert_int_equal(unlink(kept), 0);
}

/* Whichever content is imported: the damage is seen before something takes the place of what is damaged. */
static void damaged_data_are_replaced_and_kept(void **state)
{
	static const char *const fields[] = { "a" };
	size_t n;
	uint8_t *bytes;

	(void)state;
	assert_int_equal(import("a\n3\n4\n"), ERR_OK);
	assert_false(result.kept);
	bytes = help_read(path, &n);
	for (size_t at = 5; at < n; at += 41) {
		bool same = at & 1;

		bytes[at] ^= 1;
		help_write(path, span_of(bytes, n));
		assert_int_equal(import(same ? "a\n3\n4\n" : "a\n5\n"), ERR_OK);
		assert_false(result.unchanged);
		kept_is(span_of(bytes, n));
		bytes[at] ^= 1;
		stored_is(fields, 1, same ? "3\n4\n" : "5\n");
	}
	for (size_t len = 0; len < n; len += 37) {
		help_write(path, span_of(bytes, len));
		assert_int_equal(import("a\n3\n4\n"), ERR_OK);
		kept_is(span_of(bytes, len));
	}
	free(bytes);
}

static void a_new_key_encrypts_anew(void **state)
{
	(void)state;
	assert_int_equal(import("a\n3\n"), ERR_OK);
	help_new_key(KEYS_OWN);
	assert_int_equal(store_verify(&settings, &spool, &reader, &why), ERR_MISMATCH);
	assert_int_equal(import("a\n3\n"), ERR_OK);
	assert_false(result.unchanged);
	assert_true(result.kept); /* whoever has the old key can read it */
	assert_int_equal(store_verify(&settings, &spool, &reader, &why), ERR_OK);
}

/* Fault text must hold `text`. */
static const struct {
	const char *csv, *text;
	enum err err;
} bad[] = {
	{ "", "no records", ERR_RANGE },
	{ "a,b\n", "no records", ERR_RANGE },
	{ "a,b\n1,2\n3\n", "line 3", ERR_SYNTAX },
	{ "a,b\n1,2,3\n", "line 2", ERR_SYNTAX },
	{ "a,b\n\"1\n1\",2\n3\n", "line 4", ERR_SYNTAX },
	{ "a,,b\n1,2,3\n", "column name", ERR_SYNTAX },
	{ "a,b,,\n1,2,,\n", "line 1: column name is missing: add it, or delete the empty columns that a spreadsheet leaves at the end; column number: 3", ERR_SYNTAX },
	{ "a,b,a\n1,2,3\n", "twice (case and outer blanks do not count): a", ERR_SYNTAX },
	{ "a,b\"c\n1,2\n", "line 1", ERR_SYNTAX },
	{ "a,\"b\"\"c\"\n1,2\n", "column name", ERR_SYNTAX },
	{ "a,b/c\n1,2\n", "b/c", ERR_SYNTAX },
	{ "a,\xc3\xa9\n1,2\n", "column name", ERR_SYNTAX },
	{ "a,b\n1,\"2\n", "line 2", ERR_SYNTAX },
	{ "a,b\n1,2\n1,\xff\n", "line 3", ERR_SYNTAX },
	{ "a,b\n,,\n , \n\"\",\t\n", "no records", ERR_RANGE },
	{ "Age,b, AGE \n1,2,3\n", "twice (case and outer blanks do not count): age", ERR_SYNTAX },
	{ "name;age\nA;1\n", "line 1: the separator is a semicolon", ERR_SYNTAX },
	{ "name;age;\"b, c\"\nA;1;2\n", "semicolon", ERR_SYNTAX },
	{ "\"name\";\"age\"\nA;1\n", "line 1: the separator is a semicolon", ERR_SYNTAX },
	{ "sep=;\nname;age\n", "semicolon", ERR_SYNTAX },
	{ "name\tage\nA\t1\n", "the separator is a tab", ERR_SYNTAX },
	{ "\"name\"\t\"age\"\nA\t1\n", "the separator is a tab", ERR_SYNTAX },
	{ "name|age\nA|1\n", "the separator is a vertical bar", ERR_SYNTAX },
	{ "Ana,41,85000\nBo,29,62000\n", "column name is a number; the first line must hold the columns' names: 41", ERR_SYNTAX },
	{ "Ana Example,+1 202,x\nBo,2,y\n", "the first line must hold the columns' names: +1 202", ERR_SYNTAX },
	{ "name,age\rAna,41\r", "line 1: carriage return without line feed, as old Macs", ERR_SYNTAX },
	{ "name,age\nJos\xe9,41\n", "line 2: text is not UTF-8 but in an older encoding such as Latin-1; save it as CSV in UTF-8", ERR_SYNTAX },
	{ "name,salary\nAna,85,000\n", "line 2: row has another number of fields than the header (a comma in a value needs quotes): 3, not 2", ERR_SYNTAX },
	{ "\xff\xfe\x18\x04", "line 1: NUL byte or UTF-16 byte order mark: the text is UTF-16", ERR_SYNTAX },
	{ "\xfe\xff\x04\x18", "line 1: NUL byte or UTF-16 byte order mark: the text is UTF-16", ERR_SYNTAX },
	{ "a123456789b123456789c123456789d123456789e123456789f123456789g1234\n1\n", "a123456789", ERR_SYNTAX },
};

static void refuses_bad_csv_and_keeps_what_was_stored(void **state)
{
	size_t n, m;
	uint8_t *before, *after;

	(void)state;
	assert_int_equal(import("a,b\n1,2\n"), ERR_OK);
	before = help_read(path, &n);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum err e = import(bad[i].csv);

		if (e != bad[i].err || !strstr(why.message, bad[i].text))
			fail_msg("\"%s\": %s, \"%s\"", bad[i].csv, err_name(e), why.message);
	}
	after = help_read(path, &m);
	assert_int_equal(n, m);
	assert_memory_equal(before, after, n);
	free(before);
	free(after);
}

/* In both byte orders, with and without a mark, quoted or not, and binary files. */
static void utf16_and_nul_bytes_are_named(void **state)
{
	static const char *const texts[] = { "name,age\nA,1\n", "\"name\",\"age\"\n" };

	(void)state;
	for (int kind = 0; kind < 8; kind++) {
		const char *text = texts[kind >> 2];
		uint8_t wide[64] = { 0xff, 0xfe };
		size_t n = kind & 1 ? 2 : 0;
		bool big = kind & 2;

		if (big)
			wide[0] = 0xfe, wide[1] = 0xff;
		for (; *text; text++, n += 2) {
			wide[n + big] = (uint8_t)*text;
			wide[n + !big] = 0;
		}
		for (size_t piece = 1; piece < 4; piece++) {
			assert_int_equal(help_import(&settings, span_of(wide, n), piece, &result, &why), ERR_SYNTAX);
			if (!strstr(why.message, "CSV line 1: ") || !strstr(why.message, "the text is UTF-16") || !strstr(why.message, "save it as CSV in UTF-8"))
				fail_msg("kind %d: \"%s\"", kind, why.message);
		}
	}
	assert_int_equal(help_import(&settings, span_of("a,b\n1,\0\n", 9), 0, &result, &why), ERR_SYNTAX);
	assert_non_null(strstr(why.message, "CSV line 2: NUL byte"));
}

static void column_names_count_without_case_and_blanks(void **state)
{
	static const char *const fields[] = { "age", "eye_color", "favorite_color" };

	(void)state;
	assert_int_equal(import("\xef\xbb\xbf\" Age\",Eye_Color ,FAVORITE_COLOR\n41,Brown,Red\n"), ERR_OK);
	stored_is(fields, 3, "41|Brown|Red\n");
	assert_true(result.found[ANALYSIS_AGE] && result.found[ANALYSIS_EYE] && result.found[ANALYSIS_COLOR] && !result.found[ANALYSIS_CITY]);
}

static void note_is(size_t i, const char *want)
{
	uint8_t text[POPULATE_NOTE_MAX];
	struct out o = out_init(text, sizeof text);

	assert_int_equal(populate_note(&result, i, &o), want != NULL);
	assert_string_equal(out_cstr(&o), want ? want : "");
}

/* Every value is accounted for: read, or not read for a reason. */
static void what_is_not_read_is_counted_by_column_and_reason(void **state)
{
	static const char *const unread[] = { "\"$85,000\"", "85000.00", "85.000", "85 000", "85\xc2\xa0""000", "\"85,000\"", "\xe2\x82\xac""85000", "85k", "8.5e4", "85000 USD",
		                              "85_000", "85000.4", "n/a", "12%", "0x10", "+", "-", "--1", "\xd9\xa3\xd9\xa4", "\xef\xbc\x98\xef\xbc\x95", "1 2", "+-1" };
	static char csv[4096];
	size_t n = (size_t)sprintf(csv, "Salary,age,country\n"), count = sizeof unread / sizeof unread[0];

	(void)state;
	for (size_t i = 0; i < count; i++)
		n += (size_t)sprintf(csv + n, "%s,30,Spain\n", unread[i]);
	strcpy(csv + n, "85000,30,\n 85000 ,30,\n085000,30,  \n+7,30,x\n0,30,x\n-0,30,x\n000,30,x\n-85000,30,x\n,30,x\n \t,30,x\n"
	       "1000000000000000000,30,x\n99999999999999999999,30,x\n,,\n , ,\n");
	for (int again = 0; again < 2; again++) {
		const uint64_t *got = result.values.n[ANALYSIS_SALARY];

		assert_int_equal(import(csv), ERR_OK);
		assert_int_equal(result.unchanged, again);
		assert_int_equal(result.total_records, count + 12);
		assert_int_equal(got[VALUE_READ], 4);
		assert_int_equal(got[VALUE_EMPTY], 2);
		assert_int_equal(got[VALUE_ZERO], 3);
		assert_int_equal(got[VALUE_NEGATIVE], 1);
		assert_int_equal(got[VALUE_NO_NUMBER], count);
		assert_int_equal(got[VALUE_TOO_LARGE], 2);
		assert_int_equal(result.values.n[ANALYSIS_AGE][VALUE_READ], count + 12);
		assert_int_equal(result.values.n[ANALYSIS_COUNTRY][VALUE_EMPTY], 3);
		assert_int_equal(result.empty_rows, 2);
		note_is(0, "salary: 30 of 34 values are not read: 2 empty, 3 zero, 1 negative, 22 not a whole number, 2 too large");
		note_is(1, "eye_color: there is no such column");
		note_is(4, "country: 3 of 34 values are not read: 3 empty");
		note_is(5, "rows without any value, left out: 2");
		note_is(6, NULL);
	}
	assert_int_equal(import("age,salary,eye_color,favorite_color,city,country\n1,1,a,b,c,d\n"), ERR_OK);
	note_is(0, NULL);
}

/* Files as they were met (field/README.md, CSV). */
static void files_from_the_field(void **state)
{
	static const struct {
		const char *name;
		enum err err;
		uint64_t records, salaries, empty_rows;
	} files[] = {
		{ "field/csv/c00-control.csv", ERR_OK, 4, 4, 0 },     { "field/csv/c03-semicolon-decimal-comma.csv", ERR_SYNTAX, 0, 0, 0 },
		{ "field/csv/c05-salaries.csv", ERR_OK, 20, 3, 0 },   { "field/csv/c06-capital-headers.csv", ERR_OK, 4, 4, 0 },
		{ "field/csv/c07-trailing-empty-rows.csv", ERR_OK, 4, 4, 5 },
	};

	(void)state;
	if (!vectors_dir())
		skip();
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		size_t n;
		uint8_t *csv = vectors_read(files[i].name, &n);

		assert_non_null(csv);
		memset(&result, 0, sizeof result);
		if (help_import(&settings, span_of(csv, n), 0, &result, &why) != files[i].err)
			fail_msg("%s: %s", files[i].name, why.message);
		assert_int_equal(result.total_records, files[i].records);
		assert_int_equal(result.values.n[ANALYSIS_SALARY][VALUE_READ], files[i].salaries);
		assert_int_equal(result.empty_rows, files[i].empty_rows);
		if (files[i].err)
			assert_non_null(strstr(why.message, "the separator is a semicolon"));
		free(csv);
	}
}

static void refuses_too_many_columns_and_too_long_rows(void **state)
{
	static char csv[400000];
	size_t at = 0;

	(void)state;
	for (int i = 0; i <= FIELDS_MAX; i++)
		at += (size_t)sprintf(csv + at, "%sc%d", i ? "," : "", i);
	strcpy(csv + at, "\n1\n");
	assert_int_equal(import(csv), ERR_SYNTAX);
	assert_non_null(strstr(why.message, "line 1"));

	at = 0;
	for (int i = 0; i < FIELDS_MAX; i++)
		at += (size_t)sprintf(csv + at, "%sc%d", i ? "," : "", i);
	csv[at++] = '\n';
	for (int i = 0; i < FIELDS_MAX; i++) {
		memset(csv + at, 'v', 2000);
		at += 2000;
		csv[at++] = i + 1 < FIELDS_MAX ? ',' : '\n';
	}
	csv[at] = '\0';
	assert_int_equal(import(csv), ERR_SYNTAX);
	assert_non_null(strstr(why.message, "line 2: row is too long"));
	assert_int_not_equal(access(path, F_OK), 0);
}

static void needs_a_key_and_a_company(void **state)
{
	struct settings s = settings;

	(void)state;
	s.role = ROLE_WOODGROVE;
	assert_int_equal(help_import(&s, SPAN_LIT("a\n1\n"), 0, &result, &why), ERR_CONFIG);
	s.role = ROLE_OTHER;
	assert_int_equal(populate_from_file(&s, &result, &why), ERR_CONFIG);
}

static void reads_the_configured_file(void **state)
{
	static const char *const fields[] = { "a" };
	char csv[512];

	(void)state;
	help_path(&settings, "source.csv", csv);
	help_write(csv, SPAN_LIT("a\n7\n"));
	strcpy(settings.csv_path, csv);
	assert_int_equal(populate_from_file(&settings, &result, &why), ERR_OK);
	stored_is(fields, 1, "7\n");
	unlink(csv);
	assert_int_equal(populate_from_file(&settings, &result, &why), ERR_NOT_FOUND);
	stored_is(fields, 1, "7\n");
}

/* --- interruptions --- */

static void a_failing_source_leaves_the_old_data(void **state)
{
	static const char *const fields[] = { "a" };
	struct help_source src = { SPAN_LIT("a\n1\n2\n3\n"), 3, ERR_CLOSED };
	struct populate_source p = { &src, help_source_read };

	(void)state;
	assert_int_equal(import("a\n9\n"), ERR_OK);
	assert_int_equal(populate_from(&settings, &p, &result, &why), ERR_CLOSED);
	assert_string_equal(why.message, "the source failed");
	stored_is(fields, 1, "9\n");
}

/* Gives the header and rows without end; dies after some. */
static enum err rows_then_death(void *ctx, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	int *calls = ctx;

	(void)f;
	if (++*calls == 4)
		kill(getpid(), SIGKILL);
	*n = *calls == 1 ? 2 : cap / 2 * 2;
	for (size_t i = 0; i < *n; i += 2)
		memcpy(dst + i, *calls == 1 ? "a\n" : "5\n", 2);
	return ERR_OK;
}

static void a_killed_import_leaves_the_old_data(void **state)
{
	static const char *const fields[] = { "a" };
	int calls = 0, status;
	struct populate_source p = { &calls, rows_then_death };
	pid_t child;

	(void)state;
	assert_int_equal(import("a\n9\n"), ERR_OK);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		help_same_key(KEYS_OWN); /* the key area does not survive a fork */
		(void)!populate_from(&settings, &p, &result, NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGKILL);
	stored_is(fields, 1, "9\n");
	/* What it left behind is in nobody's way. */
	assert_int_equal(import("a\n10\n"), ERR_OK);
	stored_is(fields, 1, "10\n");
}

static enum err import_within(void *ctx, uint8_t *dst, size_t cap, size_t *n, struct fault *f)
{
	enum err *inner = ctx;

	(void)cap;
	*n = 0;
	if (*inner == ERR_COUNT) {
		*inner = import("a\n2\n");
		*n = 4;
		memcpy(dst, "a\n1\n", 4);
	}
	(void)f;
	return ERR_OK;
}

static void only_one_import_runs(void **state)
{
	static const char *const fields[] = { "a" };
	enum err inner = ERR_COUNT;
	struct populate_source p = { &inner, import_within };

	(void)state;
	assert_int_equal(populate_from(&settings, &p, &result, &why), ERR_OK);
	assert_int_equal(inner, ERR_STATE);
	stored_is(fields, 1, "1\n");
}

static void without_a_key_nothing_is_written(void **state)
{
	(void)state;
	keys_wipe();
	assert_int_equal(import("a\n1\n"), ERR_STATE);
	assert_int_not_equal(access(path, F_OK), 0);
}

UNIT(populate)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(stores_every_column_of_every_row, nothing_stored),
		cmocka_unit_test_setup(same_content_changes_nothing, nothing_stored),
		cmocka_unit_test_setup(other_content_replaces, nothing_stored),
		cmocka_unit_test_setup(damaged_data_are_replaced_and_kept, nothing_stored),
		cmocka_unit_test_setup(a_new_key_encrypts_anew, nothing_stored),
		cmocka_unit_test_setup(refuses_bad_csv_and_keeps_what_was_stored, nothing_stored),
		cmocka_unit_test_setup(utf16_and_nul_bytes_are_named, nothing_stored),
		cmocka_unit_test_setup(column_names_count_without_case_and_blanks, nothing_stored),
		cmocka_unit_test_setup(what_is_not_read_is_counted_by_column_and_reason, nothing_stored),
		cmocka_unit_test_setup(files_from_the_field, nothing_stored),
		cmocka_unit_test_setup(refuses_too_many_columns_and_too_long_rows, nothing_stored),
		cmocka_unit_test_setup(needs_a_key_and_a_company, nothing_stored),
		cmocka_unit_test_setup(reads_the_configured_file, nothing_stored),
		cmocka_unit_test_setup(a_failing_source_leaves_the_old_data, nothing_stored),
		cmocka_unit_test_setup(a_killed_import_leaves_the_old_data, nothing_stored),
		cmocka_unit_test_setup(only_one_import_runs, nothing_stored),
		cmocka_unit_test_setup(without_a_key_nothing_is_written, nothing_stored),
	};

	return cmocka_run_group_tests_name("populate", tests, set_up, tear_down);
}
