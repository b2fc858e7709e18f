/* Fetching another party's encrypted records over a connection whose far end is proven to be that party. */
#ifndef SVC_PARTNER_H
#define SVC_PARTNER_H

#include "client/https.h"
#include "enc/json_read.h"
#include "svc/attest.h"
#include "svc/settings.h"
#include "svc/spool.h"

#define PARTNER_TOKS 1024
#define PARTNER_NONCE_LEN 32

/* Working memory of one fetch at a time, about 500 KiB: static storage, zero-initialised. No secrets. */
struct partner {
	struct https link;
	struct spool_out spool;
	struct json_items items;
	uint8_t item[RECORD_LINE_MAX];
	uint8_t chunk[16384];
	uint8_t body[CLIENT_BODY_MAX];
	uint8_t payload[TOKEN_MAX];
	struct json_tok toks[PARTNER_TOKS];
	bool stopped; /* the tick asked to stop */
};

struct partner_job {
	const struct settings *s;
	enum role role; /* whose records */
	/* Called between blocking steps, each of which lasts 13 s at most. An error from it ends the fetch with that error. */
	enum err (*tick)(void *ctx);
	void *ctx;
};

/* "partner-contoso.spool" */
const char *partner_spool_name(enum role role);

/* Fetches GET <url>/company/list as it comes into the partner's spool file in the data directory and counts its records; they
 * are not decrypted or believed here.
 *
 * Nothing is asked for before the far end is known: its key is the configured PARTNER_<P>_TLS_SPKI, or PARTNER_<P>_HOST_DATA is
 * configured and over this very connection the partner has shown a token for a fresh nonce that names its role and this
 * connection's TLS key and carries that host data; with both configured, both hold. With neither: ERR_CONFIG.
 *
 * No records, or a failure that may pass (timeout, cut, busy): two more rounds after 2 s each. The original then made its
 * partner release its key and import its data; here no party commands another.
 * ERR_CONFIG, ERR_HTTP, ERR_MISMATCH, ERR_UNTRUSTED, ERR_NOT_FOUND (no records), ERR_CONNECT, ERR_TIMEOUT, ERR_PROTOCOL, ... */
MUST_USE enum err partner_fetch(struct partner *p, const struct partner_job *job, uint64_t *count, struct fault *f);

/* Checks the claims of a verified token: x-ms-runtime must have client_data == nonce (base64 text), purpose "parley-attest",
 * the role's name, and tls_spki_sha256 == spki. ERR_MISMATCH, ERR_PROTOCOL. */
MUST_USE enum err partner_check_claims(struct span claims, struct span nonce, enum role role, const uint8_t spki[32],
                                       struct json_tok *toks, size_t cap, struct fault *f);

/* "Contoso: HTTP 503", "Fabrikam: connecting failed": one entry of an errors list. */
void partner_error_text(enum role role, const struct fault *f, struct out *o);

#endif
