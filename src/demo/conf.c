/* Settings of the demonstration. */
#include "demo/settings.h"

#include <string.h>

#include "conf/settings.h"
#include "text/base64.h"
#include "text/url.h"

/* Names of Azure: lower-case letters and digits, in containers also single '-' inside. */
static bool is_azure_name(struct span v, size_t max, bool dashes)
{
	if (v.n < 3 || v.n > max || v.p[0] == '-' || v.p[v.n - 1] == '-')
		return false;
	for (size_t i = 0; i < v.n; i++)
		if (!(v.p[i] >= '0' && v.p[i] <= '9') && !(v.p[i] >= 'a' && v.p[i] <= 'z') &&
		    !(dashes && v.p[i] == '-' && v.p[i - 1] != '-'))
			return false;
	return true;
}

static bool read_account(void *value, size_t cap, struct span v)
{
	return is_azure_name(v, 24, false) && span_copy_str(v, value, cap);
}

static bool read_container(void *value, size_t cap, struct span v)
{
	return is_azure_name(v, 63, true) && span_copy_str(v, value, cap);
}

/* A query string that is signed. It goes into request lines as it is. */
static bool read_sas(void *value, size_t cap, struct span v)
{
	struct span sig;

	if (span_starts(v, "?"))
		v = span_sub(v, 1, v.n);
	return url_chars_ok(v) && url_query(v, "sig", &sig, NULL) && span_find(v, '?') == v.n &&
	       span_is_word(v) && span_copy_str(v, value, cap);
}

static bool read_key(void *value, size_t cap, struct span v)
{
	struct blob_key *k = value;

	(void)cap;
	return base64_decode(B64_STD, v, k->bytes, sizeof k->bytes, &k->n) == ERR_OK && k->n >= 32;
}

/* What Azure allows in resource group names (ASCII part), which goes into a blob's name; the dot
 * not at the end. */
static bool read_group(void *value, size_t cap, struct span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (!is_alnum(v.p[i]) && (v.p[i] == 0 || !strchr("-._()", v.p[i])))
			return false;
	return v.p[v.n - 1] != '.' && span_copy_str(v, value, cap);
}

/* Origins, comma between: scheme, host, port and nothing else. They go into a header as they are.
 */
static bool read_origins(void *value, size_t cap, struct span v)
{
	struct out o = out_init(value, cap);
	struct url u;

	while (v.n) {
		size_t comma = span_find(v, ',');
		struct span origin = span_trim(span_sub(v, 0, comma));
		size_t slashes = span_find(origin, '/') + 2;

		if (url_parse(origin, &u) != ERR_OK ||
		    span_find(span_sub(origin, slashes, origin.n), '/') + slashes < origin.n)
			return false;
		if (span_find(origin, '?') < origin.n || span_find(origin, ';') < origin.n ||
		    comma + 1 == v.n)
			return false;
		if (o.n)
			out_byte(&o, ' ');
		out_put(&o, origin);
		v = span_sub(v, comma + 1, v.n);
	}
	return *out_cstr(&o) != '\0';
}

/* What the connection string may give in place of others stands where it can be found by number. */
enum { ACCOUNT, ENDPOINT, SAS, KEY };

const struct setting demo_settings[] = {
	[ACCOUNT] = { SETTING("AZURE_STORAGE_ACCOUNT", "",
	                      "the shared storage account\0"
	                      "3 to 24 lower-case letters and digits",
	                      struct demo_settings, storage.at.account),
	              .kind = SETTING_OWN, .read = read_account, .own = 14 },
	[ENDPOINT] = { SETTING("AZURE_STORAGE_BLOB_ENDPOINT", "", "its address, else by name",
	                       struct demo_settings, storage.at.endpoint),
	               .kind = SETTING_URL, .rules = SETTING_BASE | SETTING_LOOPBACK },
	[SAS] = { SETTING("AZURE_STORAGE_SAS", "",
	                  "proof for it, or\0"
	                  "a shared access signature (sv=...&sig=...)",
	                  struct demo_settings, storage.at.sas),
	          .kind = SETTING_OWN, .read = read_sas, .rules = SETTING_SECRET },
	[KEY] = { SETTING("AZURE_STORAGE_KEY", "",
	                  "its key, else managed identity\0"
	                  "base64 of the account's key",
	                  struct demo_settings, storage.at.key),
	          .kind = SETTING_OWN, .read = read_key, .rules = SETTING_SECRET },
	{ SETTING("AZURE_STORAGE_CONNECTION_STRING", "", "gives what these leave open",
	          struct demo_settings, storage.connection),
	  .kind = SETTING_TEXT, .rules = SETTING_SECRET },
	{ SETTING("AZURE_STORAGE_CONTAINER", "privateappdata",
	          "its container\0"
	          "3 to 63 lower-case letters, digits and '-'",
	          struct demo_settings, storage.at.container),
	  .kind = SETTING_OWN, .read = read_container },
	{ SETTING("AZURE_STORAGE_AUDIENCE", "https://storage.azure.com",
	          "what its access tokens are for", struct demo_settings, storage.at.resource),
	  .kind = SETTING_URL, .rules = SETTING_BASE | SETTING_HTTPS },
	{ SETTING("RESOURCE_GROUP_NAME", "",
	          "part of the shared blob's name\0"
	          "a resource group's name",
	          struct demo_settings, storage.resource_group),
	  .kind = SETTING_OWN, .read = read_group },
	{ SETTING("STORAGE", "local", "blob: records also go to the shared blob",
	          struct demo_settings, storage.blob),
	  .kind = SETTING_CHOICE, .words = (const setting_word[]){ "local", "blob", "" } },
	{ SETTING("COMPARE_ORIGINS", "",
	          "whose pages `/compare` shows and who may frame it\0"
	          "origins such as https://host:port, comma between",
	          struct demo_settings, compare_origins),
	  .kind = SETTING_OWN, .read = read_origins, .own = 8 },
	{ SETTING("DEBUG_ROUTES", "off", "`/debug/*`: lengths, thumbprints, booleans for operators",
	          struct demo_settings, debug_routes),
	  .kind = SETTING_SWITCH, .own = 11 },
	{ SETTING("CONTAINER_IMAGE", "", "shown only", struct demo_settings, container_image),
	  .kind = SETTING_TEXT },
	{ SETTING("HOSTNAME", "", "shown only", struct demo_settings, hostname),
	  .kind = SETTING_TEXT, .rules = SETTING_PLATFORM },
	{ .text = NULL },
};

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

/* What the connection string gives where no variable of its own does. Of the original only the SAS
 * was used. */
static bool read_connection(struct demo_settings *s)
{
	const struct blob_account *a = &s->storage.at;
	const struct {
		char part[24];
		bool given;
	} parts[] = {
		[ACCOUNT] = { "AccountName", a->account[0] },
		[ENDPOINT] = { "BlobEndpoint", a->endpoint[0] },
		[SAS] = { "SharedAccessSignature", a->sas[0] },
		[KEY] = { "AccountKey", a->key.n },
	};

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		struct span v = connection_part(span_str(s->storage.connection), parts[i].part);

		if (v.n && !parts[i].given && !settings_take(&demo_settings[i], s, v))
			return false;
	}
	return true;
}

/* The account's name from its endpoint: first label of the host, or, with an address as host, the
 * path's first segment. */
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

void demo_settle(struct demo_settings *s, const struct identity_source *identity,
                 struct setting_report *r)
{
	struct storage_settings *t = &s->storage;
	struct blob_account *a = &t->at;

	if (t->connection[0] && !read_connection(s))
		setting_problem(r, "AZURE_STORAGE_CONNECTION_STRING",
		                "one of its parts is not of its form");
	derive_account(a);
	if (!a->endpoint[0] && a->account[0])
		(void)out_join(a->endpoint, sizeof a->endpoint, "https://", a->account,
		               ".blob.core.windows.net");
	t->configured = a->endpoint[0] != '\0';
	a->auth = a->sas[0] ? BLOB_AUTH_SAS : a->key.n ? BLOB_AUTH_KEY : BLOB_AUTH_IDENTITY;
	a->identity = identity;
	(void)out_join(t->blob_name, sizeof t->blob_name, "consolidated-records",
	               t->resource_group[0] ? "-" : "", t->resource_group, ".json");
	if (t->blob && !t->configured)
		setting_problem(r, "AZURE_STORAGE_ACCOUNT", "missing: STORAGE=blob");
}
