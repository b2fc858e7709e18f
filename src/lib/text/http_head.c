/* HTTP/1.1 message heads: strict pure parser. */
#include "text/http_head.h"

#include <stddef.h>
#include <string.h>

#include "text/url.h"

/* Of a response's first line. Room for the two line breaks is kept, so that a full buffer never asks for more. */
#define RESPONSE_LINE_MAX (CLIENT_HEAD_MAX - 4)

static enum err refuse(struct http_head *h, int status)
{
	h->refuse = status;
	return status == 414 || status == 431 ? ERR_TOO_BIG : ERR_SYNTAX;
}

/* --- characters and lines ----------------------------------------------------------------------------------------- */

static bool is_token_char(uint8_t c)
{
	return is_alnum(c) || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_token(struct span s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!is_token_char(s.p[i]))
			return false;
	return s.n > 0;
}

/* Field text: visible ASCII, blank, tab, and bytes over 0x7f which older senders use. */
static bool is_text_char(uint8_t c)
{
	return c == '\t' || (c >= 0x20 && c != 0x7f);
}

/* Finds the end of the line which starts at `at`: *end is where its CRLF stands. ERR_MORE when it is not here yet;
 * control bytes, a CR without LF and an LF without CR are refused, however much is still to come. */
static enum err line_end(struct span in, size_t at, size_t *end)
{
	for (size_t i = at; i < in.n; i++) {
		if (is_text_char(in.p[i]))
			continue;
		if (in.p[i] != '\r' || (i + 1 < in.n && in.p[i + 1] != '\n'))
			return ERR_SYNTAX;
		if (i + 1 == in.n)
			return ERR_MORE;
		*end = i;
		return ERR_OK;
	}
	return ERR_MORE;
}

/* One line starting at *at, which moves behind its CRLF. `max` bounds the line, too_long is the status if exceeded. */
static enum err take_line(struct http_head *h, struct span in, size_t *at, size_t max, int too_long, struct span *line)
{
	size_t end = in.n;
	enum err err = line_end(in, *at, &end);

	if (err == ERR_SYNTAX)
		return refuse(h, 400);
	/* The CR of an unfinished line is not part of it. */
	if (err == ERR_MORE && in.n > *at && in.p[in.n - 1] == '\r')
		end = in.n - 1;
	if (end - *at > max)
		return refuse(h, too_long);
	if (err == ERR_OK) {
		*line = span_sub(in, *at, end - *at);
		*at = end + 2;
	}
	return err;
}

/* --- fields ------------------------------------------------------------------------------------------------------- */

/* A name which is a token and directly followed by its colon: this refuses folded lines and blanks before the colon. */
static enum err add_field(struct http_head *h, struct span line)
{
	size_t colon = span_find(line, ':');
	struct span name = span_sub(line, 0, colon);

	if (colon == line.n || !is_token(name))
		return refuse(h, 400);
	if (h->n_fields == HTTP_FIELDS_MAX)
		return refuse(h, 431);
	h->fields[h->n_fields++] = (struct http_field){ name, span_trim(span_sub(line, colon + 1, line.n)) };
	return ERR_OK;
}

/* All field lines up to and with the empty line. */
static enum err take_fields(struct http_head *h, struct span in, size_t at, size_t max)
{
	struct span line;

	for (;;) {
		/* At least the empty line must still fit. */
		if (at + 2 > max)
			return refuse(h, 431);
		TRY(take_line(h, in, &at, max - at - 2, 431, &line));
		h->size = at;
		if (line.n == 0)
			return ERR_OK;
		TRY(add_field(h, line));
	}
}

static size_t count_fields(const struct http_head *h, const char *name, struct span *value)
{
	size_t count = 0;

	for (size_t i = 0; i < h->n_fields; i++)
		if (span_eq_nocase(h->fields[i].name, name)) {
			*value = h->fields[i].value;
			count++;
		}
	return count;
}

bool http_field_get(const struct http_head *h, const char *name, struct span *value, bool *bad)
{
	struct span found = { NULL, 0 };
	size_t count = count_fields(h, name, &found);

	if (bad)
		*bad = count > 1;
	if (count == 1)
		*value = found;
	return count == 1;
}

bool http_media_type_is(const struct http_head *h, const char *type)
{
	struct span value;

	return http_field_get(h, "Content-Type", &value, NULL) && span_eq_nocase(span_trim(span_cut(&value, ';')), type);
}

/* Whether a comma-separated list in any of the fields of that name holds the word. */
static bool list_has(const struct http_head *h, const char *name, const char *word)
{
	for (size_t i = 0; i < h->n_fields; i++) {
		struct span rest = h->fields[i].value;

		if (!span_eq_nocase(h->fields[i].name, name))
			continue;
		while (rest.n)
			if (span_eq_nocase(span_trim(span_cut(&rest, ',')), word))
				return true;
	}
	return false;
}

/* --- what the fields mean ----------------------------------------------------------------------------------------- */

/* A body has a length, or is chunked, or neither: anything in between is how requests are smuggled. */
static enum err set_framing(struct http_head *h, enum http_framing otherwise)
{
	struct span coding = { NULL, 0 }, length = { NULL, 0 };
	size_t codings = count_fields(h, "Transfer-Encoding", &coding);
	size_t lengths = count_fields(h, "Content-Length", &length);

	h->framing = otherwise;
	if (codings > 1 || lengths > 1 || (codings && lengths))
		return refuse(h, 400);
	if (codings) {
		if (h->minor == 0 || coding.n == 0)
			return refuse(h, 400);
		if (!span_eq_nocase(coding, "chunked"))
			return refuse(h, 501);
		h->framing = HTTP_CHUNKED;
	}
	if (lengths) {
		if (!span_u64(length, &h->length))
			return refuse(h, 400);
		h->framing = HTTP_LENGTH;
	}
	return ERR_OK;
}

static void set_keep_alive(struct http_head *h)
{
	if (list_has(h, "Connection", "close"))
		h->keep_alive = false;
	else
		h->keep_alive = h->minor > 0 || list_has(h, "Connection", "keep-alive");
}

/* HTTP-version = "HTTP/" DIGIT "." DIGIT. */
static enum err set_version(struct http_head *h, struct span v)
{
	uint64_t major, minor;

	if (v.n != 8 || !span_starts(v, "HTTP/") || v.p[6] != '.' || !span_u64(span_sub(v, 5, 1), &major) ||
	    !span_u64(span_sub(v, 7, 1), &minor))
		return refuse(h, 400);
	if (major != 1)
		return refuse(h, 505);
	h->minor = minor > 0;
	return ERR_OK;
}

static bool host_ok(struct span value)
{
	char host[HOST_MAX];
	uint16_t port;

	return url_hostport(value, 80, host, &port) == ERR_OK;
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static enum err set_method(struct http_head *h, struct span method)
{
	static const char known[][8] = { "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT" };

	if (!is_token(method))
		return refuse(h, 400);
	h->method = method;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		if (span_eq_str(method, known[i]))
			return ERR_OK;
	return refuse(h, 501);
}

static void split_query(struct http_head *h, struct span path)
{
	h->path = span_cut(&path, '?');
	h->query = path;
}

/* "http://host/path": the path from it, and the host, which counts instead of the Host field's (RFC
 * 9112 section 3.2.2). */
static bool split_absolute(struct http_head *h, struct span target)
{
	struct span path;
	bool https;

	if (!url_split(target, &https, &h->host, &path))
		return false;
	split_query(h, path);
	if (h->path.n == 0)
		h->path = SPAN_LIT("/");
	return host_ok(h->host);
}

static enum err set_target(struct http_head *h, struct span target)
{
	bool ok;

	h->target = target;
	if (span_eq_str(h->method, "CONNECT")) {
		ok = host_ok(target);
	} else if (span_eq_str(target, "*")) {
		h->path = target;
		ok = span_eq_str(h->method, "OPTIONS");
	} else if (!url_chars_ok(target)) {
		ok = false;
	} else if (span_starts(target, "/")) {
		split_query(h, target);
		ok = true;
	} else {
		ok = split_absolute(h, target);
	}
	return ok ? ERR_OK : refuse(h, 400);
}

/* The version is looked at before the method, so that the preface of HTTP/2 is answered 505. */
static enum err parse_request_line(struct http_head *h, struct span line)
{
	struct span method = span_cut(&line, ' '), target = span_cut(&line, ' ');

	TRY(set_version(h, line));
	TRY(set_method(h, method));
	return set_target(h, target);
}

static enum err check_host(struct http_head *h)
{
	struct span host = { NULL, 0 };
	size_t count = count_fields(h, "Host", &host);

	if (count > 1 || (count == 0 && h->minor > 0) || (count && !host_ok(host)))
		return refuse(h, 400);
	if (count && h->host.n == 0)
		h->host = host;
	return ERR_OK;
}

/* RFC 9110 section 10.1.1: in HTTP/1.0 it means nothing. */
static enum err check_expect(struct http_head *h)
{
	struct span value = { NULL, 0 };
	size_t count = count_fields(h, "Expect", &value);

	if (count == 0 || h->minor == 0)
		return ERR_OK;
	if (count > 1 || !span_eq_nocase(value, "100-continue"))
		return refuse(h, 417);
	h->expect_continue = true;
	return ERR_OK;
}

enum err http_request_parse(struct span in, struct http_head *h)
{
	struct span line;
	size_t at = span_starts(in, "\r\n") ? 2 : 0; /* some clients send an empty line after a body (RFC 9112 section 2.2) */

	memset(h, 0, offsetof(struct http_head, fields));
	if (in.n == 0 || span_eq_str(in, "\r"))
		return ERR_MORE;
	TRY(take_line(h, in, &at, URL_MAX, 414, &line));
	TRY(parse_request_line(h, line));
	TRY(take_fields(h, in, at, HTTP_HEAD_MAX));
	TRY(check_host(h));
	TRY(set_framing(h, HTTP_NO_BODY));
	TRY(check_expect(h));
	set_keep_alive(h);
	return ERR_OK;
}

/* --- responses ---------------------------------------------------------------------------------------------------- */

/* "HTTP/1.1 200 OK"; the reason means nothing and is not kept. */
static enum err parse_status_line(struct http_head *h, struct span line)
{
	struct span version = span_cut(&line, ' '), status = span_cut(&line, ' ');
	uint64_t n;

	TRY(set_version(h, version));
	if (status.n != 3 || !span_u64(status, &n) || n < 100 || n > 599)
		return refuse(h, 400);
	h->status = (int)n;
	return ERR_OK;
}

enum err http_response_parse(struct span in, const char *request_method, struct http_head *h)
{
	struct span line;
	size_t at = 0;

	memset(h, 0, offsetof(struct http_head, fields));
	TRY(take_line(h, in, &at, RESPONSE_LINE_MAX, 431, &line));
	TRY(parse_status_line(h, line));
	TRY(take_fields(h, in, at, CLIENT_HEAD_MAX));
	TRY(set_framing(h, HTTP_UNTIL_CLOSE));
	if (h->status < 200 || h->status == 204 || h->status == 304 || strcmp(request_method, "HEAD") == 0)
		h->framing = HTTP_NO_BODY;
	set_keep_alive(h);
	if (h->framing == HTTP_UNTIL_CLOSE)
		h->keep_alive = false;
	return ERR_OK;
}
