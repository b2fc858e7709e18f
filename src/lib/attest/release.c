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

/* One release at a time of each kind: the lock is held over the whole of it, also over the network. What a program beside us asks for
 * does not hold up this party's own releases. The access token is wiped at the end; the keys are in the key area. */
static struct release_work {
	struct attest_work attest;
	struct akv akv;
	struct attest_result attested;
	uint8_t runtime[RUNTIME_DATA_MAX];
	char access_token[TOKEN_MAX];
	size_t access_len;
	uint8_t key_ops[512];
} works[KEY_STAGES];
static struct lock release_locks[KEY_STAGES] = { [STAGE_OWN] = LOCK_INIT, [STAGE_CALLER] = LOCK_INIT };

/* One key of one vault. */
struct order {
	const struct attest_settings *s;
	enum key_stage stage;
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
	struct release_work *w = &works[o->stage];

	if (o->access_token.n) {
		if (o->access_token.n > sizeof w->access_token)
			return fault_set(f, ERR_TOO_BIG, STEP_CONFIG, "the access token is too long");
		memcpy(w->access_token, o->access_token.p, o->access_token.n);
		w->access_len = o->access_token.n;
		return ERR_OK;
	}
	return identity_token(&o->s->identity, audience(o->s, o->akv), w->access_token, sizeof w->access_token, &w->access_len,
	                      o->deadline_ms, f);
}

/* Attests the wrapping key: its public half, in these exact bytes, is what REPORT_DATA is the hash of. */
static enum err attest_wrap(const struct order *o, struct fault *f)
{
	struct release_work *w = &works[o->stage];
	struct out runtime = out_init(w->runtime, sizeof w->runtime);
	struct attest_order what = { .s = o->s, .maa = o->maa, .deadline_ms = o->deadline_ms };

	jwk_write_wrapping_set(&runtime, &keys_stage(o->stage)->wrap);
	if (runtime.bad)
		return fault_set(f, ERR_TOO_BIG, STEP_ATTEST, "the wrapping key is too long");
	what.runtime = out_span(&runtime);
	return attest_token_in(&w->attest, &what, &w->attested, f);
}

/* With a new access token once more when the vault does not accept a cached one: it may have been revoked. */
static enum err ask_vault(const struct order *o, struct release_info *info, struct out *key_ops, struct fault *f)
{
	struct release_work *w = &works[o->stage];
	struct akv_release r = {
		.vault = o->akv, .key_name = o->key_name,
		.bearer = span_of(w->access_token, w->access_len),
		.target = span_of(w->attested.token, w->attested.token_len),
		.stage = keys_stage(o->stage), .key_ops = key_ops,
	};
	enum err err = akv_release_key(&w->akv, &r, info->kid, info->enc, o->deadline_ms, f);

	if (!err || f->http_status != 401 || o->access_token.n)
		return err;
	identity_forget(audience(o->s, o->akv));
	TRY(get_access(o, f));
	r.bearer.n = w->access_len;
	return akv_release_key(&w->akv, &r, info->kid, info->enc, o->deadline_ms, f);
}

/* The key comes to the stage. The maker thread is making the wrapping key while we talk to the identity service, and the next
 * one while we talk to the others. */
static enum err run_locked(const struct order *o, struct release_info *info, struct fault *f)
{
	struct akv_stage *stage = keys_stage(o->stage);
	struct out key_ops = out_init(works[o->stage].key_ops, sizeof works[o->stage].key_ops);
	enum err err;

	fault_clear(f);
	err = get_access(o, f);
	if (!err && keys_wrap_take(&stage->wrap, o->deadline_ms) != ERR_OK)
		err = fault_set(f, ERR_TIMEOUT, STEP_ATTEST, "making the wrapping key took too long");
	if (!err)
		err = attest_wrap(o, f);
	if (!err)
		err = ask_vault(o, info, &key_ops, f);
	if (!err && o->jwk) {
		struct jw w = jw_init(o->jwk);

		jwk_write_private(&w, &stage->key, out_span(&key_ops));
		if (o->jwk->bad || key_ops.bad)
			err = fault_set(f, ERR_TOO_BIG, STEP_UNWRAP, "the released key does not fit its answer");
	}
	if (!err && o->take)
		*o->take = stage->key;
	if (!err && !keys_open()) /* the stage may have been wiped while it was read */
		err = fault_set(f, ERR_STATE, STEP_UNWRAP, "this process is ending");
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
	struct akv_stage *stage = keys_stage(o->stage);
	enum err err;

	fault_clear(f);
	*info = (struct release_info){ .key_name = o->key_name, .akv = o->akv };
	if (!o->akv[0] || !o->key_name[0]) {
		fault_advise(f, "the vault or the key's name is not configured", "set SKR_AKV_ENDPOINT and SKR_KEY_NAME, or the "
		             "partner's PARTNER_..._AKV_ENDPOINT");
		return fault_set(f, ERR_CONFIG, STEP_CONFIG, "key release is not configured");
	}
	if (!lock_take_until(&release_locks[o->stage], o->deadline_ms))
		return fault_set(f, ERR_TIMEOUT, STEP_RELEASE, "waiting for another release took too long");
	err = run_locked(o, info, f);
	if (!err && slot < KEYS_SLOTS)
		keys_put(slot, &stage->key);
	WIPE(*stage);
	WIPE(works[o->stage].access_token);
	lock_release(&release_locks[o->stage]);
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
		.s = s, .stage = STAGE_CALLER, .akv = akv, .key_name = name, .deadline_ms = deadline_ms, .maa = maa, .access_token = wish->access_token, .jwk = jwk,
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
