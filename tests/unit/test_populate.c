/* Import of CSV: what gets stored, what is refused, and that the stored data survive everything. */
#include "records_help.h"

#include <signal.h>
#include <sys/wait.h>

static struct settings settings;
static struct recread reader;
static struct spool_in spool;
static struct populate_result result;
static struct fault why;
static char path[512];

static int set_up(void **state)
{
	(void)state;
	keys_init();
	help_settings(&settings, ROLE_CONTOSO);
	help_path(&settings, "contoso-encrypted.jsonl", path);
	help_new_key(KEYS_OWN);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	help_clean(&settings);
	keys_wipe();
	return 0;
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
		assert_int_equal(result.records_added, 3);
		assert_int_equal(result.total_records, 3);
		assert_false(result.unchanged);
		stored_is(fields, 3, "Ada, \"A\"|42|two\r\nlines\n||\nZo\xc3\xab|1|2\n");
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
	{ "a,b,a\n1,2,3\n", "twice: a", ERR_SYNTAX },
	{ "a,b\"c\n1,2\n", "line 1", ERR_SYNTAX },
	{ "a,\"b\"\"c\"\n1,2\n", "column name", ERR_SYNTAX },
	{ "a,b/c\n1,2\n", "b/c", ERR_SYNTAX },
	{ "a,\xc3\xa9\n1,2\n", "column name", ERR_SYNTAX },
	{ "a,b\n1,\"2\n", "line 2", ERR_SYNTAX },
	{ "a,b\n1,2\n1,\xff\n", "line 3", ERR_SYNTAX },
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(stores_every_column_of_every_row, nothing_stored),
		cmocka_unit_test_setup(same_content_changes_nothing, nothing_stored),
		cmocka_unit_test_setup(other_content_replaces, nothing_stored),
		cmocka_unit_test_setup(damaged_data_are_replaced_and_kept, nothing_stored),
		cmocka_unit_test_setup(a_new_key_encrypts_anew, nothing_stored),
		cmocka_unit_test_setup(refuses_bad_csv_and_keeps_what_was_stored, nothing_stored),
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
