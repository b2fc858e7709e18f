/* One set of descriptors waited for by several threads, each readiness told to one of them (epoll, one shot). */
#ifndef PLAT_POLL_H
#define PLAT_POLL_H

#include "base/err.h"
#include "plat/net.h"

/* Creates the set. Once, at start. */
MUST_USE enum err poll_init(void);
/* Adds fd, disarmed. tag comes back with its events. Closing fd takes it out. */
MUST_USE enum err poll_add(int fd, uint64_t tag);
/* Arms fd for one event of NET_READ | NET_WRITE; after it fd is disarmed again. */
MUST_USE enum err poll_arm(int fd, uint64_t tag, unsigned events);
/* Waits for one ready descriptor up to timeout_ms: its tag, or ERR_MORE when the time is over. */
MUST_USE enum err poll_wait_one(int timeout_ms, uint64_t *tag);

#endif
