/* The process confines itself: Landlock for files and outgoing ports, seccomp for system calls. What is sealed stays sealed.
 *
 * What stays allowed comes from lists. A module declares what its functions need (struct seal_list), a program names the lists of the
 * modules that it uses, and adds the paths and ports of its settings. Order does not matter, and a rule may come more than once. */
#ifndef OS_SEAL_H
#define OS_SEAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- system calls --- */

/* Argument `at` (the first is 1; 0: no test) without the bits `free` is `a` or `b`. The low halves are compared: arguments
 * tested here are ints, of which the kernel takes no more. */
struct seal_test {
	uint32_t at, free, a, b;
};
#define SEAL_TESTS 3
struct seal_call {
	uint16_t nr;
	uint16_t refused; /* 1: fails with EPERM; without a rule for it the call ends the process */
	struct seal_test test[SEAL_TESTS]; /* all must hold */
};
/* A rule is a line with its reason, which TCB.md repeats (scripts/audit.js). `call` is a name of sys/syscall.h, which the module includes. */
#define SEAL_ALLOW(call) { .nr = SYS_##call }
#define SEAL_ALLOW_IF(call, ...) { .nr = SYS_##call, .test = { __VA_ARGS__ } }
#define SEAL_REFUSE(call) { .nr = SYS_##call, .refused = 1 }
#define SEAL_REFUSE_IF(call, ...) { .nr = SYS_##call, .refused = 1, .test = { __VA_ARGS__ } }
#define ONLY(at, v) { at, 0, v, v }
#define EITHER(at, v, w) { at, 0, v, w }
#define WITHIN(at, bits) { at, bits, 0, 0 } /* no other bit is set */
#define SEAL_LARGEFILE 0100000 /* musl adds it to the flags of what is opened */

/* --- files --- */

/* What may be done below a path (or with the file it names). */
enum seal_use {
	SEAL_READ,    /* read files, list directories */
	SEAL_BESIDE,  /* the same in the directory that holds the file: one that others replace under us, when a rule for it would
	                 hold for what is there now. Nothing for a file in "/". */
	SEAL_LIST,    /* list directories only */
	SEAL_REPLACE, /* read, create, write, rename within, remove: the data directory */
	SEAL_DEVICE,  /* open for both and ioctl */
};

struct seal_path {
	const char *path; /* one that does not exist is left out */
	enum seal_use use;
};

/* --- lists --- */

/* What a module needs. Static. */
struct seal_list {
	const struct seal_call *calls;
	size_t n_calls;
	const struct seal_path *paths;
	size_t n_paths;
};
#define SEAL_CALLS(list) .calls = (list), .n_calls = sizeof(list) / sizeof((list)[0])
#define SEAL_PATHS(list) .paths = (list), .n_paths = sizeof(list) / sizeof((list)[0])

/* What every server of this library needs: log, threads, time, clients. Where files are read (os/file), outgoing connections made (os/net),
 * names looked up (os/resolve) or reports taken (os/snp_device), their lists come along. */
extern const struct seal_list seal_base;

/* All that this process may do. Empty at first ({ 0 }); filled before sealing. Rules that are equal are kept once. */
#define SEAL_CALLS_MAX 64
#define SEAL_PATHS_MAX 32
#define SEAL_PORTS_MAX 64
struct seal {
	struct seal_call calls[SEAL_CALLS_MAX];
	struct seal_path paths[SEAL_PATHS_MAX];
	uint16_t ports[SEAL_PORTS_MAX];
	size_t n_calls, n_paths, n_ports;
	const char *over; /* the limit that a rule went over, or NULL. Then nothing is sealed. */
};
void seal_add(struct seal *s, const struct seal_list *list);
/* path is kept as it is, a pointer; "" adds nothing. */
void seal_add_path(struct seal *s, const char *path, enum seal_use use);
/* A TCP port that may be connected to. */
void seal_add_port(struct seal *s, uint16_t port);

/* Landlock (landlock(7)): from now on this thread, and those it starts, can use these paths only, and where the kernel has it (ABI 4)
 * connect to these TCP ports only and take none. Call before threads are started. *abi: the kernel's Landlock version. ERR_NOT_FOUND: the kernel has no
 * Landlock; the caller says so and goes on. ERR_FULL: more rules than a limit (s->over). ERR_SYSTEM otherwise. */
MUST_USE enum err seal_files(const struct seal *s, int *abi);

/* seccomp (seccomp(2)): from now on every thread may make these calls only, with these arguments; any other ends the process at once
 * (SIGSYS), but those that are refused, which fail with EPERM. A call that one list allows and another refuses is allowed.
 * RLIMIT_NPROC becomes 0. Needs no_new_privs. All threads must have been started and be past their start (os/thread: thread_arrived).
 * ERR_FULL: more rules than a limit. ERR_SYSTEM: not available. The caller must not go on after either. */
MUST_USE enum err seal_calls(const struct seal *s);
/* How many calls the seal in force allows, however many rules each has. 0 before seal_calls. */
size_t seal_calls_allowed(void);

#endif
