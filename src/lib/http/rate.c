/* Token buckets per peer and route. */
#include "http/rate.h"

#include <string.h>

#include "os/lock.h"

#define BUCKETS 1024
#define WINDOW_MS 60000

struct bucket {
	uint8_t ip[RATE_PEER_LEN];
	unsigned limit; /* 0: unused */
	const void *of;
	int64_t level; /* tokens times WINDOW_MS: refills by `limit` a millisecond without rounding */
	int64_t seen_ms;
};

static struct bucket buckets[BUCKETS];
static struct lock lock = LOCK_INIT;

void rate_peer(const struct net_addr *addr, uint8_t peer[RATE_PEER_LEN])
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(peer, addr->ip, RATE_PEER_LEN);
	if (memcmp(peer, mapped, sizeof mapped) != 0)
		memset(peer + 8, 0, 8);
}

/* make: where there is none, a full one; else NULL. */
static struct bucket *find_locked(unsigned limit, const void *of, const uint8_t ip[RATE_PEER_LEN], int64_t now_ms, bool make)
{
	struct bucket *oldest = &buckets[0];

	for (size_t i = 0; i < BUCKETS; i++) {
		struct bucket *b = &buckets[i];

		if (b->limit == limit && b->of == of && memcmp(b->ip, ip, RATE_PEER_LEN) == 0)
			return b;
		if (oldest->limit && (!b->limit || b->seen_ms < oldest->seen_ms))
			oldest = b;
	}
	if (!make)
		return NULL;
	memcpy(oldest->ip, ip, RATE_PEER_LEN);
	oldest->limit = limit;
	oldest->of = of;
	oldest->level = (int64_t)limit * WINDOW_MS;
	oldest->seen_ms = now_ms;
	return oldest;
}

static void refill(struct bucket *b, int64_t now_ms)
{
	int64_t limit = b->limit, full = limit * WINDOW_MS;

	/* After a whole window the bucket is full; the bound also keeps the product small. */
	b->level = now_ms - b->seen_ms >= WINDOW_MS ? full : b->level + (now_ms - b->seen_ms) * limit;
	if (b->level > full)
		b->level = full;
	b->seen_ms = now_ms;
}

static struct rate_verdict ask(unsigned tokens, const void *of, const struct net_addr *peer, int64_t now_ms, bool take)
{
	struct rate_verdict v = { .allowed = true };
	int64_t limit = tokens, full = limit * WINDOW_MS, level = full;
	struct bucket *b;
	uint8_t ip[RATE_PEER_LEN];

	if (tokens == 0)
		return v;
	rate_peer(peer, ip);
	lock_take(&lock);
	b = find_locked(tokens, of, ip, now_ms, take);
	if (b) {
		refill(b, now_ms);
		level = b->level;
	}
	v.allowed = level >= WINDOW_MS;
	if (take && v.allowed)
		b->level = level -= WINDOW_MS;
	lock_release(&lock);
	v.limit = tokens;
	v.remaining = (unsigned)(level / WINDOW_MS);
	v.reset_s = (unsigned)(((v.allowed ? full : WINDOW_MS) - level + limit * 1000 - 1) / (limit * 1000));
	return v;
}

struct rate_verdict rate_take(unsigned limit, const void *of, const struct net_addr *peer, int64_t now_ms)
{
	return ask(limit, of, peer, now_ms, true);
}

struct rate_verdict rate_look(unsigned limit, const void *of, const struct net_addr *peer, int64_t now_ms)
{
	return ask(limit, of, peer, now_ms, false);
}

static void put_line(struct out *o, const char *name, unsigned v)
{
	out_str(o, name);
	out_u64(o, v);
	out_str(o, "\r\n");
}

void rate_headers(const struct rate_verdict *v, struct out *o)
{
	if (v->limit == 0)
		return;
	put_line(o, "X-RateLimit-Limit: ", v->limit);
	put_line(o, "X-RateLimit-Remaining: ", v->remaining);
	put_line(o, "X-RateLimit-Reset: ", v->reset_s);
	if (!v->allowed)
		put_line(o, "Retry-After: ", v->reset_s);
}
