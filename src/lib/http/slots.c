/* The fixed slots of connections. */
#include "http/slots.h"

#include <string.h>

#include "http/rate.h"
#include "os/lock.h"

enum state { FREE = 0, PARKED, BUSY };

struct slot {
	enum state state;
	enum place place; /* of the long operation that runs */
	bool polled; /* is in the poll set */
	bool missed; /* an event came while it was BUSY */
	uint32_t generation;
	unsigned crowd; /* connections of this peer, this one included */
	uint8_t peer[RATE_PEER_LEN];
};

static const struct {
	unsigned all, peer; /* of one address */
} places[PLACES] = {
	[PLACE_EVIDENCE] = { 5, 2 }, [PLACE_SHOW] = { 5, 2 }, [PLACE_PEER] = { 5, 2 }, [PLACE_OPERATOR] = { 6, 6 },
	[PLACE_LOCAL] = { 3, 3 },
};
_Static_assert(5 + 5 + 5 + 6 + 3 + 2 == HTTP_WORKERS, "a thread for every place, and two for quick requests");

/* Apart, so that going over all slots does not touch as many pages. */
static struct slot slots[HTTP_SLOTS];
static struct conn conns[HTTP_SLOTS];
static struct lock lock = LOCK_INIT;
static unsigned in_use;

/* Its index, and a generation that tells a stale event from a new connection. */
static uint64_t tag_of(const struct slot *s)
{
	return ((uint64_t)s->generation << 32) | (uint64_t)(s - slots);
}

static struct slot *slot_of(struct conn *c)
{
	size_t i = (size_t)(c - conns);

	if (i >= HTTP_SLOTS)
		__builtin_trap(); /* our bug: a connection outside the slots */
	return &slots[i];
}

size_t slots_index(struct conn *c)
{
	return (size_t)(slot_of(c) - slots);
}

static struct conn *conn_of(const struct slot *s)
{
	return &conns[s - slots];
}

static bool same_peer(const struct slot *a, const struct slot *b)
{
	return a->state != FREE && memcmp(a->peer, b->peer, sizeof a->peer) == 0;
}

/* After s was taken or freed: every connection of its peer learns how many they are now. */
static void count_crowd_locked(const struct slot *s)
{
	unsigned n = 0;

	for (size_t i = 0; i < HTTP_SLOTS; i++)
		n += same_peer(&slots[i], s);
	for (size_t i = 0; i < HTTP_SLOTS; i++)
		if (same_peer(&slots[i], s))
			slots[i].crowd = n;
}

struct conn *slots_take_free(const struct net_addr *peer)
{
	struct slot *s = NULL;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS && !s; i++)
		if (slots[i].state == FREE)
			s = &slots[i];
	if (s) {
		s->state = BUSY;
		s->generation++;
		s->polled = s->missed = false;
		rate_peer(peer, s->peer);
		count_crowd_locked(s);
		in_use++;
	}
	lock_release(&lock);
	return s ? conn_of(s) : NULL;
}

struct conn *slots_claim(const struct poll_event *event)
{
	struct conn *c = NULL;
	size_t i = (uint32_t)event->tag;

	lock_take(&lock);
	if (i < HTTP_SLOTS && tag_of(&slots[i]) == event->tag) {
		slots[i].missed = slots[i].state == BUSY;
		if (slots[i].state == PARKED) {
			slots[i].state = BUSY;
			c = &conns[i];
			conn_woken(c, event->ended);
		}
	}
	lock_release(&lock);
	return c;
}

void slots_park(struct conn *c, bool again)
{
	struct slot *s = slot_of(c);
	enum err e = ERR_OK;

	/* Under the lock: an event may come at once, and its thread must then find the slot PARKED. */
	lock_take(&lock);
	s->state = PARKED;
	if (!s->polled)
		e = poll_add(c->fd, tag_of(s));
	else if (again || s->missed)
		e = poll_again(c->fd, tag_of(s));
	s->polled = true;
	s->missed = false;
	if (e != ERR_OK)
		c->deadline_ms = 0; /* cannot wait for it: the next sweep closes it */
	lock_release(&lock);
}

void slots_free(struct conn *c)
{
	struct slot *s = slot_of(c);

	lock_take(&lock);
	s->state = FREE;
	count_crowd_locked(s);
	in_use--;
	lock_release(&lock);
}

bool slots_place_take(struct conn *c, enum place place)
{
	struct slot *s = slot_of(c);
	unsigned all = 0, peer = 0;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS; i++) {
		bool same = slots[i].place == place;

		all += same;
		peer += same && same_peer(&slots[i], s);
	}
	if (all < places[place].all && peer < places[place].peer)
		s->place = place;
	lock_release(&lock);
	return s->place == place;
}

void slots_place_give(struct conn *c)
{
	lock_take(&lock);
	slot_of(c)->place = PLACE_NONE;
	lock_release(&lock);
}

static struct conn *busy_locked(struct slot *s)
{
	if (!s)
		return NULL;
	s->state = BUSY;
	return conn_of(s);
}

struct conn *slots_expire(int64_t now_ms)
{
	struct slot *late = NULL;
	struct conn *c;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS && !late; i++)
		if (slots[i].state == PARKED && conns[i].deadline_ms <= now_ms)
			late = &slots[i];
	c = busy_locked(late);
	lock_release(&lock);
	return c;
}

/* A kind of phase does not count otherwise: who has just come has had no time to send anything. */
static bool worth_less(const struct slot *a, const struct slot *b)
{
	const struct conn *ca = conn_of(a), *cb = conn_of(b);
	bool la = ca->phase == CONN_LINGER, lb = cb->phase == CONN_LINGER;

	if (la != lb)
		return la;
	return a->crowd != b->crowd ? a->crowd > b->crowd : ca->since_ms < cb->since_ms;
}

struct conn *slots_evict(void)
{
	struct slot *least = NULL;
	struct conn *c;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS; i++)
		if (slots[i].state == PARKED && (!least || worth_less(&slots[i], least)))
			least = &slots[i];
	c = busy_locked(least);
	lock_release(&lock);
	return c;
}

struct conn *slots_any_parked(void)
{
	struct slot *found = NULL;
	struct conn *c;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS && !found; i++)
		if (slots[i].state == PARKED && conns[i].phase != CONN_LINGER)
			found = &slots[i];
	c = busy_locked(found);
	lock_release(&lock);
	return c;
}

unsigned slots_in_use(void)
{
	unsigned n;

	lock_take(&lock);
	n = in_use;
	lock_release(&lock);
	return n;
}
