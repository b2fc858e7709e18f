/* The storage account that the parties share, as anybody may see it: ciphertext. */
#include "text/base64.h"
#include "text/timefmt.h"
#include "text/url.h"
#include "text/utf8.h"
#include "demo/handlers.h"
#include "os/clock.h"

#define DOWNLOAD_MAX 67108864u /* a page cannot use more; clients that can read the account itself */
#define PAGES_MAX 160          /* of a listing: 5,120 blobs */
#define SLICE 32768            /* of text: at most six times as long in JSON */
#define SOON_DAYS 7
#define DOWNLOAD_PATH "/storage/download/"

static const char note[] = "Whoever can read this storage sees ciphertext only: the keys are released to attested containers alone.";

int h_storage_fault(struct request *q, const char *blob_name)
{
	const struct fault *f = &q->fault;
	const struct reply_member more[] = {
		{ "hint", fault_remedy(f) }, { "response_text", f->http_status ? f->message : NULL },
		{ "response", f->http_status ? f->message : NULL }, { "blob_name", blob_name },
	};
	/* The account's own 401 is no question to our caller's credentials. */
	int status = f->http_status >= 400 && f->http_status != 401 ? f->http_status : f->err == ERR_CONFIG ? 503 : 0;

	return answer_fault(q, status, more, sizeof more / sizeof more[0]);
}

/* --- configuration ----------------------------------------------------------------------------------------------- */

/* The forms that a SAS may have (all UTC): 2030-01-01, 2030-01-01T00:00Z, 2030-01-01T00:00:00Z. */
static bool read_expiry(struct span s, int64_t *unix_s)
{
	bool clock = s.n > 10;
	struct civil c;

	if ((s.n != 10 && s.n != 17 && s.n != 20) || s.p[4] != '-' || s.p[7] != '-' ||
	    (clock && (s.p[10] != 'T' || s.p[13] != ':' || s.p[s.n - 1] != 'Z')) || (s.n == 20 && s.p[16] != ':'))
		return false;
	c = (struct civil){ time_digits(s, 0, 4), time_digits(s, 5, 2), time_digits(s, 8, 2), clock ? time_digits(s, 11, 2) : 0,
		            clock ? time_digits(s, 14, 2) : 0, s.n == 20 ? time_digits(s, 17, 2) : 0 };
	if (!time_civil_ok(&c))
		return false;
	*unix_s = time_from_civil(&c);
	return true;
}

static void write_expiry(struct jw *w, const struct settings *s)
{
	uint8_t text[64], shown[32];
	struct out o = out_init(text, sizeof text), d = out_init(shown, sizeof shown);
	struct span value;
	int64_t ends, left;

	if (s->demo.storage.at.auth != BLOB_AUTH_SAS || !url_query(span_str(s->demo.storage.at.sas), "se", &value, NULL)) {
		jw_null(w, "sas_expiry"); /* none, or set by a stored access policy */
		return;
	}
	jw_object(w, "sas_expiry");
	if (url_decode(value, &o) != ERR_OK || !read_expiry(out_span(&o), &ends)) {
		jw_str(w, "error", "The expiry of the SAS cannot be read.");
		jw_end_object(w);
		return;
	}
	left = ends - clock_unix();
	time_http(&d, ends);
	jw_span(w, "expiry_date", out_span(&o));
	jw_span(w, "expiry_formatted", out_span(&d));
	jw_i64(w, "days_remaining", left > 0 ? left / 86400 : 0);
	jw_bool(w, "is_expired", left <= 0);
	jw_bool(w, "is_expiring_soon", left <= SOON_DAYS * 86400);
	jw_end_object(w);
}

static void write_url(struct jw *w, const char *member, const struct settings *s, const char *name)
{
	uint8_t url[URL_MAX + 4096];
	struct out o = out_init(url, sizeof url);

	storage_url(s, name, &o);
	jw_str(w, member, o.n ? out_cstr(&o) : NULL);
}

int h_storage_config(struct request *q, struct jw *w)
{
	const struct storage_settings *t = &q->s->demo.storage;

	jw_str(w, "storage_account", t->configured ? t->at.account : NULL);
	jw_str(w, "container_name", t->at.container);
	jw_str(w, "blob_endpoint", t->configured ? t->at.endpoint : NULL);
	write_url(w, "container_url", q->s, NULL);
	jw_str(w, "consolidated_blob_name", t->blob_name);
	jw_bool(w, "authenticated", t->configured);
	jw_str(w, "auth_method", storage_auth_name(q->s));
	jw_str(w, "storage_type", t->blob ? "blob" : "local");
	write_expiry(w, q->s);
	return 200;
}

/* --- listing ----------------------------------------------------------------------------------------------------- */

struct listing {
	const struct settings *s;
	struct jw *w;
	uint64_t count;
};

static enum err list_one(void *ctx, const struct blob_item *item)
{
	struct listing *l = ctx;
	char name[BLOB_NAME_MAX + 1];
	uint8_t size[24];
	struct out o = out_init(size, sizeof size);

	out_u64(&o, item->size);
	jw_object(l->w, NULL);
	jw_span(l->w, "name", item->name);
	jw_str(l->w, "size", out_cstr(&o));
	jw_span(l->w, "content_type", item->content_type);
	jw_span(l->w, "last_modified", item->last_modified);
	if (span_copy_str(item->name, name, sizeof name))
		write_url(l->w, "url", l->s, name);
	else
		jw_null(l->w, "url");
	jw_end_object(l->w);
	l->count++;
	return ERR_OK;
}

int h_storage_list(struct request *q, struct jw *w)
{
	struct listing l = { q->s, w, 0 };
	char marker[BLOB_MARKER_MAX] = "";
	enum err e = ERR_OK;
	int pages = 0;

	jw_str(w, "status", "success");
	jw_str(w, "storage_account", q->s->demo.storage.at.account);
	jw_str(w, "container", q->s->demo.storage.at.container);
	jw_str(w, "container_name", q->s->demo.storage.at.container);
	jw_array(w, "blobs");
	do {
		e = storage_list(q->s, demo_storage(q), marker, list_one, &l, q->deadline_ms, &q->fault);
		if (e && !q->reply->sent)
			return h_storage_fault(q, NULL);
		if (!e)
			e = answer_piece(q, w->o);
	} while (!e && marker[0] && ++pages < PAGES_MAX);
	jw_end_array(w);
	jw_u64(w, "blob_count", l.count);
	if (marker[0])
		jw_bool(w, "truncated", true);
	jw_str(w, "message", l.count ? "Blobs of the shared container." : "The container is empty.");
	jw_str(w, "security_note", note);
	jw_bool(w, "authenticated", true);
	jw_end_object(w);
	return answer_end(q, e ? e : answer_piece(q, w->o));
}

/* --- one blob ---------------------------------------------------------------------------------------------------- */

/* The longest beginning that ends with a whole character. At the end of the blob there is no more to wait for. */
static size_t whole_characters(struct span s, bool last)
{
	size_t tail = 0;

	while (!last && tail < 3 && tail < s.n && (s.p[s.n - 1 - tail] & 0xc0) == 0x80)
		tail++;
	if (!last && tail < s.n && s.p[s.n - 1 - tail] >= 0xc0 && utf8_len(span_sub(s, s.n - 1 - tail, s.n)) == 0)
		return s.n - 1 - tail;
	return s.n;
}

/* A piece as the inside of a JSON string. */
static enum err send_slice(struct request *q, struct span slice, bool text)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);

	if (text)
		jw_span(&w, NULL, slice);
	else
		jw_b64(&w, NULL, slice, B64_STD);
	if (o.bad)
		return ERR_TOO_BIG;
	return reply_stream_write(q->reply, span_sub(out_span(&o), 1, o.n - 2));
}

/* All of a piece but what belongs to the next one; *used says how much. */
static enum err send_piece(struct request *q, struct span piece, bool text, bool last, size_t *used)
{
	enum err e = ERR_OK;

	*used = 0;
	while (!e && *used < piece.n) {
		struct span rest = span_sub(piece, *used, SLICE);
		bool end = last && *used + rest.n == piece.n;
		size_t n = text ? whole_characters(rest, end) : end ? rest.n : rest.n / 3 * 3;

		if (n == 0)
			break;
		e = send_slice(q, span_sub(rest, 0, n), text);
		*used += n;
	}
	return e;
}

static bool looks_like_text(struct span s, bool whole)
{
	return utf8_valid(span_sub(s, 0, whole_characters(s, whole))) && span_find(s, 0) == s.n;
}

static enum err send_blob(struct request *q, struct jw *w, const char *name, struct blob_facts *facts, struct span piece)
{
	bool text = looks_like_text(piece, piece.n == facts->size);
	uint64_t at = 0;
	size_t used = 0;
	enum err e;

	jw_str(w, "status", "success");
	jw_str(w, "blob_name", name);
	jw_bool(w, "is_text", text);
	jw_u64(w, "size", facts->size);
	jw_str(w, "content_type", facts->content_type);
	jw_str(w, "security_note", note);
	jw_bool(w, "authenticated", true);
	out_str(w->o, ",\"content\":\"");
	e = answer_piece(q, w->o);
	while (!e && piece.n) {
		e = send_piece(q, piece, text, at + piece.n == facts->size, &used);
		at += used;
		if (!e)
			e = used ? storage_read(q->s, demo_storage(q), name, at, facts, &piece, q->deadline_ms, &q->fault) : ERR_PROTOCOL;
	}
	return e ? e : reply_stream_write(q->reply, SPAN_LIT("\"}"));
}

int h_storage_download(struct request *q, struct jw *w)
{
	uint8_t path[URL_MAX];
	char name[BLOB_NAME_MAX + 1];
	struct out o = out_init(path, sizeof path);
	struct blob_facts facts = { .size = 0 };
	struct span wanted = { NULL, 0 }, piece;

	/* The server has decoded the path before, to find this route: once, as here. */
	if (url_decode(q->head->path, &o) == ERR_OK)
		wanted = span_sub(out_span(&o), sizeof DOWNLOAD_PATH - 1, o.n);
	if (!blob_name_ok(wanted) || !span_copy_str(wanted, name, sizeof name))
		return answer_error(q, 400, "This is not the name of a blob in the shared container.");
	if (storage_read(q->s, demo_storage(q), name, 0, &facts, &piece, q->deadline_ms, &q->fault) != ERR_OK)
		return h_storage_fault(q, name);
	if (facts.size > DOWNLOAD_MAX)
		return answer_error(q, 413, "The blob is larger than 64 MiB; read it from the storage account itself.");
	return answer_end(q, send_blob(q, w, name, &facts, piece));
}
