/* A company's stored records: one file of JSON lines in the data directory (format: party/records/records.h). */
#ifndef PARTY_RECORDS_STORE_H
#define PARTY_RECORDS_STORE_H

#include "base/fault.h"
#include "party/records/recread.h"
#include "party/settings.h"
#include "party/records/spool.h"

/* "<company>-encrypted.jsonl"; "" for a role without data. */
const char *store_file_name(const struct settings *s);

struct store_status {
	bool exists, ours; /* ours: not an original-format file */
	uint64_t size_bytes, record_count;
};
/* Size and count from the file's own header and trailer (for original-format files: by counting); not verified, so no
 * key is needed. ERR_DAMAGED when they do not agree. A missing file is ERR_OK with exists == false. */
MUST_USE enum err store_status(const struct settings *s, struct store_status *st, struct fault *f);

/* What is stored, in our format. ERR_NOT_FOUND when there is nothing or an original-format file. Not verified. */
MUST_USE enum err store_describe(const struct settings *s, struct records_head *head, struct records_end *end,
                                 struct fault *f);

/* Opens the stored lines (header, records, trailer as stored, ciphertext only) for spool_next, which sends on what is there: the seal
 * is the receiver's check. ERR_NOT_FOUND when nothing is stored, ERR_SYSTEM. */
MUST_USE enum err store_open(const struct settings *s, struct spool_in *in, struct fault *f);

/* The file as it is, after store_open and instead of spool_next: up to cap bytes, fewer only at its end. ERR_SYSTEM. */
MUST_USE enum err store_read(struct file_in *file, uint8_t *dst, size_t cap, size_t *n, struct fault *f);

/* Gives each record's line of the batch that store_describe told of, numbered from 1. Not verified, but whole: ERR_MISMATCH when other
 * records are stored by now, ERR_DAMAGED when they are cut, else as store_open and each. */
typedef enum err (*store_record)(void *ctx, struct span line, uint64_t number, struct fault *f);
MUST_USE enum err store_each(const struct settings *s, struct spool_in *in, const struct records_end *end, store_record each, void *ctx, struct fault *f);

/* Reads everything and verifies the seal, decrypting no value. ERR_NOT_FOUND when nothing is stored, else as recread_item.
 * r and in are working memory of the caller. */
MUST_USE enum err store_verify(const struct settings *s, struct spool_in *in, struct recread *r, struct fault *f);

/* Decrypts one field value as a client saw it in a record (base64 text): our own format under the stored batch, or the original
 * per-field RSA-OAEP-256. Plaintext is written to dst[cap]; the caller wipes it. ERR_STATE without key, ERR_CRYPTO, ERR_SYNTAX,
 * ERR_TOO_BIG. */
MUST_USE enum err store_decrypt_value(const struct settings *s, struct span text, uint8_t *dst, size_t cap, size_t *n,
                                      struct fault *f);

#endif
