/* Memory protection. */
#include "plat/mem.h"

#include <elf.h>
#include <link.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

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

enum err mem_harden_process(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return ERR_SYSTEM;
	return ERR_OK;
}
