/* Waiting for something that another thread does, without polling: a counter and Linux's futex(2). */
#ifndef OS_EVENT_H
#define OS_EVENT_H

#include <stdbool.h>
#include <stdint.h>

/* Zero-initialise. The pattern: seen = event_seen(e); look at the shared state under its lock; if it is not there yet,
 * event_wait(e, seen, deadline). A signal between the look and the wait is not lost. */
struct event {
	_Atomic uint32_t count;
};
uint32_t event_seen(struct event *e);
/* Wakes all who wait. */
void event_signal(struct event *e);
/* Returns when a signal came after `seen`, or false when the deadline passed (INT64_MAX: never). */
bool event_wait(struct event *e, uint32_t seen, int64_t deadline_ms);

#endif
