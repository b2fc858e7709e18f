/* Who may use a route: the access classes, and the operator's proof. */
#ifndef HTTP_ACCESS_H
#define HTTP_ACCESS_H

#include "text/http_head.h"
#include "base/setting.h"
#include "http/rate.h"
#include "http/session.h"

enum access {
	ACCESS_PUBLIC,  /* anyone */
	ACCESS_SIGN_IN, /* anyone, over a way that keeps the operator's token secret */
	ACCESS_OPERATOR, /* a company's own people: bearer token whose SHA-256 is in the settings, or a session that it opened */
	ACCESS_PROVEN,   /* the other end of a connection on which a handler of the site has authenticated it (conn->proven) */
	ACCESS_LOCAL     /* programs of the same container group: for sites that listen on loopback */
};

/* Who is operator (OPERATOR_AUTH). Neither member set: nobody, and operator routes are closed. */
struct access_operator {
	bool none; /* everybody is */
	bool set;  /* who has the bearer token of this SHA-256 */
	uint8_t sha256[32];
};
extern const struct setting operator_settings[];

enum access_verdict {
	ACCESS_DENIED = 0, /* no proof or a wrong one */
	ACCESS_CLOSED,     /* no operator is configured: nobody may */
	ACCESS_PLAIN,      /* no TLS, and not from this machine: a proof would be seen on its way, none is looked at */
	ACCESS_LIMITED,    /* too many wrong proofs from this address: none is looked at */
	ACCESS_FOREIGN,    /* a good session, but the request comes from another site's page; local: from any page */
	ACCESS_GRANTED
};

/* How a request came. The peer is the connection's own: no header field replaces it. */
struct access_way {
	struct net_addr peer;
	bool tls;
};

/* Decides from the operator and the request's head. An Authorization field decides alone; else the session cookie. A browser sends a
 * cookie whoever's page makes it ask, so a request that rests on a cookie and changes something must show that a page of our own made
 * it: Sec-Fetch-Site same-origin, or an Origin that is our scheme and Host (RFC 6454). A local request comes from this machine, names a
 * loopback Host (a page could have its own name lead here) and has neither of these fields.
 * Wrong proofs of all kinds, on all routes and ports, share one limit per peer (ACCESS_GUESSES). It is asked before a proof is compared:
 * beyond it the right one is refused like a wrong one. A request without any proof is no guess and costs nothing.
 * *limit: that limit after a wrong proof and with ACCESS_LIMITED; else zeros. Thread-safe. */
enum access_verdict access_check(enum access need, const struct access_operator *operator, const struct http_head *h,
                                 const struct access_way *way, struct rate_verdict *limit);
/* The same for a token that came in a body: GRANTED, DENIED or LIMITED. */
enum access_verdict access_token(const struct access_operator *operator, struct span token, const struct access_way *way,
                                 struct rate_verdict *limit);
/* Wrong proofs that one address may send within a minute. */
#define ACCESS_GUESSES 10
#define ACCESS_LIMITED_TEXT "Too many wrong operator proofs from this address: none is looked at until Retry-After is over."
/* "https://host:port" of our TLS port as the request names us, or "" without a port (0) or Host. The Host field is the caller's word:
 * its form is checked, nothing else. */
#define ACCESS_ORIGIN_MAX (HOST_MAX + 20)
void access_https_origin(const struct http_head *h, uint16_t port, char dst[ACCESS_ORIGIN_MAX]);
/* The operator's token: compared by its hash in constant time. Unlimited: for access_check and access_token. */
bool access_token_ok(const struct access_operator *operator, struct span token);

/* The session cookie's name. Browsers do not tell cookies of one host's ports apart, so the port is part of it. Over TLS it begins
 * with __Host-: browsers then take it over TLS only, for this host only. */
#define ACCESS_COOKIE_MAX 32
void access_cookie_name(const struct http_head *h, bool tls, char name[ACCESS_COOKIE_MAX]);
/* The session identifier that the request carries, a view; false when there is none. */
bool access_cookie(const struct http_head *h, bool tls, struct span *id);

#endif
