/* Sockets: non-blocking, with deadlines. */
#ifndef OS_NET_H
#define OS_NET_H

#include "base/err.h"
#include "base/span.h"
#include "os/seal.h"

/* What net_connect needs in a sealed process, besides os/resolve's list. Which ports: seal_add_port. All else here is in seal_base. */
extern const struct seal_list net_seal;

enum { NET_READ = 1, NET_WRITE = 4 }; /* POLLIN, POLLOUT */

/* Peer's address in a fixed form for limits per peer: IPv4 mapped into IPv6. */
struct net_addr {
	uint8_t ip[16];
	uint16_t port;
};

/* 127.0.0.0/8 or ::1: the other end is on this machine. */
bool net_is_loopback(const struct net_addr *a);

/* Connects to host:port. Literal addresses, "localhost" and names under ".localhost" (loopback, RFC 6761 section 6.3)
 * need no lookup; other names go through /etc/hosts and the resolvers of /etc/resolv.conf (os/resolve). Tries each
 * address until the deadline. Non-blocking, close-on-exec, TCP_NODELAY. ERR_NOT_FOUND (no such name), ERR_CONNECT,
 * ERR_TIMEOUT, ERR_SYSTEM. */
MUST_USE enum err net_connect(const char *host, uint16_t port, int64_t deadline_ms, int *fd);
/* Listens on port of all addresses (loopback_only: 127.0.0.1). port 0 lets the kernel choose; *bound says which.
 * A connection of this listener that was ready for NET_WRITE takes at least NET_SEND_ROOM bytes without waiting, also
 * after NET_SEND_SPARE more were sent. */
#define NET_SEND_ROOM 65536
#define NET_SEND_SPARE 8192
MUST_USE enum err net_listen(uint16_t port, bool loopback_only, int *fd, uint16_t *bound);
/* Refuses connections from now on. The descriptor stays open, so that no other file gets its number while a thread may
 * still be about to use it. */
void net_stop_listening(int listener);
/* Takes one waiting connection: ERR_MORE when none, ERR_FULL when out of descriptors. */
MUST_USE enum err net_accept(int listener, int *fd, struct net_addr *peer);

/* Non-blocking. ERR_OK with *n > 0; ERR_MORE: would block; ERR_CLOSED: end of stream or reset. */
MUST_USE enum err net_read_some(int fd, uint8_t *dst, size_t cap, size_t *n);
MUST_USE enum err net_write_some(int fd, struct span data, size_t *n);
/* Waits until fd is ready for one of events (NET_READ | NET_WRITE) or has an error pending. ERR_TIMEOUT. */
MUST_USE enum err net_wait(int fd, unsigned events, int64_t deadline_ms);
/* Blocking with deadline: everything, or ERR_TIMEOUT / ERR_CLOSED. */
MUST_USE enum err net_write_all(int fd, struct span data, int64_t deadline_ms);
/* No more will be sent: the peer reads an end of stream. */
void net_shutdown_write(int fd);
/* Closes; fd may be -1. */
void net_close(int fd);

#endif
