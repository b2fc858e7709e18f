/* The process confines itself: Landlock for files and outgoing ports, seccomp for system calls. What is sealed stays sealed. */
#ifndef OS_SEAL_H
#define OS_SEAL_H

#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

/* What may be done below a path (or with the file it names). */
enum seal_use {
	SEAL_READ,    /* read files, list directories */
	SEAL_LIST,    /* list directories only */
	SEAL_REPLACE, /* read, create, write, rename within, remove: the data directory */
	SEAL_DEVICE,  /* open for both and ioctl */
};

struct seal_path {
	const char *path; /* one that does not exist is left out */
	enum seal_use use;
};

/* Landlock (landlock(7)): from now on this thread, and those it starts, can use these paths only, and where the kernel has it (ABI 4)
 * connect to these TCP ports only and take none. Call before threads are started. *abi: the kernel's Landlock version. ERR_NOT_FOUND: the kernel has no
 * Landlock; the caller says so and goes on. ERR_SYSTEM otherwise. */
MUST_USE enum err seal_files(const struct seal_path *paths, size_t n_paths, const uint16_t *ports, size_t n_ports, int *abi);

/* seccomp (seccomp(2)): from now on every thread may make the calls of the table in seal_calls.c only, with the arguments named there;
 * any other ends the process at once (SIGSYS), but those that /container/access-test tries, which fail with EPERM. RLIMIT_NPROC becomes
 * 0. Needs no_new_privs. All threads must have been
 * started and be past their start (os/thread: thread_arrived). ERR_SYSTEM: not available; the caller must not go on. */
MUST_USE enum err seal_calls(void);
/* How many calls the table allows. */
size_t seal_calls_allowed(void);

#endif
