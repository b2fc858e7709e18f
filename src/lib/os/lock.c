/* A mutex. */
#include "os/lock.h"

#include "os/clock.h"

void lock_take(struct lock *l)
{
	pthread_mutex_lock(&l->m);
}

bool lock_take_until(struct lock *l, int64_t deadline_ms)
{
	/* pthread_mutex_timedlock counts in the wall clock, which the host may set; polling the monotonic clock
	 * cannot be stretched by it. Waiters here wait for network calls: 10 ms more do not matter. */
	while (pthread_mutex_trylock(&l->m) != 0) {
		if (clock_ms() >= deadline_ms)
			return false;
		clock_sleep(10, deadline_ms);
	}
	return true;
}

void lock_release(struct lock *l)
{
	pthread_mutex_unlock(&l->m);
}
