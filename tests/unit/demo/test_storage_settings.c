/* Settings of the storage account: defaults, the connection string, what is derived, and one clear line for each mistake. */
#include "t.h"

#include "party/settings.h"
#include "demo/storage.h"

static struct settings s;
static struct setting_report report;
static const char *const said = report.problems;

static enum err read_env(const char *a, const char *b, const char *c, const char *d)
{
	const char *const given[] = { a, b, c, d };
	char *env[5];
	size_t n = 0;

	for (size_t i = 0; i < 4; i++)
		if (given[i])
			env[n++] = (char *)(uintptr_t)given[i];
	env[n] = NULL;
	return conf_read(&s, env, &report);
}

static void ok(const char *a, const char *b, const char *c, const char *d)
{
	if (read_env(a, b, c, d) != ERR_OK)
		fail_msg("%s", said);
}

static void url_is(const char *name, const char *want)
{
	char text[1024];
	struct out o = out_init(text, sizeof text);

	storage_url(&s, name, &o);
	assert_string_equal(out_cstr(&o), want);
}

#define KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define SAS "sv=2021-12-02&sr=c&sp=rl&sig=abc%3D"

static void local_by_default(void **state)
{
	(void)state;
	ok(NULL, NULL, NULL, NULL);
	assert_false(s.demo.storage.blob);
	assert_false(s.demo.storage.configured);
	assert_string_equal(s.demo.storage.at.container, "privateappdata");
	assert_string_equal(s.demo.storage.blob_name, "consolidated-records.json");
	assert_string_equal(storage_auth_name(&s), "none");
	url_is(NULL, "");
	assert_int_equal(read_env("STORAGE=blob", NULL, NULL, NULL), ERR_CONFIG);
	assert_string_equal(said, "AZURE_STORAGE_ACCOUNT: missing: STORAGE=blob");
}

static void account_container_and_proof(void **state)
{
	(void)state;
	ok("AZURE_STORAGE_ACCOUNT=acct1", "STORAGE=blob", "RESOURCE_GROUP_NAME=rg-1", NULL);
	assert_true(s.demo.storage.blob && s.demo.storage.configured);
	assert_string_equal(storage_auth_name(&s), "managed_identity");
	assert_string_equal(s.demo.storage.blob_name, "consolidated-records-rg-1.json");
	url_is("a b", "https://acct1.blob.core.windows.net/privateappdata/a%20b");
	ok("AZURE_STORAGE_ACCOUNT=acct1", "AZURE_STORAGE_KEY=" KEY, "AZURE_STORAGE_CONTAINER=a-b", NULL);
	assert_string_equal(storage_auth_name(&s), "shared_key");
	assert_int_equal(s.demo.storage.at.key.n, 64);
	url_is(NULL, "https://acct1.blob.core.windows.net/a-b");
	ok("AZURE_STORAGE_ACCOUNT=acct1", "AZURE_STORAGE_KEY=" KEY, "AZURE_STORAGE_SAS=?" SAS, NULL);
	assert_string_equal(storage_auth_name(&s), "sas_token");
	assert_string_equal(s.demo.storage.at.sas, SAS);
	url_is("x", "https://acct1.blob.core.windows.net/privateappdata/x");
}

static void the_account_follows_from_the_endpoint(void **state)
{
	(void)state;
	ok("AZURE_STORAGE_BLOB_ENDPOINT=https://acct2.blob.core.windows.net/", NULL, NULL, NULL);
	assert_string_equal(s.demo.storage.at.account, "acct2");
	ok("AZURE_STORAGE_BLOB_ENDPOINT=http://127.0.0.1:10000/devstoreaccount1", NULL, NULL, NULL);
	assert_string_equal(s.demo.storage.at.account, "devstoreaccount1");
	url_is("x", "http://127.0.0.1:10000/devstoreaccount1/privateappdata/x");
	ok("AZURE_STORAGE_BLOB_ENDPOINT=https://acct2.blob.core.windows.net", "AZURE_STORAGE_ACCOUNT=other", NULL, NULL);
	assert_string_equal(s.demo.storage.at.account, "other");
}

static void a_connection_string_gives_what_is_open(void **state)
{
	(void)state;
	ok("AZURE_STORAGE_CONNECTION_STRING=BlobEndpoint=https://acct3.blob.core.windows.net/;QueueEndpoint=https://q/;SharedAccessSignature=" SAS, NULL, NULL, NULL);
	assert_string_equal(s.demo.storage.at.account, "acct3");
	assert_string_equal(s.demo.storage.at.sas, SAS);
	assert_string_equal(s.demo.storage.at.endpoint, "https://acct3.blob.core.windows.net");
	ok("AZURE_STORAGE_CONNECTION_STRING=DefaultEndpointsProtocol=https;AccountName=acct4;AccountKey=" KEY ";EndpointSuffix=core.windows.net", NULL, NULL, NULL);
	assert_string_equal(storage_auth_name(&s), "shared_key");
	url_is(NULL, "https://acct4.blob.core.windows.net/privateappdata");
	ok("AZURE_STORAGE_CONNECTION_STRING=AccountName=acct4;SharedAccessSignature=sig=1", "AZURE_STORAGE_SAS=" SAS, "AZURE_STORAGE_ACCOUNT=acct5", NULL);
	assert_string_equal(s.demo.storage.at.sas, SAS);
	assert_string_equal(s.demo.storage.at.account, "acct5");
	assert_int_equal(read_env("AZURE_STORAGE_CONNECTION_STRING=AccountName=acct4;AccountKey=not base64", NULL, NULL, NULL), ERR_CONFIG);
	assert_string_equal(said, "AZURE_STORAGE_CONNECTION_STRING: one of its parts is not of its form");
}

static void mistakes_are_named_and_secrets_not_shown(void **state)
{
	static const char *const bad[] = {
		"STORAGE=disk", "AZURE_STORAGE_ACCOUNT=ab", "AZURE_STORAGE_ACCOUNT=Upper", "AZURE_STORAGE_ACCOUNT=a-b", "AZURE_STORAGE_ACCOUNT=aaaaaaaaaaaaaaaaaaaaaaaaa",
		"AZURE_STORAGE_CONTAINER=-ab", "AZURE_STORAGE_CONTAINER=a--b", "AZURE_STORAGE_CONTAINER=a/b", "AZURE_STORAGE_CONTAINER=ab-",
		"AZURE_STORAGE_BLOB_ENDPOINT=http://example.com/", "AZURE_STORAGE_BLOB_ENDPOINT=http://169.254.169.254", "AZURE_STORAGE_BLOB_ENDPOINT=https://x/?sig=1",
		"AZURE_STORAGE_BLOB_ENDPOINT=ftp://x", "AZURE_STORAGE_SAS=sv=1", "AZURE_STORAGE_SAS=sig=1 2", "AZURE_STORAGE_SAS=sig=1&sig=2", "AZURE_STORAGE_SAS=sig=s3cret\"",
		"AZURE_STORAGE_KEY=c2hvcnQ=", "AZURE_STORAGE_KEY=s3cret", "AZURE_STORAGE_ACOUNT=acct", "DEBUG_ROUTES=yes", "DEBUG_ROUTE=on", "RESOURCE_GROUP_NAME=a/b",
		"RESOURCE_GROUP_NAME=..", "RESOURCE_GROUP_NAME=a b",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t n = strcspn(bad[i], "=");

		if (read_env(bad[i], NULL, NULL, NULL) != ERR_CONFIG)
			fail_msg("accepted: %s", bad[i]);
		if (strncmp(said, bad[i], n) != 0 || said[n] != ':' || strstr(said, "s3cret"))
			fail_msg("%s: \"%s\"", bad[i], said);
	}
}

UNIT(storage_settings)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(local_by_default), cmocka_unit_test(account_container_and_proof), cmocka_unit_test(the_account_follows_from_the_endpoint),
		cmocka_unit_test(a_connection_string_gives_what_is_open), cmocka_unit_test(mistakes_are_named_and_secrets_not_shown),
	};

	return cmocka_run_group_tests_name("storage settings", tests, NULL, NULL);
}
