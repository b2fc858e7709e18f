/* The security context as the host may write it: THIM's JSON, base64 of it, PEM chains, policies. */
#include "fuzz.h"

#include "text/base64.h"
#include "text/pem.h"
#include "snp/chain.h"
#include "snp/context.h"

static void check_certs(enum err e, const struct platform_certs *c)
{
	uint8_t der[CERT_DER_MAX];
	size_t n;

	if (e != ERR_OK) {
		HOLD(fuzz_zero(c, sizeof *c));
		return;
	}
	HOLD(c->pem_len > 0 && c->pem_len <= sizeof c->pem && certs_leaf(c, der, &n) == ERR_OK && n > 0);
	HOLD(c->pem[c->pem_len - 1] == '\n');
}

/* One of the three variables holds the bytes, or their base64 text. */
static void environment(struct span in)
{
	static struct context c;
	static uint8_t scratch[CONTEXT_SCRATCH_LEN], text[3 * 65536];
	const char *problem;

	for (int k = 0; k < 6; k++) {
		struct out o = out_init(text, sizeof text);
		struct context_env env = { { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
		struct span *into[] = { &env.amd_cert, &env.policy, &env.reference };
		enum err e;

		if (k >= 3)
			base64_encode(&o, B64_STD, in);
		else
			out_put(&o, in);
		HOLD(!o.bad);
		*into[k % 3] = out_span(&o);
		e = context_load(&c, "/nonexistent/context", &env, scratch, &problem);
		HOLD((e == ERR_OK) == (c.source == CONTEXT_ENVIRONMENT));
		if (e != ERR_OK) {
			HOLD(fuzz_zero(&c, sizeof c) && (e == ERR_NOT_FOUND || problem));
			continue;
		}
		HOLD(c.has_policy == (k % 3 == 1) && (c.certs.pem_len > 0) == (k % 3 == 0));
		if (k % 3 == 0)
			check_certs(ERR_OK, &c.certs);
		if (k == 5)
			HOLD(span_eq(span_of(c.reference, c.reference_len), in) || in.n == 0);
	}
}

void fuzz_one(struct span in)
{
	static struct platform_certs c, again;
	static uint8_t ders[CHAIN_DER_MAX], bytes[SNP_REPORT_LEN];
	uint8_t *exact = fuzz_exact(in);
	struct span s = span_of(exact, in.n);
	struct snp_report r;
	const char *problem = NULL;
	char field[REPORT_PROBLEM_MAX];
	size_t n;
	enum err e;

	if (in.n > 60000) {
		free(exact);
		return;
	}
	memset(&c, 0xa5, sizeof c);
	e = certs_parse_thim(s, &c);
	check_certs(e, &c);
	if (e == ERR_OK) {
		HOLD(c.has_tcbm && certs_from_pem(span_of(c.pem, c.pem_len), &again) == ERR_OK);
		memset(bytes, 0, sizeof bytes);
		bytes[0] = 2, bytes[0x34] = 1, bytes[0xa] = 2; /* an acceptable report of nobody */
		if (report_parse(bytes, &r, field) == ERR_OK && !certs_match(&c, &r, &problem))
			HOLD(problem);
		(void)pem_all(span_of(c.pem, c.pem_len), "CERTIFICATE", ders, sizeof ders, &n);
	}
	memset(&c, 0xa5, sizeof c);
	check_certs(certs_from_pem(s, &c), &c);
	memset(&c, 0xa5, sizeof c);
	check_certs(certs_from_parts(span_sub(s, 0, s.n / 2), span_sub(s, s.n / 2, s.n), &c), &c);
	environment(s);
	free(exact);
}
