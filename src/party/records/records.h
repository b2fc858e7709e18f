/* The format of stored records: sealed field values in JSON lines, one batch a file. */
#ifndef PARTY_RECORDS_RECORDS_H
#define PARTY_RECORDS_RECORDS_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "crypto/gcm.h"
#include "crypto/hash.h"
#include "attest/keys.h"
#include "party/steps.h"

/* A compatible superset of multiparty-app.md 3.3, one JSON object a line, each ended by one LF:
 *
 *   header   {"format":"parley-records/1","company":"contoso","batch":"<32 hex>","key_id":"<JWK thumbprint>",
 *             "alg":"RSA-OAEP-256+A256GCM","wrapped_dek":"<base64>","fields":["name",...],"created":"<ISO 8601>"}
 *   record   {"line_number":1,"timestamp":"<created>","company":"contoso","name_encrypted":"<token>",...}
 *   trailer  {"end":true,"batch":"<32 hex>","records":N,"source":"<base64>","seal":"<base64>"}
 *
 * token   = base64(0x50 || batch[0..4) || u32be record || u8 field || ciphertext || 16-byte tag): AES-256-GCM under the
 *           batch's data key (DEK), which is fresh for every file and wrapped once with RSA-OAEP-256.
 * nonce   = u32be 1 || u32be record || u32be field for values, u32be 2 || u64be N for the seal, u32be 3 || u64be 0 for the
 *           source. Records run from 1, so no nonce repeats under one DEK.
 * AAD     = SHA-256(header line) || u32be record || field name. The header hash stands for the format version, the
 *           company, the batch, the wrapped DEK, the list of fields and the timestamp (which every record repeats).
 * seal    = GCM tag of the empty text with AAD SHA-256(header line) || SHA-256(every byte of the file before the seal's
 *           own text). So whatever is changed, dropped, repeated, moved or cut anywhere, also in fields that nobody
 *           decrypts, is found before the trailer is accepted.
 *
 * source  = SHA-256 of the imported bytes, sealed with AAD SHA-256(header line): in the clear it would confirm a guess of a small
 *           file. Files of 0.1.0 have it so, as "source_sha256":"<64 hex>"; they are read, and the next import of the same
 *           content replaces them.
 *
 * The source is in the trailer because the header is written before the source has been read.
 * An empty value is sealed like any other: only the original format has null.
 *
 * What this does not give: proof of origin. Whoever has the public key can make another whole valid file, and an older
 * file can be put back. The partner who serves it vouches for it by attestation. */

#define RECORDS_BATCH_LEN 16
#define RECORDS_HEAD_MAX 8192   /* header line: 64 names, a wrapped key of 4096 bits, the rest */
#define RECORDS_END_MAX 512     /* trailer line */
#define RECORDS_TOKEN_HEAD 10
#define RECORDS_TOKEN_MAX (RECORDS_TOKEN_HEAD + FIELD_VALUE_MAX + GCM_TAG_LEN)
#define RECORDS_COMPANY_MAX 32
#define RECORDS_CREATED_MAX 32

/* A header, parsed. No secret. */
struct records_head {
	char company[RECORDS_COMPANY_MAX];
	char key_id[JWK_THUMBPRINT_LEN + 1];
	char created[RECORDS_CREATED_MAX];
	uint8_t batch[RECORDS_BATCH_LEN];
	uint8_t wrapped[RSA_MAX];
	size_t wrapped_len;
	uint32_t n_fields;
	char field[FIELDS_MAX][FIELD_NAME_MAX + 1];
	uint8_t hash[SHA256_LEN]; /* of the exact line, without its LF */
};

struct records_end {
	uint8_t batch[RECORDS_BATCH_LEN];
	uint64_t records;
	bool source_clear; /* a file of 0.1.0: the hash itself */
	uint8_t source[SHA256_LEN + GCM_TAG_LEN];
	uint8_t seal[GCM_TAG_LEN];
	size_t sealed; /* leading bytes of the line which the seal covers */
};

/* By their first bytes. This decides between our format and the original one, never the look of a value. */
bool records_is_head(struct span line);
bool records_is_end(struct span line);
/* Names allowed as columns: [A-Za-z0-9_ .-]{1,64}, so that they need no escaping in JSON. */
bool records_field_ok(struct span name);
/* Index of a field, or FIELDS_MAX. The exact name first, else without regard to case and outer blanks: imports before 0.2.0 kept a
 * column's name as it was written. */
uint32_t records_field(const struct records_head *h, struct span name);

/* Parse untrusted lines (without LF). ERR_DAMAGED with a text in f. */
MUST_USE enum err records_head_parse(struct span line, struct records_head *h, struct fault *f);
MUST_USE enum err records_end_parse(struct span line, struct records_end *end, struct fault *f);
/* Write the lines, LF included, and for the head set h->hash. */
void records_head_write(struct records_head *h, struct out *o);
/* content: everything written before this line; it is updated with the part of this line that is sealed. */
void records_end_write(const struct records_head *h, struct gcm *g, struct sha256 *content, uint64_t records,
                       const uint8_t source_sha256[SHA256_LEN], struct out *o);
/* The hash of the imported bytes, of a trailer that has been checked; g of records_open_dek. ERR_DAMAGED. */
MUST_USE enum err records_end_source(const struct gcm *g, const struct records_end *end,
                                     uint8_t source_sha256[SHA256_LEN], struct fault *f);
/* Checks a trailer against the bytes before it (content, not changed) and the number of records read. ERR_DAMAGED. */
MUST_USE enum err records_end_check(const struct records_head *h, struct gcm *g, const struct sha256 *content,
                                    struct span line, uint64_t records, struct fault *f);

/* Unwraps the DEK with the slot's key into *g, which then holds a secret. ERR_STATE without key, ERR_MISMATCH when the
 * batch was made for another key, ERR_CRYPTO. */
MUST_USE enum err records_open_dek(const struct records_head *h, enum key_slot slot, struct gcm *g, struct fault *f);

/* Appends the token of a value (at most FIELD_VALUE_MAX bytes) as base64 text. scratch holds only ciphertext after. */
void records_seal(const struct records_head *h, struct gcm *g, uint32_t record, uint32_t field, struct span value,
                  uint8_t scratch[RECORDS_TOKEN_MAX], struct out *o);
/* Form only: base64 of a token which claims this batch, record and field. */
bool records_token_ok(const struct records_head *h, uint32_t record, uint32_t field, struct span text);
/* The text is a token of some batch that claims this record. */
bool records_token_claims(struct span text, uint64_t record);
/* Decrypts a token found at a record and field into scratch; *value is a view of it, wiped by the caller. ERR_DAMAGED. */
MUST_USE enum err records_unseal(const struct records_head *h, struct gcm *g, uint32_t record, uint32_t field,
                                 struct span text, uint8_t scratch[RECORDS_TOKEN_MAX], struct span *value);

#endif
