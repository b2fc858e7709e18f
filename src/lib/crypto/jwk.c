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

static struct span point_x(const struct ec_key *k)
{
	return span_of(k->point + 1, ec_field_len(k->curve));
}

static struct span point_y(const struct ec_key *k)
{
	return span_of(k->point + 1 + ec_field_len(k->curve), ec_field_len(k->curve));
}

/* The required members in RFC 7638 section 3.2 order are hashed; what is hashed is public. */
static void thumbprint_of(const struct out *members, char out[JWK_THUMBPRINT_LEN + 1])
{
	struct out text = out_init(out, JWK_THUMBPRINT_LEN + 1);
	uint8_t digest[SHA256_LEN];

	if (members->bad)
		__builtin_trap(); /* THUMB_INPUT_MAX is wrong: our bug */
	hash_sha256(out_span(members), digest);
	base64_encode(&text, B64_URL, span_of(digest, sizeof digest));
	(void)out_cstr(&text);
}

void jwk_thumbprint_rsa(const struct rsa_pub *pub, char out[JWK_THUMBPRINT_LEN + 1])
{
	uint8_t buf[THUMB_INPUT_MAX];
	struct out o = out_init(buf, sizeof buf);

	out_str(&o, "{\"e\":\"");
	base64_encode(&o, B64_URL, pub->e);
	out_str(&o, "\",\"kty\":\"RSA\",\"n\":\"");
	base64_encode(&o, B64_URL, pub->n);
	out_str(&o, "\"}");
	thumbprint_of(&o, out);
}

struct number {
	enum key_type type; /* of keys that have it */
	bool secret;
	const char *name;
	struct span value;
};

static void write_numbers(struct jw *w, const struct number *list, size_t n, enum key_type type, bool secret)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].type == type && (secret || !list[i].secret))
			jw_b64(w, list[i].name, list[i].value, B64_URL);
}

/* Sorted members: the numbers, the secret ones among them when asked for, key_ops unless empty, kid unless NULL, and kty. */
static void write_key(struct jw *w, const char *name, const struct private_key *k, bool secret, struct span key_ops, const char *kid)
{
	const struct rsa_key *r = &k->rsa;
	const struct number front[] = {
		{ KEY_RSA, true, "d", span_of(r->d, r->d_len) }, { KEY_RSA, true, "dp", span_of(r->dp, r->dp_len) },
		{ KEY_RSA, true, "dq", span_of(r->dq, r->dq_len) }, { KEY_RSA, false, "e", span_of(r->e, r->e_len) },
		{ KEY_EC, true, "d", span_of(k->ec.d, ec_field_len(k->ec.curve)) }, { KEY_OCT, true, "k", span_of(k->oct, k->oct_len) },
	}, back[] = {
		{ KEY_RSA, false, "n", span_of(r->n, r->n_len) }, { KEY_RSA, true, "p", span_of(r->p, r->p_len) },
		{ KEY_RSA, true, "q", span_of(r->q, r->q_len) }, { KEY_RSA, true, "qi", span_of(r->qi, r->qi_len) },
		{ KEY_EC, false, "x", point_x(&k->ec) }, { KEY_EC, false, "y", point_y(&k->ec) },
	};

	jw_object(w, name);
	if (k->type == KEY_EC)
		jw_str(w, "crv", curve_names[k->ec.curve]);
	write_numbers(w, front, sizeof front / sizeof front[0], k->type, secret);
	if (key_ops.n)
		jw_raw(w, "key_ops", key_ops);
	if (kid)
		jw_str(w, "kid", kid);
	jw_str(w, "kty", jwk_type_name(k->type));
	write_numbers(w, back, sizeof back / sizeof back[0], k->type, secret);
	jw_end_object(w);
}

void jwk_thumbprint(const struct private_key *k, char out[JWK_THUMBPRINT_LEN + 1])
{
	uint8_t buf[THUMB_INPUT_MAX], mac[SHA256_LEN];
	struct out o = out_init(buf, sizeof buf), text = out_init(out, JWK_THUMBPRINT_LEN + 1);
	struct jw w = jw_init(&o);

	if (k->type == KEY_RSA || k->type == KEY_EC) {
		write_key(&w, NULL, k, false, span_of(NULL, 0), NULL);
		thumbprint_of(&o, out);
		return;
	}
	/* RFC 7638 section 7 warns of thumbprints of secret keys: a plain hash lets anyone test guesses. So does this, but only of
	 * keys that are guessable at all, and it cannot be confused with any other hash of the key. */
	if (k->type == KEY_OCT) {
		hash_hmac_sha256(span_of(k->oct, k->oct_len), SPAN_LIT("parley key id"), mac);
		base64_encode(&text, B64_URL, span_of(mac, sizeof mac));
	}
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

void jwk_write_wrapping_set(struct out *o, const struct rsa_pub *pub)
{
	char kid[JWK_THUMBPRINT_LEN + 1];

	jwk_thumbprint_rsa(pub, kid);
	out_str(o, "{\"keys\":[{\"e\":\"");
	base64_encode(o, B64_URL, pub->e);
	out_strs(o, "\",\"key_ops\":[\"encrypt\"],\"kid\":\"", kid, "\",\"kty\":\"RSA\",\"n\":\"");
	base64_encode(o, B64_URL, pub->n);
	out_str(o, "\"}]}");
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
