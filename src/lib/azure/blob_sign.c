/* The Shared Key signature of Azure Storage requests. */
#include "azure/blob_sign.h"

#include "base/ct.h"
#include "crypto/hash.h"
#include "text/base64.h"

static void line(struct out *o, const char *text)
{
	if (text)
		out_str(o, text);
	out_byte(o, '\n');
}

/* The canonical form joins name and value by ':', the sent form by ": ". */
static void each_header(const struct blob_sign *s, struct out *o, const char *between, const char *end)
{
	const struct { const char *name, *value; } all[] = { /* sorted */
		{ "x-ms-blob-content-type", s->blob_content_type }, { "x-ms-blob-type", s->blob_type }, { "x-ms-date", s->date },
		{ "x-ms-range", s->range }, { "x-ms-version", BLOB_API_VERSION },
	};

	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
		if (all[i].value)
			out_strs(o, all[i].name, between, all[i].value, end);
}

void blob_sign_headers(const struct blob_sign *s, struct out *o)
{
	each_header(s, o, ": ", "\r\n");
}

void blob_sign_text(const struct blob_sign *s, const char *account, struct out *o)
{
	out_strs(o, s->method, "\n\n\n"); /* Content-Encoding, Content-Language */
	if (s->length)
		out_u64(o, s->length);
	out_str(o, "\n\n"); /* and Content-MD5 */
	line(o, s->content_type);
	out_str(o, "\n\n"); /* Date: x-ms-date is used; If-Modified-Since */
	line(o, s->if_match);
	line(o, s->if_none_match);
	out_str(o, "\n\n"); /* If-Unmodified-Since, Range */
	each_header(s, o, ":", "\n");
	out_strs(o, "/", account);
	out_put(o, s->path);
	for (size_t i = 0; i < s->n_query; i++) {
		out_strs(o, "\n", s->query[i].name, ":");
		out_put(o, s->query[i].value);
	}
}

enum err blob_sign_value(const struct blob_sign *s, const char *account, struct span key, uint8_t *scratch, size_t cap,
                         struct out *o)
{
	struct out text = out_init(scratch, cap);
	uint8_t mac[SHA256_LEN];

	blob_sign_text(s, account, &text);
	if (text.bad)
		return ERR_TOO_BIG;
	hash_hmac_sha256(key, out_span(&text), mac);
	out_strs(o, "SharedKey ", account, ":");
	base64_encode(o, B64_STD, span_of(mac, sizeof mac));
	WIPE(mac);
	return o->bad ? ERR_TOO_BIG : ERR_OK;
}
