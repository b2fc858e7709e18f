/* What a party does by itself after its start: release its keys, import its data. */
#ifndef SVC_AUTOINIT_H
#define SVC_AUTOINIT_H

#include "base/err.h"
#include "svc/settings.h"

/* Starts the background thread (multiparty-app.md section 1.10): providers attest, release their key and import the configured CSV;
 * Woodgrove releases its own and both partners' keys. Every step is logged; failures are retried a few times, then left to the
 * operator. s outlives the process. */
MUST_USE enum err autoinit_start(const struct settings *s);

#endif
