/* "make debug": the program that names a system call it may not make before it dies of it. The seal answers such a call with a signal there
 * (RET_DENIED in src/lib/os/seal_calls.c), and this is its handler. Nothing of it is in the shipped program. */
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/out.h"

static const char *const names[] = {
#include "syscall_names.h"
};

static void denied(int signal, siginfo_t *info, void *context)
{
	uint8_t buf[256];
	struct out o = out_init(buf, sizeof buf);
	const greg_t *r = ((const ucontext_t *)context)->uc_mcontext.gregs;
	const int arguments[] = { REG_RDI, REG_RSI, REG_RDX, REG_R10, REG_R8, REG_R9 };
	unsigned nr = (unsigned)info->si_syscall;

	(void)signal;
	out_str(&o, "sealed: system call ");
	out_u64(&o, nr);
	out_str(&o, " (");
	out_str(&o, nr < sizeof names / sizeof names[0] && names[nr] ? names[nr] : "no such call");
	out_str(&o, ") is not allowed with");
	for (size_t i = 0; i < sizeof arguments / sizeof arguments[0]; i++) {
		out_str(&o, " 0x");
		out_hex_u64(&o, (uint64_t)r[arguments[i]]);
	}
	out_byte(&o, '\n');
	(void)!write(STDERR_FILENO, o.p, o.n);
	/* SIGSYS is blocked in its own handler: now it ends the process. */
	for (;;)
		syscall(SYS_getpid);
}

__attribute__((constructor)) static void install(void)
{
	struct sigaction a = { .sa_sigaction = denied, .sa_flags = SA_SIGINFO };

	(void)sigaction(SIGSYS, &a, NULL);
}

/* The program blocks all signals in all threads; this one has to come through (--wrap=sigfillset). */
int __real_sigfillset(sigset_t *set);
int __wrap_sigfillset(sigset_t *set);
int __wrap_sigfillset(sigset_t *set)
{
	int r = __real_sigfillset(set);

	(void)sigdelset(set, SIGSYS);
	return r;
}
