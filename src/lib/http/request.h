/* A complete request as a handler sees it. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "text/json_read.h"
#include "http/conn.h"
#include "http/reply.h"

#define BODY_TOKENS 256

/* The program's: what it was configured with, and memory of one worker thread for the request it runs. */
struct settings;
struct scratch;

struct request {
	const struct settings *s;
	struct conn *conn;
	const struct http_head *head;
	struct reply *reply;
	struct scratch *scratch;
	struct span body; /* whole, unless the route streams it */
	int64_t deadline_ms;
	struct json_tok *toks; /* BODY_TOKENS, for the body's JSON */
	struct json json;     /* the body, once http/body.h has read it; */
	struct json_val root; /* its members */
	struct fault fault;   /* empty at first; what went wrong, for FAILED */
};

/* A handler writes members of the answer into w, whose object the caller begins and ends, and says what is to be sent: a status with
 * that object, or one of these. w writes to the beginning of the worker's memory (http/server.h); so may the handler, instead. */
enum {
	REPLIED = 0, /* all is sent: zero, so that what takes something from a request, or answers why not, can give it as its "false" */
	FAILED = -1   /* q->fault is to be told */
};
typedef int handler(struct request *q, struct jw *w);

#endif
