/* Reading a request's JSON body. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "enc/json_read.h"
#include "http/request.h"

#define BODY_TOKENS 256

/* A parsed body. Views into the connection's buffer. */
struct body {
	struct json_tok toks[BODY_TOKENS];
	struct json doc;
	struct json_val root;
};

/* Parses q->body as a JSON object. On failure answers 400 and returns false. An empty body: answers 400 when required, else
 * gives an absent root and true. */
bool body_json(struct request *q, struct body *b, bool required);
/* True when a member is absent, or names (with or without scheme and path) the configured endpoint. Otherwise answers 400 and returns
 * false: no request may override an endpoint, a key name or an identity. */
bool body_same(struct request *q, const struct body *b, const char *member, const char *configured);

#endif
