/* snpbox: starts the program inside the filter, passes signals on, ends as the program ends. */
#include "snpbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

/* Exit codes as of env(1) and timeout(1). */
#define EXIT_OWN 125
#define EXIT_CANNOT_EXEC 126
#define EXIT_NOT_FOUND 127

static const int FORWARDED[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

void box_log(const char *fmt, ...)
{
	char line[512];
	va_list ap;

	int n = snprintf(line, sizeof line, "snpbox: ");
	va_start(ap, fmt);
	vsnprintf(line + n, sizeof line - (size_t)n - 1, fmt, ap);
	va_end(ap);
	size_t len = strlen(line);
	line[len++] = '\n';
	/* One write, so that lines of the program and of other threads do not mix in. */
	if (write(STDERR_FILENO, line, len) < 0)
		return;
}

static bool may_trace(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
	struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};

	if (syscall(SYS_capget, &head, data) != 0)
		return false;
	return (data[0].effective >> CAP_SYS_PTRACE & 1) != 0;
}

static bool file_put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok;
}

/* A program that makes itself non-dumpable can be looked into only with CAP_SYS_PTRACE over its user namespace. Who has
 * it not gets it over a namespace of his own making, where all identities stay as they are. Best effort: without it
 * only non-dumpable programs fail, and target.c says so. */
static void enter_user_namespace(void)
{
	char uid[64], gid[64];

	snprintf(uid, sizeof uid, "%u %u 1", (unsigned)geteuid(), (unsigned)geteuid());
	snprintf(gid, sizeof gid, "%u %u 1", (unsigned)getegid(), (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) != 0)
		return;
	if (!file_put("/proc/self/setgroups", "deny") || !file_put("/proc/self/uid_map", uid) ||
	    !file_put("/proc/self/gid_map", gid))
		box_log("user namespace: %s", strerror(errno));
}

static bool fd_send(int sock, int fd)
{
	char byte = 0;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} u;
	memset(&u, 0, sizeof u);
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room};
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof fd);
	return sendmsg(sock, &m, MSG_NOSIGNAL) == 1;
}

/* The listener, or -1 when the child ended before sending it. */
static int fd_receive(int sock)
{
	char byte;
	int fd;
	ssize_t n;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} u;
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = u.room, .msg_controllen = sizeof u.room};

	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	struct cmsghdr *c = n == 1 ? CMSG_FIRSTHDR(&m) : NULL;
	if (c == NULL || c->cmsg_type != SCM_RIGHTS)
		return -1;
	memcpy(&fd, CMSG_DATA(c), sizeof fd);
	return fd;
}

static _Noreturn void child_run(char **argv, int sock, pid_t parent, const sigset_t *mask)
{
	if (!may_trace())
		enter_user_namespace();
	/* After the namespace: a change of credentials clears it. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent)
		_exit(EXIT_OWN);
	sigprocmask(SIG_SETMASK, mask, NULL);
	int listener = notify_install();
	if (listener < 0) {
		box_log("seccomp filter: %s%s", strerror(errno),
			errno == EBUSY ? " (already under a supervisor of this kind)" : "");
		_exit(EXIT_OWN);
	}
	if (!fd_send(sock, listener))
		_exit(EXIT_OWN);
	close(listener);
	close(sock);
	execvp(argv[0], argv);
	int e = errno;
	box_log("%s: %s", argv[0], strerror(e));
	_exit(e == ENOENT ? EXIT_NOT_FOUND : EXIT_CANNOT_EXEC);
}

/* Orphans of the program come to us (we are their subreaper): none is left when we end. */
static void orphans_kill(void)
{
	pid_t self = getpid();

	for (;;) {
		DIR *d = opendir("/proc");
		struct dirent *e;
		while (d != NULL && (e = readdir(d)) != NULL) {
			char path[300], text[512];
			int fd, ppid = 0;
			if (e->d_name[0] < '1' || e->d_name[0] > '9')
				continue;
			snprintf(path, sizeof path, "/proc/%s/stat", e->d_name);
			if ((fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
				continue;
			ssize_t n = read(fd, text, sizeof text - 1);
			close(fd);
			text[n > 0 ? n : 0] = 0;
			char *after = strrchr(text, ')');
			if (after != NULL && sscanf(after + 1, " %*c %d", &ppid) == 1 && ppid == self)
				kill(atoi(e->d_name), SIGKILL);
		}
		if (d != NULL)
			closedir(d);
		if (waitpid(-1, NULL, 0) < 0 && errno == ECHILD)
			return;
	}
}

/* Waits for the program's end, passing signals on. Returns the exit code. */
static int child_wait(pid_t child, const sigset_t *signals)
{
	for (;;) {
		siginfo_t info;
		int status, sig = sigwaitinfo(signals, &info);
		pid_t pid;

		if (sig < 0)
			continue;
		/* What the terminal sends went to the whole group, so the program has it already. */
		if (sig != SIGCHLD && !(info.si_code == SI_KERNEL && getpgid(child) == getpgrp()))
			kill(child, sig);
		while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
			if (pid == child)
				return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
		}
	}
}

static int fail(const char *what)
{
	box_log("%s: %s", what, strerror(errno));
	return EXIT_OWN;
}

int main(int argc, char **argv)
{
	static struct options opts;
	sigset_t signals, before;
	int pair[2];

	options_parse(&opts, argc, argv);
	if (opts.device != DEVICE_NONE && (!report_init(&opts) || (opts.certs != NULL && !certs_load(opts.certs))))
		return 2;
	faults_init(opts.faults);
	if (!target_init())
		return EXIT_OWN;

	sigemptyset(&signals);
	sigaddset(&signals, SIGCHLD);
	for (size_t i = 0; i < sizeof FORWARDED / sizeof FORWARDED[0]; i++)
		sigaddset(&signals, FORWARDED[i]);
	/* Blocked before the fork: no signal is lost, and the threads started later inherit the mask. */
	sigprocmask(SIG_BLOCK, &signals, &before);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return fail("start");
	pid_t parent = getpid(), child = fork();
	if (child < 0)
		return fail("fork");
	if (child == 0)
		child_run(opts.argv, pair[1], parent, &before);
	close(pair[1]);
	int listener = fd_receive(pair[0]);
	close(pair[0]);
	if (listener >= 0 && !notify_start(listener, &opts))
		return EXIT_OWN;
	int code = child_wait(child, &signals);
	orphans_kill();
	return code;
}
