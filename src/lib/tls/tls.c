/* TLS: moving records and application data between a socket and BearSSL's engine. */
#include "tls/tls_state.h"

#include <string.h>

#include "base/ct.h"
#include "os/clock.h"
#include "os/net.h"

/* A connection is in one of these states. Only BearSSL's engine moves it; what it wants next is asked of it each time
 * (br_ssl_engine_*_buf gives a buffer for what is possible, else NULL) and never remembered here:
 *
 *   handshake  records go both ways; no application data. On a wrong certificate, version or record -> failed.
 *   open       both Finished messages are verified: application data may be sent and received.
 *   closing    a close_notify came or was sent; the engine lets the last records out and takes no more data.
 *   closed     after an orderly closing; engine error 0.
 *   failed     engine error says why. The engine may first have sent a fatal alert; if not, send_alert does.
 *
 * The transport adds two facts: write_dead (sending failed, but an answer or an alert that the peer sent before may
 * still be there to read) and eof. eof without a close_notify from the peer is a cut. */

/* Reads and writes one call may do: a peer that floods us gives the thread back after about a megabyte. */
#define ROUNDS_MAX 64

static br_ssl_engine_context *engine_of(const struct tls *t)
{
	/* BearSSL's questions take a const engine, but its structures are reached without const everywhere else. */
	return tls_engine((struct tls_state *)(uintptr_t)t->opaque);
}

static const struct tls_state *state_of(const struct tls *t)
{
	return (const struct tls_state *)(const void *)t->opaque;
}

static bool wants_out(const struct tls *t)
{
	size_t n;

	return !state_of(t)->write_dead && br_ssl_engine_sendrec_buf(engine_of(t), &n);
}

static bool wants_in(const struct tls *t)
{
	size_t n;

	return !state_of(t)->eof && br_ssl_engine_recvrec_buf(engine_of(t), &n);
}

bool tls_has_data(const struct tls *t)
{
	size_t n;

	return !state_of(t)->broken && br_ssl_engine_recvapp_buf(engine_of(t), &n) != NULL;
}

bool tls_has_more(const struct tls *t)
{
	const struct tls_state *s = state_of(t);

	return tls_has_data(t) || (wants_in(t) && (s->ahead_n || !s->drained));
}

void tls_woken(struct tls *t)
{
	tls_state(t)->drained = false;
}

static bool is_closed(const struct tls *t)
{
	return br_ssl_engine_current_state(engine_of(t)) == BR_SSL_CLOSED;
}

/* One write and one read at most; true when something happened. */
static bool pump_out(struct tls *t, int fd)
{
	br_ssl_engine_context *eng = engine_of(t);
	size_t room, n = 0;
	const uint8_t *p;
	enum err e;

	if (!wants_out(t))
		return false;
	p = br_ssl_engine_sendrec_buf(eng, &room);
	e = net_write_some(fd, span_of(p, room), &n);
	if (e == ERR_OK) {
		tls_state(t)->mid_record = n < room;
		br_ssl_engine_sendrec_ack(eng, n);
	} else if (e != ERR_MORE) {
		tls_state(t)->write_dead = true;
	}
	return e != ERR_MORE;
}

/* The engine asks for five bytes, then for the rest of a record. It does not touch its buffer behind the record, so what the
 * socket has is read there at once, and moved down when its turn comes. */
static bool pump_in(struct tls *t, int fd)
{
	struct tls_state *s = tls_state(t);
	size_t room;
	uint8_t *p;

	if (!wants_in(t))
		return false;
	p = br_ssl_engine_recvrec_buf(engine_of(t), &room);
	if (s->ahead_n == 0) {
		size_t cap = sizeof s->in - (size_t)(p - s->in);
		enum err e = net_read_some(fd, p, cap, &s->ahead_n);

		s->ahead = p;
		s->drained = s->ahead_n < cap;
		s->eof = e != ERR_OK && e != ERR_MORE;
		if (e != ERR_OK)
			return e != ERR_MORE;
	}
	if (room > s->ahead_n)
		room = s->ahead_n;
	memmove(p, s->ahead, room);
	s->ahead += room;
	s->ahead_n -= room;
	br_ssl_engine_recvrec_ack(engine_of(t), room);
	return true;
}

/* BearSSL sends alerts for a few faults of a ClientHello. For all others the record is made here, as long
 * as records are not protected. One attempt, without waiting: the connection is over. */
static void send_alert(struct tls *t, int fd, int error)
{
	struct tls_state *s = tls_state(t);
	const uint8_t record[] = { 21, 3, 3, 0, 2, 2, tls_text_alert(error) }; /* alert, TLS 1.2, fatal */
	size_t n = 0;
	enum err ignored;

	if (error >= BR_ERR_RECV_FATAL_ALERT || s->write_dead || s->mid_record ||
	    engine_of(t)->out.vtable != &br_sslrec_out_clear_vtable)
		return;
	ignored = net_write_some(fd, span_of(record, sizeof record), &n);
	(void)ignored;
	s->write_dead = true;
}

/* The verdict on a closed engine. */
static enum err why_closed(struct tls *t, int fd)
{
	int e = br_ssl_engine_last_error(engine_of(t));

	if (e == BR_ERR_OK)
		return ERR_CLOSED;
	send_alert(t, fd, e);
	/* RFC 5246 section 7.2: not to be resumed. Before that, it is not known whether the peer has this session at all. */
	if (state_of(t)->open && !state_of(t)->is_client)
		tls_sessions_drop(&engine_of(t)->session);
	return e >= BR_ERR_X509_OK && e <= BR_ERR_X509_NOT_TRUSTED ? ERR_UNTRUSTED : ERR_TLS;
}

/* True once, when the handshake has been completed. */
static bool just_opened(struct tls *t)
{
	struct tls_state *s = tls_state(t);
	size_t n;

	if (s->open || !br_ssl_engine_sendapp_buf(engine_of(t), &n))
		return false;
	s->open = true;
	return true;
}

enum err tls_step(struct tls *t, int fd)
{
	if (state_of(t)->broken)
		return ERR_TLS;
	for (unsigned round = 0; round < ROUNDS_MAX || state_of(t)->ahead_n; round++) {
		bool moved = pump_out(t, fd);

		if (is_closed(t))
			return why_closed(t, fd);
		if (just_opened(t) || tls_has_data(t))
			return ERR_OK;
		moved |= pump_in(t, fd);
		if (is_closed(t))
			return why_closed(t, fd);
		if (!moved)
			break;
	}
	return tls_wants(t) ? ERR_MORE : ERR_CLOSED; /* without a wish nothing can ever move again */
}

unsigned tls_wants(const struct tls *t)
{
	return (wants_in(t) ? NET_READ : 0u) | (wants_out(t) ? NET_WRITE : 0u);
}

bool tls_open(const struct tls *t)
{
	return state_of(t)->open && !is_closed(t);
}

size_t tls_take(struct tls *t, uint8_t *dst, size_t cap)
{
	br_ssl_engine_context *eng = engine_of(t);
	size_t n;
	uint8_t *p;

	if (state_of(t)->broken)
		return 0;
	p = br_ssl_engine_recvapp_buf(eng, &n);
	if (!p)
		return 0;
	if (n > cap)
		n = cap;
	if (n > 0) {
		memcpy(dst, p, n);
		WIPE_N(p, n); /* what a request carried (a token) does not stay in the record buffer */
		br_ssl_engine_recvapp_ack(eng, n);
	}
	return n;
}

/* Waits for what the engine wants, but never past the deadline, even when the peer keeps the socket ready. */
static enum err wait_turn(const struct tls *t, int fd, unsigned events, int64_t deadline_ms)
{
	if (clock_ms() >= deadline_ms)
		return ERR_TIMEOUT;
	return net_wait(fd, events & tls_wants(t), deadline_ms);
}

enum err tls_handshake(struct tls *t, int fd, int64_t deadline_ms)
{
	while (!state_of(t)->open) {
		enum err e = tls_step(t, fd);

		if (e == ERR_MORE)
			e = wait_turn(t, fd, NET_READ | NET_WRITE, deadline_ms);
		if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* Gives the engine as much of data as it has room for. */
static void put_data(br_ssl_engine_context *eng, struct span *data)
{
	size_t room;
	uint8_t *p = br_ssl_engine_sendapp_buf(eng, &room);

	if (!p || data->n == 0)
		return;
	if (room > data->n)
		room = data->n;
	memcpy(p, data->p, room);
	br_ssl_engine_sendapp_ack(eng, room);
	*data = span_sub(*data, room, data->n - room);
	if (data->n == 0)
		br_ssl_engine_flush(eng, 0);
}

enum err tls_send(struct tls *t, int fd, struct span data, int64_t deadline_ms)
{
	enum err e = tls_handshake(t, fd, deadline_ms);

	/* Nothing is read here: the peer's data wait in the socket until tls_recv or tls_step. */
	while (e == ERR_OK) {
		put_data(engine_of(t), &data);
		if (is_closed(t))
			return why_closed(t, fd);
		if (pump_out(t, fd)) {
			e = clock_ms() < deadline_ms ? ERR_OK : ERR_TIMEOUT;
			continue;
		}
		if (wants_out(t))
			e = wait_turn(t, fd, NET_WRITE, deadline_ms);
		else if (state_of(t)->write_dead || data.n > 0)
			e = ERR_CLOSED; /* the transport is gone, or the peer has closed */
		else
			return ERR_OK;
	}
	return e;
}

/* Whether the peer ended with a close_notify. BearSSL has no question for it, and its state says "closed" only after our
 * own close_notify has gone out, which a peer that is already away prevents: so this flag of the engine is read. */
static bool peer_said_goodbye(const struct tls *t)
{
	return state_of(t)->open && engine_of(t)->shutdown_recv;
}

enum err tls_recv(struct tls *t, int fd, uint8_t *dst, size_t cap, size_t *n, bool *orderly, int64_t deadline_ms)
{
	*n = 0;
	*orderly = false;
	if (cap == 0)
		return ERR_RANGE;
	for (;;) {
		enum err e;

		*n = tls_take(t, dst, cap);
		if (*n > 0)
			return ERR_OK;
		e = tls_step(t, fd);
		if (e == ERR_MORE)
			e = wait_turn(t, fd, NET_READ | NET_WRITE, deadline_ms);
		if (e == ERR_CLOSED)
			*orderly = peer_said_goodbye(t);
		if (e != ERR_OK)
			return e;
	}
}

void tls_shutdown(struct tls *t, int fd, int64_t deadline_ms)
{
	enum err e = ERR_OK;

	if (!tls_open(t))
		return;
	br_ssl_engine_close(engine_of(t));
	/* Only sending: the peer's own close_notify is not waited for, since nothing more is read (RFC 5246 7.2.1). */
	while (e == ERR_OK && wants_out(t))
		if (!pump_out(t, fd))
			e = wait_turn(t, fd, NET_WRITE, deadline_ms);
}

bool tls_peer_spki(const struct tls *t, uint8_t out[32])
{
	const struct tls_state *s = state_of(t);

	if (!s->open || !s->check.accepted)
		return false;
	memcpy(out, s->check.spki_sha256, 32);
	return true;
}

struct span tls_peer_cert(const struct tls *t)
{
	const struct tls_state *s = state_of(t);

	return s->open && s->check.accepted ? span_of(s->check.leaf, s->check.leaf_len) : span_of(NULL, 0);
}

void tls_wipe(struct tls *t)
{
	WIPE(*t);
}
