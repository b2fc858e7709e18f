/* One epoll set, edge-triggered. */
#include "os/poll.h"

#include <sys/epoll.h>

static int set = -1;

enum err poll_init(void)
{
	set = epoll_create1(EPOLL_CLOEXEC);
	return set >= 0 ? ERR_OK : ERR_SYSTEM;
}

static enum err control(int op, int fd, uint64_t tag)
{
	struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data = { .u64 = tag } };

	return epoll_ctl(set, op, fd, &e) == 0 ? ERR_OK : ERR_SYSTEM;
}

enum err poll_add(int fd, uint64_t tag)
{
	return control(EPOLL_CTL_ADD, fd, tag);
}

enum err poll_again(int fd, uint64_t tag)
{
	return control(EPOLL_CTL_MOD, fd, tag);
}

size_t poll_wait(int timeout_ms, struct poll_event events[POLL_BATCH])
{
	struct epoll_event e[POLL_BATCH];
	int n = epoll_wait(set, e, POLL_BATCH, timeout_ms);

	for (int i = 0; i < n; i++)
		events[i] = (struct poll_event){ e[i].data.u64, (e[i].events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 };
	return n > 0 ? (size_t)n : 0;
}
