/* Threads: a fixed number made at start, on static stacks. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include "base/err.h"

/* Starts a thread running fn(arg); it is never joined. All signals are blocked in it. Stack 512
 * KiB from a static pool of THREADS_MAX, above a page that must not be touched; ERR_FULL beyond.
 * Call during start-up only. */
#define THREADS_MAX 32
MUST_USE enum err thread_start(void (*fn)(void *), void *arg);

/* Processors this process may run on, at least 1. Call during start-up only. */
unsigned thread_processors(void);

/* Holds back every thread started from now on at its first step, so that the process can be sealed while none of them is in the middle of
 * starting or working. thread_go waits until all started threads have come that far, runs sealing() (may be NULL), and lets them go;
 * what sealing returned is the result, and on an error they stay held. */
void thread_hold(void);
MUST_USE enum err thread_go(enum err (*sealing)(void));

#endif
