/* Time from the kernel's clocks. */
#include "os/clock.h"

#include <errno.h>
#include <time.h>

int64_t clock_ms(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t clock_unix_us(void)
{
	struct timespec t = { 0 };

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t clock_unix(void)
{
	return clock_unix_us() / 1000000;
}

void clock_sleep(int64_t ms, int64_t deadline_ms)
{
	int64_t now = clock_ms();
	int64_t until = ms > deadline_ms - now ? deadline_ms : now + ms;

	while (now < until) {
		struct timespec t = { .tv_sec = (until - now) / 1000, .tv_nsec = ((until - now) % 1000) * 1000000 };

		nanosleep(&t, NULL);
		now = clock_ms();
	}
}
