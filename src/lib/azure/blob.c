/* Azure Blob Storage: requests, signed or with a token, and what their answers mean. */
#include "azure/blob.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "http/call.h"
#include "azure/services.h"
#include "crypto/rng.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/timefmt.h"
#include "text/url.h"
#include "text/utf8.h"
#include "text/xml.h"
#include "os/clock.h"

#define PARAMS_MAX 5

/* One request and its answer. sign.date and sign.path are set when it is made. */
struct order {
	const struct blob_account *a;
	const char *name; /* NULL: the container */
	struct blob_sign sign;
	struct blob_param params[PARAMS_MAX];
	struct span body;
	uint8_t *dst; /* a successful answer's body */
	size_t cap, n;
	int status;
	struct blob_facts facts; /* of the answer's head: ETag, Content-Type, Content-Range */
	char range[BLOB_TEXT_MAX];
};

static bool is_control(uint8_t c)
{
	return (c < 0x20 && c != '\t') || c == 0x7f;
}

/* A '%' is a character of the name like others. But a server or proxy that decodes once too often
 * must not read another path than we mean: nothing that separates, ends or climbs stands behind
 * escapes, nor behind escaped escapes. */
static bool escapes_ok(struct span name)
{
	uint8_t text[BLOB_NAME_MAX], byte;
	bool again;

	memcpy(text, name.p, name.n);
	do {
		size_t to = 0;

		again = false;
		for (size_t i = 0; i < name.n; i++, to++) {
			text[to] = text[i];
			if (text[i] != '%' || hex_decode(span_sub(span_of(text, name.n), i + 1, 2),
							 &byte, 1) != ERR_OK)
				continue;
			if (is_control(byte) || strchr("./\\?#", byte))
				return false;
			text[to] = byte;
			i += 2;
			again = true;
		}
		name.n = to;
	} while (again);
	return true;
}

bool blob_name_ok(struct span name)
{
	struct span rest = name;

	if (name.n == 0 || name.n > BLOB_NAME_MAX || !utf8_valid(name) || name.p[name.n - 1] == '/')
		return false;
	for (size_t i = 0; i < name.n; i++)
		if (is_control(name.p[i]) || name.p[i] == '\\')
			return false;
	while (rest.n) {
		struct span segment = span_cut(&rest, '/');

		if (segment.n == 0 || span_eq_str(segment, ".") || span_eq_str(segment, ".."))
			return false;
	}
	return escapes_ok(name);
}

static void put_path(struct out *o, const struct blob_account *a, const char *name)
{
	out_byte(o, '/');
	url_encode(o, span_str(a->container), false);
	if (name) {
		out_byte(o, '/');
		url_encode(o, span_str(name), true);
	}
}

void blob_url(const struct blob_account *a, const char *name, struct out *o)
{
	out_str(o, a->endpoint);
	put_path(o, a, name);
}

/* --- the request ------------------------------------------------------------------------------------------------- */

static void param(struct order *r, const char *name, const char *value)
{
	r->params[r->sign.n_query++] = (struct blob_param){ name, span_str(value) };
}

/* Path and query into b->target; the path is what is signed. */
static enum err make_target(struct blob *b, struct order *r, char host[HOST_MAX], struct https_target *to, struct fault *f)
{
	struct out o = out_init(b->target, sizeof b->target);
	const struct blob_account *a = r->a;
	const char *between = "?";

	if (r->name && !blob_name_ok(span_str(r->name)))
		return fault_set(f, ERR_SYNTAX, STEP_BLOB, "this is not a name that a blob can have here");
	if (call_target(a->endpoint, host, to, &o) != ERR_OK)
		return fault_set(f, ERR_CONFIG, STEP_BLOB, "the storage endpoint is not a URL");
	put_path(&o, a, r->name);
	r->sign.path = out_span(&o);
	for (size_t i = 0; i < r->sign.n_query; i++) {
		out_strs(&o, between, r->params[i].name, "=");
		url_encode(&o, r->params[i].value, false);
		between = "&";
	}
	if (a->auth == BLOB_AUTH_SAS)
		out_strs(&o, between, a->sas);
	(void)out_cstr(&o);
	return o.bad ? fault_set(f, ERR_TOO_BIG, STEP_BLOB, "the blob's name is too long") : ERR_OK;
}

static void header(struct out *o, const char *name, const char *value)
{
	if (value)
		out_strs(o, name, value, "\r\n");
}

static enum err authorize(struct blob *b, struct order *r, struct out *o, int64_t deadline_ms, struct fault *f)
{
	const struct blob_account *a = r->a;
	size_t n = 0;

	if (a->auth == BLOB_AUTH_SAS)
		return ERR_OK;
	out_str(o, "Authorization: ");
	if (a->auth == BLOB_AUTH_KEY) {
		if (blob_sign_value(&r->sign, a->account, span_of(a->key.bytes, a->key.n), b->text, sizeof b->text, o) != ERR_OK)
			return fault_set(f, ERR_TOO_BIG, STEP_BLOB, "the storage request cannot be signed");
	} else {
		TRY(identity_token(a->identity, a->resource, b->token, sizeof b->token, &n, deadline_ms, f));
		out_str(o, "Bearer ");
		out_bytes(o, b->token, n);
		WIPE(b->token);
	}
	out_str(o, "\r\n");
	return ERR_OK;
}

static enum err make_headers(struct blob *b, struct order *r, int64_t deadline_ms, struct fault *f)
{
	struct out o = out_init(b->headers, sizeof b->headers);
	char date[40];
	struct out d = out_init(date, sizeof date);
	enum err e;

	time_http(&d, clock_unix());
	r->sign.date = out_cstr(&d);
	blob_sign_headers(&r->sign, &o);
	header(&o, "If-Match: ", r->sign.if_match);
	header(&o, "If-None-Match: ", r->sign.if_none_match);
	e = authorize(b, r, &o, deadline_ms, f);
	r->sign.date = NULL;
	TRY(e);
	(void)out_cstr(&o);
	return o.bad ? fault_set(f, ERR_TOO_BIG, STEP_BLOB, "the storage request's head is too long") : ERR_OK;
}

/* --- the answer -------------------------------------------------------------------------------------------------- */

void blob_read_error(struct span xml, struct span *code, struct span *message)
{
	struct xml x = xml_begin(xml);
	enum xml_kind kind;
	struct span text;

	*code = *message = span_of(NULL, 0);
	while (xml_next(&x, &kind, &text) == ERR_OK && kind != XML_END) {
		if (kind != XML_TEXT || x.depth != 2 || !span_eq_str(x.open[0], "Error"))
			continue;
		if (span_eq_str(x.open[1], "Code"))
			*code = text;
		if (span_eq_str(x.open[1], "Message"))
			*message = span_sub(text, 0, span_find(text, '\n')); /* then RequestId and Time */
	}
}

/* A success of what was asked for. 206 to a range, 201 to a write, 200 to the rest. */
static bool is_success(const struct order *r)
{
	if (span_eq_str(SPAN_LIT("PUT"), r->sign.method))
		return r->status == 201;
	return r->status == 200 || (r->status == 206 && r->sign.range);
}

static enum err refused(const char *code, const struct call_answer *a, struct fault *f)
{
	struct span in_body, message;
	struct refusal said = { { 0 }, { 0 }, { 0 } };

	blob_read_error(a->body, &in_body, &message);
	fault_text(said.code, sizeof said.code, code[0] ? span_str(code) : in_body);
	refusal_line(message.n ? message : a->body, said.message, sizeof said.message);
	return refusal_fault(SERVICE_STORAGE, STEP_BLOB, a->status, &said, a->retry_after_s, f);
}

static enum err ask(struct blob *b, struct order *r, int64_t deadline_ms, struct fault *f)
{
	char code[sizeof ((struct refusal *)0)->code], host[HOST_MAX];
	const struct call_field fields[] = {
		{ "ETag", r->facts.etag, sizeof r->facts.etag }, { "Content-Type", r->facts.content_type, sizeof r->facts.content_type },
		{ "Content-Range", r->range, sizeof r->range }, { "x-ms-error-code", code, sizeof code },
	};
	struct call k = {
		.request = { r->sign.method, b->target, b->headers, r->sign.content_type, r->body }, .step = STEP_BLOB,
		.service = SERVICE_STORAGE, .body = r->dst, .cap = r->cap, .fields = fields, .n_fields = sizeof fields / sizeof fields[0],
	};
	struct call_answer a;
	enum err e;

	fault_clear(f);
	r->status = 0;
	r->sign.query = r->params;
	r->sign.length = r->body.n;
	TRY(make_target(b, r, host, &k.to, f));
	e = make_headers(b, r, deadline_ms, f);
	if (!e)
		e = call_run(&b->conn, &k, &a, deadline_ms, f);
	WIPE(b->headers);
	TRY(e);
	r->status = a.status;
	r->n = a.body.n;
	return is_success(r) ? ERR_OK : refused(code, &a, f);
}

/* Once more when the account does not accept a cached token: it may have been revoked. */
static enum err run(struct blob *b, struct order *r, int64_t deadline_ms, struct fault *f)
{
	enum err e = ask(b, r, deadline_ms, f);

	if (r->status != 401 || r->a->auth != BLOB_AUTH_IDENTITY)
		return e;
	identity_forget(r->a->resource);
	return ask(b, r, deadline_ms, f);
}

/* --- reading ----------------------------------------------------------------------------------------------------- */

/* "bytes 6-10/27" that begins where it was asked for: how large the whole is. */
static bool read_range(struct span s, uint64_t at, size_t n, uint64_t *size)
{
	size_t dash = span_find(s, '-'), slash = span_find(s, '/');
	uint64_t from, to;

	if (!span_starts(s, "bytes ") || slash <= dash || !span_u64(span_sub(s, 6, dash - 6), &from) ||
	    !span_u64(span_sub(s, dash + 1, slash - dash - 1), &to) || !span_u64(span_sub(s, slash + 1, s.n), size))
		return false;
	return from == at && to >= from && to - from + 1 == n && to < *size;
}

enum err blob_read(struct blob *b, const struct blob_account *a, const char *name, uint64_t at, uint8_t *dst, size_t cap, size_t *n,
                   struct blob_facts *facts, int64_t deadline_ms, struct fault *f)
{
	struct order r = { .a = a, .name = name, .sign = { .method = "GET" }, .dst = dst, .cap = cap };
	char text[64];
	struct out o = out_init(text, sizeof text);
	enum err e;

	if (facts->etag[0]) {
		r.sign.if_match = facts->etag;
		if (at >= facts->size) {
			*n = 0;
			return ERR_OK;
		}
	}
	out_str(&o, "bytes=");
	out_u64(&o, at);
	out_byte(&o, '-');
	out_u64(&o, at + cap - 1);
	r.sign.range = out_cstr(&o);
	e = run(b, &r, deadline_ms, f);
	if (e == ERR_RANGE && at == 0) { /* an empty blob has no byte 0 */
		r.sign.range = NULL;
		e = run(b, &r, deadline_ms, f);
	}
	TRY(e);
	if (r.status == 200 && at == 0)
		r.facts.size = r.n; /* all of it */
	else if (!read_range(span_str(r.range), at, r.n, &r.facts.size))
		return fault_set(f, ERR_PROTOCOL, STEP_BLOB, "the storage service sent another range than asked for");
	if (!r.facts.etag[0] || (facts->etag[0] && strcmp(facts->etag, r.facts.etag) != 0))
		return fault_set(f, ERR_PROTOCOL, STEP_BLOB, "the storage service did not say which version it sent");
	*n = r.n;
	*facts = r.facts;
	return ERR_OK;
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static enum err write(struct blob *b, struct order *r, int64_t deadline_ms, struct fault *f)
{
	r->sign.method = "PUT";
	r->dst = b->reply;
	r->cap = sizeof b->reply;
	return run(b, r, deadline_ms, f);
}

enum err blob_put(struct blob *b, const struct blob_account *a, const char *name, const char *content_type, struct span data,
                  const char *if_match, int64_t deadline_ms, struct fault *f)
{
	struct order r = {
		.a = a, .name = name, .body = data,
		.sign = { .content_type = content_type, .blob_type = "BlockBlob", .if_match = if_match, .if_none_match = if_match ? NULL : "*" },
	};

	return write(b, &r, deadline_ms, f);
}

void blob_upload_begin(struct blob_upload *u)
{
	rng_bytes(u->id, sizeof u->id);
	u->blocks = 0;
}

/* 48 bytes as Microsoft's clients use them: all names of blocks of one blob must be of one length, also other writers'. */
#define BLOCK_ID_LEN 48
#define BLOCK_ID_TEXT B64_LEN(BLOCK_ID_LEN)
static void put_block_id(const struct blob_upload *u, uint32_t index, struct out *o)
{
	uint8_t id[BLOCK_ID_LEN] = { 0 };

	memcpy(id, u->id, sizeof u->id);
	store_be32(id + BLOCK_ID_LEN - 4, index);
	base64_encode(o, B64_STD, span_of(id, sizeof id));
}

enum err blob_upload_block(struct blob *b, const struct blob_account *a, const char *name, struct blob_upload *u, struct span data,
                           int64_t deadline_ms, struct fault *f)
{
	struct order r = { .a = a, .name = name, .sign = { .content_type = "application/octet-stream" }, .body = data };
	char id[BLOCK_ID_TEXT + 1];
	struct out o = out_init(id, sizeof id);
	enum err e;

	if (u->blocks == BLOB_UPLOAD_BLOCKS)
		return fault_set(f, ERR_FULL, STEP_BLOB, "the blob would be larger than this client writes");
	put_block_id(u, u->blocks, &o);
	param(&r, "blockid", out_cstr(&o));
	param(&r, "comp", "block");
	e = write(b, &r, deadline_ms, f);
	if (!e)
		u->blocks++;
	return e;
}

enum err blob_upload_commit(struct blob *b, const struct blob_account *a, const char *name, const struct blob_upload *u,
                            const char *content_type, const char *if_match, uint8_t *scratch, size_t cap,
                            int64_t deadline_ms, struct fault *f)
{
	struct order r = {
		.a = a, .name = name, .sign = { .content_type = "application/xml", .blob_content_type = content_type, .if_match = if_match,
		                                .if_none_match = if_match ? NULL : "*" },
	};
	struct out o = out_init(scratch, cap);

	out_str(&o, "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
	for (uint32_t i = 0; i < u->blocks; i++) {
		out_str(&o, "<Latest>");
		put_block_id(u, i, &o);
		out_str(&o, "</Latest>");
	}
	out_str(&o, "</BlockList>");
	if (o.bad)
		return fault_set(f, ERR_TOO_BIG, STEP_BLOB, "the list of blocks does not fit");
	r.body = out_span(&o);
	param(&r, "comp", "blocklist");
	return write(b, &r, deadline_ms, f);
}

/* --- listing ----------------------------------------------------------------------------------------------------- */

/* The element that text stands in, by its path below the root. */
static bool in_element(const struct xml *x, unsigned depth, const char *parent, const char *name)
{
	return x->depth == depth && span_eq_str(x->open[depth - 1], name) && (!parent || span_eq_str(x->open[depth - 2], parent));
}

static enum err take(struct span raw, struct out *o, struct span *value)
{
	size_t start = o->n;
	enum err e = xml_unescape(raw, o);

	*value = span_of(o->p + start, o->n - start);
	return e;
}

static enum err take_property(const struct xml *x, struct span raw, struct out *o, struct blob_item *item)
{
	const struct {
		const char *name;
		struct span *value;
	} texts[] = { { "Content-Type", &item->content_type }, { "Last-Modified", &item->last_modified }, { "Etag", &item->etag } };

	if (in_element(x, 4, "Blob", "Name"))
		return take(raw, o, &item->name);
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (in_element(x, 5, "Properties", texts[i].name))
			return take(raw, o, texts[i].value);
	if (in_element(x, 5, "Properties", "Content-Length"))
		return span_u64(raw, &item->size) ? ERR_OK : ERR_SYNTAX;
	return ERR_OK;
}

enum err blob_read_page(struct span page, char marker[BLOB_MARKER_MAX], uint8_t *text, size_t cap, blob_each each, void *ctx)
{
	struct xml x = xml_begin(page);
	struct out o = out_init(text, cap), next = out_init(marker, BLOB_MARKER_MAX);
	struct blob_item item = { 0 };
	enum xml_kind kind = XML_TEXT;
	struct span raw;
	enum err e = ERR_OK;

	while (!e && kind != XML_END) {
		e = xml_next(&x, &kind, &raw);
		if (e)
			break;
		if (kind == XML_OPEN && x.depth == 1 && !span_eq_str(raw, "EnumerationResults"))
			e = ERR_SYNTAX;
		if (kind == XML_OPEN && in_element(&x, 3, "Blobs", "Blob")) {
			item = (struct blob_item){ 0 };
			o = out_init(text, cap);
		}
		if (kind == XML_TEXT)
			e = in_element(&x, 2, NULL, "NextMarker") ? xml_unescape(raw, &next) : take_property(&x, raw, &o, &item);
		if (kind == XML_CLOSE && x.depth == 2 && span_eq_str(raw, "Blob"))
			e = item.name.n ? each(ctx, &item) : ERR_SYNTAX;
	}
	(void)out_cstr(&next);
	return !e && next.bad ? ERR_TOO_BIG : e;
}

enum err blob_list(struct blob *b, const struct blob_account *a, char marker[BLOB_MARKER_MAX], uint8_t *page, size_t cap,
                   blob_each each, void *ctx, int64_t deadline_ms, struct fault *f)
{
	struct order r = { .a = a, .sign = { .method = "GET" }, .dst = page, .cap = cap };
	enum err e;

	param(&r, "comp", "list");
	if (marker[0])
		param(&r, "marker", marker);
	param(&r, "maxresults", "32");
	param(&r, "restype", "container");
	TRY(run(b, &r, deadline_ms, f));
	e = blob_read_page(span_of(page, r.n), marker, b->text, sizeof b->text, each, ctx);
	if (e == ERR_SYNTAX || e == ERR_TOO_BIG)
		e = fault_set(f, ERR_PROTOCOL, STEP_BLOB, "the storage service's listing cannot be read");
	return e;
}
