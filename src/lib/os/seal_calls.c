/* The system calls left after start: a table with a reason on each line. */
#include "os/seal.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "os/snp_device.h"

/* linux/seccomp.h, linux/filter.h, linux/audit.h: kernel headers are not used here. */
#define SECCOMP_SET_MODE_FILTER 1
#define SECCOMP_FILTER_FLAG_TSYNC 1
#ifndef RET_DENIED /* "make debug" says which call it was before the process dies (tests/seal/debug.c) */
#define RET_DENIED 0x80000000u /* the whole process ends */
#endif
#define RET_ERRNO 0x00050000u
#define RET_ALLOW 0x7fff0000u
#define ARCH_X86_64 0xc000003eu
#define X32_BIT 0x40000000u
#define LOAD 0x20       /* BPF_LD | BPF_W | BPF_ABS */
#define IF_EQUAL 0x15   /* BPF_JMP | BPF_JEQ | BPF_K */
#define IF_ATLEAST 0x35 /* BPF_JMP | BPF_JGE | BPF_K */
#define AND 0x54        /* BPF_ALU | BPF_AND | BPF_K */
#define RETURN 0x06     /* BPF_RET | BPF_K */
#define AT_NR 0         /* offsets in struct seccomp_data */
#define AT_ARCH 4
#define AT_ARG(i) (16u + 8u * (i)) /* low half: little-endian; the arguments looked at are ints, of which the kernel takes no more */
#define NOT_PERMITTED 1 /* EPERM */

struct instruction {
	uint16_t code;
	uint8_t yes, no; /* how far to jump */
	uint32_t k;
};
_Static_assert(sizeof(struct instruction) == 8, "struct sock_filter");
struct program {
	uint16_t n;
	const struct instruction *list;
};

/* Argument `at` (the first is 1; 0: no test) without the bits `free` is `a` or `b`. */
struct test {
	uint32_t at, free, a, b;
};
enum { TESTS = 3, TEST_LEN = 4, BLOCK_MAX = 3 + TESTS * TEST_LEN };
#define ONLY(at, v) { at, 0, v, v }
#define EITHER(at, v, w) { at, 0, v, w }
#define WITHIN(at, bits) { at, bits, 0, 0 } /* no other bit is set */

struct call {
	uint16_t nr;
	bool refused; /* fails with EPERM; without tests for that */
	struct test test[TESTS]; /* all must hold */
};
#define ALLOW(call) { .nr = SYS_##call }
#define ALLOW_IF(call, ...) { .nr = SYS_##call, .test = { __VA_ARGS__ } }
#define REFUSE(call) { .nr = SYS_##call, .refused = true }
#define REFUSE_IF(call, ...) { .nr = SYS_##call, .refused = true, .test = { __VA_ARGS__ } }

#define LARGEFILE 0100000u /* musl adds it to what is opened */
/* What files are opened with here: never O_APPEND, O_PATH, O_TMPFILE, O_DIRECT. */
#define OPEN_FLAGS (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_DIRECTORY | LARGEFILE)
#define SOCKET_FLAGS (SOCK_NONBLOCK | SOCK_CLOEXEC)
enum { FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_PRIVATE = 128 }; /* linux/futex.h */

/* A line for each call with its reason; TCB.md repeats them. A call may stand here again with other tests, right below. What is not
 * here, or fails its tests, ends the process. Landlock (conf/confine.c) says which files and which TCP ports. */
static const struct call calls[] = {
	/* files */
	ALLOW_IF(openat, WITHIN(3, OPEN_FLAGS)),          /* the data directory, the SNP device, tokens, /proc */
	ALLOW_IF(open, ONLY(2, O_CLOEXEC | LARGEFILE)),   /* musl's resolver opens resolv.conf, for reading */
	ALLOW_IF(fcntl, ONLY(2, F_SETFD)),                /* musl's resolver marks it close-on-exec and reads it */
	ALLOW(read),                                      /* file contents */
	ALLOW(write),                                     /* data files, the log */
	ALLOW(close),                                     /* files, sockets */
	ALLOW(fstat),                                     /* is it a regular file, how long is it */
	ALLOW(newfstatat),                                /* what a path names; access test: executables in the file system */
	ALLOW(faccessat),                                 /* can the data directory be written; access test: is there a shell */
	ALLOW(lseek),                                     /* a data file is read twice */
	ALLOW(getdents64),                                /* the security context's directory; access test */
	ALLOW(fsync),                                     /* whole-file replacement */
	ALLOW(renameat),                                  /* whole-file replacement */
	ALLOW_IF(unlinkat, ONLY(3, 0)),                   /* leftovers, spool files; never a directory */
	ALLOW(mkdirat),                                   /* a directory for spool files in the data directory */
	ALLOW_IF(ioctl, EITHER(2, SNP_IOCTL_GUEST, SNP_IOCTL_LEGACY)), /* a report of the SNP device */
	/* network */
	ALLOW_IF(socket, EITHER(1, AF_INET, AF_INET6), { 2, SOCKET_FLAGS, SOCK_STREAM, SOCK_DGRAM }, ONLY(3, 0)), /* services, partners, name servers */
	ALLOW(connect),                                   /* services, partners */
	ALLOW(bind),                                      /* musl's resolver takes a random port */
	ALLOW_IF(accept4, ONLY(4, SOCKET_FLAGS)),         /* clients */
	ALLOW_IF(sendto, WITHIN(4, MSG_NOSIGNAL)),        /* sending; MSG_FASTOPEN would connect past Landlock */
	ALLOW(recvfrom),                                  /* receiving */
	ALLOW_IF(setsockopt, ONLY(2, IPPROTO_TCP), ONLY(3, TCP_NODELAY)),  /* small answers go at once */
	ALLOW_IF(setsockopt, ONLY(2, IPPROTO_IPV6), ONLY(3, IPV6_V6ONLY)), /* musl's resolver, name servers of both families */
	ALLOW_IF(getsockopt, ONLY(2, SOL_SOCKET), ONLY(3, SO_ERROR)),      /* did the connect work */
	ALLOW(shutdown),                                  /* orderly close */
	ALLOW(poll),                                      /* waiting for one socket */
	ALLOW(epoll_ctl),                                 /* waiting for all clients */
	ALLOW(epoll_pwait),                               /* waiting for all clients */
	/* time, locks, signals, random, end */
	ALLOW(clock_gettime),                             /* where the vDSO has none */
	ALLOW(nanosleep),                                 /* retries, polling for a lock */
	ALLOW(restart_syscall),                           /* the kernel's own: a wait goes on after a stop (a paused container) */
	ALLOW_IF(futex, { 2, FUTEX_PRIVATE, FUTEX_WAIT, FUTEX_WAKE }),     /* locks and events; no priority inheritance */
	ALLOW(rt_sigtimedwait),                           /* the main thread waits for SIGTERM */
	ALLOW(rt_sigprocmask),                            /* musl around a thread's end */
	ALLOW_IF(getrandom, ONLY(3, 0)),                  /* keys, nonces */
	ALLOW(exit),                                      /* the start thread ends */
	ALLOW(exit_group),                                /* the process ends */
	/* tried by the access test, which shows the answer */
	REFUSE(setuid),                                   /* becoming root */
	REFUSE_IF(execve, ONLY(1, 0)),                    /* starting a program, without naming one: with a name the process ends */
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static struct instruction list[7 + CALLS * BLOCK_MAX];
static uint16_t used;

static void emit(uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	list[used++] = (struct instruction){ code, yes, no, k };
}

/* The number is in the accumulator. When it is this call's and the tests hold, its block returns; else the number is back in place
 * behind it. */
static void emit_call(const struct call *c)
{
	uint8_t tests = 0;

	while (tests < TESTS && c->test[tests].at)
		tests++;
	emit(IF_EQUAL, 0, (uint8_t)(tests * TEST_LEN + 1 + (tests > 0)), c->nr);
	for (const struct test *t = c->test; t < c->test + tests; t++) {
		emit(LOAD, 0, 0, AT_ARG(t->at - 1));
		emit(AND, 0, 0, ~t->free);
		emit(IF_EQUAL, 1, 0, t->a);
		emit(IF_EQUAL, 0, (uint8_t)((c->test + tests - t - 1) * TEST_LEN + 1), t->b);
	}
	emit(RETURN, 0, 0, c->refused ? RET_ERRNO | NOT_PERMITTED : RET_ALLOW);
	if (tests)
		emit(LOAD, 0, 0, AT_NR);
}

enum err seal_calls(void)
{
	const struct rlimit none = { 0, 0 };
	struct program p = { 0, list };

	used = 0;
	emit(LOAD, 0, 0, AT_ARCH);
	emit(IF_EQUAL, 1, 0, ARCH_X86_64);
	emit(RETURN, 0, 0, RET_DENIED);
	emit(LOAD, 0, 0, AT_NR);
	emit(IF_ATLEAST, 0, 1, X32_BIT); /* the x32 numbers of the same calls */
	emit(RETURN, 0, 0, RET_DENIED);
	for (size_t i = 0; i < CALLS; i++)
		emit_call(&calls[i]);
	emit(RETURN, 0, 0, RET_DENIED);
	p.n = used;
	if (setrlimit(RLIMIT_NPROC, &none) != 0)
		return ERR_SYSTEM;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &p) == 0 ? ERR_OK : ERR_SYSTEM;
}

size_t seal_calls_allowed(void)
{
	size_t n = 0;

	for (size_t i = 0; i < CALLS; i++)
		n += !calls[i].refused && (i == 0 || calls[i].nr != calls[i - 1].nr);
	return n;
}
