/* The evidence inside a TLS certificate. */
#include "snp/cert_evidence.h"

#include <string.h>

#include "crypto/hash.h"
#include "text/cbor.h"
#include "text/der.h"

static const uint8_t oid_cmw[] = { 0x2b, 0x06, 0x01, 0x05, 0x05, 0x07, 0x01, 0x23 };
#define OID_CMW span_of(oid_cmw, sizeof oid_cmw)
/* The DER headers in front of the CBOR: Extension, OID, extnValue, CMW. */
#define HEADERS_MAX 32

/* The indicator's bits, section "CM Type" of the draft. */
enum { ENDORSES = 1 << 1, EVIDENCE = 1 << 2 };
enum { REPORT, LEAF, ISSUER, ROOT, RUNTIME, ENDORSEMENT, PARTS };
static const struct {
	const char *type, *problem;
	uint8_t indicator;
} parts[PARTS] = {
	[REPORT] = { "application/vnd.amd.sev-snp.attestation-report", "the evidence's report", EVIDENCE },
	[LEAF] = { "application/pkix-cert", "the evidence's VCEK or VLEK certificate", ENDORSES },
	[ISSUER] = { "application/pkix-cert", "the evidence's ASK or ASVK certificate", ENDORSES },
	[ROOT] = { "application/pkix-cert", "the evidence's ARK certificate", ENDORSES },
	[RUNTIME] = { "application/json", "the evidence's runtime data", EVIDENCE },
	[ENDORSEMENT] = { "application/cose; cose-type=\"cose-sign1\"", "the evidence's endorsement", ENDORSES },
};

static void put(struct out *o, enum cbor_type type, struct span s)
{
	cbor_put_head(o, type, s.n);
	out_put(o, s);
}

enum err cert_evidence_write(uint8_t *buf, size_t cap, const struct proof *p, struct span *extension)
{
	struct span part[PARTS] = { [REPORT] = p->report, [RUNTIME] = p->runtime_data, [ENDORSEMENT] = p->endorsement };
	size_t n = p->endorsement.n ? PARTS : PARTS - 1, room = cap < HEADERS_MAX ? cap : HEADERS_MAX;
	struct out o = out_init(buf, cap);
	struct der chain = der_init(p->chain);
	struct dw w;

	for (int i = LEAF; i <= ROOT; i++)
		part[i] = der_element(&chain, NULL);
	if (!der_done(&chain))
		return ERR_SYNTAX;
	(void)out_reserve(&o, room);
	cbor_put_head(&o, CBOR_MAP, n);
	for (size_t i = 0; i < n; i++) {
		cbor_put_head(&o, CBOR_UINT, i + 1);
		cbor_put_head(&o, CBOR_ARRAY, 3);
		put(&o, CBOR_TEXT, span_str(parts[i].type));
		put(&o, CBOR_BYTES, part[i]);
		cbor_put_head(&o, CBOR_UINT, parts[i].indicator);
	}
	w = (struct dw){ buf, room, o.n, o.bad };
	dw_wrap(&w, DER_OCTET_STRING, 0); /* CMW's choice "cbor" */
	dw_wrap(&w, DER_OCTET_STRING, 0); /* extnValue */
	dw_tlv(&w, DER_OID, OID_CMW);
	dw_wrap(&w, DER_SEQUENCE, 0);
	if (w.bad)
		return ERR_TOO_BIG;
	*extension = dw_span(&w);
	return ERR_OK;
}

static bool read_part(struct cbor *d, size_t i, struct span *part)
{
	bool ok = cbor_int(d) == (int64_t)i + 1 && cbor_array(d) == 3 && span_eq_str(cbor_text(d), parts[i].type);

	*part = cbor_bytes(d);
	return ok && part->n > 0 && cbor_int(d) == parts[i].indicator && !d->bad;
}

/* The three certificates as proofs have them, one behind the other. Each is one element: where one certificate ends is not
 * for the next to say. */
static bool join_chain(const struct span part[PARTS], uint8_t store[CHAIN_DER_MAX], struct span *chain)
{
	struct out o = out_init(store, CHAIN_DER_MAX);

	for (int i = LEAF; i <= ROOT; i++) {
		struct der d = der_init(part[i]);

		(void)der_element(&d, NULL);
		if (!der_done(&d))
			return false;
		out_put(&o, part[i]);
	}
	*chain = out_span(&o);
	return !o.bad;
}

enum err cert_evidence_read(const struct x509_cert *c, uint8_t store[CHAIN_DER_MAX], struct proof *p, const char **problem)
{
	struct span part[PARTS] = { { NULL, 0 } }, value;
	struct proof t = { .nonce = "" };
	struct runtime runtime;
	struct der outer;
	struct cbor d;
	size_t n;

	*problem = "the certificate has no evidence in it";
	if (!x509_extension(c, OID_CMW, &value, NULL))
		return ERR_NOT_FOUND;
	*problem = "the evidence is not wrapped as this program does";
	outer = der_init(value);
	d = cbor_init(der_take(&outer, DER_OCTET_STRING));
	n = cbor_map(&d);
	if (!der_done(&outer) || n < ENDORSEMENT || n > PARTS)
		return ERR_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		*problem = parts[i].problem;
		if (!read_part(&d, i, &part[i]))
			return ERR_SYNTAX;
	}
	*problem = parts[LEAF].problem;
	if (!join_chain(part, store, &t.chain))
		return ERR_SYNTAX;
	*problem = parts[RUNTIME].problem;
	if (runtime_parse(part[RUNTIME], &runtime) != ERR_OK)
		return ERR_SYNTAX;
	*problem = parts[REPORT].problem;
	if (part[REPORT].n != SNP_REPORT_LEN)
		return ERR_SYNTAX;
	*problem = "there is more behind the evidence";
	if (!cbor_done(&d))
		return ERR_SYNTAX;
	t.report = part[REPORT];
	t.runtime_data = part[RUNTIME];
	t.endorsement = part[ENDORSEMENT];
	memcpy(t.nonce, runtime.nonce, sizeof t.nonce);
	hash_sha256(c->spki, t.tls_spki_sha256);
	*problem = NULL;
	*p = t;
	return ERR_OK;
}
