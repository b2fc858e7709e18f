/* TLS: sessions that may be resumed. */
#include "tls/tls_sessions.h"

#include "base/ct.h"
#include "tls/tls.h"
#include "os/clock.h"
#include "os/lock.h"

#define SESSIONS 512
#define SESSION_MS 3600000 /* counted from the full handshake */

static struct entry {
	br_ssl_session_parameters session;
	int64_t until_ms; /* 0: nothing here */
} table[SESSIONS];
static unsigned certificate;
static struct lock lock = LOCK_INIT;

/* We choose identifiers at random: so places are. */
static struct entry *place_locked(const br_ssl_session_parameters *p)
{
	return &table[(unsigned)(p->session_id[0] << 8 | p->session_id[1]) % SESSIONS];
}

/* The session with this identifier, or NULL. */
static struct entry *find_locked(const br_ssl_session_parameters *p)
{
	struct entry *e = place_locked(p);

	return clock_ms() < e->until_ms && ct_equal(e->session.session_id, p->session_id, sizeof p->session_id) ? e : NULL;
}

/* BearSSL calls this when both Finished messages of a full handshake are verified. */
static void save(const br_ssl_session_cache_class **view, br_ssl_server_context *server, const br_ssl_session_parameters *p)
{
	struct entry *e;

	(void)server;
	lock_take(&lock);
	if (((const struct tls_session_view *)(const void *)view)->certificate == certificate) {
		e = place_locked(p);
		e->session = *p;
		e->until_ms = clock_ms() + SESSION_MS;
	}
	lock_release(&lock);
}

static int load(const br_ssl_session_cache_class **view, br_ssl_server_context *server, br_ssl_session_parameters *p)
{
	const struct entry *e;

	(void)view;
	(void)server;
	lock_take(&lock);
	e = find_locked(p);
	if (e)
		*p = e->session;
	lock_release(&lock);
	return e != NULL;
}

void tls_sessions_view(struct tls_session_view *v)
{
	static const br_ssl_session_cache_class class = { sizeof(struct tls_session_view), save, load };

	v->vtable = &class;
	lock_take(&lock);
	v->certificate = certificate;
	lock_release(&lock);
}

void tls_sessions_drop(const br_ssl_session_parameters *p)
{
	struct entry *e;

	lock_take(&lock);
	e = find_locked(p);
	if (e)
		WIPE(*e);
	lock_release(&lock);
}

static void wipe_locked(int64_t now_ms)
{
	for (size_t i = 0; i < SESSIONS; i++)
		if (table[i].until_ms && table[i].until_ms <= now_ms)
			WIPE(table[i]);
}

void tls_sessions_expire(void)
{
	lock_take(&lock);
	wipe_locked(clock_ms());
	lock_release(&lock);
}

void tls_sessions_forget(void)
{
	lock_take(&lock);
	certificate++;
	wipe_locked(INT64_MAX);
	lock_release(&lock);
}
