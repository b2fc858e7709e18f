/* Fetching another party's encrypted records over a connection whose ends have proven who they are. */
#ifndef PARTY_PARTNER_H
#define PARTY_PARTNER_H

#include "http/https.h"
#include "party/peer.h"
#include "party/records/spool.h"

#define PARTNER_TOKS 64
#define PARTNER_ANSWER_MAX 16384 /* a proof is 3 KiB; words about a refusal 8 at most */

/* Working memory of one fetch at a time, about 300 KiB: static storage, zero-initialised. No secrets. */
struct partner {
	struct https link;
	struct spool_out spool;
	struct json_items items;
	uint8_t item[RECORD_LINE_MAX];
	uint8_t chunk[16384]; /* the request's target, then pieces of the list */
	size_t prefix;        /* of the target: the URL's path */
	uint8_t body[PARTNER_ANSWER_MAX];
	struct json_tok toks[PARTNER_TOKS];
	struct peer_talk talk;
	struct peer_work work;
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

/* Fetches GET <url>/company/list of the partner's peer port as it comes into the partner's spool file in the data directory and
 * counts its records; they are not decrypted or believed here.
 *
 * Nothing is asked for before both sides have proven who they are on this very connection (party/peer.h): the partner must have
 * the configured PARTNER_<P>_HOST_DATA and its role. Without that setting: ERR_CONFIG.
 *
 * No records, or a failure that may pass (timeout, cut, busy): two more rounds after 2 s each. The original then made its
 * partner release its key and import its data; here no party commands another.
 * ERR_CONFIG, ERR_HTTP, ERR_MISMATCH, ERR_UNTRUSTED, ERR_NOT_FOUND (no records), ERR_CONNECT, ERR_TIMEOUT, ERR_PROTOCOL, ... */
MUST_USE enum err partner_fetch(struct partner *p, const struct partner_job *job, uint64_t *count, struct fault *f);

/* No statistics without every partner: the result of one alone, beside an earlier whole one, gives
 * the other's away by subtraction, and the host can bring that about by dropping packets. Turns the
 * fault of the first partner that failed into the refusal; errors: the reasons of all. Returns
 * f->err, step is STEP_PARTNER. */
enum err partner_incomplete(struct fault *f, const char *errors);

/* "Contoso: HTTP 503", "Fabrikam: connecting failed": one entry of an errors list. */
void partner_error_text(enum role role, const struct fault *f, struct out *o);

#endif
