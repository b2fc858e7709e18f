/* Woodgrove's analysis: as one answer, or as a stream of events. */
#include "http/body.h"
#include "http/handlers.h"
#include "svc/analyze.h"
#include "svc/demographics.h"

static bool may_analyze(struct request *q)
{
	if (q->s->role != ROLE_WOODGROVE)
		reply_error(q->reply, 403, "Only Woodgrove Bank runs the partner analysis.");
	return q->s->role == ROLE_WOODGROVE;
}

/* The partners' addresses may be named; then they are the configured ones. */
static bool names_partners(struct request *q, const struct body *b)
{
	return body_same(q, b, "contoso_url", q->s->partner[ROLE_CONTOSO].url) &&
	       body_same(q, b, "fabrikam_url", q->s->partner[ROLE_FABRIKAM].url);
}

static void answer(struct request *q, enum err e, struct out *result, const char *busy, const struct fault *f)
{
	if (e == ERR_OK)
		reply_json(q->reply, 200, result);
	else if (e == ERR_STATE)
		reply_error(q->reply, 409, busy);
	else
		reply_fault(q->reply, f);
}

void h_partner_analyze(struct request *q)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct body b;
	struct fault f;
	enum err e;

	fault_clear(&f);
	if (!may_analyze(q) || !body_json(q, &b, false) || !names_partners(q, &b))
		return;
	e = analyze_once(q->s, &o, &f);
	answer(q, e, &o, "An analysis is running already; wait for its end.", &f);
}

/* The older one-shot statistics: both addresses must be named. */
void h_partner_demographics(struct request *q)
{
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct body b;
	struct fault f;
	enum err e;

	fault_clear(&f);
	if (!may_analyze(q) || !body_json(q, &b, true))
		return;
	if (json_type_of(json_get(b.root, "contoso_url")) != JSON_STRING || json_type_of(json_get(b.root, "fabrikam_url")) != JSON_STRING) {
		reply_error(q->reply, 400, "contoso_url and fabrikam_url are needed.");
		return;
	}
	if (!names_partners(q, &b))
		return;
	e = demographics_run(q->s, &o, q->deadline_ms, &f);
	answer(q, e, &o, "Another reading of partners' records is running; wait for its end.", &f);
}

/* One server-sent event (or a comment line as keep-alive). The head goes out with the first. */
static enum err send_event(void *ctx, struct span json)
{
	struct request *q = ctx;
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	enum err e = ERR_OK;

	if (!q->reply->sent) {
		q->reply->keep_alive = false; /* a stream ends with its connection */
		q->reply->extra = "X-Accel-Buffering: no\r\n";
		e = reply_stream_start(q->reply, 200, "text/event-stream");
		q->reply->extra = NULL;
	}
	out_str(&o, json.n ? "data: " : ":");
	out_put(&o, json);
	out_str(&o, "\n\n");
	if (e == ERR_OK)
		e = o.bad ? ERR_TOO_BIG : reply_stream_write(q->reply, out_span(&o));
	return e;
}

static void send_error_event(struct request *q, const char *message)
{
	uint8_t buf[1024];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_str(&w, "type", "error");
	jw_str(&w, "message", message);
	jw_end_object(&w);
	if (send_event(q, out_span(&o)) != ERR_OK)
		q->reply->keep_alive = false;
}

void h_partner_stream(struct request *q)
{
	struct analyze_sink sink = { q, send_event };
	struct fault f;
	enum err e;

	fault_clear(&f);
	if (q->reply->head_only) {
		if (reply_stream_start(q->reply, 200, "text/event-stream") != ERR_OK)
			q->reply->keep_alive = false;
		return;
	}
	e = analyze_stream(q->s, &sink, &f);
	if (e == ERR_STATE && !q->reply->sent)
		send_error_event(q, "An analysis is running already; wait for its end.");
	else if (e == ERR_CONFIG && !q->reply->sent)
		send_error_event(q, "Only Woodgrove Bank runs the partner analysis.");
	else if (e != ERR_OK && !q->reply->sent)
		send_error_event(q, f.message);
	reply_stream_end(q->reply);
}
