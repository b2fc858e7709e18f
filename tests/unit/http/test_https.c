/* The HTTP client against a small server in this program: lengths, chunks, cuts, floods, garbage, slowness. Plain HTTP;
 * TLS has its own test. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <sys/socket.h>

#include "t.h"

#include "azure/services.h"
#include "http/call.h"
#include "os/clock.h"

/* --- The server: answers each connection (or each request of one) with the next script --- */

struct script {
	const char *answer;
	size_t n;         /* 0: strlen(answer) */
	int pause_ms;     /* between single bytes of the answer; 0: all at once */
	size_t flood;     /* then so many bytes 'x' */
	int keep;         /* serve the next script on the same connection */
};

static struct {
	int listener;
	uint16_t port;
	pthread_t thread;
	const struct script *scripts;
	size_t n;
	size_t served;
	char request[8][8192];
} server;

static void send_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t sent = send(fd, p, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return;
		p += sent;
		n -= (size_t)sent;
	}
}

/* One request: head, and as much body as Content-Length says. */
static int read_request(int fd, char *text, size_t cap)
{
	size_t n = 0, want = 0;

	while (n + 1 < cap) {
		char *end, *length;
		ssize_t got = recv(fd, text + n, cap - 1 - n, 0);

		if (got <= 0)
			return -1;
		n += (size_t)got;
		text[n] = 0;
		end = strstr(text, "\r\n\r\n");
		if (!end)
			continue;
		length = strstr(text, "Content-Length: ");
		want = (size_t)(end + 4 - text) + (length ? strtoul(length + 16, NULL, 10) : 0);
		if (n >= want)
			return 0;
	}
	return -1;
}

static void answer(int fd, const struct script *s)
{
	size_t n = s->n ? s->n : strlen(s->answer);
	char block[4096];

	for (size_t i = 0; s->pause_ms && i < n; i++) {
		send_all(fd, s->answer + i, 1);
		usleep((unsigned)s->pause_ms * 1000);
	}
	if (!s->pause_ms)
		send_all(fd, s->answer, n);
	memset(block, 'x', sizeof block);
	for (size_t left = s->flood; left; left -= left < sizeof block ? left : sizeof block)
		send_all(fd, block, left < sizeof block ? left : sizeof block);
}

static void *serve(void *arg)
{
	(void)arg;
	while (server.served < server.n) {
		int fd = accept(server.listener, NULL, NULL), keep;

		if (fd < 0)
			return NULL;
		do {
			const struct script *s = &server.scripts[server.served];

			keep = s->keep;
			if (read_request(fd, server.request[server.served % 8], sizeof server.request[0]) < 0)
				break;
			server.served++;
			answer(fd, s);
		} while (keep && server.served < server.n);
		shutdown(fd, SHUT_WR);
		usleep(2000);
		close(fd);
	}
	return NULL;
}

static void start(const struct script *scripts, size_t n)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof a;

	memset(&server, 0, sizeof server);
	server.listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server.listener, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(server.listener, 4), 0);
	getsockname(server.listener, (struct sockaddr *)&a, &len);
	server.port = ntohs(a.sin_port);
	server.scripts = scripts;
	server.n = n;
	assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void stop(void)
{
	shutdown(server.listener, SHUT_RDWR);
	close(server.listener);
	pthread_join(server.thread, NULL);
}

/* --- The client's side --- */

static struct https conn;
static uint8_t body[65536];
static size_t body_n;
static struct fault fault;
static const struct https_request get = { .method = "GET", .target = "/x?y=1" };

static struct https_target here(void)
{
	return (struct https_target){ true, "127.0.0.1", server.port, TLS_TRUST_ANCHORS, NULL };
}

static enum err exchange(const struct https_request *r, size_t cap, int ms)
{
	struct https_target to = here();
	int64_t deadline = clock_ms() + ms;
	enum err err;

	fault_clear(&fault);
	body_n = 0;
	err = https_open(&conn, &to, STEP_ATTEST, deadline, &fault);
	if (!err)
		err = https_send(&conn, r, STEP_ATTEST, deadline, &fault);
	if (!err)
		err = https_body(&conn, body, cap, &body_n, STEP_ATTEST, deadline, &fault);
	return err;
}

/* One answer in, one verdict out. */
static enum err verdict(const char *text, int ms)
{
	const struct script s = { .answer = text };
	enum err err;

	start(&s, 1);
	err = exchange(&get, sizeof body, ms);
	https_close(&conn);
	stop();
	return err;
}

static void assert_body(const char *want)
{
	assert_int_equal(body_n, strlen(want));
	assert_memory_equal(body, want, body_n);
}

static void requests_are_exact(void **state)
{
	static const struct script s[] = {
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }, { .answer = "HTTP/1.1 204 No Content\r\n\r\n" },
	};
	const struct https_request post = { .method = "POST", .target = "/p", .headers = "Metadata: true\r\n",
		                            .content_type = "application/json", .body = SPAN_LIT("{}") };
	char want[512];

	(void)state;
	start(s, 2);
	assert_int_equal(exchange(&get, sizeof body, 2000), ERR_OK);
	assert_body("ok");
	https_close(&conn);
	snprintf(want, sizeof want, "GET /x?y=1 HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: parley/0.1.0\r\n\r\n",
	         server.port);
	assert_string_equal(server.request[0], want);
	assert_int_equal(exchange(&post, sizeof body, 2000), ERR_OK);
	assert_int_equal(body_n, 0);
	assert_int_equal(conn.head.status, 204);
	assert_int_equal(fault.http_status, 204);
	https_close(&conn);
	snprintf(want, sizeof want, "POST /p HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nUser-Agent: parley/0.1.0\r\n"
	         "Content-Type: application/json\r\nContent-Length: 2\r\nMetadata: true\r\n\r\n{}", server.port);
	assert_string_equal(server.request[1], want);
	stop();
}

static void requests_cannot_be_split(void **state)
{
	static const struct script s = { .answer = "" };
	struct https_request r = get;

	(void)state;
	start(&s, 1);
	r.target = "/x\r\nEvil: 1";
	assert_int_equal(exchange(&r, sizeof body, 500), ERR_RANGE);
	r.target = "/x HTTP/1.1";
	assert_int_equal(exchange(&r, sizeof body, 500), ERR_RANGE);
	stop();
}

static void framings(void **state)
{
	(void)state;
	assert_int_equal(verdict("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 2000), ERR_OK);
	assert_body("hello");
	assert_int_equal(verdict("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\nT: 1\r\n\r\n",
	                         2000), ERR_OK);
	assert_body("hello world");
	assert_int_equal(verdict("HTTP/1.1 200 OK\r\n\r\nto the end", 2000), ERR_OK);
	assert_body("to the end");
	assert_int_equal(verdict("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"
	                         "Content-Length: 1\r\n\r\nz", 2000), ERR_OK);
	assert_body("z");
	assert_int_equal(verdict("HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", 2000), ERR_OK);
	assert_int_equal(body_n, 0);
}

static void byte_by_byte(void **state)
{
	static const struct script s[] = {
		{ .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", .pause_ms = 1 },
		{ .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" },
	};
	struct https_target to;
	size_t n, total = 0;

	(void)state;
	start(s, 2);
	assert_int_equal(exchange(&get, sizeof body, 5000), ERR_OK);
	assert_body("abcde");
	https_close(&conn);
	/* and a reader who takes single bytes of what is all there */
	to = here();
	assert_int_equal(https_open(&conn, &to, STEP_ATTEST, clock_ms() + 1000, &fault), ERR_OK);
	assert_int_equal(https_send(&conn, &get, STEP_ATTEST, clock_ms() + 1000, &fault), ERR_OK);
	do {
		assert_int_equal(https_read(&conn, body + total, 1, &n, STEP_ATTEST, clock_ms() + 1000, &fault), ERR_OK);
		total += n;
	} while (n);
	body_n = total;
	assert_body("abcde");
	https_close(&conn);
	stop();
}

static void cuts(void **state)
{
	static const char *const cut[] = {
		"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n", "HTTP/1.1 100 Continue\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof cut / sizeof cut[0]; i++) {
		if (verdict(cut[i], 2000) != ERR_CLOSED)
			fail_msg("cut %zu: %s", i, err_name(fault.err));
		assert_false(conn.open);
		assert_string_equal(fault.message, "the service cut its answer short");
	}
}

static void garbage(void **state)
{
	static const char *const bad[] = {
		"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "HTTP/2.0 200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "HTTP/1.1 99 OK\r\n\r\n", "\r\n\r\n\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nhello",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 1x0 A\r\n\r\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		enum err err = verdict(bad[i], 2000);

		if (err != ERR_PROTOCOL && err != ERR_TOO_BIG)
			fail_msg("garbage %zu: %s", i, err_name(err));
		assert_false(conn.open);
	}
}

static void too_many_interim_answers(void **state)
{
	char text[1024] = "";

	(void)state;
	for (int i = 0; i < 20; i++)
		strcat(text, "HTTP/1.1 100 Continue\r\n\r\n");
	assert_int_equal(verdict(text, 2000), ERR_PROTOCOL);
}

static void huge(void **state)
{
	static const struct script s[] = {
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" },
		{ .answer = "HTTP/1.1 200 OK\r\n\r\n", .flood = 200000 },
		{ .answer = "HTTP/1.1 200 OK\r\nX: ", .flood = 200000 },
		{ .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000000\r\n", .flood = 200000 },
		{ .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;", .flood = 20000 },
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n12345" },
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n123456" },
	};

	(void)state;
	start(s, 7);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(exchange(&get, sizeof body, 3000), ERR_TOO_BIG);
		assert_false(conn.open);
	}
	assert_int_equal(exchange(&get, sizeof body, 3000), ERR_PROTOCOL);
	assert_int_equal(exchange(&get, 5, 3000), ERR_OK); /* exactly full is not too big */
	https_close(&conn);
	assert_int_equal(exchange(&get, 5, 3000), ERR_TOO_BIG);
	stop();
}

static void slow(void **state)
{
	static const struct script s[] = {
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", .pause_ms = 40 },
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nh", .keep = 1 },
		{ .answer = "" },
	};
	int64_t before = clock_ms();

	(void)state;
	start(s, 2);
	assert_int_equal(exchange(&get, sizeof body, 300), ERR_TIMEOUT);
	assert_int_equal(exchange(&get, sizeof body, 300), ERR_TIMEOUT); /* one byte of five, then nothing */
	assert_string_equal(fault.message, "the answer took too long");
	assert_true(clock_ms() - before < 2500);
	https_close(&conn);
	stop();
}

static void keep_alive(void **state)
{
	static const struct script s[] = {
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none", .keep = 1 },
		{ .answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n", .keep = 1 },
		{ .answer = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nthree", .keep = 1 },
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none and more" },
	};
	static const char *const want[] = { "two", "three" };

	(void)state;
	start(s, 4);
	assert_int_equal(exchange(&get, sizeof body, 2000), ERR_OK);
	for (int i = 0; i < 2; i++) {
		assert_false(conn.unsafe_to_reuse);
		assert_int_equal(https_send(&conn, &get, STEP_ATTEST, clock_ms() + 2000, &fault), ERR_OK);
		assert_int_equal(https_body(&conn, body, sizeof body, &body_n, STEP_ATTEST, clock_ms() + 2000, &fault), ERR_OK);
		assert_body(want[i]);
	}
	assert_true(conn.unsafe_to_reuse); /* Connection: close */
	assert_int_equal(https_send(&conn, &get, STEP_ATTEST, clock_ms() + 2000, &fault), ERR_STATE);
	assert_int_equal(exchange(&get, sizeof body, 2000), ERR_OK);
	assert_body("one");
	assert_true(conn.unsafe_to_reuse); /* bytes nobody asked for */
	https_close(&conn);
	stop();
}

static void half_read_is_not_reused(void **state)
{
	static const struct script s = { .answer = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none" };
	struct https_target to;

	(void)state;
	start(&s, 1);
	to = here();
	assert_int_equal(https_open(&conn, &to, STEP_ATTEST, clock_ms() + 1000, &fault), ERR_OK);
	assert_int_equal(https_send(&conn, &get, STEP_ATTEST, clock_ms() + 1000, &fault), ERR_OK);
	assert_int_equal(https_send(&conn, &get, STEP_ATTEST, clock_ms() + 1000, &fault), ERR_STATE);
	stop();
}

static uint32_t retry_after(const char *value)
{
	char text[256];

	snprintf(text, sizeof text, "HTTP/1.1 429 Busy\r\n%s%s%sContent-Length: 0\r\n\r\n", value ? "Retry-After: " : "",
	         value ? value : "", value ? "\r\n" : "");
	{
		const struct script s = { .answer = text };
		uint32_t seconds;

		start(&s, 1);
		assert_int_equal(exchange(&get, sizeof body, 2000), ERR_OK);
		seconds = https_retry_after(&conn);
		https_close(&conn);
		stop();
		return seconds;
	}
}

static void retry_after_forms(void **state)
{
	time_t soon = time(NULL) + 100;
	char date[64];
	uint32_t n;

	(void)state;
	assert_int_equal(retry_after(NULL), 0);
	assert_int_equal(retry_after("17"), 17);
	assert_int_equal(retry_after("-1"), 0);
	assert_int_equal(retry_after("99999999999"), 0);
	assert_int_equal(retry_after("soon"), 0);
	strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&soon));
	n = retry_after(date);
	assert_true(n >= 95 && n <= 100);
	assert_int_equal(retry_after("Sun, 06 Nov 1994 08:49:37 GMT"), 0);
}

static void nobody_there(void **state)
{
	static const struct script s = { .answer = "" };
	struct https_target to;

	(void)state;
	start(&s, 1);
	to = here();
	stop();
	fault_clear(&fault);
	assert_int_equal(https_open(&conn, &to, STEP_RELEASE, clock_ms() + 2000, &fault), ERR_CONNECT);
	assert_ptr_equal(fault.step, STEP_RELEASE);
	assert_true(fault.service[0] != 0);
	assert_false(conn.open);
}

/* --- Calls: retries and refusals --- */

static uint8_t reply[4096];

static struct call a_call(const struct service *service)
{
	return (struct call){ .to = here(), .request = get, .step = STEP_RELEASE, .service = service,
		              .body = reply, .cap = sizeof reply };
}

static void call_honours_retry_after(void **state)
{
	static const struct script s[] = {
		{ .answer = "HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n" },
		{ .answer = "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}" },
	};
	struct call_answer a;
	struct call k;
	int64_t before = clock_ms();

	(void)state;
	start(s, 2);
	k = a_call(SERVICE_VAULT);
	assert_int_equal(call_run(&conn, &k, &a, clock_ms() + 10000, &fault), ERR_OK);
	assert_int_equal(a.status, 200);
	assert_true(a.json);
	assert_true(clock_ms() - before >= 1000 && clock_ms() - before < 3000);
	stop();
}

static void call_gives_up_at_once_when_asked_to_wait_too_long(void **state)
{
	static const struct script s = { .answer = "HTTP/1.1 429 Busy\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n" };
	struct call_answer a;
	struct call k;
	int64_t before = clock_ms();

	(void)state;
	start(&s, 1);
	k = a_call(SERVICE_VAULT);
	assert_int_equal(call_run(&conn, &k, &a, clock_ms() + 3000, &fault), ERR_OK);
	assert_int_equal(a.status, 429);
	assert_int_equal(a.retry_after_s, 60);
	assert_true(clock_ms() - before < 1000);
	assert_int_equal(call_refused(&k, &a, &fault), ERR_THROTTLED);
	assert_int_equal(fault.retry_after_s, 60);
	assert_int_equal(fault.http_status, 429);
	assert_non_null(fault.cause);
	assert_non_null(fault.remedy);
	stop();
}

static void call_does_not_repeat_refusals(void **state)
{
	static const struct script s[] = {
		{ .answer = "HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n{\"error\":{\"code\":\"Forbidden\",\"message\":\"Target environment "
		            "attestation does not meet key release policy requirements.\",\"innererror\":{\"code\":\"AccessDenied\"}}}" },
		{ .answer = "" },
	};
	struct call_answer a;
	struct call k;

	(void)state;
	start(s, 2);
	k = a_call(SERVICE_VAULT);
	assert_int_equal(call_run(&conn, &k, &a, clock_ms() + 5000, &fault), ERR_OK);
	assert_int_equal(server.served, 1);
	assert_int_equal(call_refused(&k, &a, &fault), ERR_DENIED);
	assert_string_equal(fault.code, "Forbidden/AccessDenied");
	assert_non_null(strstr(fault.message, "key release policy requirements"));
	stop();
}

static enum err refused(const struct service *from, int status, const char *text)
{
	struct refusal r;

	fault_clear(&fault);
	refusal_read(span_str(text), &r);
	return refusal_fault(from, STEP_RELEASE, status, &r, 0, &fault);
}

/* The four kinds of denial have four different remedies, and throttling is none of them. */
static void refusals_are_told_apart(void **state)
{
#define FORBIDDEN(inner, message) "{\"error\":{\"code\":\"Forbidden\",\"message\":\"" message "\",\"innererror\":{\"code\":\"" inner "\"}}}"
	const char *policy, *rbac, *statement, *throttled;

	(void)state;
	assert_int_equal(refused(SERVICE_VAULT, 403, FORBIDDEN("AccessDenied",
	                 "Target environment attestation does not meet key release policy requirements.")), ERR_DENIED);
	policy = fault.remedy;
	assert_int_equal(refused(SERVICE_VAULT, 403, FORBIDDEN("ForbiddenByRbac", "Caller is not authorized to perform action")),
	                 ERR_DENIED);
	rbac = fault.remedy;
	assert_int_equal(refused(SERVICE_VAULT, 403, FORBIDDEN("AccessDenied",
	                 "Target environment attestation statement cannot be verified.")), ERR_DENIED);
	statement = fault.remedy;
	assert_int_equal(refused(SERVICE_VAULT, 429, "{\"error\":{\"code\":\"Throttled\",\"message\":\"slow down\"}}"), ERR_THROTTLED);
	throttled = fault.remedy;
	assert_string_not_equal(policy, rbac);
	assert_string_not_equal(policy, statement);
	assert_string_not_equal(rbac, statement);
	assert_string_not_equal(throttled, policy);
	assert_int_equal(refused(SERVICE_VAULT, 401, ""), ERR_DENIED);
	assert_string_equal(fault.code, "");
	assert_int_equal(refused(SERVICE_VAULT, 404, "{\"error\":{\"code\":\"KeyNotFound\",\"message\":\"x\"}}"), ERR_NOT_FOUND);
	assert_string_equal(fault.code, "KeyNotFound");
	assert_int_equal(refused(SERVICE_VAULT, 500, "<html>"), ERR_HTTP);
	assert_int_equal(refused(SERVICE_IDENTITY, 400, "{\"error\":\"invalid_resource\",\"error_description\":\"AADSTS50001: \\u0007no\"}"),
	                 ERR_HTTP);
	assert_string_equal(fault.code, "invalid_resource");
	assert_non_null(strstr(fault.message, "AADSTS50001: ?no")); /* control bytes of the service do not reach a log */
}

/* Each code of the vault has its own cause and remedy, with or without a message; "release policy" is named for its own denial alone. */
static void each_code_of_the_vault(void **state)
{
	static const struct {
		int status;
		const char *body, *cause;
	} cases[] = {
		{ 403, FORBIDDEN("AccessDenied", "Target environment attestation does not meet key release policy requirements."), "release policy" },
		{ 403, "{\"error\":{\"code\":\"AccessDenied\",\"message\":\"The environment assertion does not meet key release policy requirements.\"}}",
		  "release policy" },
		{ 403, FORBIDDEN("AccessDenied", "Target environment attestation statement cannot be verified."), "attestation token" },
		{ 403, FORBIDDEN("ForbiddenByRbac", ""), "no role" },
		{ 403, FORBIDDEN("ForbiddenByPolicy", ""), "access policy" },
		{ 403, FORBIDDEN("AccessDenied", "The user, group or application 'appid=a' does not have keys release permission on key vault 'v'."), "access policy" },
		{ 403, FORBIDDEN("ForbiddenByFirewall", ""), "firewall" },
		{ 403, FORBIDDEN("ForbiddenByConnection", ""), "private link" },
		{ 403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Public network access is disabled and request is not from a trusted service nor via an "
		       "approved private link.\\r\\nCaller: appid=a\"}}", "private link" },
		{ 403, FORBIDDEN("KeyDisabled", ""), "disabled" },
		{ 403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Operation release is not allowed on a disabled key.\"}}", "disabled" },
		{ 403, FORBIDDEN("KeyNotYetValid", ""), "activation date" },
		{ 403, "{\"error\":{\"code\":\"Forbidden\",\"message\":\"Operation release is not allowed on an expired key.\"}}", "expiration date" },
		{ 403, FORBIDDEN("KeyOperationForbidden", ""), "permitted operations" },
		{ 403, FORBIDDEN("ForbiddenByDelegation", "x"), "does not know" },
		{ 403, "", "does not know" },
		{ 409, FORBIDDEN("ObjectIsDeletedButRecoverable", ""), "is deleted" },
		{ 409, "{\"error\":{\"code\":\"Conflict\"}}", "being deleted" },
		{ 401, "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10022: Invalid audience.\"}}", "audience" },
		{ 401, "{\"error\":{\"code\":\"Unauthorized\",\"message\":\"AKV10032: Invalid issuer.\"}}", "tenant" },
		{ 404, "{\"error\":{\"code\":\"KeyNotFound\"}}", "no key of this name" },
		{ 400, "{\"error\":{\"code\":\"BadParameter\",\"message\":\"Key is not exportable\"}}", "exportable" },
		{ 400, "{\"error\":{\"code\":\"BadParameter\"}}", "did not accept the request" },
		{ 429, "", "limits requests" },
		{ 503, "{\"error\":{\"code\":\"ServiceUnavailable\",\"message\":\"HSM not activated\"}}", "not activated" },
		{ 502, "", "the vault failed" },
		{ 407, "Proxy Authentication Required", "proxy" },
		{ 302, "", "proxy" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		bool policy = strstr(cases[i].cause, "release policy") != NULL;

		assert_int_not_equal(refused(SERVICE_VAULT, cases[i].status, cases[i].body), ERR_OK);
		if (!fault.cause || !fault.remedy || !strstr(fault.cause, cases[i].cause))
			fail_msg("%d %s: %s", cases[i].status, cases[i].body, fault.cause);
		if (!policy && (strstr(fault.cause, "release policy") || strstr(fault.remedy, "release policy")))
			fail_msg("%s: %s; %s", cases[i].body, fault.cause, fault.remedy);
	}
}

static void line_is(struct span answer, const char *want)
{
	static const struct service *const services[] = { SERVICE_IDENTITY, SERVICE_ENTRA, SERVICE_CERTS, SERVICE_MAA, SERVICE_VAULT, SERVICE_STORAGE };
	struct refusal r;
	char text[64];

	refusal_line(answer, text, sizeof text);
	assert_string_equal(text, want);
	for (size_t i = 0; i < sizeof services / sizeof services[0]; i++) { /* and so with each service, behind the status */
		char whole[512];

		refusal_read(answer, &r);
		fault_clear(&fault);
		assert_int_not_equal(refusal_fault(services[i], STEP_RELEASE, 418, &r, 0, &fault), ERR_OK);
		snprintf(whole, sizeof whole, "the service refused with status 418: %.60s", r.message);
		assert_memory_equal(fault.message, whole, strlen(whole));
		assert_int_equal(fault.http_status, 418);
	}
}

/* An error that is no JSON, or JSON of another form, is shown in one clean line. */
static void other_errors_are_shown_in_one_line(void **state)
{
	static uint8_t noise[300], page[70000];

	(void)state;
	line_is(SPAN_LIT("Forbidden"), "Forbidden");
	line_is(SPAN_LIT(" two\r\n\r\nlines\tand\n"), "two lines and");
	line_is(SPAN_LIT(""), "(empty answer)");
	line_is(SPAN_LIT(" \r\n"), "(no text, bytes: 3)");
	line_is(SPAN_LIT("<html>\n<head><title>502 Bad Gateway</title><style>p { color: red }</style></head>\n<body><!-- > --><p>nginx<br>1</p>"
	                 "<script>alert('<p>')</script></body></html>"), "502 Bad Gateway nginx 1");
	line_is(SPAN_LIT("<html><script>never ends"), "(no text, bytes: 24)");
	line_is(SPAN_LIT("a < b > c"), "a < b > c");
	line_is(SPAN_LIT("Zugriff verweigert: gesch\xc3\xbctzt"), "Zugriff verweigert: gesch?tzt");
	line_is(SPAN_LIT("Zugriff verweigert: gesch\xfctzt"), "Zugriff verweigert: gesch?tzt");
	line_is(SPAN_LIT("\x1b[31mred\x07 and plain"), "?[31mred? and plain");
	line_is(SPAN_LIT("{\"error\":{\"code\":\"X\"}}"), "{\"error\":{\"code\":\"X\"}}");
	line_is(SPAN_LIT("{\"error\":{\"message\":\"\"}}"), "{\"error\":{\"message\":\"\"}}");
	line_is(SPAN_LIT("{\"title\":\"no\",\n \"status\":403}"), "{\"title\":\"no\", \"status\":403}");
	line_is(SPAN_LIT("0123456789012345678901234567890123456789012345678901234567890123456789"),
	        "012345678901234567890123456789012345678901234567890123456789...");
	for (size_t i = 0; i < sizeof noise; i++)
		noise[i] = (uint8_t)(i * 37 + 129);
	line_is(span_of(noise, sizeof noise), "(no text, bytes: 300)");
	memset(page, '<', sizeof page);
	line_is(span_of(page, sizeof page), "(no text, bytes: 70000)");
	assert_int_equal(refused(SERVICE_VAULT, 403, FORBIDDEN("ForbiddenByConnection", "off\\r\\nCaller: x")), ERR_DENIED);
	assert_string_equal(fault.message, "the service refused with status 403: off Caller: x");
}

UNIT(https)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_exact), cmocka_unit_test(requests_cannot_be_split), cmocka_unit_test(framings),
		cmocka_unit_test(byte_by_byte), cmocka_unit_test(cuts), cmocka_unit_test(garbage),
		cmocka_unit_test(too_many_interim_answers), cmocka_unit_test(huge), cmocka_unit_test(slow),
		cmocka_unit_test(keep_alive), cmocka_unit_test(half_read_is_not_reused), cmocka_unit_test(retry_after_forms),
		cmocka_unit_test(nobody_there), cmocka_unit_test(call_honours_retry_after),
		cmocka_unit_test(call_gives_up_at_once_when_asked_to_wait_too_long), cmocka_unit_test(call_does_not_repeat_refusals),
		cmocka_unit_test(refusals_are_told_apart), cmocka_unit_test(each_code_of_the_vault), cmocka_unit_test(other_errors_are_shown_in_one_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
