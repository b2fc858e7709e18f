/* Retry policy as a table. */
#include "http/retry.h"

#include "crypto/rng.h"
#include "os/clock.h"

#define DELAYS_MAX 5

struct policy {
	uint16_t delay_ms[DELAYS_MAX]; /* before try 2, 3, ...; 0 ends the list */
	uint32_t try_ms;               /* one try, connecting included */
	bool on_404, on_408;
	uint32_t on_410_ms;            /* keep trying a 410 this long (the identity service is being updated) */
};

/* Delays of section 7; jitter of up to half of each is added so that parties started together do not stay together. The
 * certificate services' are the original client's 10^k seconds tamed. */
static const struct policy policies[] = {
	[SERVICE_IDENTITY] = { { 2000, 6000, 14000, 30000, 0 }, 10000, true, false, 70000 },
	[SERVICE_ENTRA] = { { 1000, 2000, 4000, 0, 0 }, 10000, false, true, 0 },
	[SERVICE_CERTS] = { { 2000, 8000, 0, 0, 0 }, 10000, false, true, 0 },
	[SERVICE_MAA] = { { 1000, 2000, 4000, 0, 0 }, 30000, false, true, 0 },
	[SERVICE_VAULT] = { { 1000, 2000, 4000, 8000, 16000 }, 30000, false, true, 0 },
	[SERVICE_STORAGE] = { { 800, 1600, 3200, 0, 0 }, 30000, false, true, 0 },
};
#define GONE_DELAY_MS 3000
#define REFUSED_TRIES 3 /* nothing listens: perhaps not yet, but whoever deploys wants to know soon */

struct retry retry_init(enum service service, int64_t deadline_ms)
{
	return (struct retry){ service, 0, clock_ms(), deadline_ms };
}

int64_t retry_try_deadline(const struct retry *r)
{
	int64_t limit = clock_ms() + policies[r->service].try_ms;

	return limit < r->deadline_ms ? limit : r->deadline_ms;
}

/* Not retried: names that do not exist, certificates that are not trusted, answers that are not HTTP. They do not mend
 * by themselves within seconds, and whoever deploys wants to know at once. */
static bool is_transient(enum err err)
{
	return err == ERR_CONNECT || err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_TLS;
}

static bool is_busy(const struct policy *p, int status)
{
	return status == 429 || status >= 500 || (status == 404 && p->on_404) || (status == 408 && p->on_408);
}

/* 0 when no further try is due. */
static uint32_t next_delay(const struct retry *r, const struct policy *p, enum err err, int status)
{
	if (err == ERR_OK && status == 410 && p->on_410_ms)
		return clock_ms() - r->started_ms < p->on_410_ms ? GONE_DELAY_MS : 0;
	if (err ? !is_transient(err) : !is_busy(p, status))
		return 0;
	if (err == ERR_CONNECT && r->tried >= REFUSED_TRIES)
		return 0;
	return r->tried <= DELAYS_MAX ? p->delay_ms[r->tried - 1] : 0;
}

bool retry_again(struct retry *r, enum err err, int status, uint32_t retry_after_s)
{
	const struct policy *p = &policies[r->service];
	int64_t wait;

	r->tried++;
	wait = next_delay(r, p, err, status);
	if (wait == 0)
		return false;
	wait += rng_below((uint32_t)wait / 2 + 1);
	/* What the service asks for replaces our guess, also when it is shorter; a little jitter stays. */
	if (retry_after_s && !err)
		wait = (int64_t)retry_after_s * 1000 + rng_below(250);
	if (wait >= r->deadline_ms - clock_ms())
		return false;
	clock_sleep(wait, r->deadline_ms);
	return true;
}
