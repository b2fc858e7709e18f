/* A service's own error answer, and what it most likely means: told so that a person can act. */
#ifndef CLIENT_REFUSAL_H
#define CLIENT_REFUSAL_H

#include "base/fault.h"
#include "client/retry.h"

struct refusal {
	char code[48];     /* error.code, or error when that is a string */
	char inner[48];    /* error.innererror.code */
	char message[400]; /* error.message or error_description, printable ASCII */
};

/* Reads {"error":{"code","message","innererror":{"code"}}}, {"error","error_description"} or {"message"}. Fields are empty when the
 * body is anything else. Untrusted. */
void refusal_read(struct span body, struct refusal *r);

/* Fills f for an HTTP status that is not success (service must be set already) and returns the error: ERR_THROTTLED,
 * ERR_DENIED, ERR_NOT_FOUND or ERR_HTTP. Policy denial, missing permission, unverifiable evidence and throttling get
 * different causes. */
enum err refusal_fault(enum service from, enum step step, int status, const struct refusal *r, uint32_t retry_after_s,
                       struct fault *f);

/* Adds cause and remedy for a failure below HTTP (no such host, refused, not trusted, time-out), unless f has them. */
void refusal_transport(enum service from, struct fault *f);

#endif
