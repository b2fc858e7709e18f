/* TLS sessions that are resumed, and all those that must not be. The client is BearSSL's own, told which session to ask for; the clock
 * is this test's. */
#include "t.h"

#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "tls/tls_state.h"

/* The table is looked at. */
#include "tls/tls_sessions.c"

#define NOW_S 1800000000

static struct tls_identity us, them;
static struct tls server, client;
static enum err of_server, of_client;
static int fd[2];
static br_ssl_session_parameters first; /* what a full handshake made */

static const uint16_t aes_256[] = { BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 };

static size_t kept(void)
{
	static const struct entry none;
	size_t n = 0;

	for (size_t i = 0; i < SESSIONS; i++)
		n += memcmp(&table[i], &none, sizeof none) != 0;
	return n;
}

/* A connection from its beginning, the client asking for `wish` (NULL: for none) under a server name. */
static void begin(const br_ssl_session_parameters *wish, const char *name)
{
	br_ssl_client_context *c = &tls_state(&client)->side.client;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	tls_server_start(&server, &us);
	tls_server_resume(&server);
	tls_client_start(&client, name, TLS_TRUST_LATER, NOW_S);
	if (wish)
		br_ssl_engine_set_session_parameters(&c->eng, wish);
	assert_true(br_ssl_client_reset(c, name, wish != NULL));
	of_server = of_client = ERR_MORE;
}

/* Each side in turn, until neither waits for the other. */
static void shake(void)
{
	for (int i = 0; i < 50 && (of_server == ERR_MORE || of_client == ERR_MORE); i++) {
		if (of_client == ERR_MORE)
			of_client = tls_step(&client, fd[0]);
		if (of_server == ERR_MORE)
			of_server = tls_step(&server, fd[1]);
	}
}

static void end(void)
{
	tls_wipe(&server);
	tls_wipe(&client);
	close(fd[0]);
	close(fd[1]);
}

static const br_ssl_session_parameters *session_of(struct tls *t)
{
	return &tls_engine(tls_state(t))->session;
}

/* Both sides are open and have one session; true when it is `wish`. Another has nothing in common with it. */
static bool is_session(const br_ssl_session_parameters *wish)
{
	const br_ssl_session_parameters *s = session_of(&server), *c = session_of(&client);
	bool same = memcmp(s->session_id, wish->session_id, 32) == 0;

	assert_int_equal(of_server, ERR_OK);
	assert_int_equal(of_client, ERR_OK);
	assert_int_equal(s->version, BR_TLS12);
	assert_int_equal(s->cipher_suite, c->cipher_suite);
	assert_memory_equal(s->session_id, c->session_id, 32);
	assert_memory_equal(s->master_secret, c->master_secret, 48);
	assert_int_equal(memcmp(s->master_secret, wish->master_secret, 48) == 0, same);
	return same;
}

static bool resumes(const br_ssl_session_parameters *wish)
{
	bool same;

	begin(wish, "localhost");
	shake();
	same = is_session(wish);
	end();
	return same;
}

static int make_session(void **state)
{
	static const br_ssl_session_parameters none;

	(void)state;
	tls_sessions_forget();
	begin(NULL, "localhost");
	shake();
	assert_false(is_session(&none));
	first = *session_of(&client);
	end();
	return 0;
}

static void a_session_is_resumed_again_and_again(void **state)
{
	uint8_t got[8], spki[32];
	size_t n;
	bool orderly;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(resumes(&first));
	begin(&first, "localhost");
	shake();
	assert_true(is_session(&first));
	assert_int_equal(session_of(&server)->cipher_suite, first.cipher_suite);
	assert_false(tls_peer_spki(&client, spki)); /* no certificate was seen: nothing is said about one */
	assert_int_equal(tls_send(&client, fd[0], SPAN_LIT("question"), test_clock.mono_ms + 1000), ERR_OK);
	assert_int_equal(tls_recv(&server, fd[1], got, sizeof got, &n, &orderly, test_clock.mono_ms + 1000), ERR_OK);
	assert_memory_equal(got, "question", 8);
	end();
}

static void an_identifier_that_is_not_ours_is_a_full_handshake(void **state)
{
	br_ssl_session_parameters wish;

	(void)state;
	for (unsigned bit = 0; bit < 256; bit++) {
		wish = first;
		wish.session_id[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(resumes(&wish));
	}
	wish = first;
	wish.session_id_len = 31;
	begin(&wish, "localhost");
	shake();
	assert_false(is_session(&first));
	end();
}

/* Who has seen an identifier go by has nothing, and takes nothing from the one whose it is. */
static void an_identifier_without_its_secret_is_of_no_use(void **state)
{
	br_ssl_session_parameters wish = first;

	(void)state;
	wish.master_secret[47] ^= 1;
	begin(&wish, "localhost");
	shake();
	assert_int_equal(of_client, ERR_TLS);
	assert_false(tls_open(&server));
	end();
	assert_true(resumes(&first));
}

static void another_suite_is_a_full_handshake(void **state)
{
	(void)state;
	assert_int_not_equal(first.cipher_suite, aes_256[0]);
	begin(&first, "localhost");
	br_ssl_engine_set_suites(tls_engine(tls_state(&client)), aes_256, 1);
	br_ssl_engine_set_session_parameters(tls_engine(tls_state(&client)), &first);
	assert_true(br_ssl_client_reset(&tls_state(&client)->side.client, "localhost", 1));
	shake();
	assert_false(is_session(&first));
	assert_int_equal(session_of(&server)->cipher_suite, aes_256[0]);
	end();
}

/* One certificate serves all names. */
static void another_name_gets_the_same(void **state)
{
	(void)state;
	begin(&first, "elsewhere.example");
	shake();
	assert_true(is_session(&first));
	end();
}

static void a_session_lasts_an_hour(void **state)
{
	(void)state;
	test_clock.mono_ms += SESSION_MS - 1;
	tls_sessions_expire();
	assert_true(resumes(&first)); /* which does not prolong it */
	test_clock.mono_ms++;
	assert_false(resumes(&first));
	assert_int_not_equal(kept(), 0);
	test_clock.mono_ms += SESSION_MS - 1;
	tls_sessions_expire();
	assert_int_not_equal(kept(), 0);
	test_clock.mono_ms++;
	tls_sessions_expire();
	assert_int_equal(kept(), 0);
}

static void who_comes_later_takes_the_place(void **state)
{
	br_ssl_session_parameters later = first, asked = first;
	struct tls_session_view v;

	(void)state;
	later.session_id[31] ^= 1;
	memset(later.master_secret, 0x77, sizeof later.master_secret);
	tls_sessions_view(&v);
	v.vtable->save(&v.vtable, NULL, &later);
	assert_false(v.vtable->load(&v.vtable, NULL, &asked));
	for (size_t i = 0; i < SESSIONS; i++)
		assert_memory_not_equal(table[i].session.master_secret, first.master_secret, 48);
	asked.session_id[31] ^= 1;
	assert_true(v.vtable->load(&v.vtable, NULL, &asked));
	assert_memory_equal(asked.master_secret, later.master_secret, 48);
	assert_int_equal(asked.cipher_suite, later.cipher_suite);
}

static void renew(void)
{
	test_clock.mono_ms += TLS_HANDSHAKE_MS * 2;
	assert_int_equal(tls_identity_renew(&us, "contoso", NOW_S, 24, span_of(NULL, 0)), ERR_OK);
}

static void a_new_certificate_ends_them_all(void **state)
{
	(void)state;
	renew();
	assert_int_equal(kept(), 0);
	assert_false(resumes(&first));
}

/* The handshake shows the old certificate to its end: its session is not kept. */
static void nor_is_one_kept_that_was_shown_the_old_one(void **state)
{
	br_ssl_session_parameters late;

	(void)state;
	begin(NULL, "localhost");
	of_client = tls_step(&client, fd[0]);
	of_server = tls_step(&server, fd[1]);
	assert_false(tls_open(&server));
	renew();
	shake();
	assert_false(is_session(&first));
	late = *session_of(&client);
	end();
	assert_int_equal(kept(), 0);
	assert_false(resumes(&late));
}

static void the_end_of_the_key_ends_them_all(void **state)
{
	static struct tls_identity other;

	(void)state;
	assert_int_equal(tls_identity_make(&other, "x", NOW_S, 24, span_of(NULL, 0)), ERR_OK);
	assert_false(resumes(&first));
	assert_int_not_equal(kept(), 0);
	tls_identity_wipe(&other);
	assert_int_equal(kept(), 0);
}

/* RFC 5246 section 7.2. */
static void a_connection_that_failed_is_not_resumed(void **state)
{
	uint8_t junk[40] = { 23, 3, 3, 0, 35 };

	(void)state;
	begin(&first, "localhost");
	shake();
	assert_true(is_session(&first));
	assert_int_equal(write(fd[0], junk, sizeof junk), sizeof junk);
	assert_int_equal(tls_step(&server, fd[1]), ERR_TLS);
	end();
	assert_int_equal(kept(), 0);
	assert_false(resumes(&first));
}

/* As on the peer port: whatever was asked for before, the handshake is full, and nothing is kept. */
static void where_a_certificate_is_asked_for_nothing_is_resumed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		begin(&first, "localhost");
		tls_server_ask(&server);
		tls_client_sign(&client, &them);
		shake();
		assert_false(is_session(&first));
		assert_true(span_eq(tls_peer_cert(&server), tls_identity_cert(&them)));
		end();
		assert_int_equal(kept(), 1);
	}
	assert_true(resumes(&first));
}

/* Nor where the server has not been told to. */
static void by_default_nothing_is_resumed(void **state)
{
	(void)state;
	begin(&first, "localhost");
	tls_server_start(&server, &us);
	shake();
	assert_false(is_session(&first));
	end();
}

static int set_up(void **state)
{
	(void)state;
	test_clock = (struct test_clock){ .set = true, .mono_ms = 5, .unix_s = NOW_S };
	assert_int_equal(tls_identity_make(&us, "contoso", NOW_S, 24, span_of(NULL, 0)), ERR_OK);
	assert_int_equal(tls_identity_make(&them, "fabrikam", NOW_S, 24, span_of(NULL, 0)), ERR_OK);
	return 0;
}

#define FRESH(test) cmocka_unit_test_setup(test, make_session)

UNIT(tls_sessions)
{
	const struct CMUnitTest tests[] = {
		FRESH(a_session_is_resumed_again_and_again),
		FRESH(an_identifier_that_is_not_ours_is_a_full_handshake),
		FRESH(an_identifier_without_its_secret_is_of_no_use),
		FRESH(another_suite_is_a_full_handshake),
		FRESH(another_name_gets_the_same),
		FRESH(a_session_lasts_an_hour),
		FRESH(who_comes_later_takes_the_place),
		FRESH(a_new_certificate_ends_them_all),
		FRESH(nor_is_one_kept_that_was_shown_the_old_one),
		FRESH(the_end_of_the_key_ends_them_all),
		FRESH(a_connection_that_failed_is_not_resumed),
		FRESH(where_a_certificate_is_asked_for_nothing_is_resumed),
		FRESH(by_default_nothing_is_resumed),
	};

	return cmocka_run_group_tests_name("tls_sessions", tests, set_up, NULL);
}
