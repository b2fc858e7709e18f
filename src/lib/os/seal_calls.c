/* The system calls left after start: the filter made from the rules. */
#include "os/seal.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

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

enum { TEST_LEN = 4, BLOCK_MAX = 3 + SEAL_TESTS * TEST_LEN, LIST_MAX = 7 + SEAL_CALLS_MAX * BLOCK_MAX };
_Static_assert(LIST_MAX <= 4096, "BPF_MAXINSNS");

/* A filter in the making. */
struct filter {
	struct instruction list[LIST_MAX];
	uint16_t n;
};

static size_t allowed; /* in force */

static void emit(struct filter *f, uint16_t code, uint8_t yes, uint8_t no, uint32_t k)
{
	f->list[f->n++] = (struct instruction){ code, yes, no, k };
}

/* The number is in the accumulator. When it is this call's and the tests hold, its block returns; else the number is back in place
 * behind it. */
static void emit_call(struct filter *f, const struct seal_call *c)
{
	uint8_t tests = 0;

	while (tests < SEAL_TESTS && c->test[tests].at)
		tests++;
	emit(f, IF_EQUAL, 0, (uint8_t)(tests * TEST_LEN + 1 + (tests > 0)), c->nr);
	for (const struct seal_test *t = c->test; t < c->test + tests; t++) {
		emit(f, LOAD, 0, 0, AT_ARG(t->at - 1));
		emit(f, AND, 0, 0, ~t->free);
		emit(f, IF_EQUAL, 1, 0, t->a);
		emit(f, IF_EQUAL, 0, (uint8_t)((c->test + tests - t - 1) * TEST_LEN + 1), t->b);
	}
	emit(f, RETURN, 0, 0, c->refused ? RET_ERRNO | NOT_PERMITTED : RET_ALLOW);
	if (tests)
		emit(f, LOAD, 0, 0, AT_NR);
}

enum err seal_calls(const struct seal *s)
{
	const struct rlimit none = { 0, 0 };
	struct filter f = { .n = 0 };
	struct program p;
	size_t n = 0;

	if (s->over)
		return ERR_FULL;
	emit(&f, LOAD, 0, 0, AT_ARCH);
	emit(&f, IF_EQUAL, 1, 0, ARCH_X86_64);
	emit(&f, RETURN, 0, 0, RET_DENIED);
	emit(&f, LOAD, 0, 0, AT_NR);
	emit(&f, IF_ATLEAST, 0, 1, X32_BIT); /* the x32 numbers of the same calls */
	emit(&f, RETURN, 0, 0, RET_DENIED);
	for (size_t i = 0; i < s->n_calls; i++) {
		emit_call(&f, &s->calls[i]);
		/* Rules of a call stand together, those that allow it first. */
		n += !s->calls[i].refused && (i == 0 || s->calls[i].nr != s->calls[i - 1].nr);
	}
	emit(&f, RETURN, 0, 0, RET_DENIED);
	p = (struct program){ f.n, f.list };
	if (setrlimit(RLIMIT_NPROC, &none) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &p) != 0)
		return ERR_SYSTEM;
	allowed = n;
	return ERR_OK;
}

size_t seal_calls_allowed(void)
{
	return allowed;
}
