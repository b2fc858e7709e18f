/* Microsoft's endorsement of a utility VM. */
#include "snp/uvm.h"

#include "crypto/cose.h"
#include "crypto/x509_ext.h"
#include "text/cbor.h"
#include "text/hex.h"
#include "text/timefmt.h"
#include "snp/did.h"

#define PAYLOAD_TOKENS 64
#define TIME_MAX_S 253402300799 /* the year 9999 */
/* CWT claims: RFC 8392 section 3.1. RFC 8949 section 3.4.2 for the tag, which RFC 8392 leaves out and Microsoft writes. */
enum { CLAIM_ISSUER = 1, CLAIM_SUBJECT = 2, CLAIM_ISSUED_AT = 6, TAG_EPOCH = 1 };

/* What the signed headers say: the text labels of the first form, or the CWT claims of the hash envelope. */
struct said {
	struct span iss, feed;
	bool envelope;
	int64_t issued_s; /* with envelope, like svn */
	uint64_t svn;
};

struct uvm_chain {
	struct x509_cert certs[COSE_CHAIN_MAX];
	size_t n;
};

/* What the certificate at this place of the chain may not be or say (RFC 5280 section 6.1). */
static const char *check_place(const struct x509_cert *c, size_t place)
{
	static const uint8_t name_constraints[] = { 0x55, 0x1d, 0x1e };
	struct x509_ext x;

	if (place == 0 && !x509_ext_may_sign(c))
		return "the signer's certificate is not for signatures (key usage)";
	if (place > 0 && !x509_ext_is_authority(c))
		return "a certificate that signs another is not an authority";
	if (place > 0 && !x509_ext_path_length(c, place - 1))
		return "an authority of the chain allows fewer authorities below it";
	if (x509_ext_find(c, span_of(name_constraints, sizeof name_constraints), &x) > 0)
		return "name constraints are not supported in this chain";
	return x509_ext_critical_known(c) ? NULL : "a critical extension is unknown";
}

/* Each certificate signed by the next, the last by itself; all but the first are authorities. */
static const char *read_chain(const struct cose_sign1 *m, struct uvm_chain *c)
{
	const char *why = NULL;

	c->n = m->n_chain;
	if (c->n < 2)
		return "the message carries no certificate chain";
	for (size_t i = 0; i < c->n; i++)
		if (x509_parse(m->chain[i], &c->certs[i]) != ERR_OK)
			return "a certificate of the chain cannot be read, or its key is not supported (known: RSA of 2048 to 4096 bits, "
			       "EC P-256 and P-384)";
	for (size_t i = 0; i < c->n && !why; i++) {
		const struct x509_cert *by = &c->certs[i + 1 < c->n ? i + 1 : i];

		if (!x509_signature_known(&c->certs[i]))
			return "the signature algorithm of a certificate is not supported (known: RSA PKCS#1 with SHA-256, 384, 512; RSASSA-PSS "
			       "with SHA-384; ECDSA with SHA-256, 384)";
		if (x509_signed_by(&c->certs[i], by) != ERR_OK)
			return "a certificate of the chain is not signed by the next";
		why = check_place(&c->certs[i], i);
	}
	return why;
}

/* One of the CWT claims. seen: bit for each that was there. */
static void read_claim(struct cbor *d, struct said *s, unsigned *seen)
{
	static const struct span svn = SPAN_LIT("svn");
	int64_t label = cbor_peek(d) == CBOR_TEXT ? span_eq(cbor_text(d), svn) ? 0 : -1 : cbor_int(d);
	unsigned bit = label >= 0 && label <= CLAIM_ISSUED_AT ? 1u << label : 0;

	*seen |= bit;
	switch (label) {
	case 0:
		s->svn = (uint64_t)cbor_int(d); /* a negative one is larger than any limit */
		break;
	case CLAIM_ISSUER: s->iss = cbor_text(d); break;
	case CLAIM_SUBJECT: s->feed = cbor_text(d); break;
	case CLAIM_ISSUED_AT:
		if (cbor_peek(d) == CBOR_TAG && cbor_tag(d) != TAG_EPOCH)
			d->bad = true;
		s->issued_s = cbor_int(d);
		break;
	default: cbor_skip(d);
	}
}

static bool read_claims(struct span claims, struct said *s)
{
	const unsigned all = 1u << 0 | 1u << CLAIM_ISSUER | 1u << CLAIM_SUBJECT | 1u << CLAIM_ISSUED_AT;
	struct cbor d = cbor_init(claims);
	unsigned seen = 0;
	size_t n = cbor_fields(&d);

	for (size_t i = 0; i < n && !d.bad; i++)
		read_claim(&d, s, &seen);
	return cbor_done(&d) && (seen & all) == all && s->svn <= UINT32_MAX && s->issued_s >= 0 && s->issued_s <= TIME_MAX_S;
}

/* A hash envelope names issuer and feed among its claims. The text labels of the first form beside them are superfluous, and
 * refused when they say something else. */
static const char *why_no_envelope(const struct cose_sign1 *m, struct said *s)
{
	if (m->typed || !m->hashed || !m->claims.n)
		return "this form of endorsement is not supported (known: the labels iss and feed with a payload of JSON; the labels 15 and 258 "
		       "with a payload of 48 bytes, without 3)";
	if (!read_claims(m->claims, s))
		return "the endorsement's CWT claims are malformed, or lack one of issuer, subject, issued at, svn";
	if ((m->iss.n && !span_eq(m->iss, s->iss)) || (m->feed.n && !span_eq(m->feed, s->feed)))
		return "the endorsement has members of both forms, and they differ";
	return NULL;
}

static bool check_form(struct span cose, struct cose_sign1 *m, struct said *s, struct checks *checks)
{
	uint8_t text[256];
	struct out found = out_init(text, sizeof text);
	const char *why;

	if (cose_parse(cose, m) != ERR_OK)
		return checks_that(checks, "uvm.form", false, "not a COSE_Sign1 message of the known form");
	*s = (struct said){ .iss = m->iss, .feed = m->feed, .envelope = m->hashed || m->claims.n };
	if (!s->envelope && (m->iss.n || m->feed.n))
		return checks_that(checks, "uvm.form", true, NULL);
	why = why_no_envelope(m, s);
	if (!why && m->payload_hash != COSE_SHA384) {
		why = "the hash algorithm of the payload is not supported (known: -43, SHA-384)";
		out_i64(&found, m->payload_hash);
	} else if (why) {
		cose_labels(m, &found);
	}
	return checks_judge(checks, "uvm.form", !why, span_of(NULL, 0), out_span(&found), why);
}

static bool check_issuer(struct span iss, const struct uvm_chain *c, const char *issuer, struct checks *checks)
{
	struct did d;
	const char *why = NULL;

	if (!iss.n)
		why = "the endorsement names no issuer";
	else if (did_parse(iss, &d) != ERR_OK)
		why = "the issuer's form is not supported (known: did:x509:0:sha256:HASH::eku:OID)";
	else if (!span_eq_str(iss, issuer))
		why = "the endorsement names another issuer";
	else if (!did_fits(&d, &c->certs[0], &c->certs[c->n - 1]))
		why = "the certificate chain is not the issuer's";
	for (size_t i = 1; i < c->n && !why; i++)
		if (!did_serves(&d, &c->certs[i]))
			why = "an authority of the chain is not for the issuer's purpose (extended key usage)";
	return checks_judge(checks, "uvm.issuer", !why, span_str(issuer), iss, why);
}

/* The chain is not judged by the clock: this is the one time that it can be judged by. */
static bool check_issued(int64_t issued_s, const struct uvm_chain *c, struct checks *checks)
{
	uint8_t text[64];
	struct out found = out_init(text, sizeof text);
	bool valid = true;

	for (size_t i = 0; i < c->n; i++)
		valid &= c->certs[i].not_before <= issued_s && issued_s <= c->certs[i].not_after;
	time_iso8601(&found, issued_s, 0);
	return checks_judge(checks, "uvm.issued", valid, span_of(NULL, 0), out_span(&found),
	                    "a certificate of the chain was not valid when the endorsement was issued");
}

static bool check_signature(const struct cose_sign1 *m, const struct verify_key *key, struct checks *checks)
{
	uint8_t text[32];
	struct out found = out_init(text, sizeof text);
	const char *why = "the endorsement's signature is wrong";

	if (m->alg != COSE_PS384) {
		why = "the COSE algorithm is not supported (known: -38, PS384)";
		out_i64(&found, m->alg);
	} else if (key->type != KEY_RSA) {
		why = "the signer's type of key is not supported (known: RSA)";
	} else if (cose_verify(m, key) == ERR_OK) {
		why = NULL;
	}
	return checks_judge(checks, "uvm.signature", !why, span_of(NULL, 0), out_span(&found), why);
}

enum err uvm_read_svn(struct json_val payload, uint64_t *svn)
{
	struct json_val number = json_get(payload, "x-ms-sevsnpvm-guestsvn-int");
	uint64_t text_svn, number_svn;
	enum err err = json_u64_lenient(json_get(payload, "x-ms-sevsnpvm-guestsvn"), &text_svn);

	if (err == ERR_NOT_FOUND)
		return json_u64(number, svn);
	if (!err && json_present(number)) {
		TRY(json_u64(number, &number_svn));
		text_svn = number_svn < text_svn ? number_svn : text_svn;
	}
	if (!err)
		*svn = text_svn;
	return err;
}

/* The first form's payload. */
static bool read_payload(struct span text, uint8_t endorsed[48], uint64_t *svn)
{
	struct json_tok toks[PAYLOAD_TOKENS];
	struct json doc;
	struct span hex;

	return json_parse(&doc, text, toks, PAYLOAD_TOKENS) == ERR_OK &&
	       json_plain(json_get(json_root(&doc), "x-ms-sevsnpvm-launchmeasurement"), &hex) == ERR_OK &&
	       hex_decode(hex, endorsed, 48) == ERR_OK && uvm_read_svn(json_root(&doc), svn) == ERR_OK;
}

static bool check_payload(struct span payload, struct said *s, const uint8_t measurement[48], struct checks *checks)
{
	uint8_t json[48];
	struct span endorsed = s->envelope ? payload : span_of(json, sizeof json);

	if (s->envelope ? payload.n != 48 : !read_payload(payload, json, &s->svn))
		return checks_that(checks, "uvm.measurement", false, "the endorsement's payload is malformed");
	return checks_equal(checks, "uvm.measurement", endorsed, span_of(measurement, 48),
	                    "the report's launch measurement is not the endorsed one");
}

bool uvm_verify(struct span cose, const char *issuer, const char *feed, const uint8_t measurement[48], uint64_t *svn,
                struct checks *checks)
{
	struct cose_sign1 m;
	struct uvm_chain c;
	struct said said;
	const char *why;
	bool ok;

	if (!check_form(cose, &m, &said, checks))
		return false;
	why = read_chain(&m, &c);
	if (!checks_that(checks, "uvm.chain", !why, why))
		return false;
	ok = check_issuer(said.iss, &c, issuer ? issuer : UVM_ISSUER, checks);
	feed = feed ? feed : UVM_FEED;
	ok &= checks_judge(checks, "uvm.feed", span_eq_str(said.feed, feed), span_str(feed), said.feed,
	                   said.feed.n ? "the endorsement is for another kind of machine" : "the endorsement names no feed");
	if (said.envelope)
		ok &= check_issued(said.issued_s, &c, checks);
	/* The payload is read only when it is known to be the signer's. */
	if (!check_signature(&m, &c.certs[0].key, checks))
		return false;
	ok &= check_payload(m.payload, &said, measurement, checks);
	if (ok)
		*svn = said.svn;
	return ok;
}
