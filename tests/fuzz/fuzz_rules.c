/* What evidence is judged by: acceptance policies, runtime data, did:x509. What is accepted has one meaning. */
#include "fuzz.h"

#include "genuine_evidence.h"
#include "snp/accept.h"
#include "snp/did.h"
#include "snp/runtime.h"

static struct checks checks;

void fuzz_setup(void)
{
	genuine_evidence_load();
}

static bool names(const struct accept_policy *p, const uint8_t *host_data)
{
	for (size_t i = 0; i < p->n_host_data; i++)
		if (fuzz_same(p->host_data[i], host_data, 32))
			return true;
	return p->any_host_data;
}

static void acceptance(struct span in)
{
	static struct accept_policy p;
	struct verify_facts facts = { .report = genuine_evidence.fields };
	struct accept_context x = { .role = SPAN_LIT("contoso"), .has_age = true, .age_s = 10 };
	const char *problem = NULL;
	enum err e;

	accept_policy_default(&p);
	e = accept_policy_parse(in, &p, &problem);
	if (e != ERR_OK) {
		HOLD((e == ERR_SYNTAX || e == ERR_RANGE || e == ERR_FULL || e == ERR_TOO_BIG) && problem);
		return;
	}
	HOLD(p.n_host_data <= ACCEPT_HOST_DATA_MAX && p.n_measurements <= ACCEPT_MEASUREMENTS_MAX && p.vmpl <= 3);
	HOLD(memchr(p.role, 0, sizeof p.role));
	checks_init(&checks);
	checks.group = CHECK_ACCEPTABLE;
	if (!accept_check(&facts, &p, &x, &checks))
		return;
	/* Fail closed: what was let through was asked for. */
	HOLD(names(&p, facts.report.host_data));
	HOLD(p.any_uvm && p.vmpl == facts.report.vmpl && !p.crl_required);
	HOLD(!p.role[0] || strcmp(p.role, "contoso") == 0);
	HOLD(!p.has_report_data || fuzz_same(p.report_data, facts.report.report_data, 64));
	HOLD(!p.max_age_s || p.max_age_s >= 10);
	HOLD(!p.has_min_tcb || p.min_tcb_for[SNP_MILAN]);
}

static void runtime(struct span in)
{
	static uint8_t text[4096];
	struct out o = out_init(text, sizeof text);
	struct runtime r, again;

	if (runtime_parse(in, &r) != ERR_OK)
		return;
	HOLD(runtime_nonce_ok(span_str(r.nonce)));
	runtime_write(&o, &r);
	HOLD(!o.bad && runtime_parse(out_span(&o), &again) == ERR_OK);
	HOLD(strcmp(r.nonce, again.nonce) == 0 && strcmp(r.role, again.role) == 0 && strcmp(r.key, again.key) == 0);
	HOLD(fuzz_same(r.tls_spki_sha256, again.tls_spki_sha256, 32));
}

void fuzz_one(struct span in)
{
	uint8_t *exact = fuzz_exact(in);
	struct span s = span_of(exact, in.n);
	struct did d;

	acceptance(s);
	runtime(s);
	if (did_parse(s, &d) == ERR_OK)
		HOLD(d.eku_len > 0 && d.eku_len <= DID_OID_MAX);
	if (runtime_nonce_ok(s))
		HOLD(s.n >= 22 && s.n <= RUNTIME_NONCE_TEXT_MAX);
	free(exact);
}
