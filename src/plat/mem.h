/* Memory protection. */
#ifndef PLAT_MEM_H
#define PLAT_MEM_H

#include "base/err.h"

#include <stddef.h>

/* Locks whole pages of an area of secrets into memory and leaves them out of core dumps and forks (mlock,
 * MADV_DONTDUMP, MADV_WIPEONFORK). p is page-aligned and n a multiple of 4096. ERR_SYSTEM when locking is refused
 * (RLIMIT_MEMLOCK): the caller says so and goes on, inside SNP memory is encrypted anyway. */
MUST_USE enum err mem_guard(void *p, size_t n);
/* Makes the relocated read-only data (PT_GNU_RELRO) read-only: musl does not do it in static programs. */
MUST_USE enum err mem_relro(void);
/* No core dumps, no ptrace by others of the same user: RLIMIT_CORE 0, PR_SET_DUMPABLE 0, no_new_privs. */
MUST_USE enum err mem_harden_process(void);

#endif
