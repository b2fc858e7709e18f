/* COSE_Sign1. */
#include "crypto/cose.h"

#include "crypto/bear.h"
#include "text/cbor.h"

/* RFC 9052 section 3.1, RFC 9597, RFC 9360 section 2, draft-ietf-cose-hash-envelope. */
enum { LABEL_ALG = 1, LABEL_CRIT = 2, LABEL_TYPE = 3, LABEL_CLAIMS = 15, LABEL_X5CHAIN = 33, LABEL_PAYLOAD_HASH = 258 };
enum { TAG_SIGN1 = 18 };

/* x5chain: one certificate alone, or an array of at least two. */
static void read_chain(struct cbor *d, struct cose_sign1 *c)
{
	size_t n = cbor_peek(d) == CBOR_BYTES ? 1 : cbor_array(d);

	if (n == 0 || n > COSE_CHAIN_MAX) {
		d->bad = true;
		return;
	}
	for (size_t i = 0; i < n; i++)
		c->chain[i] = cbor_bytes(d);
	c->n_chain = n;
}

static void read_numbered(struct cbor *d, struct cose_sign1 *c, bool *has_alg)
{
	switch (cbor_int(d)) {
	case LABEL_ALG:
		*has_alg = true;
		c->alg = cbor_int(d);
		break;
	case LABEL_CRIT: /* demands an extension to be understood: we know of none */
		d->bad = true;
		break;
	case LABEL_X5CHAIN:
		read_chain(d, c);
		break;
	case LABEL_TYPE:
		c->typed = true;
		cbor_skip(d);
		break;
	case LABEL_CLAIMS:
		c->claims = cbor_item(d);
		break;
	case LABEL_PAYLOAD_HASH:
		c->hashed = true;
		c->payload_hash = cbor_int(d);
		break;
	default:
		cbor_skip(d);
	}
}

static void read_named(struct cbor *d, struct cose_sign1 *c)
{
	struct span label = cbor_text(d);

	if (span_eq_str(label, "iss"))
		c->iss = cbor_text(d);
	else if (span_eq_str(label, "feed"))
		c->feed = cbor_text(d);
	else
		cbor_skip(d);
}

static bool read_protected(struct span bytes, struct cose_sign1 *c)
{
	struct cbor d = cbor_init(bytes);
	bool has_alg = false;
	size_t n = cbor_fields(&d);

	for (size_t i = 0; i < n && !d.bad; i++) {
		if (cbor_peek(&d) == CBOR_TEXT)
			read_named(&d, c);
		else
			read_numbered(&d, c, &has_alg);
	}
	return cbor_done(&d) && has_alg;
}

void cose_labels(const struct cose_sign1 *c, struct out *o)
{
	struct cbor d = cbor_init(c->protected_bytes);
	size_t n = cbor_map(&d);

	for (size_t i = 0; i < n && !d.bad; i++) {
		out_str(o, i ? ", " : "");
		if (cbor_peek(&d) == CBOR_TEXT)
			out_put(o, cbor_text(&d));
		else
			out_i64(o, cbor_int(&d));
		cbor_skip(&d);
	}
}

enum err cose_parse(struct span in, struct cose_sign1 *c)
{
	struct cbor d = cbor_init(in);
	struct cose_sign1 r = { .alg = 0 };

	if (cbor_tag(&d) != TAG_SIGN1 || cbor_array(&d) != 4)
		return ERR_SYNTAX;
	r.protected_bytes = cbor_bytes(&d);
	if (cbor_peek(&d) != CBOR_MAP)
		return ERR_SYNTAX;
	cbor_skip(&d);
	r.payload = cbor_bytes(&d);
	r.sig = cbor_bytes(&d);
	if (!cbor_done(&d) || !read_protected(r.protected_bytes, &r))
		return ERR_SYNTAX;
	*c = r;
	return ERR_OK;
}

static void hash_head(br_sha384_context *h, enum cbor_type type, uint64_t n)
{
	uint8_t bytes[9];
	struct out o = out_init(bytes, sizeof bytes);

	cbor_put_head(&o, type, n);
	br_sha384_update(h, o.p, o.n);
}

static void hash_bytes(br_sha384_context *h, struct span s)
{
	hash_head(h, CBOR_BYTES, s.n);
	br_sha384_update(h, s.p, s.n);
}

enum err cose_verify(const struct cose_sign1 *c, const struct verify_key *key)
{
	static const char context[] = "Signature1"; /* RFC 9052 section 4.4 */
	uint8_t digest[SHA384_LEN];
	br_sha384_context h;

	if (c->alg != COSE_PS384 || key->type != KEY_RSA)
		return ERR_CRYPTO;
	br_sha384_init(&h);
	hash_head(&h, CBOR_ARRAY, 4);
	hash_head(&h, CBOR_TEXT, sizeof context - 1);
	br_sha384_update(&h, context, sizeof context - 1);
	hash_bytes(&h, c->protected_bytes);
	hash_bytes(&h, span_of(NULL, 0));
	hash_bytes(&h, c->payload);
	br_sha384_out(&h, digest);
	return rsa_verify_pss(&key->rsa, HASH_SHA384, digest, SHA384_LEN, c->sig);
}
