/* What a party answers. */
#ifndef PARTY_ROUTES_H
#define PARTY_ROUTES_H

#include "http/site.h"

/* Words of the tables. Rates: requests of one address and route within 60 s (multiparty-app.md section 0). */
#define OPEN false
#define SECRET true
enum {
	RATE_NONE = 0,
	RATE_ATTEST = 20,  /* what takes a report */
	RATE_RELEASE = 10,
	RATE_CRYPT = 60,
	RATE_SAVE = 30,
	RATE_HEAVY = 5,    /* import, analysis */
	RATE_SHOW = 60,    /* what is stored, and where */
	RATE_PEER = 300,   /* each a few ms, and a report for who may have one */
	RATE_LOGIN = 10    /* attempts to sign in, of whatever outcome */
};

/* For the HTTP and HTTPS ports. */
extern const struct route_table party_routes;
/* For the peer port. */
extern const struct route_table peer_routes;
/* The site of it; conns: a struct peer_conn for each of the HTTP_SLOTS connections. */
#define PEER_SITE(conns) { \
	.name = "peer", .listening = "listening for partners", .asks = true, .table = { &peer_routes }, \
	.unproven = "Only for a party that has proven on this connection who it is: POST /peer/hello, then /peer/proof.", \
	.kept = conns, .kept_len = sizeof (conns)[0], \
}

#endif
