/* Settings, one NAME=value a line: a problem is told in one printable line without any value, and what is accepted is whole. */
#include "fuzz.h"

#include "conf/settings.h"

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
	ENDED(key_name);
	ENDED(maa);
	ENDED(akv);
	ENDED(policy_hash);
	ENDED(identity.imds);
	ENDED(identity.endpoint);
	ENDED(identity.header);
	ENDED(identity.client_id);
	ENDED(identity.tenant_id);
	ENDED(identity.token_file);
	ENDED(identity.authority);
	ENDED(cert_cache_endpoint);
	ENDED(context_dir);
	ENDED(akv_audience);
	ENDED(trust_file);
	ENDED(compare_origins);
	ENDED(data_dir);
	ENDED(csv_path);
	ENDED(resource_group);
	ENDED(container_image);
	ENDED(hostname);
	ENDED(storage.at.account);
	ENDED(storage.at.container);
	ENDED(storage.at.endpoint);
	ENDED(storage.at.sas);
	ENDED(storage.connection);
	ENDED(storage.blob_name);
	for (int r = 0; r < 4; r++) {
		ENDED(partner[r].akv);
		ENDED(partner[r].key_name);
		ENDED(partner[r].url);
		HOLD(!s.partner[r].url[0] || span_starts(span_str(s.partner[r].url), "https://"));
	}
	HOLD(!(s.operator_none && s.operator_set));
	HOLD(s.port[PORT_HTTP].on || s.port[PORT_HTTPS].on);
	HOLD(s.min_group >= 1 && s.data_dir[0] == '/' && (!s.csv_path[0] || s.csv_path[0] == '/'));
	HOLD(s.role >= ROLE_OTHER && s.role <= ROLE_WOODGROVE && s.maa[0]);
	/* Where a secret could go in clear: loopback and link-local only. */
	if (span_starts(span_str(s.identity.imds), "http://"))
		HOLD(span_has_nocase(span_str(s.identity.imds), "127.") || span_has_nocase(span_str(s.identity.imds), "169.254.") ||
		     span_has_nocase(span_str(s.identity.imds), "localhost") || span_has_nocase(span_str(s.identity.imds), "[::1]"));
	HOLD(span_starts(span_str(s.identity.authority), "https://"));
	HOLD(!s.akv_audience[0] || span_starts(span_str(s.akv_audience), "https://"));
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
	uint8_t text[1024];
	struct out problem = out_init(text, sizeof text);
	char *all = fuzz_text(in), *line, *rest;
	size_t n = 0;
	enum err e;

	if (!all)
		return;
	for (line = strtok_r(all, "\n", &rest); line && n < LINES; line = strtok_r(NULL, "\n", &rest))
		env[n++] = strdup(line); /* each in memory of its own size */
	env[n] = NULL;
	e = settings_read(&s, env, &problem);
	HOLD(e == ERR_OK || e == ERR_CONFIG);
	if (e == ERR_OK) {
		HOLD(problem.n == 0);
		check_accepted();
	} else {
		struct span said = out_span(&problem);

		HOLD(!problem.bad && said.n > 0);
		for (size_t i = 0; i < said.n; i++)
			HOLD(said.p[i] >= 0x20 && said.p[i] < 0x7f);
		for (size_t i = 0; i < n; i++)
			if (is_secret(env[i]) && !stands_elsewhere(env, n, i))
				HOLD(!span_has_nocase(said, strchr(env[i], '=') + 1));
	}
	for (size_t i = 0; i < n; i++)
		free(env[i]);
	free(all);
}
