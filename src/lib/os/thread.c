/* Threads on static stacks. */
#include "os/thread.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "os/clock.h"

/* The page below each stack can be neither read nor written: what runs over ends the process
 * there (SIGSEGV) instead of in the neighbour's stack. No frame steps over it: they are probed
 * page by page (-fstack-clash-protection). */
#define STACK_LEN (512 * 1024)
#define GUARD_LEN 4096

struct start {
	void (*fn)(void *);
	void *arg;
};

static struct start starts[THREADS_MAX];
static _Alignas(GUARD_LEN) struct {
	unsigned char guard[GUARD_LEN], stack[STACK_LEN];
} stacks[THREADS_MAX];
static int started;
static atomic_int arrived;
static atomic_bool held;

static void *run(void *p)
{
	const struct start *s = p;

	atomic_fetch_add(&arrived, 1);
	while (held)
		clock_sleep(1, INT64_MAX);
	s->fn(s->arg);
	return NULL;
}

enum err thread_start(void (*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t id;
	sigset_t all, before;
	int failed;

	if (started == THREADS_MAX)
		return ERR_FULL;
	starts[started] = (struct start){ fn, arg };
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_attr_init(&attr) != 0 ||
	         mprotect(stacks[started].guard, GUARD_LEN, PROT_NONE) != 0 ||
	         pthread_attr_setstack(&attr, stacks[started].stack, STACK_LEN) != 0 ||
	         pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) != 0 ||
	         pthread_create(&id, &attr, run, &starts[started]) != 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed)
		return ERR_SYSTEM;
	started++;
	return ERR_OK;
}

unsigned thread_processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

void thread_hold(void)
{
	held = true;
}

enum err thread_go(enum err (*sealing)(void))
{
	enum err e;

	while (arrived < started)
		clock_sleep(1, INT64_MAX);
	e = sealing ? sealing() : ERR_OK;
	if (e == ERR_OK)
		held = false;
	return e;
}
