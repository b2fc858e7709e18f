/* What a party does by itself after its start: release its keys, import its data. It never gives up
 * for good. */
#ifndef PARTY_AUTOINIT_H
#define PARTY_AUTOINIT_H

#include "tls/tls.h"
#include "text/json_write.h"
#include "party/settings.h"

/* Starts the background thread. With tls, the identity that has TLS_KEY's certificates and waits
 * for the key: that is released first of all. It is tried again for five minutes, as long as the
 * reason may pass; a verdict ends it at once. autoinit_tls returns what became of it. Then, with
 * AUTO_INIT (multiparty-app.md section 1.10): providers release their key, import the configured
 * CSV and share it; Woodgrove releases its own and both partners' keys. Each step that fails is
 * tried again after a pause that grows up to a minute, or every ten minutes where only another
 * configuration or other data would help. An operator's release or import in between ends the step.
 * The log has a failure when it changes and at growing intervals. s and tls outlive the process;
 * tls is its caller's to wipe. */
MUST_USE enum err autoinit_start(const struct settings *s, struct tls_identity *tls);
/* ERR_OK: the TLS key is there, or none was wanted. ERR_MORE: not yet. Else: it will not come; the log says why. */
MUST_USE enum err autoinit_tls(void);

/* "waiting": [{for, since, tries, the last failure without the service's words,
 * next_try_in_seconds}], one for each step that is not done; nothing when all are. Public facts
 * only. Thread-safe. */
void autoinit_write(struct jw *w);

#endif
