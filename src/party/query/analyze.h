/* Woodgrove's work: fetch both partners' encrypted records, decrypt what the analysis needs, count, report progress. */
#ifndef PARTY_QUERY_ANALYZE_H
#define PARTY_QUERY_ANALYZE_H

#include "base/fault.h"
#include "base/out.h"
#include "party/settings.h"

/* Receives one event (a JSON object, multiparty-app.md section 2) or a keep-alive (empty span; at least every 15 s when nothing
 * else is sent). more: the next follows within moments, so that this one may wait for it. An error from it (the reader has gone) stops the analysis. Called from the thread that runs the analysis. */
struct analyze_sink {
	void *ctx;
	enum err (*event)(void *ctx, struct span json, bool more);
};

#define ANALYZE_RESULT_MAX 262144

/* Runs one analysis, streaming events including the last "complete" or "error". One at a time: ERR_STATE when one runs.
 * ERR_CONFIG when this party is not Woodgrove. With these two no event was sent: the caller answers. With any other result
 * the last event was sent (or the sink failed, then its error is returned); ERR_OK goes with "complete" only. */
MUST_USE enum err analyze_stream(const struct settings *s, const struct analyze_sink *sink, struct fault *f);
/* The same without events: the result object of multiparty-app.md section 4.2 (status, analytics,
 * errors, note) into *result.
 *
 * Both: a partner whose records did not arrive whole is an error (its fault, STEP_PARTNER), also as
 * the last event. With PARTIAL_RESULTS=on the result then leaves it out, lists it in errors, and
 * its status is "partial". */
MUST_USE enum err analyze_once(const struct settings *s, struct out *result, struct fault *f);
/* Asks a running analysis to stop at its next record (shutdown). Later ones do not start. */
void analyze_cancel(void);

#endif
