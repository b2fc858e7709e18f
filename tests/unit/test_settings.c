/* Settings: defaults, each form, and one clear line for each mistake. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "conf/settings.h"

static struct settings s;
static char said[1024];

/* Reads a NULL-terminated list of "NAME=value". */
static enum err read_env(const char *first, ...)
{
	char *env[64];
	size_t n = 0;
	va_list list;
	struct out problem = out_init(said, sizeof said - 1);
	enum err err;

	va_start(list, first);
	for (const char *e = first; e; e = va_arg(list, const char *))
		env[n++] = (char *)(uintptr_t)e;
	va_end(list);
	env[n] = NULL;
	err = settings_read(&s, env, &problem);
	said[problem.n] = 0;
	assert_false(problem.bad);
	assert_int_equal(err == ERR_OK, problem.n == 0);
	return err;
}

/* Refused, with a line that begins with the variable's name. */
static void refused(const char *entry)
{
	size_t n = strcspn(entry, "=");

	if (read_env(entry, NULL) != ERR_CONFIG)
		fail_msg("accepted: %s", entry);
	if (strncmp(said, entry, n) != 0 || said[n] != ':')
		fail_msg("%s: not named in \"%s\"", entry, said);
}

static void accepted(const char *entry)
{
	if (read_env(entry, NULL) != ERR_OK)
		fail_msg("refused: %s", said);
}

static void defaults(void **state)
{
	(void)state;
	assert_int_equal(read_env("PATH=/bin", "HOSTNAME=x", "Fabric_Id=1", "IDENTITY_API_VERSION=2019", "UVM_OTHER=1", NULL), ERR_OK);
	assert_int_equal(s.role, ROLE_OTHER);
	assert_string_equal(s.maa, "sharedeus.eus.attest.azure.net");
	assert_string_equal(s.akv, "");
	assert_string_equal(s.identity.imds, "http://169.254.169.254");
	assert_string_equal(s.identity.authority, "https://login.microsoftonline.com");
	assert_string_equal(s.data_dir, "/data");
	assert_string_equal(s.csv_path, "");
	assert_int_equal(s.port[PORT_HTTP].number, 80);
	assert_int_equal(s.port[PORT_HTTPS].number, 443);
	assert_true(s.port[PORT_HTTP].on && s.port[PORT_HTTPS].on && s.auto_start);
	assert_false(s.operator_none || s.operator_set || s.loopback_only);
	assert_int_equal(s.min_group, 5);
	assert_false(s.partial_results);
	assert_int_equal(s.generation_year, 2026);
}

static void roles(void **state)
{
	(void)state;
	accepted("SKR_KEY_NAME=contoso-secret-key");
	assert_int_equal(s.role, ROLE_CONTOSO);
	assert_string_equal(s.csv_path, "/app/contoso-data.csv");
	assert_string_equal(s.partner[ROLE_FABRIKAM].key_name, "fabrikam-secret-key");
	assert_string_equal(s.partner[ROLE_CONTOSO].key_name, "");
	accepted("SKR_KEY_NAME=My-FABRIKAM-key/0123456789abcdef0123456789abcdef");
	assert_int_equal(s.role, ROLE_FABRIKAM);
	assert_string_equal(s.partner[ROLE_CONTOSO].key_name, "My-contoso-key"); /* a version is of one key only */
	accepted("SKR_KEY_NAME=woodgrove-secret-key");
	assert_int_equal(s.role, ROLE_WOODGROVE);
	assert_string_equal(s.partner[ROLE_CONTOSO].key_name, "contoso-secret-key");
	assert_string_equal(s.partner[ROLE_FABRIKAM].key_name, "fabrikam-secret-key");
	accepted("SKR_KEY_NAME=another-key");
	assert_int_equal(s.role, ROLE_OTHER);
	refused("SKR_KEY_NAME=contoso-fabrikam-key");
	assert_string_equal(role_title(ROLE_WOODGROVE), "Woodgrove Bank");
	assert_null(role_name(ROLE_OTHER));
	assert_int_equal(read_env("SKR_KEY_NAME=woodgrove-k", "PARTNER_CONTOSO_KEY_NAME=theirs", "PARTNER_CONTOSO_AKV_ENDPOINT=v.vault.azure.net",
	                          "PARTNER_CONTOSO_URL=https://contoso.example:8443/", NULL), ERR_OK);
	assert_string_equal(s.partner[ROLE_CONTOSO].key_name, "theirs");
	assert_string_equal(s.partner[ROLE_CONTOSO].akv, "v.vault.azure.net");
	assert_string_equal(s.partner[ROLE_CONTOSO].url, "https://contoso.example:8443");
}

static void hosts(void **state)
{
	(void)state;
	accepted("SKR_MAA_ENDPOINT=MAA.localhost:9101");
	assert_string_equal(s.maa, "maa.localhost:9101");
	accepted("SKR_MAA_ENDPOINT=maa.example:443");
	assert_string_equal(s.maa, "maa.example");
	refused("SKR_MAA_ENDPOINT=https://maa.example");
	refused("SKR_MAA_ENDPOINT=maa.example/attest");
	refused("SKR_MAA_ENDPOINT=user@maa.example");
	refused("SKR_MAA_ENDPOINT=maa.example:0x50");
	refused("SKR_MAA_ENDPOINT=maa.example:99999");
	refused("SKR_MAA_ENDPOINT=maa example");
	refused("SKR_MAA_ENDPOINT=maa.example\r\nX: y");
	refused("SKR_AKV_ENDPOINT=https://x.vault.azure.net/");
}

static void urls(void **state)
{
	(void)state;
	accepted("IMDS_ENDPOINT=http://127.0.0.1:9100/");
	assert_string_equal(s.identity.imds, "http://127.0.0.1:9100");
	accepted("IMDS_ENDPOINT=https://imds.example");
	accepted("IDENTITY_ENDPOINT=http://localhost:12356/msi/token");
	accepted("APP_IDENTITY_ENDPOINT=http://169.254.128.1:8081/msi/token?x=1");
	assert_string_equal(s.identity.endpoint, "http://169.254.128.1:8081/msi/token?x=1");
	refused("IMDS_ENDPOINT=http://example.com");
	refused("IMDS_ENDPOINT=169.254.169.254");
	refused("IMDS_ENDPOINT=ftp://127.0.0.1");
	refused("IMDS_ENDPOINT=http://127.evil.example");
	refused("IMDS_ENDPOINT=http://127.0.0.1.evil.example");
	refused("IMDS_ENDPOINT=http://localhost.evil");
	accepted("IDENTITY_ENDPOINT=http://169.254.evil.example/msi/token"); /* the platform's: told, and not taken */
	assert_string_equal(s.identity.endpoint, "");
	refused("AZURE_STORAGE_BLOB_ENDPOINT=http://127.evil.example/account");
	refused("AZURE_STORAGE_BLOB_ENDPOINT=http://169.254.169.254/account");
	accepted("CERT_CACHE_ENDPOINT=http://127.8.9.10:80");
	refused("AZURE_AUTHORITY_HOST=http://127.0.0.1");
	refused("PARTNER_CONTOSO_URL=http://contoso.example");
	refused("PARTNER_CONTOSO_URL=https://contoso.example/?a=b");
	refused("AKV_AUDIENCE=vault.azure.cn");
	accepted("CERT_CACHE_ENDPOINT=cache.example:8443");
	assert_string_equal(s.cert_cache_endpoint, "https://cache.example:8443");
	accepted("CERT_CACHE_ENDPOINT=http://127.0.0.1:9/");
	assert_string_equal(s.cert_cache_endpoint, "http://127.0.0.1:9");
	refused("CERT_CACHE_ENDPOINT=http://cache.example");
}

/* The platform sets these and the operator cannot change them: never an error. */
static void what_the_platform_sets(void **state)
{
	(void)state;
	assert_int_equal(read_env("IDENTITY_ENDPOINT=http://localhost/a", "APP_IDENTITY_ENDPOINT=http://localhost/a", NULL), ERR_OK);
	assert_string_equal(s.notes, "");
	for (int swap = 0; swap < 2; swap++) {
		const char *one = "IDENTITY_ENDPOINT=http://localhost/a", *other = "APP_IDENTITY_ENDPOINT=http://localhost/b";

		assert_int_equal(read_env(swap ? other : one, swap ? one : other, NULL), ERR_OK);
		assert_string_equal(s.identity.endpoint, "http://localhost/a");
		assert_non_null(strstr(s.notes, "APP_IDENTITY_ENDPOINT, which differs, is not"));
	}
	/* plain http to another machine carries no token; the other endpoint does */
	assert_int_equal(read_env("IDENTITY_ENDPOINT=http://10.0.0.1/msi/token", "APP_IDENTITY_ENDPOINT=http://localhost/b", NULL), ERR_OK);
	assert_string_equal(s.identity.endpoint, "http://localhost/b");
	assert_non_null(strstr(s.notes, "IDENTITY_ENDPOINT: expected"));
	assert_non_null(strstr(s.notes, "10.0.0.1"));
	accepted("APP_IDENTITY_ENDPOINT=http://10.0.0.1/msi/token");
	assert_string_equal(s.identity.endpoint, "");
	accepted("IDENTITY_HEADER=a secret");
	assert_string_equal(s.identity.header, "");
	assert_non_null(strstr(s.notes, "IDENTITY_HEADER"));
	assert_null(strstr(s.notes, "a secret"));
	accepted("HOSTNAME=a\nb");
	assert_string_equal(s.hostname, "");
	assert_null(strchr(s.notes, '\n'));
}

static void many_notes_are_cut(void **state)
{
	static char endpoint[1900];

	(void)state;
	snprintf(endpoint, sizeof endpoint, "IDENTITY_ENDPOINT=http://10.0.0.1/%01800d", 1);
	assert_int_equal(read_env(endpoint, "APP_IDENTITY_ENDPOINT=http://10.0.0.1/", "IDENTITY_HEADER= ", "HOSTNAME=\x01", "HTTP_PORT=tcp://10.0.0.1:80",
	                          "HTTPS_PORT=tcp://10.0.0.1:443", "PEER_PORT=tcp://10.0.0.1:1", "SIDECAR_PORT=tcp://10.0.0.1:2", NULL), ERR_OK);
	assert_true(strlen(s.notes) > 200 && strlen(s.notes) < sizeof s.notes);
}

/* Of services that are called as a setting begins. */
static void service_variables_of_kubernetes(void **state)
{
	static const char *const foreign[] = {
		"SKR_SERVICE_HOST=10.0.0.1", "PARTNER_CONTOSO_SERVICE_PORT=8443", "PARTNER_CONTOSO_SERVICE_PORT_HTTPS=8443", "PEER_PORT_8443_TCP=tcp://10.0.0.1:8443",
		"PEER_PORT_8443_TCP_ADDR=10.0.0.1", "PEER_PORT_8443_TCP_PORT=8443", "PEER_PORT_8443_TCP_PROTO=tcp", "TLS_PORT_53_UDP=udp://10.0.0.1:53",
		"AKV_PORT=tcp://10.0.0.1:443", "OPERATOR_PORT_1_SCTP_ADDR=10.0.0.1", "CERT_CACHE_PORT=tcp://10.0.0.1:443", "CERT_CACHE_PORT_443_TCP=tcp://10.0.0.1:443",
		"AZURE_STORAGE_SERVICE_HOST=10.0.0.1", "KUBERNETES_SERVICE_HOST=10.0.0.1", "PARLEY_SERVICE_HOST=10.0.0.1", "PARLEY_PORT_443_TCP=tcp://10.0.0.1:443",
		"IDENTITY_SERVER_THUMBPRINT=ab", "IDENTITY_API_VERSION=2", "MSI_ENDPOINT=http://x", "MSI_SECRET=x", "Fabric_NodeName=x", "SIDECAR_SERVICE_PORT=1",
	};
	static const char *const ours[] = {
		"PEER_PORTS=8443", "PEER_PROT=8443", "PEER_PORT_TCP=1", "PEER_PORT_X_TCP=1", "PEER_PORT_8443=1", "PEER_PORT_8443_HTTP=1", "SKR_SERVICE=x", "SKR_HOST=x",
		"AKV_PORT=443", "TLS_PORT=x", "SIDECAR_SERVICE_HOSTS=x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
		accepted(foreign[i]);
		assert_string_equal(s.notes, "");
	}
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		refused(ours[i]);
	/* the very name of a setting: its default holds, and it is said */
	accepted("HTTP_PORT=tcp://10.0.0.1:8080");
	assert_int_equal(s.port[PORT_HTTP].number, 80);
	assert_non_null(strstr(s.notes, "HTTP_PORT: a service variable"));
	accepted("PEER_PORT=udp://10.0.0.1:53");
	assert_false(s.port[PORT_PEER].on);
	refused("PEER_PORT=http://10.0.0.1:53");
}

static void numbers_and_words(void **state)
{
	(void)state;
	accepted("HTTP_PORT=0");
	assert_int_equal(s.port[PORT_HTTP].number, 0);
	assert_true(s.port[PORT_HTTP].on);
	accepted("HTTPS_PORT=off");
	assert_false(s.port[PORT_HTTPS].on);
	refused("HTTP_PORT=65536");
	refused("HTTP_PORT=-1");
	refused("HTTP_PORT=080x");
	refused("HTTP_PORT= 80");
	assert_int_equal(read_env("HTTP_PORT=off", "HTTPS_PORT=off", NULL), ERR_CONFIG);
	accepted("LISTEN=loopback");
	assert_true(s.loopback_only);
	refused("LISTEN=127.0.0.1");
	accepted("TLS_CERT_EVIDENCE=off");
	assert_true(s.cert_plain);
	assert_int_equal(read_env("TLS_CERT_EVIDENCE=off", "PEER_PORT=0", NULL), ERR_CONFIG);
	accepted("TLS_CERT_HOURS=1");
	assert_int_equal(s.cert_hours, 1);
	refused("TLS_CERT_HOURS=0");
	refused("TLS_CERT_FILE=tls.pem");
	refused("TLS_KEY=contoso-tls-key");
	refused("TLS_KEY=skr:");
	refused("TLS_KEY=skr:a_b");
	assert_int_equal(read_env("TLS_KEY=skr:tls/1", "TLS_CERT=x", "SKR_AKV_ENDPOINT=v.example", "SKR_KEY_NAME=contoso-key", NULL), ERR_OK);
	assert_string_equal(s.tls_key, "tls/1");
	assert_int_equal(read_env("TLS_KEY=skr:tls", "TLS_CERT=x", NULL), ERR_CONFIG); /* of which vault? */
	assert_int_equal(read_env("TLS_KEY=skr:tls", "TLS_CERT=x", "TLS_CERT_FILE=/x", "SKR_AKV_ENDPOINT=v.example", "SKR_KEY_NAME=contoso-key", NULL), ERR_CONFIG);
	assert_int_equal(read_env("TLS_CERT=x", NULL), ERR_CONFIG);
	accepted("MIN_GROUP_SIZE=1");
	assert_int_equal(s.min_group, 1);
	refused("MIN_GROUP_SIZE=0");
	refused("MIN_GROUP_SIZE=five");
	accepted("PARTIAL_RESULTS=on");
	assert_true(s.partial_results);
	refused("PARTIAL_RESULTS=yes");
	refused("PARTIAL_RESULT=on");
	accepted("GENERATION_YEAR=2025");
	assert_int_equal(s.generation_year, 2025);
	refused("GENERATION_YEAR=26");
	accepted("AUTO_INIT=off");
	assert_false(s.auto_start);
	refused("AUTO_INIT=no");
	accepted("LOG_LEVEL=debug");
	refused("LOG_LEVEL=verbose");
	accepted("CERT_CACHE=amd");
	assert_int_equal(s.cert_cache, THIM_AMD_KDS);
	refused("CERT_CACHE=AMD");
	refused("DATA_DIR=relative/dir");
	refused("EXTRA_TRUST_ANCHOR=ca.pem");
	refused("SECURITY_POLICY_HASH=abc");
	refused("SKR_KEY_NAME=a/b/c");
	refused("SKR_KEY_NAME=/x");
	refused("SKR_KEY_NAME=x/");
	refused("SKR_KEY_NAME=a b");
	refused("SKR_KEY_NAME=../certificates/x");
	refused("SKR_KEY_NAME=x?y");
}

static void operator_access(void **state)
{
	(void)state;
	accepted("OPERATOR_AUTH=none");
	assert_true(s.operator_none);
	accepted("OPERATOR_AUTH=sha256:0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	assert_true(s.operator_set);
	assert_false(s.operator_none);
	assert_int_equal(s.operator_sha256[31], 0x20);
	refused("OPERATOR_AUTH=None");
	refused("OPERATOR_AUTH=sha256:01");
	refused("OPERATOR_AUTH=hunter2"); /* somebody put the token itself there: it must not be repeated */
	assert_null(strstr(said, "hunter2"));
	assert_null(strstr(said, "a b c"));
}

static void expected_partners(void **state)
{
	(void)state;
	accepted("PARTNER_FABRIKAM_HOST_DATA=ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	assert_true(s.partner[ROLE_FABRIKAM].has_host_data);
	assert_false(s.partner[ROLE_CONTOSO].has_host_data);
	assert_false(s.partner[ROLE_WOODGROVE].has_host_data);
	assert_int_equal(s.partner[ROLE_FABRIKAM].host_data[0], 0xff);
	accepted("PARTNER_WOODGROVE_HOST_DATA=ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	assert_true(s.partner[ROLE_WOODGROVE].has_host_data);
	accepted("PARTNER_WOODGROVE_HOST_DATA=");
	assert_false(s.partner[ROLE_WOODGROVE].has_host_data);
	assert_false(s.has_amd_root);
	accepted("EXTRA_AMD_ROOT=ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	assert_true(s.has_amd_root);
	assert_int_equal(s.amd_root[31], 0x20);
	refused("EXTRA_AMD_ROOT=ark.pem");
	refused("EXTRA_ROOT=x");
	refused("PARTNER_WOODGROVE_URL=https://x");
	refused("PARTNER_CONTOSO_TLS_SPKI=ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	refused("PARTNER_CONTOSO_HOST_DATA=ff");
	refused("PARTNER_CONTOSO_HOST_DATA=zz02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
}

static void unknown_names_of_ours(void **state)
{
	(void)state;
	refused("SKR_MAA_ENDPIONT=x");
	refused("PARTNER_CONTOSO_HOSTDATA=x");
	refused("OPERATOR_TOKEN=x");
	refused("CERT_CACHES=x");
	refused("MIN_GROUP=3");
	accepted("SKRX=1");
	accepted("HTTP_PROXY=http://example");
}

static void twice(void **state)
{
	(void)state;
	assert_int_equal(read_env("LOG_LEVEL=info", "LOG_LEVEL=debug", NULL), ERR_CONFIG);
	assert_string_equal(said, "LOG_LEVEL: set twice");
}

static void vault_needs_key(void **state)
{
	(void)state;
	assert_int_equal(read_env("SKR_AKV_ENDPOINT=x.vault.azure.net", NULL), ERR_CONFIG);
	assert_non_null(strstr(said, "SKR_KEY_NAME"));
	assert_int_equal(read_env("AZURE_CLIENT_ID=a", "AZURE_FEDERATED_TOKEN_FILE=/t", NULL), ERR_CONFIG);
	assert_non_null(strstr(said, "AZURE_TENANT_ID"));
}

static void hostile_values_are_shown_cut_and_clean(void **state)
{
	char entry[600];

	(void)state;
	snprintf(entry, sizeof entry, "LOG_LEVEL=\x1b[31m%0500d", 1);
	refused(entry);
	assert_null(strchr(said, 0x1b));
	assert_true(strlen(said) < 200);
}

static void too_long(void **state)
{
	static char entry[4000];

	(void)state;
	snprintf(entry, sizeof entry, "SKR_KEY_NAME=%0200d", 1);
	refused(entry);
	snprintf(entry, sizeof entry, "DATA_DIR=/%0300d", 1);
	refused(entry);
	snprintf(entry, sizeof entry, "IMDS_ENDPOINT=https://x/%03000d", 1);
	refused(entry);
	snprintf(entry, sizeof entry, "SKR_MAA_ENDPOINT=%0300d.example", 1);
	refused(entry);
}

static void platform_evidence_is_viewed(void **state)
{
	(void)state;
	accepted("UVM_REFERENCE_INFO=0oRZE9Y=");
	assert_int_equal(s.uvm.reference.n, 8);
	assert_int_equal(s.uvm.amd_cert.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(roles), cmocka_unit_test(hosts), cmocka_unit_test(urls),
		cmocka_unit_test(what_the_platform_sets), cmocka_unit_test(many_notes_are_cut), cmocka_unit_test(service_variables_of_kubernetes),
		cmocka_unit_test(numbers_and_words), cmocka_unit_test(operator_access), cmocka_unit_test(expected_partners),
		cmocka_unit_test(unknown_names_of_ours), cmocka_unit_test(twice), cmocka_unit_test(vault_needs_key),
		cmocka_unit_test(hostile_values_are_shown_cut_and_clean), cmocka_unit_test(too_long),
		cmocka_unit_test(platform_evidence_is_viewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
