/* The older one-shot statistics over both partners' records (multiparty-app.md 4.3). */
#ifndef PARTY_QUERY_DEMOGRAPHICS_H
#define PARTY_QUERY_DEMOGRAPHICS_H

#include "base/fault.h"
#include "base/out.h"
#include "party/query/analysis.h"
#include "party/settings.h"

/* Releases the partners' keys if need be, fetches, decrypts the six fields that are needed, counts,
 * and writes the result object. A partner whose records did not arrive whole is an error (its
 * fault, STEP_PARTNER); with PARTIAL_RESULTS=on it is told in the result, whose status is then
 * "partial". What may be shown: analysis_close. Rows that may not are null. ERR_STATE when another
 * one runs, ERR_FULL. */
MUST_USE enum err demographics_run(const struct settings *s, struct out *result, int64_t deadline_ms, struct fault *f);

/* The member "combined_analytics", after analysis_close. */
void demographics_write(const struct analysis *a, struct jw *w);

#endif
