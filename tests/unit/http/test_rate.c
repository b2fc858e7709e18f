/* Tests of rate limits, in simulated time. */
#include "http/rate.h"

#include "t.h"

/* Limits of all kinds. */
enum { RATE_NONE = 0, RATE_ATTEST = 20, RATE_RELEASE = 10, RATE_CRYPT = 60, RATE_HEAVY = 5, RATE_AUTH = 10 };

static int64_t now = 1000000;

/* Every test has peers of its own, so that the order of tests does not matter. */
static struct net_addr v4(unsigned n)
{
	struct net_addr a = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = (uint8_t)(n >> 16), [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n } };

	return a;
}

static struct net_addr v6(uint8_t net, uint8_t host)
{
	struct net_addr a = { .ip = { 0x20, 0x01, 0x0d, 0xb8, [7] = net, [15] = host } };

	return a;
}

static struct rate_verdict take(unsigned g, struct net_addr peer)
{
	return rate_take(g, &now, &peer, now);
}

/* How many are allowed at this moment. */
static unsigned allowed(unsigned g, struct net_addr peer)
{
	unsigned n = 0;

	while (n < 1000 && take(g, peer).allowed)
		n++;
	return n;
}

static void each_group_has_its_limit(void **state)
{
	static const struct {
		unsigned g;
		unsigned limit;
	} groups[] = { { RATE_ATTEST, 20 }, { RATE_RELEASE, 10 }, { RATE_CRYPT, 60 }, { RATE_HEAVY, 5 }, { RATE_AUTH, 10 } };

	(void)state;
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		struct net_addr peer = v4(20 + (unsigned)i);
		struct rate_verdict v = take(groups[i].g, peer);

		assert_true(v.allowed);
		assert_int_equal(v.limit, groups[i].limit);
		assert_int_equal(v.remaining, groups[i].limit - 1);
		assert_int_equal(allowed(groups[i].g, peer), groups[i].limit - 1);
		v = take(groups[i].g, peer);
		assert_false(v.allowed);
		assert_int_equal(v.remaining, 0);
		assert_int_equal(v.reset_s, (60 + groups[i].limit - 1) / groups[i].limit);
	}
	assert_int_equal(allowed(RATE_NONE, v4(1)), 1000);
}

static void tokens_come_back_evenly(void **state)
{
	(void)state;
	assert_int_equal(allowed(RATE_RELEASE, v4(2)), 10);
	now += 5999;
	assert_false(take(RATE_RELEASE, v4(2)).allowed);
	now += 1;
	assert_true(take(RATE_RELEASE, v4(2)).allowed);
	assert_false(take(RATE_RELEASE, v4(2)).allowed);
	/* Asking all the time takes nothing away: sixty thousand questions of a millisecond give ten. */
	unsigned got = 0;
	for (int i = 0; i < 60000; i++) {
		now++;
		got += take(RATE_RELEASE, v4(2)).allowed;
	}
	assert_int_equal(got, 10);
}

static void never_more_than_the_limit_after_any_pause(void **state)
{
	static const int64_t pauses[] = { 59999, 60000, 60001, 86400000, INT64_MAX / 4 };

	(void)state;
	for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
		assert_in_range(allowed(RATE_CRYPT, v4(3)), 59, 60);
		now += pauses[i];
	}
	now = 1000000000;
}

/* Threads read the clock before they wait for the lock. */
static void a_clock_a_little_behind_does_no_harm(void **state)
{
	struct net_addr peer = v4(4);

	(void)state;
	assert_int_equal(allowed(RATE_HEAVY, peer), 5);
	for (int i = 0; i < 100; i++) {
		struct rate_verdict v = rate_take(RATE_HEAVY, &now, &peer, now - (i % 2) * 5);

		assert_false(v.allowed);
		assert_int_equal(v.remaining, 0);
		assert_in_range(v.reset_s, 12, 13);
	}
	now += 12000;
	assert_true(take(RATE_HEAVY, peer).allowed);
}

static void addresses_count_apart_and_ports_do_not(void **state)
{
	struct net_addr other_port = v4(5);

	(void)state;
	assert_int_equal(allowed(RATE_AUTH, v4(5)), 10);
	other_port.port = 1234;
	assert_int_equal(allowed(RATE_AUTH, other_port), 0);
	assert_int_equal(allowed(RATE_AUTH, v4(6)), 10);
}

static void routes_count_apart(void **state)
{
	static const char route[2];
	struct net_addr peer = v4(30);

	(void)state;
	for (unsigned i = 0; i < RATE_HEAVY; i++)
		assert_true(rate_take(RATE_HEAVY, &route[0], &peer, now).allowed);
	assert_false(rate_take(RATE_HEAVY, &route[0], &peer, now).allowed);
	assert_true(rate_take(RATE_HEAVY, &route[1], &peer, now).allowed);
}

static void ipv6_counts_by_network(void **state)
{
	(void)state;
	assert_int_equal(allowed(RATE_AUTH, v6(1, 1)), 10);
	assert_int_equal(allowed(RATE_AUTH, v6(1, 2)), 0);
	assert_int_equal(allowed(RATE_AUTH, v6(2, 1)), 10);
}

/* A flood of addresses makes limits softer for those unused the longest, never for the one that keeps asking. */
static void memory_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(allowed(RATE_AUTH, v4(7)), 10);
	for (unsigned i = 0; i < 5000; i++) {
		now++;
		assert_true(take(RATE_AUTH, v4(1000 + i)).allowed);
		assert_false(i % 500 == 0 && i < 4000 && take(RATE_AUTH, v4(7)).allowed);
	}
	for (unsigned i = 0; i < 2000; i++) {
		now++;
		(void)take(RATE_CRYPT, v4(10000 + i));
	}
	assert_int_equal(allowed(RATE_AUTH, v4(7)), 10); /* forgotten by now */
}

static void headers_tell_the_verdict(void **state)
{
	uint8_t buf[192];
	struct out o = out_init(buf, sizeof buf);
	struct rate_verdict v = { true, 20, 7, 33 };

	(void)state;
	rate_headers(&v, &o);
	t_span_is(out_span(&o), "X-RateLimit-Limit: 20\r\nX-RateLimit-Remaining: 7\r\nX-RateLimit-Reset: 33\r\n");
	o = out_init(buf, sizeof buf);
	v.allowed = false;
	rate_headers(&v, &o);
	t_span_is(out_span(&o), "X-RateLimit-Limit: 20\r\nX-RateLimit-Remaining: 7\r\nX-RateLimit-Reset: 33\r\nRetry-After: 33\r\n");
	assert_false(o.bad);
	o = out_init(buf, sizeof buf);
	v.limit = 0;
	rate_headers(&v, &o);
	assert_int_equal(o.n, 0);
}

static void looking_takes_nothing(void **state)
{
	struct net_addr peer = v4(900);
	struct rate_verdict v;

	(void)state;
	for (int i = 0; i < 50; i++) {
		v = rate_look(RATE_AUTH, &now, &peer, now);
		assert_true(v.allowed);
		assert_int_equal(v.remaining, 10);
	}
	assert_int_equal(allowed(RATE_AUTH, peer), 10);
	v = rate_look(RATE_AUTH, &now, &peer, now);
	assert_false(v.allowed);
	assert_int_equal(v.reset_s, 6);
	now += 6000;
	assert_true(rate_look(RATE_AUTH, &now, &peer, now).allowed);
	assert_int_equal(allowed(RATE_AUTH, peer), 1);
	/* Nor does it make anybody be forgotten. */
	for (unsigned i = 0; i < 5000; i++) {
		peer = v4(10000 + i);
		assert_true(rate_look(RATE_AUTH, &now, &peer, now).allowed);
	}
	assert_int_equal(allowed(RATE_AUTH, v4(900)), 0);
}

UNIT(rate)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_group_has_its_limit),
		cmocka_unit_test(tokens_come_back_evenly),
		cmocka_unit_test(never_more_than_the_limit_after_any_pause),
		cmocka_unit_test(a_clock_a_little_behind_does_no_harm),
		cmocka_unit_test(addresses_count_apart_and_ports_do_not),
		cmocka_unit_test(routes_count_apart),
		cmocka_unit_test(ipv6_counts_by_network),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(headers_tell_the_verdict),
		cmocka_unit_test(looking_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
