/* Secure key release: configuration, own key, partners' keys, and the demonstration of denial. No private member ever
 * enters a reply: svc/keys has no function that would give one. */
#include "http/body.h"
#include "http/handlers.h"
#include "svc/keys.h"
#include "svc/release.h"

/* The company at the other side of the demonstration of denial. */
static enum role other_role(enum role r)
{
	return r == ROLE_CONTOSO ? ROLE_FABRIKAM : r == ROLE_FABRIKAM ? ROLE_CONTOSO : ROLE_OTHER;
}

static void write_https(struct jw *w, const char *name, const char *hostport)
{
	uint8_t buf[HOSTPORT_MAX + 16];
	struct out o = out_init(buf, sizeof buf);

	out_str(&o, "https://");
	out_str(&o, hostport);
	jw_str(w, name, out_cstr(&o));
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void write_partner(struct jw *w, const struct settings *s, enum role r)
{
	const struct partner_settings *p = &s->partner[r];

	jw_object(w, role_name(r));
	jw_str(w, "name", role_title(r));
	jw_str(w, "key_name", p->key_name);
	jw_str(w, "akv_endpoint", p->akv);
	jw_str(w, "container_url", p->url);
	jw_end_object(w);
}

static void write_other(struct jw *w, const struct settings *s)
{
	enum role other = other_role(s->role);

	if (other == ROLE_OTHER) {
		jw_null(w, "other_company");
		return;
	}
	jw_object(w, "other_company");
	jw_str(w, "name", role_title(other));
	jw_str(w, "key_name", s->partner[other].key_name);
	jw_str(w, "akv_endpoint", s->partner[other].akv);
	jw_end_object(w);
}

void h_skr_config(struct request *q)
{
	const struct settings *s = q->s;
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	bool woodgrove = s->role == ROLE_WOODGROVE;

	jw_object(&w, NULL);
	jw_str(&w, "maa_endpoint", s->maa);
	jw_str(&w, "akv_endpoint", s->akv);
	jw_str(&w, "key_name", s->key_name);
	jw_str(&w, "company_name", role_title(s->role));
	jw_bool(&w, "is_confidential", attest_device_present());
	jw_bool(&w, "is_woodgrove", woodgrove);
	jw_bool(&w, "configured", s->akv[0] && s->key_name[0]);
	jw_str(&w, "security_policy_hash", s->policy_hash);
	if (s->policy_hash[0]) {
		jw_object(&w, "release_policy");
		jw_str(&w, "version", "1.0.0");
		write_https(&w, "required_attestation", s->maa);
		jw_str(&w, "required_policy_hash", s->policy_hash);
		jw_str(&w, "description", "The vault releases the key only when the attestation token carries this policy hash.");
		jw_end_object(&w);
	} else {
		jw_null(&w, "release_policy");
	}
	write_other(&w, s);
	if (woodgrove && (s->partner[ROLE_CONTOSO].akv[0] || s->partner[ROLE_FABRIKAM].akv[0])) {
		jw_object(&w, "partner_configs");
		write_partner(&w, s, ROLE_CONTOSO);
		write_partner(&w, s, ROLE_FABRIKAM);
		jw_end_object(&w);
	} else {
		jw_null(&w, "partner_configs");
	}
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

static void write_claim(struct jw *w, const char *claim, const char *value, const char *description)
{
	jw_object(w, NULL);
	jw_str(w, "claim", claim);
	jw_str(w, "value", value);
	jw_str(w, "description", description);
	jw_end_object(w);
}

/* What the vault demanded, as the deployment writes it into the release policy. */
static void write_release_policy(struct jw *w, const struct settings *s)
{
	jw_object(w, "release_policy");
	write_https(w, "maa_endpoint", s->maa);
	jw_array(w, "required_claims");
	write_claim(w, "x-ms-attestation-type", "sevsnpvm", "The evidence is an AMD SEV-SNP report.");
	write_claim(w, "x-ms-compliance-status", "azure-compliant-uvm", "The utility VM is one that Microsoft endorsed.");
	write_claim(w, "x-ms-sevsnpvm-is-debuggable", "false", "The host cannot debug the guest.");
	write_claim(w, "x-ms-sevsnpvm-hostdata", s->policy_hash[0] ? s->policy_hash : "the agreed policy hash",
	            "Exactly the agreed container and settings.");
	jw_end_array(w);
	if (s->policy_hash[0])
		jw_str(w, "security_policy_hash", s->policy_hash);
	jw_end_object(w);
}

void h_skr_release(struct request *q)
{
	const struct settings *s = q->s;
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	struct release_info info = { 0 };
	struct body b;
	struct fault f;

	fault_clear(&f);
	if (!body_json(q, &b, false) || !body_same(q, &b, "maa_endpoint", s->maa) ||
	    !body_same(q, &b, "akv_endpoint", s->akv) || !body_same(q, &b, "kid", s->key_name))
		return;
	if (release_own(s, &info, q->deadline_ms, &f) != ERR_OK) {
		const struct reply_member more[] = {
			{ "maa_endpoint", or_null(s->maa) }, { "akv_endpoint", or_null(s->akv) }, { "key_name", or_null(s->key_name) },
		};

		reply_fault_with(q->reply, &f, 0, more, 3);
		return;
	}
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_str(&w, "message", "The key was released to this attested container.");
	keys_write_jwk(KEYS_OWN, &w, "key");
	jw_str(&w, "private_material", "held in TEE memory");
	jw_str(&w, "key_identifier", info.kid);
	jw_str(&w, "wrapping", info.enc);
	jw_str(&w, "maa_endpoint", s->maa);
	jw_str(&w, "akv_endpoint", s->akv);
	jw_str(&w, "key_name", s->key_name);
	write_release_policy(&w, s);
	jw_str(&w, "note", "Public members only: the private key stays in this process and is wiped at its end.");
	jw_str(&w, "security_binding", "The wrapping key's hash is in the hardware report: the vault's answer can be opened by "
	                               "this process alone.");
	jw_bool(&w, "encryption_enabled", true);
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

static const char *type_name(enum key_type t)
{
	return t == KEY_RSA ? "RSA" : t == KEY_EC ? "EC" : "oct";
}

void h_skr_key_status(struct request *q)
{
	char kid[JWK_THUMBPRINT_LEN + 1];
	enum key_type type;
	unsigned bits;
	uint8_t buf[512];
	struct out o = out_init(buf, sizeof buf);
	struct jw w = jw_init(&o);
	bool released = keys_describe(KEYS_OWN, &type, &bits, kid) == ERR_OK;

	jw_object(&w, NULL);
	jw_bool(&w, "released", released);
	if (released) {
		jw_str(&w, "key_type", type_name(type));
		jw_u64(&w, "key_bits", bits);
		jw_str(&w, "key_id", kid);
	} else {
		jw_str(&w, "message", "No key has been released in this process.");
	}
	if (q->s->role == ROLE_WOODGROVE) {
		jw_object(&w, "partner_keys");
		jw_bool(&w, "contoso", keys_have(KEYS_CONTOSO));
		jw_bool(&w, "fabrikam", keys_have(KEYS_FABRIKAM));
		jw_end_object(&w);
	}
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

static void write_attempt(struct jw *w, const struct settings *s, enum role other, const struct release_info *info)
{
	jw_str(w, "our_company", role_title(s->role));
	jw_str(w, "other_company", role_title(other));
	jw_str(w, "attempted_key", info->key_name);
	jw_str(w, "attempted_keyvault", info->akv);
	jw_str(w, "attempted_akv", info->akv);
}

void h_skr_release_other(struct request *q)
{
	const struct settings *s = q->s;
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	struct release_info info = { 0 };
	enum role other = other_role(s->role);
	struct fault f;
	enum err e;

	fault_clear(&f);
	jw_object(&w, NULL);
	if (other == ROLE_OTHER) {
		jw_str(&w, "status", "error");
		jw_str(&w, "message", "Only Contoso and Fabrikam can try each other's key.");
		jw_str(&w, "our_key_name", or_null(s->key_name));
		jw_end_object(&w);
		reply_json(q->reply, 400, &o);
		return;
	}
	e = release_other(s, &info, q->deadline_ms, &f);
	/* Denied by the vault, that is: a refusal by the attestation or identity service proves nothing about the key. */
	if (e != ERR_OK && (e != ERR_DENIED || f.step != STEP_RELEASE)) {
		const struct reply_member more = { "hint", fault_remedy(&f) };

		reply_fault_with(q->reply, &f, 0, &more, 1); /* no verdict of the vault: neither denied nor released */
		return;
	}
	jw_str(&w, "status", e == ERR_OK ? "unexpected_success" : "access_denied");
	if (e == ERR_OK) {
		jw_str(&w, "message", "The other company's vault released its key to us. The key was wiped at once.");
		write_attempt(&w, s, other, &info);
		jw_str(&w, "other_key_name", info.key_name);
		jw_str(&w, "security_warning", "The other company's release policy or permissions are wrong: correct them now.");
	} else {
		jw_str(&w, "message", "The other company's vault refused its key, as it must.");
		write_attempt(&w, s, other, &info);
		jw_u64(&w, "http_status", (uint64_t)f.http_status);
		jw_str(&w, "service_code", or_null(f.code));
		jw_str(&w, "error_detail", f.message);
		jw_str(&w, "error", f.message);
		jw_str(&w, "explanation", fault_cause(&f));
	}
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}

void h_skr_release_partner(struct request *q)
{
	const struct settings *s = q->s;
	struct out o = out_init(q->scratch->text, sizeof q->scratch->text);
	struct jw w = jw_init(&o);
	struct release_info info = { 0 };
	enum role partner;
	struct body b;
	struct fault f;

	fault_clear(&f);
	if (s->role != ROLE_WOODGROVE) {
		reply_error(q->reply, 403, "Only Woodgrove Bank releases partners' keys.");
		return;
	}
	if (!body_json(q, &b, true))
		return;
	partner = json_is(json_get(b.root, "partner"), "contoso")    ? ROLE_CONTOSO :
	          json_is(json_get(b.root, "partner"), "fabrikam") ? ROLE_FABRIKAM : ROLE_OTHER;
	if (partner == ROLE_OTHER || !s->partner[partner].akv[0]) {
		reply_error(q->reply, 400, partner == ROLE_OTHER ? "partner must be \"contoso\" or \"fabrikam\"." :
		                                                   "The partner's vault is not configured (PARTNER_..._AKV_ENDPOINT).");
		return;
	}
	if (release_partner(s, partner, &info, q->deadline_ms, &f) != ERR_OK) {
		const struct reply_member more[] = { { "partner", role_title(partner) }, { "error_detail", f.message }, { "hint", fault_remedy(&f) } };

		reply_fault_with(q->reply, &f, 0, more, 3);
		return;
	}
	jw_object(&w, NULL);
	jw_str(&w, "status", "success");
	jw_str(&w, "message", "The partner's key was released to this attested container.");
	jw_str(&w, "partner", role_title(partner));
	jw_str(&w, "key_name", info.key_name);
	jw_str(&w, "key_vault", info.akv);
	jw_bool(&w, "key_released", true);
	jw_bool(&w, "can_decrypt", keys_oaep_max(partner == ROLE_CONTOSO ? KEYS_CONTOSO : KEYS_FABRIKAM) > 0);
	jw_str(&w, "note", "The key is used for the agreed analysis only and is wiped at the end of this process.");
	jw_end_object(&w);
	reply_json(q->reply, 200, &o);
}
