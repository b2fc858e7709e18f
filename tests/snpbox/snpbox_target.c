/* snpbox: memory and descriptors of the thread that made a trapped call. */
#include "snpbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/seccomp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define PAGE 4096u

static int device_fd = -1;
static bool by_inode; /* no kcmp in this kernel: device_fd is a memfd, known by its inode */
static struct stat device_stat;

/* The thread may have died and its number been given to another: the kernel tells by the notification. */
static bool still_there(const struct target *t)
{
	uint64_t id = t->id;
	return ioctl(t->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

static int failed(const struct target *t, int e)
{
	static atomic_bool said;

	if (!still_there(t))
		return -ESRCH;
	if (e != EPERM)
		return -EFAULT;
	if (!atomic_exchange(&said, true))
		box_log("may not look into process %d: it is not dumpable, and neither CAP_SYS_PTRACE nor a user "
			"namespace is to be had; run snpbox as root",
			(int)t->tid);
	return -EPERM;
}

int target_read(const struct target *t, uint64_t addr, void *dst, size_t n)
{
	struct iovec local = {.iov_base = dst, .iov_len = n};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr, .iov_len = n};

	if (process_vm_readv(t->tid, &local, 1, &remote, 1, 0) != (ssize_t)n)
		return failed(t, errno);
	return still_there(t) ? 0 : -ESRCH;
}

int target_write(const struct target *t, uint64_t addr, const void *src, size_t n)
{
	struct iovec local = {.iov_base = (void *)(uintptr_t)src, .iov_len = n};
	struct iovec remote = {.iov_base = (void *)(uintptr_t)addr, .iov_len = n};

	if (!still_there(t))
		return -ESRCH;
	if (process_vm_writev(t->tid, &local, 1, &remote, 1, 0) != (ssize_t)n)
		return failed(t, errno);
	return 0;
}

int target_read_path(const struct target *t, uint64_t addr, char *dst, size_t cap)
{
	/* Two pieces, cut at a page border: the string may end right before memory that is not there. */
	size_t first = PAGE - (size_t)(addr % PAGE);
	if (first > cap)
		first = cap;
	struct iovec local = {.iov_base = dst, .iov_len = cap};
	struct iovec remote[2] = {{.iov_base = (void *)(uintptr_t)addr, .iov_len = first},
				  {.iov_base = (void *)(uintptr_t)(addr + first), .iov_len = cap - first}};

	ssize_t n = process_vm_readv(t->tid, &local, 1, remote, 2, 0);
	if (n <= 0)
		return failed(t, errno);
	if (!still_there(t))
		return -ESRCH;
	if (memchr(dst, 0, (size_t)n) != NULL)
		return 0;
	return (size_t)n == cap ? -ENAMETOOLONG : -EFAULT;
}

int target_read_dir(const struct target *t, int dirfd, char *dst, size_t cap)
{
	char link[64];

	if (dirfd == AT_FDCWD)
		snprintf(link, sizeof link, "/proc/%d/cwd", (int)t->tid);
	else
		snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)t->tid, dirfd);
	ssize_t n = readlink(link, dst, cap - 1);
	if (n < 0)
		return -EBADF;
	dst[n] = 0;
	return still_there(t) ? 0 : -ESRCH;
}

static int compare(pid_t tid, int fd)
{
	return (int)syscall(SYS_kcmp, getpid(), tid, KCMP_FILE, (unsigned long)device_fd, (unsigned long)fd);
}

/* Preferred: one open description of /dev/null, given to all, compared by kcmp. It is a character device as the real one
 * is, and a Landlock rule can name it. Otherwise a memfd, which nothing can be written to. */
bool target_init(void)
{
	device_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (device_fd >= 0 && compare(getpid(), device_fd) == 0)
		return true;
	if (device_fd >= 0)
		close(device_fd);
	by_inode = true;
	device_fd = memfd_create("sev-guest", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (device_fd < 0 || fcntl(device_fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_WRITE) != 0 ||
	    fstat(device_fd, &device_stat) != 0) {
		box_log("device file: %s", strerror(errno));
		return false;
	}
	return true;
}

int target_device_fd(void)
{
	return device_fd;
}

bool target_is_device(const struct target *t, int fd)
{
	char path[64];
	struct stat st;

	if (fd < 0)
		return false;
	if (!by_inode) {
		int c = compare(t->tid, fd);
		if (c < 0 && errno == EPERM)
			failed(t, EPERM);
		return c == 0 && still_there(t);
	}
	snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)t->tid, fd);
	return stat(path, &st) == 0 && st.st_ino == device_stat.st_ino && st.st_dev == device_stat.st_dev && still_there(t);
}
