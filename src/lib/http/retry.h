/* When to try a service again, and how long to wait. Source: azure-protocols.md section 7. */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* The services that are called: which delays and which table of advice apply. */
enum service { SERVICE_IDENTITY, SERVICE_ENTRA, SERVICE_CERTS, SERVICE_MAA, SERVICE_VAULT, SERVICE_STORAGE };

/* One operation's tries. Initialise with retry_init. */
struct retry {
	enum service service;
	unsigned tried;      /* tries made so far */
	int64_t started_ms, deadline_ms;
};
struct retry retry_init(enum service service, int64_t deadline_ms);

/* After a try that ended with err (transport) or, with ERR_OK, an HTTP status: waits and returns true when it is worth trying
 * again. False: final, or the wait (what Retry-After asks for, else the table's with jitter) would pass the deadline, then
 * without waiting. */
bool retry_again(struct retry *r, enum err err, int status, uint32_t retry_after_s);

/* How long one try may take, in ms, within the deadline. */
int64_t retry_try_deadline(const struct retry *r);

#endif
