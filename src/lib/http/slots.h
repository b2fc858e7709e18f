/* The fixed slots of connections, and who owns one at a moment. */
#ifndef HTTP_SLOTS_H
#define HTTP_SLOTS_H

#include "http/conn.h"
#include "os/poll.h"

/* Long operations have places by kind, so that none can take another kind's. Two addresses that hold all they may
 * leave one place to the others of their kind. */
enum place {
	PLACE_NONE = 0, /* quick: no place is needed */
	PLACE_EVIDENCE, /* attestation and proofs, for strangers */
	PLACE_SHOW,     /* storage, stored data and the access test, for strangers */
	PLACE_PEER,     /* the peer port */
	PLACE_OPERATOR,
	PLACE_LOCAL,    /* the sidecar port */
	PLACES
};

/* A slot is FREE, PARKED (waiting in the poll set, owned by nobody) or BUSY (owned by exactly one thread). Only
 * slots_claim, slots_take_free, slots_expire, slots_evict and slots_any_parked move a slot to BUSY, under the lock; its owner parks or frees it. */

/* A slot for a new connection of this peer; NULL when none is free. */
struct conn *slots_take_free(const struct net_addr *peer);
/* The slot an event belongs to, now BUSY and woken (conn_woken); NULL when it is stale or the slot is owned. In the
 * latter case the owner's slots_park has it told again. */
struct conn *slots_claim(const struct poll_event *event);
/* Parks an owned slot, the first time by adding c->fd to the poll set, until c->deadline_ms at most. again: what is possible
 * with c->fd now is told once more, since no change may come. */
void slots_park(struct conn *c, bool again);
/* Gives back an owned slot after conn_finish. */
void slots_free(struct conn *c);
/* A parked connection whose deadline has passed; now BUSY. NULL when there is none. */
struct conn *slots_expire(int64_t now_ms);
/* The parked connection whose end costs least: one that lingers; else one of the peer that has the most connections, so that
 * nobody takes all the slots from others, and of these the one longest in its phase, which is the longest without progress. Now
 * BUSY. NULL when none is parked. */
struct conn *slots_evict(void);
/* An owned connection takes a place (not PLACE_NONE) until slots_place_give. False: all places of this kind are taken,
 * or all that its address may have. */
MUST_USE bool slots_place_take(struct conn *c, enum place place);
void slots_place_give(struct conn *c);
/* Which of the HTTP_SLOTS slots it is. */
size_t slots_index(struct conn *c);
/* A parked connection that does not linger, for shutdown; now BUSY. */
struct conn *slots_any_parked(void);
unsigned slots_in_use(void);

#endif
