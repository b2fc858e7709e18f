/* Tries of one operation. */
#include "http/retry.h"

#include "crypto/rng.h"
#include "os/clock.h"

#define GONE_DELAY_MS 3000
#define REFUSED_TRIES 3 /* nothing listens: the service may still start, but the operator needs the error soon */

struct retry retry_init(const struct retry_policy *policy, int64_t deadline_ms)
{
	return (struct retry){ policy, 0, clock_ms(), deadline_ms };
}

int64_t retry_try_deadline(const struct retry *r)
{
	int64_t limit = clock_ms() + r->policy->try_ms;

	return limit < r->deadline_ms ? limit : r->deadline_ms;
}

/* Not retried: names that do not exist, certificates that are not trusted, answers that are not HTTP. They do not mend
 * by themselves within seconds, and the operator needs the error at once. */
static bool is_transient(enum err err)
{
	return err == ERR_CONNECT || err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_TLS;
}

static bool is_busy(const struct retry_policy *p, int status)
{
	return status == 429 || status >= 500 || (status == 404 && p->on_404) || (status == 408 && p->on_408);
}

/* 0 when no further try is due. */
static uint32_t next_delay(const struct retry *r, const struct retry_policy *p, enum err err, int status)
{
	if (err == ERR_OK && status == 410 && p->on_410_ms)
		return clock_ms() - r->started_ms < p->on_410_ms ? GONE_DELAY_MS : 0;
	if (err ? !is_transient(err) : !is_busy(p, status))
		return 0;
	if (err == ERR_CONNECT && r->tried >= REFUSED_TRIES)
		return 0;
	return r->tried <= RETRY_DELAYS ? p->delay_ms[r->tried - 1] : 0;
}

bool retry_again(struct retry *r, enum err err, int status, uint32_t retry_after_s)
{
	const struct retry_policy *p = r->policy;
	int64_t wait;

	r->tried++;
	wait = next_delay(r, p, err, status);
	if (wait == 0)
		return false;
	/* Programs that started together do not stay together. */
	wait += rng_below((uint32_t)wait / 2 + 1);
	/* What the service asks for replaces our guess, also when it is shorter; a little jitter stays. */
	if (retry_after_s && !err)
		wait = (int64_t)retry_after_s * 1000 + rng_below(250);
	if (wait >= r->deadline_ms - clock_ms())
		return false;
	clock_sleep(wait, r->deadline_ms);
	return true;
}
