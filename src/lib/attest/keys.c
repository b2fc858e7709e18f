/* The key area. */
#include "attest/keys.h"

#include <string.h>

#include "base/ct.h"
#include "base/log.h"
#include "os/clock.h"
#include "os/event.h"
#include "os/lock.h"
#include "os/mem.h"
#include "os/thread.h"

#define PAGE 4096
#define FACTS_JWK_MAX 1024 /* of RSA-4096 about 790 bytes */
#define WRAP_BITS 2048 /* Key Vault's form of release is made for this size (azure-protocols.md 4.5) */

/* Everything long-lived that is secret, and nothing else, so that whole pages can be protected. */
struct area {
	struct private_key key[KEYS_SLOTS];
	struct rsa_key wrap, making; /* the next release's wrapping key, when wrap_ready; the one that the maker thread works on */
	struct akv_stage stage[KEY_STAGES];
	/* The last data key that each slot's key has unwrapped: no more secret than the key beside it, and gone when that key goes. */
	struct {
		uint8_t wrapped[SHA256_LEN]; /* hash of its wrapped form; zeros when there is none */
		uint8_t plain[KEYS_DEK_LEN];
	} last[KEYS_SLOTS];
};
union pages {
	struct area area;
	uint8_t whole[(sizeof(struct area) + PAGE - 1) / PAGE * PAGE];
};
static _Alignas(PAGE) union pages secret;

/* All that follows, and the slots, are guarded by the lock, which is held only while bytes are copied. */
static struct lock state_lock = LOCK_INIT;
/* What is public of each slot's key: made when it is put, outside the area. */
static struct facts {
	enum key_type type; /* KEY_NONE: the slot is empty */
	unsigned bits;
	char thumbprint[JWK_THUMBPRINT_LEN + 1];
	uint8_t n[RSA_MAX], e[RSA_EXPONENT_MAX]; /* of an RSA key */
	size_t n_len, e_len;
	char jwk[FACTS_JWK_MAX]; /* jwk_write_public's text */
	size_t jwk_len;
} facts[KEYS_SLOTS];
static bool wrap_ready;
static unsigned entered; /* how often a key has entered */
static bool area_closed; /* after keys_wipe nothing enters any more */
static struct event wrap_made, wrap_taken;

void keys_init(void)
{
	if (mem_guard(&secret, sizeof secret) != ERR_OK)
		log_line(LOG_WARN, "keys", "the key area cannot be locked into memory (RLIMIT_MEMLOCK); going on without");
}

static unsigned key_bits(const struct private_key *k)
{
	switch (k->type) {
	case KEY_RSA: return k->rsa.n_bits;
	case KEY_EC: return k->ec.curve == EC_P521 ? 521 : (unsigned)ec_field_len(k->ec.curve) * 8;
	case KEY_OCT: return (unsigned)k->oct_len * 8;
	case KEY_NONE: break;
	}
	return 0;
}

static void facts_of(const struct private_key *k, struct facts *f)
{
	struct out o = out_init(f->jwk, sizeof f->jwk);
	struct jw w = jw_init(&o);

	memset(f, 0, sizeof *f);
	f->type = k->type;
	f->bits = key_bits(k);
	jwk_thumbprint(k, f->thumbprint);
	if (k->type == KEY_RSA) {
		f->n_len = k->rsa.n_len;
		f->e_len = k->rsa.e_len;
		memcpy(f->n, k->rsa.n, f->n_len);
		memcpy(f->e, k->rsa.e, f->e_len);
	}
	jwk_write_public(&w, NULL, k);
	f->jwk_len = o.n;
}

void keys_put(enum key_slot slot, struct private_key *k)
{
	struct facts f;

	facts_of(k, &f);
	lock_take(&state_lock);
	if ((unsigned)slot < KEYS_SLOTS && !area_closed) {
		secret.area.key[slot] = *k;
		WIPE(secret.area.last[slot]);
		facts[slot] = f;
		entered++;
	}
	lock_release(&state_lock);
	pkcs8_wipe(k);
}

/* The slot's facts; false when it is empty or there is no such slot. */
static bool get_facts(enum key_slot slot, struct facts *f)
{
	lock_take(&state_lock);
	f->type = KEY_NONE;
	if ((unsigned)slot < KEYS_SLOTS)
		*f = facts[slot];
	lock_release(&state_lock);
	return f->type != KEY_NONE;
}

bool keys_have(enum key_slot slot)
{
	struct facts f;

	return get_facts(slot, &f);
}

enum err keys_describe(enum key_slot slot, enum key_type *type, unsigned *bits, char thumbprint[JWK_THUMBPRINT_LEN + 1])
{
	struct facts f;

	if (!get_facts(slot, &f))
		return ERR_STATE;
	*type = f.type;
	*bits = f.bits;
	memcpy(thumbprint, f.thumbprint, sizeof f.thumbprint);
	return ERR_OK;
}

void keys_write_jwk(enum key_slot slot, struct jw *w, const char *name)
{
	struct facts f;

	if (get_facts(slot, &f))
		jw_raw(w, name, span_of(f.jwk, f.jwk_len));
	else
		jw_null(w, name);
}

enum err keys_oaep_encrypt(enum key_slot slot, struct span msg, uint8_t *out, size_t cap, size_t *n)
{
	struct facts f;
	struct rsa_pub pub;

	if (!get_facts(slot, &f))
		return ERR_STATE;
	if (f.type != KEY_RSA)
		return ERR_RANGE;
	pub = (struct rsa_pub){ span_of(f.n, f.n_len), span_of(f.e, f.e_len) };
	return rsa_oaep_encrypt(&pub, HASH_SHA256, msg, out, cap, n);
}

enum err keys_oaep_decrypt(enum key_slot slot, struct span in, uint8_t *out, size_t cap, size_t *n)
{
	enum key_type type = KEY_NONE;
	struct rsa_key k; /* on the stack, outside the locked area, for the time of one operation */
	enum err err;

	lock_take(&state_lock);
	if ((unsigned)slot < KEYS_SLOTS)
		type = facts[slot].type;
	if (type == KEY_RSA)
		k = secret.area.key[slot].rsa;
	lock_release(&state_lock);
	if (type != KEY_RSA)
		return type == KEY_NONE ? ERR_STATE : ERR_RANGE;
	err = rsa_oaep_decrypt(&k, HASH_SHA256, in, out, cap, n);
	rsa_wipe(&k);
	return err;
}

enum err keys_unwrap_dek(enum key_slot slot, struct span wrapped, uint8_t dek[KEYS_DEK_LEN])
{
	uint8_t hash[SHA256_LEN], plain[RSA_MAX];
	bool known;
	unsigned seen;
	size_t n = 0;
	enum err err;

	hash_sha256(wrapped, hash);
	lock_take(&state_lock);
	seen = entered;
	known = (unsigned)slot < KEYS_SLOTS && facts[slot].type != KEY_NONE && ct_equal(secret.area.last[slot].wrapped, hash, sizeof hash);
	if (known)
		memcpy(dek, secret.area.last[slot].plain, KEYS_DEK_LEN);
	lock_release(&state_lock);
	if (known)
		return ERR_OK;
	err = keys_oaep_decrypt(slot, wrapped, plain, sizeof plain, &n);
	if (!err && n != KEYS_DEK_LEN)
		err = ERR_CRYPTO;
	if (!err) {
		memcpy(dek, plain, KEYS_DEK_LEN);
		lock_take(&state_lock);
		if (!area_closed && seen == entered) { /* the key that was used is still there */
			memcpy(secret.area.last[slot].wrapped, hash, sizeof hash);
			memcpy(secret.area.last[slot].plain, plain, KEYS_DEK_LEN);
		}
		lock_release(&state_lock);
	}
	WIPE(plain);
	return err;
}

size_t keys_oaep_max(enum key_slot slot)
{
	const size_t overhead = 2 * SHA256_LEN + 2; /* RFC 8017 section 7.1.1 */
	struct facts f;

	return get_facts(slot, &f) && f.n_len > overhead ? f.n_len - overhead : 0; /* only RSA keys have n */
}

struct akv_stage *keys_stage(enum key_stage which)
{
	return &secret.area.stage[which];
}

bool keys_open(void)
{
	bool open;

	lock_take(&state_lock);
	open = !area_closed;
	lock_release(&state_lock);
	return open;
}

void keys_wipe(void)
{
	lock_take(&state_lock);
	WIPE(secret);
	memset(facts, 0, sizeof facts);
	wrap_ready = false;
	area_closed = true;
	lock_release(&state_lock);
}

static bool wrap_wanted(void)
{
	bool wanted;

	lock_take(&state_lock);
	wanted = !wrap_ready && !area_closed;
	lock_release(&state_lock);
	return wanted;
}

/* Makes one key in the area. */
static void wrap_make(void)
{
	struct rsa_key *k = &secret.area.making;

	if (rsa_generate(k, WRAP_BITS) != ERR_OK) {
		log_line(LOG_ERROR, "keys", "making a wrapping key failed; trying again");
		clock_sleep(1000, INT64_MAX);
		return;
	}
	lock_take(&state_lock);
	if (!area_closed) {
		secret.area.wrap = *k;
		wrap_ready = true;
	}
	lock_release(&state_lock);
	rsa_wipe(k);
	event_signal(&wrap_made);
}

static void wrap_maker(void *arg)
{
	(void)arg;
	for (;;) {
		uint32_t seen = event_seen(&wrap_taken);

		if (wrap_wanted())
			wrap_make();
		else
			event_wait(&wrap_taken, seen, INT64_MAX);
	}
}

enum err keys_wrap_start(void)
{
	return thread_start(wrap_maker, NULL);
}

enum err keys_wrap_take(struct private_key *k, int64_t deadline_ms)
{
	for (;;) {
		uint32_t seen = event_seen(&wrap_made);
		bool got;

		lock_take(&state_lock);
		got = wrap_ready;
		if (got) {
			k->type = KEY_RSA;
			k->rsa = secret.area.wrap;
			rsa_wipe(&secret.area.wrap);
			wrap_ready = false;
		}
		lock_release(&state_lock);
		if (got) {
			event_signal(&wrap_taken);
			return ERR_OK;
		}
		if (!event_wait(&wrap_made, seen, deadline_ms))
			return ERR_TIMEOUT;
	}
}
