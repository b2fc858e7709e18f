/* Encrypt and decrypt one value under the company's own key. Operators only. */
#include "base/ct.h"
#include "text/base64.h"
#include "text/utf8.h"
#include "demo/handlers.h"
#include "attest/keys.h"

static int no_key(struct jw *w)
{
	jw_str(w, "status", "error");
	jw_str(w, "message", "No key has been released.");
	jw_str(w, "hint", "Release the company's key first: POST /skr/release.");
	return 400;
}

int h_encrypt(struct request *q, struct jw *w)
{
	struct scratch *t = q->scratch;
	struct out plain = out_init(t->value2, sizeof t->value2);
	size_t n = 0, max = keys_oaep_max(KEYS_OWN);
	char kid[JWK_THUMBPRINT_LEN + 1];
	struct json_val text;
	enum key_type type;
	unsigned bits;

	if (!body_json(q, true))
		return REPLIED;
	text = json_get(q->root, "plaintext");
	if (json_type_of(text) != JSON_STRING || json_is(text, ""))
		return answer_error(q, 400, "plaintext (a string) is missing.");
	if (keys_describe(KEYS_OWN, &type, &bits, kid) != ERR_OK)
		return no_key(w);
	if (json_string(text, &plain) != ERR_OK || plain.n > max) {
		jw_str(w, "status", "error");
		jw_str(w, "message", "The plaintext is longer than RSA-OAEP takes with this key.");
		jw_u64(w, "plaintext_length", plain.bad ? json_raw(text).n : plain.n);
		jw_u64(w, "max_length", max);
		return 400;
	}
	if (keys_oaep_encrypt(KEYS_OWN, out_span(&plain), t->value, sizeof t->value, &n) != ERR_OK)
		return answer_error(q, 500, "Encryption failed: the released key is not an RSA key.");
	jw_str(w, "status", "success");
	jw_b64(w, "ciphertext", span_of(t->value, n), B64_STD);
	jw_str(w, "algorithm", "RSA-OAEP-SHA256");
	jw_str(w, "key_id", kid);
	jw_u64(w, "plaintext_length", plain.n);
	jw_u64(w, "ciphertext_length", n);
	return 200;
}

/* Code points of valid UTF-8, else bytes. */
static size_t characters(struct span s)
{
	size_t n = 0;

	if (!utf8_valid(s))
		return s.n;
	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xc0) != 0x80;
	return n;
}

int h_decrypt(struct request *q, struct jw *w)
{
	struct scratch *t = q->scratch;
	struct span text;
	size_t n = 0, length;

	if (!body_json(q, true))
		return REPLIED;
	if (json_plain(json_get(q->root, "ciphertext"), &text) != ERR_OK || text.n == 0)
		return answer_error(q, 400, "ciphertext (base64) is missing.");
	if (!keys_have(KEYS_OWN))
		return no_key(w);
	if (store_decrypt_value(q->s, text, t->value, sizeof t->value, &n, &q->fault) != ERR_OK)
		return answer_error(q, q->fault.err == ERR_SYNTAX ? 400 : 500, q->fault.message);
	length = text.n / 4 * 3 - (span_ends(text, "==") ? 2u : span_ends(text, "=") ? 1u : 0u);
	jw_str(w, "status", "success");
	if (utf8_valid(span_of(t->value, n))) {
		jw_span(w, "plaintext", span_of(t->value, n));
	} else { /* JSON holds text alone */
		jw_null(w, "plaintext");
		jw_b64(w, "plaintext_base64", span_of(t->value, n), B64_STD);
	}
	jw_str(w, "algorithm", length == keys_oaep_max(KEYS_OWN) + 66 ? "RSA-OAEP-SHA256" : "A256GCM");
	jw_u64(w, "ciphertext_length", length);
	jw_u64(w, "plaintext_length", characters(span_of(t->value, n)));
	answer_object(q, w, 200);
	WIPE_N(t->text, w->o->n);
	return REPLIED;
}
