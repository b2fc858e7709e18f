/* Import of a company's CSV: read, encrypt under a fresh DEK wrapped by the company's released key, store whole. */
#ifndef PARTY_POPULATE_H
#define PARTY_POPULATE_H

#include "base/fault.h"
#include "base/out.h"
#include "party/settings.h"
#include "party/query/values.h"
#include "party/steps.h"

#define POPULATE_NOTE_MAX 256

/* Behind the name of stored data that could not be read when others took their place: one file, the last. */
#define POPULATE_KEPT ".unreadable"

/* New content replaces the company's data set. The original appended on every call, so that pressing the button twice, or
 * two workers starting, doubled every person in the statistics (multiparty-app.md section 9, defects 19 and 20). */
struct populate_result {
	struct value_counts values; /* of the columns that the analysis reads, in all records of this source */
	bool found[ANALYSIS_FIELDS]; /* the source has this column */
	uint64_t empty_rows;        /* rows without any value: nobody's, left out */
	uint64_t records_added, total_records;
	bool unchanged; /* the same content (SHA-256 of the input bytes) is stored already, whole, under the same key:
	                   nothing was written, records_added is 0 and total_records what is stored */
	bool kept;      /* what was stored could not be read (damaged, of another key, of another format): it is beside the new data, see
	                   POPULATE_KEPT */
};

/* Where the CSV comes from: fills dst with 1..cap bytes, *n = 0 at the end. Untrusted content. */
struct populate_source {
	void *ctx;
	enum err (*read)(void *ctx, uint8_t *dst, size_t cap, size_t *n, struct fault *f);
};

/* From the configured CSV_PATH. ERR_NOT_FOUND when the file is missing, ERR_STATE when no key is
 * released or another import runs, ERR_CONFIG for a party without a data set (Woodgrove),
 * ERR_SYNTAX with line number in the message for bad CSV, bad column names and over-long rows,
 * other separators and encodings, ERR_RANGE for an empty one, ERR_SYSTEM for the disk. On any error
 * the stored data are as before. */
MUST_USE enum err populate_from_file(const struct settings *s, struct populate_result *r, struct fault *f);
/* What the source held that the analysis will not count, a sentence each: "salary: 17 of 20 values
 * are not read: 1 empty, ...". Exact counts, for the provider alone; never a value. False past the
 * last. */
bool populate_note(const struct populate_result *r, size_t i, struct out *o);
/* From an upload. An error of the source is returned as it is. */
MUST_USE enum err populate_from(const struct settings *s, const struct populate_source *src, struct populate_result *r,
                                struct fault *f);

/* The right to replace the stored records, which populate_from takes itself. ERR_CONFIG for a party without a data set, ERR_STATE when
 * no key is released or somebody has it. */
MUST_USE enum err populate_enter(const struct settings *s, struct fault *f);
void populate_leave(void);

#endif
