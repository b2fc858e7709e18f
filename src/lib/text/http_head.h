/* HTTP/1.1 message heads (RFC 9112): pure parser, refuses rather than repairs. */
#ifndef TEXT_HTTP_HEAD_H
#define TEXT_HTTP_HEAD_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"

struct http_field {
	struct span name, value; /* value trimmed; views into the head's bytes */
};

enum http_framing { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_UNTIL_CLOSE };

struct http_head {
	/* request */
	struct span method, target; /* target as sent */
	struct span path, query;    /* target split at '?'; absolute-form reduced to its path; views, still encoded */
	struct span host;           /* of an absolute-form target, else the Host field */
	bool expect_continue;
	/* response */
	int status;
	/* both */
	int minor; /* HTTP/1.minor, 0 or 1 */
	enum http_framing framing;
	uint64_t length; /* with HTTP_LENGTH */
	bool keep_alive; /* by version and Connection */
	size_t size;     /* bytes of the head including the empty line */
	int refuse;      /* with ERR_SYNTAX/ERR_TOO_BIG: the status a server answers (400, 414, 417, 431, 501, 505) */
	size_t n_fields;
	struct http_field fields[HTTP_FIELDS_MAX]; /* last: only [0..n_fields) is ever written */
};

/* Parses a request head from the start of in.
 * ERR_MORE: not complete yet (call again with more; a single empty CRLF before the request line is skipped).
 * ERR_SYNTAX or ERR_TOO_BIG with h->refuse: 400 for control characters, bare LF or CR, obs-fold, blanks before the
 *   colon, duplicate or malformed Content-Length, Content-Length with Transfer-Encoding, duplicate or absent Host in
 *   1.1, malformed target; 414 request line over URL_MAX; 431 head over HTTP_HEAD_MAX or too many fields;
 *   501 a transfer coding other than chunked, or a method token unknown to HTTP ("GET", "HEAD", "POST", "PUT",
 *   "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT" are known); 505 another major version; 417 an Expect other
 *   than 100-continue. Transfer-Encoding in HTTP/1.0 is 400.
 * Bytes that can never become right are refused at once, not only when the empty line has come. A target has the
 * characters of RFC 3986 only; the host of an absolute one counts instead of the Host field's; "*" goes with OPTIONS alone and
 * host:port with CONNECT alone (path is then empty). A minor version over 1 is read as 1 (RFC 9110 section 2.5).
 * Untrusted input, no state, no I/O; safe on every prefix. */
MUST_USE enum err http_request_parse(struct span in, struct http_head *h);

/* Parses a response head. request_method decides framing (HEAD has no body, 1xx/204/304 none; length is then what
 * Content-Length said, or 0). The same strictness, but an empty reason may come without its blank and there is no
 * limit to the first line; refuse is not used. Untrusted. */
MUST_USE enum err http_response_parse(struct span in, const char *request_method, struct http_head *h);

/* Value of a field by case-insensitive name; false when absent or repeated. *bad (may be NULL) tells which: set to
 * whether it was repeated. */
bool http_field_get(const struct http_head *h, const char *name, struct span *value, bool *bad);
/* Content-Type without its parameters is this, in any case. */
bool http_media_type_is(const struct http_head *h, const char *type);

#endif
