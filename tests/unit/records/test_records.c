/* The record format: what is written is read back, and every manipulation of a file is refused. */
#include "records_help.h"

#include "text/base64.h"
#include "party/records/recwrite.h"

#define FIELDS 3
static const char *const wanted[FIELDS] = { "name", "age", "post code" };
static const char *const values[][FIELDS] = {
	{ "Ada", "36", "N1 9AA" },
	{ "", "-", "" }, /* empty values are sealed too */
	{ "Zo\xc3\xab \"Q\"\n<b>", "41", "\xe2\x82\xac" },
};
#define RECORDS (sizeof values / sizeof values[0])

static uint8_t file[16384], other[16384];
static size_t file_n, other_n;
static struct recwrite writer;
static struct recread reader;
static struct settings settings;
static struct fault why;

static size_t make_file(uint8_t *to, size_t cap)
{
	struct out o = out_init(to, cap);
	struct span names[FIELDS], row[FIELDS];
	uint8_t source[SHA256_LEN] = { 1, 2, 3 };

	for (size_t i = 0; i < FIELDS; i++)
		names[i] = span_str(wanted[i]);
	assert_int_equal(recwrite_begin(&writer, "contoso", names, FIELDS, 1763690400000005, &o, &why), ERR_OK);
	for (size_t r = 0; r < RECORDS; r++) {
		for (size_t i = 0; i < FIELDS; i++)
			row[i] = span_str(values[r][i]);
		assert_int_equal(recwrite_record(&writer, row, &o), ERR_OK);
	}
	recwrite_end(&writer, source, &o);
	recwrite_wipe(&writer);
	assert_false(o.bad);
	return o.n;
}

static int set_up(void **state)
{
	(void)state;
	keys_init();
	help_settings(&settings, ROLE_CONTOSO);
	help_new_key(KEYS_OWN);
	file_n = make_file(file, sizeof file);
	other_n = make_file(other, sizeof other);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	help_clean(&settings);
	keys_wipe();
	return 0;
}

static enum err read_with(struct span bytes, const char *const *want, size_t n)
{
	enum err e;

	recread_begin(&reader, KEYS_OWN, "contoso", want, n);
	e = help_read_records(&reader, bytes, NULL, NULL, &why);
	return e;
}

/* Refused whoever reads: who decrypts everything, one field, or nothing. */
static void is_refused(struct span bytes, const char *what)
{
	if (read_with(bytes, wanted, FIELDS) == ERR_OK || read_with(bytes, wanted + 1, 1) == ERR_OK ||
	    read_with(bytes, NULL, 0) == ERR_OK)
		fail_msg("accepted: %s", what);
}

/* Line i of a file, LF included. */
static struct span line_of(const uint8_t *bytes, size_t n, size_t i)
{
	struct span rest = span_of(bytes, n);

	for (;; i--) {
		size_t len = span_find(rest, '\n') + 1;

		if (i == 0)
			return span_sub(rest, 0, len);
		rest = span_sub(rest, len, rest.n);
	}
}

/* A file put together from lines of `file` ("0123" letters) and of `other` (upper case 'A' = its line 0). */
static struct span assemble(const char *plan)
{
	static uint8_t made[65536];
	struct out o = out_init(made, sizeof made);

	for (; *plan; plan++)
		out_put(&o, *plan >= 'A' ? line_of(other, other_n, (size_t)(*plan - 'A')) : line_of(file, file_n, (size_t)(*plan - '0')));
	assert_false(o.bad);
	return out_span(&o);
}

/* The file with the first `old` after byte `from` replaced. */
static struct span replaced(size_t from, const char *old, const char *new)
{
	static uint8_t made[65536];
	struct out o = out_init(made, sizeof made);
	size_t n = strlen(old), at = from;

	while (at + n <= file_n && memcmp(file + at, old, n) != 0)
		at++;
	assert_true(at + n <= file_n);
	out_bytes(&o, file, at);
	out_str(&o, new);
	out_bytes(&o, file + at + n, file_n - at - n);
	return out_span(&o);
}

static void check_values(struct recread *r, void *ctx)
{
	size_t *n = ctx;

	assert_true(*n < RECORDS);
	for (size_t i = 0; i < FIELDS; i++)
		t_span_is(r->value[i], values[*n][i]);
	++*n;
}

static void reads_back_what_was_written(void **state)
{
	size_t n = 0;

	(void)state;
	recread_begin(&reader, KEYS_OWN, "contoso", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, span_of(file, file_n), check_values, &n, &why), ERR_OK);
	assert_int_equal(n, RECORDS);
	assert_int_equal(reader.count, RECORDS);
	assert_false(reader.legacy);
	recread_wipe(&reader);
}

static void only_checks_third(struct recread *r, void *ctx)
{
	size_t *n = ctx;

	t_span_is(r->value[0], values[*n][2]);
	assert_int_equal(r->value[1].n, 0); /* a field that the file does not have */
	++*n;
}

static void decrypts_only_the_fields_asked_for(void **state)
{
	static const char *const want[] = { "post code", "salary" };
	size_t n = 0;

	(void)state;
	recread_begin(&reader, KEYS_OWN, "contoso", want, 2);
	assert_int_equal(help_read_records(&reader, span_of(file, file_n), only_checks_third, &n, &why), ERR_OK);
	assert_int_equal(n, RECORDS);
	/* The working memory holds no plaintext of the others. */
	for (size_t i = 0; i + 3 <= sizeof reader; i++)
		assert_true(memcmp((const uint8_t *)&reader + i, "Ada", 3) != 0);
}

static void has_the_documented_form(void **state)
{
	struct records_head head;
	struct records_end end;
	struct span line = line_of(file, file_n, 0), last = line_of(file, file_n, RECORDS + 1);
	char thumb[JWK_THUMBPRINT_LEN + 1];
	uint8_t source[SHA256_LEN];
	enum key_type type;
	struct gcm gcm;
	unsigned bits;

	(void)state;
	assert_true(span_starts(line, "{\"format\":\"parley-records/1\",\"company\":\"contoso\",\"batch\":\""));
	assert_int_equal(records_head_parse(span_sub(line, 0, line.n - 1), &head, &why), ERR_OK);
	assert_int_equal(keys_describe(KEYS_OWN, &type, &bits, thumb), ERR_OK);
	assert_string_equal(head.key_id, thumb);
	assert_string_equal(head.created, "2025-11-21T02:00:00.000005Z");
	assert_int_equal(head.n_fields, FIELDS);
	assert_int_equal(head.wrapped_len, 256);
	line = line_of(file, file_n, 1);
	assert_true(span_starts(line, "{\"line_number\":1,\"timestamp\":\"2025-11-21T02:00:00.000005Z\",\"company\":\"contoso\","
	                              "\"name_encrypted\":\""));
	assert_int_equal(records_end_parse(span_sub(last, 0, last.n - 1), &end, &why), ERR_OK);
	assert_int_equal(end.records, RECORDS);
	assert_false(end.source_clear);
	assert_int_equal(records_open_dek(&head, KEYS_OWN, &gcm, &why), ERR_OK);
	assert_int_equal(records_end_source(&gcm, &end, source, &why), ERR_OK);
	assert_int_equal(source[1], 2);
	end.source[40] ^= 1;
	assert_int_equal(records_end_source(&gcm, &end, source, &why), ERR_DAMAGED);
	assert_memory_equal(end.batch, head.batch, sizeof end.batch);
	/* Two files of the same content share neither batch nor wrapped key. */
	assert_true(memcmp(line_of(other, other_n, 1).p, line.p, line.n) != 0);
}

static void refuses_every_flipped_byte(void **state)
{
	static const uint8_t flips[] = { 0x01, 0x20 };

	(void)state;
	for (size_t k = 0; k < sizeof flips; k++)
		for (size_t i = 0; i < file_n; i++) {
			/* Every byte is once seen by a reader of all fields and once by one of none. */
			const char *const *want = (i + k) % 2 ? wanted : NULL;

			file[i] ^= flips[k];
			enum err e = read_with(span_of(file, file_n), want, want ? FIELDS : 0);

			file[i] ^= flips[k];
			if (e == ERR_OK)
				fail_msg("accepted a flip of byte %zu", i);
		}
	assert_int_equal(read_with(span_of(file, file_n), wanted, FIELDS), ERR_OK);
}

static void refuses_every_truncation(void **state)
{
	(void)state;
	for (size_t n = 1; n < file_n; n++)
		if (read_with(span_of(file, n), NULL, 0) == ERR_OK)
			fail_msg("accepted %zu of %zu bytes", n, file_n);
}

static void refuses_records_out_of_place(void **state)
{
	static const char *const plans[] = {
		"02134", "01324", "03214", /* swapped */
		"0234", "0134", "0124",    /* dropped */
		"011234", "012344", "0123423", "012334", /* repeated */
		"1234", "123", "1", "4", "234", "23", "2", "3", "01243", "00", "04", "0", "01", "012", "0123", /* no header, trailer early, parts */
		"0012344", "0123401234", "01234ABCDE", "012341", "012340", /* more behind the end, twice */
		"0A1234",
	};

	(void)state;
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
		is_refused(assemble(plans[i]), plans[i]);
	assert_int_equal(read_with(assemble("01234"), wanted, FIELDS), ERR_OK);
	assert_int_equal(read_with(assemble("ABCDE"), wanted, FIELDS), ERR_OK);
}

static void refuses_parts_of_another_batch(void **state)
{
	static const char *const plans[] = { "A1234", "0B234", "01C34", "012D4", "0123E", "ABCD4", "0BCD4", "0BCDE", "A123E" };

	(void)state;
	for (size_t i = 0; i < sizeof plans / sizeof plans[0]; i++)
		is_refused(assemble(plans[i]), plans[i]);
}

/* Token of a field in a record line of `file`. */
static struct span token_of(size_t record, const char *field)
{
	struct span line = line_of(file, file_n, record);
	char name[80];
	size_t n = (size_t)snprintf(name, sizeof name, "\"%s_encrypted\":\"", field), at = 0;

	while (memcmp(line.p + at, name, n) != 0)
		at++;
	line = span_sub(line, at + n, line.n);
	return span_sub(line, 0, span_find(line, '"'));
}

/* The file with the tokens of two places exchanged. */
static struct span exchanged(struct span a, struct span b)
{
	static uint8_t made[65536];
	struct out o = out_init(made, sizeof made);
	const uint8_t *first = a.p < b.p ? a.p : b.p;
	struct span one = first == a.p ? a : b, two = first == a.p ? b : a;

	out_bytes(&o, file, (size_t)(one.p - file));
	out_put(&o, two);
	out_bytes(&o, one.p + one.n, (size_t)(two.p - one.p) - one.n);
	out_put(&o, one);
	out_bytes(&o, two.p + two.n, (size_t)(file + file_n - two.p) - two.n);
	return out_span(&o);
}

static void refuses_values_out_of_place(void **state)
{
	(void)state;
	is_refused(exchanged(token_of(1, "name"), token_of(1, "age")), "two fields of a record");
	is_refused(exchanged(token_of(1, "age"), token_of(3, "age")), "a field of two records");
	is_refused(exchanged(token_of(1, "name"), token_of(3, "name")), "a field nobody reads");
	is_refused(exchanged(token_of(2, "name"), token_of(2, "post code")), "two empty values");
}

static void refuses_changed_members(void **state)
{
	char token[512], text[600], twice[1300];
	size_t record = line_of(file, file_n, 0).n;

	(void)state;
	is_refused(replaced(0, "contoso", "contosa"), "company of the header");
	is_refused(replaced(record, "contoso", "fabrikam"), "company of a record");
	is_refused(replaced(0, "\"name\",", ""), "a field less in the header");
	is_refused(replaced(0, "\"name\"", "\"name\",\"x\""), "a field more in the header");
	is_refused(replaced(0, "\"name\",\"age\"", "\"age\",\"name\""), "fields of the header in another order");
	is_refused(replaced(0, "records/1", "records/2"), "another version");
	is_refused(replaced(0, "}\n", ",\"x\":1}\n"), "a member more in the header");
	is_refused(replaced(record, "\"line_number\":1", "\"line_number\":01"), "another spelling of the number");
	is_refused(replaced(record, "}\n", ",\"x\":1}\n"), "a member more in a record");
	is_refused(replaced(record, "\"records\":3", "\"records\":2"), "another count");
	snprintf(token, sizeof token, "\"%.*s\"", (int)token_of(1, "age").n, (const char *)token_of(1, "age").p);
	is_refused(replaced(record, token, "null"), "null for a value");
	is_refused(replaced(record, token, "\"\""), "an empty token");
	is_refused(replaced(record, token, "\"AAAA\""), "a short token");
	snprintf(text, sizeof text, ",\"age_encrypted\":%s", token);
	is_refused(replaced(record, text, ""), "a field dropped");
	snprintf(twice, sizeof twice, "%s%s", text, text);
	is_refused(replaced(record, text, twice), "a field twice");
}

static void tells_the_wrong_key_and_company(void **state)
{
	(void)state;
	recread_begin(&reader, KEYS_OWN, "fabrikam", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, span_of(file, file_n), NULL, NULL, &why), ERR_MISMATCH);
	recread_begin(&reader, KEYS_CONTOSO, "contoso", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, span_of(file, file_n), NULL, NULL, &why), ERR_STATE);
	struct rsa_key kept = help_rsa;
	help_new_key(KEYS_FABRIKAM);
	recread_begin(&reader, KEYS_FABRIKAM, "contoso", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, span_of(file, file_n), NULL, NULL, &why), ERR_MISMATCH);
	help_rsa = kept;
}

/* --- the original format --- */

static void seal_legacy(struct out *o, const char *value)
{
	uint8_t sealed[256];
	size_t n;

	assert_int_equal(keys_oaep_encrypt(KEYS_OWN, span_str(value), sealed, sizeof sealed, &n), ERR_OK);
	out_byte(o, '"');
	base64_encode(o, B64_STD, span_of(sealed, n));
	out_byte(o, '"');
}

static void check_legacy(struct recread *r, void *ctx)
{
	size_t *n = ctx;

	if (*n == 0) {
		t_span_is(r->value[0], "Ada");
		t_span_is(r->value[1], "36");
		t_span_is(r->value[2], "");
	} else {
		for (size_t i = 0; i < FIELDS; i++)
			assert_int_equal(r->value[i].n, 0);
	}
	++*n;
}

/* Five records: a good one with null, absent values, an unreadable value, a damaged one, values of other types. */
static struct span legacy(const char *open, const char *close, const char *company)
{
	static uint8_t made[16384];
	struct out o = out_init(made, sizeof made);

	out_str(&o, open);
	out_str(&o, "{\n  \"timestamp\": \"2026-02-17T10:00:00.000001Z\",\n  \"company\": \"");
	out_str(&o, company);
	out_str(&o, "\",\n  \"name_encrypted\": ");
	seal_legacy(&o, "Ada");
	out_str(&o, ",\n  \"age_encrypted\": ");
	seal_legacy(&o, "36");
	out_str(&o, ",\n  \"post code_encrypted\": null\n}");
	out_str(&o, ",{\"company\":\"contoso\"},{\"age_encrypted\":\"AAAA\"},{\"age_encrypted\":");
	seal_legacy(&o, "50");
	o.p[o.n - 20] ^= 1;
	out_str(&o, "},{\"name_encrypted\":1,\"age_encrypted\":[],\"line_number\":5}");
	out_str(&o, close);
	assert_false(o.bad);
	return out_span(&o);
}

static void reads_the_original_format(void **state)
{
	size_t n = 0;

	(void)state;
	recread_begin(&reader, KEYS_OWN, "contoso", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, legacy("[", "]", "contoso"), check_legacy, &n, &why), ERR_OK);
	assert_int_equal(n, 5);
	assert_true(reader.legacy);
	n = 0;
	recread_begin(&reader, KEYS_OWN, "contoso", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, legacy("{\"company\":\"contoso\",\"records\":[", "],\"status\":\"success\"}",
	                                                   "Contoso"), check_legacy, &n, &why), ERR_OK);
	assert_int_equal(n, 5);
	recread_begin(&reader, KEYS_OWN, "contoso", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, legacy("[", "]", "fabrikam"), NULL, NULL, &why), ERR_MISMATCH);
	recread_begin(&reader, KEYS_CONTOSO, "contoso", wanted, FIELDS);
	assert_int_equal(help_read_records(&reader, legacy("[", "]", "contoso"), NULL, NULL, &why), ERR_STATE);
}

/* The format is decided by the header alone: our records without it are refused too (above), and
 * our header never makes an original record acceptable. */
static void does_not_mix_the_formats(void **state)
{
	static uint8_t made[32768];
	struct out o = out_init(made, sizeof made);
	struct span old = legacy("[", "]", "contoso");

	(void)state;
	out_put(&o, line_of(file, file_n, 0));
	out_put(&o, span_sub(old, 1, span_find(old, '}')));
	out_byte(&o, '\n');
	is_refused(out_span(&o), "an original record under our header");
}

/* Imports before 0.2.0 kept "Salary " as it was written: found too, the exact name first. */
static void fields_are_found_without_case_and_outer_blanks(void **state)
{
	static struct records_head h = { .n_fields = 3, .field = { "Name", " SALARY ", "name" } };

	(void)state;
	assert_int_equal(records_field(&h, SPAN_LIT("name")), 2);
	assert_int_equal(records_field(&h, SPAN_LIT("salary")), 1);
	assert_int_equal(records_field(&h, SPAN_LIT("NAME")), 0);
	assert_int_equal(records_field(&h, SPAN_LIT("salar")), FIELDS_MAX);
	assert_int_equal(records_field(&h, SPAN_LIT("")), FIELDS_MAX);
}

UNIT(records)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_are_found_without_case_and_outer_blanks),
		cmocka_unit_test(reads_back_what_was_written),
		cmocka_unit_test(decrypts_only_the_fields_asked_for),
		cmocka_unit_test(has_the_documented_form),
		cmocka_unit_test(refuses_every_flipped_byte),
		cmocka_unit_test(refuses_every_truncation),
		cmocka_unit_test(refuses_records_out_of_place),
		cmocka_unit_test(refuses_parts_of_another_batch),
		cmocka_unit_test(refuses_values_out_of_place),
		cmocka_unit_test(refuses_changed_members),
		cmocka_unit_test(tells_the_wrong_key_and_company),
		cmocka_unit_test(reads_the_original_format),
		cmocka_unit_test(does_not_mix_the_formats),
	};

	return cmocka_run_group_tests_name("records", tests, set_up, tear_down);
}
