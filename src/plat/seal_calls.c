/* The system calls left after start: a table with a reason on each line. */
#include "plat/seal.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "plat/snp_device.h"

/* linux/seccomp.h, linux/filter.h, linux/audit.h: kernel headers are not used here. */
#define SECCOMP_SET_MODE_FILTER 1
#define SECCOMP_FILTER_FLAG_TSYNC 1
#define RET_KILL 0x80000000u
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
#define AT_ARG(i) (16u + 8u * (i)) /* low half: little-endian */
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

enum how { ANY, EQUAL, WITHIN, REFUSE };

/* What files are opened with here: never O_APPEND, O_PATH, O_TMPFILE, O_DIRECT. */
#define OPEN_FLAGS (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_DIRECTORY | 0100000)

/* how EQUAL: argument `arg` is one of two values. WITHIN: it has no bit outside `a`. REFUSE: the call fails with EPERM. */
static const struct call {
	uint16_t nr;
	uint8_t how, arg;
	uint32_t a, b;
} calls[] = {
	/* files: the data directory, resolver configuration, tokens, /proc (Landlock says which) */
	{ SYS_openat, WITHIN, 2, OPEN_FLAGS, 0 }, /* plat/file, plat/snp_device */
	{ SYS_open, WITHIN, 1, OPEN_FLAGS, 0 },   /* the same by musl's open() */
	{ SYS_read, ANY, 0, 0, 0 },               /* file contents */
	{ SYS_readv, ANY, 0, 0, 0 },              /* musl reads resolv.conf with it */
	{ SYS_write, ANY, 0, 0, 0 },              /* data files, the log */
	{ SYS_close, ANY, 0, 0, 0 },
	{ SYS_fstat, ANY, 0, 0, 0 },              /* is it a regular file, how long is it */
	{ SYS_stat, ANY, 0, 0, 0 },               /* is the device there; access test */
	{ SYS_lstat, ANY, 0, 0, 0 },              /* access test: what is in the file system */
	{ SYS_newfstatat, ANY, 0, 0, 0 },         /* the same */
	{ SYS_access, ANY, 0, 0, 0 },             /* access test: is there a shell */
	{ SYS_lseek, ANY, 0, 0, 0 },              /* a data file is read twice */
	{ SYS_getdents64, ANY, 0, 0, 0 },         /* access test */
	{ SYS_fsync, ANY, 0, 0, 0 },              /* whole-file replacement */
	{ SYS_renameat, ANY, 0, 0, 0 },           /* the same */
	{ SYS_unlinkat, ANY, 0, 0, 0 },           /* leftovers, spool files */
	{ SYS_mkdir, ANY, 0, 0, 0 },              /* a directory for spool files in the data directory */
	{ SYS_fcntl, EQUAL, 1, F_SETFD, F_GETFL }, /* musl marks resolv.conf close-on-exec */
	/* the SNP device; 0x5413 (TIOCGWINSZ) is how musl asks whether standard input is a terminal, for the access test */
	{ SYS_ioctl, EQUAL, 1, SNP_IOCTL_GUEST, SNP_IOCTL_LEGACY },
	{ SYS_ioctl, EQUAL, 1, 0x5413, 0x5413 },
	/* network */
	{ SYS_socket, EQUAL, 0, AF_INET, AF_INET6 },
	{ SYS_connect, ANY, 0, 0, 0 },            /* services, partners (Landlock says which ports) */
	{ SYS_bind, ANY, 0, 0, 0 },               /* musl's resolver takes a random port */
	{ SYS_accept4, ANY, 0, 0, 0 },
	{ SYS_sendto, ANY, 0, 0, 0 },
	{ SYS_recvfrom, ANY, 0, 0, 0 },
	{ SYS_recvmsg, ANY, 0, 0, 0 },            /* resolver */
	{ SYS_setsockopt, ANY, 0, 0, 0 },         /* no delay */
	{ SYS_getsockopt, ANY, 0, 0, 0 },         /* did the connect work */
	{ SYS_shutdown, ANY, 0, 0, 0 },           /* orderly close */
	{ SYS_poll, ANY, 0, 0, 0 },
	{ SYS_epoll_ctl, ANY, 0, 0, 0 },
	{ SYS_epoll_wait, ANY, 0, 0, 0 },
	{ SYS_epoll_pwait, ANY, 0, 0, 0 },
	/* time, locks, signals, random, end */
	{ SYS_clock_gettime, ANY, 0, 0, 0 },      /* where the vDSO has none */
	{ SYS_nanosleep, ANY, 0, 0, 0 },
	{ SYS_clock_nanosleep, ANY, 0, 0, 0 },
	{ SYS_futex, ANY, 0, 0, 0 },
	{ SYS_rt_sigtimedwait, ANY, 0, 0, 0 },    /* the main thread waits for SIGTERM */
	{ SYS_rt_sigprocmask, ANY, 0, 0, 0 },     /* musl around a thread's end */
	{ SYS_rt_sigreturn, ANY, 0, 0, 0 },
	{ SYS_getrandom, ANY, 0, 0, 0 },
	{ SYS_exit, ANY, 0, 0, 0 },               /* the start thread ends */
	{ SYS_exit_group, ANY, 0, 0, 0 },
	{ SYS_munmap, ANY, 0, 0, 0 },             /* musl at a detached thread's end */
	/* tried by the access test, which shows the answer */
	{ SYS_setuid, REFUSE, 0, 0, 0 },
	{ SYS_setresuid, REFUSE, 0, 0, 0 },
};
enum { CALLS = sizeof calls / sizeof calls[0], LONGEST = 9 };

static struct instruction list[8 + CALLS * LONGEST];
static uint16_t used;

static void emit(uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	list[used++] = (struct instruction){ code, yes, no, k };
}

/* The number is in the accumulator. When it is this call's, its block decides and returns, or falls through with the number back in
 * place: the same call may stand in the table again with other values. */
static void emit_call(const struct call *c)
{
	switch ((enum how)c->how) {
	case ANY:
		emit(IF_EQUAL, 0, 1, c->nr);
		emit(RETURN, 0, 0, RET_ALLOW);
		return;
	case REFUSE:
		emit(IF_EQUAL, 0, 1, c->nr);
		emit(RETURN, 0, 0, RET_ERRNO | NOT_PERMITTED);
		return;
	case EQUAL:
		emit(IF_EQUAL, 0, 5, c->nr);
		emit(LOAD, 0, 0, AT_ARG(c->arg));
		emit(IF_EQUAL, 1, 0, c->a);
		emit(IF_EQUAL, 0, 1, c->b);
		emit(RETURN, 0, 0, RET_ALLOW);
		emit(LOAD, 0, 0, AT_NR);
		return;
	case WITHIN:
		emit(IF_EQUAL, 0, 5, c->nr);
		emit(LOAD, 0, 0, AT_ARG(c->arg));
		emit(AND, 0, 0, ~c->a);
		emit(IF_EQUAL, 0, 1, 0);
		emit(RETURN, 0, 0, RET_ALLOW);
		emit(LOAD, 0, 0, AT_NR);
		return;
	}
}

enum err seal_calls(void)
{
	struct program p = { 0, list };

	used = 0;
	emit(LOAD, 0, 0, AT_ARCH);
	emit(IF_EQUAL, 1, 0, ARCH_X86_64);
	emit(RETURN, 0, 0, RET_KILL);
	emit(LOAD, 0, 0, AT_NR);
	emit(IF_ATLEAST, 0, 1, X32_BIT); /* the x32 numbers of the same calls */
	emit(RETURN, 0, 0, RET_KILL);
	for (size_t i = 0; i < CALLS; i++)
		emit_call(&calls[i]);
	emit(RETURN, 0, 0, RET_KILL);
	p.n = used;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &p) == 0 ? ERR_OK : ERR_SYSTEM;
}

size_t seal_calls_allowed(void)
{
	size_t n = 0;

	for (size_t i = 0; i < CALLS; i++)
		n += calls[i].how != REFUSE && (i == 0 || calls[i].nr != calls[i - 1].nr);
	return n;
}
