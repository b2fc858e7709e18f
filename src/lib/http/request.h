/* A complete request as a handler sees it. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "text/json_read.h"
#include "http/conn.h"
#include "http/reply.h"
#include "os/poll.h"
#include "party/query/analyze.h"
#include "attest/attest.h"
#include "demo/storage.h"
#include "party/records/store.h"

#define BODY_TOKENS 256

/* Memory of one worker thread for the request it runs; wiped after each. */
struct scratch {
	bool at_poll; /* the server's: this worker is one of those that wait for input */
	struct poll_event event[POLL_BATCH]; /* what it has been told, [0..event_at) already looked at */
	size_t event_at, event_n;
	uint8_t text[ANALYZE_RESULT_MAX + 4096]; /* the answer's JSON */
	struct json_tok body_toks[BODY_TOKENS];
	union {
		struct attest_result attest;
		struct attest_collateral collateral;
	};
	struct spool_in reader;
	struct storage_reader storage;
	struct peer_work peer;
	uint8_t runtime[RUNTIME_DATA_MAX];
	uint8_t value[FIELD_VALUE_MAX + RSA_MAX];
	uint8_t value2[2 * (FIELD_VALUE_MAX + RSA_MAX)];
};

struct request {
	const struct settings *s;
	struct conn *conn;
	const struct http_head *head;
	struct reply *reply;
	struct scratch *scratch;
	struct span body; /* whole, unless the route streams it */
	int64_t deadline_ms;
	struct json json;     /* the body, once http/body.h has read it; */
	struct json_val root; /* its members */
	struct fault fault;   /* empty at first; what went wrong, for FAILED */
};

/* A handler writes members of the answer into w, whose object the caller begins and ends, and says what is to be sent: a status with
 * that object, or one of these. */
enum {
	REPLIED = 0, /* all is sent: zero, so that what takes something from a request, or answers why not, can give it as its "false" */
	FAILED = -1   /* q->fault is to be told */
};
typedef int handler(struct request *q, struct jw *w);

#endif
