/* Reading a request's JSON body. */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include "http/request.h"

/* Parses q->body as a JSON object: its members are then in q->root. On failure answers 400 and returns false. An empty body: answers 400
 * when required, else gives an absent root and true. */
bool body_json(struct request *q, bool required);
/* True when a member is absent, or names (with or without scheme and path) the configured endpoint. Otherwise answers 400 and returns
 * false: no request may override an endpoint, a key name or an identity. */
bool body_same(struct request *q, const char *member, const char *configured);

#endif
