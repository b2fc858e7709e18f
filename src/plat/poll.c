/* One epoll set, one shot. */
#include "plat/poll.h"

#include <errno.h>
#include <sys/epoll.h>

static int set = -1;
_Static_assert(NET_READ == (int)EPOLLIN && NET_WRITE == (int)EPOLLOUT, "events as epoll(7) has them");

enum err poll_init(void)
{
	set = epoll_create1(EPOLL_CLOEXEC);
	return set >= 0 ? ERR_OK : ERR_SYSTEM;
}

static enum err control(int op, int fd, uint64_t tag, uint32_t events)
{
	struct epoll_event e = { .events = events, .data = { .u64 = tag } };

	return epoll_ctl(set, op, fd, &e) == 0 ? ERR_OK : ERR_SYSTEM;
}

enum err poll_add(int fd, uint64_t tag)
{
	return control(EPOLL_CTL_ADD, fd, tag, EPOLLONESHOT);
}

enum err poll_arm(int fd, uint64_t tag, unsigned events)
{
	/* A peer's end of stream is readable. It is not told (EPOLLRDHUP) to who waits for room to write: it would come
	 * again at once, each time. */
	return control(EPOLL_CTL_MOD, fd, tag, EPOLLONESHOT | events);
}

enum err poll_wait_one(int timeout_ms, uint64_t *tag)
{
	struct epoll_event e;
	int n = epoll_wait(set, &e, 1, timeout_ms);

	if (n > 0) {
		*tag = e.data.u64;
		return ERR_OK;
	}
	return n == 0 || errno == EINTR ? ERR_MORE : ERR_SYSTEM;
}
