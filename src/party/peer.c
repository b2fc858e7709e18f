/* Two attested parties that meet over TLS. */
#include "party/peer.h"

#include <string.h>

#include "crypto/hash.h"
#include "crypto/rng.h"
#include "text/base64.h"
#include "os/clock.h"
#include "attest/attest.h"
#include "party/steps.h"
#include "snp/cert_evidence.h"

static const struct tls_identity *identity;

void peer_init(const struct tls_identity *id)
{
	identity = id;
}

const struct tls_identity *peer_identity(void)
{
	return identity;
}

/* --- judging --- */

static enum err refuse(struct fault *f, enum err err, const char *message, struct span detail)
{
	fault_advise(f, "another party, another version or configuration of it, or somebody in between",
	             "compare PARTNER_<P>_HOST_DATA with what parleyctl verify says of the partner");
	return fault_set_detail(f, err, STEP_PARTNER, message, detail);
}

/* "proof.tls_key: why; expected a, found b" of the first check that failed. */
static enum err refuse_by_check(struct fault *f, enum err err, const char *message, const struct checks *c)
{
	uint8_t text[400];
	struct out o = out_init(text, sizeof text);

	for (size_t i = 0; i < c->n && o.n == 0; i++) {
		const struct check *k = &c->list[i];

		if (k->state != CHECK_FAILED)
			continue;
		out_strs(&o, k->id, ": ", checks_text(c, k->why));
		if (k->expected && k->found)
			out_strs(&o, "; expected ", checks_text(c, k->expected), ", found ", checks_text(c, k->found));
	}
	return refuse(f, err, message, out_span(&o));
}

/* Evidence against the settings. nonce: NULL for that of a certificate. */
static enum err judge(const struct settings *s, const struct proof *p, const char *nonce, enum role role, const uint8_t spki[32],
                      struct checks *checks, struct fault *f)
{
	const struct proof_rules rules = {
		.verify = { .now_s = clock_unix(), .extra_root = s->trust.amd_root.set ? s->trust.amd_root.sha256 : NULL,
		            .uvm_issuer = s->trust.uvm_issuer[0] ? s->trust.uvm_issuer : NULL },
		.nonce = nonce, .live = nonce != NULL, .peer = nonce != NULL, .tls_spki_sha256 = spki,
	};
	struct accept_policy policy;
	struct accept_context context;
	struct verify_facts facts;
	struct runtime runtime;

	accept_policy_default(&policy);
	(void)span_copy_str(span_str(role_name(role)), policy.role, sizeof policy.role);
	checks_init(checks);
	if (accept_policy_allow(&policy, s->partner[role].host_data.sha256) != ERR_OK ||
	    !proof_genuine(p, &rules, &facts, &runtime, &context, checks))
		return refuse_by_check(f, ERR_UNTRUSTED, "the other party's evidence is not genuine", checks);
	if (!accept_check(&facts, &policy, &context, checks))
		return refuse_by_check(f, ERR_MISMATCH, "the other party is not the one expected", checks);
	return ERR_OK;
}

/* The party of our settings that evidence says it is of; ROLE_OTHER when it is none. What is said is judged afterwards. */
static enum role partner_said(const struct settings *s, const struct runtime *r)
{
	for (enum role role = ROLE_CONTOSO; role <= ROLE_WOODGROVE; role++)
		if (role != s->role && s->partner[role].host_data.set && span_eq_str(span_str(r->role), role_name(role)))
			return role;
	return ROLE_OTHER;
}

/* The evidence in a certificate. That the key signed the handshake is TLS's doing; that it signed the certificate too keeps
 * dates and names from being anybody's. */
static enum err read_certificate(const struct tls *t, struct peer_work *w, struct proof *p, struct fault *f)
{
	const char *problem;
	struct x509_cert c;
	int64_t now = clock_unix();

	if (x509_parse(tls_peer_cert(t), &c) != ERR_OK)
		problem = "there is none";
	else if (now < c.not_before || now > c.not_after)
		problem = "it is stale: expired, or not yet valid";
	else if (x509_signed_by(&c, &c) != ERR_OK)
		problem = "it is not signed by its own key";
	else if (cert_evidence_read(&c, w->chain, p, &problem) == ERR_OK)
		return ERR_OK;
	return refuse(f, ERR_UNTRUSTED, "the other party's certificate does not show who it is", span_str(problem));
}

enum err peer_meet(const struct settings *s, enum peer_side us, const struct tls *t, enum role who, struct peer_talk *k,
                   struct peer_work *w, struct fault *f)
{
	struct runtime said = { .role = "" };
	struct proof p;

	memset(k, 0, sizeof *k);
	TRY(read_certificate(t, w, &p, f));
	if (who == ROLE_OTHER && runtime_parse(p.runtime_data, &said) == ERR_OK)
		who = partner_said(s, &said);
	if (who == ROLE_OTHER || !s->partner[who].host_data.set)
		return refuse(f, ERR_MISMATCH, "the other party is no partner of ours: no PARTNER_<P>_HOST_DATA is configured for it", span_str(said.role));
	if (!tls_peer_spki(t, k->spki[1 - us]))
		return refuse(f, ERR_UNTRUSTED, "the handshake with the other party is not complete", span_of(NULL, 0));
	TRY(judge(s, &p, NULL, who, k->spki[1 - us], &w->checks, f));
	memcpy(k->spki[us], identity->spki_sha256, 32);
	rng_bytes(k->nonce[us], PEER_NONCE_LEN);
	k->role = who;
	return ERR_OK;
}

/* --- nonces and answers --- */

bool peer_take_nonce(struct json_val v, uint8_t nonce[PEER_NONCE_LEN])
{
	struct span bytes;

	return json_b64(v, B64_URL, nonce, PEER_NONCE_LEN, &bytes) == ERR_OK && bytes.n == PEER_NONCE_LEN;
}

void peer_put_nonce(struct jw *w, const uint8_t nonce[PEER_NONCE_LEN])
{
	jw_b64(w, "nonce", span_of(nonce, PEER_NONCE_LEN), B64_URL);
}

/* The nonce that the report of one side must have. */
static void bind(const struct peer_talk *k, enum peer_side side, char text[RUNTIME_NONCE_TEXT_MAX + 1])
{
	uint8_t bytes[sizeof RUNTIME_PURPOSE_PEER + sizeof k->nonce + sizeof k->spki], digest[SHA256_LEN];
	struct out in = out_init(bytes, sizeof bytes), o = out_init(text, RUNTIME_NONCE_TEXT_MAX + 1);

	out_str(&in, RUNTIME_PURPOSE_PEER);
	out_byte(&in, (uint8_t)side);
	for (int i = 0; i < 2; i++)
		out_bytes(&in, k->nonce[i], PEER_NONCE_LEN);
	for (int i = 0; i < 2; i++)
		out_bytes(&in, k->spki[i], 32);
	hash_sha256(out_span(&in), digest);
	base64_encode(&o, B64_URL, span_of(digest, sizeof digest));
	(void)out_cstr(&o);
}

enum err peer_prove(const struct settings *s, enum peer_side us, const struct peer_talk *k, struct jw *w, struct fault *f)
{
	uint8_t report[SNP_REPORT_LEN], text[PEER_RUNTIME_MAX];
	struct out o = out_init(text, sizeof text);
	const char *role = role_name(s->role);
	struct runtime r = { .peer = true };

	bind(k, us, r.nonce);
	(void)span_copy_str(span_str(role ? role : "other"), r.role, sizeof r.role);
	memcpy(r.tls_spki_sha256, k->spki[us], 32);
	runtime_write(&o, &r);
	TRY(attest_report(out_span(&o), report, f));
	jw_b64(w, "report", span_of(report, sizeof report), B64_STD);
	jw_b64(w, "runtime_data", out_span(&o), B64_STD);
	return ERR_OK;
}

enum err peer_check(const struct settings *s, enum peer_side us, const struct tls *t, const struct peer_talk *k,
                    struct json_val answer, struct peer_work *w, struct fault *f)
{
	char nonce[RUNTIME_NONCE_TEXT_MAX + 1];
	struct runtime said;
	struct proof p;

	TRY(read_certificate(t, w, &p, f)); /* for chain and endorsement, which the new report has in common with it */
	if (json_size(answer) < 2 || json_b64(json_get(answer, "report"), B64_STD, w->report, sizeof w->report, &p.report) != ERR_OK ||
	    p.report.n != SNP_REPORT_LEN ||
	    json_b64(json_get(answer, "runtime_data"), B64_STD, w->runtime, sizeof w->runtime, &p.runtime_data) != ERR_OK ||
	    runtime_parse(p.runtime_data, &said) != ERR_OK)
		return fault_set(f, ERR_PROTOCOL, STEP_PARTNER, "the other party's answer holds no report and runtime data");
	memcpy(p.nonce, said.nonce, sizeof p.nonce);
	bind(k, 1 - us, nonce);
	return judge(s, &p, nonce, k->role, k->spki[1 - us], &w->checks, f);
}
