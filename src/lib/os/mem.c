/* Memory protection. */
#include "os/mem.h"

#include <elf.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"

#ifndef MADV_WIPEONFORK
#define MADV_WIPEONFORK 18
#endif
#define PAGE ((uintptr_t)4096)

enum err mem_guard(void *p, size_t n)
{
	int dump = madvise(p, n, MADV_DONTDUMP);

	/* Refused on shared mappings only; ours are private. The process never forks: this is a second fence. */
	(void)madvise(p, n, MADV_WIPEONFORK);
	return mlock(p, n) == 0 && dump == 0 ? ERR_OK : ERR_SYSTEM;
}

/* Start of the loaded image, by the linker: a static-pie has no PT_PHDR to compute the load address from, but its first
 * segment holds the ELF header and lies at virtual address 0. */
extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));

enum err mem_relro(void)
{
	uintptr_t base = (uintptr_t)&__ehdr_start;
	const ElfW(Phdr) *ph = (const ElfW(Phdr) *)(base + __ehdr_start.e_phoff);

	for (size_t i = 0; i < __ehdr_start.e_phnum; i++) {
		if (ph[i].p_type == PT_GNU_RELRO) {
			uintptr_t from = (base + ph[i].p_vaddr) & ~(PAGE - 1);
			uintptr_t to = (base + ph[i].p_vaddr + ph[i].p_memsz) & ~(PAGE - 1);

			return to <= from || mprotect((void *)from, to - from, PROT_READ) == 0 ? ERR_OK : ERR_SYSTEM;
		}
	}
	return ERR_NOT_FOUND;
}

/* At most this, or what we are given when that is less. */
static bool limit(int what, uint64_t most)
{
	struct rlimit r;

	if (getrlimit(what, &r) != 0)
		return false;
	if (r.rlim_max > most)
		r.rlim_max = most;
	r.rlim_cur = r.rlim_max;
	return setrlimit(what, &r) == 0;
}

/* linux/capability.h: version 3, this thread; all sets empty. The bounding set can be emptied only with CAP_SETPCAP; without it nothing is
 * lost, for it matters at execve alone. */
static bool drop_capabilities(void)
{
	struct { uint32_t version; int32_t pid; } head = { 0x20080522, 0 };
	const struct { uint32_t effective, permitted, inheritable; } none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };

	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		(void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	return syscall(SYS_capset, &head, none) == 0;
}

enum err mem_harden_process(void)
{
	return limit(RLIMIT_CORE, 0) && limit(RLIMIT_FSIZE, DATA_FILE_MAX) && limit(RLIMIT_NOFILE, FILES_MAX) && drop_capabilities() &&
	       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? ERR_OK : ERR_SYSTEM;
}
