/* Sessions, and who may use a route: token, cookie, and requests made by other sites' pages. */
#include "t.h"

#include "crypto/hash.h"
#include "http/access.h"
#include "plat/clock.h"

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

static enum access_verdict ask(const struct settings *s, const char *method, const char *fields, bool tls)
{
	static char text[2048];
	struct out o = out_init(text, sizeof text);
	struct http_head h;

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
	return access_check(need, s, &h, tls);
}

static struct settings operator_settings(void)
{
	struct settings s;

	memset(&s, 0, sizeof s);
	s.operator_set = true;
	hash_sha256(SPAN_LIT("token"), s.operator_sha256);
	return s;
}

#define COOKIE "Host: a:8443\r\nCookie: x=1; parley-session-8443=@; y=2\r\n"

static void a_cookie_opens_what_the_token_opens(void **state)
{
	struct settings s = operator_settings();

	(void)state;
	session_wipe();
	session_open(session, clock_ms());
	assert_int_equal(ask(&s, "POST", "Host: a:8443\r\nAuthorization: Bearer token\r\n", true), ACCESS_GRANTED);
	assert_int_equal(ask(&s, "GET", COOKIE, true), ACCESS_GRANTED);
	assert_int_equal(ask(&s, "GET", "Host: a\r\nCookie: parley-session=@\r\n", true), ACCESS_GRANTED);
	assert_int_equal(ask(&s, "GET", "Host: [::1]\r\nCookie: parley-session=@\r\n", true), ACCESS_GRANTED);
	/* Another port's cookie, another name, two of them, two fields, another identifier. */
	assert_int_equal(ask(&s, "GET", "Host: a:8444\r\nCookie: parley-session-8443=@\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a:8443\r\nCookie: xparley-session-8443=@\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a:8443\r\nCookie: parley-session-8443=@; parley-session-8443=@\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", COOKIE "Cookie: z=1\r\n", true), ACCESS_DENIED);
	assert_int_equal(ask(&s, "GET", "Host: a:8443\r\nCookie: parley-session-8443=@x\r\n", true), ACCESS_DENIED);
	/* A wrong token is not made good by a cookie. */
	assert_int_equal(ask(&s, "GET", COOKIE "Authorization: Bearer wrong\r\n", true), ACCESS_DENIED);
	s.operator_set = false;
	assert_int_equal(ask(&s, "GET", COOKIE, true), ACCESS_CLOSED);
	s.operator_none = true;
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
	struct settings s = operator_settings();

	(void)state;
	session_wipe();
	session_open(session, clock_ms());
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char fields[512];

		snprintf(fields, sizeof fields, "%s%s", COOKIE, cases[i].fields);
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
	struct settings s = operator_settings();

	(void)state;
	need = ACCESS_LOCAL;
	for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++)
		for (s.operator_none = false;; s.operator_none = true) {
			if (ask(&s, "GET", foreign[i], false) != ACCESS_FOREIGN || ask(&s, "POST", foreign[i], false) != ACCESS_FOREIGN)
				fail_msg("%s", foreign[i]);
			if (s.operator_none)
				break;
		}
	s.operator_none = false;
	for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
		assert_int_equal(ask(&s, "POST", own[i], false), ACCESS_GRANTED);
	need = ACCESS_OPERATOR;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_ends), cmocka_unit_test(sixty_four_at_most), cmocka_unit_test(a_cookie_opens_what_the_token_opens),
		cmocka_unit_test(other_sites_pages_may_not), cmocka_unit_test(local_means_no_page_and_a_loopback_name),
	};

	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
