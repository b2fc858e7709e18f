/* did:x509 identifiers. */
#include "snp/did.h"

#include "crypto/hash.h"
#include "crypto/x509_ext.h"
#include "text/base64.h"

static const char method[] = "did:x509:0:sha256:";
static const char policy[] = "::eku:";
enum { HASH_TEXT = 43 }; /* base64url of 32 bytes */

/* One arc of an OID in base 128, most significant group first (X.690 section 8.19). */
static void put_arc(struct out *o, uint64_t v)
{
	unsigned shift = 0;

	while (shift < 63 && v >> (shift + 7))
		shift += 7;
	for (;; shift -= 7) {
		out_byte(o, (uint8_t)((v >> shift & 0x7f) | (shift ? 0x80 : 0)));
		if (shift == 0)
			break;
	}
}

/* The next number of "1.3.6...": digits without a leading zero. */
static bool next_arc(struct span *text, uint64_t *v)
{
	struct span digits = span_cut(text, '.');

	return span_u64(digits, v) && *v <= UINT32_MAX && (digits.n == 1 || digits.p[0] != '0');
}

static bool read_oid(struct span text, struct did *d)
{
	struct out o = out_init(d->eku, sizeof d->eku);
	uint64_t first, arc;

	if (span_ends(text, ".") || !next_arc(&text, &first) || first > 2 || !next_arc(&text, &arc) || (first < 2 && arc > 39))
		return false;
	put_arc(&o, 40 * first + arc);
	while (text.n > 0) {
		if (!next_arc(&text, &arc))
			return false;
		put_arc(&o, arc);
	}
	d->eku_len = o.n;
	return !o.bad;
}

enum err did_parse(struct span text, struct did *d)
{
	const size_t at_hash = sizeof method - 1, at_policy = at_hash + HASH_TEXT, at_oid = at_policy + sizeof policy - 1;
	struct did r = { .eku_len = 0 };
	size_t n;

	if (text.n <= at_oid || !span_starts(text, method) || !span_starts(span_sub(text, at_policy, text.n), policy))
		return ERR_SYNTAX;
	if (base64_decode(B64_URL, span_sub(text, at_hash, HASH_TEXT), r.authority_sha256, sizeof r.authority_sha256, &n) != ERR_OK ||
	    n != sizeof r.authority_sha256 || !read_oid(span_sub(text, at_oid, text.n), &r))
		return ERR_SYNTAX;
	*d = r;
	return ERR_OK;
}

bool did_fits(const struct did *d, const struct x509_cert *leaf, const struct x509_cert *root)
{
	uint8_t hash[SHA256_LEN];

	hash_sha256(root->der, hash);
	return span_eq(span_of(hash, sizeof hash), span_of(d->authority_sha256, sizeof hash)) &&
	       x509_ext_has_eku(leaf, span_of(d->eku, d->eku_len));
}

bool did_serves(const struct did *d, const struct x509_cert *authority)
{
	return x509_ext_serves(authority, span_of(d->eku, d->eku_len));
}
