/* Landlock: the files and ports left after start. */
#include "os/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/span.h"

/* linux/landlock.h */
#define SYS_CREATE_RULESET 444
#define SYS_ADD_RULE 445
#define SYS_RESTRICT_SELF 446
#define ASK_VERSION 1u
#define RULE_PATH 1
#define RULE_PORT 2
enum {
	FS_EXECUTE = 1 << 0, FS_WRITE_FILE = 1 << 1, FS_READ_FILE = 1 << 2, FS_READ_DIR = 1 << 3, FS_REMOVE_FILE = 1 << 5, FS_MAKE_DIR = 1 << 7,
	FS_MAKE_REG = 1 << 8,
	FS_REFER = 1 << 13, FS_TRUNCATE = 1 << 14, FS_IOCTL_DEV = 1 << 15,
	FS_FIRST = (1 << 13) - 1, /* all rights of ABI 1 */
	NET_BIND = 1 << 0, NET_CONNECT = 1 << 1,
};

struct ruleset {
	uint64_t fs, net;
};
struct path_rule {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));
struct port_rule {
	uint64_t allowed, port;
};

/* What this kernel can refuse: rights it does not know must not be named (landlock(7), "compatibility"). */
static struct ruleset handled(long abi)
{
	struct ruleset r = { FS_FIRST, 0 };

	if (abi >= 2)
		r.fs |= FS_REFER;
	if (abi >= 3)
		r.fs |= FS_TRUNCATE;
	if (abi >= 4)
		r.net = NET_BIND | NET_CONNECT; /* no rule allows a new listener */
	if (abi >= 5)
		r.fs |= FS_IOCTL_DEV;
	return r;
}

static const uint64_t rights[] = {
	[SEAL_READ] = FS_READ_FILE | FS_READ_DIR,
	[SEAL_BESIDE] = FS_READ_FILE | FS_READ_DIR,
	[SEAL_LIST] = FS_READ_DIR,
	[SEAL_REPLACE] = FS_READ_FILE | FS_READ_DIR | FS_WRITE_FILE | FS_MAKE_REG | FS_MAKE_DIR | FS_REMOVE_FILE | FS_TRUNCATE,
	[SEAL_DEVICE] = FS_READ_FILE | FS_WRITE_FILE | FS_IOCTL_DEV,
};

static enum err add_path(int set, const struct seal_path *p, uint64_t known)
{
	struct path_rule rule = { rights[p->use] & known, -1 };
	const char *last = strrchr(p->path, '/'), *path = p->path;
	char dir[1024];
	struct stat st;
	long r;

	if (p->use == SEAL_BESIDE) {
		if (!last || last == path)
			return ERR_OK;
		if (!span_copy_str(span_of(path, (size_t)(last - path)), dir, sizeof dir))
			return ERR_SYSTEM;
		path = dir;
	}
	rule.fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? ERR_OK : ERR_SYSTEM;
	/* Rights of directories cannot be given to a file. */
	if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
		rule.allowed &= FS_EXECUTE | FS_WRITE_FILE | FS_READ_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
	r = syscall(SYS_ADD_RULE, set, RULE_PATH, &rule, 0);
	close(rule.fd);
	return r == 0 ? ERR_OK : ERR_SYSTEM;
}

enum err seal_files(const struct seal *s, int *abi)
{
	long version = syscall(SYS_CREATE_RULESET, NULL, 0, ASK_VERSION);
	struct ruleset r = handled(version);
	enum err e = ERR_OK;
	int set;

	*abi = 0;
	if (s->over)
		return ERR_FULL;
	if (version < 1)
		return ERR_NOT_FOUND;
	*abi = (int)version;
	set = (int)syscall(SYS_CREATE_RULESET, &r, version >= 4 ? sizeof r : sizeof r.fs, 0);
	if (set < 0)
		return ERR_SYSTEM;
	for (size_t i = 0; i < s->n_paths && e == ERR_OK; i++)
		e = add_path(set, &s->paths[i], r.fs);
	for (size_t i = 0; i < s->n_ports && e == ERR_OK && r.net; i++) {
		struct port_rule rule = { NET_CONNECT, s->ports[i] };

		if (syscall(SYS_ADD_RULE, set, RULE_PORT, &rule, 0) != 0)
			e = ERR_SYSTEM;
	}
	if (e == ERR_OK && syscall(SYS_RESTRICT_SELF, set, 0) != 0)
		e = ERR_SYSTEM;
	close(set);
	return e;
}
