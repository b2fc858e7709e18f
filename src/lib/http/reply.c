/* Answers. */
#include "http/reply.h"

#include "base/ct.h"
#include "http/site.h"
#include "text/timefmt.h"
#include "os/clock.h"
#include "os/lock.h"

#define STREAM_SMALL 4096 /* a chunk with its frame that goes out at once */
#define SECURITY_HEADERS \
	"X-Content-Type-Options: nosniff\r\n" \
	"X-XSS-Protection: 1; mode=block\r\n" \
	"Referrer-Policy: strict-origin-when-cross-origin\r\n" \
	"Permissions-Policy: camera=(), microphone=(), geolocation=()\r\n" \
	"Content-Security-Policy: default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; "

static const struct {
	int status;
	char text[32];
} texts[] = {
	{ 100, "Continue" }, { 200, "OK" }, { 204, "No Content" }, { 304, "Not Modified" }, { 400, "Bad Request" },
	{ 401, "Unauthorized" }, { 403, "Forbidden" }, { 404, "Not Found" }, { 405, "Method Not Allowed" },
	{ 408, "Request Timeout" }, { 409, "Conflict" }, { 411, "Length Required" }, { 413, "Content Too Large" },
	{ 414, "URI Too Long" }, { 415, "Unsupported Media Type" }, { 417, "Expectation Failed" },
	{ 429, "Too Many Requests" }, { 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
	{ 501, "Not Implemented" }, { 502, "Bad Gateway" }, { 503, "Service Unavailable" }, { 504, "Gateway Timeout" },
	{ 505, "HTTP Version Not Supported" }, { 507, "Insufficient Storage" },
};

static const char *status_text(int status)
{
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "Status";
}

static void put_line(struct out *o, const char *name, const char *value)
{
	out_str(o, name);
	out_str(o, ": ");
	out_str(o, value);
	out_str(o, "\r\n");
}

/* The security headers: who may be framed by whom is what differs between pages, and that a page which others may frame may ask
 * them for their proofs. X-Frame-Options cannot name origins, so such a page does without it. */
static void put_security(struct out *o, const struct reply *r)
{
	bool framed = r->framed_by && r->framed_by[0];

	if (!framed)
		out_str(o, "X-Frame-Options: DENY\r\n");
	out_put(o, SPAN_LIT(SECURITY_HEADERS "connect-src 'self'"));
	if (framed) {
		out_byte(o, ' ');
		out_str(o, r->framed_by);
	}
	out_str(o, "; ");
	if (r->frames && r->frames[0]) {
		out_str(o, "frame-src ");
		out_str(o, r->frames);
		out_str(o, "; ");
	}
	out_str(o, "frame-ancestors ");
	out_str(o, framed ? r->framed_by : "'none'");
	out_str(o, "\r\n");
}

/* The second's date, written once. */
static void put_date(struct out *o)
{
	static struct lock lock = LOCK_INIT;
	static uint8_t line[48];
	static struct out kept = { line, 0, sizeof line, false };
	static int64_t kept_s = -1;
	int64_t now_s = clock_unix();

	lock_take(&lock);
	if (now_s != kept_s) {
		kept.n = 0;
		out_str(&kept, "\r\nDate: ");
		time_http(&kept, now_s);
		kept_s = now_s;
	}
	out_put(o, out_span(&kept));
	lock_release(&lock);
}

/* Only the client's own time counts, not what a service takes to give the next piece. */
static enum err send_bytes(struct reply *r, struct span data)
{
	int64_t start = clock_ms(), limit = r->write_ms, left;
	enum err e;

	r->sent_n += data.n;
	left = REPLY_WRITE_MS + (int64_t)(r->sent_n / REPLY_RATE) - r->waited_ms;
	if (r->stranger && left < limit)
		limit = left > 0 ? left : 0;
	e = conn_send(r->conn, data, start + limit);
	r->waited_ms += clock_ms() - start;
	return e;
}

/* length < 0: a stream. A body that fits goes along, in the same packet and record, and *body is then empty. */
static enum err send_head(struct reply *r, int status, const char *content_type, int64_t length, struct span *body)
{
	uint8_t buf[4096] __attribute__((uninitialized)); /* for each answer, and only what was written is read */
	struct out o = out_init(buf, sizeof buf);
	enum err e;

	out_str(&o, "HTTP/1.1 ");
	out_u64(&o, (uint64_t)status);
	out_byte(&o, ' ');
	out_str(&o, status_text(status));
	put_date(&o);
	out_str(&o, "\r\n");
	if (content_type)
		put_line(&o, "Content-Type", content_type);
	if (length >= 0 && status != 204 && status != 304) {
		out_str(&o, "Content-Length: ");
		out_u64(&o, (uint64_t)length);
		out_str(&o, "\r\n");
	}
	r->chunked = length < 0 && !r->http10;
	/* The end of such a stream is the connection's; and what is unread of a body would be taken for the next request. */
	if ((length < 0 && r->http10) || !r->conn->body_done)
		r->keep_alive = false;
	if (r->chunked)
		put_line(&o, "Transfer-Encoding", "chunked");
	out_str(&o, r->keep_alive ? "Connection: keep-alive\r\n" : "Connection: close\r\n");
	put_line(&o, "Cache-Control", r->no_store ? "no-store, no-cache, must-revalidate, max-age=0" : r->cache ? r->cache : "no-store");
	if (r->no_store)
		put_line(&o, "Pragma", "no-cache");
	put_security(&o, r);
	if (r->conn->use_tls)
		put_line(&o, "Strict-Transport-Security", "max-age=31536000");
	if (r->rate)
		out_str(&o, r->rate);
	if (r->extra)
		out_str(&o, r->extra);
	out_str(&o, "\r\n");
	r->sent = true;
	r->status = status;
	if (!o.bad && body->n <= o.cap - o.n) {
		out_put(&o, *body);
		*body = span_of(NULL, 0);
	}
	e = o.bad ? ERR_TOO_BIG : send_bytes(r, out_span(&o));
	WIPE_N(buf, o.n);
	return e;
}

void reply_send(struct reply *r, int status, const char *content_type, struct span body)
{
	struct span rest = r->head_only ? span_of(NULL, 0) : body;
	enum err e = send_head(r, status, content_type, (int64_t)body.n, &rest);

	if (e == ERR_OK && rest.n)
		e = send_bytes(r, rest);
	if (e != ERR_OK)
		r->keep_alive = false;
}

static const struct site_form *form_of(const struct reply *r)
{
	static const struct site_form ours = { "application/json", "message", true, NULL };

	return r->conn->site->form ? r->conn->site->form : &ours;
}

void reply_json(struct reply *r, int status, const struct out *json)
{
	if (json->bad)
		reply_error(r, 500, "The answer does not fit its buffer.");
	else
		reply_send(r, status, form_of(r)->json_type, out_span(json));
}

void reply_error(struct reply *r, int status, const char *message)
{
	uint8_t buf[1024];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	if (form_of(r)->error_status)
		jw_str(&w, "status", "error");
	jw_str(&w, form_of(r)->error_member, message);
	jw_end_object(&w);
	reply_json(r, status, &o);
}

/* The fault is in what a service or the device answered, not in our caller's request. */
static bool is_upstream(const struct fault *f)
{
	return f->step && f->step->upstream;
}

static int fault_status(const struct fault *f)
{
	switch (f->err) {
	case ERR_DENIED:
		return 403;
	case ERR_THROTTLED:
		return f->http_status ? 429 : 503;
	case ERR_HTTP:
		/* A service's own 401 is not a question to our caller's credentials. */
		return f->http_status >= 400 && f->http_status < 600 && f->http_status != 401 ? f->http_status : 502;
	case ERR_TIMEOUT:
		return 504;
	case ERR_NO_DEVICE:
	case ERR_FIRMWARE:
	case ERR_CONNECT:
		return 503;
	case ERR_CONFIG:
	case ERR_STATE:
		return 400;
	case ERR_SYNTAX:
	case ERR_RANGE:
		return is_upstream(f) ? 502 : 400;
	case ERR_TOO_BIG:
		return is_upstream(f) ? 502 : 413;
	case ERR_FULL:
		return 507;
	case ERR_NOT_FOUND:
		return f->step && !f->step->upstream ? 404 : 502;
	case ERR_TLS:
	case ERR_UNTRUSTED:
	case ERR_CLOSED:
	case ERR_PROTOCOL:
	case ERR_MISMATCH:
	case ERR_CRYPTO:
		return 502;
	default:
		return 500;
	}
}

static void write_number(struct jw *w, const char *name, uint64_t v)
{
	if (v)
		jw_u64(w, name, v);
}

static void write_fault(struct jw *w, const struct fault *f)
{
	jw_str(w, "message", f->message);
	jw_str(w, "failure_reason", fault_cause(f));
	jw_str(w, "step", step_name(f->step));
	jw_str(w, "error", err_name(f->err));
	jw_str(w, "service", f->service[0] ? f->service : NULL);
	write_number(w, "http_status", (uint64_t)f->http_status);
	if (f->code[0])
		jw_str(w, "service_code", f->code);
	write_number(w, "errno", (uint64_t)f->sys_errno);
	write_number(w, "fw_error", f->fw_error);
	write_number(w, "vmm_error", f->vmm_error);
	write_number(w, "retry_after_seconds", f->retry_after_s);
	jw_object(w, "diagnosis");
	jw_str(w, "likely_cause", fault_cause(f));
	jw_str(w, "explanation", f->message);
	jw_str(w, "solution", fault_remedy(f));
	jw_null(w, "command");
	jw_end_object(w);
	/* As the original told what its helper process had said; the log lines that it added stay here. */
	jw_str(w, "sidecar_response", f->message);
	if (f->http_status)
		jw_u64(w, "sidecar_status_code", (uint64_t)f->http_status);
	else
		jw_null(w, "sidecar_status_code");
	jw_str(w, "note", fault_remedy(f));
	jw_object(w, "logs");
	jw_end_object(w);
}

void reply_fault_with(struct reply *r, const struct fault *f, int status, const struct reply_member *more, size_t n)
{
	uint8_t buf[8192], extra[64];
	struct out o = out_init(buf, sizeof buf), x = out_init(extra, sizeof extra);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_str(&w, "status", "error");
	write_fault(&w, f);
	for (size_t i = 0; i < n; i++)
		jw_str(&w, more[i].name, more[i].value);
	jw_end_object(&w);
	if (f->retry_after_s) {
		out_str(&x, "Retry-After: ");
		out_u64(&x, f->retry_after_s);
		out_str(&x, "\r\n");
		r->extra = out_cstr(&x);
	}
	reply_json(r, status ? status : fault_status(f), &o);
	r->extra = NULL;
}

void reply_fault(struct reply *r, const struct fault *f)
{
	reply_fault_with(r, f, 0, NULL, 0);
}

enum err reply_stream_start(struct reply *r, int status, const char *content_type)
{
	struct span none = span_of(NULL, 0);

	return send_head(r, status, content_type, -1, &none);
}

enum err reply_stream_write(struct reply *r, struct span piece)
{
	uint8_t chunk[STREAM_SMALL];
	struct out o = out_init(chunk, sizeof chunk);
	bool small;
	enum err e = ERR_OK;

	if (r->head_only || piece.n == 0)
		return ERR_OK;
	out_hex_u64(&o, piece.n);
	out_str(&o, "\r\n");
	small = r->chunked && piece.n + 2 <= sizeof chunk - o.n;
	if (small) { /* one packet and record instead of three */
		out_put(&o, piece);
		out_str(&o, "\r\n");
	}
	if (r->chunked)
		e = send_bytes(r, out_span(&o));
	if (e == ERR_OK && !small)
		e = send_bytes(r, piece);
	if (e == ERR_OK && !small && r->chunked)
		e = send_bytes(r, SPAN_LIT("\r\n"));
	WIPE(chunk);
	if (e != ERR_OK)
		r->keep_alive = false;
	return e;
}

void reply_stream_end(struct reply *r)
{
	if (r->chunked && !r->head_only && send_bytes(r, SPAN_LIT("0\r\n\r\n")) != ERR_OK)
		r->keep_alive = false;
}
