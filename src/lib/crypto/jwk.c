/* JSON Web Keys. */
#include "crypto/jwk.h"

#include "base/ct.h"
#include "crypto/x509.h"
#include "text/base64.h"

/* {"e":"...","kty":"RSA","n":"..."} of RSA-4096 takes 720 bytes. */
#define THUMB_INPUT_MAX 1024

static const char *const curve_names[] = { [EC_P256] = "P-256", [EC_P384] = "P-384", [EC_P521] = "P-521" };

const char *jwk_type_name(enum key_type t)
{
	static const char *const names[] = { [KEY_RSA] = "RSA", [KEY_EC] = "EC", [KEY_OCT] = "oct" };

	return names[t];
}

/* The numbers of a key in the order of their names. len: member with the length; NO_LEN: as the curve's field has. */
#define AT(m) offsetof(struct private_key, m)
#define NO_LEN 0
static const struct number {
	char name[3];
	bool secret;
	uint8_t type; /* enum key_type */
	uint16_t at, len;
} numbers[] = {
	{ "d", true, KEY_RSA, AT(rsa.d), AT(rsa.d_len) }, { "d", true, KEY_EC, AT(ec.d), NO_LEN },
	{ "dp", true, KEY_RSA, AT(rsa.dp), AT(rsa.dp_len) }, { "dq", true, KEY_RSA, AT(rsa.dq), AT(rsa.dq_len) },
	{ "e", false, KEY_RSA, AT(rsa.e), AT(rsa.e_len) }, { "k", true, KEY_OCT, AT(oct), AT(oct_len) },
	{ "n", false, KEY_RSA, AT(rsa.n), AT(rsa.n_len) }, { "p", true, KEY_RSA, AT(rsa.p), AT(rsa.p_len) },
	{ "q", true, KEY_RSA, AT(rsa.q), AT(rsa.q_len) }, { "qi", true, KEY_RSA, AT(rsa.qi), AT(rsa.qi_len) },
	{ "x", false, KEY_EC, AT(ec.point) + 1, NO_LEN }, { "y", false, KEY_EC, AT(ec.point) + 1, NO_LEN },
};
enum { NUMBERS = sizeof numbers / sizeof numbers[0], FIRST_BACK = 6 /* "n": behind "kty" */ };

static void write_numbers(struct jw *w, const struct private_key *k, size_t from, size_t to, bool secret)
{
	for (size_t i = from; i < to; i++) {
		const struct number *m = &numbers[i];
		const uint8_t *p = (const uint8_t *)k;
		size_t field = ec_field_len(k->ec.curve), n = m->len == NO_LEN ? field : p[m->len] | (size_t)p[m->len + 1] << 8;

		if (m->type == k->type && (secret || !m->secret))
			jw_b64(w, m->name, span_of(p + m->at + (m->name[0] == 'y' ? field : 0), n), B64_URL);
	}
}

/* Sorted members: the numbers, the secret ones among them when asked for, key_ops unless empty, kid unless NULL, and kty. */
static void write_key(struct jw *w, const char *name, const struct private_key *k, bool secret, struct span key_ops, const char *kid)
{
	jw_object(w, name);
	if (k->type == KEY_EC)
		jw_str(w, "crv", curve_names[k->ec.curve]);
	write_numbers(w, k, 0, FIRST_BACK, secret);
	if (key_ops.n)
		jw_raw(w, "key_ops", key_ops);
	if (kid)
		jw_str(w, "kid", kid);
	jw_str(w, "kty", jwk_type_name(k->type));
	write_numbers(w, k, FIRST_BACK, NUMBERS, secret);
	jw_end_object(w);
}

void jwk_thumbprint(const struct private_key *k, char out[JWK_THUMBPRINT_LEN + 1])
{
	uint8_t buf[THUMB_INPUT_MAX], hash[SHA256_LEN];
	struct out o = out_init(buf, sizeof buf), text = out_init(out, JWK_THUMBPRINT_LEN + 1);
	struct jw w = jw_init(&o);

	/* The required members in RFC 7638 section 3.2 order are hashed; what is hashed is public. */
	if (k->type == KEY_RSA || k->type == KEY_EC) {
		write_key(&w, NULL, k, false, span_of(NULL, 0), NULL);
		if (o.bad)
			__builtin_trap(); /* THUMB_INPUT_MAX is wrong: our bug */
		hash_sha256(out_span(&o), hash);
	}
	/* RFC 7638 section 7 warns of thumbprints of secret keys: a plain hash lets anyone test guesses. So does this, but only of
	 * keys that are guessable at all, and it cannot be confused with any other hash of the key. */
	if (k->type == KEY_OCT)
		hash_hmac_sha256(span_of(k->oct, k->oct_len), SPAN_LIT("parley key id"), hash);
	if (k->type != KEY_NONE)
		base64_encode(&text, B64_URL, span_of(hash, sizeof hash));
	(void)out_cstr(&text);
}

void jwk_write_public(struct jw *w, const char *name, const struct private_key *k)
{
	char kid[JWK_THUMBPRINT_LEN + 1];

	jwk_thumbprint(k, kid);
	write_key(w, name, k, false, span_of(NULL, 0), kid);
}

void jwk_write_private(struct jw *w, const struct private_key *k, struct span key_ops)
{
	write_key(w, NULL, k, true, key_ops, NULL);
}

void jwk_write_wrapping_set(struct out *o, const struct private_key *k)
{
	char kid[JWK_THUMBPRINT_LEN + 1];
	struct jw w = jw_init(o);

	jwk_thumbprint(k, kid);
	out_str(o, "{\"keys\":[");
	write_key(&w, NULL, k, false, SPAN_LIT("[\"encrypt\"]"), kid);
	out_str(o, "]}");
}

/* Decodes a string member behind what scratch already holds. */
static enum err take_bytes(struct json_val v, enum b64_form form, struct out *scratch, struct span *bytes)
{
	struct span text;
	size_t n;

	TRY(json_plain(v, &text));
	/* RFC 7515 section 2: base64url without padding */
	if (form == B64_URL && span_find(text, '=') != text.n)
		return ERR_SYNTAX;
	TRY(base64_decode(form, text, scratch->p + scratch->n, scratch->cap - scratch->n, &n));
	*bytes = span_of(scratch->p + scratch->n, n);
	scratch->n += n;
	return ERR_OK;
}

/* RFC 7518 section 6.3.1: minimal octets. */
static enum err read_rsa(struct json_val jwk, struct out *scratch, struct verify_key *k)
{
	TRY(take_bytes(json_get(jwk, "n"), B64_URL, scratch, &k->rsa.n));
	TRY(take_bytes(json_get(jwk, "e"), B64_URL, scratch, &k->rsa.e));
	return rsa_bits(k->rsa.n) && rsa_bits(k->rsa.e) ? ERR_OK : ERR_SYNTAX;
}

/* RFC 7518 section 6.2.1: coordinates of exactly the field's length. Whether the point is on the curve shows in use. */
static enum err read_ec(struct json_val jwk, struct out *scratch, struct verify_key *k)
{
	uint8_t *point = out_reserve(scratch, 1);
	struct span x, y;

	if (!point)
		return ERR_TOO_BIG;
	if (json_is(json_get(jwk, "crv"), "P-256"))
		k->curve = EC_P256;
	else if (json_is(json_get(jwk, "crv"), "P-384"))
		k->curve = EC_P384;
	else
		return ERR_RANGE;
	point[0] = 0x04;
	TRY(take_bytes(json_get(jwk, "x"), B64_URL, scratch, &x));
	TRY(take_bytes(json_get(jwk, "y"), B64_URL, scratch, &y)); /* lies right behind x */
	if (x.n != ec_field_len(k->curve) || y.n != ec_field_len(k->curve))
		return ERR_SYNTAX;
	k->point = span_of(point, 1 + x.n + y.n);
	return ERR_OK;
}

/* RFC 7517 section 4.7: standard base64, the first certificate holds the key. */
static enum err read_x5c(struct json_val jwk, enum key_type type, struct out *scratch, struct verify_key *k)
{
	struct json_val chain = json_get(jwk, "x5c");
	struct x509_cert cert;
	struct span der;

	if (json_type_of(chain) != JSON_ARRAY || json_size(chain) == 0)
		return ERR_NOT_FOUND;
	TRY(take_bytes(json_at(chain, 0), B64_STD, scratch, &der));
	TRY(x509_parse(der, &cert));
	if (cert.key.type != type)
		return ERR_SYNTAX;
	*k = cert.key;
	return ERR_OK;
}

enum err jwk_read_public(struct json_val jwk, uint8_t *scratch, size_t cap, struct verify_key *k)
{
	struct out o = out_init(scratch, cap);
	struct verify_key key = { 0 };
	struct json_val kty = json_get(jwk, "kty");

	key.type = json_is(kty, "RSA") ? KEY_RSA : json_is(kty, "EC") ? KEY_EC : KEY_NONE;
	if (key.type == KEY_NONE)
		return json_present(kty) ? ERR_RANGE : ERR_NOT_FOUND;
	if (!json_present(json_get(jwk, key.type == KEY_RSA ? "n" : "x")))
		TRY(read_x5c(jwk, key.type, &o, &key));
	else
		TRY(key.type == KEY_RSA ? read_rsa(jwk, &o, &key) : read_ec(jwk, &o, &key));
	*k = key;
	return ERR_OK;
}
