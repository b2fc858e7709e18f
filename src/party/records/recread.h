/* Reading records back, our format and the original one: only the fields asked for are decrypted. */
#ifndef PARTY_RECORDS_RECREAD_H
#define PARTY_RECORDS_RECREAD_H

#include "text/json_read.h"
#include "party/records/records.h"

#define RECREAD_WANTED_MAX 8
#define RECREAD_TOKS (2 * FIELDS_MAX + 32) /* an original record: its fields and a few members more */

/* About 52 KiB, static storage. Holds a data key and plaintext: wiped by recread_wipe on every path. */
struct recread {
	enum key_slot slot;
	const char *company;
	const char *const *wanted;
	size_t n_wanted;
	bool begun, legacy, ended;
	uint64_t count;           /* records so far */
	struct span value[RECREAD_WANTED_MAX]; /* of the current record, in the order of wanted; empty = missing */

	struct records_head head;
	struct gcm gcm;
	struct sha256 content;
	struct span after_number, lead[FIELDS_MAX]; /* views of between: what stands behind a record's number and before each value */
	uint8_t between[FIELDS_MAX * (FIELD_NAME_MAX + 20) + 256];
	uint8_t want_of[FIELDS_MAX]; /* field -> index in wanted, or RECREAD_WANTED_MAX */
	struct json_tok toks[RECREAD_TOKS];
	uint8_t plain[RECREAD_WANTED_MAX][RECORDS_TOKEN_MAX];
};

/* company: what the records must say of themselves ("contoso"). wanted: names of the fields to decrypt, at most
 * RECREAD_WANTED_MAX, none to verify only; company and wanted outlive r. */
void recread_begin(struct recread *r, enum key_slot slot, const char *company, const char *const *wanted, size_t n_wanted);

/* Takes the next item of the file (json_items). The first decides the format: our header, or an original record
 * (multiparty-app.md 3.2, 3.3). *is_record: r->value holds the wanted values, valid until the next call.
 * Our format: ERR_DAMAGED at the first item that is not exactly what was written, ERR_STATE without the key,
 * ERR_MISMATCH for another key or company, ERR_CRYPTO. NOTHING read counts before recread_end has returned ERR_OK.
 * Original format: a value that is absent, null or cannot be decrypted is missing and the record still counts; nothing
 * protects these data against change. Lines that are not of that form, and ours without their header, are ERR_DAMAGED, a
 * record that names another company ERR_MISMATCH. Untrusted input. */
MUST_USE enum err recread_item(struct recread *r, struct span item, bool *is_record, struct fault *f);
/* The input has ended. ERR_DAMAGED when our trailer has not been seen. */
MUST_USE enum err recread_end(struct recread *r, struct fault *f);
void recread_wipe(struct recread *r);

#endif
