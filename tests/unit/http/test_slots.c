/* Tests of the slots of connections: who gives way to whom, and who may run a long operation. */
#include "http/slots.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include "os/poll.h"
#include "t.h"

static struct conn *held[HTTP_SLOTS];
static size_t held_n;
static int64_t now = 1000;

static struct net_addr v4(unsigned n)
{
	struct net_addr a = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n }, .port = (uint16_t)held_n };

	return a;
}

static struct net_addr v6(uint8_t net, uint8_t host)
{
	struct net_addr a = { .ip = { 0x20, 0x01, 0x0d, 0xb8, [7] = net, [15] = host } };

	return a;
}

/* A connection that waits for its client since now. */
static struct conn *come(struct net_addr peer)
{
	struct conn *c = slots_take_free(&peer);

	if (!c)
		return NULL;
	*c = (struct conn){ .fd = eventfd(0, 0), .peer = peer, .phase = CONN_IDLE, .since_ms = now++, .deadline_ms = INT64_MAX };
	slots_park(c, false);
	held[held_n++] = c;
	return c;
}

static void go(struct conn *c)
{
	for (size_t i = 0; i < held_n; i++)
		if (held[i] == c)
			held[i] = held[--held_n];
	close(c->fd);
	slots_free(c);
}

/* The one that has to go, gone. */
static struct conn *give_way(void)
{
	struct conn *c = slots_evict();

	assert_non_null(c);
	go(c);
	return c;
}

static int empty(void **state)
{
	(void)state;
	while (held_n)
		go(held[0]);
	assert_int_equal(slots_in_use(), 0);
	return 0;
}

static void all_slots_are_for_whoever_comes(void **state)
{
	(void)state;
	for (unsigned i = 0; i < HTTP_SLOTS; i++)
		assert_non_null(come(v4(7)));
	assert_null(come(v4(8)));
	assert_int_equal(slots_in_use(), HTTP_SLOTS);
}

static void the_longest_without_progress_gives_way(void **state)
{
	struct conn *c[4];

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		c[i] = come(v4(i));
	c[0]->since_ms = now++; /* it has been answered */
	assert_ptr_equal(give_way(), c[1]);
	c[3]->phase = CONN_LINGER;
	assert_ptr_equal(give_way(), c[3]);
	assert_ptr_equal(give_way(), c[2]);
	assert_ptr_equal(give_way(), c[0]);
	assert_null(slots_evict());
}

/* One address with 200 connections and many others with few: it gives way until it has no more than they. */
static void who_has_the_most_gives_way(void **state)
{
	static const unsigned few[] = { 1, 1, 2, 3 };
	unsigned left = 200;

	(void)state;
	for (unsigned i = 0; i < 4; i++)
		for (unsigned k = 0; k < few[i]; k++)
			come(v4(i));
	for (unsigned i = 0; i < left; i++)
		come(v4(100)); /* all of them younger than the others */
	for (; left > 3; left--)
		assert_int_equal(give_way()->peer.ip[15], 100);
	assert_int_equal(give_way()->peer.ip[15], 3);
	assert_int_equal(give_way()->peer.ip[15], 100);
	/* Two each, but for 0 and 1: the oldest of them. */
	assert_int_equal(give_way()->peer.ip[15], 2);
	/* Who goes of his own accord is no longer counted. */
	for (size_t i = held_n; i-- > 0;)
		if (held[i]->peer.ip[15] == 100 && left-- > 2)
			go(held[i]);
	assert_int_equal(give_way()->peer.ip[15], 3);
}

static void a_network_of_ipv6_is_one_peer(void **state)
{
	struct conn *single = come(v6(1, 1));

	(void)state;
	for (uint8_t i = 0; i < 3; i++)
		come(v6(2, i));
	come(v4(1));
	assert_int_equal(give_way()->peer.ip[7], 2);
	assert_int_equal(give_way()->peer.ip[7], 2);
	assert_ptr_equal(give_way(), single);
}

/* Takes places of this kind for new connections of a peer until there is none; how many it got. */
static unsigned take_all(enum place place, struct net_addr peer)
{
	unsigned n = 0;

	while (slots_place_take(come(peer), place))
		n++;
	return n;
}

static int give_all(void **state)
{
	for (size_t i = 0; i < held_n; i++)
		slots_place_give(held[i]);
	return empty(state);
}

static void two_addresses_cannot_take_all_places_of_a_kind_for_strangers(void **state)
{
	static const enum place strangers[] = { PLACE_EVIDENCE, PLACE_SHOW, PLACE_PEER };

	(void)state;
	for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
		assert_int_equal(take_all(strangers[i], v4(1)), 2);
		assert_int_equal(take_all(strangers[i], v4(2)), 2);
		assert_int_equal(take_all(strangers[i], v4(3)), 1);
		assert_int_equal(take_all(strangers[i], v4(4)), 0);
	}
}

static void no_kind_of_operation_takes_another_ones_places(void **state)
{
	unsigned sum = 0;

	(void)state;
	for (enum place p = PLACE_NONE + 1; p < PLACES; p++) {
		unsigned all = 0;

		for (unsigned k = 1; k < 10; k++)
			all += take_all(p, v4(k));
		assert_in_range(all, 3, 6);
		sum += all;
	}
	assert_int_equal(sum, HTTP_WORKERS - 2);
}

static void a_place_that_is_given_back_can_be_taken(void **state)
{
	struct conn *a = come(v4(1)), *b = come(v4(1)), *c = come(v4(1));

	(void)state;
	assert_true(slots_place_take(a, PLACE_EVIDENCE));
	assert_true(slots_place_take(b, PLACE_EVIDENCE));
	assert_false(slots_place_take(c, PLACE_EVIDENCE));
	assert_true(slots_place_take(c, PLACE_SHOW)); /* another kind */
	slots_place_give(c);
	slots_place_give(a);
	assert_true(slots_place_take(c, PLACE_EVIDENCE));
}

static int start(void **state)
{
	(void)state;
	return poll_init() == ERR_OK ? 0 : -1;
}

UNIT(slots)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(all_slots_are_for_whoever_comes, empty),
		cmocka_unit_test_teardown(the_longest_without_progress_gives_way, empty),
		cmocka_unit_test_teardown(who_has_the_most_gives_way, empty),
		cmocka_unit_test_teardown(a_network_of_ipv6_is_one_peer, empty),
		cmocka_unit_test_teardown(two_addresses_cannot_take_all_places_of_a_kind_for_strangers, give_all),
		cmocka_unit_test_teardown(no_kind_of_operation_takes_another_ones_places, give_all),
		cmocka_unit_test_teardown(a_place_that_is_given_back_can_be_taken, give_all),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
