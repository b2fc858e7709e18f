/* Settings, one NAME=value a line: each problem is told in one printable line without secrets, and what is accepted is whole. */
#include "fuzz.h"

#include "party/settings.h"

#define LINES 200

static bool ended(const char *text, size_t cap)
{
	return memchr(text, 0, cap) != NULL;
}
#define ENDED(member) HOLD(ended(s.member, sizeof s.member))

static void check_accepted(void);
static struct settings s;

static void check_accepted(void)
{
	ENDED(attest.key_name);
	ENDED(attest.maa);
	ENDED(attest.akv);
	ENDED(policy_hex);
	ENDED(attest.identity.imds);
	ENDED(attest.identity.endpoint);
	ENDED(attest.identity.header);
	ENDED(attest.identity.client_id);
	ENDED(attest.identity.tenant_id);
	ENDED(attest.identity.token_file);
	ENDED(attest.identity.authority);
	ENDED(attest.certs.endpoint);
	ENDED(attest.context.dir);
	ENDED(attest.akv_audience);
	ENDED(trust.anchor_file);
	ENDED(demo.compare_origins);
	ENDED(data_dir);
	ENDED(csv_path);
	ENDED(demo.storage.resource_group);
	ENDED(demo.container_image);
	ENDED(demo.hostname);
	ENDED(demo.storage.at.account);
	ENDED(demo.storage.at.container);
	ENDED(demo.storage.at.endpoint);
	ENDED(demo.storage.at.sas);
	ENDED(demo.storage.connection);
	ENDED(demo.storage.blob_name);
	for (int r = 0; r < 4; r++) {
		ENDED(partner[r].akv);
		ENDED(partner[r].key_name);
		ENDED(partner[r].url);
		HOLD(!s.partner[r].url[0] || span_starts(span_str(s.partner[r].url), "https://"));
	}
	HOLD(!(s.operator.none && s.operator.set));
	HOLD(s.port[PORT_HTTP].on || s.port[PORT_HTTPS].on);
	HOLD(s.min_group >= 1 && s.data_dir[0] == '/' && (!s.csv_path[0] || s.csv_path[0] == '/'));
	HOLD(s.role >= ROLE_OTHER && s.role <= ROLE_WOODGROVE && s.attest.maa[0]);
	/* Where a secret could go in clear: loopback and link-local only. */
	if (span_starts(span_str(s.attest.identity.imds), "http://"))
		HOLD(span_has_nocase(span_str(s.attest.identity.imds), "127.") || span_has_nocase(span_str(s.attest.identity.imds), "169.254.") ||
		     span_has_nocase(span_str(s.attest.identity.imds), "localhost") || span_has_nocase(span_str(s.attest.identity.imds), "[::1]"));
	HOLD(span_starts(span_str(s.attest.identity.authority), "https://"));
	HOLD(!s.attest.akv_audience[0] || span_starts(span_str(s.attest.akv_audience), "https://"));
}

/* A secret, and long enough not to stand in a text by chance. */
static bool is_secret(const char *line)
{
	static const char *const names[] = { "IDENTITY_HEADER=", "AZURE_STORAGE_SAS=", "AZURE_STORAGE_KEY=", "OPERATOR_AUTH=",
		                             "AZURE_STORAGE_CONNECTION_STRING=" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strncmp(line, names[i], strlen(names[i])) == 0)
			return strlen(line) >= strlen(names[i]) + 16;
	return false;
}

static bool stands_elsewhere(char *const *env, size_t n, size_t at)
{
	for (size_t i = 0; i < n; i++)
		if (i != at && span_has_nocase(span_str(env[i]), strchr(env[at], '=') + 1))
			return true;
	return false;
}

void fuzz_one(struct span in)
{
	static char *env[LINES + 1];
	static struct setting_report report;
	static uint8_t text[65536];
	struct out all_of_them = out_init(text, sizeof text);
	char *all = fuzz_text(in), *line, *rest;
	size_t n = 0;
	enum err e;

	if (!all)
		return;
	for (line = strtok_r(all, "\n", &rest); line && n < LINES; line = strtok_r(NULL, "\n", &rest))
		env[n++] = strdup(line); /* each in memory of its own size */
	env[n] = NULL;
	e = conf_read(&s, env, &report);
	HOLD(e == ERR_OK || e == ERR_CONFIG);
	if (e == ERR_OK) {
		HOLD(report.n == 0 && report.problems[0] == 0);
		check_accepted();
	} else {
		struct span said = span_str(report.problems);
		unsigned lines = 1;

		HOLD(report.n > 0 && said.n > 0 && said.p[0] != '\n' && said.p[said.n - 1] != '\n');
		for (size_t i = 0; i < said.n; i++) {
			HOLD(said.p[i] == '\n' || (said.p[i] >= 0x20 && said.p[i] < 0x7f));
			lines += said.p[i] == '\n';
		}
		HOLD(lines == (report.n < SETTING_PROBLEMS ? report.n : SETTING_PROBLEMS));
		for (size_t i = 0; i < n; i++)
			if (is_secret(env[i]) && !stands_elsewhere(env, n, i))
				HOLD(!span_has_nocase(said, strchr(env[i], '=') + 1));
	}
	for (size_t i = 0; report.notes[i]; i++)
		HOLD(report.notes[i] >= 0x20 && report.notes[i] < 0x7f);
	conf_write(&s, env, &all_of_them);
	HOLD(!all_of_them.bad);
	for (size_t i = 0; i < n; i++)
		if (is_secret(env[i]) && !stands_elsewhere(env, n, i))
			HOLD(!span_has_nocase(out_span(&all_of_them), strchr(env[i], '=') + 1));
	for (size_t i = 0; i < n; i++)
		free(env[i]);
	free(all);
}
