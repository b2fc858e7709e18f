/* The seal: each call that is not allowed ends the process; files and ports outside the rules are refused. */
#include "t.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "os/net.h"
#include "os/clock.h"
#include "conf/confine.h"
#include "demo/probe.h"
#include "os/file.h"
#include "os/resolve.h"
#include "os/seal.h"
#include "os/snp_device.h"

/* The lists of the program with the access test, and those of one without. */
static const struct seal_list *const with_demo[] = {
	&seal_base, &file_seal_read, &file_seal_replace, &net_seal, &resolve_seal, &snp_device_seal, &probe_seal,
};
enum { LISTS = sizeof with_demo / sizeof with_demo[0], WITHOUT_DEMO = LISTS - 1 };
static struct seal rules;

static void use_lists(const struct seal_list *const *lists, size_t n)
{
	memset(&rules, 0, sizeof rules);
	for (size_t i = 0; i < n; i++)
		seal_add(&rules, lists[i]);
}

/* Seals this process, a child's, or ends it with 99. From then on only raw calls: the sanitizers' own would not be allowed. */
static void seal_now(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || seal_calls(&rules) != ERR_OK)
		syscall(SYS_exit_group, 99);
}

/* How a child ends that is sealed by rules and then makes one call: 0, 1 when it was EPERM, or 1000 + signal. */
static int sealed_by_rules(long nr, const long a[6])
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		seal_now();
		errno = 0;
		syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
		syscall(SYS_exit_group, errno == EPERM ? 1 : 0);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int sealed(long nr, const long a[6])
{
	use_lists(with_demo, LISTS);
	return sealed_by_rules(nr, a);
}

/* What the lists allow or refuse, written down a second time: a change there has to be made here too. */
static const int allowed[] = {
	SYS_openat, SYS_open, SYS_read, SYS_write, SYS_close, SYS_fstat, SYS_newfstatat, SYS_faccessat, SYS_lseek, SYS_getdents64,
	SYS_fsync, SYS_renameat, SYS_unlinkat, SYS_mkdirat, SYS_fcntl, SYS_ioctl, SYS_socket, SYS_connect, SYS_bind, SYS_accept4, SYS_sendto,
	SYS_recvfrom, SYS_setsockopt, SYS_getsockopt, SYS_shutdown, SYS_poll, SYS_epoll_ctl, SYS_epoll_pwait, SYS_clock_gettime, SYS_nanosleep,
	SYS_restart_syscall, SYS_futex, SYS_rt_sigtimedwait, SYS_rt_sigprocmask, SYS_getrandom, SYS_exit, SYS_exit_group,
};
static const int refused[] = { SYS_setuid, SYS_execve };
/* uretprobe(2) and uprobe(2): kernels that have them let them pass any filter, and refuse them to all but their own trampolines. */
static const int of_the_kernel[] = { 335, 336 };
enum { ALLOWED = sizeof allowed / sizeof allowed[0], REFUSED = sizeof refused / sizeof refused[0], ALL_NUMBERS = 512 };

static bool is_in(const int *list, size_t n, long nr)
{
	for (size_t i = 0; i < n; i++)
		if (list[i] == nr)
			return true;
	return false;
}

static void every_call_but_those_of_the_table_ends_the_process(void **state)
{
	static const long none[6], x32 = 0x40000000;

	(void)state;
	for (long nr = 0; nr < ALL_NUMBERS; nr++) {
		if (is_in(allowed, ALLOWED, nr) || is_in(refused, REFUSED, nr) || is_in(of_the_kernel, 2, nr))
			continue;
		int end = sealed(nr, none);

		if (end != 1000 + SIGSYS)
			fail_msg("system call %ld: ended with %d", nr, end);
	}
	assert_int_equal(sealed(100000, none), 1000 + SIGSYS);
	assert_int_equal(sealed(x32 + SYS_read, none), 1000 + SIGSYS);
	assert_int_equal(sealed(x32 + SYS_socket, (const long[6]){ AF_INET, SOCK_STREAM }), 1000 + SIGSYS);
}

/* One call of the table with arguments. */
struct try {
	const char *what;
	long nr, a[6];
};

static void every_argument_outside_the_tests_ends_the_process(void **state)
{
	static const struct try denied[] = {
		{ "open for writing", SYS_open, { 0, O_WRONLY | O_CLOEXEC | 0100000 } }, { "open, not close-on-exec", SYS_open, { 0, 0100000 } },
		{ "openat O_PATH", SYS_openat, { -1, 0, O_PATH } }, { "openat O_APPEND", SYS_openat, { -1, 0, O_WRONLY | O_APPEND } },
		{ "openat O_TMPFILE", SYS_openat, { -1, 0, O_RDWR | O_TMPFILE } }, { "openat O_DIRECT", SYS_openat, { -1, 0, O_DIRECT } },
		{ "openat O_EXCL", SYS_openat, { -1, 0, O_CREAT | O_EXCL } },
		{ "fcntl F_DUPFD", SYS_fcntl, { 0, F_DUPFD } }, { "fcntl F_SETFL", SYS_fcntl, { 0, F_SETFL } }, { "fcntl F_SETOWN", SYS_fcntl, { 0, F_SETOWN } },
		{ "fcntl F_GETFL", SYS_fcntl, { 0, F_GETFL } }, { "fcntl F_ADD_SEALS", SYS_fcntl, { 0, 1033 } },
		{ "rmdir", SYS_unlinkat, { -1, 0, AT_REMOVEDIR } },
		{ "ioctl TIOCSTI", SYS_ioctl, { 0, TIOCSTI } }, { "ioctl TIOCGWINSZ", SYS_ioctl, { 0, TIOCGWINSZ } }, { "ioctl FIONBIO", SYS_ioctl, { 0, FIONBIO } },
		{ "ioctl SNP_GET_DERIVED_KEY", SYS_ioctl, { -1, (long)0xC0205301 } }, { "ioctl SNP_GET_EXT_REPORT", SYS_ioctl, { -1, (long)0xC0205302 } },
		{ "ioctl legacy key request", SYS_ioctl, { -1, (long)0xC0285302 } },
		{ "a unix socket", SYS_socket, { AF_UNIX, SOCK_STREAM } }, { "a netlink socket", SYS_socket, { AF_NETLINK, SOCK_DGRAM } },
		{ "a packet socket", SYS_socket, { AF_PACKET, SOCK_DGRAM } }, { "a vsock socket", SYS_socket, { 40, SOCK_STREAM } },
		{ "an ALG socket", SYS_socket, { 38, 5 } }, { "a raw socket", SYS_socket, { AF_INET, SOCK_RAW, IPPROTO_ICMP } },
		{ "a raw socket of IPv6", SYS_socket, { AF_INET6, SOCK_RAW } }, { "a seqpacket socket", SYS_socket, { AF_INET, SOCK_SEQPACKET } },
		{ "a socket of type 0", SYS_socket, { AF_INET, 0 } }, { "a ping socket", SYS_socket, { AF_INET, SOCK_DGRAM, IPPROTO_ICMP } },
		{ "an SCTP socket", SYS_socket, { AF_INET, SOCK_STREAM, IPPROTO_SCTP } }, { "an MPTCP socket", SYS_socket, { AF_INET6, SOCK_STREAM, 262 } },
		{ "accept4, blocking", SYS_accept4, { -1, 0, 0, SOCK_CLOEXEC } }, { "accept4, inherited", SYS_accept4, { -1, 0, 0, SOCK_NONBLOCK } },
		{ "sendto MSG_FASTOPEN", SYS_sendto, { -1, 0, 0, MSG_NOSIGNAL | 0x20000000 } }, { "sendto MSG_OOB", SYS_sendto, { -1, 0, 0, MSG_OOB } },
		{ "setsockopt SO_REUSEPORT", SYS_setsockopt, { -1, SOL_SOCKET, SO_REUSEPORT } }, { "setsockopt TCP_ULP", SYS_setsockopt, { -1, IPPROTO_TCP, 31 } },
		{ "setsockopt SO_ATTACH_FILTER", SYS_setsockopt, { -1, SOL_SOCKET, 26 } }, { "setsockopt IP_OPTIONS", SYS_setsockopt, { -1, IPPROTO_IP, 4 } },
		{ "setsockopt IPV6_NODELAY", SYS_setsockopt, { -1, IPPROTO_IPV6, 1 } }, { "getsockopt TCP_INFO", SYS_getsockopt, { -1, IPPROTO_TCP, 11 } },
		{ "getsockopt SO_PEERCRED", SYS_getsockopt, { -1, SOL_SOCKET, SO_PEERCRED } },
		{ "futex FUTEX_FD", SYS_futex, { 0, 2 } }, { "futex requeue", SYS_futex, { 0, 3 | 128 } }, { "futex LOCK_PI", SYS_futex, { 0, 6 | 128 } },
		{ "futex WAIT_REQUEUE_PI", SYS_futex, { 0, 11 } }, { "futex WAIT in wall time", SYS_futex, { 0, 256 } },
		{ "getrandom GRND_INSECURE", SYS_getrandom, { 0, 0, 4 } },
		{ "execve of a program", SYS_execve, { (long)"/bin/true" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof denied / sizeof denied[0]; i++) {
		int end = sealed(denied[i].nr, denied[i].a);

		if (end != 1000 + SIGSYS)
			fail_msg("%s: ended with %d", denied[i].what, end);
	}
}

static void what_the_work_needs_goes_on(void **state)
{
	static const struct try needed[] = {
		{ "read", SYS_read, { -1 } }, { "openat", SYS_openat, { -1, 0, O_RDONLY | O_CLOEXEC } },
		{ "openat to write", SYS_openat, { -1, 0, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | 0100000 } },
		{ "open of resolv.conf", SYS_open, { 0, O_CLOEXEC | 0100000 } }, { "F_SETFD", SYS_fcntl, { -1, F_SETFD, FD_CLOEXEC } },
		{ "a TCP socket", SYS_socket, { AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC } },
		{ "a UDP socket", SYS_socket, { AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC } },
		{ "SNP_GET_REPORT", SYS_ioctl, { -1, (long)0xC0205300 } }, { "legacy MSG_REPORT", SYS_ioctl, { -1, (long)0xC0285301 } },
		{ "TCP_NODELAY", SYS_setsockopt, { -1, IPPROTO_TCP, 1 } }, { "IPV6_V6ONLY", SYS_setsockopt, { -1, IPPROTO_IPV6, IPV6_V6ONLY } },
		{ "SO_ERROR", SYS_getsockopt, { -1, SOL_SOCKET, SO_ERROR } }, { "accept4", SYS_accept4, { -1, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC } },
		{ "futex wake", SYS_futex, { 0, 1 | 128, 1 } }, { "futex wake, shared", SYS_futex, { 0, 1, 1 } }, { "getrandom", SYS_getrandom, { 0 } },
		{ "sendto", SYS_sendto, { -1, 0, 0, MSG_NOSIGNAL } }, { "unlinkat", SYS_unlinkat, { -1 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
		if (sealed(needed[i].nr, needed[i].a) != 0)
			fail_msg("%s: ended with %d", needed[i].what, sealed(needed[i].nr, needed[i].a));
}

static void what_the_access_test_tries_is_refused_alive(void **state)
{
	static const long none[6];

	(void)state;
	assert_int_equal(sealed(SYS_setuid, none), 1);
	assert_int_equal(sealed(SYS_execve, none), 1);
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags, 0600);

	return fd < 0 ? errno : 0;
}

/* The access test's calls are its own: a program without it dies of them. */
static void without_the_demonstration_its_calls_end_the_process(void **state)
{
	static const long none[6];
	static const int demos[] = { SYS_setuid, SYS_execve, SYS_newfstatat, SYS_getdents64 };

	(void)state;
	use_lists(with_demo, WITHOUT_DEMO);
	for (size_t i = 0; i < sizeof demos / sizeof demos[0]; i++)
		assert_int_equal(sealed_by_rules(demos[i], none), 1000 + SIGSYS);
	for (size_t i = 0; i < ALLOWED; i++)
		if (!is_in(demos, 4, allowed[i])) {
			bool has_rule = false;

			for (size_t k = 0; k < rules.n_calls; k++)
				has_rule |= rules.calls[k].nr == allowed[i];
			assert_true(has_rule);
		}
	for (size_t i = 0; i < rules.n_paths; i++) {
		assert_int_not_equal(rules.paths[i].use, SEAL_LIST);
		assert_int_not_equal(strncmp(rules.paths[i].path, "/proc", 5), 0);
	}
}

/* Any order, and each list twice: the same rules, byte for byte. A call that one list allows and another refuses is allowed. */
static void the_order_of_lists_does_not_matter(void **state)
{
	static const struct seal_call allow[] = { SEAL_ALLOW_IF(setuid, ONLY(1, 7)) };
	static const struct seal_list allowing = { SEAL_CALLS(allow) };
	static const long other[6] = { 8 }, uid[6] = { 7 };
	const struct seal_list *lists[2 * LISTS];
	struct seal first;

	(void)state;
	use_lists(with_demo, LISTS);
	first = rules;
	for (size_t turn = 0; turn < LISTS; turn++) {
		for (size_t i = 0; i < LISTS; i++)
			lists[i] = lists[2 * LISTS - 1 - i] = with_demo[(i * 3 + turn) % LISTS];
		use_lists(lists, 2 * LISTS);
		assert_null(rules.over);
		assert_int_equal(rules.n_calls, first.n_calls);
		assert_memory_equal(rules.calls, first.calls, sizeof first.calls);
		assert_int_equal(rules.n_paths, first.n_paths);
	}
	for (int last = 0; last < 2; last++) {
		const struct seal_list *pair[] = { last ? &probe_seal : &allowing, last ? &allowing : &probe_seal, &seal_base };

		use_lists(pair, 3);
		assert_int_equal(sealed_by_rules(SYS_setuid, other), 1);
		assert_int_not_equal(sealed_by_rules(SYS_setuid, uid), 1000 + SIGSYS);
	}
}

/* Several rules of one call come together: each of them lets its arguments through, and nothing else. */
static void rules_of_one_call_come_together(void **state)
{
	static const struct seal_call one[] = { SEAL_ALLOW_IF(getpriority, ONLY(1, 0)), SEAL_ALLOW_IF(getpriority, ONLY(1, 2), ONLY(2, 0)) };
	static const struct seal_call two[] = { SEAL_ALLOW_IF(getpriority, ONLY(1, 1)) };
	static const struct seal_list a = { SEAL_CALLS(one) }, b = { SEAL_CALLS(two) };
	const struct seal_list *const lists[] = { &a, &seal_base, &b };

	(void)state;
	use_lists(lists, 3);
	for (long which = 0; which < 3; which++)
		assert_int_equal(sealed_by_rules(SYS_getpriority, (const long[6]){ which }), 0);
	assert_int_equal(sealed_by_rules(SYS_getpriority, (const long[6]){ 3 }), 1000 + SIGSYS);
	assert_int_equal(sealed_by_rules(SYS_getpriority, (const long[6]){ 2, 1 }), 1000 + SIGSYS);
}

/* Nothing is dropped silently: a rule too many is an error that names the limit, and nothing is sealed. */
static void too_many_rules_are_an_error(void **state)
{
	char endpoint[64];
	int abi = -1;

	(void)state;
	use_lists(with_demo, LISTS);
	for (unsigned round = 0; round < 2; round++) /* the same ports again are no more ports */
		for (unsigned i = 0; i < SEAL_PORTS_MAX; i++) {
			snprintf(endpoint, sizeof endpoint, i % 2 ? "https://vault.example:%u/x" : "vault.example:%u", 1000 + i);
			confine_endpoint(&rules, endpoint);
		}
	assert_null(rules.over);
	assert_int_equal(rules.n_ports, SEAL_PORTS_MAX);
	confine_endpoint(&rules, "vault.example");
	assert_string_equal(rules.over, "more than 64 outgoing ports");
	assert_int_equal(seal_files(&rules, &abi), ERR_FULL);
	assert_int_equal(confine_files(&rules), ERR_FULL);
	assert_int_equal(seal_calls(&rules), ERR_FULL);
	assert_int_equal(opened("/etc/passwd", O_RDONLY), 0);

	use_lists(with_demo, LISTS);
	for (unsigned i = 0; i < SEAL_PATHS_MAX; i++)
		seal_add_path(&rules, "/same", SEAL_READ);
	assert_null(rules.over);
	static char paths[SEAL_PATHS_MAX][8];
	for (unsigned i = 0; i < SEAL_PATHS_MAX; i++) {
		snprintf(paths[i], sizeof paths[i], "/%u", i);
		seal_add_path(&rules, paths[i], SEAL_READ);
	}
	assert_string_equal(rules.over, "more than 32 paths");

	use_lists(with_demo, LISTS);
	for (uint16_t nr = 500; nr < 500 + SEAL_CALLS_MAX; nr++) {
		const struct seal_call call = { .nr = nr };
		const struct seal_list list = { .calls = &call, .n_calls = 1 };

		seal_add(&rules, &list);
	}
	assert_string_equal(rules.over, "more than 64 rules for system calls");
	assert_int_equal(seal_calls(&rules), ERR_FULL);
}

static void at_most_forty_calls_are_left(void **state)
{
	int status;
	pid_t child;

	(void)state;
	use_lists(with_demo, LISTS);
	child = fork();
	if (child == 0) {
		seal_now();
		syscall(SYS_exit_group, (int)seal_calls_allowed());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), ALLOWED);
	assert_int_equal(seal_calls_allowed(), 0); /* here nothing is sealed */
	assert_true(ALLOWED <= 40);
}

/* The seal leaves no ioctl to ask it with. */
static void a_terminal_is_known_by_its_device(void **state)
{
	int kept = dup(0), master = posix_openpt(O_RDWR | O_NOCTTY), ends[2];

	(void)state;
	assert_true(kept >= 0 && master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	assert_int_equal(dup2(open(ptsname(master), O_RDWR | O_NOCTTY), 0), 0);
	assert_string_equal(probe_stdin(), "terminal");
	assert_int_equal(dup2(open("/dev/null", O_RDONLY), 0), 0);
	assert_string_equal(probe_stdin(), "null device");
	assert_int_equal(dup2(open("/dev/zero", O_RDONLY), 0), 0);
	assert_string_equal(probe_stdin(), "device");
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[0], 0), 0);
	assert_string_equal(probe_stdin(), "pipe");
	assert_int_equal(dup2(kept, 0), 0);
}

/* The state letter of a process (proc_pid_stat(5)). */
static char state_of(pid_t pid)
{
	char path[64], text[64] = "", *end;
	int fd;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof text - 1) <= 0)
		fail();
	close(fd);
	end = strrchr(text, ')');
	return end && end[1] ? end[2] : '?';
}

static char wait_for_state(pid_t pid, const char *wanted)
{
	char now;

	while (!strchr(wanted, now = state_of(pid)))
		usleep(1000);
	return now;
}

/* A stopped wait goes on by restart_syscall(2), which the kernel makes in the program's name: a container that is paused must not die. */
static void a_wait_that_was_stopped_goes_on(void **state)
{
	int word = 0;

	(void)state;
	use_lists(with_demo, LISTS);
	for (int futex = 0; futex < 2; futex++) {
		static const struct timespec hour = { 3600, 0 };
		int ready[2], status;
		char byte;
		pid_t child;

		assert_int_equal(pipe(ready), 0);
		child = fork();
		if (child == 0) {
			seal_now();
			syscall(SYS_write, ready[1], "", 1);
			if (futex)
				syscall(SYS_futex, &word, 128, 0, &hour);
			else
				syscall(SYS_nanosleep, &hour, NULL);
			syscall(SYS_exit_group, 98);
		}
		assert_int_equal(read(ready[0], &byte, 1), 1);
		assert_int_equal(wait_for_state(child, "SZ"), 'S');
		kill(child, SIGSTOP);
		assert_int_equal(wait_for_state(child, "TZ"), 'T');
		kill(child, SIGCONT);
		assert_int_equal(wait_for_state(child, "SZ"), 'S');
		kill(child, SIGKILL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		close(ready[0]);
		close(ready[1]);
	}
}

/* errno of an attempt in a child confined to dir, the directory of beside (and one port), 0 for success. */
static int confined_beside(const char *dir, const char *beside, uint16_t port, int (*attempt)(void))
{
	int status;
	pid_t child;

	use_lists(with_demo, 0);
	seal_add_path(&rules, dir, SEAL_REPLACE);
	seal_add_path(&rules, "/proc/self/status", SEAL_READ);
	seal_add_path(&rules, beside, SEAL_BESIDE);
	seal_add_port(&rules, port);
	child = fork();
	if (child == 0) {
		int abi = 0;
		enum err e = ERR_SYSTEM;

		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
			e = seal_files(&rules, &abi);
		_exit(e == ERR_NOT_FOUND ? 98 : e ? 99 : attempt());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int confined(const char *dir, uint16_t port, int (*attempt)(void))
{
	return confined_beside(dir, "", port, attempt);
}

static char dir[64];

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
	assert_int_equal(confined_beside(dir, "/etc/hosts", 443, read_outside), 0); /* the directory of a file */
	assert_int_equal(confined_beside(dir, "/etc/hosts", 443, write_outside), EACCES);
	assert_int_equal(confined_beside(dir, "/hosts", 443, read_outside), EACCES); /* never the whole file system */
	assert_int_equal(confined_beside(dir, "hosts", 443, read_outside), EACCES);
	assert_int_equal(confined(dir, 9, connect_other_port), ECONNREFUSED); /* allowed, nobody listens */
	end = confined(dir, 443, connect_other_port);
	assert_true(end == EACCES || end == ECONNREFUSED); /* kernels before ABI 4 know no ports */
	snprintf(dir + strlen(dir), 6, "/file");
	(void)unlink(dir);
	dir[strlen(dir) - 5] = '\0';
	(void)rmdir(dir);
}

UNIT(seal)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_but_those_of_the_table_ends_the_process),
		cmocka_unit_test(every_argument_outside_the_tests_ends_the_process),
		cmocka_unit_test(what_the_work_needs_goes_on),
		cmocka_unit_test(what_the_access_test_tries_is_refused_alive),
		cmocka_unit_test(without_the_demonstration_its_calls_end_the_process),
		cmocka_unit_test(the_order_of_lists_does_not_matter),
		cmocka_unit_test(rules_of_one_call_come_together),
		cmocka_unit_test(too_many_rules_are_an_error),
		cmocka_unit_test(at_most_forty_calls_are_left),
		cmocka_unit_test(a_terminal_is_known_by_its_device),
		cmocka_unit_test(a_wait_that_was_stopped_goes_on),
		cmocka_unit_test(files_and_ports_outside_the_rules_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
