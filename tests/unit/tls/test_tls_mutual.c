/* TLS with certificates on both sides: whose key signed is known to each, and nobody comes in without one. */
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tls/tls.h"
#include "t.h"

static struct tls_identity us, them, mixed;
static struct tls server, client;
static int fd[2];
static enum err of_server, of_client;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
	tls_server_start(&server, &us);
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, time(NULL));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	tls_wipe(&server);
	tls_wipe(&client);
	close(fd[0]);
	close(fd[1]);
	return 0;
}

/* Each side in turn until neither waits for the other any more. */
static void shake(void)
{
	of_server = of_client = ERR_MORE;
	for (int i = 0; i < 50 && (of_server == ERR_MORE || of_client == ERR_MORE); i++) {
		if (of_client == ERR_MORE)
			of_client = tls_step(&client, fd[0]);
		if (of_server == ERR_MORE)
			of_server = tls_step(&server, fd[1]);
		/* BearSSL sends no alert for these: the end of the connection is what the other side sees. */
		if (of_server != ERR_MORE && of_server != ERR_OK)
			shutdown(fd[1], SHUT_WR);
	}
}

static void shows(const struct tls *t, const struct tls_identity *id)
{
	uint8_t spki[32];

	assert_true(tls_peer_spki(t, spki));
	assert_memory_equal(spki, id->spki_sha256, 32);
	assert_true(span_eq(tls_peer_cert(t), tls_identity_cert(id)));
}

static void knows_nobody(const struct tls *t)
{
	uint8_t spki[32];

	assert_false(tls_peer_spki(t, spki));
	assert_int_equal(tls_peer_cert(t).n, 0);
}

static void each_side_knows_the_others_certificate(void **state)
{
	(void)state;
	tls_server_ask(&server);
	tls_client_sign(&client, &them);
	knows_nobody(&server);
	shake();
	assert_int_equal(of_server, ERR_OK);
	assert_int_equal(of_client, ERR_OK);
	shows(&server, &them);
	shows(&client, &us);
	tls_wipe(&server);
	knows_nobody(&server);
}

static void nobody_comes_in_without_a_certificate(void **state)
{
	(void)state;
	tls_server_ask(&server);
	shake();
	assert_int_equal(of_server, ERR_TLS);
	assert_string_equal(tls_error_text(&server), "peer sent no certificate");
	assert_int_not_equal(of_client, ERR_OK);
	assert_false(tls_open(&server));
	knows_nobody(&server);
}

static void another_ones_certificate_is_of_no_use(void **state)
{
	(void)state;
	mixed = them;
	mixed.key = us.key;
	tls_server_ask(&server);
	tls_client_sign(&client, &mixed);
	shake();
	assert_int_equal(of_server, ERR_TLS);
	assert_string_equal(tls_error_text(&server), "bad signature in the handshake");
	assert_int_not_equal(of_client, ERR_OK);
	knows_nobody(&server);
}

static void what_is_no_certificate_is_refused(void **state)
{
	(void)state;
	mixed = them;
	mixed.cert[mixed.in_use].der[8] ^= 0x40; /* a tag inside */
	tls_server_ask(&server);
	tls_client_sign(&client, &mixed);
	shake();
	assert_int_equal(of_server, ERR_UNTRUSTED);
	assert_string_equal(tls_error_text(&server), "peer's certificate not understood");
	knows_nobody(&server);
}

static void where_none_is_asked_for_none_is_shown(void **state)
{
	(void)state;
	tls_client_sign(&client, &them);
	shake();
	assert_int_equal(of_server, ERR_OK);
	assert_int_equal(of_client, ERR_OK);
	knows_nobody(&server);
	shows(&client, &us);
}

static void a_client_that_could_not_start_stays_broken(void **state)
{
	char host[HOST_MAX + 1];

	(void)state;
	memset(host, 'a', HOST_MAX);
	host[HOST_MAX] = '\0';
	tls_client_start(&client, host, TLS_TRUST_LATER, time(NULL));
	tls_client_sign(&client, &them);
	assert_int_equal(tls_step(&client, fd[0]), ERR_TLS);
	assert_string_equal(tls_error_text(&client), "host name too long");
}

static int make_identities(void **state)
{
	(void)state;
	return tls_identity_make(&us, "contoso", time(NULL), 24, span_of(NULL, 0)) != ERR_OK ||
	       tls_identity_make(&them, "woodgrove", time(NULL), 24, span_of(NULL, 0)) != ERR_OK;
}

UNIT(tls_mutual)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_side_knows_the_others_certificate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_comes_in_without_a_certificate, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_ones_certificate_is_of_no_use, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_no_certificate_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(where_none_is_asked_for_none_is_shown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_client_that_could_not_start_stays_broken, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("tls mutual", tests, make_identities, NULL);
}
