/* Writing a batch of records: header, sealed records, trailer. */
#ifndef PARTY_RECORDS_RECWRITE_H
#define PARTY_RECORDS_RECWRITE_H

#include "party/records/records.h"

/* Holds the batch's data key: static storage, wiped by recwrite_wipe on every path. */
struct recwrite {
	struct records_head head;
	struct gcm gcm;
	struct sha256 content; /* of all lines so far */
	uint64_t records;
	uint8_t scratch[RECORDS_TOKEN_MAX];
};

/* Makes a fresh DEK, wraps it with the released key (one RSA public operation) and writes the header line. Names have
 * passed records_field_ok and are unique, 1..FIELDS_MAX of them. ERR_STATE without a released key or when it is replaced
 * meanwhile, ERR_RANGE when it is not RSA, ERR_CRYPTO. */
MUST_USE enum err recwrite_begin(struct recwrite *w, const char *company, const struct span *names, size_t n,
                                 int64_t now_us, struct out *o, struct fault *f);
/* Writes one record line of head.n_fields values. ERR_TOO_BIG when it exceeds RECORD_LINE_MAX, ERR_FULL beyond
 * RECORDS_MAX. Room in o is the caller's care. */
MUST_USE enum err recwrite_record(struct recwrite *w, const struct span *values, struct out *o);
/* Writes the trailer line. */
void recwrite_end(struct recwrite *w, const uint8_t source_sha256[SHA256_LEN], struct out *o);
void recwrite_wipe(struct recwrite *w);

#endif
