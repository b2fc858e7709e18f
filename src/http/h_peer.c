/* The peer port: another party proves who it is, and we to it, before it may ask for anything (svc/peer.h).
 *
 *   UNKNOWN --hello: its certificate is acceptable--> GREETED --proof: made for this connection--> PROVEN
 *   anything else: the reason, and the end of the connection. */
#include "http/body.h"
#include "http/handlers.h"

#include "base/log.h"

static void refuse(struct request *q, const struct fault *f)
{
	bool theirs = f->err == ERR_UNTRUSTED || f->err == ERR_MISMATCH;

	log_fault(LOG_WARN, "peer", theirs ? "refused" : "not answered", f);
	q->conn->party = PARTY_UNKNOWN;
	q->reply->keep_alive = false;
	reply_fault_with(q->reply, f, theirs ? 403 : f->err == ERR_PROTOCOL ? 400 : 0, NULL, 0);
}

static void log_proven(const struct settings *s, enum role role)
{
	uint8_t buf[128];
	struct out o = out_init(buf, sizeof buf);

	out_str(&o, role_name(role));
	out_str(&o, " host_data=");
	out_hex(&o, s->partner[role].host_data, 32);
	log_text(LOG_INFO, "peer", "proven on its connection", "party", out_span(&o));
}

/* The body of a request that is next by the states above. */
static bool take(struct request *q, struct body *b, bool next)
{
	bool keep = q->reply->keep_alive, ok = false;

	q->reply->keep_alive = false; /* what is refused here ends the connection */
	if (next)
		ok = body_json(q, b, true);
	else
		reply_error(q->reply, 409, "Out of order: one /peer/hello on a connection, then one /peer/proof.");
	q->reply->keep_alive = keep && ok;
	return ok;
}

void h_peer_hello(struct request *q)
{
	struct conn *c = q->conn;
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	struct peer_talk *k = &c->talk;
	struct body b;
	struct fault f;
	enum err e;

	fault_clear(&f);
	if (!take(q, &b, c->party == PARTY_UNKNOWN))
		return;
	e = peer_meet(q->s, PEER_SERVER, &c->tls, ROLE_OTHER, k, &q->scratch->peer, &f);
	if (!e && !peer_take_nonce(json_get(b.root, "nonce"), k->nonce[PEER_CLIENT]))
		e = fault_set(&f, ERR_PROTOCOL, STEP_PARTNER, "nonce must be 32 bytes in base64url");
	jw_object(&w, NULL);
	if (!e) {
		peer_put_nonce(&w, k->nonce[PEER_SERVER]);
		e = peer_prove(q->s, PEER_SERVER, k, &w, &f);
	}
	jw_end_object(&w);
	if (e) {
		refuse(q, &f);
		return;
	}
	c->party = PARTY_GREETED;
	reply_json(q->reply, 200, &o);
}

void h_peer_proof(struct request *q)
{
	struct conn *c = q->conn;
	struct body b;
	struct fault f;

	fault_clear(&f);
	if (!take(q, &b, c->party == PARTY_GREETED))
		return;
	c->party = PARTY_UNKNOWN; /* its nonces are used up */
	if (peer_check(q->s, PEER_SERVER, &c->tls, &c->talk, b.root, &q->scratch->peer, &f) != ERR_OK) {
		refuse(q, &f);
		return;
	}
	c->party = PARTY_PROVEN;
	log_proven(q->s, c->talk.role);
	reply_send(q->reply, 204, NULL, span_of(NULL, 0));
}
