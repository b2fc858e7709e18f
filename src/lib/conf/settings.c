/* Settings: a table of variables, then the checks that look at several of them. */
#include "conf/settings.h"

#include <string.h>

#include "text/base64.h"
#include "text/hex.h"
#include "text/url.h"

static const struct {
	const char *name, *title;
} roles[] = {
	[ROLE_CONTOSO] = { "contoso", "Contoso" }, [ROLE_FABRIKAM] = { "fabrikam", "Fabrikam" }, [ROLE_WOODGROVE] = { "woodgrove", "Woodgrove Bank" },
};

const char *role_name(enum role r)
{
	return roles[r].name;
}

const char *role_title(enum role r)
{
	return roles[r].title;
}

struct variable;
/* Reads one value into its member: false when it is not of its form. */
typedef bool (*read_fn)(const struct variable *d, struct settings *s, struct span v);

/* --- The table's lines --- */
struct variable {
	char name[32];    /* in the table itself: no relocation */
	const char *form; /* what a right value is, for the message; read_choice and read_number follow it */
	read_fn read;
	size_t at, cap;   /* member */
	unsigned rules;
};
enum {
	SECRET = 1,    /* the value is not shown in messages */
	BASE = 2,      /* URLs to which paths are appended: no query; trailing slashes go */
	HTTPS = 4,     /* https alone */
	LOOPBACK = 8,  /* http for loopback alone: to others link-local is another machine */
	OR_HOST = 16,  /* host[:port] is taken for https:// and this */
	DASHES = 32,   /* names may have '-' inside */
	PLATFORM = 64, /* the platform sets it: a value that cannot be used is noted, no error */
};

static void *member(const struct variable *d, struct settings *s)
{
	return (uint8_t *)s + d->at;
}

/* --- Readers --- */

static bool read_text(const struct variable *d, struct settings *s, struct span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return span_copy_str(v, member(d, s), d->cap);
}

/* An identifier that goes into URLs and forms. */
static bool read_word(const struct variable *d, struct settings *s, struct span v)
{
	return span_is_word(v) && read_text(d, s, v);
}

static bool read_path(const struct variable *d, struct settings *s, struct span v)
{
	return v.n && v.p[0] == '/' && read_text(d, s, v);
}

bool settings_host(struct span v, char *text, size_t cap)
{
	char host[HOST_MAX];
	uint16_t port;

	if (url_hostport(v, 443, host, &port) != ERR_OK)
		return false;
	if (port == 443 && span_ends(v, ":443"))
		v.n -= 4;
	if (!span_copy_str(v, text, cap))
		return false;
	for (; *text; text++)
		if (*text >= 'A' && *text <= 'Z')
			*text = (char)(*text + 32);
	return true;
}

static bool read_host(const struct variable *d, struct settings *s, struct span v)
{
	return settings_host(v, member(d, s), d->cap);
}

/* Plain http is for services of the same machine only. */
static bool is_near(const char *host, bool loopback)
{
	return url_host_is_loopback(host) || (!loopback && url_host_is_link_local(host));
}

static bool read_url(const struct variable *d, struct settings *s, struct span v)
{
	char host[HOST_MAX], text[URL_MAX];
	struct out o = out_init(text, sizeof text);
	uint16_t port;
	struct url u;

	if ((d->rules & OR_HOST) && url_hostport(v, 443, host, &port) == ERR_OK)
		out_str(&o, "https://");
	while ((d->rules & BASE) && v.n && v.p[v.n - 1] == '/')
		v.n--;
	out_put(&o, v);
	v = out_span(&o);
	if (o.bad || url_parse(v, &u) != ERR_OK || ((d->rules & BASE) && span_find(v, '?') < v.n))
		return false;
	if (d->rules & HTTPS ? !span_starts(v, "https://") : !u.https && !is_near(u.host, d->rules & LOOPBACK))
		return false;
	return read_word(d, s, v);
}

/* Origins, comma between: scheme, host, port and nothing else. They go into a header as they are. */
static bool read_origins(const struct variable *d, struct settings *s, struct span v)
{
	struct out o = out_init(member(d, s), d->cap);
	struct url u;

	while (v.n) {
		size_t comma = span_find(v, ',');
		struct span origin = span_trim(span_sub(v, 0, comma));
		size_t slashes = span_find(origin, '/') + 2;

		if (url_parse(origin, &u) != ERR_OK || span_find(span_sub(origin, slashes, origin.n), '/') + slashes < origin.n)
			return false;
		if (span_find(origin, '?') < origin.n || span_find(origin, ';') < origin.n || comma + 1 == v.n)
			return false;
		if (o.n)
			out_byte(&o, ' ');
		out_put(&o, origin);
		v = span_sub(v, comma + 1, v.n);
	}
	return *out_cstr(&o) != '\0';
}

static bool is_key_char(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

bool settings_key_name(struct span v, char *text, size_t cap)
{
	size_t slash = span_find(v, '/');

	if (v.n == 0 || slash == 0 || slash + 1 == v.n)
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (i != slash && !is_key_char(v.p[i]))
			return false;
	return span_copy_str(v, text, cap);
}

static bool read_key_name(const struct variable *d, struct settings *s, struct span v)
{
	return settings_key_name(v, member(d, s), d->cap);
}

static bool read_tls_key(const struct variable *d, struct settings *s, struct span v)
{
	return span_starts(v, "skr:") && read_key_name(d, s, span_sub(v, 4, v.n));
}

static bool read_hash(const struct variable *d, struct settings *s, struct span v)
{
	return hex_decode(v, member(d, s), d->cap) == ERR_OK;
}

static bool read_policy_hash(const struct variable *d, struct settings *s, struct span v)
{
	uint8_t bytes[32];

	return hex_decode(v, bytes, sizeof bytes) == ERR_OK && read_text(d, s, v);
}

static bool read_view(const struct variable *d, struct settings *s, struct span v)
{
	*(struct span *)member(d, s) = v;
	return true;
}

/* A whole number that its form bounds: "1 to 9". */
static bool read_number(const struct variable *d, struct settings *s, struct span v)
{
	struct span form = span_str(d->form);
	size_t to = span_find(form, ' ');
	uint64_t n, low, high;

	if (!span_u64(v, &n) || !span_u64(span_sub(form, 0, to), &low) || !span_u64(span_sub(form, to + 4, form.n), &high))
		return false;
	*(uint32_t *)member(d, s) = (uint32_t)n;
	return n >= low && n <= high;
}

/* One of the words of its form, "a, b or c", by their order: 0, 1, 2. */
static bool read_choice(const struct variable *d, struct settings *s, struct span v)
{
	uint32_t n = 0;

	for (struct span rest = span_str(d->form); rest.n;) {
		struct span word = span_cut(&rest, ' ');

		if (span_eq_str(word, "or"))
			continue;
		if (span_ends(word, ","))
			word.n--;
		if (span_eq(word, v)) {
			memcpy(member(d, s), &n, d->cap); /* bool or enum; little-endian */
			return true;
		}
		n++;
	}
	return false;
}

static bool read_port(const struct variable *d, struct settings *s, struct span v)
{
	struct port_setting *p = member(d, s);
	uint64_t n = 0;

	p->on = !span_eq_str(v, "off");
	if (p->on && (!span_u64(v, &n) || n > 65535))
		return false;
	p->number = (uint16_t)n;
	return true;
}

static bool read_operator(const struct variable *d, struct settings *s, struct span v)
{
	(void)d;
	if (span_eq_str(v, "none")) {
		s->operator_none = true;
		return true;
	}
	s->operator_set = span_starts(v, "sha256:") && hex_decode(span_sub(v, 7, v.n), s->operator_sha256, 32) == ERR_OK;
	return s->operator_set;
}

/* Names of Azure: lower-case letters and digits, in containers also single '-' inside. */
static bool read_azure_name(const struct variable *d, struct settings *s, struct span v)
{
	bool container = d->rules & DASHES;

	if (v.n < 3 || v.n > (container ? 63u : 24u) || v.p[0] == '-' || v.p[v.n - 1] == '-')
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!(v.p[i] >= '0' && v.p[i] <= '9') && !(v.p[i] >= 'a' && v.p[i] <= 'z') &&
		    !(container && v.p[i] == '-' && v.p[i - 1] != '-'))
			return false;
	return read_text(d, s, v);
}

/* A query string that is signed. It goes into request lines as it is. */
static bool read_sas(const struct variable *d, struct settings *s, struct span v)
{
	struct span sig;

	if (span_starts(v, "?"))
		v = span_sub(v, 1, v.n);
	return url_chars_ok(v) && url_query(v, "sig", &sig, NULL) && span_find(v, '?') == v.n && read_word(d, s, v);
}

static bool read_storage_key(const struct variable *d, struct settings *s, struct span v)
{
	return base64_decode(B64_STD, v, member(d, s), d->cap, &s->storage.at.key_len) == ERR_OK && s->storage.at.key_len >= 32;
}

/* What Azure allows in resource group names (ASCII part), which goes into a blob's name; the dot not at the end. */
static bool read_group(const struct variable *d, struct settings *s, struct span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_key_char(v.p[i]) && (v.p[i] == 0 || !strchr("._()", v.p[i])))
			return false;
	return v.p[v.n - 1] != '.' && read_text(d, s, v);
}

/* --- The table --- */
#define MEMBER(m) offsetof(struct settings, m), sizeof(((struct settings *)0)->m)
#define FORM_HOST "a host name, or host:port, without https://"
#define FORM_URL "an https URL (http only for link-local and loopback addresses)"
#define FORM_KEY "a key name of letters, digits and '-', or name/version"
#define FORM_HASH "64 hex digits"
#define PARTNER(P, r) \
	{ "PARTNER_" P "_AKV_ENDPOINT", FORM_HOST, read_host, MEMBER(partner[r].akv), 0 }, \
	{ "PARTNER_" P "_KEY_NAME", FORM_KEY, read_key_name, MEMBER(partner[r].key_name), 0 }, \
	{ "PARTNER_" P "_URL", "an https URL without query", read_url, MEMBER(partner[r].url), BASE | HTTPS }, \
	{ "PARTNER_" P "_HOST_DATA", FORM_HASH, read_hash, MEMBER(partner[r].host_data), 0 }

static const struct variable table[] = {
	{ "SKR_KEY_NAME", FORM_KEY, read_key_name, MEMBER(key_name), 0 },
	{ "SKR_MAA_ENDPOINT", FORM_HOST, read_host, MEMBER(maa), 0 },
	{ "SKR_AKV_ENDPOINT", FORM_HOST, read_host, MEMBER(akv), 0 },
	{ "SECURITY_POLICY_HASH", FORM_HASH, read_policy_hash, MEMBER(policy_hash), 0 },
	PARTNER("CONTOSO", ROLE_CONTOSO),
	PARTNER("FABRIKAM", ROLE_FABRIKAM),
	{ "PARTNER_WOODGROVE_HOST_DATA", FORM_HASH, read_hash, MEMBER(partner[ROLE_WOODGROVE].host_data), 0 },
	{ "IMDS_ENDPOINT", FORM_URL, read_url, MEMBER(identity.imds), BASE },
	{ "IDENTITY_ENDPOINT", FORM_URL, read_url, MEMBER(identity.endpoint), PLATFORM },
	{ "APP_IDENTITY_ENDPOINT", FORM_URL, read_url, MEMBER(app_identity), PLATFORM },
	{ "IDENTITY_HEADER", "printable text without blanks", read_word, MEMBER(identity.header), SECRET | PLATFORM },
	{ "AZURE_CLIENT_ID", "a client id", read_word, MEMBER(identity.client_id), 0 },
	{ "AZURE_TENANT_ID", "a tenant id", read_word, MEMBER(identity.tenant_id), 0 },
	{ "AZURE_FEDERATED_TOKEN_FILE", "an absolute path", read_path, MEMBER(identity.token_file), 0 },
	{ "AZURE_AUTHORITY_HOST", "an https URL", read_url, MEMBER(identity.authority), BASE | HTTPS },
	{ "CERT_CACHE", "thim, azure or amd", read_choice, MEMBER(cert_cache), 0 },
	{ "CERT_CACHE_ENDPOINT", "a host, host:port or URL", read_url, MEMBER(cert_cache_endpoint), BASE | OR_HOST },
	{ "UVM_SECURITY_CONTEXT_DIR", "an absolute path", read_path, MEMBER(context_dir), 0 },
	{ "UVM_HOST_AMD_CERTIFICATE", "base64", read_view, MEMBER(uvm.amd_cert), 0 },
	{ "UVM_SECURITY_POLICY", "base64", read_view, MEMBER(uvm.policy), 0 },
	{ "UVM_REFERENCE_INFO", "base64", read_view, MEMBER(uvm.reference), 0 },
	{ "AKV_AUDIENCE", "an https URL", read_url, MEMBER(akv_audience), BASE | HTTPS },
	{ "EXTRA_TRUST_ANCHOR", "an absolute path", read_path, MEMBER(trust_file), 0 },
	{ "EXTRA_AMD_ROOT", FORM_HASH, read_hash, MEMBER(amd_root), 0 },
	{ "EXTRA_UVM_ISSUER", "a did:x509 identifier", read_word, MEMBER(uvm_issuer), 0 },
	{ "HTTP_PORT", "0 to 65535, or off", read_port, MEMBER(port[PORT_HTTP]), 0 },
	{ "HTTPS_PORT", "0 to 65535, or off", read_port, MEMBER(port[PORT_HTTPS]), 0 },
	{ "PEER_PORT", "0 to 65535, or off", read_port, MEMBER(port[PORT_PEER]), 0 },
	{ "SIDECAR_PORT", "0 to 65535, or off", read_port, MEMBER(port[PORT_SIDECAR]), 0 },
	{ "TLS_KEY", "skr: and a key name of letters, digits and '-', or name/version", read_tls_key, MEMBER(tls_key), 0 },
	{ "TLS_CERT_FILE", "an absolute path", read_path, MEMBER(tls_cert_file), 0 },
	{ "TLS_CERT", "certificates in PEM", read_view, MEMBER(tls_cert), 0 },
	{ "TLS_CERT_EVIDENCE", "on or off", read_choice, MEMBER(cert_plain), 0 },
	{ "TLS_CERT_HOURS", "1 to 8760", read_number, MEMBER(cert_hours), 0 },
	{ "LISTEN", "all or loopback", read_choice, MEMBER(loopback_only), 0 },
	{ "OPERATOR_AUTH", "none, or sha256: and 64 hex digits", read_operator, 0, 0, SECRET },
	{ "COMPARE_ORIGINS", "origins such as https://host:port, comma between", read_origins, MEMBER(compare_origins), 0 },
	{ "DATA_DIR", "an absolute path", read_path, MEMBER(data_dir), 0 },
	{ "CSV_PATH", "an absolute path", read_path, MEMBER(csv_path), 0 },
	{ "STORAGE", "local or blob", read_choice, MEMBER(storage.blob), 0 },
	{ "AZURE_STORAGE_ACCOUNT", "3 to 24 lower-case letters and digits", read_azure_name, MEMBER(storage.at.account), 0 },
	{ "AZURE_STORAGE_CONTAINER", "3 to 63 lower-case letters, digits and '-'", read_azure_name, MEMBER(storage.at.container), DASHES },
	{ "AZURE_STORAGE_BLOB_ENDPOINT", "an https URL (http for loopback only)", read_url, MEMBER(storage.at.endpoint), BASE | LOOPBACK },
	{ "AZURE_STORAGE_SAS", "a shared access signature (sv=...&sig=...)", read_sas, MEMBER(storage.at.sas), SECRET },
	{ "AZURE_STORAGE_KEY", "base64 of the account's key", read_storage_key, MEMBER(storage.at.key), SECRET },
	{ "AZURE_STORAGE_CONNECTION_STRING", "Name=value;...", read_text, MEMBER(storage.connection), SECRET },
	{ "AZURE_STORAGE_AUDIENCE", "an https URL", read_url, MEMBER(storage.at.resource), BASE | HTTPS },
	{ "RESOURCE_GROUP_NAME", "a resource group's name", read_group, MEMBER(resource_group), 0 },
	{ "CONTAINER_IMAGE", "printable text", read_text, MEMBER(container_image), 0 },
	{ "HOSTNAME", "printable text", read_text, MEMBER(hostname), PLATFORM },
	{ "DEBUG_ROUTES", "off or on", read_choice, MEMBER(debug_routes), 0 },
	{ "MIN_GROUP_SIZE", "1 to 1000000", read_number, MEMBER(min_group), 0 },
	{ "PARTIAL_RESULTS", "off or on", read_choice, MEMBER(partial_results), 0 },
	{ "GENERATION_YEAR", "1900 to 9999", read_number, MEMBER(generation_year), 0 },
	{ "AUTO_INIT", "off or on", read_choice, MEMBER(auto_start), 0 },
	{ "LOG_LEVEL", "error, warn, info or debug", read_choice, MEMBER(log_level), 0 },
};
enum { VARIABLES = sizeof table / sizeof table[0] };

static char *const defaults[] = {
	"SKR_MAA_ENDPOINT=sharedeus.eus.attest.azure.net", "IMDS_ENDPOINT=http://169.254.169.254", "CERT_CACHE=thim",
	"AZURE_AUTHORITY_HOST=https://login.microsoftonline.com", "HTTP_PORT=80", "HTTPS_PORT=443", "TLS_CERT_HOURS=24", "DATA_DIR=/data",
	"AZURE_STORAGE_CONTAINER=privateappdata", "AZURE_STORAGE_AUDIENCE=https://storage.azure.com", "MIN_GROUP_SIZE=5",
	"GENERATION_YEAR=2026", "AUTO_INIT=on", "LOG_LEVEL=info", NULL,
};

/* Prefixes that nobody else uses: a name of ours misspelt is an error, not a setting silently ignored. UVM_, AZURE_ and
 * IDENTITY_ are the platform's. */
static const char *const own_prefixes[] = {
	"SKR_", "PARTNER_", "OPERATOR_", "CERT_CACHE", "EXTRA_", "AKV_", "MIN_GROUP", "PARTIAL_", "GENERATION_", "AUTO_INIT", "COMPARE_",
	"DEBUG_ROUTE", "AZURE_STORAGE_", "PEER_", "SIDECAR_", "TLS_",
};

static enum err tell(struct out *problem, const char *name, const char *text)
{
	out_strs(problem, name, ": ", text);
	return ERR_CONFIG;
}

/* "NAME: expected FORM, got "value"": cut, and cleaned of what a terminal would obey. */
static enum err tell_value(struct out *problem, const struct variable *v, struct span value)
{
	char shown[80];

	tell(problem, v->name, "expected ");
	out_str(problem, v->form);
	if (!(v->rules & SECRET)) {
		fault_text(shown, sizeof shown, value);
		out_strs(problem, ", got \"", shown, value.n >= sizeof shown ? "...\"" : "\"");
	}
	return ERR_CONFIG;
}

static const struct variable *find_variable(struct span name)
{
	for (size_t i = 0; i < VARIABLES; i++)
		if (span_eq_str(name, table[i].name))
			return &table[i];
	return NULL;
}

static bool is_ours(struct span name)
{
	for (size_t i = 0; i < sizeof own_prefixes / sizeof own_prefixes[0]; i++)
		if (span_starts(name, own_prefixes[i]))
			return true;
	return false;
}

/* "_443_TCP" behind NAME_PORT, with what may follow. */
static bool is_port_suffix(struct span s)
{
	static const char *const protocols[] = { "TCP", "UDP", "SCTP" };
	struct span port, protocol;
	uint64_t n;

	if (!span_starts(s, "_"))
		return false;
	s = span_sub(s, 1, s.n);
	port = span_cut(&s, '_');
	protocol = span_cut(&s, '_');
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
		if (span_eq_str(protocol, protocols[i]))
			return span_u64(port, &n);
	return false;
}

/* Kubernetes sets these for each service of the namespace, in every container: NAME is the service's, so it may be "PEER". */
static bool is_service_variable(struct span name, struct span value)
{
	static const char *const schemes[] = { "tcp://", "udp://", "sctp://" };

	if (span_ends(name, "_SERVICE_HOST") || span_ends(name, "_SERVICE_PORT") || span_has_nocase(name, "_SERVICE_PORT_"))
		return true;
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (span_ends(name, "_PORT") && span_starts(value, schemes[i]))
			return true;
	for (size_t at = 0; at < name.n; at++)
		if (span_starts(span_sub(name, at, name.n), "_PORT") && is_port_suffix(span_sub(name, at + 5, name.n)))
			return true;
	return false;
}

/* Appends to the notes, which are cut where they do not fit. */
static enum err note(struct settings *s, const char *text)
{
	size_t n = strlen(s->notes);
	struct out o = out_init(s->notes + n, sizeof s->notes - n);

	out_strs(&o, n ? "; " : "", text);
	(void)out_cstr(&o);
	return ERR_OK;
}

/* Of a variable that the platform sets. */
static enum err note_value(struct settings *s, const struct variable *v, struct span value)
{
	char text[256];
	struct out o = out_init(text, sizeof text);

	(void)tell_value(&o, v, value);
	out_str(&o, ": not used");
	memset(member(v, s), 0, v->cap);
	return note(s, out_cstr(&o));
}

/* given: the variables' values so far, p NULL for none. */
static enum err read_one(struct settings *s, struct span value, struct span given[VARIABLES], struct out *problem)
{
	struct span name = span_cut(&value, '=');
	const struct variable *v = find_variable(name);

	if (is_service_variable(name, value)) {
		char text[128];

		if (v && out_join(text, sizeof text, v->name, ": a service variable of Kubernetes, not the setting: not used"))
			return note(s, text);
		return ERR_OK;
	}
	if (!v) {
		char shown[80];

		if (!is_ours(name))
			return ERR_OK;
		fault_text(shown, sizeof shown, name);
		return tell(problem, shown, "no setting has this name");
	}
	if (given[v - table].p)
		return tell(problem, v->name, "set twice");
	given[v - table] = value;
	/* Templates set what they do not use to nothing. */
	if (value.n == 0 || v->read(v, s, value))
		return ERR_OK;
	return v->rules & PLATFORM ? note_value(s, v, value) : tell_value(problem, v, value);
}

static enum err read_all(struct settings *s, char *const *list, struct span given[VARIABLES], struct out *problem)
{
	memset(given, 0, VARIABLES * sizeof *given);
	for (; *list; list++)
		TRY(read_one(s, span_str(*list), given, problem));
	return ERR_OK;
}

/* Whose process this is: the one company whose name is part of the key's name. */
static enum err find_role(struct settings *s, struct out *problem)
{
	for (enum role r = ROLE_CONTOSO; r <= ROLE_WOODGROVE; r++) {
		if (!span_has_nocase(span_str(s->key_name), role_name(r)))
			continue;
		if (s->role)
			return tell(problem, "SKR_KEY_NAME", "names more than one company");
		s->role = r;
	}
	return ERR_OK;
}

/* Our key's name with the company replaced, without version: "contoso-secret-key" -> "fabrikam-secret-key". */
static bool derive_key_name(const struct settings *s, enum role partner, char *dst, size_t cap)
{
	struct span own = span_str(s->key_name), company = span_str(role_name(s->role));
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

static enum err finish_partners(struct settings *s, struct out *problem)
{
	for (enum role r = ROLE_CONTOSO; r <= ROLE_FABRIKAM; r++) {
		struct partner_settings *p = &s->partner[r];

		if (s->role == ROLE_OTHER || r == s->role || p->key_name[0])
			continue;
		if (!derive_key_name(s, r, p->key_name, sizeof p->key_name)) {
			p->key_name[0] = '\0';
			if (p->akv[0])
				return tell(problem, "SKR_KEY_NAME", "the partner's key name cannot be derived: set PARTNER_..._KEY_NAME");
		}
	}
	return ERR_OK;
}

/* Empty when unset. */
static struct span value_of(const struct span *given, const char *name)
{
	return given[find_variable(span_str(name)) - table];
}

/* --- The storage account --- */

/* The value of a name in "Name=value;Name=value". */
static struct span connection_part(struct span text, const char *name)
{
	while (text.n) {
		struct span value = span_cut(&text, ';'), part = span_cut(&value, '=');

		if (span_eq_nocase(part, name))
			return value;
	}
	return text;
}

/* What the connection string gives where no variable of its own does. Of the original only the SAS was used. */
static bool read_connection(struct settings *s, const struct span *given)
{
	static const struct { const char *part, *variable; } parts[] = {
		{ "AccountName", "AZURE_STORAGE_ACCOUNT" },
		{ "BlobEndpoint", "AZURE_STORAGE_BLOB_ENDPOINT" },
		{ "SharedAccessSignature", "AZURE_STORAGE_SAS" },
		{ "AccountKey", "AZURE_STORAGE_KEY" },
	};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		struct span v = connection_part(span_str(s->storage.connection), parts[i].part);
		const struct variable *d = find_variable(span_str(parts[i].variable));

		if (v.n && !given[d - table].n && !d->read(d, s, v))
			return false;
	}
	return true;
}

/* The account's name from its endpoint: first label of the host, or, with an address as host, the path's first segment. */
static void derive_account(struct blob_account *t)
{
	struct url u;
	struct span name;

	if (t->account[0] || !t->endpoint[0] || url_parse(span_str(t->endpoint), &u) != ERR_OK)
		return;
	name = span_sub(span_str(u.path), 1, sizeof u.path);
	name = span_sub(name, 0, span_find(name, '/'));
	if (name.n == 0)
		name = span_sub(span_str(u.host), 0, span_find(span_str(u.host), '.'));
	if (!span_copy_str(name, t->account, sizeof t->account))
		t->account[0] = '\0';
}

static enum err finish_storage(struct settings *s, const struct span *given, struct out *problem)
{
	struct storage_settings *t = &s->storage;
	struct blob_account *a = &t->at;

	if (t->connection[0] && !read_connection(s, given))
		return tell(problem, "AZURE_STORAGE_CONNECTION_STRING", "one of its parts is not of its form");
	derive_account(a);
	if (!a->endpoint[0] && a->account[0])
		(void)out_join(a->endpoint, sizeof a->endpoint, "https://", a->account, ".blob.core.windows.net");
	t->configured = a->endpoint[0] != '\0';
	a->auth = a->sas[0] ? BLOB_AUTH_SAS : a->key_len ? BLOB_AUTH_KEY : BLOB_AUTH_IDENTITY;
	a->identity = &s->identity;
	(void)out_join(t->blob_name, sizeof t->blob_name, "consolidated-records", s->resource_group[0] ? "-" : "", s->resource_group, ".json");
	return t->blob && !t->configured ? tell(problem, "AZURE_STORAGE_ACCOUNT", "missing: STORAGE=blob") : ERR_OK;
}

/* --- Several settings together --- */

/* The platform may set both endpoints, with different values: IDENTITY_ENDPOINT is taken. */
static void finish_identity(struct settings *s)
{
	if (!s->identity.endpoint[0])
		(void)span_copy_str(span_str(s->app_identity), s->identity.endpoint, sizeof s->identity.endpoint);
	else if (s->app_identity[0] && strcmp(s->app_identity, s->identity.endpoint) != 0)
		(void)note(s, "IDENTITY_ENDPOINT is used; APP_IDENTITY_ENDPOINT, which differs, is not");
}

static enum err check_together(const struct settings *s, struct out *problem)
{
	const struct {
		bool wrong;
		const char *name, *text;
	} checks[] = {
		{ s->identity.token_file[0] && s->identity.client_id[0] && !s->identity.tenant_id[0], "AZURE_TENANT_ID",
		  "missing: AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE are set" },
		{ s->akv[0] && !s->key_name[0], "SKR_KEY_NAME", "missing: SKR_AKV_ENDPOINT is set" },
		{ !s->port[PORT_HTTP].on && !s->port[PORT_HTTPS].on, "HTTP_PORT", "both ports are off" },
		{ s->port[PORT_PEER].on && s->cert_plain, "TLS_CERT_EVIDENCE",
		  "off, but PEER_PORT is set: partners want to see evidence in the certificate" },
		{ s->tls_key[0] && !s->akv[0], "SKR_AKV_ENDPOINT", "missing: TLS_KEY is set" },
		{ (s->tls_key[0] != 0) != ((s->tls_cert_file[0] != 0) + (s->tls_cert.n != 0)), "TLS_KEY",
		  "goes with one of TLS_CERT_FILE and TLS_CERT, and these with it" },
	};

	for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
		if (checks[i].wrong)
			return tell(problem, checks[i].name, checks[i].text);
	return ERR_OK;
}

/* What follows from other settings. */
static enum err finish(struct settings *s, const struct span *given, struct out *problem)
{
	const char *const caches[] = {
		[THIM_HOST] = s->identity.imds, [THIM_AZURE_CACHE] = "https://global.acccache.azure.net", [THIM_AMD_KDS] = "https://kdsintf.amd.com",
	};

	TRY(find_role(s, problem));
	TRY(finish_partners(s, problem));
	TRY(finish_storage(s, given, problem));
	s->partner[ROLE_CONTOSO].has_host_data = value_of(given, "PARTNER_CONTOSO_HOST_DATA").n;
	s->partner[ROLE_FABRIKAM].has_host_data = value_of(given, "PARTNER_FABRIKAM_HOST_DATA").n;
	s->partner[ROLE_WOODGROVE].has_host_data = value_of(given, "PARTNER_WOODGROVE_HOST_DATA").n;
	s->has_amd_root = value_of(given, "EXTRA_AMD_ROOT").n;
	if (!s->cert_cache_endpoint[0])
		(void)span_copy_str(span_str(caches[s->cert_cache]), s->cert_cache_endpoint, sizeof s->cert_cache_endpoint);
	if (!s->csv_path[0] && s->role)
		(void)out_join(s->csv_path, sizeof s->csv_path, "/app/", role_name(s->role), "-data.csv");
	finish_identity(s);
	return check_together(s, problem);
}

enum err settings_read(struct settings *s, char *const *environment, struct out *problem)
{
	struct span given[VARIABLES];

	memset(s, 0, sizeof *s);
	TRY(read_all(s, defaults, given, problem));
	TRY(read_all(s, environment, given, problem));
	return finish(s, given, problem);
}
