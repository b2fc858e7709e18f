/* One client connection: its slot, what has arrived, and the way back. Untrusted input enters here. */
#ifndef HTTP_CONN_H
#define HTTP_CONN_H

#include "base/limits.h"
#include "tls/tls.h"
#include "text/chunked.h"
#include "text/http_head.h"
#include "os/net.h"

/* Room behind a full head to read body bytes and pipelined requests into. */
#define CONN_IN_LEN (HTTP_HEAD_MAX + 4096)

struct site; /* http/site.h */
struct route;

/* Where a connection stands between requests. A slot is written only by the thread that owns it (see http/slots). */
enum conn_phase {
	CONN_HANDSHAKE, /* TLS not yet open */
	CONN_IDLE,      /* between requests, nothing of the next one has arrived */
	CONN_HEAD,      /* part of a head is in `in` */
	CONN_BODY,      /* head accepted, body being collected */
	CONN_LINGER     /* our side has ended; what still comes is read away */
};

struct conn {
	int fd;
	const struct site *site; /* where it came in */
	bool use_tls;
	bool peer_gone;      /* read side ended: nothing more will arrive */
	bool ended;          /* it has, behind what is still to be read */
	bool drained;        /* the last read took all that the socket had; with TLS: tls_has_more */
	enum conn_phase phase;
	struct net_addr peer;
	int64_t since_ms;    /* start of the current phase */
	int64_t deadline_ms; /* when it must be over */
	/* The site's handlers' own: its kept_len bytes for this connection, wiped with it; and whether they have authenticated the other end,
	 * which holds for as long as the connection lasts (ACCESS_PROVEN). */
	void *kept;
	bool proven;
	const struct route *route; /* what the accepted head asks for */
	bool no_store;
	struct chunked chunked;
	uint64_t body_left;    /* with Content-Length: bytes still to come */
	bool body_done;
	size_t sent_n;         /* since the client was last seen to have room (see NET_SEND_SPARE) */
	size_t in_n, in_top;   /* bytes in `in`; how far it was used since it was last wiped */
	size_t body_n;
	uint8_t rate[192];     /* its rate limit header lines, as text */
	struct http_head head; /* of the current request: views into in[0..head.size) */
	uint8_t in[CONN_IN_LEN];
	/* Large, so behind what every request touches. */
	uint8_t body[HTTP_BODY_DEFAULT];
	struct tls tls;
};

/* Takes over fd for a fresh connection to a site. kept: of the site's memory for connections the part for this one. */
void conn_start(struct conn *c, int fd, const struct net_addr *peer, const struct site *site, void *kept);
/* Moves what has arrived into `in`, without blocking. ERR_OK: something new is there; ERR_MORE: nothing (more) now;
 * ERR_CLOSED: the peer is gone and nothing is left to read; ERR_TLS: handshake or record failure. */
MUST_USE enum err conn_pump(struct conn *c);
/* True if there may be more to pump than the poll set will report. */
bool conn_has_more(const struct conn *c);
/* The poll set reported c->fd (ended: also the end of its stream). One report can stand for several arrivals, of which some
 * came after the last read. */
void conn_woken(struct conn *c, bool ended);
/* After a head was parsed into c->head: starts its body (which may be empty). */
void conn_begin_body(struct conn *c);
/* Collects the body from `in` up to cap bytes in all: ERR_OK complete, ERR_MORE, ERR_TOO_BIG, ERR_SYNTAX. */
MUST_USE enum err conn_collect(struct conn *c, size_t cap);
/* Blocking read of a streamed body: 1..cap bytes, *n = 0 at its end. ERR_TIMEOUT, ERR_CLOSED, ERR_SYNTAX. */
MUST_USE enum err conn_body_read(struct conn *c, uint8_t *dst, size_t cap, size_t *n, int64_t deadline_ms);
/* Blocking write of everything. */
MUST_USE enum err conn_send(struct conn *c, struct span data, int64_t deadline_ms);
/* Forgets the finished request, keeps pipelined bytes. Its body must have been consumed. */
void conn_next(struct conn *c);
/* The current phase starts now and may last limit_ms. */
void conn_set_time(struct conn *c, int64_t limit_ms);
/* Ends our side without waiting: close_notify, end of stream. What was received is wiped. From then on only conn_drain
 * (until it says ERR_CLOSED, or for a moment) and conn_finish: a socket closed with unread input sends a reset, which can
 * overtake our last answer. */
void conn_linger(struct conn *c);
/* Reads away what has arrived: ERR_MORE, ERR_CLOSED. */
MUST_USE enum err conn_drain(struct conn *c);
/* Closes (close_notify if it can go out at once) and wipes the slot's contents. */
void conn_finish(struct conn *c);

#endif
