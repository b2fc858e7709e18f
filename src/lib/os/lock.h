/* A mutex. */
#ifndef OS_LOCK_H
#define OS_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Static initialiser LOCK_INIT. The one over service state is never held over I/O or public-key work; a lock that serialises
 * whole operations (one attestation at a time) is another one and says so where it is defined. */
struct lock {
	pthread_mutex_t m;
};
#define LOCK_INIT { PTHREAD_MUTEX_INITIALIZER }
void lock_take(struct lock *l);
/* Waits for it until the deadline (clock_ms; 0: not at all); false when that passes. */
bool lock_take_until(struct lock *l, int64_t deadline_ms);
void lock_release(struct lock *l);

#endif
