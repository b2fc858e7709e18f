/* The storage account that the parties share, as configured: reading it for pages and clients. */
#ifndef DEMO_STORAGE_H
#define DEMO_STORAGE_H

#include "azure/blob.h"
#include "party/settings.h"

/* One reader's working memory, about 420 KiB: static storage, zero-initialised. Ciphertext only, apart from tokens, which are wiped
 * after each call. */
struct storage_reader {
	struct blob blob;
	uint8_t piece[262144];
};

/* Address of a blob (NULL: of the container), without any signature. "" when no account is configured. */
void storage_url(const struct settings *s, const char *name, struct out *o);
/* "sas_token", "shared_key", "managed_identity" or "none". */
const char *storage_auth_name(const struct settings *s);

/* The next piece of a blob from `at` on, a view of r->piece; empty at the end. Errors as blob_read; ERR_CONFIG when no account is
 * configured. */
MUST_USE enum err storage_read(const struct settings *s, struct storage_reader *r, const char *name, uint64_t at,
                               struct blob_facts *facts, struct span *piece, int64_t deadline_ms, struct fault *f);
/* One page of the container, as blob_list. */
MUST_USE enum err storage_list(const struct settings *s, struct storage_reader *r, char marker[BLOB_MARKER_MAX], blob_each each,
                               void *ctx, int64_t deadline_ms, struct fault *f);

#endif
