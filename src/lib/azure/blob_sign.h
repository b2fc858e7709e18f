/* The Shared Key signature of Azure Storage requests (Microsoft Learn, "Authorize with Shared Key"; azure-protocols.md section 6). */
#ifndef AZURE_BLOB_SIGN_H
#define AZURE_BLOB_SIGN_H

#include "base/err.h"
#include "base/out.h"

#define BLOB_API_VERSION "2021-12-02" /* of the protocol; sent with every request */

/* A query parameter, not encoded. */
struct blob_param {
	const char *name; /* lower case */
	struct span value;
};

/* What the signature covers of one request. NULL: absent. */
struct blob_sign {
	const char *method;
	struct span path;              /* as sent: encoded, from the first '/' to before '?' */
	const struct blob_param *query; /* sorted by name, each name once */
	size_t n_query;
	uint64_t length;               /* of the body */
	const char *content_type, *if_match, *if_none_match;
	/* x-ms- headers */
	const char *blob_content_type, *blob_type, *date, *range;
};

/* The x-ms- header lines "name: value\r\n" in the order in which they are signed, x-ms-version included. */
void blob_sign_headers(const struct blob_sign *s, struct out *o);
/* The text that is signed. */
void blob_sign_text(const struct blob_sign *s, const char *account, struct out *o);
/* "SharedKey account:signature" with the account's key (decoded). scratch takes the text. The key is not copied. */
MUST_USE enum err blob_sign_value(const struct blob_sign *s, const char *account, struct span key, uint8_t *scratch, size_t cap,
                                  struct out *o);

#endif
