/* The settings of a party: its own table, the list of its modules, and the checks that look at
 * several of them. */
#include "party/settings.h"

#include <string.h>

#include "conf/settings.h"

static const struct {
	char name[12], title[16]; /* in the table itself: no relocation */
} roles[] = {
	[ROLE_CONTOSO] = { "contoso", "Contoso" },
	[ROLE_FABRIKAM] = { "fabrikam", "Fabrikam" },
	[ROLE_WOODGROVE] = { "woodgrove", "Woodgrove Bank" },
};

const char *role_name(enum role r)
{
	return r ? roles[r].name : NULL;
}

const char *role_title(enum role r)
{
	return r ? roles[r].title : NULL;
}

/* --- The tables --- */

static const setting_word listen_words[] = { "all", "loopback", "" };

static const struct setting party_settings[] = {
	{ SETTING("SECURITY_POLICY_HASH", "", "shown only", struct settings, policy_hash),
	  .kind = SETTING_HASH },
	{ SETTING("HTTP_PORT", "80", "plain port: public routes", struct settings, port[PORT_HTTP]),
	  .kind = SETTING_PORT },
	{ SETTING("HTTPS_PORT", "443", "TLS port", struct settings, port[PORT_HTTPS]),
	  .kind = SETTING_PORT },
	{ SETTING("PEER_PORT", "off", "port for other parties", struct settings, port[PORT_PEER]),
	  .kind = SETTING_PORT, .own = 5 },
	{ SETTING("SIDECAR_PORT", "off", "loopback port with the SKR sidecar's interface",
	          struct settings, port[PORT_SIDECAR]),
	  .kind = SETTING_PORT, .own = 8 },
	{ SETTING("LISTEN", "all", "addresses of the ports", struct settings, loopback_only),
	  .kind = SETTING_CHOICE, .words = listen_words },
	{ SETTING("DATA_DIR", "/data", "where ciphertext is kept", struct settings, data_dir),
	  .kind = SETTING_PATH },
	{ SETTING("CSV_PATH", "", "data to import, else `/app/<company>-data.csv`", struct settings,
	          csv_path),
	  .kind = SETTING_PATH },
	{ SETTING("MIN_GROUP_SIZE", "5", "smaller groups of a company are not shown",
	          struct settings, min_group),
	  .kind = SETTING_NUMBER, .low = 1, .high = 1000000, .own = 9 },
	{ SETTING("PARTIAL_RESULTS", "off", "statistics may leave out a partner", struct settings,
	          partial_results),
	  .kind = SETTING_SWITCH, .own = 8 },
	{ SETTING("GENERATION_YEAR", "2026", "the year ages are counted in", struct settings,
	          generation_year),
	  .kind = SETTING_NUMBER, .low = 1900, .high = 9999, .own = 11 },
	{ SETTING("AUTO_INIT", "on", "release keys and import data after the start",
	          struct settings, auto_start),
	  .kind = SETTING_SWITCH, .own = 9 },
	{ .text = NULL },
};

static const struct setting provider_settings[] = {
	{ SETTING("PARTNER_*_AKV_ENDPOINT", "", "the partner's vault", struct partner_settings,
	          akv),
	  .kind = SETTING_HOST, .own = 8 },
	{ SETTING("PARTNER_*_KEY_NAME", "", "its key, else the own name for it",
	          struct partner_settings, key_name),
	  .kind = SETTING_KEY_NAME },
	{ SETTING("PARTNER_*_URL", "", "its peer port", struct partner_settings, url),
	  .kind = SETTING_URL, .rules = SETTING_BASE | SETTING_HTTPS },
	{ .text = NULL },
};

static const struct setting partner_settings[] = {
	{ SETTING("PARTNER_*_HOST_DATA", "", "what its evidence must have, else refused",
	          struct partner_settings, host_data),
	  .kind = SETTING_HASH },
	{ .text = NULL },
};

static const struct settings_part parts[] = {
	{ attest_settings, offsetof(struct settings, attest), "" },
	{ provider_settings, offsetof(struct settings, partner[ROLE_CONTOSO]), "CONTOSO" },
	{ partner_settings, offsetof(struct settings, partner[ROLE_CONTOSO]), "CONTOSO" },
	{ provider_settings, offsetof(struct settings, partner[ROLE_FABRIKAM]), "FABRIKAM" },
	{ partner_settings, offsetof(struct settings, partner[ROLE_FABRIKAM]), "FABRIKAM" },
	{ partner_settings, offsetof(struct settings, partner[ROLE_WOODGROVE]), "WOODGROVE" },
	{ operator_settings, offsetof(struct settings, operator), "" },
	{ party_settings, 0, "" },
	{ tls_settings, offsetof(struct settings, tls), "" },
	{ log_settings, offsetof(struct settings, log), "" },
	{ identity_settings, offsetof(struct settings, attest.identity), "" },
	{ thim_settings, offsetof(struct settings, attest.certs), "" },
	{ context_settings, offsetof(struct settings, attest.context), "" },
	{ trust_settings, offsetof(struct settings, trust), "" },
	{ demo_settings, offsetof(struct settings, demo), "" },
	{ NULL, 0, "" },
};

/* --- Several settings together --- */

/* Whose process this is: the one company whose name is part of the key's name. */
static void find_role(struct settings *s, struct setting_report *r)
{
	for (enum role role = ROLE_CONTOSO; role <= ROLE_WOODGROVE; role++) {
		if (!span_has_nocase(span_str(s->attest.key_name), role_name(role)))
			continue;
		if (s->role)
			setting_problem(r, "SKR_KEY_NAME", "names more than one company");
		s->role = role;
	}
	s->attest.party = role_name(s->role);
}

/* Our key's name with the company replaced, without version: "contoso-secret-key" ->
 * "fabrikam-secret-key". */
static bool derive_key_name(const struct settings *s, enum role partner, char *dst, size_t cap)
{
	struct span own = span_str(s->attest.key_name), company = span_str(role_name(s->role));
	struct out o = out_init(dst, cap);

	own = span_sub(own, 0, span_find(own, '/'));
	for (size_t at = 0; company.n && at + company.n <= own.n; at++) {
		if (!span_eq_nocase(span_sub(own, at, company.n), role_name(s->role)))
			continue;
		out_put(&o, span_sub(own, 0, at));
		out_str(&o, role_name(partner));
		out_put(&o, span_sub(own, at + company.n, own.n));
		return *out_cstr(&o) != '\0';
	}
	return false;
}

static void settle_partners(struct settings *s, struct setting_report *r)
{
	for (enum role role = ROLE_CONTOSO; role <= ROLE_FABRIKAM; role++) {
		struct partner_settings *p = &s->partner[role];

		if (s->role == ROLE_OTHER || role == s->role || p->key_name[0])
			continue;
		if (derive_key_name(s, role, p->key_name, sizeof p->key_name))
			continue;
		p->key_name[0] = '\0';
		if (p->akv[0])
			setting_problem(r, "SKR_KEY_NAME",
			                "the partner's key name cannot be derived: set "
			                "PARTNER_..._KEY_NAME");
	}
}

static void check_together(const struct settings *s, struct setting_report *r)
{
	const struct {
		bool wrong;
		const char *name, *text;
	} checks[] = {
		{ s->attest.akv[0] && !s->attest.key_name[0], "SKR_KEY_NAME",
		  "missing: SKR_AKV_ENDPOINT is set" },
		{ !s->port[PORT_HTTP].on && !s->port[PORT_HTTPS].on, "HTTP_PORT",
		  "both ports are off" },
		{ s->port[PORT_PEER].on && !s->tls.evidence, "TLS_CERT_EVIDENCE",
		  "off, but PEER_PORT is set: partners want to see evidence in the certificate" },
		{ s->tls.key_name[0] && !s->attest.akv[0], "SKR_AKV_ENDPOINT",
		  "missing: TLS_KEY is set" },
		{ (s->tls.key_name[0] != 0) != ((s->tls.cert_file[0] != 0) + (s->tls.cert.n != 0)),
		  "TLS_KEY",
		  "requires exactly one of TLS_CERT_FILE and TLS_CERT, and each of them requires "
		  "TLS_KEY" },
	};

	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (checks[i].wrong)
			setting_problem(r, checks[i].name, checks[i].text);
}

void conf_take(struct settings *s, char *const *environment, struct setting_report *r)
{
	memset(s, 0, sizeof *s);
	settings_read(parts, s, environment, r);
}

void conf_settle(struct settings *s, struct setting_report *r)
{
	struct out hex = out_init(s->policy_hex, sizeof s->policy_hex);

	find_role(s, r);
	settle_partners(s, r);
	identity_settle(&s->attest.identity, r);
	thim_settle(&s->attest.certs, s->attest.identity.imds);
	demo_settle(&s->demo, &s->attest.identity, r);
	if (!s->csv_path[0] && s->role)
		(void)out_join(s->csv_path, sizeof s->csv_path, "/app/", role_name(s->role),
		               "-data.csv");
	if (s->policy_hash.set)
		out_hex(&hex, s->policy_hash.sha256, sizeof s->policy_hash.sha256);
	check_together(s, r);
}

enum err conf_read(struct settings *s, char *const *environment, struct setting_report *r)
{
	conf_take(s, environment, r);
	conf_settle(s, r);
	return r->n ? ERR_CONFIG : ERR_OK;
}

void conf_write(struct settings *s, char *const *environment, struct out *o)
{
	settings_write(parts, s, environment, o);
}
