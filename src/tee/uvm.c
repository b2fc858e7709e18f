/* Microsoft's endorsement of a utility VM. */
#include "tee/uvm.h"

#include "crypto/cose.h"
#include "crypto/x509_ext.h"
#include "enc/hex.h"
#include "enc/json_read.h"
#include "tee/did.h"

#define PAYLOAD_TOKENS 64

struct uvm_chain {
	struct x509_cert certs[COSE_CHAIN_MAX];
	size_t n;
};

/* Each certificate signed by the next, the last by itself; all but the first are authorities. */
static const char *read_chain(const struct cose_sign1 *m, struct uvm_chain *c)
{
	c->n = m->n_chain;
	if (c->n < 2)
		return "the message carries no certificate chain";
	for (size_t i = 0; i < c->n; i++)
		if (x509_parse(m->chain[i], &c->certs[i]) != ERR_OK)
			return "a certificate of the chain cannot be read";
	for (size_t i = 0; i < c->n; i++) {
		const struct x509_cert *by = &c->certs[i + 1 < c->n ? i + 1 : i];

		if (x509_signed_by(&c->certs[i], by) != ERR_OK)
			return "a certificate of the chain is not signed by the next";
		if (i > 0 && !x509_ext_is_authority(&c->certs[i]))
			return "a certificate that signs another is not an authority";
		if (!x509_ext_critical_known(&c->certs[i]))
			return "a critical extension is unknown";
	}
	return NULL;
}

static bool check_issuer(const struct cose_sign1 *m, const struct uvm_chain *c, const char *issuer, struct checks *checks)
{
	struct did d;
	const char *why = NULL;

	if (!span_eq_str(m->iss, issuer))
		why = "the endorsement names another issuer";
	else if (did_parse(m->iss, &d) != ERR_OK)
		why = "the issuer is not a did:x509 of a form that is understood";
	else if (!did_fits(&d, &c->certs[0], &c->certs[c->n - 1]))
		why = "the certificate chain is not the issuer's";
	return checks_judge(checks, "uvm.issuer", !why, span_str(issuer), m->iss, why);
}

/* "x-ms-sevsnpvm-guestsvn" is decimal text; since October 2025 "-int" repeats it as a number. */
static enum err read_svn(struct json_val payload, uint64_t *svn)
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

static bool check_payload(struct span text, const uint8_t measurement[48], uint64_t *svn, struct checks *checks)
{
	struct json_tok toks[PAYLOAD_TOKENS];
	uint8_t endorsed[48];
	struct json doc;
	struct span hex;

	if (json_parse(&doc, text, toks, PAYLOAD_TOKENS) != ERR_OK ||
	    json_plain(json_get(json_root(&doc), "x-ms-sevsnpvm-launchmeasurement"), &hex) != ERR_OK ||
	    hex_decode(hex, endorsed, sizeof endorsed) != ERR_OK || read_svn(json_root(&doc), svn) != ERR_OK)
		return checks_that(checks, "uvm.measurement", false, "the endorsement's payload is malformed");
	return checks_equal(checks, "uvm.measurement", span_of(endorsed, sizeof endorsed), span_of(measurement, 48),
	                    "the report's launch measurement is not the endorsed one");
}

bool uvm_verify(struct span cose, const char *issuer, const char *feed, const uint8_t measurement[48], uint64_t *svn,
                struct checks *checks)
{
	struct cose_sign1 m;
	struct uvm_chain c;
	const char *why;
	uint64_t found = 0;
	bool ok;

	if (!checks_that(checks, "uvm.form", cose_parse(cose, &m) == ERR_OK, "not a COSE_Sign1 message of the known form"))
		return false;
	why = read_chain(&m, &c);
	if (!checks_that(checks, "uvm.chain", !why, why))
		return false;
	ok = check_issuer(&m, &c, issuer ? issuer : UVM_ISSUER, checks);
	feed = feed ? feed : UVM_FEED;
	ok &= checks_judge(checks, "uvm.feed", span_eq_str(m.feed, feed), span_str(feed), m.feed, "the endorsement is for another kind of machine");
	/* The payload is read only when it is known to be the signer's. */
	if (!checks_that(checks, "uvm.signature", cose_verify(&m, &c.certs[0].key) == ERR_OK, "the endorsement's signature is wrong"))
		return false;
	ok &= check_payload(m.payload, measurement, &found, checks);
	if (ok)
		*svn = found;
	return ok;
}
