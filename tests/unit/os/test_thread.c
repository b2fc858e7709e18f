/* Threads: what runs over its stack ends the process before it reaches its neighbour's. */
#include "t.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/clock.h"
#include "os/thread.h"

#define FRAME 1024
#define BEYOND (1024 * 1024) /* deeper than a stack is */

static atomic_bool done;

/* Uses bytes of stack, some in each call. */
static size_t use(size_t bytes)
{
	volatile uint8_t frame[FRAME];

	for (size_t i = 0; i < FRAME; i++)
		frame[i] = (uint8_t)bytes;
	return bytes < FRAME ? frame[0] : use(bytes - FRAME) + frame[1];
}

static void idle(void *arg)
{
	(void)arg;
	clock_sleep(60000, INT64_MAX);
}

static void run_over(void *arg)
{
	(void)use(*(const size_t *)arg);
	done = true;
}

/* In a process of its own: two threads, the upper of which uses so much stack. How the process ended. */
static int end_of(size_t bytes)
{
	int status = 0;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		alarm(20);
		if (thread_start(idle, NULL) != ERR_OK || thread_start(run_over, &bytes) != ERR_OK)
			_exit(1);
		while (!done)
			clock_sleep(1, INT64_MAX);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void a_stack_overflow_ends_the_process(void **state)
{
	int status = end_of(BEYOND);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSEGV);
}

static void a_large_part_of_the_stack_can_be_used(void **state)
{
	int status = end_of(128 * 1024);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

UNIT(thread)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stack_overflow_ends_the_process),
		cmocka_unit_test(a_large_part_of_the_stack_can_be_used),
	};

	return cmocka_run_group_tests_name("thread", tests, NULL, NULL);
}
