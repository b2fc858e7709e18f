/* Rate limits per real peer and route: token buckets in fixed memory. */
#ifndef HTTP_RATE_H
#define HTTP_RATE_H

#include "base/out.h"
#include "os/net.h"

/* What counts as one peer: an IPv4 address, or an IPv6 /64 (one customer has at least that many addresses). */
#define RATE_PEER_LEN 16
void rate_peer(const struct net_addr *addr, uint8_t peer[RATE_PEER_LEN]);

struct rate_verdict {
	bool allowed;
	unsigned limit, remaining;
	unsigned reset_s; /* until one more is allowed (when not), or until the bucket is full again */
};

/* Takes one token of the bucket of this peer and `of`: a route, or whatever else its address stands for. limit: tokens within 60 s; 0:
 * unlimited. When all 1,024 buckets are in use the one longest unused is forgotten (its peer starts full): memory is bounded, the limit
 * is then softer. Thread-safe. */
struct rate_verdict rate_take(unsigned limit, const void *of, const struct net_addr *peer, int64_t now_ms);
/* What rate_take would say, without taking one. */
struct rate_verdict rate_look(unsigned limit, const void *of, const struct net_addr *peer, int64_t now_ms);
/* X-RateLimit-Limit, -Remaining, -Reset (and Retry-After when refused) as header lines. */
void rate_headers(const struct rate_verdict *v, struct out *o);

#endif
