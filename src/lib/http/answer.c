/* What handlers say at their end. */
#include "http/answer.h"

int answer_object(struct request *q, struct jw *w, int status)
{
	jw_end_object(w);
	reply_json(q->reply, status, w->o);
	return REPLIED;
}

int answer_json(struct request *q, const struct out *json)
{
	reply_json(q->reply, 200, json);
	return REPLIED;
}

int answer_error(struct request *q, int status, const char *message)
{
	reply_error(q->reply, status, message);
	return REPLIED;
}

int answer_fault(struct request *q, int status, const struct reply_member *more, size_t n)
{
	reply_fault_with(q->reply, &q->fault, status, more, n);
	return REPLIED;
}

enum err answer_piece(struct request *q, struct out *o)
{
	enum err e = o->bad ? ERR_TOO_BIG : q->reply->sent ? ERR_OK : reply_stream_start(q->reply, 200, "application/json");

	if (e == ERR_OK)
		e = reply_stream_write(q->reply, out_span(o));
	o->n = 0;
	return e;
}

int answer_end(struct request *q, enum err e)
{
	if (e && !q->reply->sent)
		return FAILED;
	if (e == ERR_OK)
		reply_stream_end(q->reply);
	else
		q->reply->keep_alive = false;
	return REPLIED;
}

const char *answer_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

void answer_texts(struct jw *w, const char *name, const struct reply_member *texts, size_t n)
{
	jw_object(w, name);
	for (size_t i = 0; i < n; i++)
		jw_str(w, texts[i].name, texts[i].value);
	jw_end_object(w);
}

void answer_list(struct jw *w, const char *name, const char *const *texts, size_t n)
{
	jw_array(w, name);
	for (size_t i = 0; i < n; i++)
		jw_str(w, NULL, texts[i]);
	jw_end_array(w);
}

void answer_https(struct jw *w, const char *name, const char *hostport)
{
	char text[HOSTPORT_MAX + 16];

	out_join(text, sizeof text, "https://", hostport);
	jw_str(w, name, text);
}
