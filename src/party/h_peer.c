/* The peer port: another party proves who it is, and we to it, before it may ask for anything (party/peer.h).
 *
 *   UNKNOWN --hello: its certificate is acceptable--> GREETED --proof: made for this connection--> PROVEN
 *   anything else: the reason, and the end of the connection. */
#include "party/handlers.h"
#include "party/steps.h"

#include "base/log.h"

static struct peer_conn *talk_of(const struct request *q)
{
	return q->conn->kept;
}

static int refuse(struct request *q)
{
	enum err e = q->fault.err;
	bool theirs = e == ERR_UNTRUSTED || e == ERR_MISMATCH;

	log_fault(LOG_WARN, "peer", theirs ? "refused" : "not answered", &q->fault);
	talk_of(q)->state = PARTY_UNKNOWN;
	q->reply->keep_alive = false;
	return answer_fault(q, theirs ? 403 : e == ERR_PROTOCOL ? 400 : 0, NULL, 0);
}

static void log_proven(const struct settings *s, enum role role)
{
	uint8_t buf[128];
	struct out o = out_init(buf, sizeof buf);

	out_strs(&o, role_name(role), " host_data=");
	out_hex(&o, s->partner[role].host_data.sha256, 32);
	log_text(LOG_INFO, "peer", "proven on its connection", "party", out_span(&o));
}

/* The body of a request that is next by the states above. */
static bool take(struct request *q, bool next)
{
	bool keep = q->reply->keep_alive, ok;

	q->reply->keep_alive = false; /* what is refused here ends the connection */
	ok = next ? body_json(q, true) : answer_error(q, 409, "Out of order: one /peer/hello on a connection, then one /peer/proof.");
	q->reply->keep_alive = keep && ok;
	return ok;
}

int h_peer_hello(struct request *q, struct jw *w)
{
	struct peer_conn *c = talk_of(q);
	struct peer_talk *k = &c->talk;
	enum err e;

	if (!take(q, c->state == PARTY_UNKNOWN))
		return REPLIED;
	e = peer_meet(q->s, PEER_SERVER, &q->conn->tls, ROLE_OTHER, k, &q->scratch->peer, &q->fault);
	if (!e && !peer_take_nonce(json_get(q->root, "nonce"), k->nonce[PEER_CLIENT]))
		e = fault_set(&q->fault, ERR_PROTOCOL, STEP_PARTNER, "nonce must be 32 bytes in base64url");
	if (!e) {
		peer_put_nonce(w, k->nonce[PEER_SERVER]);
		e = peer_prove(q->s, PEER_SERVER, k, w, &q->fault);
	}
	if (e)
		return refuse(q);
	c->state = PARTY_GREETED;
	return 200;
}

int h_peer_proof(struct request *q, struct jw *w)
{
	struct peer_conn *c = talk_of(q);

	(void)w;
	if (!take(q, c->state == PARTY_GREETED))
		return REPLIED;
	c->state = PARTY_UNKNOWN; /* its nonces are used up */
	if (peer_check(q->s, PEER_SERVER, &q->conn->tls, &c->talk, q->root, &q->scratch->peer, &q->fault) != ERR_OK)
		return refuse(q);
	c->state = PARTY_PROVEN;
	q->conn->proven = true;
	log_proven(q->s, c->talk.role);
	reply_send(q->reply, 204, NULL, span_of(NULL, 0));
	return REPLIED;
}
