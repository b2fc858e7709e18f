/* Memory protection. */
#ifndef OS_MEM_H
#define OS_MEM_H

#include "base/err.h"

#include <stddef.h>

/* Locks whole pages of an area of secrets into memory and leaves them out of core dumps and forks (mlock,
 * MADV_DONTDUMP, MADV_WIPEONFORK). p is page-aligned and n a multiple of 4096. ERR_SYSTEM when locking is refused
 * (RLIMIT_MEMLOCK): the caller says so and goes on, inside SNP memory is encrypted anyway. */
MUST_USE enum err mem_guard(void *p, size_t n);
/* Makes the relocated read-only data (PT_GNU_RELRO) read-only: musl does not do it in static programs. */
MUST_USE enum err mem_relro(void);
/* Gives up what the process does not need: core dumps, being traced by others of the same user (PR_SET_DUMPABLE 0), all capabilities and
 * the way to new ones (no_new_privs), files larger than DATA_FILE_MAX or more than FILES_MAX. Capabilities are of each thread: call before
 * threads are started, and after what needs them (mem_guard, ports below 1024). ERR_SYSTEM: the caller must not go on. */
MUST_USE enum err mem_harden_process(void);

#endif
