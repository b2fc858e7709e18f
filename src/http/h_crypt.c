/* Encrypt and decrypt one value under the company's own key. Operators only. */
#include "base/ct.h"
#include "enc/base64.h"
#include "http/body.h"
#include "http/handlers.h"
#include "svc/keys.h"

static void no_key(struct request *q)
{
	uint8_t buf[256];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_str(&w, "status", "error");
	jw_str(&w, "message", "No key has been released.");
	jw_str(&w, "hint", "Release the company's key first: POST /skr/release.");
	jw_end_object(&w);
	reply_json(q->reply, 400, &o);
}

static void too_long(struct request *q, size_t length, size_t max)
{
	uint8_t buf[256];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);

	jw_object(&w, NULL);
	jw_str(&w, "status", "error");
	jw_str(&w, "message", "The plaintext is longer than RSA-OAEP takes with this key.");
	jw_u64(&w, "plaintext_length", length);
	jw_u64(&w, "max_length", max);
	jw_end_object(&w);
	reply_json(q->reply, 400, &o);
}

void h_encrypt(struct request *q)
{
	struct scratch *t = q->scratch;
	struct out plain = out_init(t->value2, sizeof t->value2), o = out_init(t->text, sizeof t->text);
	struct jw w = jw_init(&o);
	char kid[JWK_THUMBPRINT_LEN + 1];
	enum key_type type;
	unsigned bits;
	size_t n = 0, max = keys_oaep_max(KEYS_OWN);
	struct body b;

	if (!body_json(q, &b, true))
		return;
	if (json_type_of(json_get(b.root, "plaintext")) != JSON_STRING || json_is(json_get(b.root, "plaintext"), "")) {
		reply_error(q->reply, 400, "plaintext (a string) is missing.");
		return;
	}
	if (keys_describe(KEYS_OWN, &type, &bits, kid) != ERR_OK) {
		no_key(q);
		return;
	}
	if (json_string(json_get(b.root, "plaintext"), &plain) != ERR_OK || plain.n > max) {
		too_long(q, plain.bad ? json_raw(json_get(b.root, "plaintext")).n : plain.n, max);
		return;
	}
	if (keys_oaep_encrypt(KEYS_OWN, out_span(&plain), t->value, sizeof t->value, &n) != ERR_OK) {
		reply_error(q->reply, 500, "Encryption failed: the released key is not an RSA key.");
		return;
	}
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_b64(&w, "ciphertext", span_of(t->value, n), B64_STD);
	jw_str(&w, "algorithm", "RSA-OAEP-SHA256");
	jw_str(&w, "key_id", kid);
	jw_u64(&w, "plaintext_length", plain.n);
	jw_u64(&w, "ciphertext_length", n);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

/* Code points of valid UTF-8: bytes that are no continuation. */
static size_t characters(struct span s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xc0) != 0x80;
	return n;
}

void h_decrypt(struct request *q)
{
	struct scratch *t = q->scratch;
	struct out o = out_init(t->text, sizeof t->text);
	struct jw w = jw_init(&o);
	struct span text;
	size_t n = 0, length;
	struct body b;
	struct fault f;

	fault_clear(&f);
	if (!body_json(q, &b, true))
		return;
	if (json_plain(json_get(b.root, "ciphertext"), &text) != ERR_OK || text.n == 0) {
		reply_error(q->reply, 400, "ciphertext (base64) is missing.");
		return;
	}
	if (!keys_have(KEYS_OWN)) {
		no_key(q);
		return;
	}
	if (store_decrypt_value(q->s, text, t->value, sizeof t->value, &n, &f) != ERR_OK) {
		reply_error(q->reply, f.err == ERR_SYNTAX ? 400 : 500, f.message);
		return;
	}
	length = text.n / 4 * 3 - (span_ends(text, "==") ? 2u : span_ends(text, "=") ? 1u : 0u);
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_span(&w, "plaintext", span_of(t->value, n));
	jw_str(&w, "algorithm", length == keys_oaep_max(KEYS_OWN) + 66 ? "RSA-OAEP-SHA256" : "A256GCM");
	jw_u64(&w, "ciphertext_length", length);
	jw_u64(&w, "plaintext_length", characters(span_of(t->value, n)));
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
	WIPE_N(t->text, o.n);
}
