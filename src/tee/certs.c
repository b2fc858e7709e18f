/* Platform certificates. */
#include "tee/certs.h"

#include <string.h>

#include "enc/hex.h"
#include "enc/json_read.h"
#include "enc/pem.h"

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
	enum err err = json_plain(v, &text);

	if (err)
		return err;
	err = hex_u64(text, &c->tcbm);
	c->has_tcbm = err == ERR_OK;
	return err;
}

static enum err parse_members(struct json_val root, struct platform_certs *c)
{
	struct out o = out_init(c->pem, sizeof c->pem);
	uint64_t seconds;
	enum err err = json_string(json_get(root, "vcekCert"), &o);

	if (err)
		return err;
	end_line(&o);
	err = json_string(json_get(root, "certificateChain"), &o);
	if (err)
		return err;
	end_line(&o);
	if (o.bad)
		return ERR_TOO_BIG;
	c->pem_len = o.n;
	err = parse_tcbm(json_get(root, "tcbm"), c);
	if (err)
		return err;
	if (json_u64_lenient(json_get(root, "cacheControl"), &seconds) == ERR_OK && seconds <= UINT32_MAX)
		c->cache_s = (uint32_t)seconds;
	return ERR_OK;
}

/* All three are there and readable: an answer that was cut on the way must not replace what is in use. */
static enum err check_chain(struct platform_certs *c)
{
	struct span text = span_of(c->pem, c->pem_len);
	uint8_t der[CERT_DER_MAX];
	size_t n;
	enum err err = ERR_OK;

	for (int i = 0; !err && i < CHAIN_LEN; i++)
		err = pem_next(&text, "CERTIFICATE", der, sizeof der, &n);
	if (err)
		memset(c, 0, sizeof *c);
	return err == ERR_NOT_FOUND ? ERR_SYNTAX : err;
}

enum err certs_parse_thim(struct span json, struct platform_certs *c)
{
	struct json_tok toks[THIM_TOKENS];
	struct json doc;
	enum err err;

	memset(c, 0, sizeof *c);
	err = json_parse(&doc, span_trim(json), toks, THIM_TOKENS);
	if (!err)
		err = parse_members(json_root(&doc), c);
	if (!err)
		return check_chain(c);
	memset(c, 0, sizeof *c);
	return err;
}

enum err certs_from_pem(struct span pem, struct platform_certs *c)
{
	struct out o = out_init(c->pem, sizeof c->pem);

	memset(c, 0, sizeof *c);
	out_put(&o, span_trim(pem));
	out_byte(&o, '\n');
	if (o.bad)
		return ERR_TOO_BIG;
	c->pem_len = o.n;
	return check_chain(c);
}

enum err certs_from_parts(struct span vcek_der, struct span chain_pem, struct platform_certs *c)
{
	struct out o = out_init(c->pem, sizeof c->pem);

	memset(c, 0, sizeof *c);
	pem_write(&o, "CERTIFICATE", vcek_der);
	out_put(&o, span_trim(chain_pem));
	out_byte(&o, '\n');
	if (o.bad)
		return ERR_TOO_BIG;
	c->pem_len = o.n;
	return check_chain(c);
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
