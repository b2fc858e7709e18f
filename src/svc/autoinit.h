/* What a party does by itself after its start: release its keys, import its data. */
#ifndef SVC_AUTOINIT_H
#define SVC_AUTOINIT_H

#include "crypto/tls.h"
#include "svc/settings.h"

/* Starts the background thread. With tls, the identity that has TLS_KEY's certificates and waits for the key: that is released
 * first of all, once, within a minute; autoinit_tls tells what became of it. Then, with AUTO_INIT (multiparty-app.md section 1.10): providers attest, release their key and import the configured CSV;
 * Woodgrove releases its own and both partners' keys. Every step is logged; failures are retried a few times, then left to the
 * operator. s and tls outlive the process; tls is its caller's to wipe. */
MUST_USE enum err autoinit_start(const struct settings *s, struct tls_identity *tls);
/* ERR_OK: the TLS key is there, or none was wanted. ERR_MORE: not yet. Else: it will not come; the log says why. */
MUST_USE enum err autoinit_tls(void);

#endif
