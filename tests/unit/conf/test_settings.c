/* Settings: defaults, each form, and one clear line for each mistake. */
#include <stdio.h>
#include <string.h>

#include "t.h"

#include "party/settings.h"

static struct settings s;
static struct setting_report report;
static const char *const said = report.problems;

/* Reads a NULL-terminated list of "NAME=value". */
static enum err read_env(const char *first, ...)
{
	char *env[64];
	size_t n = 0;
	va_list list;
	enum err err;

	va_start(list, first);
	for (const char *e = first; e; e = va_arg(list, const char *))
		env[n++] = (char *)(uintptr_t)e;
	va_end(list);
	env[n] = NULL;
	err = conf_read(&s, env, &report);
	assert_int_equal(err == ERR_OK, report.n == 0);
	assert_int_equal(report.n == 0, said[0] == 0);
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
	assert_string_equal(s.attest.maa, "sharedeus.eus.attest.azure.net");
	assert_string_equal(s.attest.akv, "");
	assert_string_equal(s.attest.identity.imds, "http://169.254.169.254");
	assert_string_equal(s.attest.identity.authority, "https://login.microsoftonline.com");
	assert_string_equal(s.data_dir, "/data");
	assert_string_equal(s.csv_path, "");
	assert_int_equal(s.port[PORT_HTTP].number, 80);
	assert_int_equal(s.port[PORT_HTTPS].number, 443);
	assert_true(s.port[PORT_HTTP].on && s.port[PORT_HTTPS].on && s.auto_start);
	assert_false(s.operator.none || s.operator.set || s.loopback_only);
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
	assert_string_equal(s.attest.maa, "maa.localhost:9101");
	accepted("SKR_MAA_ENDPOINT=maa.example:443");
	assert_string_equal(s.attest.maa, "maa.example");
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
	assert_string_equal(s.attest.identity.imds, "http://127.0.0.1:9100");
	accepted("IMDS_ENDPOINT=https://imds.example");
	accepted("IDENTITY_ENDPOINT=http://localhost:12356/msi/token");
	accepted("APP_IDENTITY_ENDPOINT=http://169.254.128.1:8081/msi/token?x=1");
	assert_string_equal(s.attest.identity.endpoint, "http://169.254.128.1:8081/msi/token?x=1");
	refused("IMDS_ENDPOINT=http://example.com");
	refused("IMDS_ENDPOINT=169.254.169.254");
	refused("IMDS_ENDPOINT=ftp://127.0.0.1");
	refused("IMDS_ENDPOINT=http://127.evil.example");
	refused("IMDS_ENDPOINT=http://127.0.0.1.evil.example");
	refused("IMDS_ENDPOINT=http://localhost.evil");
	accepted("IDENTITY_ENDPOINT=http://169.254.evil.example/msi/token"); /* the platform's: told, and not taken */
	assert_string_equal(s.attest.identity.endpoint, "");
	refused("AZURE_STORAGE_BLOB_ENDPOINT=http://127.evil.example/account");
	refused("AZURE_STORAGE_BLOB_ENDPOINT=http://169.254.169.254/account");
	accepted("CERT_CACHE_ENDPOINT=http://127.8.9.10:80");
	refused("AZURE_AUTHORITY_HOST=http://127.0.0.1");
	refused("PARTNER_CONTOSO_URL=http://contoso.example");
	refused("PARTNER_CONTOSO_URL=https://contoso.example/?a=b");
	refused("AKV_AUDIENCE=vault.azure.cn");
	accepted("CERT_CACHE_ENDPOINT=cache.example:8443");
	assert_string_equal(s.attest.certs.endpoint, "https://cache.example:8443");
	accepted("CERT_CACHE_ENDPOINT=http://127.0.0.1:9/");
	assert_string_equal(s.attest.certs.endpoint, "http://127.0.0.1:9");
	refused("CERT_CACHE_ENDPOINT=http://cache.example");
}

/* The platform sets these and the operator cannot change them: never an error. */
static void what_the_platform_sets(void **state)
{
	(void)state;
	assert_int_equal(read_env("IDENTITY_ENDPOINT=http://localhost/a", "APP_IDENTITY_ENDPOINT=http://localhost/a", NULL), ERR_OK);
	assert_string_equal(report.notes, "");
	for (int swap = 0; swap < 2; swap++) {
		const char *one = "IDENTITY_ENDPOINT=http://localhost/a", *other = "APP_IDENTITY_ENDPOINT=http://localhost/b";

		assert_int_equal(read_env(swap ? other : one, swap ? one : other, NULL), ERR_OK);
		assert_string_equal(s.attest.identity.endpoint, "http://localhost/a");
		assert_non_null(strstr(report.notes, "APP_IDENTITY_ENDPOINT, which differs, is not"));
	}
	/* plain http to another machine carries no token; the other endpoint does */
	assert_int_equal(read_env("IDENTITY_ENDPOINT=http://10.0.0.1/msi/token", "APP_IDENTITY_ENDPOINT=http://localhost/b", NULL), ERR_OK);
	assert_string_equal(s.attest.identity.endpoint, "http://localhost/b");
	assert_non_null(strstr(report.notes, "IDENTITY_ENDPOINT: expected"));
	assert_non_null(strstr(report.notes, "10.0.0.1"));
	accepted("APP_IDENTITY_ENDPOINT=http://10.0.0.1/msi/token");
	assert_string_equal(s.attest.identity.endpoint, "");
	accepted("IDENTITY_HEADER=a secret");
	assert_string_equal(s.attest.identity.header, "");
	assert_non_null(strstr(report.notes, "IDENTITY_HEADER"));
	assert_null(strstr(report.notes, "a secret"));
	accepted("HOSTNAME=a\nb");
	assert_string_equal(s.demo.hostname, "");
	assert_null(strchr(report.notes, '\n'));
}

static void many_notes_are_cut(void **state)
{
	static char endpoint[1900];

	(void)state;
	snprintf(endpoint, sizeof endpoint, "IDENTITY_ENDPOINT=http://10.0.0.1/%01800d", 1);
	assert_int_equal(read_env(endpoint, "APP_IDENTITY_ENDPOINT=http://10.0.0.1/", "IDENTITY_HEADER= ", "HOSTNAME=\x01", "HTTP_PORT=tcp://10.0.0.1:80",
	                          "HTTPS_PORT=tcp://10.0.0.1:443", "PEER_PORT=tcp://10.0.0.1:1", "SIDECAR_PORT=tcp://10.0.0.1:2", NULL), ERR_OK);
	assert_true(strlen(report.notes) > 200 && strlen(report.notes) < sizeof report.notes);
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
		assert_string_equal(report.notes, "");
	}
	for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++)
		refused(ours[i]);
	/* the very name of a setting: its default holds, and it is said */
	accepted("HTTP_PORT=tcp://10.0.0.1:8080");
	assert_int_equal(s.port[PORT_HTTP].number, 80);
	assert_non_null(strstr(report.notes, "HTTP_PORT: a service variable"));
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
	assert_false(s.tls.evidence);
	assert_int_equal(read_env("TLS_CERT_EVIDENCE=off", "PEER_PORT=0", NULL), ERR_CONFIG);
	accepted("TLS_CERT_HOURS=1");
	assert_int_equal(s.tls.hours, 1);
	refused("TLS_CERT_HOURS=0");
	refused("TLS_CERT_FILE=tls.pem");
	refused("TLS_KEY=contoso-tls-key");
	refused("TLS_KEY=skr:");
	refused("TLS_KEY=skr:a_b");
	assert_int_equal(read_env("TLS_KEY=skr:tls/1", "TLS_CERT=x", "SKR_AKV_ENDPOINT=v.example", "SKR_KEY_NAME=contoso-key", NULL), ERR_OK);
	assert_string_equal(s.tls.key_name, "tls/1");
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
	assert_int_equal(s.attest.certs.source, THIM_AMD_KDS);
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
	assert_true(s.operator.none);
	accepted("OPERATOR_AUTH=sha256:0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	assert_true(s.operator.set);
	assert_false(s.operator.none);
	assert_int_equal(s.operator.sha256[31], 0x20);
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
	assert_true(s.partner[ROLE_FABRIKAM].host_data.set);
	assert_false(s.partner[ROLE_CONTOSO].host_data.set);
	assert_false(s.partner[ROLE_WOODGROVE].host_data.set);
	assert_int_equal(s.partner[ROLE_FABRIKAM].host_data.sha256[0], 0xff);
	accepted("PARTNER_WOODGROVE_HOST_DATA=ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	assert_true(s.partner[ROLE_WOODGROVE].host_data.set);
	accepted("PARTNER_WOODGROVE_HOST_DATA=");
	assert_false(s.partner[ROLE_WOODGROVE].host_data.set);
	assert_false(s.trust.amd_root.set);
	accepted("EXTRA_AMD_ROOT=ff02030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20");
	assert_true(s.trust.amd_root.set);
	assert_int_equal(s.trust.amd_root.sha256[31], 0x20);
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

/* So often this text, whole, in the report. */
static unsigned lines_of(const char *text)
{
	unsigned n = 0;

	for (const char *p = said; *p;) {
		size_t len = strcspn(p, "\n");

		n += strlen(text) <= len && strncmp(p, text, strlen(text)) == 0;
		p += len + (p[len] == '\n');
	}
	return n;
}

static void all_problems_at_once(void **state)
{
	(void)state;
	assert_int_equal(read_env("LOG_LEVEL=loud", "MIN_GROUP_SIZE=0", "SKR_X=1", "TLS_KEY=bad", "PEER_PORT=0", "TLS_CERT_EVIDENCE=off",
	                          "HTTP_PORT=tcp://10.0.0.1:80", NULL), ERR_CONFIG);
	assert_int_equal(report.n, 7);
	assert_int_equal(lines_of("LOG_LEVEL: expected error, warn, info or debug, got \"loud\""), 1);
	assert_int_equal(lines_of("MIN_GROUP_SIZE: expected 1 to 1000000, got \"0\""), 1);
	assert_int_equal(lines_of("SKR_X: no setting has this name"), 1);
	assert_int_equal(lines_of("TLS_KEY: expected skr: and a key name"), 1);
	assert_int_equal(lines_of("TLS_CERT_EVIDENCE: off, but PEER_PORT is set"), 1);
	/* out of form, but given: what goes with it is asked for, too */
	assert_int_equal(lines_of("SKR_AKV_ENDPOINT: missing: TLS_KEY is set"), 1);
	assert_int_equal(lines_of("TLS_KEY: requires exactly one of"), 1);
	assert_non_null(strstr(report.notes, "HTTP_PORT: a service variable"));
	/* nothing is left of an earlier reading */
	accepted("LOG_LEVEL=info");
	assert_string_equal(report.notes, "");
}

static void ten_lines_at_most(void **state)
{
	(void)state;
	assert_int_equal(read_env("SKR_1=", "SKR_2=", "SKR_3=", "SKR_4=", "SKR_5=", "SKR_6=", "SKR_7=", "SKR_8=", "SKR_9=", "SKR_10=", NULL), ERR_CONFIG);
	assert_int_equal(lines_of("SKR_"), 10);
	assert_int_equal(read_env("SKR_1=", "SKR_2=", "SKR_3=", "SKR_4=", "SKR_5=", "SKR_6=", "SKR_7=", "SKR_8=", "SKR_9=", "SKR_10=", "SKR_11=", NULL), ERR_CONFIG);
	assert_int_equal(report.n, 11);
	assert_int_equal(lines_of("SKR_"), 9);
	assert_int_equal(lines_of("and 2 more"), 1);
	assert_int_equal(read_env("SKR_1=", "SKR_2=", "SKR_3=", "SKR_4=", "SKR_5=", "SKR_6=", "SKR_7=", "SKR_8=", "SKR_9=", "SKR_10=", "SKR_11=",
	                          "SKR_12=", NULL), ERR_CONFIG);
	assert_int_equal(lines_of(""), 10);
	assert_int_equal(lines_of("and 3 more"), 1);
}

static void near_names_are_offered(void **state)
{
	static const char *const pairs[][2] = {
		{ "SKR_MAA_ENDPIONT=x", "SKR_MAA_ENDPOINT" }, { "PARTNER_FABRIKAM_HOSTDATA=x", "PARTNER_FABRIKAM_HOST_DATA" },
		{ "TLS_CERT_FILES=x", "TLS_CERT_FILE" }, { "AZURE_STORAGE_ACOUNT=x", "AZURE_STORAGE_ACCOUNT" }, { "PEER_PROT=1", "PEER_PORT" },
		{ "DEBUG_ROUTE=on", "DEBUG_ROUTES" }, { "AKV_AUDIENC=x", "AKV_AUDIENCE" },
	};
	char want[128];

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		refused(pairs[i][0]);
		snprintf(want, sizeof want, "no setting has this name; did you mean %s?", pairs[i][1]);
		if (!strstr(said, want))
			fail_msg("%s: \"%s\"", pairs[i][0], said);
	}
	refused("OPERATOR_PASSWORD=x"); /* near to none */
	assert_null(strstr(said, "did you mean"));
	refused("SKR_A_NAME_THAT_IS_MUCH_LONGER_THAN_ANY_OF_OUR_SETTINGS_COULD_EVER_BE=x");
	assert_null(strstr(said, "did you mean"));
}

/* Each setting in the table once; what is in force below it. */
static void what_is_in_force(void **state)
{
	static char text[32768];
	static char *env[] = { (char *)(uintptr_t)"LOG_LEVEL=debug", (char *)(uintptr_t)"OPERATOR_AUTH=none", (char *)(uintptr_t)"IDENTITY_HEADER=s3cret",
		(char *)(uintptr_t)"IDENTITY_ENDPOINT=http://10.0.0.1/", (char *)(uintptr_t)"MIN_GROUP_SIZE=0", (char *)(uintptr_t)"HTTPS_PORT=tcp://10.0.0.1:443",
		(char *)(uintptr_t)"PATH=/bin", NULL };
	struct out o = out_init(text, sizeof text);
	const char *list;

	(void)state;
	assert_int_equal(conf_read(&s, env, &report), ERR_CONFIG);
	conf_write(&s, env, &o);
	assert_string_not_equal(out_cstr(&o), "");
	list = strstr(text, "\n\n");
	assert_non_null(list);
	assert_non_null(strstr(text, "\n| `MIN_GROUP_SIZE` | `5` | 1 to 1000000 | "));
	assert_non_null(strstr(text, "\n| `SKR_AKV_ENDPOINT` | | a host name, or host:port, without https:// | "));
	assert_non_null(strstr(text, "\n| `PARTNER_CONTOSO_URL` | | "));
	assert_null(strstr(text, "| `PARTNER_WOODGROVE_URL`"));
	assert_non_null(strstr(list, "\nLOG_LEVEL=debug\n"));
	assert_non_null(strstr(list, "\nOPERATOR_AUTH=(secret)\n"));
	assert_non_null(strstr(list, "\nIDENTITY_HEADER=(secret)\n"));
	assert_null(strstr(text, "s3cret"));
	assert_null(strstr(list, "\nIDENTITY_ENDPOINT="));
	assert_non_null(strstr(list, "\nMIN_GROUP_SIZE=5\n"));
	assert_non_null(strstr(list, "\nHTTPS_PORT=443\n"));
	assert_null(strstr(list, "PATH="));
	assert_null(strstr(list, "\nSKR_AKV_ENDPOINT="));
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
	assert_int_equal(s.attest.context.env.reference.n, 8);
	assert_int_equal(s.attest.context.env.amd_cert.n, 0);
}

UNIT(settings)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults), cmocka_unit_test(roles), cmocka_unit_test(hosts), cmocka_unit_test(urls),
		cmocka_unit_test(what_the_platform_sets), cmocka_unit_test(many_notes_are_cut), cmocka_unit_test(service_variables_of_kubernetes),
		cmocka_unit_test(numbers_and_words), cmocka_unit_test(operator_access), cmocka_unit_test(expected_partners),
		cmocka_unit_test(unknown_names_of_ours), cmocka_unit_test(all_problems_at_once), cmocka_unit_test(ten_lines_at_most),
		cmocka_unit_test(near_names_are_offered), cmocka_unit_test(what_is_in_force), cmocka_unit_test(twice), cmocka_unit_test(vault_needs_key),
		cmocka_unit_test(hostile_values_are_shown_cut_and_clean), cmocka_unit_test(too_long),
		cmocka_unit_test(platform_evidence_is_viewed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
