/* The certificate that this process makes for its own TLS key: with evidence in it (snp/cert_evidence.h) as soon as there is
 * any, and made anew before it expires and when the platform's certificates or this party's key have become others. The key
 * stays: connections go on. */
#ifndef ATTEST_CERTIFICATE_H
#define ATTEST_CERTIFICATE_H

#include "tls/tls.h"
#include "tls/tls_settings.h"
#include "text/json_write.h"
#include "attest/attest.h"

/* Makes key and certificate, without evidence: quick, no network. Call once at start. s, a and id outlive the process. */
MUST_USE enum err certificate_make(const struct tls_settings *s, const struct attest_settings *a, struct tls_identity *id);
/* Starts the background thread that keeps it. Call after attest_init and evidence_init. */
MUST_USE enum err certificate_start(void);
/* The first evidence is still being collected, for at most a minute: without it no partner would believe this certificate. */
bool certificate_pending(void);
/* One look of that thread: makes at most one new certificate. Failures are logged once until they change and tried again
 * with longer and longer pauses; the certificate in use stays, and near its end is made anew with what there is. */
void certificate_look(void);
/* "tls_certificate": {key, evidence, evidence_format} of the HTTPS port's, for those who ask what this server is. */
void certificate_write(struct jw *w);

#endif
