/* Secure key release, top to bottom. */
#include "attest/release.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "azure/akv.h"
#include "azure/services.h"
#include "os/clock.h"
#include "os/lock.h"
#include "text/url.h"

static const struct step STEP_CONFIG[1] = { { "configuration", false, NULL, 0 } };

/* The work area of one release, guarded by the lock, which is held over the whole of it: one release at a time. The access
 * token and the key itself are wiped at its end. */
static struct {
	struct attest_result attested;
	uint8_t runtime[RUNTIME_DATA_MAX];
	char access_token[TOKEN_MAX];
	size_t access_len;
	struct private_key key;
	uint8_t key_ops[512];
} work;
static struct lock release_lock = LOCK_INIT;

/* One key of one vault. */
struct order {
	const struct attest_settings *s;
	const char *akv, *key_name;
	int64_t deadline_ms;
	const char *maa;
	struct span access_token; /* empty: the managed identity's */
	struct out *jwk;          /* NULL: the key does not leave */
	struct private_key *take; /* NULL, or where a copy goes */
	bool quiet; /* the caller logs failures */
};

/* Managed HSM has an audience of its own; other clouds are set by AKV_AUDIENCE. */
static const char *audience(const struct attest_settings *s, const char *akv)
{
	if (s->akv_audience[0])
		return s->akv_audience;
	return span_has_nocase(span_str(akv), "managedhsm") ? "https://managedhsm.azure.net" : "https://vault.azure.net";
}

static enum err get_access(const struct order *o, struct fault *f)
{
	if (o->access_token.n) {
		if (o->access_token.n > sizeof work.access_token)
			return fault_set(f, ERR_TOO_BIG, STEP_CONFIG, "the access token is too long");
		memcpy(work.access_token, o->access_token.p, o->access_token.n);
		work.access_len = o->access_token.n;
		return ERR_OK;
	}
	return identity_token(&o->s->identity, audience(o->s, o->akv), work.access_token, sizeof work.access_token, &work.access_len,
	                      o->deadline_ms, f);
}

/* Attests the wrapping key: its public half, in these exact bytes, is what REPORT_DATA is the hash of. */
static enum err attest_wrap(const struct order *o, const struct rsa_key *wrap, struct fault *f)
{
	struct out runtime = out_init(work.runtime, sizeof work.runtime);
	struct rsa_pub pub = rsa_public(wrap);

	jwk_write_wrapping_set(&runtime, &pub);
	if (runtime.bad)
		return fault_set(f, ERR_TOO_BIG, STEP_ATTEST, "the wrapping key is too long");
	return attest_token_from(o->s, o->maa, out_span(&runtime), &work.attested, o->deadline_ms, f);
}

/* With a new access token once more when the vault does not accept a cached one: it may have been revoked. */
static enum err ask_vault(const struct order *o, const struct rsa_key *wrap, struct release_info *info, struct out *key_ops,
                          struct fault *f)
{
	struct akv_release r = {
		.vault = o->akv, .key_name = o->key_name,
		.bearer = span_of(work.access_token, work.access_len),
		.target = span_of(work.attested.token, work.attested.token_len),
		.wrap = wrap, .key_ops = key_ops,
	};
	enum err err = akv_release_key(&r, &work.key, info->kid, info->enc, o->deadline_ms, f);

	if (!err || f->http_status != 401 || o->access_token.n)
		return err;
	identity_forget(audience(o->s, o->akv));
	TRY(get_access(o, f));
	r.bearer.n = work.access_len;
	return akv_release_key(&r, &work.key, info->kid, info->enc, o->deadline_ms, f);
}

/* The key comes to work.key. The maker thread is making the wrapping key while we talk to the identity service, and the next
 * one while we talk to the others. */
static enum err run_locked(const struct order *o, struct release_info *info, struct fault *f)
{
	struct out key_ops = out_init(work.key_ops, sizeof work.key_ops);
	struct rsa_key wrap = { 0 };
	enum err err;

	fault_clear(f);
	err = get_access(o, f);
	if (!err && keys_wrap_take(&wrap, o->deadline_ms) != ERR_OK)
		err = fault_set(f, ERR_TIMEOUT, STEP_ATTEST, "making the wrapping key took too long");
	if (!err)
		err = attest_wrap(o, &wrap, f);
	if (!err)
		err = ask_vault(o, &wrap, info, &key_ops, f);
	rsa_wipe(&wrap);
	if (!err && o->jwk) {
		struct jw w = jw_init(o->jwk);

		jwk_write_private(&w, &work.key, out_span(&key_ops));
		if (o->jwk->bad || key_ops.bad)
			err = fault_set(f, ERR_TOO_BIG, STEP_UNWRAP, "the released key does not fit its answer");
	}
	return err;
}

static void note(const struct order *o, enum err err, const struct fault *f)
{
	if (err && o->quiet)
		return;
	if (err)
		log_fault(err == ERR_DENIED ? LOG_WARN : LOG_ERROR, "release", "key not released", f);
	else
		log_text(LOG_INFO, "release", o->jwk ? "key released and handed to its caller" : "key released", "vault", span_str(o->akv));
}

/* slot KEYS_SLOTS: do not keep the key. */
static enum err run(const struct order *o, enum key_slot slot, struct release_info *info, struct fault *f)
{
	enum err err;

	fault_clear(f);
	*info = (struct release_info){ .key_name = o->key_name, .akv = o->akv };
	if (!o->akv[0] || !o->key_name[0]) {
		fault_advise(f, "the vault or the key's name is not configured", "set SKR_AKV_ENDPOINT and SKR_KEY_NAME, or the "
		             "partner's PARTNER_..._AKV_ENDPOINT");
		return fault_set(f, ERR_CONFIG, STEP_CONFIG, "key release is not configured");
	}
	if (!lock_take_until(&release_lock, o->deadline_ms))
		return fault_set(f, ERR_TIMEOUT, STEP_RELEASE, "waiting for another release took too long");
	err = run_locked(o, info, f);
	if (!err && slot < KEYS_SLOTS)
		keys_put(slot, &work.key);
	if (!err && o->take)
		*o->take = work.key;
	pkcs8_wipe(&work.key);
	WIPE(work.access_token);
	lock_release(&release_lock);
	note(o, err, f);
	return err;
}

enum err release_from(const struct attest_settings *s, const struct release_target *t, struct release_info *info,
                      int64_t deadline_ms, struct fault *f)
{
	const struct order o = { .s = s, .akv = t->akv, .key_name = t->key_name, .deadline_ms = deadline_ms, .maa = s->maa, .quiet = t->quiet };

	return run(&o, t->slot, info, f);
}

enum err release_own(const struct attest_settings *s, struct release_info *info, int64_t deadline_ms, struct fault *f)
{
	return release_from(s, &(struct release_target){ s->akv, s->key_name, KEYS_OWN, false }, info, deadline_ms, f);
}

enum err release_tls(const struct attest_settings *s, const char *key_name, struct private_key *k, int64_t deadline_ms,
                     struct fault *f)
{
	const struct order o = {
		.s = s, .akv = s->akv, .key_name = key_name, .deadline_ms = deadline_ms, .maa = s->maa, .take = k, .quiet = true,
	};
	struct release_info info;

	return run(&o, KEYS_SLOTS, &info, f);
}

enum release_verdict release_other(const struct attest_settings *s, const char *akv, const char *key_name, struct release_info *info,
                                   int64_t deadline_ms, struct fault *f)
{
	const struct release_target other = { akv, key_name, KEYS_SLOTS, false };
	enum err err = release_from(s, &other, info, deadline_ms, f);

	if (err)
		return err == ERR_DENIED && f->step == STEP_RELEASE ? RELEASE_DENIED : RELEASE_NO_VERDICT;
	log_text(LOG_ERROR, "release", "ALARM: another party's vault released its key to this one; the key was wiped", "vault",
	         span_str(akv));
	return RELEASE_ALARM;
}

enum err release_for_caller(const struct attest_settings *s, const struct release_wish *wish, struct out *jwk, int64_t deadline_ms,
                            struct fault *f)
{
	char maa[HOSTPORT_MAX], akv[HOSTPORT_MAX], name[KEY_NAME_MAX];
	const struct order o = {
		.s = s, .akv = akv, .key_name = name, .deadline_ms = deadline_ms, .maa = maa, .access_token = wish->access_token, .jwk = jwk,
	};
	struct release_info info;

	if (!url_host_text(wish->maa, maa, sizeof maa) || !url_host_text(wish->akv, akv, sizeof akv) || !akv_key_name_ok(wish->kid) ||
	    !span_copy_str(wish->kid, name, sizeof name) || (wish->access_token.n && !span_is_word(wish->access_token))) {
		fault_advise(f, "a host has a scheme, a path or odd characters, or the key's name or the access token has",
		             "give hosts as host or host:port, the key as name or name/version");
		return fault_set(f, ERR_CONFIG, STEP_CONFIG, "the request is out of form");
	}
	return run(&o, KEYS_SLOTS, &info, f);
}
