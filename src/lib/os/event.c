/* An event counter over futex(2). */
#include "os/event.h"

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "os/clock.h"

/* linux/futex.h: operations private to the process. */
enum { WAIT_PRIVATE = 0 | 128, WAKE_PRIVATE = 1 | 128 };
#define WAIT_AT_MOST_MS 3600000 /* a timeout that fits everywhere; the loop goes on */

uint32_t event_seen(struct event *e)
{
	return atomic_load(&e->count);
}

void event_signal(struct event *e)
{
	atomic_fetch_add(&e->count, 1);
	syscall(SYS_futex, &e->count, (long)WAKE_PRIVATE, (long)INT_MAX, NULL, NULL, 0L);
}

bool event_wait(struct event *e, uint32_t seen, int64_t deadline_ms)
{
	while (atomic_load(&e->count) == seen) {
		int64_t left = deadline_ms == INT64_MAX ? WAIT_AT_MOST_MS : deadline_ms - clock_ms();
		struct timespec t;

		if (left <= 0)
			return false;
		if (left > WAIT_AT_MOST_MS)
			left = WAIT_AT_MOST_MS;
		t.tv_sec = (time_t)(left / 1000);
		t.tv_nsec = (long)(left % 1000) * 1000000L;
		/* Ends for a signal, a timeout, an interruption or because the count has changed: the loop looks again. */
		syscall(SYS_futex, &e->count, (long)WAIT_PRIVATE, (long)seen, &t, NULL, 0L);
	}
	return true;
}
