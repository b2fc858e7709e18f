/* Adding one record to the stored ones. */
#ifndef PARTY_RECORDS_APPEND_H
#define PARTY_RECORDS_APPEND_H

#include "base/fault.h"
#include "base/span.h"
#include "party/settings.h"
#include "party/steps.h"

struct append_value {
	const char *column;
	struct span value;
};

/* Appends a record with these values, all other columns empty; without stored records a new set with these columns is begun. *total
 * is then the number of records.
 *
 * Everything stored is sealed anew under a fresh data key: a file that the host put back to an earlier state must never make two
 * different records share a key and nonce. So all records get the time of this batch, and the cost is that of an import.
 * ERR_STATE without key, while an import runs, or for data of the original format; ERR_CONFIG for a party without data;
 * ERR_RANGE when the stored data have no such column; ERR_DAMAGED; ERR_TOO_BIG; ERR_SYSTEM. */
MUST_USE enum err append_record(const struct settings *s, const struct append_value *values, size_t n, uint64_t *total,
                                struct fault *f);

#endif
