/* This party's encrypted records in the blob that all parties share. */
#ifndef DEMO_SHARED_H
#define DEMO_SHARED_H

#include "base/fault.h"
#include "party/settings.h"

/* The blob is a JSON array of all companies' records in the original's shape (multiparty-app.md 3.3): timestamp, company and
 * <field>_encrypted, with our value tokens, and "batch", which says of which import a record is. The local file stays what this
 * party's own work and the partner analysis read: the blob is a copy for others, without the wrapped data key. */
struct shared_result {
	bool unchanged;        /* all of it was there already */
	uint64_t own, total;   /* records of this party's, and of all companies */
};

/* Puts what is stored locally there: records of this company's other batches are replaced, everybody else's (and this company's
 * own that carry no batch, which another program wrote) stay byte for byte. Written only if nobody else has written since it was
 * read (ETag), else all over again: so companies that write at the same time lose nothing. Doing it twice changes nothing.
 * Nothing is done, with ERR_OK and total 0, when STORAGE is local or there is nothing stored. One at a time, to the deadline.
 * ERR_DAMAGED when the blob holds something else than records: it is then left as it is. Errors as azure/blob, ERR_MISMATCH when
 * others kept getting in between. */
MUST_USE enum err shared_publish(const struct settings *s, struct shared_result *r, int64_t deadline_ms, struct fault *f);
/* Records of all companies as last seen by shared_publish; 0 before. */
uint64_t shared_total(void);

#endif
