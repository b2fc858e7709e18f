/* A complete request as a handler sees it. */
#ifndef HTTP_REQUEST_H
#define HTTP_REQUEST_H

#include "http/conn.h"
#include "http/reply.h"
#include "plat/poll.h"
#include "svc/analyze.h"
#include "svc/attest.h"
#include "svc/storage.h"
#include "svc/store.h"

/* Memory of one worker thread for the request it runs; wiped after each. */
struct scratch {
	bool at_poll; /* the server's: this worker is one of those that wait for input */
	struct poll_event event[POLL_BATCH]; /* what it has been told, [0..event_at) already looked at */
	size_t event_at, event_n;
	uint8_t text[ANALYZE_RESULT_MAX + 4096]; /* the answer's JSON */
	union {
		struct attest_result attest;
		struct attest_collateral collateral;
	};
	struct spool_in reader;
	struct storage_reader storage;
	struct peer_work peer;
	uint8_t runtime[RUNTIME_DATA_MAX];
	uint8_t report_hex[2 * SNP_REPORT_LEN], report_text[2 * SNP_REPORT_LEN + 16];
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
};

#endif
