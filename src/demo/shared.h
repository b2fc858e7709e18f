/* This party's encrypted records in the blob that all parties share. */
#ifndef DEMO_SHARED_H
#define DEMO_SHARED_H

#include "party/share.h"

/* The blob is a JSON array of all companies' records in the original's shape (multiparty-app.md 3.3): timestamp, company and
 * <field>_encrypted, with our value tokens, and "batch", which says of which import a record is. The local file stays what this
 * party's own work and the partner analysis read: the blob is a copy for others, without the wrapped data key.
 *
 * publish: records of this company's other batches are replaced, everybody else's (and this company's own that carry no batch, which
 * another program wrote) stay byte for byte. Written only if nobody else has written since it was read (ETag), else all over again: so
 * companies that write at the same time lose nothing. Nothing is done when STORAGE is local or there is nothing stored. One at a time, to
 * the deadline. ERR_DAMAGED when the blob holds something else than records: it is then left as it is. Errors as azure/blob, ERR_MISMATCH
 * when others kept getting in between. */
extern const struct share shared_blob;

#endif
