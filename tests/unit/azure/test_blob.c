/* Blob storage without a network: names, Shared Key signatures, error answers, listings. The rest: tests/e2e/blob.test.js. */
#include "t.h"
#include "vectors.h"

#include <cjson/cJSON.h>

#include "azure/blob.h"
#include "text/base64.h"

static void names_that_may_be_used(void **state)
{
	static const char *const good[] = {
		"a", "a/b/c.json", "consolidated-records-rg_1.(2).json", "..a", "a..", "...", "a b", "100%", "50% off", "%zz", "a?b#c", "%41", "100%25.json", "50%25off%20%C3%A9", "%2541", "%2", "%", "a\tb", "a%09b", "\t",
		"\xc3\xa9/\xe2\x82\xac", ".hidden/x",
	};
	static const char *const bad[] = {
		"", "/", "/a", "a/", "a//b", ".", "..", "./a", "../a", "a/.", "a/..", "a/../b", "a/./b", "a\\b", "..\\a", "%2e%2e/a", "a%2fb", "a%5Cb", "%2E", "a%00", "a%0ab", "%7f", "%3f", "a%23",
		"%252e", "%25252E%25252e/x", "a%252fb", "%25%32e", "%2%35%32e", "a%2500",
		"a\nb", "a\x7f", "\x01", "\xff", "a\xc3",
	};
	static char long_name[BLOB_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (!blob_name_ok(span_str(good[i])))
			fail_msg("refused: %s", good[i]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (blob_name_ok(span_str(bad[i])))
			fail_msg("accepted: %s", bad[i]);
	assert_false(blob_name_ok(span_of("a\0b", 3)));
	memset(long_name, 'n', BLOB_NAME_MAX + 1);
	assert_false(blob_name_ok(span_of(long_name, BLOB_NAME_MAX + 1)));
	assert_true(blob_name_ok(span_of(long_name, BLOB_NAME_MAX)));
}

static void urls_are_encoded_by_segment(void **state)
{
	const struct blob_account a = { .endpoint = "https://acct.blob.core.windows.net", .account = "acct", .container = "con", .sas = "sig=secret" };
	char text[512];
	struct out o = out_init(text, sizeof text);

	(void)state;
	blob_url(&a, "a b/c?d#e/\xc3\xa9+%.json", &o);
	assert_string_equal(out_cstr(&o), "https://acct.blob.core.windows.net/con/a%20b/c%3Fd%23e/%C3%A9%2B%25.json");
	o = out_init(text, sizeof text);
	blob_url(&a, NULL, &o);
	assert_string_equal(out_cstr(&o), "https://acct.blob.core.windows.net/con");
}

/* --- signatures: vectors that Azurite accepted ------------------------------------------------------------------- */

static const char *field(const cJSON *headers, const char *name)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(headers, name);

	return v ? v->valuestring : NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct blob_param *)a)->name, ((const struct blob_param *)b)->name);
}

static void check_vector(const cJSON *v)
{
	static const char key_text[] = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
	const cJSON *headers = cJSON_GetObjectItem(v, "headers"), *q;
	const char *url = cJSON_GetObjectItem(v, "url")->valuestring;
	const char *length = field(headers, "Content-Length");
	struct blob_param params[8];
	struct blob_sign s = {
		.method = cJSON_GetObjectItem(v, "method")->valuestring, .path = span_str(strchr(url + strlen("http://"), '/')), .query = params,
		.length = length ? strtoull(length, NULL, 10) : 0, .content_type = field(headers, "Content-Type"), .blob_type = field(headers, "x-ms-blob-type"),
		.date = field(headers, "x-ms-date"), .range = field(headers, "x-ms-range"),
	};
	char text[2048];
	uint8_t key[64], scratch[2048];
	struct out o = out_init(text, sizeof text);
	size_t n;

	assert_string_equal(field(headers, "x-ms-version"), BLOB_API_VERSION);
	cJSON_ArrayForEach(q, cJSON_GetObjectItem(v, "query"))
		params[s.n_query++] = (struct blob_param){ q->string, span_str(q->valuestring) };
	qsort(params, s.n_query, sizeof params[0], by_name);
	blob_sign_text(&s, "devstoreaccount1", &o);
	assert_string_equal(out_cstr(&o), cJSON_GetObjectItem(v, "string_to_sign")->valuestring);
	assert_int_equal(base64_decode(B64_STD, span_str(key_text), key, sizeof key, &n), ERR_OK);
	o = out_init(text, sizeof text);
	assert_int_equal(blob_sign_value(&s, "devstoreaccount1", span_of(key, n), scratch, sizeof scratch, &o), ERR_OK);
	assert_string_equal(out_cstr(&o), cJSON_GetObjectItem(v, "authorization")->valuestring);
	assert_int_equal(blob_sign_value(&s, "devstoreaccount1", span_of(key, n), scratch, 40, &o), ERR_TOO_BIG);
}

static void signatures_are_azures(void **state)
{
	size_t n, checked = 0;
	uint8_t *bytes = vectors_read("azure/azurite_sharedkey_sas_vectors.json", &n);
	cJSON *all, *v;

	(void)state;
	if (!bytes) {
		skip();
		return;
	}
	all = cJSON_Parse((const char *)bytes);
	assert_non_null(all);
	cJSON_ArrayForEach(v, all) {
		if (!cJSON_GetObjectItem(v, "authorization"))
			continue;
		check_vector(v);
		checked++;
	}
	assert_true(checked >= 4);
	cJSON_Delete(all);
	free(bytes);
}

static void conditions_are_signed(void **state)
{
	const struct blob_sign s = {
		.method = "PUT", .path = SPAN_LIT("/c/b"), .if_match = "\"0x1\"", .if_none_match = "*", .blob_content_type = "text/plain", .blob_type = "BlockBlob", .date = "D",
	};
	char text[512];
	struct out o = out_init(text, sizeof text);

	(void)state;
	blob_sign_text(&s, "a", &o);
	assert_string_equal(out_cstr(&o), "PUT\n\n\n\n\n\n\n\n\"0x1\"\n*\n\n\nx-ms-blob-content-type:text/plain\nx-ms-blob-type:BlockBlob\nx-ms-date:D\n"
	                    "x-ms-version:" BLOB_API_VERSION "\n/a/c/b");
	o = out_init(text, sizeof text);
	blob_sign_headers(&s, &o);
	assert_string_equal(out_cstr(&o), "x-ms-blob-content-type: text/plain\r\nx-ms-blob-type: BlockBlob\r\nx-ms-date: D\r\nx-ms-version: " BLOB_API_VERSION "\r\n");
}

/* --- answers ----------------------------------------------------------------------------------------------------- */

static void errors_are_read(void **state)
{
	struct span code, message;

	(void)state;
	blob_read_error(SPAN_LIT("\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code><Message>The specified blob does not exist.\n"
	                         "RequestId:1\nTime:2</Message></Error>"), &code, &message);
	t_span_is(code, "BlobNotFound");
	t_span_is(message, "The specified blob does not exist.");
	blob_read_error(SPAN_LIT("<Error><Code>X</Code><Mess"), &code, &message); /* cut: what came counts */
	t_span_is(code, "X");
	t_span_is(message, "");
	blob_read_error(SPAN_LIT("<html><Code>X</Code></html>"), &code, &message);
	t_span_is(code, "");
	blob_read_error(SPAN_LIT("{\"error\":1}"), &code, &message);
	t_span_is(code, "");
}

static char listed[1024];
static enum err note(void *ctx, const struct blob_item *item)
{
	struct out *o = ctx;

	out_put(o, item->name);
	out_byte(o, ':');
	out_u64(o, item->size);
	out_byte(o, ':');
	out_put(o, item->content_type);
	out_byte(o, ':');
	out_put(o, item->etag);
	out_byte(o, ';');
	return span_eq_str(item->name, "stop") ? ERR_CLOSED : ERR_OK;
}

static enum err page(const char *xml, char marker[BLOB_MARKER_MAX])
{
	uint8_t text[4096];
	struct out o = out_init(listed, sizeof listed);
	enum err e = blob_read_page(span_str(xml), marker, text, sizeof text, note, &o);

	(void)out_cstr(&o);
	return e;
}

#define BEGIN "<?xml version=\"1.0\"?><EnumerationResults ServiceEndpoint=\"https://a/\" ContainerName=\"c\"><Prefix/><MaxResults>32</MaxResults><Blobs>"
#define BLOB(name, size) "<Blob><Name>" name "</Name><Properties><Etag>0x1</Etag><Content-Length>" size "</Content-Length>" \
	"<Content-Type>text/plain</Content-Type><BlobType>BlockBlob</BlobType></Properties></Blob>"

static void listings_are_read(void **state)
{
	char marker[BLOB_MARKER_MAX] = "old";

	(void)state;
	assert_int_equal(page(BEGIN BLOB("a", "1") BLOB("b &amp; &#x3c;c", "18446744073709551615") "</Blobs><NextMarker>m&amp;1</NextMarker></EnumerationResults>", marker), ERR_OK);
	assert_string_equal(listed, "a:1:text/plain:0x1;b & <c:18446744073709551615:text/plain:0x1;");
	assert_string_equal(marker, "m&1");
	assert_int_equal(page(BEGIN "</Blobs><NextMarker/></EnumerationResults>", marker), ERR_OK);
	assert_string_equal(listed, "");
	assert_string_equal(marker, "");
	/* A name elsewhere is not a blob's name. */
	assert_int_equal(page(BEGIN "<BlobPrefix><Name>dir/</Name></BlobPrefix></Blobs><NextMarker/></EnumerationResults>", marker), ERR_OK);
	assert_string_equal(listed, "");
}

static void bad_listings_are_refused(void **state)
{
	static const char *const bad[] = {
		"", "<Error><Code>x</Code></Error>", BEGIN, BEGIN "<Blob></Blob></Blobs></EnumerationResults>", BEGIN BLOB("a", "-1") "</Blobs></EnumerationResults>",
		BEGIN BLOB("a", "1x") "</Blobs></EnumerationResults>", BEGIN BLOB("&bad;", "1") "</Blobs></EnumerationResults>", BEGIN BLOB("a", "1") "</EnumerationResults>",
	};
	char marker[BLOB_MARKER_MAX] = "";
	static char long_marker[BLOB_MARKER_MAX * 2];
	struct out o = out_init(long_marker, sizeof long_marker);

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (page(bad[i], marker) == ERR_OK)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(page(BEGIN BLOB("stop", "1") BLOB("b", "1") "</Blobs></EnumerationResults>", marker), ERR_CLOSED);
	assert_string_equal(listed, "stop:1:text/plain:0x1;");
	out_str(&o, BEGIN "</Blobs><NextMarker>");
	while (o.n < BLOB_MARKER_MAX + 200)
		out_byte(&o, 'm');
	out_str(&o, "</NextMarker></EnumerationResults>");
	assert_int_equal(page(out_cstr(&o), marker), ERR_TOO_BIG);
}

UNIT(blob)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_that_may_be_used), cmocka_unit_test(urls_are_encoded_by_segment), cmocka_unit_test(signatures_are_azures),
		cmocka_unit_test(conditions_are_signed), cmocka_unit_test(errors_are_read), cmocka_unit_test(listings_are_read), cmocka_unit_test(bad_listings_are_refused),
	};

	return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
