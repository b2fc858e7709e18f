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
#define WRAP_BITS 2048 /* Key Vault's form of release is made for this size (azure-protocols.md 4.5) */

/* Everything long-lived that is secret, and nothing else, so that whole pages can be protected. */
struct area {
	struct private_key key[KEYS_SLOTS];
	struct rsa_key wrap; /* the next release's wrapping key, when wrap_ready */
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

/* Public facts beside it; all are guarded by the lock, which is held only while bytes are copied. */
static struct lock state_lock = LOCK_INIT;
static bool wrap_ready;
static unsigned entered; /* how often a key has entered */
static bool area_closed; /* after keys_wipe nothing enters any more */
static struct event wrap_made, wrap_taken;

void keys_init(void)
{
	if (mem_guard(&secret, sizeof secret) != ERR_OK)
		log_line(LOG_WARN, "keys", "the key area cannot be locked into memory (RLIMIT_MEMLOCK); going on without");
}

/* The slot's key; NULL when it is empty or there is no such slot. */
static struct private_key *key_locked(enum key_slot slot)
{
	return (unsigned)slot < KEYS_SLOTS && secret.area.key[slot].type != KEY_NONE ? &secret.area.key[slot] : NULL;
}

void keys_put(enum key_slot slot, struct private_key *k)
{
	lock_take(&state_lock);
	if ((unsigned)slot < KEYS_SLOTS && !area_closed) {
		pkcs8_wipe(&secret.area.key[slot]);
		WIPE(secret.area.last[slot]);
		secret.area.key[slot] = *k;
		entered++;
	}
	lock_release(&state_lock);
	pkcs8_wipe(k);
}

/* A copy to work with outside the lock; false when the slot is empty. The taker wipes it. It lies on the taker's stack:
 * outside the locked area, for the time of one operation. */
static bool take_copy(enum key_slot slot, struct private_key *k)
{
	const struct private_key *from;

	lock_take(&state_lock);
	from = key_locked(slot);
	if (from)
		*k = *from;
	lock_release(&state_lock);
	return from != NULL;
}

bool keys_have(enum key_slot slot)
{
	bool there;

	lock_take(&state_lock);
	there = key_locked(slot) != NULL;
	lock_release(&state_lock);
	return there;
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

enum err keys_describe(enum key_slot slot, enum key_type *type, unsigned *bits, char thumbprint[JWK_THUMBPRINT_LEN + 1])
{
	struct private_key k;

	if (!take_copy(slot, &k))
		return ERR_STATE;
	*type = k.type;
	*bits = key_bits(&k);
	jwk_thumbprint(&k, thumbprint);
	pkcs8_wipe(&k);
	return ERR_OK;
}

void keys_write_jwk(enum key_slot slot, struct jw *w, const char *name)
{
	struct private_key k;

	if (!take_copy(slot, &k)) {
		jw_null(w, name);
		return;
	}
	jwk_write_public(w, name, &k);
	pkcs8_wipe(&k);
}

static enum err take_rsa(enum key_slot slot, struct private_key *k)
{
	if (!take_copy(slot, k))
		return ERR_STATE;
	if (k->type == KEY_RSA)
		return ERR_OK;
	pkcs8_wipe(k);
	return ERR_RANGE;
}

enum err keys_oaep_encrypt(enum key_slot slot, struct span msg, uint8_t *out, size_t cap, size_t *n)
{
	struct private_key k;
	struct rsa_pub pub;
	enum err err;

	TRY(take_rsa(slot, &k));
	pub = rsa_public(&k.rsa);
	err = rsa_oaep_encrypt(&pub, HASH_SHA256, msg, out, cap, n);
	pkcs8_wipe(&k);
	return err;
}

enum err keys_oaep_decrypt(enum key_slot slot, struct span in, uint8_t *out, size_t cap, size_t *n)
{
	struct private_key k;
	enum err err;

	TRY(take_rsa(slot, &k));
	err = rsa_oaep_decrypt(&k.rsa, HASH_SHA256, in, out, cap, n);
	pkcs8_wipe(&k);
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
	known = key_locked(slot) && ct_equal(secret.area.last[slot].wrapped, hash, sizeof hash);
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
		if (key_locked(slot) && seen == entered) { /* the key that was used is still there */
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
	const struct private_key *k;
	size_t n;

	lock_take(&state_lock);
	k = key_locked(slot);
	n = k && k->type == KEY_RSA ? k->rsa.n_len : 0;
	lock_release(&state_lock);
	return n > overhead ? n - overhead : 0;
}

void keys_wipe(void)
{
	lock_take(&state_lock);
	WIPE(secret);
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

/* Makes one key and puts it into the area. */
static void wrap_make(void)
{
	struct rsa_key k;
	enum err err = rsa_generate(&k, WRAP_BITS);

	if (err) {
		log_line(LOG_ERROR, "keys", "making a wrapping key failed; trying again");
		clock_sleep(1000, INT64_MAX);
	} else {
		lock_take(&state_lock);
		if (!area_closed) {
			secret.area.wrap = k;
			wrap_ready = true;
		}
		lock_release(&state_lock);
		event_signal(&wrap_made);
	}
	rsa_wipe(&k);
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

enum err keys_wrap_take(struct rsa_key *k, int64_t deadline_ms)
{
	for (;;) {
		uint32_t seen = event_seen(&wrap_made);
		bool got;

		lock_take(&state_lock);
		got = wrap_ready;
		if (got) {
			*k = secret.area.wrap;
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
