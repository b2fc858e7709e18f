/* Azure Blob Storage, block blobs of one container. Source: azure-protocols.md section 6 (Blob service REST API). */
#ifndef AZURE_BLOB_H
#define AZURE_BLOB_H

#include "azure/blob_sign.h"
#include "http/https.h"
#include "azure/identity.h"

#define BLOB_NAME_MAX 1024       /* Azure's own limit */
#define BLOB_TARGET_MAX 2560     /* request target: prefix, container, encoded name, query, SAS */
#define BLOB_TEXT_MAX 160        /* an ETag, a media type, a date */
#define BLOB_MARKER_MAX 1536     /* continuation of a listing */
#define BLOB_UPLOAD_BLOCKS 4096  /* of 50,000 that Azure takes: 16 GiB in blocks of 4 MiB */

enum blob_auth { BLOB_AUTH_SAS, BLOB_AUTH_KEY, BLOB_AUTH_IDENTITY };

/* A container and how to prove who asks. */
struct blob_account {
	char endpoint[URL_MAX];  /* base URL without trailing '/'; http for loopback only is the caller's care */
	char account[32], container[64];
	enum blob_auth auth;
	char sas[SETTING_MAX];   /* query without '?'; a secret */
	struct blob_key {
		uint8_t bytes[64]; /* decoded; a secret */
		size_t n;          /* 0: none */
	} key;
	const struct identity_source *identity;
	char resource[URL_MAX];  /* audience of the identity's token */
};

/* Working memory of one user at a time, about 130 KiB: static storage, zero-initialised. Tokens in it are wiped after each
 * call. */
struct blob {
	struct https conn;
	char target[BLOB_TARGET_MAX];
	char headers[TOKEN_MAX + 1024];
	char token[TOKEN_MAX];
	uint8_t reply[4096]; /* answers to writes: empty, or errors' beginnings */
	uint8_t text[2 * BLOB_NAME_MAX + BLOB_TARGET_MAX + 1024];
};

/* Of a blob, from the last answer about it. */
struct blob_facts {
	char etag[BLOB_TEXT_MAX]; /* quoted, as sent; "" before the first read */
	char content_type[BLOB_TEXT_MAX];
	uint64_t size;
};

/* A blob's name may be used: 1 to 1024 bytes of UTF-8 in segments between single '/', none of them empty, "." or "..", no control
 * character but the tab, no backslash, and no escape ('%' with two hex digits, also after decoding any number of times) of a control
 * character or of one of . / \ ? #. So the name, encoded by segment, cannot leave its container, also if a proxy decodes once more. */
bool blob_name_ok(struct span name);
/* "https://account.../container[/name]": never the SAS. name NULL: the container. */
void blob_url(const struct blob_account *a, const char *name, struct out *o);

/* All calls: retries as the table in http/retry says, until the deadline. f: step STEP_BLOB, service, status, Azure's error code,
 * cause and remedy. Errors: ERR_NOT_FOUND 404, ERR_DENIED 401 and 403, ERR_MISMATCH the condition does not hold (304, 412, 409 of an
 * existing blob; also 400 InvalidBlockList: another writer's commit threw our blocks away), ERR_RANGE 416, ERR_THROTTLED 429 and
 * 503, ERR_HTTP others (409 of a container being deleted, 5xx), ERR_SYNTAX a name that may not be used, ERR_TOO_BIG,
 * ERR_PROTOCOL, and errors of identity and transport. A write repeated after its answer was lost can find its own condition no
 * longer true: whoever gets ERR_MISMATCH looks again at what is there. */

/* Reads 1..cap bytes from `at` on into dst; *n = 0 at the end. With facts->etag set only of that version (If-Match): clear it before
 * the first read. */
MUST_USE enum err blob_read(struct blob *b, const struct blob_account *a, const char *name, uint64_t at, uint8_t *dst, size_t cap,
                            size_t *n, struct blob_facts *facts, int64_t deadline_ms, struct fault *f);
/* Writes a whole blob in one request: in place of the version with this ETag, or with NULL only if there is none. */
MUST_USE enum err blob_put(struct blob *b, const struct blob_account *a, const char *name, const char *content_type,
                           struct span data, const char *if_match, int64_t deadline_ms, struct fault *f);

/* A large blob, in blocks: nothing is visible before the commit. Names of blocks begin with random bytes, so that two writers'
 * blocks are never taken for one another. */
struct blob_upload {
	uint8_t id[16];
	uint32_t blocks;
};
void blob_upload_begin(struct blob_upload *u);
MUST_USE enum err blob_upload_block(struct blob *b, const struct blob_account *a, const char *name, struct blob_upload *u,
                                    struct span data, int64_t deadline_ms, struct fault *f);
/* if_match as for blob_put. scratch[cap] takes the list: 100 bytes a block. */
MUST_USE enum err blob_upload_commit(struct blob *b, const struct blob_account *a, const char *name, const struct blob_upload *u,
                                     const char *content_type, const char *if_match, uint8_t *scratch, size_t cap,
                                     int64_t deadline_ms, struct fault *f);

/* One entry of a listing; views valid during the call-back. Untrusted. */
struct blob_item {
	struct span name, content_type, last_modified, etag;
	uint64_t size;
};
typedef enum err (*blob_each)(void *ctx, const struct blob_item *item);
/* One page of the container's blobs from marker ("" at first) on; marker then says where to go on, "" at the end. page[cap] takes the
 * answer (BLOB_PAGE_BLOBS entries). An error from each ends the call with it. */
#define BLOB_PAGE_BLOBS 32 /* the longest names and all properties of so many fit 256 KiB */
MUST_USE enum err blob_list(struct blob *b, const struct blob_account *a, char marker[BLOB_MARKER_MAX], uint8_t *page, size_t cap,
                            blob_each each, void *ctx, int64_t deadline_ms, struct fault *f);

/* Parts of it, for tests: an error answer's Code and Message; a page of a listing. Untrusted. */
void blob_read_error(struct span xml, struct span *code, struct span *message);
MUST_USE enum err blob_read_page(struct span xml, char marker[BLOB_MARKER_MAX], uint8_t *text, size_t cap, blob_each each, void *ctx);

#endif
