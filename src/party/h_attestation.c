/* Evidence about this server, bound to the asker's nonce and to this server's TLS key. Open to anyone: that is its point. */
#include "text/url.h"
#include "party/handlers.h"
#include "os/clock.h"
#include "attest/evidence.h"

#define NONCE_WRONG "nonce must be 16 to 64 bytes in base64url without padding (22 to 86 characters)."

/* ?nonce=...&token=maa, both optional. Answers 400 itself. */
static bool take_query(struct request *q, struct evidence_wish *wish)
{
	struct span value;
	bool nonce_twice, token_twice;

	*wish = (struct evidence_wish){ .token = false };
	if (url_query(q->head->query, "nonce", &wish->nonce, &nonce_twice) && !runtime_nonce_ok(wish->nonce))
		return answer_error(q, 400, NONCE_WRONG); /* the characters of a nonce need no percent-encoding */
	wish->token = url_query(q->head->query, "token", &value, &token_twice);
	if (wish->token && !span_eq_str(value, "maa"))
		return answer_error(q, 400, "token can only be \"maa\".");
	return (!nonce_twice && !token_twice) || answer_error(q, 400, "A parameter is given twice.");
}

typedef enum err write_fn(const struct attest_settings *, const struct evidence_wish *, struct attest_result *, struct out *, int64_t,
                          struct fault *);

static int answer(struct request *q, const struct evidence_wish *wish, write_fn *write)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);

	return write(&q->s->attest, wish, &q->scratch->attest, &o, q->deadline_ms, &q->fault) == ERR_OK ? answer_json(q, &o) : FAILED;
}

int h_attestation(struct request *q, struct jw *w)
{
	struct evidence_wish wish;

	(void)w;
	return take_query(q, &wish) ? answer(q, &wish, evidence_write) : REPLIED;
}

/* With a token where the attestation service gives one: the hardware's own evidence does not depend on it. */
int h_attestation_verify(struct request *q, struct jw *w)
{
	struct evidence_wish wish = { .token = true };
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);

	(void)w;
	if (!body_json(q, true))
		return REPLIED;
	if (json_plain(json_get(q->root, "nonce"), &wish.nonce) != ERR_OK || !runtime_nonce_ok(wish.nonce))
		return answer_error(q, 400, NONCE_WRONG);
	if (evidence_write(&q->s->attest, &wish, &q->scratch->attest, &o, clock_ms() + (q->deadline_ms - clock_ms()) / 2, &q->fault) == ERR_OK)
		return answer_json(q, &o);
	fault_clear(&q->fault);
	wish.token = false;
	return answer(q, &wish, evidence_write);
}

int h_proof(struct request *q, struct jw *w)
{
	struct evidence_wish wish;

	(void)w;
	q->reply->extra = "Access-Control-Allow-Origin: *\r\n"; /* a page from elsewhere may judge it: the better one to do so */
	return take_query(q, &wish) ? answer(q, &wish, evidence_proof) : REPLIED;
}
