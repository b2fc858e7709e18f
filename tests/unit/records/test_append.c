/* Adding a record: everything that was stored is still there, or nothing has changed. */
#include "records_help.h"

#include <sys/inotify.h>

#include "party/records/append.h"

static const char *const fields[] = { "name", "phone", "age" };
enum { FIELDS = sizeof fields / sizeof fields[0] };
static struct settings settings;
static struct recread reader;
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

static int stored(void **state)
{
	(void)state;
	unlink(path);
	assert_int_equal(help_import(&settings, SPAN_LIT("name,phone,age\nAda,1,36\nBo,2,41\nCy,3,50\n"), 0, &result, &why), ERR_OK);
	return 0;
}

static enum err append(const char *name, uint64_t *total)
{
	const struct append_value values[] = { { "name", span_str(name) }, { "phone", SPAN_LIT("9") } };

	fault_clear(&why);
	return append_record(&settings, values, 2, total, &why);
}

static void add_values(struct recread *r, void *ctx)
{
	struct out *o = ctx;

	for (size_t i = 0; i < r->n_wanted; i++) {
		out_put(o, r->value[i]);
		out_byte(o, i + 1 < r->n_wanted ? '|' : ' ');
	}
}

static void stored_is(const char *expected)
{
	uint8_t text[4096];
	struct out o = out_init(text, sizeof text);
	size_t n;
	uint8_t *bytes = help_read(path, &n);

	recread_begin(&reader, KEYS_OWN, "contoso", fields, FIELDS);
	assert_int_equal(help_read_records(&reader, span_of(bytes, n), add_values, &o, &why), ERR_OK);
	assert_string_equal(out_cstr(&o), expected);
	free(bytes);
}

static void keeps_what_was_stored_and_its_source(void **state)
{
	uint64_t total;

	(void)state;
	assert_int_equal(append("Dee", &total), ERR_OK);
	assert_int_equal(append("", &total), ERR_OK);
	assert_int_equal(total, 5);
	stored_is("Ada|1|36 Bo|2|41 Cy|3|50 Dee|9| |9| ");
	/* The import's content is still the one that was imported: importing it again does not undo
	 * this. */
	assert_int_equal(help_import(&settings, SPAN_LIT("name,phone,age\nAda,1,36\nBo,2,41\nCy,3,50\n"), 0, &result, &why), ERR_OK);
	assert_true(result.unchanged);
	stored_is("Ada|1|36 Bo|2|41 Cy|3|50 Dee|9| |9| ");
}

static void begins_a_set_where_nothing_is_stored(void **state)
{
	uint64_t total;

	(void)state;
	unlink(path);
	assert_int_equal(append("Ada", &total), ERR_OK);
	assert_int_equal(total, 1);
	stored_is("Ada|9| ");
}

/* A disk that gives verified content to one reading and other content to the next loses nobody:
 * there is no next. */
static void stored_data_are_read_once(void **state)
{
	char events[4096];
	uint64_t total;
	int fd = inotify_init1(IN_NONBLOCK), opens = 0;
	ssize_t n;

	(void)state;
	assert_true(fd >= 0);
	assert_true(inotify_add_watch(fd, path, IN_OPEN) >= 0);
	assert_int_equal(append("Dee", &total), ERR_OK);
	while ((n = read(fd, events, sizeof events)) > 0)
		for (ssize_t at = 0; at < n;) {
			const struct inotify_event *event = (const struct inotify_event *)(void *)(events + at);

			opens += event->mask & IN_OPEN ? 1 : 0;
			at += (ssize_t)(sizeof *event + event->len);
		}
	close(fd);
	assert_int_equal(opens, 1);
	stored_is("Ada|1|36 Bo|2|41 Cy|3|50 Dee|9| ");
}

/* Whatever was left out, repeated, moved or changed: nothing takes the place of what is stored. */
static void other_content_under_the_same_trailer_is_refused(void **state)
{
	size_t n, line[8], lines = 0;
	uint8_t *bytes = help_read(path, &n), *other = malloc(2 * n);
	uint64_t total;

	(void)state;
	for (size_t i = 0; i < n; i++)
		if (i == 0 || bytes[i - 1] == '\n')
			line[lines++] = i;
	line[lines] = n;
	assert_int_equal(lines, 5);
	for (size_t out = 0; out < lines; out++) {
		for (size_t twice = 0; twice <= lines; twice++) {
			struct out o = out_init(other, 2 * n);

			if (twice == out)
				continue;
			for (size_t i = 0; i < lines; i++)
				for (int times = i == out ? 0 : i == twice ? 2 : 1; times > 0; times--)
					out_bytes(&o, bytes + line[i], line[i + 1] - line[i]);
			help_write(path, out_span(&o));
			assert_int_not_equal(append("Dee", &total), ERR_OK);
			free(help_read(path, &total));
			assert_int_equal(total, o.n);
		}
	}
	for (size_t i = 0; i < n; i += 7) {
		bytes[i] ^= 1;
		help_write(path, span_of(bytes, n));
		assert_int_not_equal(append("Dee", &total), ERR_OK);
		bytes[i] ^= 1;
	}
	help_write(path, span_of(bytes, 0));
	assert_int_equal(append("Dee", &total), ERR_DAMAGED);
	help_write(path, span_of(bytes, n));
	assert_int_equal(append("Dee", &total), ERR_OK);
	stored_is("Ada|1|36 Bo|2|41 Cy|3|50 Dee|9| ");
	free(bytes);
	free(other);
}

/* The hash of a small file confirms a guess of it; anybody may read what is stored. */
static void the_source_is_not_stored_in_the_clear(void **state)
{
	static const char csv[] = "name,phone,age\nAda,1,36\nBo,2,41\nCy,3,50\n";
	uint8_t hash[SHA256_LEN], text[2 * SHA256_LEN + 1], *bytes;
	struct out o = out_init(text, sizeof text);
	uint64_t total;
	size_t n;

	(void)state;
	hash_sha256(span_str(csv), hash);
	out_hex(&o, hash, sizeof hash);
	bytes = help_read(path, &n);
	assert_null(strstr((char *)bytes, out_cstr(&o)));
	free(bytes);
	/* A file of 0.1.0 shows it. It is read; adding to it, and importing the same again, make it
	 * one that does not. */
	for (int import = 0; import < 2; import++) {
		help_make_old(path, hash);
		bytes = help_read(path, &n);
		assert_non_null(strstr((char *)bytes, out_cstr(&o)));
		free(bytes);
		stored_is(import ? "Ada|1|36 Bo|2|41 Cy|3|50 Dee|9| " : "Ada|1|36 Bo|2|41 Cy|3|50 ");
		if (import) {
			assert_int_equal(help_import(&settings, span_str(csv), 0, &result, &why), ERR_OK);
			assert_false(result.unchanged);
		} else {
			assert_int_equal(append("Dee", &total), ERR_OK);
		}
		bytes = help_read(path, &n);
		assert_null(strstr((char *)bytes, out_cstr(&o)));
		free(bytes);
	}
	assert_int_equal(help_import(&settings, span_str(csv), 0, &result, &why), ERR_OK);
	assert_true(result.unchanged);
}

static void original_records_and_unknown_columns_are_refused(void **state)
{
	const struct append_value values[] = { { "colour", SPAN_LIT("red") } };
	uint64_t total;

	(void)state;
	assert_int_equal(append_record(&settings, values, 1, &total, &why), ERR_RANGE);
	stored_is("Ada|1|36 Bo|2|41 Cy|3|50 ");
	help_write(path, SPAN_LIT("{\"name_encrypted\":null}\n"));
	assert_int_equal(append("Dee", &total), ERR_STATE);
}

UNIT(append)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(keeps_what_was_stored_and_its_source, stored),
		cmocka_unit_test_setup(begins_a_set_where_nothing_is_stored, stored),
		cmocka_unit_test_setup(stored_data_are_read_once, stored),
		cmocka_unit_test_setup(other_content_under_the_same_trailer_is_refused, stored),
		cmocka_unit_test_setup(the_source_is_not_stored_in_the_clear, stored),
		cmocka_unit_test_setup(original_records_and_unknown_columns_are_refused, stored),
	};

	return cmocka_run_group_tests_name("append", tests, set_up, tear_down);
}
