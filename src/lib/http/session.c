/* Sessions of operators. */
#include "http/session.h"

#include "base/ct.h"
#include "crypto/hash.h"
#include "crypto/rng.h"
#include "text/base64.h"
#include "os/lock.h"

static struct {
	uint8_t hash[SHA256_LEN];
	int64_t ends_ms; /* 0: free */
} sessions[SESSIONS_MAX];
static struct lock lock = LOCK_INIT;

void session_open(char id[SESSION_ID_LEN + 1], int64_t now_ms)
{
	uint8_t random[32];
	struct out o = out_init(id, SESSION_ID_LEN + 1);
	size_t best = 0;

	rng_bytes(random, sizeof random);
	base64_encode(&o, B64_URL, span_of(random, sizeof random));
	(void)out_cstr(&o);
	WIPE(random);
	lock_take(&lock);
	for (size_t i = 1; i < SESSIONS_MAX; i++)
		if (sessions[i].ends_ms < sessions[best].ends_ms)
			best = i;
	hash_sha256(out_span(&o), sessions[best].hash);
	sessions[best].ends_ms = now_ms + SESSION_SECONDS * 1000;
	lock_release(&lock);
}

/* Index of the session, or SESSIONS_MAX. Every slot is compared: the time does not tell which one it was. */
static size_t find_locked(struct span id)
{
	uint8_t hash[SHA256_LEN];
	size_t found = SESSIONS_MAX;

	hash_sha256(id, hash);
	for (size_t i = 0; i < SESSIONS_MAX; i++)
		if (ct_equal(hash, sessions[i].hash, sizeof hash) && sessions[i].ends_ms)
			found = i;
	return found;
}

bool session_valid(struct span id, int64_t now_ms)
{
	bool valid = false;
	size_t i;

	if (id.n != SESSION_ID_LEN)
		return false;
	lock_take(&lock);
	i = find_locked(id);
	if (i < SESSIONS_MAX) {
		valid = now_ms < sessions[i].ends_ms;
		if (!valid)
			WIPE(sessions[i]);
	}
	lock_release(&lock);
	return valid;
}

void session_close(struct span id)
{
	size_t i;

	lock_take(&lock);
	i = find_locked(id);
	if (i < SESSIONS_MAX)
		WIPE(sessions[i]);
	lock_release(&lock);
}

void session_wipe(void)
{
	lock_take(&lock);
	WIPE(sessions);
	lock_release(&lock);
}
