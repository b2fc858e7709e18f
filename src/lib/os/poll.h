/* One set of descriptors waited for by several threads (epoll, edge-triggered: a change is told once, to one of them). */
#ifndef OS_POLL_H
#define OS_POLL_H

#include "base/err.h"
#include "os/net.h"

/* Events that one thread takes at a time: what comes behind them in its turn waits for it alone. */
#define POLL_BATCH 16

struct poll_event {
	uint64_t tag;
	bool ended; /* the peer has ended its side, or the connection failed */
};

/* Creates the set. Once, at start. */
MUST_USE enum err poll_init(void);
/* Adds fd. From now on it is told when something more can be read or, after a try that found no room, written; for what is
 * possible now at once. tag comes back with its events. Closing fd takes it out. */
MUST_USE enum err poll_add(int fd, uint64_t tag);
/* Tells what is possible now once more, behind what else is ready: for who leaves something in fd. */
MUST_USE enum err poll_again(int fd, uint64_t tag);
/* Waits up to timeout_ms for events; how many came. */
size_t poll_wait(int timeout_ms, struct poll_event events[POLL_BATCH]);

#endif
