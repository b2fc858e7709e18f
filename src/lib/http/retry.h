/* When to try a service again, and how long to wait. Source: azure-protocols.md section 7. */
#ifndef HTTP_RETRY_H
#define HTTP_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/* When a kind of service is tried again. */
#define RETRY_DELAYS 5
struct retry_policy {
	uint16_t delay_ms[RETRY_DELAYS]; /* before try 2, 3, ...; 0 ends the list */
	uint32_t try_ms;                 /* one try, connecting included */
	bool on_404, on_408;
	uint32_t on_410_ms;              /* keep trying a 410 this long (a service that is being updated) */
};

/* One operation's tries. Initialise with retry_init. */
struct retry {
	const struct retry_policy *policy;
	unsigned tried;      /* tries made so far */
	int64_t started_ms, deadline_ms;
};
struct retry retry_init(const struct retry_policy *policy, int64_t deadline_ms);

/* After a try that ended with err (transport) or, with ERR_OK, an HTTP status: waits and returns true when it is worth trying
 * again. False: final, or the wait (what Retry-After asks for, else the policy's with jitter) would pass the deadline, then
 * without waiting. */
bool retry_again(struct retry *r, enum err err, int status, uint32_t retry_after_s);

/* How long one try may take, in ms, within the deadline. */
int64_t retry_try_deadline(const struct retry *r);

#endif
