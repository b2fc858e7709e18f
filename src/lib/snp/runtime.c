/* Runtime data. */
#include "snp/runtime.h"

#include <string.h>

#include "crypto/hash.h"
#include "text/base64.h"
#include "text/hex.h"
#include "text/json_read.h"

bool runtime_nonce_ok(struct span text)
{
	uint8_t bytes[RUNTIME_NONCE_MAX];
	size_t n;

	return span_find(text, '=') == text.n && base64_decode(B64_URL, text, bytes, sizeof bytes, &n) == ERR_OK && n >= RUNTIME_NONCE_MIN;
}

void runtime_write(struct out *o, const struct runtime *r)
{
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_str(&w, "key", r->key);
	jw_str(&w, "nonce", r->nonce);
	jw_str(&w, "purpose", r->peer ? RUNTIME_PURPOSE_PEER : RUNTIME_PURPOSE);
	jw_str(&w, "role", r->role);
	jw_hex(&w, "tls_spki_sha256", span_of(r->tls_spki_sha256, 32));
	jw_end_object(&w);
}

enum err runtime_parse(struct span text, struct runtime *r)
{
	struct json_tok toks[16];
	struct runtime t = { .role = "" };
	struct span hex;
	struct json_val root;
	struct json doc;

	if (json_parse(&doc, text, toks, sizeof toks / sizeof toks[0]) != ERR_OK)
		return ERR_SYNTAX;
	root = json_root(&doc);
	t.peer = json_is(json_get(root, "purpose"), RUNTIME_PURPOSE_PEER);
	if (json_type_of(root) != JSON_OBJECT || json_size(root) != 5 ||
	    (!t.peer && !json_is(json_get(root, "purpose"), RUNTIME_PURPOSE)))
		return ERR_SYNTAX;
	if (json_cstr(json_get(root, "nonce"), t.nonce, sizeof t.nonce) != ERR_OK || !runtime_nonce_ok(span_str(t.nonce)) ||
	    json_cstr(json_get(root, "role"), t.role, sizeof t.role) != ERR_OK ||
	    json_cstr(json_get(root, "key"), t.key, sizeof t.key) != ERR_OK)
		return ERR_SYNTAX;
	if (json_plain(json_get(root, "tls_spki_sha256"), &hex) != ERR_OK || hex_decode(hex, t.tls_spki_sha256, 32) != ERR_OK)
		return ERR_SYNTAX;
	*r = t;
	return ERR_OK;
}

void runtime_unknown_purpose(struct span text, struct out *o)
{
	struct json_tok toks[64];
	struct json_val purpose;
	struct span value;
	struct json doc;

	if (json_parse(&doc, text, toks, sizeof toks / sizeof toks[0]) != ERR_OK)
		return;
	purpose = json_get(json_root(&doc), "purpose");
	if (json_plain(purpose, &value) == ERR_OK && span_starts(value, RUNTIME_PURPOSES) && !json_is(purpose, RUNTIME_PURPOSE) &&
	    !json_is(purpose, RUNTIME_PURPOSE_PEER))
		out_put(o, value);
}

/* One member of the outermost object. Text that does not fit is none of ours. */
static bool member_is_ours(struct json_val name, struct json_val value)
{
	char text[64];
	struct span n = span_of(text, 0);

	if (json_cstr(name, text, sizeof text) == ERR_OK)
		n = span_str(text);
	if (!span_eq_nocase(n, "purpose"))
		return span_eq_nocase(n, "keys");
	return json_cstr(value, text, sizeof text) == ERR_OK && span_starts(span_str(text), RUNTIME_PURPOSES);
}

/* Attestation services and vaults read JSON with readers that we do not know: comments, repeated names, other encodings. */
static bool lenient_might(struct span text)
{
	while (text.n && (text.p[0] >= 0x80 || text.p[0] <= ' ')) /* blanks and what marks a byte order */
		text = span_sub(text, 1, text.n);
	if (!span_starts(text, "{") && !span_starts(text, "/"))
		return false;
	return span_has_nocase(text, "keys") || span_has_nocase(text, "purpose") || span_has_nocase(text, "\\u");
}

bool runtime_is_ours(struct span data)
{
	uint8_t bytes[RUNTIME_DATA_MAX];
	struct out text = out_init(bytes, sizeof bytes);
	struct json_tok toks[256];
	struct json_val name, value;
	struct json doc;
	bool ours = false;

	for (size_t i = 0; i < data.n; i++)
		if (data.p[i]) /* UTF-16 is read as what it says */
			out_byte(&text, data.p[i]);
	if (text.bad)
		return true;
	if (json_parse(&doc, out_span(&text), toks, sizeof toks / sizeof toks[0]) != ERR_OK)
		return lenient_might(out_span(&text));
	for (size_t i = 0; !ours && json_member(json_root(&doc), i, &name, &value); i++)
		ours = member_is_ours(name, value);
	return ours;
}

void runtime_report_data(struct span text, uint8_t report_data[64])
{
	memset(report_data, 0, 64);
	hash_sha256(text, report_data);
}
