/* Access tokens of the managed identity. */
#include "azure/identity.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "base/out.h"
#include "http/call.h"
#include "azure/services.h"
#include "text/json_read.h"
#include "text/url.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/lock.h"

#define CACHE_SLOTS 4 /* vault, managed HSM, storage and one to spare */
#define FRESH_S 300   /* not used in the last five minutes of its life */
#define REPLY_TOKENS 64
#define FORM "application/x-www-form-urlencoded"

const struct setting identity_settings[] = {
	{ SETTING("IMDS_ENDPOINT", "http://169.254.169.254", "the host's metadata service", struct identity_source, imds),
	  .kind = SETTING_URL, .rules = SETTING_BASE },
	{ SETTING("IDENTITY_ENDPOINT", "", "managed identity, with `IDENTITY_HEADER`", struct identity_source, endpoint),
	  .kind = SETTING_URL, .rules = SETTING_PLATFORM },
	{ SETTING("APP_IDENTITY_ENDPOINT", "", "the same where that is not set", struct identity_source, app_endpoint),
	  .kind = SETTING_URL, .rules = SETTING_PLATFORM },
	{ SETTING("IDENTITY_HEADER", "", "what the endpoint wants to see", struct identity_source, header),
	  .kind = SETTING_WORD, .rules = SETTING_SECRET | SETTING_PLATFORM },
	{ SETTING("AZURE_CLIENT_ID", "", "which managed identity", struct identity_source, client_id), .kind = SETTING_WORD },
	{ SETTING("AZURE_TENANT_ID", "", "its tenant", struct identity_source, tenant_id), .kind = SETTING_WORD },
	{ SETTING("AZURE_FEDERATED_TOKEN_FILE", "", "workload identity's token", struct identity_source, token_file), .kind = SETTING_PATH },
	{ SETTING("AZURE_AUTHORITY_HOST", "https://login.microsoftonline.com", "Microsoft Entra", struct identity_source, authority),
	  .kind = SETTING_URL, .rules = SETTING_BASE | SETTING_HTTPS },
	{ .text = NULL },
};

void identity_settle(struct identity_source *s, struct setting_report *r)
{
	if (!s->endpoint[0])
		(void)span_copy_str(span_str(s->app_endpoint), s->endpoint, sizeof s->endpoint);
	else if (s->app_endpoint[0] && strcmp(s->app_endpoint, s->endpoint) != 0)
		setting_note(r, "IDENTITY_ENDPOINT is used; APP_IDENTITY_ENDPOINT, which differs, is not");
	if (s->token_file[0] && s->client_id[0] && !s->tenant_id[0])
		setting_problem(r, "AZURE_TENANT_ID", "missing: AZURE_CLIENT_ID and AZURE_FEDERATED_TOKEN_FILE are set");
}

struct cached {
	char resource[URL_MAX];
	char token[TOKEN_MAX];
	size_t len;
	int64_t good_until; /* Unix time; 0: empty slot */
};

/* The work area of one call and the cache: secrets, wiped after use. Guarded by the lock, which serialises whole calls and is
 * therefore held over I/O. */
static struct {
	struct https conn;
	uint8_t reply[CLIENT_BODY_MAX];
	uint8_t form[TOKEN_MAX * 3]; /* a percent-encoded assertion */
	uint8_t assertion[TOKEN_MAX];
	char headers[SETTING_MAX + 64];
	char target[URL_MAX];
} work;
static struct cached cache[CACHE_SLOTS];
static struct lock area_lock = LOCK_INIT;

static struct cached *find_cached(const char *resource)
{
	for (size_t i = 0; i < CACHE_SLOTS; i++)
		if (cache[i].good_until && strcmp(cache[i].resource, resource) == 0)
			return &cache[i];
	return NULL;
}

/* The slot of this resource, else the one that ends first: an empty one ends before all. */
static struct cached *slot_for(const char *resource)
{
	struct cached *best = find_cached(resource);

	for (size_t i = 0; i < CACHE_SLOTS && !find_cached(resource); i++)
		if (!best || cache[i].good_until < best->good_until)
			best = &cache[i];
	return best;
}

static enum err config_fault(struct fault *f, const char *message)
{
	fault_advise(f, "a setting of the identity is wrong", "check IMDS_ENDPOINT, IDENTITY_ENDPOINT and AZURE_*");
	return fault_set(f, ERR_CONFIG, STEP_IDENTITY, message);
}

static void add_parameter(struct out *o, const char *name, struct span value)
{
	out_str(o, name);
	url_encode(o, value, false);
}

/* The endpoint's own query, each parameter followed by '&'. Exactly one api-version is sent: the
 * endpoint's first, else ours. A parameter that the request sets itself is dropped here. */
static void put_query(struct out *o, struct span query, const char *api_version, bool client_id)
{
	bool versioned = false;

	while (query.n) {
		struct span pair = span_cut(&query, '&'), rest = pair, name = span_cut(&rest, '=');
		bool version = span_eq_nocase(name, "api-version");

		if (pair.n == 0 || (version && versioned) || span_eq_nocase(name, "resource") ||
		    (client_id && span_eq_nocase(name, "client_id")))
			continue;
		versioned |= version;
		out_put(o, pair);
		out_byte(o, '&');
	}
	if (!versioned)
		out_strs(o, "api-version=", api_version, "&");
}

static bool is_workload(const struct identity_source *s)
{
	return s->client_id[0] && s->tenant_id[0] && s->token_file[0];
}

static bool is_app(const struct identity_source *s)
{
	return s->endpoint[0] && s->header[0];
}

void identity_log(const struct identity_source *s)
{
	struct span url = span_str(is_workload(s) ? s->authority
				   : is_app(s)    ? s->endpoint
						  : s->imds);

	log_text(LOG_INFO, "identity", "access tokens come from",
		 is_workload(s) ? "AZURE_AUTHORITY_HOST"
		 : is_app(s)    ? "IDENTITY_ENDPOINT"
				: "IMDS_ENDPOINT",
		 span_sub(url, 0, span_find(url, '?')));
}

/* (a) The instance metadata service. (b) App Service, Container Apps. What these variables mean on ACI is not documented: the form is
 * taken to be the same. */
static enum err order_platform(const struct identity_source *s, const char *resource, char host[HOST_MAX], struct call *k, struct fault *f)
{
	struct out o = out_init(work.target, sizeof work.target);
	struct out h = out_init(work.headers, sizeof work.headers);
	char url[URL_MAX];
	struct out endpoint = out_init(url, sizeof url);
	bool app = is_app(s);
	struct span query, path;

	if (call_target(app ? s->endpoint : s->imds, host, &k->to, &endpoint) != ERR_OK)
		return config_fault(f, app ? "the identity endpoint is not a URL" : "the metadata endpoint is not a URL");
	query = out_span(&endpoint);
	path = span_cut(&query, '?');
	out_put(&o, path);
	out_str(&o, !app ? "/metadata/identity/oauth2/token" : path.n ? "" : "/");
	out_byte(&o, '?');
	put_query(&o, query, app ? "2019-08-01" : "2018-02-01", s->client_id[0]);
	add_parameter(&o, "resource=", span_str(resource));
	if (s->client_id[0])
		add_parameter(&o, "&client_id=", span_str(s->client_id));
	if (app)
		out_strs(&h, "X-IDENTITY-HEADER: ", s->header, "\r\n");
	out_str(&h, "Metadata: true\r\n");
	k->request = (struct https_request){ .method = "GET", .target = out_cstr(&o), .headers = out_cstr(&h) };
	return o.bad || h.bad ? config_fault(f, "the identity request is too long") : ERR_OK;
}

/* (c) AKS workload identity. The file is read each time: the kubelet replaces it about once an hour. */
static enum err order_entra(const struct identity_source *s, const char *resource, char host[HOST_MAX], struct call *k, struct fault *f)
{
	struct out o = out_init(work.target, sizeof work.target);
	struct out form = out_init(work.form, sizeof work.form);
	char scope[URL_MAX + 16];
	size_t n;

	k->service = SERVICE_ENTRA;
	if (file_read_all(s->token_file, work.assertion, sizeof work.assertion, &n) != ERR_OK) {
		fault_advise(f, "the workload identity webhook did not mount the token", "check AZURE_FEDERATED_TOKEN_FILE");
		return fault_set(f, ERR_NOT_FOUND, STEP_IDENTITY, "the federated token file cannot be read");
	}
	if (call_target(s->authority, host, &k->to, &o) != ERR_OK || k->to.plain)
		return config_fault(f, "the authority is not an https URL");
	out_byte(&o, '/');
	url_encode(&o, span_str(s->tenant_id), false);
	out_str(&o, "/oauth2/v2.0/token");
	form.bad = !out_join(scope, sizeof scope, resource, "/.default");
	add_parameter(&form, "grant_type=client_credentials&client_id=", span_str(s->client_id));
	add_parameter(&form, "&scope=", span_str(scope));
	out_str(&form, "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer");
	add_parameter(&form, "&client_assertion=", span_trim(span_of(work.assertion, n)));
	k->request = (struct https_request){ .method = "POST", .target = out_cstr(&o), .content_type = FORM, .body = out_span(&form) };
	return o.bad || form.bad ? config_fault(f, "the token request is too long") : ERR_OK;
}

/* When the answer says how long it is good: expires_in (seconds) or expires_on (Unix time), as numbers or strings. */
static int64_t good_until(struct json_val root)
{
	int64_t now = clock_unix();
	uint64_t v;

	if (json_u64_lenient(json_get(root, "expires_in"), &v) == ERR_OK && v < 1000000)
		return now + (int64_t)v - FRESH_S;
	if (json_u64_lenient(json_get(root, "expires_on"), &v) == ERR_OK && v < 100000000000)
		return (int64_t)v - FRESH_S;
	return 0; /* not told: used once */
}

static enum err take_answer(struct span body, const char *resource, char *token, size_t cap, size_t *token_len,
                            struct fault *f)
{
	struct json_tok toks[REPLY_TOKENS];
	struct json doc;
	struct span text;
	int64_t until;

	if (json_parse(&doc, body, toks, REPLY_TOKENS) != ERR_OK ||
	    json_plain(json_get(json_root(&doc), "access_token"), &text) != ERR_OK || !span_is_word(text))
		return fault_set(f, ERR_PROTOCOL, STEP_IDENTITY, "the identity service's answer holds no access token");
	if (text.n > cap)
		return fault_set(f, ERR_TOO_BIG, STEP_IDENTITY, "the access token is too long");
	memcpy(token, text.p, text.n);
	*token_len = text.n;
	until = good_until(json_root(&doc));
	if (until > clock_unix() && text.n <= TOKEN_MAX) {
		struct cached *c = slot_for(resource);

		WIPE_N(c, sizeof *c);
		(void)span_copy_str(span_str(resource), c->resource, sizeof c->resource); /* it fits: both are settings' size */
		memcpy(c->token, text.p, text.n);
		c->len = text.n;
		c->good_until = until;
	}
	return ERR_OK;
}

static enum err fetch_token(const struct identity_source *s, const char *resource, char *token, size_t cap,
                            size_t *token_len, int64_t deadline_ms, struct fault *f)
{
	struct call k = { .step = STEP_IDENTITY, .service = SERVICE_IDENTITY, .body = work.reply, .cap = sizeof work.reply };
	struct call_answer a;
	char host[HOST_MAX];
	enum err err = (is_workload(s) ? order_entra : order_platform)(s, resource, host, &k, f);

	if (!err)
		err = call_success(&work.conn, &k, &a, deadline_ms, f);
	if (!err)
		err = take_answer(a.body, resource, token, cap, token_len, f);
	WIPE(work);
	return err;
}

enum err identity_token(const struct identity_source *s, const char *resource, char *token, size_t cap, size_t *token_len,
                        int64_t deadline_ms, struct fault *f)
{
	struct cached *c;
	enum err err = ERR_OK;

	if (!lock_take_until(&area_lock, deadline_ms))
		return fault_set(f, ERR_TIMEOUT, STEP_IDENTITY, "waiting for another token request took too long");
	c = find_cached(resource);
	if (c && c->good_until > clock_unix() && c->len <= cap) {
		memcpy(token, c->token, c->len);
		*token_len = c->len;
	} else {
		err = fetch_token(s, resource, token, cap, token_len, deadline_ms, f);
	}
	lock_release(&area_lock);
	return err;
}

void identity_forget(const char *resource)
{
	struct cached *c;

	lock_take(&area_lock);
	c = find_cached(resource);
	if (c)
		WIPE_N(c, sizeof *c);
	lock_release(&area_lock);
}

void identity_wipe(void)
{
	/* Best effort at exit: a call under way is not waited for long. */
	if (!lock_take_until(&area_lock, clock_ms() + 200))
		return;
	WIPE(cache);
	WIPE(work);
	lock_release(&area_lock);
}
