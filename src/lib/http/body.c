/* Reading a request's JSON body. */
#include "http/body.h"

#include "http/answer.h"

bool body_json(struct request *q, bool required)
{
	enum err e = json_parse(&q->json, q->body, q->toks, BODY_TOKENS);
	bool empty = span_trim(q->body).n == 0;

	q->root = json_root(&q->json);
	if (json_type_of(q->root) == JSON_OBJECT || (empty && !required))
		return true;
	return answer_error(q, 400, empty ? "The body is empty; a JSON object is needed." :
	                            e == ERR_TOO_BIG ? "The JSON body has too many members." : "The body is not a valid JSON object.");
}

bool body_same(struct request *q, const char *member, const char *configured)
{
	struct json_val v = json_get(q->root, member);
	char buf[URL_MAX];
	struct span text;

	if (!json_present(v) || json_type_of(v) == JSON_NULL || json_is(v, ""))
		return true;
	if (json_cstr(v, buf, sizeof buf) == ERR_OK) {
		text = span_str(buf);
		if (span_starts(text, "https://"))
			text = span_sub(text, 8, text.n);
		text = span_sub(text, 0, span_find(text, '/'));
		if (span_eq_nocase(text, configured) || span_eq_str(span_str(buf), configured))
			return true;
	}
	return answer_error(q, 400, "Endpoints and key names are fixed by the measured settings; a request cannot name others.");
}
