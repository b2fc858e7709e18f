/* The fixed slots of connections. */
#include "http/slots.h"

#include "plat/lock.h"
#include "plat/poll.h"

enum state { FREE = 0, PARKED, BUSY };

struct slot {
	enum state state;
	uint32_t generation;
	struct conn conn;
};

static struct slot slots[HTTP_SLOTS];
static struct lock lock = LOCK_INIT;
static unsigned in_use;

static uint64_t tag_of(const struct slot *s)
{
	return ((uint64_t)s->generation << 32) | (uint64_t)(s - slots);
}

static struct slot *slot_of(struct conn *c)
{
	for (size_t i = 0; i < HTTP_SLOTS; i++)
		if (&slots[i].conn == c)
			return &slots[i];
	__builtin_trap(); /* our bug: a connection outside the slots */
}

struct conn *slots_take_free(uint64_t *tag)
{
	struct conn *c = NULL;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS && !c; i++) {
		if (slots[i].state == FREE) {
			slots[i].state = BUSY;
			slots[i].generation++;
			*tag = tag_of(&slots[i]);
			c = &slots[i].conn;
			in_use++;
		}
	}
	lock_release(&lock);
	return c;
}

struct conn *slots_claim(uint64_t tag)
{
	struct conn *c = NULL;
	size_t i = (uint32_t)tag;

	lock_take(&lock);
	if (i < HTTP_SLOTS && slots[i].state == PARKED && tag_of(&slots[i]) == tag) {
		slots[i].state = BUSY;
		c = &slots[i].conn;
	}
	lock_release(&lock);
	return c;
}

void slots_park(struct conn *c, unsigned events)
{
	struct slot *s = slot_of(c);

	/* Armed under the lock: an event may come at once, and its thread must then find the slot PARKED. */
	lock_take(&lock);
	s->state = PARKED;
	if (poll_arm(c->fd, tag_of(s), events) != ERR_OK)
		c->deadline_ms = 0; /* cannot wait for it: the next sweep closes it */
	lock_release(&lock);
}

void slots_free(struct conn *c)
{
	lock_take(&lock);
	slot_of(c)->state = FREE;
	in_use--;
	lock_release(&lock);
}

uint64_t slots_renew(struct conn *c)
{
	struct slot *s = slot_of(c);
	uint64_t tag;

	lock_take(&lock);
	s->generation++;
	tag = tag_of(s);
	lock_release(&lock);
	return tag;
}

static struct conn *busy_locked(struct slot *s)
{
	if (!s)
		return NULL;
	s->state = BUSY;
	return &s->conn;
}

struct conn *slots_expire(int64_t now_ms)
{
	struct slot *late = NULL;
	struct conn *c;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS && !late; i++)
		if (slots[i].state == PARKED && slots[i].conn.deadline_ms <= now_ms)
			late = &slots[i];
	c = busy_locked(late);
	lock_release(&lock);
	return c;
}

/* A kind of phase does not count otherwise: who has just come has had no time to send anything. */
static bool worth_less(const struct conn *a, const struct conn *b)
{
	bool la = a->phase == CONN_LINGER, lb = b->phase == CONN_LINGER;

	return la != lb ? la : a->since_ms < b->since_ms;
}

struct conn *slots_evict(void)
{
	struct slot *least = NULL;
	struct conn *c;

	lock_take(&lock);
	for (size_t i = 0; i < HTTP_SLOTS; i++)
		if (slots[i].state == PARKED && (!least || worth_less(&slots[i].conn, &least->conn)))
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
		if (slots[i].state == PARKED && slots[i].conn.phase != CONN_LINGER)
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
