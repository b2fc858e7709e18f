/* Looking at our own surroundings, harmlessly: what a container is and what could be done in it. Safe while other threads work:
 * nothing is executed, nothing of the process is changed. */
#ifndef DEMO_PROBE_H
#define DEMO_PROBE_H

#include "base/err.h"
#include "base/span.h"
#include "os/seal.h"

/* What these functions need in a sealed process, besides os/file's and os/net's lists. */
extern const struct seal_list probe_seal;

/* errno of the attempt, 0 when it succeeded. */
int probe_connect(uint16_t port, int64_t deadline_ms); /* TCP to 127.0.0.1, closed at once */
int probe_open(const char *path, bool write);           /* open for reading or writing, closed at once */
int probe_executable(const char *path);                 /* access(2): something is there and may be executed */
/* "ENOENT", "EACCES", ...; "errno" for those without a name here; "success" for 0. */
const char *probe_errno_name(int error);

/* Permission bits of something, and what it is ("character device", "file", "directory", "other"); -1 when it is not there. */
int probe_mode(const char *path, const char **type);

/* The process as the kernel shows it in /proc/self/status. -1 where it says nothing. */
struct probe_self {
	int64_t uid; /* effective */
	int no_new_privs, seccomp, filters; /* seccomp: 2 with filters, their number (from Linux 5.11 on) */
	bool caps_known;
	uint64_t cap_eff;
};
void probe_self(struct probe_self *p);
/* For the sealed process (os/seal.h), whose filter answers both with EPERM. setuid(0): errno; -1, not tried: there are filters of others,
 * which might end the process instead. execve of no program, which without a filter is EFAULT: errno. */
int probe_become_root(const struct probe_self *p);
int probe_execve(void);

/* Ports that listen in our network namespace (/proc/net/tcp and tcp6), each once, ascending; *n of them in ports[cap]. false: not
 * readable. */
bool probe_listeners(uint16_t *ports, size_t cap, size_t *n);

/* Standard input: "closed", "null device", "terminal", "pipe", "socket", "file", "device". */
const char *probe_stdin(void);

/* Executable files in the root file system, other than this program; /proc, /sys and /dev, which are not files of the image, left
 * out. Bounded: at most PROBE_ENTRIES directory entries and until the deadline; complete tells whether all was seen. About 36 KiB. */
#define PROBE_ENTRIES 60000
#define PROBE_SHOWN 6
struct probe_walk {
	uint64_t files, executables; /* regular files seen; of them executable and not this program */
	bool complete;
	char shown[PROBE_SHOWN][128]; /* the first of them */
	char pending[32768];          /* working memory: directories still to be read */
};
void probe_executables(struct probe_walk *w, int64_t deadline_ms);

/* The last path element of the container runtime's line of /proc/1/cgroup, its first 12 characters; false when there is none. */
bool probe_container_id(char id[13]);

#endif
