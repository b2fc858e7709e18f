/* snpbox: the system calls that name a file, answered when the file is a guest device. */
#include "snpbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Newer than the headers of some build machines. */
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#define PATH_CAP 256
#define START 1735689600 /* times of the device node */

enum op { OP_OPEN, OP_OPENAT2, OP_STAT, OP_STATX, OP_ACCESS };

/* The system calls that name a file; which argument is the directory (-1: none), the path, and what op needs. */
static const struct call {
	int nr, dir, path, extra;
	enum op op;
} CALLS[] = {
	{SYS_open, -1, 0, 1, OP_OPEN},	       {SYS_openat, 0, 1, 2, OP_OPEN},	   {SYS_openat2, 0, 1, 2, OP_OPENAT2},
	{SYS_stat, -1, 0, 1, OP_STAT},	       {SYS_lstat, -1, 0, 1, OP_STAT},	   {SYS_newfstatat, 0, 1, 2, OP_STAT},
	{SYS_statx, 0, 1, 4, OP_STATX},	       {SYS_access, -1, 0, 1, OP_ACCESS}, {SYS_faccessat, 0, 1, 2, OP_ACCESS},
	{SYS_faccessat2, 0, 1, 2, OP_ACCESS},
};
_Static_assert(sizeof CALLS / sizeof CALLS[0] == PATH_CALLS, "snpbox.h");

int path_call_nr(size_t i)
{
	return CALLS[i].nr;
}

/* Takes "//" and "/./" out of an absolute path. */
static void path_tidy(char *p)
{
	char *w = p;

	for (char *r = p; *r != 0; r++) {
		if (r[0] == '/' && r[1] == '/')
			continue;
		if (r[0] == '/' && r[1] == '.' && r[2] == '/') {
			r++;
			continue;
		}
		*w++ = *r;
	}
	*w = 0;
}

/* Which device path a call names: DEVICE_NONE for all other files. */
static enum device path_device(const struct target *t, const struct call *c, const uint64_t args[6])
{
	char name[PATH_CAP], full[2 * PATH_CAP];
	int dirfd = c->dir < 0 ? AT_FDCWD : (int)(uint32_t)args[c->dir];

	if (target_read_path(t, args[c->path], name, sizeof name) != 0)
		return DEVICE_NONE;
	const char *slash = strrchr(name, '/');
	const char *last = slash == NULL ? name : slash + 1;
	if (strcmp(last, "sev-guest") != 0 && strcmp(last, "sev") != 0)
		return DEVICE_NONE;
	full[0] = 0;
	if (name[0] != '/') {
		if (target_read_dir(t, dirfd, full, PATH_CAP) != 0)
			return DEVICE_NONE;
		strcat(full, "/");
	}
	strcat(full, name);
	path_tidy(full);
	if (strcmp(full, DEVICE_NAME(DEVICE_SEV_GUEST)) == 0)
		return DEVICE_SEV_GUEST;
	return strcmp(full, DEVICE_NAME(DEVICE_SEV)) == 0 ? DEVICE_SEV : DEVICE_NONE;
}

/* True when the descriptor was given, and the call thereby answered; otherwise *rc is the answer. */
static bool device_open(const struct target *t, uint64_t flags, int *rc)
{
	if ((*rc = -faults_next_open()) != 0)
		return false;
	if ((flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		*rc = -EEXIST;
	else if ((flags & O_DIRECTORY) != 0)
		*rc = -ENOTDIR;
	if (*rc != 0)
		return false;
	struct seccomp_notif_addfd a = {.id = t->id,
					.flags = SECCOMP_ADDFD_FLAG_SEND,
					.srcfd = (uint32_t)target_device_fd(),
					.newfd_flags = (uint32_t)(flags & O_CLOEXEC)};
	if (ioctl(t->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &a) >= 0 || errno == ENOENT)
		return true;
	*rc = -errno;
	return false;
}

static int device_stat(const struct target *t, uint64_t buf)
{
	struct stat s;

	memset(&s, 0, sizeof s);
	s.st_dev = makedev(0, 6);
	s.st_ino = 121;
	s.st_mode = S_IFCHR | 0600;
	s.st_nlink = 1;
	s.st_rdev = makedev(10, 121);
	s.st_blksize = 4096;
	s.st_atim = s.st_mtim = s.st_ctim = (struct timespec){.tv_sec = START};
	return target_write(t, buf, &s, sizeof s);
}

static int device_statx(const struct target *t, uint64_t buf)
{
	struct statx s;

	memset(&s, 0, sizeof s);
	s.stx_mask = STATX_BASIC_STATS;
	s.stx_blksize = 4096;
	s.stx_nlink = 1;
	s.stx_mode = S_IFCHR | 0600;
	s.stx_ino = 121;
	s.stx_rdev_major = 10;
	s.stx_rdev_minor = 121;
	s.stx_dev_minor = 6;
	s.stx_atime.tv_sec = s.stx_mtime.tv_sec = s.stx_ctime.tv_sec = START;
	return target_write(t, buf, &s, sizeof s);
}

/* A call that names the device: true when it is answered already, otherwise *rc is the answer. */
static bool device_path_call(const struct target *t, const struct call *c, const uint64_t args[6], int *rc)
{
	struct open_how how = {0};

	switch (c->op) {
	case OP_OPEN:
		return device_open(t, args[c->extra], rc);
	case OP_OPENAT2:
		if (args[3] < sizeof how)
			*rc = -EINVAL;
		else
			*rc = target_read(t, args[c->extra], &how, sizeof how);
		return *rc == 0 && device_open(t, how.flags, rc);
	case OP_STAT:
		*rc = device_stat(t, args[c->extra]);
		return false;
	case OP_STATX:
		*rc = device_statx(t, args[c->extra]);
		return false;
	case OP_ACCESS:
		*rc = (args[c->extra] & X_OK) != 0 ? -EACCES : 0;
		return false;
	}
	return false;
}

void path_call(const struct target *t, const struct options *opts, int nr, const uint64_t args[6])
{
	const struct call *c = CALLS;
	int rc = -ENOENT;

	while (c->nr != nr)
		c++;
	enum device d = path_device(t, c, args);
	if (d == DEVICE_NONE) {
		notify_send(t, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		return;
	}
	bool answered = d == opts->device && device_path_call(t, c, args, &rc);
	if (opts->verbose)
		box_log("%s: call %d of thread %d: %s", DEVICE_NAME(d), c->nr, (int)t->tid, strerrorname_np(-rc));
	if (!answered)
		notify_send(t, rc, 0);
}
