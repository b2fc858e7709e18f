/* Reading a request's JSON body. */
#include "http/body.h"

bool body_json(struct request *q, struct body *b, bool required)
{
	enum err e;

	b->root = (struct json_val){ &b->doc, SIZE_MAX };
	if (span_trim(q->body).n == 0) {
		if (required)
			reply_error(q->reply, 400, "The body is empty; a JSON object is needed.");
		return !required;
	}
	e = json_parse(&b->doc, q->body, b->toks, BODY_TOKENS);
	if (e == ERR_OK)
		b->root = json_root(&b->doc);
	if (e != ERR_OK || json_type_of(b->root) != JSON_OBJECT) {
		reply_error(q->reply, 400, e == ERR_TOO_BIG ? "The JSON body has too many members." :
		                                              "The body is not a valid JSON object.");
		return false;
	}
	return true;
}

bool body_same(struct request *q, const struct body *b, const char *member, const char *configured)
{
	struct json_val v = json_get(b->root, member);
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
	reply_error(q->reply, 400, "Endpoints and key names are fixed by the measured settings; a request cannot name others.");
	return false;
}
