/* A proof: its token of the attestation service, beside the hardware's own evidence or in its place. */
#include "snp/proof.h"

static bool beside(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts,
                   struct accept_context *x, struct checks *c)
{
	int64_t issued;
	bool ok = token_verify(p->token, &rules->token, rules->work, &issued, c) == ERR_OK;

	if (rules->work->claims.n)
		ok &= token_agrees(rules->work, &facts->report, c);
	if (ok && issued && rules->token.issuer && !x->has_age) { /* signed by a service that was asked for */
		x->has_age = true;
		x->age_s = rules->token.now_s - issued;
	}
	return ok;
}

/* The endorsement that the service has verified. Its version number is the one that the service saw. */
static void take_endorsement(const struct token_work *work, struct verify_facts *facts)
{
	struct json_val claims = json_root(&work->claims), status = json_get(claims, "x-ms-compliance-status");
	bool svn = uvm_read_svn(json_get(claims, "x-ms-sevsnpvm-uvm-endorsement"), &facts->uvm_svn) == ERR_OK;

	if (!json_present(status) || !svn)
		facts->unsaid |= UNSAID_UVM;
	facts->endorsed = svn && json_is(status, "azure-compliant-uvm");
}

/* The report is unsigned here: what the token says of one takes its place. The two must agree, so that nobody is shown one and
 * judges the other. */
static bool instead(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts,
                    struct accept_context *x, struct checks *c)
{
	struct snp_report shown;
	int64_t issued;

	if (!verify_form(p->report, &shown, c))
		return false;
	checks_skip(c, "report.signature", "left to the attestation service");
	checks_skip(c, "chain", "left to the attestation service");
	checks_skip(c, "uvm", "left to the attestation service");
	if (!checks_that(c, "token.present", p->token.n && rules->token.keys.n, "there is no token, or nothing to check it with") ||
	    token_verify(p->token, &rules->token, rules->work, &issued, c) != ERR_OK ||
	    !token_agrees(rules->work, &shown, c) || !token_report(rules->work, &facts->report, &facts->unsaid))
		return false;
	take_endorsement(rules->work, facts);
	x->has_age = issued != 0;
	x->age_s = rules->token.now_s - issued;
	return true;
}

const struct proof_tokens proof_tokens = { instead, beside };
