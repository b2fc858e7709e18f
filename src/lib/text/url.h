/* URLs, request targets and percent-encoding (RFC 3986). */
#ifndef TEXT_URL_H
#define TEXT_URL_H

#include "base/err.h"
#include "base/limits.h"
#include "base/out.h"

/* An absolute http or https URL. No userinfo, no fragment. */
struct url {
	bool https;
	char host[HOST_MAX]; /* lower case; IPv6 literals without brackets */
	uint16_t port;       /* explicit or the scheme's default */
	char path[URL_MAX];  /* path and query as given, "/" at least */
};

/* Characters of RFC 3986 paths and queries only, '%' always with two hex digits: no blank, quote, '#', bracket,
 * backslash, control or non-ASCII byte. Untrusted. */
bool url_chars_ok(struct span text);

/* *u means something on success only. The scheme may be in either case; "?query" without a path gets its "/".
 * ERR_SYNTAX, ERR_TOO_BIG. Untrusted. */
MUST_USE enum err url_parse(struct span text, struct url *u);
/* "http://authority/path?query" cut into its parts, none of them looked at; the scheme in either case. False: no such scheme. */
bool url_split(struct span text, bool *https, struct span *authority, struct span *rest);
/* "host", "host:port" or "[v6]:port" as in endpoint settings; port is default_port when absent. A scheme, path,
 * userinfo or odd character is ERR_SYNTAX; so are port 0 and empty labels. Host is lower-cased. ERR_TOO_BIG over 253
 * characters. Untrusted. */
MUST_USE enum err url_hostport(struct span text, uint16_t default_port, char host[HOST_MAX], uint16_t *port);
/* The same as text: lower case, without the port when it is https's own. The issuer of a token and the identifier of a key are
 * compared with it. False: malformed, or longer than text[cap]. Untrusted. */
bool url_host_text(struct span v, char *text, size_t cap);
/* A host of this machine: 127.0.0.0/8 as a dotted quad, ::1, localhost, and names under that,
 * which os/net never looks up (RFC 6761 section 6.3). Decided by the address:
 * "127.evil.example" is none. host as url_hostport gives it. */
bool url_host_is_loopback(const char *host);
/* 169.254.0.0/16 as a dotted quad. */
bool url_host_is_link_local(const char *host);
/* Percent-encodes everything but unreserved characters (and '/' when keep_slash). */
void url_encode(struct out *o, struct span in, bool keep_slash);
/* Percent-decodes; "%00", bad hex and bytes below 0x20 (but for the tab) or 0x7f are ERR_SYNTAX, no room ERR_TOO_BIG. '+' stays '+'.
 * Untrusted. */
MUST_USE enum err url_decode(struct span in, struct out *o);
/* Value of a query parameter (still encoded) from "a=1&b=2"; false when absent. First one wins is NOT allowed:
 * a repeated name is false. *bad (may be NULL) is set to whether it was repeated. */
bool url_query(struct span query, const char *name, struct span *value, bool *bad);

#endif
