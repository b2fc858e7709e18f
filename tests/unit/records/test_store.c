/* The stored file: its status, its lines, single values, and what is said of damaged ones. */
#include "records_help.h"

#include "text/base64.h"

static struct settings settings;
static struct spool_in reader;
static struct spool_in spool;
static struct recread check;
static struct fault why;
static char path[512];

static const char csv[] = "name,age,city\nAda,36,London\n\"Zo\xc3\xab, the 2nd\",,Paris\n";

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

static int fresh(void **state)
{
	struct populate_result r;

	(void)state;
	unlink(path);
	return help_import(&settings, span_str(csv), 0, &r, &why);
}

static void names_files_by_company(void **state)
{
	struct settings s = settings;

	(void)state;
	assert_string_equal(store_file_name(&s), "contoso-encrypted.jsonl");
	s.role = ROLE_FABRIKAM;
	assert_string_equal(store_file_name(&s), "fabrikam-encrypted.jsonl");
	s.role = ROLE_WOODGROVE;
	assert_string_equal(store_file_name(&s), "");
	s.role = ROLE_OTHER;
	assert_string_equal(store_file_name(&s), "");
}

static void tells_that_nothing_is_stored(void **state)
{
	struct store_status st = { true, true, 1, 1 };
	struct records_head head;
	struct records_end end;

	(void)state;
	unlink(path);
	assert_int_equal(store_status(&settings, &st, &why), ERR_OK);
	assert_false(st.exists);
	assert_int_equal(st.record_count, 0);
	assert_int_equal(store_open(&settings, &reader, &why), ERR_NOT_FOUND);
	spool_close(&reader);
	assert_int_equal(store_describe(&settings, &head, &end, &why), ERR_NOT_FOUND);
	assert_int_equal(store_verify(&settings, &spool, &check, &why), ERR_NOT_FOUND);
}

static void gives_the_lines_as_they_are_stored(void **state)
{
	struct store_status st;
	struct span line;
	size_t n, lines = 0, records = 0, at = 0;
	uint8_t *bytes = help_read(path, &n);
	enum err e;

	(void)state;
	assert_int_equal(store_status(&settings, &st, &why), ERR_OK);
	assert_true(st.exists);
	assert_int_equal(st.size_bytes, n);
	assert_int_equal(st.record_count, 2);
	assert_int_equal(store_open(&settings, &reader, &why), ERR_OK);
	while ((e = spool_next(&reader, &line, &why)) == ERR_OK) {
		lines++;
		records += !records_is_head(line) && !records_is_end(line);
		assert_true(at + line.n < n);
		assert_memory_equal(bytes + at, line.p, line.n);
		assert_int_equal(bytes[at + line.n], '\n');
		at += line.n + 1;
	}
	assert_int_equal(e, ERR_NOT_FOUND);
	assert_int_equal(at, n);
	assert_int_equal(lines, 4);
	assert_int_equal(records, 2);
	spool_close(&reader);
	spool_close(&reader);
	free(bytes);
	assert_int_equal(store_verify(&settings, &spool, &check, &why), ERR_OK);
}

/* Whatever is cut off: the status is an error unless the cut leaves nothing to read, and never a count. */
static void tells_a_cut_file(void **state)
{
	size_t n;
	uint8_t *bytes = help_read(path, &n);
	struct store_status st;

	(void)state;
	for (size_t keep = 1; keep < n; keep++) {
		help_write(path, span_of(bytes, keep));
		if (store_status(&settings, &st, &why) == ERR_OK)
			fail_msg("status of a file cut at byte %zu of %zu", keep, n);
		if (store_verify(&settings, &spool, &check, &why) == ERR_OK)
			fail_msg("verified a file cut at byte %zu of %zu", keep, n);
	}
	free(bytes);
}

/* Value i of `field` in record `number`, as a client sees it. */
static struct span token(size_t number, const char *field, uint8_t **bytes)
{
	char start[64], name[64];
	size_t n;
	char *at;

	*bytes = help_read(path, &n);
	(*bytes)[n] = 0;
	snprintf(start, sizeof start, "{\"line_number\":%zu,", number);
	snprintf(name, sizeof name, "\"%s_encrypted\":\"", field);
	at = strstr((char *)*bytes, start);
	assert_non_null(at);
	at = strstr(at, name);
	assert_non_null(at);
	at += strlen(name);
	return span_of(at, (size_t)(strchr(at, '"') - at));
}

static void decrypts_single_values(void **state)
{
	uint8_t plain[FIELD_VALUE_MAX], *bytes;
	struct span text = token(2, "name", &bytes);
	size_t n;

	(void)state;
	assert_int_equal(store_decrypt_value(&settings, text, plain, sizeof plain, &n, &why), ERR_OK);
	t_span_is(span_of(plain, n), "Zo\xc3\xab, the 2nd");
	assert_int_equal(store_decrypt_value(&settings, text, plain, 5, &n, &why), ERR_TOO_BIG);
	/* Each character changed: refused, whatever the reason. */
	for (size_t i = 0; i < text.n; i++) {
		uint8_t *c = bytes + (text.p - bytes) + i, was = *c;

		*c = was == 'A' ? 'B' : 'A';
		assert_int_not_equal(store_decrypt_value(&settings, text, plain, sizeof plain, &n, &why), ERR_OK);
		*c = was;
	}
	free(bytes);
	text = token(2, "age", &bytes);
	assert_int_equal(store_decrypt_value(&settings, text, plain, sizeof plain, &n, &why), ERR_OK);
	assert_int_equal(n, 0);
	free(bytes);
}

static void decrypts_original_values_too(void **state)
{
	uint8_t sealed[256], text[512], plain[256];
	struct out o = out_init(text, sizeof text);
	size_t n;

	(void)state;
	assert_int_equal(keys_oaep_encrypt(KEYS_OWN, SPAN_LIT("Ada"), sealed, sizeof sealed, &n), ERR_OK);
	base64_encode(&o, B64_STD, span_of(sealed, n));
	assert_int_equal(store_decrypt_value(&settings, out_span(&o), plain, sizeof plain, &n, &why), ERR_OK);
	t_span_is(span_of(plain, n), "Ada");
	/* Also when nothing is stored, and when what is stored is damaged. */
	help_write(path, SPAN_LIT("{\"format\":\"parley-records/1\"}\n"));
	assert_int_equal(store_decrypt_value(&settings, out_span(&o), plain, sizeof plain, &n, &why), ERR_OK);
	unlink(path);
	assert_int_equal(store_decrypt_value(&settings, out_span(&o), plain, sizeof plain, &n, &why), ERR_OK);
	text[40] = text[40] == 'A' ? 'B' : 'A';
	assert_int_equal(store_decrypt_value(&settings, out_span(&o), plain, sizeof plain, &n, &why), ERR_CRYPTO);
	assert_int_equal(store_decrypt_value(&settings, SPAN_LIT("no base64"), plain, sizeof plain, &n, &why), ERR_SYNTAX);
	assert_int_equal(store_decrypt_value(&settings, SPAN_LIT(""), plain, sizeof plain, &n, &why), ERR_SYNTAX);
	assert_int_equal(store_decrypt_value(&settings, SPAN_LIT("UAAA"), plain, sizeof plain, &n, &why), ERR_CRYPTO);
}

static void values_of_a_replaced_batch_are_not_decrypted(void **state)
{
	uint8_t plain[64], *bytes;
	struct span text = token(1, "name", &bytes);
	struct populate_result r;
	size_t n;

	(void)state;
	assert_int_equal(help_import(&settings, SPAN_LIT("name\nBob\n"), 0, &r, &why), ERR_OK);
	assert_int_equal(store_decrypt_value(&settings, text, plain, sizeof plain, &n, &why), ERR_CRYPTO);
	free(bytes);
}

static void counts_original_files(void **state)
{
	struct store_status st;
	struct span line;

	(void)state;
	help_write(path, SPAN_LIT("[\n  {\"company\": \"contoso\"},\n  {\"company\": \"contoso\"}\n]\n"));
	assert_int_equal(store_status(&settings, &st, &why), ERR_OK);
	assert_int_equal(st.record_count, 2);
	assert_int_equal(store_open(&settings, &reader, &why), ERR_OK);
	assert_int_equal(spool_next(&reader, &line, &why), ERR_OK);
	t_span_is(line, "{\"company\": \"contoso\"}");
	assert_false(records_is_head(line) || records_is_end(line));
	spool_close(&reader);
	help_write(path, SPAN_LIT("[\n  {\"company\": \"contoso\"},\n"));
	assert_int_equal(store_status(&settings, &st, &why), ERR_DAMAGED);
}

UNIT(store)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_files_by_company),
		cmocka_unit_test(tells_that_nothing_is_stored),
		cmocka_unit_test_setup(gives_the_lines_as_they_are_stored, fresh),
		cmocka_unit_test_setup(tells_a_cut_file, fresh),
		cmocka_unit_test_setup(decrypts_single_values, fresh),
		cmocka_unit_test_setup(decrypts_original_values_too, fresh),
		cmocka_unit_test_setup(values_of_a_replaced_batch_are_not_decrypted, fresh),
		cmocka_unit_test(counts_original_files),
	};

	return cmocka_run_group_tests_name("store", tests, set_up, tear_down);
}
