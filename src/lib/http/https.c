/* One HTTP/1.1 connection to a service. */
#include "http/https.h"

#include <errno.h>
#include <string.h>

#include "base/ct.h"
#include "base/out.h"
#include "base/version.h"
#include "text/timefmt.h"
#include "os/clock.h"
#include "os/net.h"

#define CONNECT_MS 10000   /* connect and handshake together, within the caller's deadline */
#define INFORMATIONAL_MAX 8 /* 1xx answers skipped before the real one */
#define RETRY_AFTER_MAX 86400 /* a longer wait is absurd: as if absent */

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static void set_service(const struct https *c, struct fault *f)
{
	if (f)
		fault_text(f->service, sizeof f->service, span_str(c->service));
}

/* A failure of the connection: it is of no further use. */
static enum err fail(struct https *c, struct fault *f, enum err err, const struct step *step, const char *message)
{
	int error = errno;

	set_service(c, f);
	if (f && (err == ERR_SYSTEM || err == ERR_CONNECT))
		f->sys_errno = error;
	if (err == ERR_TLS || err == ERR_UNTRUSTED)
		fault_set_detail(f, err, step, message, span_str(tls_error_text(&c->tls)));
	else
		fault_set(f, err, step, message);
	https_close(c);
	return err;
}

static void set_names(struct https *c, const struct https_target *to)
{
	struct out o = out_init(c->service, sizeof c->service);
	bool v6 = strchr(to->host, ':') != NULL;

	(void)span_copy_str(span_str(to->host), c->host, sizeof c->host);
	c->port = to->port;
	c->plain = to->plain;
	out_strs(&o, v6 ? "[" : "", to->host, v6 ? "]" : "");
	if (to->port != (to->plain ? 80 : 443)) {
		out_byte(&o, ':');
		out_u64(&o, to->port);
	}
	(void)out_cstr(&o);
}

static const char *connect_message(enum err err)
{
	switch (err) {
	case ERR_NOT_FOUND: return "the host name was not found";
	case ERR_TIMEOUT: return "connecting took too long";
	default: return "connecting failed";
	}
}

enum err https_open(struct https *c, const struct https_target *to, const struct step *step, int64_t deadline_ms, struct fault *f)
{
	int64_t limit = earlier(deadline_ms, clock_ms() + CONNECT_MS);
	enum err err;

	https_close(c);
	set_names(c, to);
	errno = 0;
	err = net_connect(c->host, c->port, limit, &c->fd);
	if (err) {
		c->fd = -1;
		return fail(c, f, err, step, connect_message(err));
	}
	c->open = true;
	set_service(c, f);
	if (c->plain)
		return ERR_OK;
	tls_client_start(&c->tls, c->host, to->trust, clock_unix());
	if (to->own)
		tls_client_sign(&c->tls, to->own);
	err = tls_handshake(&c->tls, c->fd, limit);
	if (err)
		return fail(c, f, err, step, err == ERR_UNTRUSTED ? "the service's certificate is not trusted" :
		            err == ERR_TIMEOUT ? "the TLS handshake took too long" : "the TLS handshake failed");
	return ERR_OK;
}

void https_close(struct https *c)
{
	/* No close_notify: each exchange says how long it is, and a peer that does not read must not hold us up. */
	if (c->open)
		net_close(c->fd);
	tls_wipe(&c->tls);
	WIPE(c->in);
	WIPE(c->head_bytes);
	c->fd = -1;
	c->open = c->body_done = c->unsafe_to_reuse = false;
	c->in_at = c->in_n = 0;
	c->body_left = 0;
	memset(&c->head, 0, sizeof c->head);
	memset(&c->chunked, 0, sizeof c->chunked);
}

/* --- Bytes in and out --- */

static enum err send_bytes(struct https *c, struct span data, int64_t deadline_ms)
{
	if (data.n == 0)
		return ERR_OK;
	return c->plain ? net_write_all(c->fd, data, deadline_ms) : tls_send(&c->tls, c->fd, data, deadline_ms);
}

static enum err plain_recv(struct https *c, uint8_t *dst, size_t cap, size_t *n, int64_t deadline_ms)
{
	for (;;) {
		enum err err = net_read_some(c->fd, dst, cap, n);

		if (err != ERR_MORE)
			return err;
		TRY(net_wait(c->fd, NET_READ, deadline_ms));
	}
}

/* Reads more behind what is buffered. ERR_CLOSED with *orderly: the peer ended the stream as it should. */
static enum err fill(struct https *c, int64_t deadline_ms, bool *orderly)
{
	size_t got = 0;
	enum err err;

	*orderly = false;
	if (c->in_at) {
		memmove(c->in, c->in + c->in_at, c->in_n - c->in_at);
		c->in_n -= c->in_at;
		c->in_at = 0;
	}
	if (c->in_n == sizeof c->in)
		return ERR_TOO_BIG;
	if (c->plain) {
		err = plain_recv(c, c->in + c->in_n, sizeof c->in - c->in_n, &got, deadline_ms);
		*orderly = err == ERR_CLOSED; /* TCP cannot tell */
	} else {
		err = tls_recv(&c->tls, c->fd, c->in + c->in_n, sizeof c->in - c->in_n, &got, orderly, deadline_ms);
	}
	if (err == ERR_OK)
		c->in_n += got;
	return err;
}

static struct span buffered(const struct https *c)
{
	return span_of(c->in + c->in_at, c->in_n - c->in_at);
}

static const char *transfer_message(enum err err)
{
	switch (err) {
	case ERR_TIMEOUT: return "the answer took too long";
	case ERR_CLOSED: return "the service cut its answer short";
	case ERR_TLS: return "the TLS connection failed";
	case ERR_TOO_BIG: return "the answer is larger than allowed";
	default: return "the answer is not proper HTTP";
	}
}

/* --- Requests --- */

/* What goes into a request line or a field must not be able to end it. */
static bool is_clean(const char *text, bool lines)
{
	for (const char *p = text; *p; p++) {
		uint8_t c = (uint8_t)*p;

		if (c == 0x7f || (c < 0x20 && !(lines && (c == '\r' || c == '\n'))) || (!lines && c == ' '))
			return false;
	}
	return true;
}

static bool has_body(const struct https_request *r)
{
	return r->body.n || strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0;
}

static void write_head(struct out *o, const struct https *c, const struct https_request *r)
{
	out_strs(o, r->method, " ", r->target, " HTTP/1.1\r\nHost: ", c->service, "\r\nUser-Agent: parley/" PARLEY_VERSION "\r\n");
	if (has_body(r)) {
		if (r->content_type)
			out_strs(o, "Content-Type: ", r->content_type, "\r\n");
		out_str(o, "Content-Length: ");
		out_u64(o, r->body.n);
		out_str(o, "\r\n");
	}
}

static enum err send_request(struct https *c, const struct https_request *r, int64_t deadline_ms)
{
	uint8_t bytes[URL_MAX + 1024];
	struct out o = out_init(bytes, sizeof bytes);

	write_head(&o, c, r);
	if (o.bad || !is_clean(r->target, false) || (r->headers && !is_clean(r->headers, true)))
		return ERR_RANGE;
	TRY(send_bytes(c, out_span(&o), deadline_ms));
	TRY(send_bytes(c, span_str(r->headers), deadline_ms));
	TRY(send_bytes(c, SPAN_LIT("\r\n"), deadline_ms));
	return send_bytes(c, r->body, deadline_ms);
}

/* --- Responses --- */

/* Takes one head off the buffer, copied so that its views outlive the body's reading. */
static enum err read_one_head(struct https *c, const char *method, int64_t deadline_ms)
{
	for (;;) {
		enum err err = http_response_parse(buffered(c), method, &c->head);
		bool orderly;

		if (err == ERR_OK) {
			size_t size = c->head.size;

			if (size > sizeof c->head_bytes)
				return ERR_TOO_BIG;
			memcpy(c->head_bytes, c->in + c->in_at, size);
			c->in_at += size;
			return http_response_parse(span_of(c->head_bytes, size), method, &c->head);
		}
		if (err != ERR_MORE)
			return err == ERR_TOO_BIG ? err : ERR_PROTOCOL;
		if (buffered(c).n >= CLIENT_HEAD_MAX)
			return ERR_TOO_BIG;
		TRY(fill(c, deadline_ms, &orderly));
	}
}

static enum err read_head(struct https *c, const char *method, int64_t deadline_ms)
{
	for (int skipped = 0; skipped <= INFORMATIONAL_MAX; skipped++) {
		TRY(read_one_head(c, method, deadline_ms));
		if (c->head.status >= 200)
			return ERR_OK;
	}
	return ERR_PROTOCOL;
}

enum err https_send(struct https *c, const struct https_request *r, const struct step *step, int64_t deadline_ms, struct fault *f)
{
	enum err err;

	if (!c->open || c->unsafe_to_reuse)
		return fail(c, f, ERR_STATE, step, "the connection is not open");
	c->unsafe_to_reuse = true; /* until the body is read to its end */
	c->body_done = false;
	set_service(c, f);
	err = send_request(c, r, deadline_ms);
	if (err == ERR_RANGE)
		return fail(c, f, err, step, "the request cannot be written");
	/* A service may answer and close before it has read all of a request it refuses: look for that answer. */
	if (err && err != ERR_CLOSED)
		return fail(c, f, err, step, err == ERR_TIMEOUT ? "sending the request took too long" : "sending the request failed");
	err = read_head(c, r->method, deadline_ms);
	if (err)
		return fail(c, f, err, step, transfer_message(err));
	memset(&c->chunked, 0, sizeof c->chunked);
	c->body_left = c->head.framing == HTTP_LENGTH ? c->head.length : 0;
	c->body_done = c->head.framing == HTTP_NO_BODY || (c->head.framing == HTTP_LENGTH && c->body_left == 0);
	if (f)
		f->http_status = c->head.status;
	return ERR_OK;
}

/* Moves up to cap bytes of the body from the buffer. ERR_MORE asks for more input; ERR_OK with *n = 0 is the end. */
static enum err read_piece(struct https *c, uint8_t *dst, size_t cap, size_t *n)
{
	while (*n == 0 && !c->body_done) {
		/* Never more input than dst can take, so that no piece of data has to be put back. */
		struct span in = span_sub(buffered(c), 0, cap), rest = in, data = in;

		if (in.n == 0)
			return ERR_MORE;
		if (c->head.framing == HTTP_CHUNKED) {
			enum err err = chunked_next(&c->chunked, &rest, &data, &c->body_done);

			if (err && err != ERR_MORE)
				return ERR_PROTOCOL;
		} else if (c->head.framing == HTTP_LENGTH) {
			data = span_sub(in, 0, (size_t)c->body_left);
			c->body_left -= data.n;
			c->body_done = c->body_left == 0;
		}
		c->in_at += c->head.framing == HTTP_CHUNKED ? in.n - rest.n : data.n;
		if (data.n)
			memcpy(dst, data.p, data.n);
		*n = data.n;
	}
	return ERR_OK;
}

/* The body is whole: the connection may serve again if both sides want it and nothing unasked for has come. */
static void end_body(struct https *c)
{
	c->body_done = true;
	c->unsafe_to_reuse = !c->head.keep_alive || buffered(c).n || c->head.framing == HTTP_UNTIL_CLOSE;
}

enum err https_read(struct https *c, uint8_t *dst, size_t cap, size_t *n, const struct step *step, int64_t deadline_ms,
                    struct fault *f)
{
	*n = 0;
	if (c->body_done) {
		if (c->open)
			end_body(c);
		return ERR_OK;
	}
	if (!c->open || cap == 0)
		return fail(c, f, ERR_STATE, step, "the connection is not open");
	for (;;) {
		bool orderly;
		enum err err = read_piece(c, dst, cap, n);

		if (err == ERR_OK) {
			if (*n == 0)
				end_body(c);
			return ERR_OK;
		}
		if (err == ERR_MORE)
			err = fill(c, deadline_ms, &orderly);
		if (err == ERR_CLOSED && orderly && c->head.framing == HTTP_UNTIL_CLOSE) {
			end_body(c);
			return ERR_OK;
		}
		if (err)
			return fail(c, f, err, step, transfer_message(err));
	}
}

enum err https_body(struct https *c, uint8_t *dst, size_t cap, size_t *n, const struct step *step, int64_t deadline_ms,
                    struct fault *f)
{
	uint8_t beyond;
	size_t used = 0;

	if (c->head.framing == HTTP_LENGTH && !c->body_done && c->head.length > cap)
		return fail(c, f, ERR_TOO_BIG, step, transfer_message(ERR_TOO_BIG));
	for (;;) {
		size_t got;

		TRY(https_read(c, used < cap ? dst + used : &beyond, used < cap ? cap - used : 1, &got, step, deadline_ms, f));
		if (got == 0)
			break;
		if (used == cap)
			return fail(c, f, ERR_TOO_BIG, step, transfer_message(ERR_TOO_BIG));
		used += got;
	}
	*n = used;
	return ERR_OK;
}

size_t https_error_body(struct https *c, uint8_t *dst, size_t cap, const struct step *step,
			int64_t deadline_ms)
{
	size_t n = 0, got = 1;

	while (got && n < cap &&
	       https_read(c, dst + n, cap - n, &got, step, deadline_ms, NULL) == ERR_OK)
		n += got;
	if (!c->body_done)
		https_close(c);
	return n;
}

uint32_t https_retry_after(const struct https *c)
{
	struct span value;
	uint64_t seconds;
	int64_t at;

	if (!http_field_get(&c->head, "Retry-After", &value, NULL))
		return 0;
	if (span_u64(value, &seconds))
		return seconds <= RETRY_AFTER_MAX ? (uint32_t)seconds : 0;
	if (time_parse_http(value, &at) != ERR_OK)
		return 0;
	at -= clock_unix();
	return at > 0 && at <= RETRY_AFTER_MAX ? (uint32_t)at : 0;
}
