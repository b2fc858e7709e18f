/* TLS: both sides in one process, hostile peers, and OpenSSL on the other side. */
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/ct.h"
#include "crypto/rng.h"
#include "tls/tls.h"
#include "crypto/x509.h"
#include "pki.h"
#include "os/clock.h"
#include "os/net.h"

#define LIMIT_MS 20000 /* nothing here takes a second; only a fault waits this long */
#define BIG 2000003

static struct tls_identity id;
static struct tls client;
static uint8_t big[BIG];
static bool have_openssl;

static int64_t soon(void)
{
	return clock_ms() + LIMIT_MS;
}

static void need_openssl(void)
{
	if (!have_openssl)
		skip();
}

/* --- a server thread ---------------------------------------------------------------------------------------------- */

enum duty {
	ECHO,   /* gives back everything, closes orderly after the peer did */
	ANSWER, /* gives back the first piece and closes orderly */
	SEND,   /* sends `big` and closes orderly */
	CUT,    /* sends 100 bytes and closes without a word */
};

static struct {
	struct tls t;
	int fd;
	enum duty duty;
	enum err handshake, end;
	bool orderly;
	uint64_t received;
	char said[64]; /* the start of tls_error_text of a failed handshake */
	pthread_t thread;
} server;

static void serve(void)
{
	static uint8_t buf[30000];
	size_t n = 0;

	server.handshake = tls_handshake(&server.t, server.fd, soon());
	server.end = server.handshake;
	snprintf(server.said, sizeof server.said, "%s", tls_error_text(&server.t));
	if (server.handshake != ERR_OK)
		return;
	if (server.duty == SEND || server.duty == CUT)
		server.end = tls_send(&server.t, server.fd, span_of(big, server.duty == SEND ? BIG : 100), soon());
	while (server.end == ERR_OK && (server.duty == ECHO || server.duty == ANSWER)) {
		server.end = tls_recv(&server.t, server.fd, buf, sizeof buf, &n, &server.orderly, soon());
		if (server.end == ERR_OK) {
			server.received += n;
			server.end = tls_send(&server.t, server.fd, span_of(buf, n), soon());
		}
		if (server.duty == ANSWER)
			break;
	}
	if (server.duty != CUT)
		tls_shutdown(&server.t, server.fd, soon());
}

static void *server_thread(void *arg)
{
	(void)arg;
	tls_server_start(&server.t, &id);
	serve();
	close(server.fd);
	return NULL;
}

static void server_run(int fd, enum duty duty)
{
	server.fd = fd;
	server.duty = duty;
	server.handshake = server.end = ERR_STATE;
	server.orderly = false;
	server.received = 0;
	assert_int_equal(pthread_create(&server.thread, NULL, server_thread, NULL), 0);
}

static void server_join(void)
{
	assert_int_equal(pthread_join(server.thread, NULL), 0);
	tls_wipe(&server.t);
}

static void pair(int fd[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), 0);
}

/* A client's end connected to a server with this duty. */
static int connected(enum duty duty)
{
	int fd[2];

	pair(fd);
	server_run(fd[1], duty);
	return fd[0];
}

static void send_all(int fd, const void *p, size_t n)
{
	assert_int_equal(tls_send(&client, fd, span_of(p, n), soon()), ERR_OK);
}

/* Receives exactly n bytes and compares. */
static void expect(int fd, const uint8_t *p, size_t n)
{
	static uint8_t buf[20000];
	size_t got = 0, some;
	bool orderly;

	while (got < n) {
		size_t cap = n - got < sizeof buf ? n - got : sizeof buf;

		assert_int_equal(tls_recv(&client, fd, buf, cap, &some, &orderly, soon()), ERR_OK);
		assert_memory_equal(buf, p + got, some);
		got += some;
	}
}

static void expect_end(int fd, bool want_orderly)
{
	uint8_t buf[10];
	size_t n = 1;
	bool orderly = !want_orderly;

	assert_int_equal(tls_recv(&client, fd, buf, sizeof buf, &n, &orderly, soon()), ERR_CLOSED);
	assert_int_equal(n, 0);
	assert_int_equal(orderly, want_orderly);
}

/* --- both sides in one process ------------------------------------------------------------------------------------ */

static void test_talk_and_orderly_end(void **state)
{
	int fd = connected(ECHO);
	uint8_t spki[32];

	(void)state;
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, time(NULL));
	assert_false(tls_open(&client));
	assert_false(tls_peer_spki(&client, spki));
	assert_int_equal(tls_handshake(&client, fd, soon()), ERR_OK);
	assert_true(tls_open(&client));
	assert_true(tls_peer_spki(&client, spki));
	assert_memory_equal(spki, id.spki_sha256, 32);
	send_all(fd, "hello", 5);
	expect(fd, (const uint8_t *)"hello", 5);
	send_all(fd, "", 0);
	send_all(fd, "again", 5);
	expect(fd, (const uint8_t *)"again", 5);
	tls_shutdown(&client, fd, soon());
	server_join();
	assert_int_equal(server.end, ERR_CLOSED);
	assert_true(server.orderly);
	assert_int_equal(server.received, 10);
	assert_false(tls_peer_spki(&server.t, spki));
	expect_end(fd, true);
	assert_false(tls_open(&client));
	assert_int_equal(tls_send(&client, fd, SPAN_LIT("x"), soon()), ERR_CLOSED);
	close(fd);
}

static void test_self_signed_is_not_anchored(void **state)
{
	int fd = connected(ECHO);

	(void)state;
	assert_int_equal(x509_anchors_init(span_of(NULL, 0)), ERR_OK);
	tls_client_start(&client, "localhost", TLS_TRUST_ANCHORS, time(NULL));
	assert_int_equal(tls_handshake(&client, fd, soon()), ERR_UNTRUSTED);
	assert_non_null(strstr(tls_error_text(&client), "does not lead to a trusted root: \"contoso\""));
	close(fd);
	server_join();
}

static void test_large_transfers(void **state)
{
	int fd = connected(SEND);

	(void)state;
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd, soon()), ERR_OK);
	expect(fd, big, BIG);
	expect_end(fd, true);
	close(fd);
	server_join();
	assert_int_equal(server.end, ERR_OK);

	fd = connected(ECHO);
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	for (size_t at = 0; at < 600000; at += 30000) {
		send_all(fd, big + at, 30000);
		expect(fd, big + at, 30000);
	}
	for (size_t n = 4090; n < 4100; n++) { /* around the size of a record of ours */
		send_all(fd, big + n, n);
		expect(fd, big + n, n);
	}
	tls_shutdown(&client, fd, soon());
	close(fd);
	server_join();
	assert_true(server.orderly);
}

static void test_cut_is_seen(void **state)
{
	int fd = connected(CUT);

	(void)state;
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd, soon()), ERR_OK);
	expect(fd, big, 100);
	expect_end(fd, false);
	close(fd);
	server_join();

	fd = connected(ECHO); /* the same on the server's side */
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	send_all(fd, "x", 1);
	expect(fd, (const uint8_t *)"x", 1);
	close(fd);
	server_join();
	assert_int_equal(server.end, ERR_CLOSED);
	assert_false(server.orderly);

	fd = connected(ECHO); /* in the middle of the handshake */
	close(fd);
	server_join();
	assert_int_equal(server.handshake, ERR_CLOSED);
}

static void test_goodbye_then_gone_is_orderly(void **state)
{
	int fd = connected(ECHO);
	uint8_t buf[8];
	size_t n;
	bool orderly = false;
	enum err e;

	(void)state;
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd, soon()), ERR_OK);
	tls_shutdown(&client, fd, soon());
	close(fd); /* the server cannot send its own close_notify any more */
	server_join();
	assert_true(server.orderly);
	assert_int_equal(server.end, ERR_CLOSED);
	e = tls_recv(&server.t, -1, buf, sizeof buf, &n, &orderly, soon()); /* wiped: nothing works, nothing crashes */
	assert_int_not_equal(e, ERR_OK);
}

static void test_nothing_is_asked_to_block(void **state)
{
	static struct tls s;
	int fd[2];
	uint8_t buf[4];

	(void)state;
	pair(fd);
	tls_server_start(&s, &id);
	assert_int_equal(tls_step(&s, fd[1]), ERR_MORE);
	assert_int_equal(tls_wants(&s), NET_READ);
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_wants(&client), NET_WRITE | NET_READ);
	assert_int_equal(tls_take(&client, buf, 4), 0);
	for (int turn = 0; turn < 10 && !(tls_open(&s) && tls_open(&client)); turn++) {
		enum err c = tls_step(&client, fd[0]), v = tls_step(&s, fd[1]);

		assert_true(c == ERR_MORE || c == ERR_OK);
		assert_true(v == ERR_MORE || v == ERR_OK);
	}
	assert_true(tls_open(&s) && tls_open(&client));
	assert_int_equal(tls_step(&s, fd[1]), ERR_MORE); /* the end of the handshake is told once */
	assert_int_equal(tls_step(&client, fd[0]), ERR_MORE);
	send_all(fd[0], "abcdef", 6);
	assert_int_equal(tls_step(&s, fd[1]), ERR_OK);
	assert_int_equal(tls_step(&s, fd[1]), ERR_OK); /* until taken */
	assert_int_equal(tls_take(&s, buf, 4), 4);
	assert_memory_equal(buf, "abcd", 4);
	assert_int_equal(tls_step(&s, fd[1]), ERR_OK);
	assert_int_equal(tls_take(&s, buf, 4), 2);
	assert_int_equal(tls_take(&s, buf, 4), 0);
	assert_int_equal(tls_step(&s, fd[1]), ERR_MORE);
	close(fd[0]);
	assert_int_equal(tls_step(&s, fd[1]), ERR_CLOSED);
	close(fd[1]);
	tls_wipe(&s);
	for (size_t i = 0; i < sizeof s.opaque; i++)
		assert_int_equal(s.opaque[i], 0);
}

static void test_deadlines(void **state)
{
	int fd[2];
	uint8_t buf[4];
	size_t n;
	bool orderly;
	int64_t before = clock_ms();

	(void)state;
	pair(fd);
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd[0], clock_ms() + 50), ERR_TIMEOUT);
	assert_int_equal(tls_send(&client, fd[0], SPAN_LIT("x"), clock_ms() + 50), ERR_TIMEOUT);
	assert_int_equal(tls_recv(&client, fd[0], buf, 4, &n, &orderly, clock_ms() + 50), ERR_TIMEOUT);
	assert_int_equal(tls_recv(&client, fd[0], buf, 0, &n, &orderly, clock_ms() + 50), ERR_RANGE);
	close(fd[0]);
	close(fd[1]);
	fd[0] = connected(ECHO);
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd[0], soon()), ERR_OK);
	assert_int_equal(tls_recv(&client, fd[0], buf, 4, &n, &orderly, clock_ms() + 50), ERR_TIMEOUT);
	assert_true(tls_open(&client)); /* one can go on after that */
	send_all(fd[0], "x", 1);
	expect(fd[0], (const uint8_t *)"x", 1);
	assert_true(clock_ms() - before < LIMIT_MS / 2);
	close(fd[0]);
	server_join();

	/* a peer that sends without end and takes nothing: full buffers, then the deadline */
	fd[0] = connected(SEND);
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd[0], soon()), ERR_OK);
	assert_int_equal(tls_send(&client, fd[0], span_of(big, BIG), clock_ms() + 100), ERR_TIMEOUT);
	close(fd[0]);
	server_join();
	assert_int_equal(server.end, ERR_CLOSED);
}

static void test_wrong_use_fails_closed(void **state)
{
	char host[HOST_MAX + 1];
	uint8_t out[32];
	size_t n;
	bool orderly;
	int fd[2];

	(void)state;
	memset(host, 'a', sizeof host);
	host[HOST_MAX] = 0;
	pair(fd);
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			tls_client_start(&client, host, TLS_TRUST_LATER, 1);
		else
			tls_client_start(&client, "", TLS_TRUST_ANCHORS, 1);
		assert_int_equal(tls_step(&client, fd[0]), ERR_TLS);
		assert_int_equal(tls_handshake(&client, fd[0], soon()), ERR_TLS);
		assert_int_equal(tls_send(&client, fd[0], SPAN_LIT("x"), soon()), ERR_TLS);
		assert_int_equal(tls_recv(&client, fd[0], out, 32, &n, &orderly, soon()), ERR_TLS);
		assert_int_equal(tls_wants(&client), 0);
		assert_false(tls_peer_spki(&client, out));
		assert_non_null(strstr(tls_error_text(&client), i == 0 ? "too long" : "no host"));
		tls_shutdown(&client, fd[0], soon());
	}
	close(fd[0]);
	close(fd[1]);
}

/* --- a meddling wire ---------------------------------------------------------------------------------------------- */

/* Carries bytes between the client's and the server's ends; step: bytes a time; one byte of the stream to the client
 * (or to the server) is changed, or the wire is cut there. */
static struct {
	int client, server;
	size_t step;
	long change_to_client, change_to_server, cut_to_client; /* -1: nowhere */
	pthread_t thread;
} wire;

static bool carry(int from, int to, size_t *at, long change, long cut)
{
	uint8_t buf[4096];
	ssize_t n = read(from, buf, wire.step);

	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	for (ssize_t i = 0; i < n; i++, (*at)++) {
		if (change == (long)*at)
			buf[i] ^= 0x40;
		if (cut == (long)*at)
			return false;
		while (write(to, buf + i, 1) != 1)
			if (errno != EAGAIN)
				return false;
	}
	return true;
}

static void *wire_thread(void *arg)
{
	struct pollfd p[2] = { { .fd = wire.client, .events = POLLIN }, { .fd = wire.server, .events = POLLIN } };
	size_t up = 0, down = 0;
	bool alive = true;

	while (alive && poll(p, 2, LIMIT_MS) > 0) {
		if (p[0].revents)
			alive = carry(wire.client, wire.server, &up, wire.change_to_server, -1);
		if (alive && p[1].revents)
			alive = carry(wire.server, wire.client, &down, wire.change_to_client, wire.cut_to_client);
	}
	close(wire.client);
	close(wire.server);
	return arg;
}

static int wired(enum duty duty, size_t step, long change_to_client, long change_to_server, long cut_to_client)
{
	int near[2], far[2];

	pair(near);
	pair(far);
	wire.client = near[1];
	wire.server = far[0];
	wire.step = step;
	wire.change_to_client = change_to_client;
	wire.change_to_server = change_to_server;
	wire.cut_to_client = cut_to_client;
	assert_int_equal(pthread_create(&wire.thread, NULL, wire_thread, NULL), 0);
	server_run(far[1], duty);
	return near[0];
}

static void wire_join(int fd)
{
	close(fd);
	server_join();
	assert_int_equal(pthread_join(wire.thread, NULL), 0);
}

static void test_one_byte_at_a_time(void **state)
{
	int fd = wired(ECHO, 1, -1, -1, -1);

	(void)state;
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	send_all(fd, big, 20000);
	expect(fd, big, 20000);
	tls_shutdown(&client, fd, soon());
	wire_join(fd);
	assert_true(server.orderly);
}

static void test_any_changed_byte_ends_it(void **state)
{
	unsigned failed = 0;
	long at;

	(void)state;
	/* hello, certificate, key exchange, finished and data of the server: every byte is covered by something. A changed
	 * length may also make a side wait for bytes that never come, so give it little time. */
	for (at = 0; at < 2000; at += 9, failed++) {
		int fd = wired(ANSWER, 4096, at, -1, -1);
		uint8_t buf[4];
		size_t n;
		bool orderly;
		enum err e;

		tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
		e = tls_handshake(&client, fd, clock_ms() + 200);
		if (e == ERR_OK)
			e = tls_send(&client, fd, SPAN_LIT("ping"), soon());
		if (e == ERR_OK)
			e = tls_recv(&client, fd, buf, sizeof buf, &n, &orderly, clock_ms() + 200);
		wire_join(fd);
		if (e == ERR_OK)
			break; /* beyond the last byte of the answer */
		assert_true(e == ERR_TLS || e == ERR_UNTRUSTED || e == ERR_CLOSED || e == ERR_TIMEOUT);
	}
	assert_in_range(failed, 60, 110); /* the server's side is some 600 to 950 bytes */
	for (at = 0; at < 500; at += 9) {
		int fd = wired(ANSWER, 4096, -1, at, -1);
		enum err e;

		tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
		e = tls_handshake(&client, fd, clock_ms() + 200);
		wire_join(fd);
		if (e == ERR_OK)
			break; /* beyond the client's finished message */
	}
	assert_in_range(at / 9, 15, 28);
}

static void test_cut_inside_a_record(void **state)
{
	static uint8_t buf[BIG];
	int fd = wired(SEND, 4096, -1, -1, 300000);
	size_t n, got = 0;
	bool orderly = true;
	enum err e;

	(void)state;
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd, soon()), ERR_OK);
	do {
		e = tls_recv(&client, fd, buf + got, BIG - got, &n, &orderly, soon());
		got += n;
	} while (e == ERR_OK);
	assert_int_equal(e, ERR_CLOSED);
	assert_false(orderly);
	assert_in_range(got, 280000, 300000);
	assert_memory_equal(buf, big, got);
	wire_join(fd);
}

/* --- bytes that are not TLS --------------------------------------------------------------------------------------- */

/* What a fresh server does with these bytes followed by end of stream; its answer goes to reply. */
static enum err feed_server(const void *p, size_t n, uint8_t *reply, size_t cap, size_t *reply_n)
{
	static struct tls s;
	int fd[2];
	enum err e;
	ssize_t got;

	pair(fd);
	assert_int_equal(write(fd[0], p, n), n);
	assert_int_equal(shutdown(fd[0], SHUT_WR), 0);
	tls_server_start(&s, &id);
	do
		e = tls_step(&s, fd[1]);
	while (e == ERR_MORE);
	assert_false(tls_open(&s));
	assert_non_null(tls_error_text(&s));
	got = read(fd[0], reply, cap);
	*reply_n = got > 0 ? (size_t)got : 0;
	tls_wipe(&s);
	close(fd[0]);
	close(fd[1]);
	return e;
}

static void test_garbage(void **state)
{
	uint8_t junk[2000], reply[4096];
	size_t n;
	int fd[2];

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		size_t len = 1 + rng_below(sizeof junk);
		enum err e;

		rng_bytes(junk, len);
		if (round % 2 && len > 9) { /* a plausible record and handshake header */
			memcpy(junk, "\x16\x03\x01\x01\x00\x01\x00\x00\xfc", 9);
			if (round % 4 == 1)
				memcpy(junk + 9, "\x03\x03", 2);
		}
		e = feed_server(junk, len, reply, sizeof reply, &n);
		assert_true(e == ERR_TLS || e == ERR_CLOSED);

		pair(fd);
		assert_int_equal(write(fd[1], junk, len), len);
		assert_int_equal(shutdown(fd[1], SHUT_WR), 0);
		tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
		e = tls_handshake(&client, fd[0], soon());
		assert_true(e == ERR_TLS || e == ERR_CLOSED);
		close(fd[0]);
		close(fd[1]);
	}
	assert_int_equal(feed_server("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, reply, sizeof reply, &n), ERR_TLS);
}

/* A ClientHello by hand: legacy version in record and message, the suites, P-256, ECDSA with SHA-256. */
static size_t write_hello(uint8_t *p, unsigned version, const uint16_t *suites, size_t count)
{
	static const uint8_t extensions[] = { 0x00, 0x1a, /* their length */
		                              0x00, 0x0a, 0x00, 0x04, 0x00, 0x02, 0x00, 0x17,
		                              0x00, 0x0b, 0x00, 0x02, 0x01, 0x00,
		                              0x00, 0x0d, 0x00, 0x08, 0x00, 0x06, 0x04, 0x03, 0x05, 0x03, 0x04, 0x01 };
	size_t n = 9;

	p[n++] = 0x03;
	p[n++] = (uint8_t)version;
	rng_bytes(p + n, 32);
	n += 32;
	p[n++] = 0; /* no session */
	p[n++] = 0;
	p[n++] = (uint8_t)(2 * count);
	for (size_t i = 0; i < count; i++) {
		p[n++] = (uint8_t)(suites[i] >> 8);
		p[n++] = (uint8_t)suites[i];
	}
	p[n++] = 1; /* null compression */
	p[n++] = 0;
	memcpy(p + n, extensions, sizeof extensions);
	n += sizeof extensions;
	memcpy(p, "\x16\x03\x01", 3);
	p[3] = (uint8_t)((n - 5) >> 8);
	p[4] = (uint8_t)(n - 5);
	memcpy(p + 5, "\x01\x00", 2);
	p[7] = (uint8_t)((n - 9) >> 8);
	p[8] = (uint8_t)(n - 9);
	return n;
}

static void test_versions_and_suites_of_the_server(void **state)
{
	static const uint16_t every[] = { 0xc02b, 0xc02c, 0xcca9, 0xc023, 0xc009, 0x002f, 0x009c };
	static const uint16_t good[] = { 0xc02b, 0xc02c };
	static const uint16_t bad[] = { 0xc02f /* ECDHE_RSA GCM */,     0xc023 /* ECDHE_ECDSA CBC SHA256 */,
		                        0xc009 /* ECDHE_ECDSA CBC */,   0xc0ac /* ECDHE_ECDSA CCM */,
		                        0xc02d /* static ECDH GCM */,   0x009c /* RSA GCM */,
		                        0x002f /* RSA CBC */,           0x000a /* 3DES */,
		                        0xc006 /* ECDHE_ECDSA NULL */,  0x1301 /* TLS 1.3 */,
		                        0xcca9 /* ECDHE_ECDSA ChaCha20 */ };
	uint8_t hello[256], reply[4096];
	size_t n;

	(void)state;
	for (unsigned version = 0; version <= 2; version++) { /* SSL 3.0, TLS 1.0, 1.1 */
		size_t len = write_hello(hello, version, every, 7);

		assert_int_equal(feed_server(hello, len, reply, sizeof reply, &n), ERR_TLS);
		assert_true(n == 0 || reply[0] == 0x15);
	}
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
		size_t len = write_hello(hello, 3, good + i, 1);

		assert_int_equal(feed_server(hello, len, reply, sizeof reply, &n), ERR_CLOSED);
		assert_true(n > 500);
		assert_memory_equal(reply, "\x16\x03\x03", 3);
		assert_int_equal(reply[5], 2); /* ServerHello with no session identifier or a fresh one */
		assert_int_equal(reply[43 + 1 + reply[43]], good[i] >> 8);
		assert_int_equal(reply[43 + 2 + reply[43]], good[i] & 0xff);
	}
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t len = write_hello(hello, 3, bad + i, 1);

		assert_int_equal(feed_server(hello, len, reply, sizeof reply, &n), ERR_TLS);
		assert_int_equal(n, 7);
		assert_memory_equal(reply, "\x15\x03\x03\x00\x02\x02\x28", 7); /* fatal: handshake_failure */
	}
}

/* The peer of a failed handshake is told why, once, and in the clear only as long as everything is. */
static void test_alerts(void **state)
{
	static const struct {
		const char *host;
		int64_t later_s;
		const char *said;
	} cases[] = {
		{ "localhost", 0, "peer's alert: unknown authority" },
		{ "other.example", 0, "peer's alert: bad certificate" },
		{ "localhost", 400 * 86400, "peer's alert: certificate expired" },
	};
	uint8_t reply[64];
	size_t n;

	(void)state;
	assert_int_equal(x509_anchors_init(span_of(NULL, 0)), ERR_OK);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		int fd = connected(ECHO);

		tls_client_start(&client, cases[i].host, TLS_TRUST_ANCHORS, time(NULL) + cases[i].later_s);
		for (int again = 0; again < 2; again++)
			assert_int_equal(tls_handshake(&client, fd, soon()), ERR_UNTRUSTED);
		server_join();
		close(fd);
		assert_int_equal(server.handshake, ERR_TLS);
		assert_string_equal(server.said, cases[i].said);
	}
	assert_int_equal(feed_server("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 27, reply, sizeof reply, &n), ERR_TLS);
	assert_int_equal(n, 7);
	assert_memory_equal(reply, "\x15\x03\x03\x00\x02\x02\x46", 7); /* protocol_version */
	assert_int_equal(feed_server("\x15\x03\x01\x00\x02\x02\x28", 7, reply, sizeof reply, &n), ERR_TLS);
	assert_int_equal(n, 0); /* none in answer to one */
}

static void test_no_alert_in_the_clear_once_encrypted(void **state)
{
	static const uint8_t forged[] = { 0x17, 3, 3, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24 };
	int fd = connected(ECHO);
	uint8_t reply[64];

	(void)state;
	tls_client_start(&client, "localhost", TLS_TRUST_LATER, 1);
	assert_int_equal(tls_handshake(&client, fd, soon()), ERR_OK);
	assert_int_equal(write(fd, forged, sizeof forged), sizeof forged);
	server_join();
	assert_int_equal(server.end, ERR_TLS);
	assert_int_equal(read(fd, reply, sizeof reply), 0);
	close(fd);
}

/* --- OpenSSL's client --------------------------------------------------------------------------------------------- */

/* Runs s_client with these options against a server of ours; its output, which is static. */
static const char *s_client(const char *options, enum duty duty, const char *input)
{
	static char output[65536];
	char command[512];
	struct net_addr peer;
	uint16_t port;
	size_t n;
	int listener, fd;
	FILE *f;

	assert_int_equal(net_listen(0, true, &listener, &port), ERR_OK);
	snprintf(command, sizeof command,
	         "(printf '%s'; sleep %s) | timeout 20 openssl s_client -connect 127.0.0.1:%u %s %s 2>&1", input,
	         *input == 'R' ? "1" : "0", port, *input == 'R' ? "" : "-ign_eof", options);
	f = popen(command, "r");
	assert_non_null(f);
	assert_int_equal(net_wait(listener, NET_READ, soon()), ERR_OK);
	assert_int_equal(net_accept(listener, &fd, &peer), ERR_OK);
	server_run(fd, duty);
	n = fread(output, 1, sizeof output - 1, f);
	output[n] = 0;
	pclose(f);
	server_join();
	net_close(listener);
	return output;
}

static void test_openssl_client_accepted(void **state)
{
	static const struct {
		const char *options, *sign;
	} cases[] = {
		{ "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256", "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" },
		{ "-tls1_2 -cipher ECDHE-ECDSA-AES256-GCM-SHA384", "Cipher is ECDHE-ECDSA-AES256-GCM-SHA384" },
		{ "", "Cipher is ECDHE-ECDSA-AES128-GCM-SHA256" }, /* whatever it offers: our first choice, TLS 1.2 */
		{ "-groups P-384:P-256:X25519", "Server Temp Key: X25519" },
		{ "-groups P-384:P-256", "Server Temp Key: ECDH, prime256v1" },
		{ "-servername anything.example -alpn h2,http/1.1", "No ALPN negotiated" },
	};

	(void)state;
	need_openssl();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *out = s_client(cases[i].options, ANSWER, "question\\n");

		assert_int_equal(server.handshake, ERR_OK);
		assert_non_null(strstr(out, cases[i].sign));
		assert_non_null(strstr(out, "\nquestion\n"));
		assert_non_null(strstr(out, "TLSv1.2"));
		assert_null(strstr(out, "TLS session ticket"));
	}
}

static void test_openssl_client_refused(void **state)
{
	static const char *const options[] = {
		"-tls1 -cipher ALL:@SECLEVEL=0",
		"-tls1_1 -cipher ALL:@SECLEVEL=0",
		"-tls1_3",
		"-tls1_2 -cipher ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0",
		"-tls1_2 -cipher ECDHE-ECDSA-AES128-CCM:ECDHE-ECDSA-AES256-CCM8",
		"-tls1_2 -cipher ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
		"-tls1_2 -cipher AES128-GCM-SHA256:AES256-SHA",
		"-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-GCM-SHA256",
		"-tls1_2 -sigalgs ECDSA+SHA1:RSA+SHA256 -cipher ALL:@SECLEVEL=0",
	};

	(void)state;
	need_openssl();
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		const char *out = s_client(options[i], ANSWER, "question\\n");

		assert_int_equal(server.handshake, ERR_TLS);
		assert_null(strstr(out, "\nquestion\n"));
		assert_non_null(strstr(out, "Cipher is (NONE)"));
	}
}

static void test_no_renegotiation(void **state)
{
	const char *out;

	(void)state;
	need_openssl();
	out = s_client("-tls1_2", ANSWER, "R\\n");
	assert_non_null(strstr(out, "RENEGOTIATING"));
	assert_non_null(strstr(out, "no renegotiation"));
	assert_int_equal(server.handshake, ERR_OK);
	assert_int_equal(server.received, 0);
}

/* --- OpenSSL's server --------------------------------------------------------------------------------------------- */

static struct {
	pid_t pid;
	uint16_t port;
	FILE *out;
} s_server;

static void s_server_start(const char *options)
{
	char command[768], line[256];
	unsigned port = 0;
	int out[2];

	snprintf(command, sizeof command, "cd %s && exec openssl s_server -accept 127.0.0.1:0 -HTTP %s 2>s_server.log", pki_dir,
	         options);
	assert_int_equal(pipe(out), 0);
	s_server.pid = fork();
	if (s_server.pid == 0) {
		alarm(60); /* does not outlive a test that stopped */
		dup2(out[1], 1);
		close(out[0]);
		close(out[1]);
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	close(out[1]);
	s_server.out = fdopen(out[0], "r");
	while (fgets(line, sizeof line, s_server.out) && !strchr(line, ':'))
		;
	if (strrchr(line, ':'))
		port = (unsigned)atoi(strrchr(line, ':') + 1);
	s_server.port = (uint16_t)port;
	assert_true(port > 0);
}

static void s_server_stop(void)
{
	kill(s_server.pid, SIGKILL);
	waitpid(s_server.pid, NULL, 0);
	fclose(s_server.out);
}

/* Fetches the file "big" from it; the first error. */
static enum err fetch(const char *host, enum tls_trust trust, int64_t now)
{
	static uint8_t buf[BIG + 1000];
	static const char request[] = "GET /big HTTP/1.0\r\n\r\n";
	size_t n, got = 0;
	bool orderly = false;
	enum err e;
	int fd;

	assert_int_equal(net_connect("127.0.0.1", s_server.port, soon(), &fd), ERR_OK);
	tls_client_start(&client, host, trust, now);
	e = tls_handshake(&client, fd, soon());
	if (e == ERR_OK)
		e = tls_send(&client, fd, span_of(request, sizeof request - 1), soon());
	while (e == ERR_OK) {
		e = tls_recv(&client, fd, buf + got, sizeof buf - got, &n, &orderly, soon());
		got += n;
	}
	close(fd);
	if (e != ERR_CLOSED || got == 0)
		return e;
	assert_true(orderly);
	assert_int_equal(got, BIG);
	assert_memory_equal(buf, big, BIG);
	return ERR_OK;
}

static void trust_pki(void)
{
	size_t n = 0;
	const char *pem = pki_file("anchors.pem", &n);

	assert_int_equal(x509_anchors_init(span_of(pem, n)), ERR_OK);
}

#define GOOD "-cert leaf.pem -key leaf.key -cert_chain inter.pem "

static void test_openssl_server_accepted(void **state)
{
	static const char *const options[] = {
		GOOD,
		GOOD "-cipher ECDHE-ECDSA-AES128-GCM-SHA256",
		GOOD "-cipher ECDHE-ECDSA-AES256-GCM-SHA384",
		GOOD "-groups X25519", GOOD "-groups P-384",
		GOOD "-verify 1", /* asks for a client certificate and goes on without */
		"-cert p384leaf.pem -key p384leaf.key",
		"-cert rsaleaf.pem -key rsaleaf.key",
		"-cert rsaleaf.pem -key rsaleaf.key -cipher ECDHE-RSA-AES256-GCM-SHA384",
		"-cert rsaleaf.pem -key rsaleaf.key -cipher ECDHE-RSA-AES128-GCM-SHA256",
	};

	(void)state;
	need_openssl();
	trust_pki();
	for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
		s_server_start(options[i]);
		assert_int_equal(fetch("good.example", TLS_TRUST_ANCHORS, time(NULL)), ERR_OK);
		if (i == 0)
			assert_int_equal(fetch("x.wild.example", TLS_TRUST_ANCHORS, time(NULL)), ERR_OK);
		s_server_stop();
	}
}

static void test_openssl_server_refused(void **state)
{
	static const struct {
		const char *options;
		enum err expected;
		const char *text;
	} cases[] = {
		{ GOOD "-tls1_1 -cipher ALL:@SECLEVEL=0", ERR_TLS, "peer's alert" },
		{ GOOD "-tls1_3", ERR_TLS, "version" },
		{ GOOD "-cipher ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-CCM -no_tls1_3", ERR_TLS, "handshake failure" },
		{ GOOD "-cipher ECDHE-ECDSA-CHACHA20-POLY1305 -no_tls1_3", ERR_TLS, "handshake failure" },
		{ "-cert rsaleaf.pem -key rsaleaf.key -cipher AES128-GCM-SHA256", ERR_TLS, "handshake failure" },
		{ "-cert leaf.pem -key leaf.key", ERR_UNTRUSTED, "trusted root" }, /* intermediate missing */
		{ "-cert untrusted.pem -key untrusted.key", ERR_UNTRUSTED, "trusted root" },
		{ "-cert nosan.pem -key nosan.key -cert_chain inter.pem", ERR_UNTRUSTED, "subjectAltName" },
		{ "-cert mail.pem -key mail.key -cert_chain inter.pem", ERR_UNTRUSTED, "not for servers" },
		{ "-cert critical.pem -key critical.key -cert_chain inter.pem", ERR_UNTRUSTED, "critical extension" },
		{ "-cert sha1.pem -key sha1.key -cert_chain inter.pem -cipher ALL:@SECLEVEL=0", ERR_UNTRUSTED,
		  "unsupported algorithm" },
		{ "-cert sub.pem -key sub.key -cert_chain leaf.chain.pem", ERR_UNTRUSTED, "" },
		{ "-cert agree.pem -key agree.key -cert_chain inter.pem", ERR_TLS, "" },
	};

	(void)state;
	need_openssl();
	trust_pki();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		s_server_start(cases[i].options);
		assert_int_equal(fetch("good.example", TLS_TRUST_ANCHORS, time(NULL)), cases[i].expected);
		assert_non_null(strstr(tls_error_text(&client), cases[i].text));
		s_server_stop();
	}
}

static void test_openssl_server_names_and_dates(void **state)
{
	(void)state;
	need_openssl();
	trust_pki();
	s_server_start(GOOD);
	assert_int_equal(fetch("bad.example", TLS_TRUST_ANCHORS, time(NULL)), ERR_UNTRUSTED);
	assert_string_equal(tls_error_text(&client), "name mismatch");
	assert_int_equal(fetch("127.0.0.1", TLS_TRUST_ANCHORS, time(NULL)), ERR_UNTRUSTED);
	assert_int_equal(fetch("good.example", TLS_TRUST_ANCHORS, time(NULL) + 400 * 86400), ERR_UNTRUSTED);
	assert_string_equal(tls_error_text(&client), "certificate expired or not yet valid");
	assert_int_equal(fetch("good.example", TLS_TRUST_ANCHORS, time(NULL) - 86400), ERR_UNTRUSTED);
	assert_int_equal(fetch("bad.example", TLS_TRUST_LATER, 1), ERR_OK);
	assert_int_equal(fetch("127.0.0.1", TLS_TRUST_LATER, 1), ERR_OK);
	assert_int_equal(fetch("good.example", (enum tls_trust)77, time(NULL)), ERR_UNTRUSTED); /* no such trust */
	s_server_stop();
	s_server_start("-cert weak.pem -key weak.key -cipher ALL:@SECLEVEL=0"); /* RSA-1024, also when nobody checks */
	assert_int_equal(fetch("good.example", TLS_TRUST_LATER, time(NULL)), ERR_UNTRUSTED);
	s_server_stop();
}

/* Towards peers: two curves, whatever the other side would like. */
static void test_curves_towards_peers(void **state)
{
	static const struct {
		const char *options;
		enum err expected;
	} cases[] = {
		{ GOOD "-groups P-256", ERR_OK }, { GOOD "-groups P-521:P-384:X25519", ERR_OK }, { "-cert rsaleaf.pem -key rsaleaf.key", ERR_OK },
		{ GOOD "-groups P-384", ERR_TLS }, { GOOD "-groups P-521", ERR_TLS }, { "-cert p384leaf.pem -key p384leaf.key", ERR_TLS },
	};

	(void)state;
	need_openssl();
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		s_server_start(cases[i].options);
		assert_int_equal(fetch("good.example", TLS_TRUST_LATER, 1), cases[i].expected);
		s_server_stop();
	}
}

static int set_up(void **state)
{
	char path[256];
	FILE *f;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	rng_bytes(big, sizeof big);
	if (tls_identity_make(&id, "contoso", time(NULL), 30 * 24, span_of(NULL, 0)) != ERR_OK)
		return -1;
	have_openssl = pki_make();
	if (!have_openssl)
		return 0;
	snprintf(path, sizeof path, "%s/big", pki_dir);
	f = fopen(path, "wb");
	return f && fwrite(big, 1, sizeof big, f) == sizeof big && fclose(f) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	tls_identity_wipe(&id);
	return 0;
}

UNIT(tls)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk_and_orderly_end),
		cmocka_unit_test(test_self_signed_is_not_anchored),
		cmocka_unit_test(test_large_transfers),
		cmocka_unit_test(test_cut_is_seen),
		cmocka_unit_test(test_goodbye_then_gone_is_orderly),
		cmocka_unit_test(test_nothing_is_asked_to_block),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_wrong_use_fails_closed),
		cmocka_unit_test(test_one_byte_at_a_time),
		cmocka_unit_test(test_any_changed_byte_ends_it),
		cmocka_unit_test(test_cut_inside_a_record),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_versions_and_suites_of_the_server),
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_no_alert_in_the_clear_once_encrypted),
		cmocka_unit_test(test_openssl_client_accepted),
		cmocka_unit_test(test_openssl_client_refused),
		cmocka_unit_test(test_no_renegotiation),
		cmocka_unit_test(test_openssl_server_accepted),
		cmocka_unit_test(test_openssl_server_refused),
		cmocka_unit_test(test_openssl_server_names_and_dates),
		cmocka_unit_test(test_curves_towards_peers),
	};

	return cmocka_run_group_tests_name("tls", tests, set_up, tear_down);
}
