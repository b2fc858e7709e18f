/* What stays allowed, put together from lists; and the list that every server needs. */
#include "os/seal.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_PRIVATE = 128 }; /* linux/futex.h */

static const struct seal_call base_calls[] = {
	SEAL_ALLOW(write),           /* the log */
	SEAL_ALLOW(close),           /* files, sockets */
	SEAL_ALLOW_IF(accept4, ONLY(4, SOCK_NONBLOCK | SOCK_CLOEXEC)), /* clients */
	SEAL_ALLOW_IF(sendto, WITHIN(4, MSG_NOSIGNAL)), /* sending; MSG_FASTOPEN would connect past Landlock */
	SEAL_ALLOW(recvfrom),        /* receiving */
	SEAL_ALLOW_IF(setsockopt, ONLY(2, IPPROTO_TCP), ONLY(3, TCP_NODELAY)), /* small answers go at once */
	SEAL_ALLOW(shutdown),        /* orderly close */
	SEAL_ALLOW(poll),            /* waiting for one socket */
	SEAL_ALLOW(epoll_ctl),       /* waiting for all clients */
	SEAL_ALLOW(epoll_pwait),     /* waiting for all clients */
	SEAL_ALLOW(clock_gettime),   /* where the vDSO has none */
	SEAL_ALLOW(nanosleep),       /* retries, polling for a lock */
	SEAL_ALLOW(restart_syscall), /* the kernel's own: a wait goes on after a stop (a paused container) */
	SEAL_ALLOW_IF(futex, { 2, FUTEX_PRIVATE, FUTEX_WAIT, FUTEX_WAKE }), /* locks and events; no priority inheritance */
	SEAL_ALLOW(rt_sigtimedwait), /* the main thread waits for SIGTERM */
	SEAL_ALLOW(rt_sigprocmask),  /* musl around a thread's end */
	SEAL_ALLOW_IF(getrandom, ONLY(3, 0)), /* keys, nonces */
	SEAL_ALLOW(exit),            /* the start thread ends */
	SEAL_ALLOW(exit_group),      /* the process ends */
};
const struct seal_list seal_base = { SEAL_CALLS(base_calls) };

_Static_assert(sizeof(struct seal_call) == 4 + SEAL_TESTS * 16, "no padding: rules are compared as bytes");

/* Sorted by number, those that allow first: the filter takes the first rule that fits, whatever order the lists came in. */
static void add_call(struct seal *s, const struct seal_call *c)
{
	size_t at = 0;

	while (at < s->n_calls && memcmp(&s->calls[at], c, sizeof *c) < 0)
		at++;
	if (at < s->n_calls && memcmp(&s->calls[at], c, sizeof *c) == 0)
		return;
	if (s->n_calls == SEAL_CALLS_MAX) {
		s->over = "more than 64 rules for system calls";
		return;
	}
	memmove(&s->calls[at + 1], &s->calls[at], (s->n_calls - at) * sizeof *c);
	s->calls[at] = *c;
	s->n_calls++;
}

void seal_add(struct seal *s, const struct seal_list *list)
{
	for (size_t i = 0; i < list->n_calls; i++)
		add_call(s, &list->calls[i]);
	for (size_t i = 0; i < list->n_paths; i++)
		seal_add_path(s, list->paths[i].path, list->paths[i].use);
}

void seal_add_path(struct seal *s, const char *path, enum seal_use use)
{
	if (!path[0])
		return;
	for (size_t i = 0; i < s->n_paths; i++)
		if (s->paths[i].use == use && strcmp(s->paths[i].path, path) == 0)
			return;
	if (s->n_paths == SEAL_PATHS_MAX)
		s->over = "more than 32 paths";
	else
		s->paths[s->n_paths++] = (struct seal_path){ path, use };
}

void seal_add_port(struct seal *s, uint16_t port)
{
	for (size_t i = 0; i < s->n_ports; i++)
		if (s->ports[i] == port)
			return;
	if (s->n_ports == SEAL_PORTS_MAX)
		s->over = "more than 64 outgoing ports";
	else
		s->ports[s->n_ports++] = port;
}
_Static_assert(SEAL_CALLS_MAX == 64 && SEAL_PATHS_MAX == 32 && SEAL_PORTS_MAX == 64, "the limits as they are named");
