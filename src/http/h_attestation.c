/* Evidence about this server, bound to the asker's nonce and to this server's TLS key. Open to anyone: that is its point. */
#include "enc/url.h"
#include "http/body.h"
#include "http/handlers.h"
#include "plat/clock.h"
#include "svc/evidence.h"

#define NONCE_WRONG "nonce must be 16 to 64 bytes in base64url without padding (22 to 86 characters)."

/* ?nonce=...&token=maa, both optional. Answers 400 itself. */
static bool take_query(struct request *q, struct evidence_wish *wish)
{
	struct span value;
	bool nonce_twice, token_twice;

	*wish = (struct evidence_wish){ .token = false };
	if (url_query(q->head->query, "nonce", &value, &nonce_twice)) {
		if (!runtime_nonce_ok(value)) { /* its characters need no percent-encoding */
			reply_error(q->reply, 400, NONCE_WRONG);
			return false;
		}
		wish->nonce = value;
	}
	if (url_query(q->head->query, "token", &value, &token_twice)) {
		if (!span_eq_str(value, "maa")) {
			reply_error(q->reply, 400, "token can only be \"maa\".");
			return false;
		}
		wish->token = true;
	}
	if (nonce_twice || token_twice) {
		reply_error(q->reply, 400, "A parameter is given twice.");
		return false;
	}
	return true;
}

typedef enum err (*write_fn)(const struct settings *, const struct evidence_wish *, struct attest_result *, struct out *, int64_t,
                             struct fault *);

static void answer(struct request *q, const struct evidence_wish *wish, write_fn write)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct fault f;

	fault_clear(&f);
	if (write(q->s, wish, &q->scratch->attest, &o, q->deadline_ms, &f) != ERR_OK)
		reply_fault(q->reply, &f);
	else
		reply_json(q->reply, 200, &o);
}

void h_attestation(struct request *q)
{
	struct evidence_wish wish;

	if (take_query(q, &wish))
		answer(q, &wish, evidence_write);
}

/* With a token where the attestation service gives one: the hardware's own evidence does not depend on it. */
void h_attestation_verify(struct request *q)
{
	struct evidence_wish wish = { .token = true };
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct fault f;
	struct body b;

	if (!body_json(q, &b, true))
		return;
	if (json_plain(json_get(b.root, "nonce"), &wish.nonce) != ERR_OK || !runtime_nonce_ok(wish.nonce)) {
		reply_error(q->reply, 400, NONCE_WRONG);
		return;
	}
	fault_clear(&f);
	if (evidence_write(q->s, &wish, &q->scratch->attest, &o, clock_ms() + (q->deadline_ms - clock_ms()) / 2, &f) == ERR_OK) {
		reply_json(q->reply, 200, &o);
		return;
	}
	wish.token = false;
	answer(q, &wish, evidence_write);
}

void h_proof(struct request *q)
{
	struct evidence_wish wish;

	q->reply->extra = "Access-Control-Allow-Origin: *\r\n"; /* a page from elsewhere may judge it: the better one to do so */
	if (take_query(q, &wish))
		answer(q, &wish, evidence_proof);
	q->reply->extra = NULL;
}
