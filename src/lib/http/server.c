/* The server. A connection is parked in the poll set until something arrives; a worker then pumps what is there, and when
 * a whole request is there runs its handler top to bottom with blocking calls. Slow clients cost a slot, not a thread:
 * a request is not even looked at before the client has taken enough of the answers before it to leave NET_SEND_ROOM, and
 * after one answer it is the other connections' turn.
 *
 *   HANDSHAKE --TLS open--> IDLE --first byte--> HEAD --head complete, accepted--> BODY --complete--> run --> IDLE
 *   any phase --refusal, "close", TLS failure--> LINGER --end of stream, deadline--> closed
 *   any phase --deadline, end of stream--> closed */
#include "http/server.h"

#include <stdatomic.h>

#include "base/ct.h"
#include "base/log.h"
#include "text/url.h"
#include "http/answer.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/poll.h"
#include "os/thread.h"

#define HEAD_MS 10000
#define BODY_MS 30000
#define IDLE_MS 30000
/* The longest a handler may wait for the world: attestation with retries, a release, a partner. */
#define REQUEST_MS 120000
/* A farewell from the sweeping or an accepting thread must not wait. */
#define FAREWELL_MS 50
/* How long a client may take to see that we have ended the connection. */
#define LINGER_MS 1000

/* Of the stack, after a request that carries a secret: deeper is none of the frames that hold one and do not wipe it. */
#define STACK_WIPED 16000

/* Tags of listeners in the poll set: a generation no slot reaches. */
#define LISTENER_TAG 0xffffffff00000000u

struct listener {
	int fd;
	const struct site *site;
	atomic_bool full; /* the system had no room for a connection: the next sweep tries again */
};

struct worker {
	bool at_poll; /* this worker is one of those that wait for input */
	struct poll_event event[POLL_BATCH]; /* what it has been told, [0..event_at) already looked at */
	size_t event_at, event_n;
	struct json_tok toks[BODY_TOKENS];
	uint8_t *memory; /* its part of the program's */
};

static struct server_memory program;
static struct listener listeners[SITES_MAX];
static size_t listeners_n;
static struct worker workers[HTTP_WORKERS];
/* Workers at the poll set: as many as there are processors. More would only take turns on them, each holding up the clients it has. */
static atomic_uint at_poll;
static unsigned at_poll_max;
static struct event left_poll;
static atomic_bool stopping;

static struct reply reply_new(struct conn *c)
{
	return (struct reply){
		.conn = c,
		.head_only = span_eq_str(c->head.method, "HEAD"),
		.keep_alive = c->head.keep_alive && !c->peer_gone && !stopping,
		.http10 = c->head.minor == 0,
		.write_ms = REPLY_WRITE_MS,
	};
}

/* An answer to something that is not (yet) a whole acceptable request: the connection ends with it. */
static void refuse(struct conn *c, int status, const char *message, int64_t write_ms)
{
	struct reply r = {
		.conn = c,
		.head_only = span_eq_str(c->head.method, "HEAD"),
		.no_store = c->no_store,
		.rate = (const char *)c->rate,
		.write_ms = write_ms,
	};

	reply_error(&r, status, message);
}

/* The client has room for NET_SEND_ROOM bytes, or is gone: writing will not wait. */
static bool can_answer(struct conn *c)
{
	if (c->sent_n > NET_SEND_SPARE) {
		if (net_wait(c->fd, NET_WRITE, 0) != ERR_OK)
			return false;
		c->sent_n = 0;
	}
	return true;
}

/* Ends a connection taken from its parking place; a request under way is answered if that is possible at once. */
static void dismiss(struct conn *c, int status, const char *message)
{
	if ((c->phase == CONN_HEAD || c->phase == CONN_BODY) && can_answer(c))
		refuse(c, status, message, FAREWELL_MS);
	conn_finish(c);
}

static const char *refusal_text(int status)
{
	switch (status) {
	case 414:
		return "The request target is too long.";
	case 417:
		return "Only 'Expect: 100-continue' is understood.";
	case 431:
		return "The request head is too large.";
	case 501:
		return "This method or transfer coding is not implemented.";
	case 505:
		return "Only HTTP/1.0 and HTTP/1.1 are spoken here.";
	default:
		return "The request is malformed.";
	}
}

/* --- from a head to its route ------------------------------------------------------------------------------------ */

static bool is_at(const struct route *r, struct span path)
{
	size_t at = 0;

	/* Nearly all of the table differs here already. */
	if (path.n > 1 && r->path[1] != path.p[1] && r->path[1] != '*')
		return false;
	while (at < path.n && r->path[at] && r->path[at] != '*' && path.p[at] == (uint8_t)r->path[at])
		at++;
	/* A '*' stands for all that follows, at least one character. */
	return r->path[at] == '*' ? at < path.n : !r->path[at] && at == path.n;
}

/* Returns the next route of a path at a site after `last` (NULL: the first), or NULL. */
static const struct route *next_route(const struct site *site, struct span path, const struct route *last)
{
	bool seen = last == NULL;

	for (size_t t = 0; t < SITE_TABLES; t++) {
		for (size_t i = 0; site->table[t] && i < site->table[t]->n; i++) {
			const struct route *r = &site->table[t]->route[i];

			if (seen && is_at(r, path))
				return r;
			seen = seen || r == last;
		}
	}
	return NULL;
}

static bool method_fits(const struct route *r, struct span method)
{
	return span_eq_str(method, r->method) || (span_eq_str(method, "HEAD") && span_eq_str(SPAN_LIT("GET"), r->method));
}

static const struct route *find_route(const struct conn *c, struct span path, bool *path_known)
{
	const struct route *r = NULL;

	*path_known = false;
	while ((r = next_route(c->site, path, r)) != NULL) {
		*path_known = true;
		if (method_fits(r, c->head.method))
			break;
	}
	return r;
}

/* "Allow: GET, HEAD, OPTIONS" of a known path. */
static void allow_line(const struct site *site, struct span path, struct out *o)
{
	out_str(o, "Allow: ");
	if (span_eq_str(path, "*"))
		out_str(o, "GET, HEAD, POST, ");
	for (const struct route *r = NULL; (r = next_route(site, path, r)) != NULL;)
		out_strs(o, r->method, span_eq_str(SPAN_LIT("GET"), r->method) ? ", HEAD, " : ", ");
	out_str(o, "OPTIONS\r\n");
}

/* Answers requests that have no route of their own. */
static void answer_unrouted(struct reply *r, struct span path, bool path_known)
{
	uint8_t buf[256];
	struct out allow = out_init(buf, sizeof buf);

	if (r->conn->site->form && r->conn->site->form->no_route) {
		reply_send(r, 404, "text/plain", span_str(r->conn->site->form->no_route));
		return;
	}
	/* "*" comes with OPTIONS only and means the server as a whole (RFC 9110 section 9.3.7). */
	if (!path_known && !span_eq_str(path, "*")) {
		reply_error(r, 404, "There is nothing at this path.");
		return;
	}
	allow_line(r->conn->site, path, &allow);
	r->extra = out_cstr(&allow);
	if (span_eq_str(r->conn->head.method, "OPTIONS"))
		reply_send(r, 204, NULL, span_of(NULL, 0));
	else
		reply_error(r, 405, "This method is not allowed at this path; see the Allow header.");
	r->extra = NULL;
}

/* Takes one of the peer's tokens. The lines about it go into lines and every answer from now on. Answers 429 itself. */
static bool check_rate(struct reply *r, const struct conn *c, struct out *lines)
{
	struct rate_verdict v;

	if (c->route->rate == 0)
		return true;
	v = rate_take(c->route->rate, c->route, &c->peer, clock_ms());
	rate_headers(&v, lines);
	r->rate = out_cstr(lines);
	if (!v.allowed)
		reply_error(r, 429, "Too many requests of this kind from this address; see Retry-After.");
	return v.allowed;
}

/* A proof that came without TLS, and not from this machine. */
static void refuse_plain(struct reply *r, const struct route *route, const struct http_head *h)
{
	const struct site *secure = r->conn->site->secure;
	char origin[ACCESS_ORIGIN_MAX], url[ACCESS_ORIGIN_MAX + sizeof route->path], text[sizeof url + 256];
	uint8_t json[2048];
	struct out o = out_init(json, sizeof json);
	struct jw w = jw_init(&o);

	access_https_origin(h, secure ? secure->port : 0, origin);
	out_join(url, sizeof url, origin, origin[0] ? route->path : "");
	out_join(text, sizeof text, "The operator's proof is taken over TLS only, or from this machine: ",
	         url[0] ? "use " : "HTTPS_PORT is off, or the request names no host", url, ". Replace a token that was sent here in the clear.");
	jw_object(&w, NULL);
	jw_str(&w, "status", "error");
	jw_str(&w, "message", text);
	jw_str(&w, "https", url[0] ? url : NULL);
	jw_end_object(&w);
	reply_json(r, 403, &o);
}

static bool check_access(struct reply *r, const struct conn *c, struct out *rate_lines)
{
	const struct route *route = c->route;
	const struct access_way way = { c->peer, c->use_tls };
	struct rate_verdict limit;
	enum access_verdict v;

	if (route->access == ACCESS_PROVEN) {
		if (!c->proven)
			reply_error(r, 403, c->site->unproven);
		return c->proven;
	}
	v = access_check(route->access, program.operator, &c->head, &way, &limit);
	if (limit.limit) {
		rate_headers(&limit, rate_lines);
		r->rate = out_cstr(rate_lines);
	}
	switch (v) {
	case ACCESS_GRANTED:
		return true;
	case ACCESS_CLOSED:
		reply_error(r, 403, "No operator is configured (OPERATOR_AUTH): this route is closed.");
		return false;
	case ACCESS_FOREIGN:
		reply_error(r, 403, route->access == ACCESS_LOCAL ?
		            "This port is for programs of this container group, by a loopback name (Host), not for a web page (Origin, Sec-Fetch-Site)." :
		            "The session is good, but a page of another site made this request (Origin, Sec-Fetch-Site).");
		return false;
	case ACCESS_PLAIN:
		refuse_plain(r, route, &c->head);
		return false;
	case ACCESS_LIMITED:
		reply_error(r, 429, ACCESS_LIMITED_TEXT);
		return false;
	case ACCESS_DENIED:
	default:
		break;
	}
	r->extra = "WWW-Authenticate: Bearer realm=\"parley\"\r\n";
	reply_error(r, 401, "This route is for the operator: send 'Authorization: Bearer <token>', or sign in (/login).");
	r->extra = NULL;
	return false;
}

static bool has_body(const struct http_head *h)
{
	return h->framing == HTTP_CHUNKED || (h->framing == HTTP_LENGTH && h->length > 0);
}

/* Everything about the body that the head alone can tell. */
static bool check_body(struct reply *r, const struct route *route, const struct http_head *h)
{
	struct span coding;
	bool json = route->body == BODY_JSON || (route->body == BODY_JSON_OPT && has_body(h));

	if (route->body == BODY_JSON && h->framing == HTTP_NO_BODY) {
		reply_error(r, 411, "A JSON body with a Content-Length is needed.");
		return false;
	}
	if (route->body != BODY_STREAM && h->framing == HTTP_LENGTH && h->length > HTTP_BODY_DEFAULT) {
		reply_error(r, 413, "The body is larger than 16 KiB.");
		return false;
	}
	if (http_field_get(h, "Content-Encoding", &coding, NULL) && !span_eq_nocase(coding, "identity")) {
		reply_error(r, 415, "Content-Encoding is not supported: send the body as it is.");
		return false;
	}
	if (json && !http_media_type_is(h, "application/json")) {
		reply_error(r, 415, "The body must be application/json.");
		return false;
	}
	return true;
}

/* --- running a handler ------------------------------------------------------------------------------------------- */

static void log_request(const struct conn *c, const struct route *route, const struct reply *r)
{
	enum log_level level = span_eq_str(SPAN_LIT("GET"), route->method) ? LOG_DEBUG : LOG_INFO;
	uint8_t buf[128];
	struct out o = out_init(buf, sizeof buf);

	if (!log_wants(level))
		return;
	out_put(&o, c->head.method);
	out_byte(&o, ' ');
	out_str(&o, route->path);
	log_num(level, "http", out_cstr(&o), "status", (uint64_t)r->status);
}

static void listen_again(struct listener *l)
{
	bool was = l->full;

	l->full = poll_again(l->fd, LISTENER_TAG + (uint64_t)(l - listeners)) != ERR_OK;
	if (l->full && !was)
		log_line(LOG_ERROR, "http", "a listener cannot be waited for; trying again");
}

static void enter_poll(struct worker *me)
{
	while (!me->at_poll) {
		uint32_t seen = event_seen(&left_poll);
		unsigned n = at_poll;

		while (n < at_poll_max && !me->at_poll)
			me->at_poll = atomic_compare_exchange_weak(&at_poll, &n, n + 1);
		if (!me->at_poll)
			(void)event_wait(&left_poll, seen, INT64_MAX);
	}
}

/* The next of the events that this worker was told: a connection, now ours, or a listener; neither of a stale one. False: no more. */
static bool next_event(struct worker *me, struct conn **c, struct listener **l)
{
	const struct poll_event *e = &me->event[me->event_at];

	if (me->event_at == me->event_n)
		return false;
	me->event_at++;
	*l = e->tag < LISTENER_TAG ? NULL : &listeners[e->tag - LISTENER_TAG];
	*c = *l ? NULL : slots_claim(e);
	return true;
}

/* Before what may take long: another worker goes to the poll set instead, and is told what this one has not come to. */
static void leave_poll(struct worker *me)
{
	struct listener *l;
	struct conn *c;

	while (next_event(me, &c, &l)) {
		if (c)
			slots_park(c, true);
		else if (l)
			listen_again(l);
	}
	me->at_poll = false;
	atomic_fetch_sub(&at_poll, 1);
	event_signal(&left_poll);
}

/* Runs the handler and sends what it says; what it answered itself is not looked at. */
static void handle(const struct route *route, struct request *q, uint8_t *text)
{
	struct out o = out_init(text, program.text_len);
	struct jw w = jw_init(&o);
	int status;

	jw_object(&w, NULL);
	status = route->run(q, &w);
	if (status == FAILED)
		reply_fault(q->reply, &q->fault);
	else if (status != REPLIED)
		answer_object(q, &w, status);
}

/* What the functions that a handler called left below this one's frame: libraries do not wipe theirs. */
static __attribute__((noinline)) void wipe_stack(void)
{
	uint8_t frames[STACK_WIPED];

	WIPE(frames);
}

static void run(struct conn *c, const struct route *route, struct reply *r, struct worker *me)
{
	struct request q = {
		.s = program.settings, .conn = c, .head = &c->head, .reply = r, .scratch = (struct scratch *)(void *)me->memory, .toks = me->toks,
		.body = span_of(c->body, c->body_n), .deadline_ms = clock_ms() + REQUEST_MS,
	};

	if (route->place && !slots_place_take(c, route->place)) {
		r->extra = "Retry-After: 2\r\n";
		reply_error(r, 503, "Busy: as many long operations of this kind are running as this server, or one address, may run at once.");
		r->extra = NULL;
	} else {
		if (route->place)
			leave_poll(me);
		handle(route, &q, me->memory);
		if (route->secret) {
			WIPE_N(me->memory, program.secret_len);
			wipe_stack();
		}
	}
	if (route->place)
		slots_place_give(c);
	if (!r->sent)
		reply_error(r, 500, "The handler gave no answer.");
	if (!c->body_done)
		r->keep_alive = false;
	log_request(c, route, r);
}

/* What became of the bytes at hand. */
enum outcome { GO_ON, NEED_MORE, ANSWERED, CLOSE };

static enum outcome after_answer(struct conn *c, const struct reply *r)
{
	if (!r->keep_alive)
		return CLOSE;
	conn_next(c);
	conn_set_time(c, IDLE_MS);
	return ANSWERED;
}

/* The head is complete: everything it can decide is decided before a byte of body is taken. */
static enum outcome accept_head(struct conn *c)
{
	uint8_t decoded[URL_MAX];
	struct out path = out_init(decoded, sizeof decoded), rate = out_init(c->rate, sizeof c->rate);
	struct reply r = reply_new(c);
	bool path_known;

	conn_begin_body(c);
	if (url_decode(c->head.path, &path) != ERR_OK) {
		refuse(c, 400, "The path is malformed.", REPLY_WRITE_MS);
		return CLOSE;
	}
	c->route = find_route(c, out_span(&path), &path_known);
	c->no_store = r.no_store = !c->route || c->route->secret;
	/* A refusal leaves the body unread: the connection can then not go on. */
	r.keep_alive = r.keep_alive && c->body_done;
	if (!c->route) {
		answer_unrouted(&r, out_span(&path), path_known);
		return after_answer(c, &r);
	}
	if (!check_access(&r, c, &rate) || !check_rate(&r, c, &rate) ||
	    !check_body(&r, c->route, &c->head))
		return after_answer(c, &r);
	if (!c->body_done)
		conn_set_time(c, BODY_MS);
	if (c->head.expect_continue && !c->body_done && c->in_n == c->head.size &&
	    conn_send(c, SPAN_LIT("HTTP/1.1 100 Continue\r\n\r\n"), clock_ms() + REPLY_WRITE_MS) != ERR_OK)
		return CLOSE;
	return GO_ON;
}

static enum outcome take_head(struct conn *c)
{
	enum err e = http_request_parse(span_of(c->in, c->in_n), &c->head);

	if (e == ERR_OK)
		return accept_head(c);
	if (e == ERR_MORE) {
		if (c->phase == CONN_IDLE) {
			c->phase = CONN_HEAD;
			conn_set_time(c, HEAD_MS);
		}
		return NEED_MORE;
	}
	c->head.size = 0;
	refuse(c, c->head.refuse, refusal_text(c->head.refuse), REPLY_WRITE_MS);
	return CLOSE;
}

static enum outcome take_body(struct conn *c, struct worker *me)
{
	enum err e = c->route->body == BODY_STREAM ? ERR_OK : conn_collect(c, HTTP_BODY_DEFAULT);
	struct reply r = reply_new(c);

	if (e == ERR_MORE)
		return NEED_MORE;
	if (e != ERR_OK) {
		bool big = e == ERR_TOO_BIG;

		refuse(c, big ? 413 : 400, big ? "The body is larger than 16 KiB." : "The chunked body is malformed.",
		       REPLY_WRITE_MS);
		return CLOSE;
	}
	r.no_store = c->no_store;
	r.rate = (const char *)c->rate;
	r.stranger = c->route->access == ACCESS_PUBLIC;
	run(c, c->route, &r, me);
	return after_answer(c, &r);
}

static enum outcome use_input(struct conn *c, struct worker *me)
{
	if (c->phase == CONN_BODY)
		return take_body(c, me);
	return c->phase != CONN_HANDSHAKE && c->in_n ? take_head(c) : NEED_MORE;
}

static void let_go(struct conn *c)
{
	conn_finish(c);
	slots_free(c);
}

static void linger(struct conn *c)
{
	if (c->peer_gone) {
		let_go(c);
		return;
	}
	conn_linger(c);
	conn_set_time(c, LINGER_MS);
	slots_park(c, true);
}

/* Uses what has arrived and reads on until the connection must wait or end. The caller owns the slot. */
static void advance(struct conn *c, struct worker *me)
{
	if (c->phase != CONN_HANDSHAKE && !can_answer(c)) {
		slots_park(c, false);
		return;
	}
	for (;;) {
		enum outcome o = use_input(c, me);
		enum err e;

		if (o == GO_ON)
			continue;
		if (o == CLOSE || (stopping && c->phase == CONN_IDLE))
			break;
		if (o == ANSWERED) {
			/* Where the next request is here already, this puts it behind what else is ready. */
			slots_park(c, c->in_n || c->ended || conn_has_more(c));
			return;
		}
		e = conn_pump(c);
		if (e == ERR_OK)
			continue;
		if (c->site->asks && (e == ERR_TLS || e == ERR_UNTRUSTED))
			log_text(LOG_WARN, c->site->name, "TLS failed", "why", span_str(tls_error_text(&c->tls)));
		if (e != ERR_MORE)
			break;
		slots_park(c, c->use_tls && conn_has_more(c));
		return;
	}
	linger(c);
}

static void serve(struct conn *c, struct worker *me)
{
	if (c->phase != CONN_LINGER)
		advance(c, me);
	else if (conn_drain(c) == ERR_MORE)
		slots_park(c, conn_has_more(c));
	else
		let_go(c);
}

/* --- taking connections ------------------------------------------------------------------------------------------ */

/* A free slot; or, since a new client is worth more than one that is of no use, that one's. */
static struct conn *find_slot(const struct net_addr *peer)
{
	struct conn *c, *old;

	while ((c = slots_take_free(peer)) == NULL && (old = slots_evict()) != NULL) {
		dismiss(old, 503, "Busy: all connections are in use, and this one made no progress, or its address has the most.");
		slots_free(old);
	}
	return c;
}

static void admit(int fd, const struct net_addr *peer, const struct site *site)
{
	struct conn *c = find_slot(peer);

	if (!c) {
		log_line(LOG_WARN, "http", "no slot for a new connection: it is closed");
		net_close(fd);
		return;
	}
	conn_start(c, fd, peer, site, site->kept ? (uint8_t *)site->kept + slots_index(c) * site->kept_len : NULL);
	conn_set_time(c, site->identity ? TLS_HANDSHAKE_MS : HEAD_MS);
	slots_park(c, false);
}

static void accept_some(struct listener *l)
{
	struct net_addr peer;
	enum err e = ERR_OK;
	int fd;

	for (int i = 0; i < 16 && e == ERR_OK && !stopping; i++) {
		e = net_accept(l->fd, &fd, &peer);
		if (e == ERR_OK)
			admit(fd, &peer, l->site);
	}
	if (e == ERR_FULL && !atomic_exchange(&l->full, true))
		log_line(LOG_WARN, "http", "out of descriptors; new connections wait");
	if (e != ERR_FULL && !stopping)
		listen_again(l);
}

static void worker(void *arg)
{
	struct worker *me = arg;
	struct listener *l;
	struct conn *c;

	while (!stopping || slots_in_use()) {
		enter_poll(me);
		me->event_at = 0;
		me->event_n = poll_wait(500, me->event);
		while (next_event(me, &c, &l)) {
			if (c)
				serve(c, me);
			else if (l)
				accept_some(l);
		}
	}
}

/* --- start, sweep, stop ------------------------------------------------------------------------------------------ */

static enum err open_listener(struct site *site)
{
	struct listener *l = &listeners[listeners_n];
	enum err e = listeners_n == SITES_MAX ? ERR_CONFIG : net_listen(site->port, site->loopback, &l->fd, &site->port);

	if (e != ERR_OK) {
		log_num(LOG_ERROR, "http", "cannot listen; is the port taken, or below 1024 without the capability?", "port", site->port);
		return e;
	}
	l->site = site;
	listeners_n++;
	log_num(LOG_INFO, "http", site->listening, "port", site->port);
	return ERR_OK;
}

enum err server_listen(struct site *sites, size_t n, const struct server_memory *m)
{
	enum err e = poll_init();

	program = *m;
	for (size_t i = 0; i < HTTP_WORKERS; i++)
		workers[i].memory = (uint8_t *)m->scratch + i * m->scratch_len;
	for (size_t i = 0; i < n && e == ERR_OK; i++)
		if (sites[i].on)
			e = open_listener(&sites[i]);
	return e;
}

enum err server_start(void)
{
	enum err e = ERR_OK;

	at_poll_max = thread_processors();
	for (size_t i = 0; i < HTTP_WORKERS && e == ERR_OK; i++)
		e = thread_start(worker, &workers[i]);
	return e;
}

enum err server_open(const struct site *site)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < listeners_n && e == ERR_OK; i++)
		if (listeners[i].site == site)
			e = poll_add(listeners[i].fd, LISTENER_TAG + i);
	return e;
}

void server_sweep(void)
{
	struct conn *c;

	for (size_t i = 0; i < listeners_n; i++)
		if (listeners[i].full)
			listen_again(&listeners[i]);
	while ((c = slots_expire(clock_ms())) != NULL) {
		dismiss(c, 408, "The request did not arrive in time.");
		slots_free(c);
	}
}

void server_stop(int64_t deadline_ms)
{
	struct conn *c;

	stopping = true;
	for (size_t i = 0; i < listeners_n; i++)
		net_stop_listening(listeners[i].fd);
	/* Running requests get their answers out and then linger, or are parked again by their workers: hence each time anew. */
	for (;;) {
		while ((c = slots_any_parked()) != NULL)
			let_go(c);
		server_sweep();
		if (slots_in_use() == 0 || clock_ms() >= deadline_ms)
			return;
		clock_sleep(10, deadline_ms);
	}
}
