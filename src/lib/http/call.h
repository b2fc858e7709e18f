/* One call of a service: connect, send, read the whole answer, close; again as the retry table says. */
#ifndef HTTP_CALL_H
#define HTTP_CALL_H

#include "base/out.h"
#include "http/https.h"
#include "http/refusal.h"

/* A field of the answer's head: its text ("" when absent or too long) goes to dst. */
struct call_field {
	const char *name;
	char *dst;
	size_t cap;
};

struct call {
	struct https_target to;
	struct https_request request;
	const struct step *step;
	const struct service *service;
	uint8_t *body;          /* the answer's body, cap bytes */
	size_t cap;
	const struct call_field *fields; /* wanted; may be none */
	size_t n_fields;
};

struct call_answer {
	int status;
	struct span body; /* view into call->body; of an error what came of it */
	bool json;        /* Content-Type says JSON */
	uint32_t retry_after_s;
};

/* ERR_OK with any HTTP status that is final (also 429 and 5xx when the tries are used up); transport errors fill f with
 * advice. The connection is closed and wiped in any case. */
MUST_USE enum err call_run(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline_ms,
                           struct fault *f);

/* The same where only 200 is of use: another status is an error too (call_refused). */
MUST_USE enum err call_success(struct https *c, const struct call *k, struct call_answer *a, int64_t deadline_ms, struct fault *f);
/* f for an answer that is not success: refusal_read and refusal_fault. */
enum err call_refused(const struct call *k, const struct call_answer *a, struct fault *f);

/* Splits a base URL ("https://host:port/prefix") into target and prefix; the host's text goes to host. ERR_CONFIG. */
MUST_USE enum err call_target(const char *base_url, char host[HOST_MAX], struct https_target *to, struct out *prefix);
/* The same for "host[:port]" (always https). */
MUST_USE enum err call_host(const char *hostport, char host[HOST_MAX], struct https_target *to);

#endif
