/* Sockets: non-blocking, with deadlines. */
#include "os/net.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/resolve.h"

#ifndef SO_BUF_LOCK
#define SO_BUF_LOCK 72 /* asm-generic/socket.h */
#endif
/* Room in the kernel for an answer whose reader is slow: see NET_SEND_ROOM. The kernel counts twice as much, overhead included. */
#define SEND_BUFFER (2 * (NET_SEND_ROOM + 4 * NET_SEND_SPARE))

_Static_assert(NET_READ == POLLIN && NET_WRITE == POLLOUT, "events as poll(2) has them");

static const struct seal_call connect_calls[] = {
	SEAL_ALLOW_IF(socket, EITHER(1, AF_INET, AF_INET6), ONLY(2, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC), ONLY(3, 0)), /* services, partners */
	SEAL_ALLOW(connect), /* services, partners */
	SEAL_ALLOW_IF(getsockopt, ONLY(2, SOL_SOCKET), ONLY(3, SO_ERROR)), /* did the connect work */
};
const struct seal_list net_seal = { SEAL_CALLS(connect_calls) };

static void no_delay(int fd)
{
	int on = 1;

	/* Small answers should not wait for an acknowledgement; failing to set it costs only speed. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

enum err net_wait(int fd, unsigned events, int64_t deadline_ms)
{
	struct pollfd p = { .fd = fd, .events = (short)events };

	for (;;) {
		int64_t left = deadline_ms - clock_ms();
		int r;

		if (left < 0)
			left = 0;
		r = poll(&p, 1, left > INT_MAX ? INT_MAX : (int)left);
		if (r > 0)
			return ERR_OK;
		if (r < 0 && errno != EINTR)
			return ERR_SYSTEM;
		if (clock_ms() >= deadline_ms)
			return ERR_TIMEOUT;
	}
}

/* The four-or-sixteen-byte address as the kernel wants it; its length is the result. */
static socklen_t fill_addr(const struct resolve_addr *a, uint16_t port, struct sockaddr_storage *s)
{
	memset(s, 0, sizeof *s);
	if (a->family == AF_INET) {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };

		memcpy(&in.sin_addr, a->ip, 4);
		memcpy(s, &in, sizeof in);
		return sizeof in;
	}
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	memcpy(&in6.sin6_addr, a->ip, 16);
	memcpy(s, &in6, sizeof in6);
	return sizeof in6;
}

static enum err connect_one(const struct resolve_addr *a, uint16_t port, int64_t deadline_ms, int *out)
{
	struct sockaddr_storage s;
	socklen_t len = fill_addr(a, port, &s), err_len = sizeof(int);
	int failed = 0;
	int fd = socket(a->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	enum err e = ERR_OK;

	if (fd < 0)
		return ERR_SYSTEM;
	if (connect(fd, (const struct sockaddr *)&s, len) != 0)
		e = errno == EINPROGRESS || errno == EINTR ? net_wait(fd, NET_WRITE, deadline_ms) : ERR_CONNECT;
	if (e == ERR_OK && (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &err_len) != 0 || failed)) {
		errno = failed ? failed : errno;
		e = ERR_CONNECT;
	}
	if (e == ERR_OK) {
		no_delay(fd);
		*out = fd;
		return ERR_OK;
	}
	failed = errno;
	close(fd);
	errno = failed;
	return e;
}

enum err net_connect(const char *host, uint16_t port, int64_t deadline_ms, int *fd)
{
	struct resolve_addr addrs[RESOLVE_MAX];
	size_t n = 0;
	enum err e = resolve_host(host, addrs, &n);

	for (size_t i = 0; i < n; i++) {
		int64_t now = clock_ms();

		/* Each address gets its share, so that one that swallows packets does not use up all the time. */
		e = connect_one(&addrs[i], port, now + (deadline_ms - now) / (int64_t)(n - i), fd);
		if (e == ERR_OK)
			break;
	}
	return e;
}

/* Accepted sockets inherit it. Buffers may still grow with a fast reader where the kernel has SO_BUF_LOCK (5.15). */
static void send_room(int listener)
{
	int size = SEND_BUFFER, unlocked = 0;

	(void)setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	(void)setsockopt(listener, SOL_SOCKET, SO_BUF_LOCK, &unlocked, sizeof unlocked);
}

bool net_is_loopback(const struct net_addr *a)
{
	static const uint8_t mapped[13] = { [10] = 0xff, [11] = 0xff, [12] = 127 }, six[16] = { [15] = 1 };

	return memcmp(a->ip, mapped, sizeof mapped) == 0 || memcmp(a->ip, six, sizeof six) == 0;
}

enum err net_listen(uint16_t port, bool loopback_only, int *out, uint16_t *bound)
{
	int on = 1, off = 0;
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_ANY_INIT };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 got;
	socklen_t got_len = sizeof got;
	/* One dual-stack socket where the kernel has IPv6; containers without it, and loopback, get IPv4. */
	int fd = loopback_only ? -1 : socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bool six = fd >= 0;

	any4.sin_addr.s_addr = htonl(loopback_only ? INADDR_LOOPBACK : INADDR_ANY);
	if (!six)
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return ERR_SYSTEM;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
	    (six && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) ||
	    bind(fd, six ? (const void *)&any6 : (const void *)&any4, six ? sizeof any6 : sizeof any4) != 0 ||
	    listen(fd, 512) != 0 || getsockname(fd, (struct sockaddr *)(void *)&got, &got_len) != 0) {
		int keep = errno;

		close(fd);
		errno = keep;
		return ERR_SYSTEM;
	}
	send_room(fd);
	*out = fd;
	*bound = ntohs(got.sin6_port); /* the port stands at the same place in both forms */
	return ERR_OK;
}

enum err net_accept(int listener, int *out, struct net_addr *peer)
{
	struct sockaddr_in6 from = { 0 };
	socklen_t len = sizeof from;
	int fd = accept4(listener, (struct sockaddr *)(void *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			return ERR_FULL;
		return ERR_MORE; /* nothing waits, or the peer went away before we came */
	}
	no_delay(fd);
	memset(peer, 0, sizeof *peer);
	peer->port = ntohs(from.sin6_port);
	if (from.sin6_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, &from, sizeof v4);
		peer->ip[10] = peer->ip[11] = 0xff;
		memcpy(peer->ip + 12, &v4.sin_addr, 4);
	} else {
		memcpy(peer->ip, &from.sin6_addr, 16);
	}
	*out = fd;
	return ERR_OK;
}

enum err net_read_some(int fd, uint8_t *dst, size_t cap, size_t *n)
{
	ssize_t got;

	do
		got = recv(fd, dst, cap, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_MORE : ERR_CLOSED;
	if (got == 0)
		return ERR_CLOSED;
	*n = (size_t)got;
	return ERR_OK;
}

enum err net_write_some(int fd, struct span data, size_t *n)
{
	ssize_t put;

	do
		put = send(fd, data.p, data.n, MSG_NOSIGNAL);
	while (put < 0 && errno == EINTR);
	if (put < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? ERR_MORE : ERR_CLOSED;
	*n = (size_t)put;
	return ERR_OK;
}

enum err net_write_all(int fd, struct span data, int64_t deadline_ms)
{
	while (data.n) {
		size_t put = 0;
		enum err e = net_write_some(fd, data, &put);

		if (e == ERR_MORE)
			e = net_wait(fd, NET_WRITE, deadline_ms);
		if (e != ERR_OK)
			return e;
		data = span_sub(data, put, data.n);
	}
	return ERR_OK;
}

void net_shutdown_write(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}

void net_stop_listening(int listener)
{
	/* On Linux this takes the socket out of the listening state (tcp(7) does not promise it, inet_shutdown does it). */
	(void)shutdown(listener, SHUT_RDWR);
}

void net_close(int fd)
{
	if (fd >= 0)
		close(fd);
}
