/* A service's own error answer, and what it most likely means: told so that a person can act. */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include "base/fault.h"
#include "http/retry.h"

/* What an error answer of a service most likely means. */
struct service_answer {
	int status;        /* one, or its first digit for all of that class, or 0 for any */
	enum err err;
	const char *words; /* one of them ('|' between) is in code, inner code or message; NULL: any */
	const char *cause, *remedy;
};

/* A kind of service that is called. The module that calls it declares it, as an array of one. */
struct service {
	struct retry_policy retry;
	const char *remedy; /* where to look when no answer, or none of this service's, came */
	const struct service_answer *answers; /* the first row that fits */
	size_t n_answers;
};

struct refusal {
	char code[48];     /* error.code, or error when that is a string */
	char inner[48];    /* error.innererror.code */
	char message[400]; /* error.message or error_description, else the body: one line as of
			      refusal_line */
};

/* One clean line from whatever a service or a proxy answered: blanks and line breaks collapsed,
 * markup left out, printable ASCII alone ('?' for the rest), cut with "..." at cap (8 at least).
 * Never empty: an answer without text is described. Untrusted. */
void refusal_line(struct span body, char *dst, size_t cap);

/* Reads {"error":{"code","message","innererror":{"code"}}}, {"error","error_description"} or
 * {"message"}. Codes are empty, and message is the line of the body, when the body is anything
 * else. Untrusted. */
void refusal_read(struct span body, struct refusal *r);

/* Fills f for an HTTP status that is not success (service must be set already) and returns the
 * error: ERR_THROTTLED, ERR_DENIED, ERR_NOT_FOUND or ERR_HTTP. The message holds status and r's
 * message. Policy denial, missing permission, unverifiable evidence and throttling get different
 * causes. */
enum err refusal_fault(const struct service *from, const struct step *step, int status, const struct refusal *r, uint32_t retry_after_s,
                       struct fault *f);

/* Adds cause and remedy for a failure below HTTP (no such host, refused, not trusted, time-out), unless f has them. */
void refusal_transport(const struct service *from, struct fault *f);

#endif
