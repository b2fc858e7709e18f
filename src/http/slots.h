/* The fixed slots of connections, and who owns one at a moment. */
#ifndef HTTP_SLOTS_H
#define HTTP_SLOTS_H

#include "http/conn.h"

/* A slot is FREE, PARKED (waiting in the poll set, owned by nobody) or BUSY (owned by exactly one thread). Only
 * slots_claim, slots_take_free, slots_expire, slots_evict and slots_any_parked move a slot to BUSY, under the lock; its owner parks or frees it. */

/* Tag of a slot in the poll set: its index and a generation that tells a stale event from a new connection. */
struct conn *slots_take_free(const struct net_addr *peer, uint64_t *tag);
/* The slot an event belongs to, now BUSY; NULL when it is stale or already owned. */
struct conn *slots_claim(uint64_t tag);
/* Parks an owned slot: armed in the poll set for events (NET_READ, NET_WRITE) until c->deadline_ms. */
void slots_park(struct conn *c, unsigned events);
/* Gives back an owned slot after conn_finish. */
void slots_free(struct conn *c);
/* A parked connection whose deadline has passed; now BUSY. NULL when there is none. */
struct conn *slots_expire(int64_t now_ms);
/* The parked connection whose end costs least: one that lingers; else one of the peer that has the most connections, so that
 * nobody takes all the slots from others, and of these the one longest in its phase, which is the longest without progress. Now
 * BUSY. NULL when none is parked. */
struct conn *slots_evict(void);
/* An owned connection begins a long operation, to be followed by slots_slow_end; false when max of them run, or max_peer of its own
 * peer. */
bool slots_slow_begin(struct conn *c, unsigned max, unsigned max_peer);
void slots_slow_end(struct conn *c);
/* A parked connection that does not linger, for shutdown; now BUSY. */
struct conn *slots_any_parked(void);
unsigned slots_in_use(void);

#endif
