/* Rate limits per real peer and group of routes: token buckets in fixed memory. */
#ifndef HTTP_RATE_H
#define HTTP_RATE_H

#include "base/out.h"
#include "os/net.h"

/* What counts as one peer: an IPv4 address, or an IPv6 /64 (one customer has at least that many addresses). */
#define RATE_PEER_LEN 16
void rate_peer(const struct net_addr *addr, uint8_t peer[RATE_PEER_LEN]);

/* Limits per 60 s of each route of the group (multiparty-app.md section 0). RATE_NONE: unlimited. */
enum rate_group {
	RATE_NONE = 0,
	RATE_ATTEST,  /* 20: /attest/maa, /attest/raw, and others that take a report */
	RATE_RELEASE, /* 10: /skr/release, /skr/release-other, /skr/release-partner */
	RATE_CRYPT,   /* 60: /encrypt, /decrypt */
	RATE_SAVE,    /* 30: /company/save */
	RATE_HEAVY,   /* 5: /company/populate, /partner/analyze, /analytics/partner-demographics */
	RATE_SHOW,    /* 60: /storage/..., /company/encrypted-status, /container/info */
	RATE_PEER,    /* 300: /peer/hello, /peer/proof: each a few ms, and a report for who may have one */
	RATE_AUTH,    /* 10 wrong operator proofs on all routes together (access_check); and attempts to sign in, of whatever outcome */
	RATE_GROUPS
};

struct rate_verdict {
	bool allowed;
	unsigned limit, remaining;
	unsigned reset_s; /* until one more is allowed (when not), or until the bucket is full again */
};

/* Takes one token of the bucket of this peer and route (any number that stands for it, below 65536). When all 1,024 buckets are in use the one longest unused is
 * forgotten (its peer starts full): memory is bounded, the limit is then softer. Thread-safe. */
struct rate_verdict rate_take(enum rate_group g, unsigned route, const struct net_addr *peer, int64_t now_ms);
/* What rate_take would say, without taking one. */
struct rate_verdict rate_look(enum rate_group g, unsigned route, const struct net_addr *peer, int64_t now_ms);
/* X-RateLimit-Limit, -Remaining, -Reset (and Retry-After when refused) as header lines. */
void rate_headers(const struct rate_verdict *v, struct out *o);

#endif
