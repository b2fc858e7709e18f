/* Time. Deadlines everywhere are absolute milliseconds of clock_ms. */
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include <stdint.h>

/* Monotonic milliseconds since an arbitrary start. */
int64_t clock_ms(void);
/* Unix time; the host controls it (see LIMITS.md). */
int64_t clock_unix(void);
/* Unix time in microseconds, for timestamps in records. */
int64_t clock_unix_us(void);
/* Sleeps until the deadline or ms, whichever is earlier; continues after signals. */
void clock_sleep(int64_t ms, int64_t deadline_ms);

#endif
