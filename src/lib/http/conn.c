/* One client connection. */
#include "http/conn.h"

#include <string.h>

#include "base/ct.h"
#include "http/site.h"
#include "os/clock.h"

/* Reads of one conn_drain: a peer that floods us gives the thread back. */
#define DRAIN_READS 16

void conn_start(struct conn *c, int fd, const struct net_addr *peer, const struct site *site, void *kept)
{
	const struct tls_identity *id = site->identity;

	c->fd = fd;
	c->site = site;
	c->kept = kept;
	c->peer = *peer;
	c->use_tls = id != NULL;
	c->peer_gone = c->ended = c->drained = false;
	c->phase = id ? CONN_HANDSHAKE : CONN_IDLE;
	c->in_n = c->in_top = c->body_n = c->sent_n = 0;
	c->body_left = 0;
	c->body_done = true;
	c->head.size = 0;
	c->no_store = false;
	c->rate[0] = '\0';
	c->proven = false;
	if (id)
		tls_server_start(&c->tls, id);
	if (id && site->asks)
		tls_server_ask(&c->tls);
	else if (id)
		tls_server_resume(&c->tls);
}

static enum err read_plain(struct conn *c)
{
	size_t n = 0, room = sizeof c->in - c->in_n;
	enum err e = net_read_some(c->fd, c->in + c->in_n, room, &n);

	c->drained = n < room;
	c->in_n += n;
	return e;
}

/* tls_take may have data left over from records read earlier, so it is asked before the socket. */
static enum err read_tls(struct conn *c)
{
	for (;;) {
		size_t n = tls_take(&c->tls, c->in + c->in_n, sizeof c->in - c->in_n);
		enum err e;

		if (n) {
			c->in_n += n;
			return ERR_OK;
		}
		e = tls_step(&c->tls, c->fd);
		if (c->phase == CONN_HANDSHAKE && tls_open(&c->tls)) {
			c->phase = CONN_IDLE;
			if (e == ERR_OK)
				continue;
		}
		if (e == ERR_OK) {
			n = tls_take(&c->tls, c->in + c->in_n, sizeof c->in - c->in_n);
			c->in_n += n;
			return n ? ERR_OK : ERR_MORE;
		}
		return e;
	}
}

enum err conn_pump(struct conn *c)
{
	enum err e;

	if (c->in_n == sizeof c->in)
		return ERR_OK; /* full: whoever uses the bytes makes room */
	if (c->peer_gone)
		return ERR_CLOSED;
	e = c->use_tls ? read_tls(c) : read_plain(c);
	if (c->in_top < c->in_n)
		c->in_top = c->in_n;
	if (e == ERR_CLOSED)
		c->peer_gone = true;
	return e;
}

bool conn_has_more(const struct conn *c)
{
	return c->use_tls ? tls_has_more(&c->tls) : !c->drained;
}

void conn_woken(struct conn *c, bool ended)
{
	c->ended = ended;
	c->drained = false;
	if (c->use_tls)
		tls_woken(&c->tls);
}

void conn_begin_body(struct conn *c)
{
	memset(&c->chunked, 0, sizeof c->chunked);
	c->body_left = c->head.framing == HTTP_LENGTH ? c->head.length : 0;
	c->body_done = c->head.framing != HTTP_CHUNKED && c->body_left == 0;
	c->body_n = 0;
	c->phase = CONN_BODY;
}

/* Drops n bytes behind the head: they have been used. */
static void consume(struct conn *c, size_t n)
{
	memmove(c->in + c->head.size, c->in + c->head.size + n, c->in_n - c->head.size - n);
	c->in_n -= n;
}

/* The next piece of body among what has arrived, at most cap bytes, as a view into `in`; `used` is what to consume
 * after the view has been copied. */
static enum err body_piece(struct conn *c, size_t cap, struct span *piece, size_t *used)
{
	struct span in = span_of(c->in + c->head.size, c->in_n - c->head.size);
	struct span rest = in;
	enum err e = ERR_OK;

	*piece = span_of(NULL, 0);
	*used = 0;
	if (c->body_done)
		return ERR_OK;
	if (c->head.framing == HTTP_LENGTH) {
		size_t n = in.n < c->body_left ? in.n : (size_t)c->body_left;

		*piece = span_sub(in, 0, n < cap ? n : cap);
		c->body_left -= piece->n;
		c->body_done = c->body_left == 0;
		*used = piece->n;
		return c->body_done || piece->n ? ERR_OK : ERR_MORE;
	}
	rest = span_sub(in, 0, cap); /* a chunk's data are never longer than the bytes that carry them */
	in = rest;
	while (e == ERR_OK && piece->n == 0 && !c->body_done)
		e = chunked_next(&c->chunked, &rest, piece, &c->body_done);
	*used = in.n - rest.n;
	return e;
}

enum err conn_collect(struct conn *c, size_t cap)
{
	while (!c->body_done) {
		struct span piece;
		size_t used;
		enum err e = body_piece(c, CONN_IN_LEN, &piece, &used);

		if (e == ERR_OK && piece.n > cap - c->body_n)
			return ERR_TOO_BIG;
		if ((e == ERR_OK || e == ERR_MORE) && piece.n) {
			memcpy(c->body + c->body_n, piece.p, piece.n);
			c->body_n += piece.n;
		}
		consume(c, used);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* Blocks until something new has arrived. */
static enum err await(struct conn *c, int64_t deadline_ms)
{
	enum err e;

	while ((e = conn_pump(c)) == ERR_MORE) {
		/* A peer that sends a record byte by byte keeps the socket ready: that must not stop the clock. */
		if (clock_ms() >= deadline_ms)
			return ERR_TIMEOUT;
		e = net_wait(c->fd, c->use_tls ? tls_wants(&c->tls) : NET_READ, deadline_ms);
		if (e != ERR_OK)
			return e;
	}
	return e;
}

enum err conn_body_read(struct conn *c, uint8_t *dst, size_t cap, size_t *n, int64_t deadline_ms)
{
	*n = 0;
	while (!c->body_done) {
		struct span piece;
		size_t used;
		enum err e = body_piece(c, cap, &piece, &used);

		if ((e == ERR_OK || e == ERR_MORE) && piece.n) {
			memcpy(dst, piece.p, piece.n);
			*n = piece.n;
		}
		consume(c, used);
		if (*n)
			return ERR_OK;
		/* Framing alone may fill what was looked at: the data behind it can be here already. */
		if (e == ERR_MORE)
			e = used ? ERR_OK : await(c, deadline_ms);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

enum err conn_send(struct conn *c, struct span data, int64_t deadline_ms)
{
	c->sent_n += data.n;
	return c->use_tls ? tls_send(&c->tls, c->fd, data, deadline_ms) : net_write_all(c->fd, data, deadline_ms);
}

void conn_next(struct conn *c)
{
	size_t head = c->head.size;

	memmove(c->in, c->in + head, c->in_n - head);
	c->in_n -= head;
	/* What a request carried (a token, a plaintext) does not stay for the next one. */
	WIPE_N(c->in + c->in_n, c->in_top - c->in_n);
	c->in_top = c->in_n;
	WIPE_N(c->body, c->body_n);
	c->body_n = 0;
	c->head.size = 0;
	c->no_store = false;
	c->rate[0] = '\0';
	c->phase = CONN_IDLE;
}

void conn_set_time(struct conn *c, int64_t limit_ms)
{
	c->since_ms = clock_ms();
	c->deadline_ms = c->since_ms + limit_ms;
}

/* All that the peer sent, and the session's keys. */
static void forget(struct conn *c)
{
	if (c->use_tls)
		tls_wipe(&c->tls);
	c->use_tls = false;
	c->proven = false;
	if (c->kept)
		WIPE_N(c->kept, c->site->kept_len);
	c->kept = NULL;
	WIPE_N(c->in, c->in_top);
	WIPE_N(c->body, c->body_n);
	c->in_n = c->in_top = c->body_n = 0;
}

void conn_linger(struct conn *c)
{
	if (c->use_tls)
		tls_shutdown(&c->tls, c->fd, clock_ms());
	net_shutdown_write(c->fd);
	forget(c);
	c->phase = CONN_LINGER;
}

enum err conn_drain(struct conn *c)
{
	enum err e = ERR_OK;
	size_t n;

	for (int i = 0; i < DRAIN_READS && e == ERR_OK; i++)
		e = net_read_some(c->fd, c->in, sizeof c->in, &n);
	c->in_top = sizeof c->in;
	c->drained = e == ERR_MORE;
	return e == ERR_OK ? ERR_MORE : e;
}

void conn_finish(struct conn *c)
{
	if (c->use_tls)
		tls_shutdown(&c->tls, c->fd, clock_ms());
	net_close(c->fd);
	c->fd = -1;
	forget(c);
}
