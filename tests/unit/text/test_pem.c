/* Tests of PEM blocks. */
#include "text/pem.h"

#include "t.h"
#include "vectors.h"

static uint8_t der[16384];

static enum err next(struct span *text, size_t *n)
{
	return pem_next(text, "CERTIFICATE", der, sizeof der, n);
}

static void first_of(const char *text, enum err expected)
{
	uint8_t *exact = t_exact(span_str(text));
	struct span rest = span_of(exact, strlen(text));
	size_t n = 99;
	enum err err = next(&rest, &n);

	if (err != expected)
		print_error("%s -> %d\n", text, err);
	assert_int_equal(err, expected);
	if (err != ERR_OK) {
		assert_int_equal(n, 99);
		assert_int_equal(rest.n, strlen(text));
	}
	free(exact);
}

static void blocks_of_every_length_come_back(void **state)
{
	uint8_t in[300], text[700], back[300];

	(void)state;
	for (size_t n = 1; n <= sizeof in; n++) {
		struct out o = out_init(text, sizeof text);
		struct span rest;
		size_t m = 0;

		in[n - 1] = (uint8_t)t_random();
		pem_write(&o, "X", span_of(in, n));
		assert_false(o.bad);
		rest = out_span(&o);
		assert_int_equal(pem_next(&rest, "X", back, n, &m), ERR_OK);
		assert_true(span_eq(span_of(back, m), span_of(in, n)));
		t_span_is(rest, "\n");
		rest = out_span(&o);
		memset(back, 0, sizeof back);
		assert_int_equal(pem_next(&rest, "X", back, n - 1, &m), ERR_TOO_BIG);
		for (size_t i = 0; i + 1 < n; i++)
			assert_int_equal(back[i], 0);
		/* every cut: never a block, never a read outside */
		for (size_t cut = 0; n == 100 && cut + 1 < o.n; cut++) {
			uint8_t *exact = t_exact(span_of(text, cut));

			rest = span_of(exact, cut);
			assert_int_not_equal(pem_next(&rest, "X", back, sizeof back, &m), ERR_OK);
			free(exact);
		}
	}
}

static void written_form(void **state)
{
	uint8_t text[200];
	struct out o = out_init(text, sizeof text);

	(void)state;
	pem_write(&o, "EC PARAMETERS", SPAN_LIT("0123456789012345678901234567890123456789012345678"));
	t_span_is(out_span(&o), "-----BEGIN EC PARAMETERS-----\n"
				"MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3\n"
				"OA==\n-----END EC PARAMETERS-----\n");
}

static void accepted_spellings(void **state)
{
	(void)state;
	first_of("-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n", ERR_OK);
	first_of("-----BEGIN CERTIFICATE-----\r\nAAEC\r\n-----END CERTIFICATE-----\r\n", ERR_OK);
	first_of("-----BEGIN CERTIFICATE-----\nAA\nEC\nA\nA\n==\n-----END CERTIFICATE-----", ERR_OK);
	first_of("-----BEGIN CERTIFICATE----- \nAAEC \n\n-----END CERTIFICATE-----", ERR_OK);
	first_of("subject=x\n-----BEGIN X-----\nAAEC\n-----END X-----\n-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----", ERR_OK);
}

static void refused_or_not_found(void **state)
{
	(void)state;
	first_of("", ERR_NOT_FOUND);
	first_of("-----", ERR_NOT_FOUND);
	first_of("text only\nmore\n", ERR_NOT_FOUND);
	first_of("-----BEGIN CERTIFICATE REQUEST-----\nAAEC\n-----END CERTIFICATE REQUEST-----\n", ERR_NOT_FOUND);
	first_of("-----BEGIN certificate-----\nAAEC\n-----END certificate-----\n", ERR_NOT_FOUND);
	first_of(" -----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n", ERR_NOT_FOUND);
	first_of("-----BEGIN CERTIFICATE-----", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----AAEC\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nAAEC\n-----END X-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nAAEC\n-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nAA==\nAAEC\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nAA EC\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nAAECA\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nAAE*\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nProc-Type: 4,ENCRYPTED\n\nAAEC\n-----END CERTIFICATE-----\n", ERR_SYNTAX);
	first_of("-----BEGIN CERTIFICATE-----\nAAEC\n----END CERTIFICATE-----\n", ERR_SYNTAX);
}

/* A padded piece of exactly 64 characters must still end the block. */
static void padding_in_the_middle_is_refused(void **state)
{
	char text[300] = "-----BEGIN CERTIFICATE-----\n";

	(void)state;
	memset(text + strlen(text), 'A', 62);
	strcat(text, "==\nAAAA\n-----END CERTIFICATE-----\n");
	first_of(text, ERR_SYNTAX);
}

static void chains_are_taken_one_by_one(void **state)
{
	static const char text[] = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE----------BEGIN CERTIFICATE-----\n"
				   "AAEC\n-----END CERTIFICATE-----\nnoise\n-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----";
	struct span rest = span_str(text);
	size_t n;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(next(&rest, &n), ERR_OK);
		assert_int_equal(n, 3);
		assert_memory_equal(der, "\0\1\2", 3);
	}
	assert_int_equal(next(&rest, &n), ERR_NOT_FOUND);
}

static void real_chains(void **state)
{
	size_t n, len, count = 0;
	uint8_t *file;
	struct span text;

	(void)state;
	if (!vectors_dir())
		skip();
	file = vectors_read("azure/skr-sidecar/cert_fetcher_test_chain.pem", &n);
	assert_non_null(file);
	text = span_of(file, n);
	for (; next(&text, &len) == ERR_OK; count++) {
		assert_int_equal(der[0], 0x30);
		assert_int_equal(der[1], 0x82);
		assert_int_equal(load_be16(der + 2) + 4, len);
	}
	assert_true(count >= 2);
	free(file);
}

UNIT(pem)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_of_every_length_come_back), cmocka_unit_test(written_form),
		cmocka_unit_test(accepted_spellings),		    cmocka_unit_test(refused_or_not_found),
		cmocka_unit_test(padding_in_the_middle_is_refused), cmocka_unit_test(chains_are_taken_one_by_one),
		cmocka_unit_test(real_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
