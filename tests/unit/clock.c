/* In place of os/clock.c: see clock.h. */
#include "clock.h"

#define clock_ms machine_ms
#define clock_unix machine_unix
#define clock_unix_us machine_unix_us
#define clock_sleep machine_sleep
#include "os/clock.c"
#undef clock_ms
#undef clock_unix
#undef clock_unix_us
#undef clock_sleep

int64_t clock_ms(void);
int64_t clock_unix(void);
int64_t clock_unix_us(void);
void clock_sleep(int64_t ms, int64_t deadline_ms);

struct test_clock test_clock;

int64_t clock_ms(void)
{
	return test_clock.set ? test_clock.mono_ms : machine_ms();
}

int64_t clock_unix(void)
{
	return test_clock.set ? test_clock.unix_s : machine_unix();
}

int64_t clock_unix_us(void)
{
	return test_clock.set ? test_clock.unix_s * 1000000 : machine_unix_us();
}

void clock_sleep(int64_t ms, int64_t deadline_ms)
{
	if (test_clock.set)
		test_clock.mono_ms += ms;
	else
		machine_sleep(ms, deadline_ms);
}
