/* snpbox: the seccomp filter, and the threads that answer the system calls it traps. */
#include "snpbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of some build machines. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

static const uint32_t IOCTLS[] = {SNP_GET_REPORT_NR, SNP_GET_DERIVED_KEY_NR, SNP_GET_EXT_REPORT_NR,
				  LEGACY_REQUEST_NR, LEGACY_REPORT_NR,	     LEGACY_KEY_NR};
#define N_IOCTLS (sizeof IOCTLS / sizeof IOCTLS[0])

static int listener;
static const struct options *opts;

int notify_install(void)
{
	struct sock_filter code[16 + 2 * PATH_CALLS + 2 * N_IOCTLS];
	unsigned short n = 0;

#define EMIT(...) code[n++] = (struct sock_filter)__VA_ARGS__
#define TRAP_IF_EQUAL(v)                                                                                               \
	EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(v), 0, 1));                                                \
	EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF))
	EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)));
	EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0));
	EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)));
	for (size_t i = 0; i < PATH_CALLS; i++) {
		TRAP_IF_EQUAL(path_call_nr(i));
	}
	EMIT(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 1, 0));
	EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
	/* The low half only: callers sign-extend the request number as they like. */
	EMIT(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])));
	for (size_t i = 0; i < N_IOCTLS; i++) {
		TRAP_IF_EQUAL(IOCTLS[i]);
	}
	EMIT(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));

	struct sock_fprog prog = {.len = n, .filter = code};
	/* A call being answered is then interrupted only by death, as the driver's is: the kernel has the same waits. */
	unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -1;
	int fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
	if (fd < 0 && errno == EINVAL) /* before 5.19 */
		fd = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog);
	return fd;
}

/* Fails only if the thread died meanwhile; then there is nobody to answer. */
void notify_send(const struct target *t, int error, uint32_t flags)
{
	struct seccomp_notif_resp r = {.id = t->id, .val = 0, .error = error, .flags = flags};
	ioctl(t->listener, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

/* A request to the device, in a thread of its own: it may be delayed. */
struct request {
	struct target target;
	uint32_t nr;
	uint64_t arg;
};

static void *request_answer(void *p)
{
	struct request *r = p;
	int rc = device_ioctl(&r->target, (enum device)opts->device, r->nr, r->arg);

	if (opts->verbose)
		box_log("%s: ioctl %#x of thread %d: %s", DEVICE_NAME(opts->device), r->nr, (int)r->target.tid, strerrorname_np(-rc));
	notify_send(&r->target, rc, 0);
	free(r);
	return NULL;
}

static bool thread_start(void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	int e = pthread_create(&thread, &attr, fn, arg);
	pthread_attr_destroy(&attr);
	if (e != 0)
		box_log("thread: %s", strerror(e));
	return e == 0;
}

static void handle_ioctl(const struct target *t, const struct seccomp_notif *q)
{
	if (opts->device == DEVICE_NONE || !target_is_device(t, (int)(uint32_t)q->data.args[0])) {
		notify_send(t, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		return;
	}
	struct request *r = malloc(sizeof *r);
	if (r == NULL) {
		notify_send(t, -ENOMEM, 0);
		return;
	}
	*r = (struct request){.target = *t, .nr = (uint32_t)q->data.args[1], .arg = q->data.args[2]};
	if (!thread_start(request_answer, r))
		request_answer(r);
}

/* One thread takes all notifications: the kernel wakes every thread that waits for one, so more would cost more. */
static void *serve(void *unused)
{
	for (;;) {
		/* The kernel may know a longer structure than our header. */
		union {
			struct seccomp_notif n;
			uint8_t room[512];
		} q;
		struct pollfd p = {.fd = listener, .events = POLLIN, .revents = 0};

		memset(&q, 0, sizeof q);
		if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &q.n) == 0) {
			uint64_t args[6];
			memcpy(args, q.n.data.args, sizeof args);
			struct target t = {.listener = listener, .id = q.n.id, .tid = (pid_t)q.n.pid};
			if (q.n.data.nr == SYS_ioctl)
				handle_ioctl(&t, &q.n);
			else
				path_call(&t, opts, q.n.data.nr, args);
		} else if (errno != EINTR && poll(&p, 1, 0) == 1 && (p.revents & (POLLHUP | POLLERR)) != 0) {
			return unused; /* nobody is left under the filter */
		}
	}
}

bool notify_start(int fd, const struct options *o)
{
	listener = fd;
	opts = o;
	/* Faster hand-over of the CPU between the program and us; from 6.6, and no loss without. */
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SET_FLAGS, SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);
	return thread_start(serve, NULL);
}
