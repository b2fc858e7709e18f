/* Who may use a route: the access classes, and the operator's proof. */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "enc/http_head.h"
#include "svc/session.h"
#include "svc/settings.h"

enum access {
	ACCESS_PUBLIC,  /* anyone */
	ACCESS_OPERATOR, /* a company's own people: bearer token whose SHA-256 is in the settings, or a session that it opened */
	ACCESS_GREET,    /* whoever has come to the peer port, with whatever certificate: to prove who it is */
	ACCESS_PEER,     /* another attested party that has proven itself on this connection: the peer port only */
	ACCESS_LOCAL     /* programs of the same container group: the sidecar port only, which listens on loopback */
};

enum access_verdict {
	ACCESS_DENIED = 0, /* no proof or a wrong one */
	ACCESS_CLOSED,     /* no operator is configured: nobody may */
	ACCESS_FOREIGN,    /* a good session, but the request comes from another site's page; local: from any page */
	ACCESS_GRANTED
};

/* Decides from the settings and the request's head. An Authorization field decides alone; else the session cookie. A browser sends a
 * cookie whoever's page makes it ask, so a request that rests on a cookie and changes something must show that a page of our own made
 * it: Sec-Fetch-Site same-origin, or an Origin that is our scheme and Host (RFC 6454; tls: how the request came). A local request
 * names a loopback Host (a page could have its own name lead here) and has neither of these fields. */
enum access_verdict access_check(enum access need, const struct settings *s, const struct http_head *h, bool tls);
/* The operator's token: compared by its hash in constant time. */
bool access_token_ok(const struct settings *s, struct span token);

/* The session cookie's name. Browsers do not tell cookies of one host's ports apart, so the port is part of it. */
#define ACCESS_COOKIE_MAX 32
void access_cookie_name(const struct http_head *h, char name[ACCESS_COOKIE_MAX]);
/* The session identifier that the request carries, a view; false when there is none. */
bool access_cookie(const struct http_head *h, struct span *id);

#endif
