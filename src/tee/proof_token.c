/* A proof: its token of the attestation service, beside the hardware's own evidence or in its place. */
#include "tee/proof.h"

/* What the service has verified for us: the claims are the report's fields (token_verify compared them). The endorsement's
 * version number is the one that the service saw. */
static void believe(const struct token_work *work, struct verify_facts *facts)
{
	struct json_val claims = json_root(&work->claims);
	struct json_val uvm = json_get(claims, "x-ms-sevsnpvm-uvm-endorsement");

	facts->endorsed = json_is(json_get(claims, "x-ms-compliance-status"), "azure-compliant-uvm") &&
	                  json_u64_lenient(json_get(uvm, "x-ms-sevsnpvm-guestsvn"), &facts->uvm_svn) == ERR_OK;
}

static bool beside(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts,
                   struct accept_context *x, struct checks *c)
{
	int64_t issued;

	if (!token_verify(p->token, &facts->report, &rules->token, rules->work, &issued, c))
		return false;
	if (issued && rules->token.issuer && !x->has_age) { /* signed by a service that was asked for */
		x->has_age = true;
		x->age_s = rules->token.now_s - issued;
	}
	if (rules->token_only)
		believe(rules->work, facts);
	return true;
}

static bool instead(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts, struct checks *c)
{
	if (!verify_form(p->report, &facts->report, c))
		return false;
	checks_skip(c, "report.signature", "left to the attestation service");
	checks_skip(c, "chain", "left to the attestation service");
	checks_skip(c, "uvm", "left to the attestation service");
	return checks_that(c, "token.present", p->token.n && rules->token.keys.n && rules->token.issuer,
	                   "there is no token, or nothing to check it with");
}

const struct proof_tokens proof_tokens = { instead, beside };
