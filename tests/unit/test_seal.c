/* The seal: each call that is not allowed ends the process; files and ports outside the rules are refused. */
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plat/net.h"
#include "plat/clock.h"
#include "plat/seal.h"

/* How a child ends that is sealed and then makes one call: its exit status, or 1000 + signal. 99: it could not be sealed. Only raw calls:
 * the sanitizers' own would not be allowed. */
static int sealed(long nr, long a, long b, long c)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || seal_calls() != ERR_OK)
			syscall(SYS_exit_group, 99);
		errno = 0;
		syscall(nr, a, b, c, 0, 0, 0);
		syscall(SYS_exit_group, errno == EPERM ? 1 : 0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void every_denied_call_ends_the_process(void **state)
{
	static const struct {
		const char *name;
		long nr, a, b, c;
	} denied[] = {
		{ "execve", SYS_execve, 0, 0, 0 }, { "execveat", SYS_execveat, -1, 0, 0 }, { "fork", SYS_fork, 0, 0, 0 },
		{ "vfork", SYS_vfork, 0, 0, 0 }, { "clone", SYS_clone, 0, 0, 0 }, { "clone3", SYS_clone3, 0, 0, 0 },
		{ "ptrace", SYS_ptrace, 0, 0, 0 }, { "process_vm_readv", SYS_process_vm_readv, 0, 0, 0 },
		{ "mmap", SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC }, { "mprotect", SYS_mprotect, 0, 0, PROT_EXEC },
		{ "mremap", SYS_mremap, 0, 0, 0 }, { "memfd_create", SYS_memfd_create, 0, 0, 0 }, { "kill", SYS_kill, 0, 0, 0 },
		{ "tkill", SYS_tkill, 0, 0, 0 }, { "mount", SYS_mount, 0, 0, 0 }, { "chroot", SYS_chroot, 0, 0, 0 },
		{ "unshare", SYS_unshare, 0, 0, 0 }, { "setns", SYS_setns, -1, 0, 0 }, { "bpf", SYS_bpf, 0, 0, 0 },
		{ "io_uring_setup", SYS_io_uring_setup, 0, 0, 0 }, { "perf_event_open", SYS_perf_event_open, 0, 0, 0 },
		{ "init_module", SYS_init_module, 0, 0, 0 }, { "prctl", SYS_prctl, PR_SET_DUMPABLE, 1, 0 }, { "listen", SYS_listen, -1, 0, 0 },
		{ "chmod", SYS_chmod, 0, 0, 0 }, { "link", SYS_link, 0, 0, 0 }, { "symlink", SYS_symlink, 0, 0, 0 }, { "rename", SYS_rename, 0, 0, 0 },
		{ "unlink", SYS_unlink, 0, 0, 0 }, { "openat2", SYS_openat2, -1, 0, 0 }, { "openat for O_PATH", SYS_openat, -1, 0, O_PATH },
		{ "open for O_APPEND", SYS_open, 0, O_APPEND, 0 }, { "a unix socket", SYS_socket, AF_UNIX, SOCK_STREAM, 0 },
		{ "a netlink socket", SYS_socket, AF_NETLINK, SOCK_RAW, 0 }, { "a packet socket", SYS_socket, AF_PACKET, SOCK_RAW, 0 },
		{ "ioctl TIOCSTI", SYS_ioctl, 0, TIOCSTI, 0 }, { "SNP_GET_DERIVED_KEY", SYS_ioctl, -1, (long)0xC0205301, 0 },
		{ "fcntl F_DUPFD", SYS_fcntl, 0, F_DUPFD, 0 }, { "seccomp", SYS_seccomp, 0, 0, 0 }, { "no such call", 100000, 0, 0, 0 },
		{ "an x32 call", 0x40000000L + SYS_read, -1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
		int end = sealed(denied[i].nr, denied[i].a, denied[i].b, denied[i].c);

		if (end != 1000 + SIGSYS)
			fail_msg("%s: ended with %d", denied[i].name, end);
	}
}

static void what_the_work_needs_goes_on(void **state)
{
	(void)state;
	assert_int_equal(sealed(SYS_read, -1, 0, 0), 0);
	assert_int_equal(sealed(SYS_openat, -1, 0, O_RDONLY | O_CLOEXEC), 0);
	assert_int_equal(sealed(SYS_socket, AF_INET, SOCK_STREAM, 0), 0);
	assert_int_equal(sealed(SYS_socket, AF_INET6, SOCK_DGRAM, 0), 0);
	assert_int_equal(sealed(SYS_ioctl, -1, (long)0xC0205300, 0), 0);
	assert_int_equal(sealed(SYS_ioctl, -1, (long)0xC0285301, 0), 0);
	assert_int_equal(sealed(SYS_futex, 0, 0, 0), 0);
}

static void what_the_access_test_tries_is_refused_alive(void **state)
{
	(void)state;
	assert_int_equal(sealed(SYS_setuid, 0, 0, 0), 1);
	assert_int_equal(sealed(SYS_setresuid, 0, 0, 0), 1);
}

static void at_most_fifty_calls_are_left(void **state)
{
	(void)state;
	assert_true(seal_calls_allowed() > 20);
	assert_true(seal_calls_allowed() <= 50);
}

/* errno of an attempt in a child confined to dir (and one port), 0 for success. */
static int confined(const char *dir, uint16_t port, int (*attempt)(void))
{
	const struct seal_path paths[] = { { dir, SEAL_REPLACE }, { "/proc/self/status", SEAL_READ } };
	int status;
	pid_t child = fork();

	if (child == 0) {
		int abi = 0;
		enum err e = ERR_SYSTEM;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
			e = seal_files(paths, 2, &port, 1, &abi);
		_exit(e == ERR_NOT_FOUND ? 98 : e ? 99 : attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static char dir[64];

static int opened(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	return fd < 0 ? errno : 0;
}

static int write_inside(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/file", dir);
	return opened(path, O_WRONLY | O_CREAT | O_TRUNC);
}

static int write_outside(void) { return opened("/tmp/parley-seal-outside", O_WRONLY | O_CREAT); }
static int read_outside(void) { return opened("/etc/passwd", O_RDONLY); }
static int read_granted(void) { return opened("/proc/self/status", O_RDONLY); }
static int list_outside(void) { return opened("/etc", O_RDONLY | O_DIRECTORY); }

static int connect_other_port(void)
{
	int fd;

	errno = 0;
	return net_connect("127.0.0.1", 9, clock_ms() + 1000, &fd) == ERR_OK ? 0 : errno;
}

static void files_and_ports_outside_the_rules_are_refused(void **state)
{
	int end;

	(void)state;
	snprintf(dir, sizeof dir, "/tmp/parley-seal-XXXXXX");
	assert_non_null(mkdtemp(dir));
	end = confined(dir, 443, write_inside);
	if (end == 98)
		skip();
	assert_int_equal(end, 0);
	assert_int_equal(confined(dir, 443, write_outside), EACCES);
	assert_int_equal(confined(dir, 443, read_outside), EACCES);
	assert_int_equal(confined(dir, 443, list_outside), EACCES);
	assert_int_equal(confined(dir, 443, read_granted), 0);
	assert_int_equal(confined(dir, 9, connect_other_port), ECONNREFUSED); /* allowed, nobody listens */
	end = confined(dir, 443, connect_other_port);
	assert_true(end == EACCES || end == ECONNREFUSED); /* kernels before ABI 4 know no ports */
	snprintf(dir + strlen(dir), 6, "/file");
	(void)unlink(dir);
	dir[strlen(dir) - 5] = '\0';
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_denied_call_ends_the_process),
		cmocka_unit_test(what_the_work_needs_goes_on),
		cmocka_unit_test(what_the_access_test_tries_is_refused_alive),
		cmocka_unit_test(at_most_fifty_calls_are_left),
		cmocka_unit_test(files_and_ports_outside_the_rules_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
