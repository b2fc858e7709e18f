/* The clock of every unit program: the machine's, until a test sets its own. For tests only. */
#ifndef UNIT_CLOCK_H
#define UNIT_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* While set, clock_ms and clock_unix return these, and clock_sleep adds to mono_ms. */
struct test_clock {
	bool set;
	int64_t mono_ms, unix_s;
};

extern struct test_clock test_clock;

#endif
