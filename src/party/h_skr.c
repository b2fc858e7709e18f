/* Secure key release: configuration, own key, partners' keys, and the demonstration of denial. No private member ever
 * enters a reply: attest/keys has no function that would give one. */
#include "party/handlers.h"
#include "attest/keys.h"
#include "party/partner_key.h"

/* The company at the other side of the demonstration of denial. */
static enum role other_role(enum role r)
{
	return r == ROLE_CONTOSO ? ROLE_FABRIKAM : r == ROLE_FABRIKAM ? ROLE_CONTOSO : ROLE_OTHER;
}

static void write_partner(struct jw *w, const struct settings *s, enum role r)
{
	const struct partner_settings *p = &s->partner[r];
	const struct reply_member texts[] = {
		{ "name", role_title(r) }, { "key_name", p->key_name }, { "akv_endpoint", p->akv }, { "container_url", p->url },
	};

	answer_texts(w, role_name(r), texts, 4);
}

static void write_other(struct jw *w, const struct settings *s)
{
	enum role other = other_role(s->role);
	const struct reply_member texts[] = {
		{ "name", role_title(other) }, { "key_name", s->partner[other].key_name }, { "akv_endpoint", s->partner[other].akv },
	};

	if (other == ROLE_OTHER)
		jw_null(w, "other_company");
	else
		answer_texts(w, "other_company", texts, 3);
}

int h_skr_config(struct request *q, struct jw *w)
{
	const struct settings *s = q->s;
	bool woodgrove = s->role == ROLE_WOODGROVE;

	jw_str(w, "maa_endpoint", s->attest.maa);
	jw_str(w, "akv_endpoint", s->attest.akv);
	jw_str(w, "key_name", s->attest.key_name);
	jw_str(w, "company_name", role_title(s->role));
	jw_bool(w, "is_confidential", attest_device_present());
	jw_bool(w, "is_woodgrove", woodgrove);
	jw_bool(w, "configured", s->attest.akv[0] && s->attest.key_name[0]);
	jw_str(w, "security_policy_hash", s->policy_hex);
	if (s->policy_hex[0]) {
		jw_object(w, "release_policy");
		jw_str(w, "version", "1.0.0");
		answer_https(w, "required_attestation", s->attest.maa);
		jw_str(w, "required_policy_hash", s->policy_hex);
		jw_str(w, "description", "The vault releases the key only when the attestation token carries this policy hash.");
		jw_end_object(w);
	} else {
		jw_null(w, "release_policy");
	}
	write_other(w, s);
	if (woodgrove && (s->partner[ROLE_CONTOSO].akv[0] || s->partner[ROLE_FABRIKAM].akv[0])) {
		jw_object(w, "partner_configs");
		write_partner(w, s, ROLE_CONTOSO);
		write_partner(w, s, ROLE_FABRIKAM);
		jw_end_object(w);
	} else {
		jw_null(w, "partner_configs");
	}
	return 200;
}

/* What the vault demanded, as the deployment writes it into the release policy. */
static void write_release_policy(struct jw *w, const struct settings *s)
{
	const char *hash = s->policy_hex[0] ? s->policy_hex : "the agreed policy hash";
	const struct reply_member claims[][3] = {
		{ { "claim", "x-ms-attestation-type" }, { "value", "sevsnpvm" }, { "description", "The evidence is an AMD SEV-SNP report." } },
		{ { "claim", "x-ms-compliance-status" }, { "value", "azure-compliant-uvm" },
		  { "description", "The utility VM is one that Microsoft endorsed." } },
		{ { "claim", "x-ms-sevsnpvm-is-debuggable" }, { "value", "false" }, { "description", "The host cannot debug the guest." } },
		{ { "claim", "x-ms-sevsnpvm-hostdata" }, { "value", hash }, { "description", "Exactly the agreed container and settings." } },
	};

	jw_object(w, "release_policy");
	answer_https(w, "maa_endpoint", s->attest.maa);
	jw_array(w, "required_claims");
	for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++)
		answer_texts(w, NULL, claims[i], 3);
	jw_end_array(w);
	if (s->policy_hex[0])
		jw_str(w, "security_policy_hash", s->policy_hex);
	jw_end_object(w);
}

int h_skr_release(struct request *q, struct jw *w)
{
	const struct settings *s = q->s;
	const struct reply_member more[] = {
		{ "maa_endpoint", answer_or_null(s->attest.maa) }, { "akv_endpoint", answer_or_null(s->attest.akv) }, { "key_name", answer_or_null(s->attest.key_name) },
	};
	struct release_info info = { 0 };

	if (!body_json(q, false) || !body_same(q, "maa_endpoint", s->attest.maa) || !body_same(q, "akv_endpoint", s->attest.akv) ||
	    !body_same(q, "kid", s->attest.key_name))
		return REPLIED;
	if (release_own(&s->attest, &info, q->deadline_ms, &q->fault) != ERR_OK)
		return answer_fault(q, 0, more, 3);
	jw_str(w, "status", "success");
	jw_str(w, "message", "The key was released to this attested container.");
	keys_write_jwk(KEYS_OWN, w, "key");
	jw_str(w, "private_material", "held in TEE memory");
	jw_str(w, "key_identifier", info.kid);
	jw_str(w, "wrapping", info.enc);
	jw_str(w, "maa_endpoint", s->attest.maa);
	jw_str(w, "akv_endpoint", s->attest.akv);
	jw_str(w, "key_name", s->attest.key_name);
	write_release_policy(w, s);
	jw_str(w, "note", "Public members only: the private key stays in this process and is wiped at its end.");
	jw_str(w, "security_binding", "The wrapping key's hash is in the hardware report: the vault's answer can be opened by "
	                              "this process alone.");
	jw_bool(w, "encryption_enabled", true);
	return 200;
}

int h_skr_key_status(struct request *q, struct jw *w)
{
	char kid[JWK_THUMBPRINT_LEN + 1];
	enum key_type type;
	unsigned bits;
	bool released = keys_describe(KEYS_OWN, &type, &bits, kid) == ERR_OK;

	jw_bool(w, "released", released);
	if (released) {
		jw_str(w, "key_type", jwk_type_name(type));
		jw_u64(w, "key_bits", bits);
		jw_str(w, "key_id", kid);
	} else {
		jw_str(w, "message", "No key has been released in this process.");
	}
	if (q->s->role == ROLE_WOODGROVE) {
		jw_object(w, "partner_keys");
		jw_bool(w, "contoso", keys_have(KEYS_CONTOSO));
		jw_bool(w, "fabrikam", keys_have(KEYS_FABRIKAM));
		jw_end_object(w);
	}
	return 200;
}

int h_skr_release_other(struct request *q, struct jw *w)
{
	const struct settings *s = q->s;
	struct release_info info = { 0 };
	enum role other = other_role(s->role);
	enum release_verdict verdict;

	if (other == ROLE_OTHER) {
		jw_str(w, "status", "error");
		jw_str(w, "message", "Only Contoso and Fabrikam can try each other's key.");
		jw_str(w, "our_key_name", answer_or_null(s->attest.key_name));
		return 400;
	}
	verdict = release_other(&s->attest, s->partner[other].akv, s->partner[other].key_name, &info, q->deadline_ms, &q->fault);
	if (verdict == RELEASE_NO_VERDICT) {
		const struct reply_member more = { "hint", fault_remedy(&q->fault) };

		return answer_fault(q, 0, &more, 1);
	}
	jw_str(w, "status", verdict == RELEASE_ALARM ? "unexpected_success" : "access_denied");
	jw_str(w, "message", verdict == RELEASE_ALARM ? "The other company's vault released its key to us. The key was wiped at once." :
	                                                "The other company's vault refused its key; the explanation says why.");
	jw_str(w, "our_company", role_title(s->role));
	jw_str(w, "other_company", role_title(other));
	jw_str(w, "attempted_key", info.key_name);
	jw_str(w, "attempted_keyvault", info.akv);
	jw_str(w, "attempted_akv", info.akv);
	if (verdict == RELEASE_ALARM) {
		jw_str(w, "other_key_name", info.key_name);
		jw_str(w, "security_warning", "The other company's release policy or permissions are wrong: correct them now.");
	} else {
		jw_u64(w, "http_status", (uint64_t)q->fault.http_status);
		jw_str(w, "service_code", answer_or_null(q->fault.code));
		jw_str(w, "error_detail", q->fault.message);
		jw_str(w, "error", q->fault.message);
		jw_str(w, "explanation", fault_cause(&q->fault));
	}
	return 200;
}

bool h_skr_partner(struct request *q, enum role *partner)
{
	struct json_val v;

	if (!body_json(q, true))
		return false;
	v = json_get(q->root, "partner");
	*partner = json_is(v, "contoso") ? ROLE_CONTOSO : ROLE_FABRIKAM;
	return json_is(v, role_name(*partner)) || answer_error(q, 400, "partner must be \"contoso\" or \"fabrikam\".");
}

int h_skr_release_partner(struct request *q, struct jw *w)
{
	const struct settings *s = q->s;
	struct release_info info = { 0 };
	enum role partner;

	if (s->role != ROLE_WOODGROVE)
		return answer_error(q, 403, "Only Woodgrove Bank releases partners' keys.");
	if (!h_skr_partner(q, &partner))
		return REPLIED;
	if (!s->partner[partner].akv[0])
		return answer_error(q, 400, "The partner's vault is not configured (PARTNER_..._AKV_ENDPOINT).");
	if (partner_key_release(s, partner, false, &info, q->deadline_ms, &q->fault) != ERR_OK) {
		const struct reply_member more[] = {
			{ "partner", role_title(partner) }, { "error_detail", q->fault.message }, { "hint", fault_remedy(&q->fault) },
		};

		return answer_fault(q, 0, more, 3);
	}
	jw_str(w, "status", "success");
	jw_str(w, "message", "The partner's key was released to this attested container.");
	jw_str(w, "partner", role_title(partner));
	jw_str(w, "key_name", info.key_name);
	jw_str(w, "key_vault", info.akv);
	jw_bool(w, "key_released", true);
	jw_bool(w, "can_decrypt", keys_oaep_max(partner == ROLE_CONTOSO ? KEYS_CONTOSO : KEYS_FABRIKAM) > 0);
	jw_str(w, "note", "The key is used for the agreed analysis only and is wiped at the end of this process.");
	return 200;
}
