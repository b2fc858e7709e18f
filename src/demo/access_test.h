/* The access test: what somebody with access to the platform could do to this container, with the evidence for each answer. */
#ifndef DEMO_ACCESS_TEST_H
#define DEMO_ACCESS_TEST_H

#include "base/err.h"
#include "base/out.h"

/* Probes this container (demo/probe) and writes the result object of multiparty-app.md section 6: four tests, each with result "blocked"
 * (shown to be impossible, or denied by the measured policy that this hardware vouches for), "unexpected" (it is possible) or
 * "not_enforced" (nothing happened, but nothing we can show prevents it: no hardware, or no policy text that has the report's hash).
 * One at a time, about a second. ERR_TIMEOUT when another one does not end by then, ERR_TOO_BIG. */
MUST_USE enum err access_test_run(struct out *result, int64_t deadline_ms);

#endif
