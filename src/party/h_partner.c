/* Woodgrove's analysis: as one answer, or as a stream of events. */
#include "party/handlers.h"
#include "party/query/analyze.h"
#include "party/query/demographics.h"
#include "party/steps.h"

#define NOT_WOODGROVE "Only Woodgrove Bank runs the partner analysis."
#define HELD_MAX 2048 /* beside which the largest event fits the scratch */

/* The partners' addresses may be named; then they are the configured ones. */
static bool names_partners(struct request *q)
{
	return body_same(q, "contoso_url", q->s->partner[ROLE_CONTOSO].url) &&
	       body_same(q, "fabrikam_url", q->s->partner[ROLE_FABRIKAM].url);
}

static int answer(struct request *q, enum err e, const struct out *result, const char *busy)
{
	if (e == ERR_OK)
		return answer_json(q, result);
	/* A partner is missing: nothing is wrong with the request, whatever the partner's error is. */
	if (q->fault.step == STEP_PARTNER)
		return answer_fault(q, 503, NULL, 0);
	return e == ERR_STATE ? answer_error(q, 409, busy) : FAILED;
}

int h_partner_analyze(struct request *q, struct jw *w)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);

	(void)w;
	if (q->s->role != ROLE_WOODGROVE)
		return answer_error(q, 403, NOT_WOODGROVE);
	if (!body_json(q, false) || !names_partners(q))
		return REPLIED;
	return answer(q, analyze_once(q->s, &o, &q->fault), &o, "An analysis is running already; wait for its end.");
}

/* The older one-shot statistics: both addresses must be named. */
int h_partner_demographics(struct request *q, struct jw *w)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);

	(void)w;
	if (q->s->role != ROLE_WOODGROVE)
		return answer_error(q, 403, NOT_WOODGROVE);
	if (!body_json(q, true))
		return REPLIED;
	if (json_type_of(json_get(q->root, "contoso_url")) != JSON_STRING || json_type_of(json_get(q->root, "fabrikam_url")) != JSON_STRING)
		return answer_error(q, 400, "contoso_url and fabrikam_url are needed.");
	if (!names_partners(q))
		return REPLIED;
	return answer(q, demographics_run(q->s, &o, q->deadline_ms, &q->fault), &o, "Another reading of partners' records is running; wait for its end.");
}

/* held: events that wait for the next one, in the request's scratch. */
struct stream {
	struct request *q;
	struct out held;
};

/* One server-sent event (or a comment line as keep-alive). The head goes out with the first. */
static enum err send_event(void *ctx, struct span json, bool more)
{
	struct stream *s = ctx;
	struct request *q = s->q;
	struct out *o = &s->held;
	enum err e = ERR_OK;

	if (!q->reply->sent) {
		q->reply->keep_alive = false; /* a stream ends with its connection */
		q->reply->extra = "X-Accel-Buffering: no\r\n";
		e = reply_stream_start(q->reply, 200, "text/event-stream");
		q->reply->extra = NULL;
	}
	out_str(o, json.n ? "data: " : ":");
	out_put(o, json);
	out_str(o, "\n\n");
	if (e == ERR_OK && !(more && o->n < HELD_MAX)) {
		e = o->bad ? ERR_TOO_BIG : reply_stream_write(q->reply, out_span(o));
		o->n = 0;
	}
	return e;
}

int h_partner_stream(struct request *q, struct jw *w)
{
	struct stream s = { q, out_init(q->scratch->text, sizeof q->scratch->text) };
	struct analyze_sink sink = { &s, send_event };
	uint8_t buf[1024];
	struct out o = out_init(buf, sizeof buf);
	enum err e;

	if (q->reply->head_only)
		return answer_end(q, reply_stream_start(q->reply, 200, "text/event-stream"));
	e = analyze_stream(q->s, &sink, &q->fault);
	if (e != ERR_OK && !q->reply->sent) {
		*w = jw_init(&o);
		jw_object(w, NULL);
		jw_str(w, "type", "error");
		jw_str(w, "message", e == ERR_STATE ? "An analysis is running already; wait for its end." : e == ERR_CONFIG ? NOT_WOODGROVE : q->fault.message);
		jw_end_object(w);
		if (send_event(&s, out_span(&o), false) != ERR_OK)
			q->reply->keep_alive = false;
	}
	reply_stream_end(q->reply);
	return REPLIED;
}
