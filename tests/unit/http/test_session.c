/* Sessions, and who may use a route: token, cookie, and requests made by other sites' pages. */
#include "t.h"

#include "crypto/hash.h"
#include "http/access.h"
#include "os/clock.h"

#define HOUR 3600000

static void a_session_ends(void **state)
{
	char id[SESSION_ID_LEN + 1], other[SESSION_ID_LEN + 1], changed[SESSION_ID_LEN + 1];

	(void)state;
	session_wipe();
	session_open(id, 1000);
	session_open(other, 1000);
	assert_int_equal(strlen(id), SESSION_ID_LEN);
	assert_string_not_equal(id, other);
	assert_true(session_valid(span_str(id), 1000));
	assert_true(session_valid(span_str(id), 1000 + 12 * HOUR - 1));
	for (size_t i = 0; i < SESSION_ID_LEN; i++) {
		memcpy(changed, id, sizeof id);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(session_valid(span_str(changed), 1000));
	}
	assert_false(session_valid(span_str(""), 1000));
	assert_false(session_valid(span_of(id, SESSION_ID_LEN - 1), 1000));
	session_close(span_str(other));
	assert_false(session_valid(span_str(other), 1000));
	assert_false(session_valid(span_str(id), 1000 + 12 * HOUR));
	assert_false(session_valid(span_str(id), 1000)); /* once over, for good */
}

static void sixty_four_at_most(void **state)
{
	char id[SESSIONS_MAX + 1][SESSION_ID_LEN + 1];

	(void)state;
	session_wipe();
	for (int i = 0; i <= SESSIONS_MAX; i++)
		session_open(id[i], 1000 + i);
	assert_false(session_valid(span_str(id[0]), 2000)); /* the oldest went */
	for (int i = 1; i <= SESSIONS_MAX; i++)
		assert_true(session_valid(span_str(id[i]), 2000));
	session_wipe();
	assert_false(session_valid(span_str(id[5]), 2000));
}

/* --- access ------------------------------------------------------------------------------------------------------ */

static char session[SESSION_ID_LEN + 1];

/* fields: lines without the last empty one; "@" stands for the session's identifier. */
static enum access need = ACCESS_OPERATOR;
/* Each request comes from a new address, unless a test fixes one. */
static struct net_addr from = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 127 } };
static bool same_peer;
static struct rate_verdict limit;

static struct net_addr address(uint8_t first, unsigned n)
{
	return (struct net_addr){ .ip = { [10] = 0xff, [11] = 0xff, first, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n } };
}

static void next_peer(void)
{
	static unsigned n;

	if (!same_peer)
		from = address(127, ++n);
}

static enum access_verdict ask(const struct access_operator *s, const char *method, const char *fields, bool tls)
{
	static char text[2048];
	struct out o = out_init(text, sizeof text);
	struct access_way way;
	struct http_head h;

	next_peer();
	way = (struct access_way){ from, tls };
	out_str(&o, method);
	out_str(&o, " /x HTTP/1.1\r\n");
	for (const char *p = fields; *p; p++) {
		if (*p == '@')
			out_str(&o, session);
		else
			out_byte(&o, (uint8_t)*p);
	}
	out_str(&o, "\r\n");
	assert_int_equal(http_request_parse(out_span(&o), &h), ERR_OK);
	return access_check(need, s, &h, &way, &limit);
}

static struct access_operator with_token(void)
{
	struct access_operator s;

	memset(&s, 0, sizeof s);
	s.set = true;
	hash_sha256(SPAN_LIT("token"), s.sha256);
	return s;
}

#define COOKIE "Host: a:8443\r\nCookie: x=1; __Host-parley-session-8443=@; y=2\r\n"

#define PLAIN_COOKIE "Host: a:8443\r\nCookie: parley-session-8443=@\r\n"
#define RIGHT "Host: a:8443\r\nAuthorization: Bearer token\r\n"

static void a_cookie_opens_what_the_token_opens(void **state)
{
	struct access_operator s = with_token();

	(void)state;
	session_wipe();
	session_open(session, clock_ms());
	assert_int_equal(ask(&s, "POST", "Host: a:8443\r\nAuthorization: Bearer token\r\n", true), ACCESS_GRANTED);
	assert_int_equal(ask(&s, "GET", COOKIE, true), ACCESS_GRANTED);
	assert_int_equal(ask(&s, "GET", "Host: a\r\nCookie: __Host-parley-session=@\r\n", true), ACCESS_GRANTED);
	assert_int_equal(ask(&s, "GET", "Host: [::1]\r\nCookie: __Host-parley-session=@\r\n", true), ACCESS_GRANTED);
	/* The name says how it came. */
	assert_int_equal(ask(&s, "GET", "Host: a:8080\r\nCookie: parley-session-8080=@\r\n", false), ACCESS_GRANTED);
	assert_int_equal(ask(&s, "GET", "Host: a:8080\r\nCookie: __Host-parley-session-8080=@\r\n", false), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a:8443\r\nCookie: parley-session-8443=@\r\n", true), ACCESS_DENIED);
	/* Another port's cookie, another name, two of them, two fields, another identifier. */
	assert_int_equal(ask(&s, "GET", "Host: a:8444\r\nCookie: parley-session-8443=@\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a:8443\r\nCookie: x__Host-parley-session-8443=@\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a:8443\r\nCookie: __Host-parley-session-8443=@; __Host-parley-session-8443=@\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", COOKIE "Cookie: z=1\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a:8443\r\nCookie: __Host-parley-session-8443=@x\r\n", true), ACCESS_DENIED);
	/* A wrong token is not made good by a cookie. */
	assert_int_equal(ask(&s, "GET", COOKIE "Authorization: Bearer wrong\r\n", true), ACCESS_DENIED);
	s.set = false;
	assert_int_equal(ask(&s, "GET", COOKIE, true), ACCESS_CLOSED);
	s.none = true;
	assert_int_equal(ask(&s, "POST", "Host: a\r\n", true), ACCESS_GRANTED);
}

static void other_sites_pages_may_not(void **state)
{
	static const struct { const char *method, *fields; bool tls; enum access_verdict want; } cases[] = {
		{ "POST", "Sec-Fetch-Site: same-origin\r\n", true, ACCESS_GRANTED },
		{ "POST", "Sec-Fetch-Site: same-site\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Sec-Fetch-Site: cross-site\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Sec-Fetch-Site: none\r\n", true, ACCESS_FOREIGN },
		{ "GET", "Sec-Fetch-Site: none\r\n", true, ACCESS_GRANTED },
		{ "GET", "Sec-Fetch-Site: same-site\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Sec-Fetch-Site: cross-site\r\nOrigin: https://a:8443\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: same-origin\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Origin: https://a:8443\r\n", true, ACCESS_GRANTED },
		{ "POST", "Origin: HTTPS://a:8443\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Origin: https://A:8443\r\n", true, ACCESS_GRANTED },
		{ "POST", "Origin: http://a:8443\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Origin: http://a:8443\r\n", false, ACCESS_GRANTED },
		{ "POST", "Origin: https://a:8444\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Origin: https://a:8443.evil\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Origin: https://a\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Origin: null\r\n", true, ACCESS_FOREIGN },
		{ "POST", "Origin: https://a:8443\r\nOrigin: https://a:8443\r\n", true, ACCESS_FOREIGN },
		{ "POST", "", true, ACCESS_FOREIGN },
		{ "GET", "", true, ACCESS_GRANTED },
		{ "HEAD", "", true, ACCESS_GRANTED },
	};
	struct access_operator s = with_token();

	(void)state;
	session_wipe();
	session_open(session, clock_ms());
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char fields[512];

		snprintf(fields, sizeof fields, "%s%s", cases[i].tls ? COOKIE : PLAIN_COOKIE, cases[i].fields);
		if (ask(&s, cases[i].method, fields, cases[i].tls) != cases[i].want)
			fail_msg("%s %s", cases[i].method, cases[i].fields);
	}
	/* The token needs no such proof: no browser sends it by itself. */
	assert_int_equal(ask(&s, "POST", "Host: a\r\nAuthorization: Bearer token\r\nSec-Fetch-Site: cross-site\r\n", true), ACCESS_GRANTED);
}

/* No proof is asked for, but that no page of a browser makes the request. */
static void local_means_no_page_and_a_loopback_name(void **state)
{
	static const char *const foreign[] = {
		"Host: a\r\n", "Host: 127.0.0.1.a\r\n", "Host: localhost.a:80\r\n", "Host: 127.0.0.2\r\n", "Host: [::2]:80\r\n",
		"Host: 0.0.0.0\r\n", "Host: localhost\r\nOrigin: http://localhost\r\n", "Host: localhost\r\nOrigin: null\r\n",
		"Host: localhost\r\nOrigin: \r\n", "Host: localhost\r\norigin: a\r\nOrigin: b\r\n", "Host: localhost\r\nSec-Fetch-Site: same-origin\r\n",
		"Host: localhost\r\nSec-Fetch-Site: none\r\nSec-Fetch-Site: none\r\n",
	};
	static const char *const own[] = { "Host: localhost\r\n", "Host: Localhost:8080\r\n", "Host: 127.0.0.1:1\r\n", "Host: [::1]\r\n" };
	struct access_operator s = with_token();

	(void)state;
	need = ACCESS_LOCAL;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
		for (s.none = false;; s.none = true) {
			if (ask(&s, "GET", foreign[i], false) != ACCESS_FOREIGN || ask(&s, "POST", foreign[i], false) != ACCESS_FOREIGN)
				fail_msg("%s", foreign[i]);
			if (s.none)
				break;
		}
	s.none = false;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		assert_int_equal(ask(&s, "POST", own[i], false), ACCESS_GRANTED);
	need = ACCESS_OPERATOR;
}

/* --- guessing ---------------------------------------------------------------------------------------------------- */

static enum access_verdict sign_in(const struct access_operator *s, const char *token, bool tls)
{
	struct access_way way;

	next_peer();
	way = (struct access_way){ from, tls };
	return access_token(s, span_str(token), &way, &limit);
}

/* Each kind of wrong proof counts, all together; beyond the limit no right one is told from a wrong one, from that address alone. */
static void ten_wrong_proofs_end_all_comparing(void **state)
{
	static const char *const wrong[] = {
		"Authorization: Bearer wrong\r\n", "Authorization: Basic dG9rZW4=\r\n", "Authorization: token\r\n", "Authorization: Bearer \r\n",
		"Authorization: Bearer token\r\nAuthorization: Bearer token\r\n", "Cookie: __Host-parley-session=@x\r\n",
		"Cookie: __Host-parley-session=\r\n",
	};
	struct access_operator s = with_token();
	char fields[512];

	(void)state;
	session_wipe();
	session_open(session, clock_ms());
	for (size_t k = 0; k < sizeof wrong / sizeof wrong[0] + 2; k++) {
		bool body = k >= sizeof wrong / sizeof wrong[0], tls = k % 2 == 0 || !body;

		from = address(10, (unsigned)k);
		from.port = (uint16_t)k;
		same_peer = true;
		for (unsigned i = 0; i < 10; i++) {
			from.port++;
			snprintf(fields, sizeof fields, "Host: a\r\n%s", body ? "" : wrong[k]);
			assert_int_equal(body ? sign_in(&s, k % 2 ? "" : "wrong", tls) : ask(&s, i % 2 ? "POST" : "GET", fields, tls), ACCESS_DENIED);
			assert_int_equal(limit.limit, 10);
			assert_int_equal(limit.remaining, 9 - i);
		}
		assert_int_equal(ask(&s, "GET", RIGHT, true), ACCESS_LIMITED);
		assert_false(limit.allowed);
		assert_in_range(limit.reset_s, 1, 6);
		assert_int_equal(ask(&s, "GET", COOKIE, true), ACCESS_LIMITED);
		assert_int_equal(sign_in(&s, "token", true), ACCESS_LIMITED);
		assert_int_equal(sign_in(&s, "wrong", true), ACCESS_LIMITED);
		assert_int_equal(ask(&s, "GET", "Host: a\r\nAuthorization: Bearer wrong\r\n", true), ACCESS_LIMITED);
		/* No proof is no guess, and tells nothing. */
		assert_int_equal(ask(&s, "GET", "Host: a\r\n", true), ACCESS_DENIED);
		assert_int_equal(limit.limit, 0);
		/* Who comes from elsewhere is not kept out. */
		same_peer = false;
		assert_int_equal(ask(&s, "GET", COOKIE, true), ACCESS_GRANTED);
		assert_int_equal(ask(&s, "GET", RIGHT, true), ACCESS_GRANTED);
		assert_int_equal(sign_in(&s, "token", true), ACCESS_GRANTED);
	}
}

static void right_proofs_and_none_cost_nothing(void **state)
{
	struct access_operator s = with_token();

	(void)state;
	session_wipe();
	session_open(session, clock_ms());
	from = address(10, 1000);
	same_peer = true;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(ask(&s, "GET", RIGHT, true), ACCESS_GRANTED);
		assert_int_equal(ask(&s, "GET", COOKIE, true), ACCESS_GRANTED);
		assert_int_equal(sign_in(&s, "token", true), ACCESS_GRANTED);
		assert_int_equal(limit.limit, 0);
		assert_int_equal(ask(&s, "POST", "Host: a\r\n", true), ACCESS_DENIED);
		assert_int_equal(ask(&s, "POST", COOKIE "Sec-Fetch-Site: cross-site\r\n", true), ACCESS_FOREIGN);
	}
	same_peer = false;
}

static void an_empty_token_is_none(void **state)
{
	struct access_operator s = with_token();

	(void)state;
	hash_sha256(span_of(NULL, 0), s.sha256);
	assert_int_equal(sign_in(&s, "", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a\r\nAuthorization: Bearer \r\n", true), ACCESS_DENIED);
}

/* --- without TLS ------------------------------------------------------------------------------------------------- */

static void proofs_need_tls_or_this_machine(void **state)
{
	static const struct { struct net_addr peer; bool near; } peers[] = {
		{ { .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 } }, true }, { { .ip = { [10] = 0xff, [11] = 0xff, [12] = 127, [13] = 9 } }, true },
		{ { .ip = { [15] = 1 } }, true }, { { .ip = { [10] = 0xff, [11] = 0xff, [12] = 192, [13] = 168 } }, false },
		{ { .ip = { [10] = 0xff, [11] = 0xff, [12] = 128 } }, false }, { { .ip = { [12] = 127, [15] = 1 } }, false },
		{ { .ip = { [15] = 2 } }, false }, { { .ip = { 0 } }, false }, { { .ip = { 0xfe, 0x80, [15] = 1 } }, false },
	};
	struct access_operator s = with_token();

	(void)state;
	session_wipe();
	session_open(session, clock_ms());
	same_peer = true;
	for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
		enum access_verdict want = peers[i].near ? ACCESS_GRANTED : ACCESS_PLAIN;

		from = peers[i].peer;
		assert_int_equal(net_is_loopback(&from), peers[i].near);
		assert_int_equal(ask(&s, "GET", RIGHT, false), want);
		assert_int_equal(ask(&s, "GET", PLAIN_COOKIE, false), want);
		/* What the caller says of itself, or of its way, counts for nothing. */
		assert_int_equal(ask(&s, "GET", "Host: localhost\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 127.0.0.1\r\nForwarded: for=127.0.0.1;proto=https\r\n"
		                     "Authorization: Bearer token\r\n", false), want);
		assert_int_equal(ask(&s, "GET", RIGHT, true), ACCESS_GRANTED);
		/* No oracle: a wrong one is answered the same, and is no guess. */
		for (int k = 0; k < 20 && !peers[i].near; k++)
			assert_int_equal(ask(&s, "GET", "Host: a\r\nAuthorization: Bearer wrong\r\n", false), ACCESS_PLAIN);
		assert_int_equal(ask(&s, "GET", RIGHT, true), ACCESS_GRANTED);
		need = ACCESS_SIGN_IN;
		assert_int_equal(ask(&s, "POST", "Host: a\r\n", false), want);
		assert_int_equal(ask(&s, "POST", "Host: a\r\n", true), ACCESS_GRANTED);
		need = ACCESS_PUBLIC;
		assert_int_equal(ask(&s, "GET", "Host: a\r\n", false), ACCESS_GRANTED);
		need = ACCESS_OPERATOR;
		/* Open to all: no secret comes along. */
		s.none = true;
		assert_int_equal(ask(&s, "POST", "Host: a\r\n", false), ACCESS_GRANTED);
		s.none = false;
	}
	same_peer = false;
}

static void the_https_address_of_the_host_that_was_named(void **state)
{
	static const struct { const char *host; uint16_t port; const char *want; } cases[] = {
		{ "contoso.example", 443, "https://contoso.example" }, { "contoso.example:80", 8443, "https://contoso.example:8443" },
		{ "Contoso.Example", 443, "https://contoso.example" }, { "10.0.0.4:8080", 443, "https://10.0.0.4" },
		{ "[fd00::2]:80", 8443, "https://[fd00::2]:8443" }, { "[fd00::2]", 443, "https://[fd00::2]" },
		{ "contoso.example", 0, "" }, { "", 443, "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char origin[ACCESS_ORIGIN_MAX];
		struct http_head h = { .host = span_str(cases[i].host) };

		access_https_origin(&h, cases[i].port, origin);
		assert_string_equal(origin, cases[i].want);
	}
}

UNIT(session)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_ends), cmocka_unit_test(sixty_four_at_most), cmocka_unit_test(a_cookie_opens_what_the_token_opens),
		cmocka_unit_test(other_sites_pages_may_not), cmocka_unit_test(local_means_no_page_and_a_loopback_name),
		cmocka_unit_test(ten_wrong_proofs_end_all_comparing), cmocka_unit_test(right_proofs_and_none_cost_nothing),
		cmocka_unit_test(an_empty_token_is_none), cmocka_unit_test(proofs_need_tls_or_this_machine),
		cmocka_unit_test(the_https_address_of_the_host_that_was_named),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
