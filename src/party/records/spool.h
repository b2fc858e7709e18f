/* Files of JSON records in the data directory, item by item in fixed memory. */
#ifndef PARTY_RECORDS_SPOOL_H
#define PARTY_RECORDS_SPOOL_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "text/json_items.h"
#include "os/file.h"
#include "party/steps.h"

#define SPOOL_CHUNK 65536 /* one read or write: large enough that system calls do not count */

/* Reading. About 128 KiB: static storage. Holds ciphertext only. */
struct spool_in {
	struct file_in file;
	struct json_items items;
	uint8_t item[RECORD_LINE_MAX];
	uint8_t chunk[SPOOL_CHUNK];
	struct span rest; /* of chunk */
	bool open, ended;
};

/* Opens dir/name. ERR_NOT_FOUND (no fault text: absence is the caller's to judge), ERR_SYSTEM. */
MUST_USE enum err spool_open(struct spool_in *in, const char *dir, const char *name, struct fault *f);
/* The next whole item, a view valid until the next call. ERR_NOT_FOUND at a proper end, ERR_DAMAGED when the file is
 * cut or no JSON, ERR_SYSTEM. */
MUST_USE enum err spool_next(struct spool_in *in, struct span *item, struct fault *f);
/* Safe on a closed or zeroed one. */
void spool_close(struct spool_in *in);

/* Replacing a file: text is written through `o`, which always has room for one record line after spool_settle. */
struct spool_out {
	struct file_out file;
	struct out o;
	uint8_t buf[SPOOL_CHUNK + RECORD_LINE_MAX];
	uint64_t written;
	bool open;
};

/* Starts the temporary of dir/name (os/file.h). ERR_SYSTEM. */
MUST_USE enum err spool_create(struct spool_out *out, const char *dir, const char *name, struct fault *f);
/* Writes out what has gathered once it is a chunk. ERR_SYSTEM, ERR_TOO_BIG when o overflowed. */
MUST_USE enum err spool_settle(struct spool_out *out, struct fault *f);
/* Everything to disk and the new file in place. */
MUST_USE enum err spool_commit(struct spool_out *out, struct fault *f);
/* Drops the temporary; safe after spool_commit and on a zeroed one. */
void spool_abandon(struct spool_out *out);

#endif
