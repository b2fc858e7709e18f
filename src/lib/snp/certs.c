/* Platform certificates. */
#include "snp/certs.h"

#include <string.h>

#include "text/hex.h"
#include "text/json_read.h"
#include "text/pem.h"

#define THIM_TOKENS 64
#define CHAIN_LEN 3 /* VCEK, ASK, ARK */

/* The end of a PEM text in o: a line break, so that another block may follow. */
static void end_line(struct out *o)
{
	if (!o->bad && o->n && o->p[o->n - 1] != '\n')
		out_byte(o, '\n');
}

static enum err parse_tcbm(struct json_val v, struct platform_certs *c)
{
	struct span text;

	TRY(json_plain(v, &text));
	TRY(hex_u64(text, &c->tcbm));
	c->has_tcbm = true;
	return ERR_OK;
}

/* All three are there and readable: an answer that was cut on the way must not replace what is in use. */
static enum err take_chain(struct platform_certs *c, const struct out *pem)
{
	struct span text = out_span(pem);
	uint8_t der[CERT_DER_MAX];
	size_t n;

	if (pem->bad)
		return ERR_TOO_BIG;
	c->pem_len = text.n;
	for (int i = 0; i < CHAIN_LEN; i++) {
		enum err err = pem_next(&text, "CERTIFICATE", der, sizeof der, &n);

		if (err)
			return err == ERR_NOT_FOUND ? ERR_SYNTAX : err;
	}
	return ERR_OK;
}

static enum err parse_thim(struct span json, struct platform_certs *c)
{
	struct out o = out_init(c->pem, sizeof c->pem);
	struct json_tok toks[THIM_TOKENS];
	struct json_val root;
	struct json doc;
	uint64_t seconds;

	TRY(json_parse(&doc, span_trim(json), toks, THIM_TOKENS));
	root = json_root(&doc);
	TRY(json_string(json_get(root, "vcekCert"), &o));
	end_line(&o);
	TRY(json_string(json_get(root, "certificateChain"), &o));
	end_line(&o);
	TRY(parse_tcbm(json_get(root, "tcbm"), c));
	if (json_u64_lenient(json_get(root, "cacheControl"), &seconds) == ERR_OK && seconds <= UINT32_MAX)
		c->cache_s = (uint32_t)seconds;
	return take_chain(c, &o);
}

/* After an error c holds nothing. */
static enum err emptied_on(enum err err, struct platform_certs *c)
{
	if (err)
		memset(c, 0, sizeof *c);
	return err;
}

enum err certs_parse_thim(struct span json, struct platform_certs *c)
{
	memset(c, 0, sizeof *c);
	return emptied_on(parse_thim(json, c), c);
}

static enum err from_parts(const struct span *vcek_der, struct span chain_pem, struct platform_certs *c)
{
	struct out o = out_init(c->pem, sizeof c->pem);

	memset(c, 0, sizeof *c);
	if (vcek_der)
		pem_write(&o, "CERTIFICATE", *vcek_der);
	out_put(&o, span_trim(chain_pem));
	out_byte(&o, '\n');
	return emptied_on(take_chain(c, &o), c);
}

enum err certs_from_pem(struct span pem, struct platform_certs *c)
{
	return from_parts(NULL, pem, c);
}

enum err certs_from_parts(struct span vcek_der, struct span chain_pem, struct platform_certs *c)
{
	return from_parts(&vcek_der, chain_pem, c);
}

enum err certs_leaf(const struct platform_certs *c, uint8_t der[CERT_DER_MAX], size_t *n)
{
	struct span text = span_of(c->pem, c->pem_len);

	return pem_next(&text, "CERTIFICATE", der, CERT_DER_MAX, n);
}

bool certs_match(const struct platform_certs *c, const struct snp_report *r, const char **problem)
{
	uint8_t der[CERT_DER_MAX];
	const char *why = "no certificate";
	struct vcek v;
	bool match;
	size_t n;

	if (certs_leaf(c, der, &n) != ERR_OK)
		match = false;
	else if (vcek_parse(span_of(der, n), &v, &why) == ERR_OK)
		match = vcek_matches(r, &v, &why);
	else /* an unknown form of certificate: only whether it is stale is judged here, the attestation service verifies it */
		match = c->has_tcbm && c->tcbm == r->reported_tcb.raw;
	if (problem)
		*problem = match ? NULL : why;
	return match;
}
