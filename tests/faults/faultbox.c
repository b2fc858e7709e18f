/* faultbox: runs a command and makes chosen system calls of one program in it fail. A development tool, never shipped.
 *
 *     faultbox PROGRAM RULES REPORT [--clock] -- COMMAND [ARGS...]
 *
 * COMMAND may start anything (snpbox); only the process that executes PROGRAM, with all its threads, is touched, by ptrace(2). RULES is a
 * file of rules, looked at before each call, so that a test can rename another one over it at any time; it need not exist. REPORT gets a
 * line for each call. tests/faults/README.md describes both. --clock: the program sees no vDSO, so that its clock can be moved. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/ptrace.h> /* after sys/ptrace.h, whose names it defines again */

#define EXIT_OWN 125
#define RULES_MAX 32
#define TASKS_MAX 256
#define FDS_MAX 4096
#define TICK_MS 10

/* The calls that can be named, and which argument is a descriptor (-: none). The rest run, and are reported by number. */
#define CALLS(X)                                                                                                               \
	X(read, 0) X(write, 0) X(readv, 0) X(writev, 0) X(open, -1) X(openat, -1) X(close, 0) X(stat, -1) X(fstat, 0) X(lstat, -1) \
	X(newfstatat, -1) X(access, -1) X(faccessat, -1) X(mkdirat, -1) X(lseek, 0) X(getdents64, 0) X(fsync, 0) X(renameat, -1) X(unlinkat, -1) X(mkdir, -1)      \
	X(fcntl, 0) X(ioctl, 0) X(socket, -1) X(connect, 0) X(bind, 0) X(listen, 0) X(accept4, 0) X(getsockname, 0) X(sendto, 0)   \
	X(recvfrom, 0) X(recvmsg, 0) X(setsockopt, 0) X(getsockopt, 0) X(shutdown, 0) X(poll, -1) X(epoll_create1, -1)             \
	X(epoll_ctl, 2) X(epoll_wait, -1) X(epoll_pwait, -1) X(clock_gettime, -1) X(nanosleep, -1) X(clock_nanosleep, -1)          \
	X(futex, -1) X(rt_sigtimedwait, -1) X(rt_sigprocmask, -1) X(getrandom, -1) X(exit, -1) X(exit_group, -1) X(mmap, -1)       \
	X(munmap, -1) X(mprotect, -1) X(madvise, -1) X(mlock, -1) X(brk, -1) X(clone, -1) X(prctl, -1) X(prlimit64, -1)            \
	X(setrlimit, -1) X(seccomp, -1) X(landlock_create_ruleset, -1) X(landlock_add_rule, -1) X(landlock_restrict_self, -1)      \
	X(capset, -1) X(setuid, -1) X(setresuid, -1) X(arch_prctl, -1) X(set_tid_address, -1)

static const struct {
	long nr;
	const char *name;
	int fd;
} CALL_TABLE[] = {
#define X(n, fd) { SYS_##n, #n, fd },
	CALLS(X)
#undef X
};

enum action { ERROR, AFTER, SHORT, DELAY, KILL, KILL_AFTER };
static const char *const ACTIONS[] = { "error", "after", "short", "delay", "kill", "kill-after" };
#define N_ACTIONS (sizeof ACTIONS / sizeof ACTIONS[0])

struct rule {
	char call[40]; /* "read", "read@data"; "*" for any */
	uint64_t from, to, seen;
	enum action action;
	long value;
};

struct task {
	pid_t tid; /* 0: a free place */
	bool subject, in_call, was_delayed;
	int64_t wake_ms; /* stopped until then; 0: runs */
	/* of the call under way */
	long nr;
	uint64_t args[6];
	bool disturbed;
	enum action action; /* a copy: the rules may be others when the call ends */
	long value;
};

static struct rule rules[RULES_MAX];
static size_t rules_n;
static struct task tasks[TASKS_MAX];
static struct stat rules_stat;
static const char *program, *rules_path;
static int report = -1;
static bool move_clock;
static int64_t clock_offset_ms;
static pid_t command, subject; /* processes; 0: not there yet */
static char fd_kinds[FDS_MAX];  /* what the subject's descriptors are: index of KINDS */

enum kind { K_OTHER, K_LOG, K_READ, K_DATA, K_DIR, K_DEVICE, K_OUT, K_IN, K_LISTEN };
static const char *const KINDS[] = { "other", "log", "read", "data", "dir", "device", "out", "in", "listen" };

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "faultbox: %s: %s\n", what, strerror(errno));
	exit(EXIT_OWN);
}

static void say(const char *a, const char *b)
{
	char line[160];
	int n = snprintf(line, sizeof line, "%s%s\n", a, b);

	/* One write: readers see whole lines. */
	if (write(report, line, (size_t)n) != n)
		die("report");
}

/* --- rules --- */

static const char *rule_parse(char *line, struct rule *r)
{
	char action[16], range[48];
	char *dash;

	*r = (struct rule){ .from = 1 };
	int n = sscanf(line, "%39s %47s %15s %ld", r->call, range, action, &r->value);
	if (n < 3)
		return "CALL N ACTION [VALUE] expected";
	r->from = strtoull(range, &dash, 10);
	r->to = *dash == '+' ? UINT64_MAX : *dash == '-' ? strtoull(dash + 1, NULL, 10) : r->from;
	for (size_t i = 0; i < N_ACTIONS; i++) {
		if (strcmp(action, ACTIONS[i]) == 0) {
			r->action = (enum action)i;
			return r->from == 0 || r->to < r->from ? "counting begins with 1" : NULL;
		}
	}
	return "unknown action";
}

static void rules_read(void)
{
	char line[160];
	const char *problem;
	FILE *f = fopen(rules_path, "re");

	rules_n = 0;
	while (f != NULL && fgets(line, sizeof line, f) != NULL) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sscanf(line, "clock %ld", &clock_offset_ms) == 1)
			continue;
		problem = rules_n == RULES_MAX ? "too many rules" : rule_parse(line, &rules[rules_n]);
		if (problem == NULL) {
			rules_n++;
		} else {
			fprintf(stderr, "faultbox: %s: %s: %s", rules_path, problem, line);
			exit(EXIT_OWN);
		}
	}
	if (f != NULL)
		fclose(f);
	say("rules", "");
}

static void rules_refresh(void)
{
	struct stat st;

	if (stat(rules_path, &st) != 0)
		memset(&st, 0, sizeof st);
	if (st.st_ino == rules_stat.st_ino && st.st_mtim.tv_sec == rules_stat.st_mtim.tv_sec && st.st_mtim.tv_nsec == rules_stat.st_mtim.tv_nsec)
		return;
	rules_stat = st;
	rules_read();
}

/* --- what a call is --- */

static enum kind kind_of_open(const uint64_t *args, long nr)
{
	uint64_t flags = nr == SYS_open ? args[1] : args[2];

	if (flags & O_DIRECTORY)
		return K_DIR;
	if (flags & O_CREAT)
		return K_DATA;
	return (flags & O_ACCMODE) == O_RDONLY ? K_READ : K_DEVICE;
}

static enum kind kind_of(uint64_t fd)
{
	return fd < FDS_MAX ? (enum kind)fd_kinds[fd] : K_OTHER;
}

/* "read@data", "openat@dir", "futex@wait", "mkdir", "77". */
static void call_name(long nr, const uint64_t *args, char *dst, size_t cap)
{
	for (size_t i = 0; i < sizeof CALL_TABLE / sizeof CALL_TABLE[0]; i++) {
		const char *name = CALL_TABLE[i].name;
		int fd = CALL_TABLE[i].fd;

		if (CALL_TABLE[i].nr != nr)
			continue;
		if (nr == SYS_open || nr == SYS_openat)
			snprintf(dst, cap, "%s@%s", name, KINDS[kind_of_open(args, nr)]);
		else if (nr == SYS_futex)
			snprintf(dst, cap, "%s@%s", name, (args[1] & 127) == 0 ? "wait" : "wake");
		else
			snprintf(dst, cap, "%s%s%s", name, fd < 0 ? "" : "@", fd < 0 ? "" : KINDS[kind_of(args[fd])]);
		return;
	}
	snprintf(dst, cap, "%ld", nr);
}

static void descriptor_made(long nr, const uint64_t *args, int64_t result)
{
	if (nr == SYS_listen && result == 0 && args[0] < FDS_MAX)
		fd_kinds[args[0]] = K_LISTEN;
	if (result < 0 || result >= FDS_MAX)
		return;
	switch (nr) {
	case SYS_open:
	case SYS_openat:
		fd_kinds[result] = (char)kind_of_open(args, nr);
		return;
	case SYS_socket:
		fd_kinds[result] = K_OUT;
		return;
	case SYS_accept4:
		fd_kinds[result] = K_IN;
		return;
	case SYS_epoll_create1:
	case SYS_landlock_create_ruleset:
		fd_kinds[result] = K_OTHER;
		return;
	default:
		return;
	}
}

static bool rule_names(const struct rule *r, const char *name)
{
	size_t n = strlen(r->call);

	return strcmp(r->call, "*") == 0 || strcmp(r->call, name) == 0 || (strncmp(r->call, name, n) == 0 && name[n] == '@');
}

static struct rule *rule_for(const char *name)
{
	struct rule *hit = NULL;

	for (size_t i = 0; i < rules_n; i++) {
		struct rule *r = &rules[i];

		if (!rule_names(r, name))
			continue;
		r->seen++;
		if (hit == NULL && r->seen >= r->from && r->seen <= r->to)
			hit = r;
	}
	return hit;
}

/* --- changing a call --- */

static void regs_get(pid_t tid, struct user_regs_struct *regs)
{
	if (ptrace(PTRACE_GETREGS, tid, 0, regs) != 0 && errno != ESRCH)
		die("registers");
}

static void regs_set(pid_t tid, struct user_regs_struct *regs)
{
	if (ptrace(PTRACE_SETREGS, tid, 0, regs) != 0 && errno != ESRCH)
		die("registers");
}

/* Instead of the call one that every seccomp filter here allows and that does nothing. (No call at all, number -1, is a call like any other
 * to a filter.) */
static void call_avoid(pid_t tid)
{
	struct user_regs_struct regs;

	regs_get(tid, &regs);
	regs.orig_rax = SYS_close;
	regs.rdi = (unsigned long long)-1;
	regs_set(tid, &regs);
}

static void call_shorten(pid_t tid, long nr)
{
	struct user_regs_struct regs;
	unsigned long long *n = nr == SYS_getrandom ? &regs.rsi : &regs.rdx;

	regs_get(tid, &regs);
	*n = *n / 2 > 0 ? *n / 2 : *n;
	regs_set(tid, &regs);
}

/* The registers as the caller set them, but for the result. */
static void call_restore(const struct task *t, bool failed)
{
	struct user_regs_struct regs;

	regs_get(t->tid, &regs);
	regs.rdi = t->args[0];
	regs.rsi = t->args[1];
	regs.rdx = t->args[2];
	if (failed)
		regs.rax = (unsigned long long)-t->value;
	regs_set(t->tid, &regs);
}

/* struct timespec at address at, moved by the offset. */
static void clock_move(pid_t tid, uint64_t at)
{
	errno = 0;
	long seconds = ptrace(PTRACE_PEEKDATA, tid, at, 0);
	long nanos = ptrace(PTRACE_PEEKDATA, tid, at + 8, 0);
	if (errno != 0)
		die("the program's clock cannot be read");
	int64_t all = nanos / 1000000 + clock_offset_ms;
	seconds += all / 1000 - (all % 1000 < 0);
	nanos = nanos % 1000000 + (all % 1000 + (all % 1000 < 0 ? 1000 : 0)) * 1000000;
	if (ptrace(PTRACE_POKEDATA, tid, at, seconds) != 0 || ptrace(PTRACE_POKEDATA, tid, at + 8, nanos) != 0)
		die("the program's clock cannot be moved (needs CAP_SYS_PTRACE)");
}

/* The auxiliary vector behind arguments and environment, as execve left it on the stack: without AT_SYSINFO_EHDR libc asks the kernel. */
static void vdso_hide(pid_t tid)
{
	struct user_regs_struct regs;
	uint64_t at;

	regs_get(tid, &regs);
	at = regs.rsp + 8;
	for (int lists = 0; lists < 2; at += 8)
		lists += ptrace(PTRACE_PEEKDATA, tid, at, 0) == 0;
	for (;; at += 16) {
		errno = 0;
		long type = ptrace(PTRACE_PEEKDATA, tid, at, 0);
		if (errno != 0)
			die("auxiliary vector");
		if (type == AT_NULL)
			return;
		if (type == AT_SYSINFO_EHDR && ptrace(PTRACE_POKEDATA, tid, at, AT_IGNORE) != 0)
			die("auxiliary vector");
	}
}

static void resume(struct task *t, int sig)
{
	/* A thread that was killed meanwhile tells so by its end. */
	if (ptrace(t->subject ? PTRACE_SYSCALL : PTRACE_CONT, t->tid, 0, sig) != 0 && errno != ESRCH)
		die("resume");
}

static void call_enter(struct task *t, const struct ptrace_syscall_info *info)
{
	char name[40], fault[64] = "";
	const struct rule *r;

	rules_refresh();
	t->nr = (long)info->entry.nr;
	for (size_t i = 0; i < 6; i++)
		t->args[i] = info->entry.args[i];
	call_name(t->nr, t->args, name, sizeof name);
	r = rule_for(name);
	t->disturbed = r != NULL;
	if (r != NULL) {
		t->action = r->action;
		t->value = r->value;
		snprintf(fault, sizeof fault, " %s %ld", ACTIONS[r->action], r->value);
	}
	say(name, fault);
	if (r == NULL)
		return;
	switch (r->action) {
	case ERROR:
		call_avoid(t->tid);
		return;
	case SHORT:
		call_shorten(t->tid, t->nr);
		return;
	case DELAY:
		t->wake_ms = now_ms() + r->value;
		return;
	case KILL:
		kill(subject, SIGKILL);
		return;
	case AFTER:
	case KILL_AFTER:
		return;
	}
}

static void call_leave(struct task *t, const struct ptrace_syscall_info *info)
{
	bool is = t->disturbed;

	t->disturbed = false;
	if (is && t->action == KILL_AFTER)
		kill(subject, SIGKILL);
	if (is && (t->action == ERROR || t->action == AFTER || t->action == SHORT))
		call_restore(t, t->action != SHORT);
	if (!is || t->action != ERROR)
		descriptor_made(t->nr, t->args, info->exit.rval);
	if (t->nr == SYS_clock_gettime && t->args[0] == CLOCK_REALTIME && clock_offset_ms != 0 && move_clock)
		clock_move(t->tid, t->args[1]);
}

/* --- tasks --- */

/* Asked at a thread's first stop, which may come before its parent's news of it. */
static bool is_subjects(pid_t tid)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/%d/task/%d", (int)subject, (int)tid);
	return subject != 0 && access(path, F_OK) == 0;
}

static struct task *task_of(pid_t tid)
{
	struct task *spare = NULL;

	for (size_t i = 0; i < TASKS_MAX; i++) {
		if (tasks[i].tid == tid)
			return &tasks[i];
		if (tasks[i].tid == 0 && spare == NULL)
			spare = &tasks[i];
	}
	if (spare == NULL) {
		errno = EAGAIN;
		die("too many threads");
	}
	*spare = (struct task){ .tid = tid, .subject = is_subjects(tid) };
	return spare;
}

static void on_call(struct task *t)
{
	struct ptrace_syscall_info info;

	memset(&info, 0, sizeof info);
	if (ptrace(PTRACE_GET_SYSCALL_INFO, t->tid, sizeof info, &info) < 0) {
		if (errno != ESRCH)
			die("PTRACE_GET_SYSCALL_INFO (Linux 5.3)");
		return;
	}
	if (info.op == PTRACE_SYSCALL_INFO_ENTRY) {
		t->in_call = true;
		call_enter(t, &info);
	} else if (info.op == PTRACE_SYSCALL_INFO_EXIT && t->in_call) {
		t->in_call = false;
		call_leave(t, &info);
	}
}

static bool runs_program(pid_t tid)
{
	char link[32];
	struct stat exe, want;

	snprintf(link, sizeof link, "/proc/%d/exe", (int)tid);
	return stat(link, &exe) == 0 && stat(program, &want) == 0 && exe.st_ino == want.st_ino && exe.st_dev == want.st_dev;
}

static void on_event(struct task *t, unsigned event)
{
	if (event == PTRACE_EVENT_EXEC && runs_program(t->tid)) {
		t->subject = true;
		t->in_call = false;
		subject = t->tid;
		memset(fd_kinds, 0, sizeof fd_kinds);
		fd_kinds[1] = fd_kinds[2] = K_LOG;
		if (move_clock)
			vdso_hide(t->tid);
	}
}

static void on_end(pid_t tid, int status)
{
	char text[32];

	task_of(tid)->tid = 0;
	if (tid == subject) {
		if (WIFEXITED(status))
			snprintf(text, sizeof text, "exit %d", WEXITSTATUS(status));
		else
			snprintf(text, sizeof text, "signal %d", WTERMSIG(status));
		say("end ", text);
		subject = 0;
	}
	if (tid == command)
		exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void on_stop(pid_t tid, int status)
{
	unsigned event = (unsigned)status >> 16;
	int sig = WSTOPSIG(status);
	struct task *t = task_of(tid);

	if (sig == (SIGTRAP | 0x80)) {
		on_call(t);
		sig = 0;
	} else if (event == PTRACE_EVENT_STOP) {
		if (sig != SIGTRAP) { /* the whole process is stopped: until SIGCONT */
			ptrace(PTRACE_LISTEN, tid, 0, 0);
			return;
		}
		sig = 0;
	} else if (event != 0) {
		on_event(t, event);
		sig = 0;
	}
	if (t->wake_ms == 0)
		resume(t, sig);
}

/* Delayed threads whose time has come. True while there are others. */
static bool wake(void)
{
	bool more = false;

	for (size_t i = 0; i < TASKS_MAX; i++) {
		struct task *t = &tasks[i];

		if (t->tid == 0 || t->wake_ms == 0)
			continue;
		if (now_ms() >= t->wake_ms) {
			t->wake_ms = 0;
			resume(t, 0);
		} else {
			more = true;
		}
	}
	return more;
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void on_forward(int sig)
{
	kill(command, sig);
}

static void alarm_set(bool on)
{
	static bool is_on;
	const struct itimerval t = { .it_interval = { 0, on ? TICK_MS * 1000 : 0 }, .it_value = { 0, on ? TICK_MS * 1000 : 0 } };

	/* Again and again: one that comes just before the wait below is followed by another. */
	if (on != is_on)
		setitimer(ITIMER_REAL, &t, NULL);
	is_on = on;
}

static _Noreturn void watch(void)
{
	for (;;) {
		int status;
		pid_t tid;

		alarm_set(wake());
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno == EINTR)
			continue;
		if (tid < 0)
			die("wait");
		if (WIFSTOPPED(status))
			on_stop(tid, status);
		else
			on_end(tid, status);
	}
}

static void signals_take(void)
{
	static const int forwarded[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };
	struct sigaction alarm_action = { .sa_handler = on_alarm }, forward = { .sa_handler = on_forward };

	sigaction(SIGALRM, &alarm_action, NULL);
	for (size_t i = 0; i < sizeof forwarded / sizeof forwarded[0]; i++)
		sigaction(forwarded[i], &forward, NULL);
}

int main(int argc, char **argv)
{
	int i = 4, ready[2];
	char byte;

	move_clock = argc > i && strcmp(argv[i], "--clock") == 0;
	i += move_clock;
	if (argc < i + 2 || strcmp(argv[i], "--") != 0) {
		fprintf(stderr, "faultbox PROGRAM RULES REPORT [--clock] -- COMMAND [ARGS...]\n");
		return 2;
	}
	program = argv[1];
	rules_path = argv[2];
	report = open(argv[3], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (report < 0 || pipe(ready) != 0)
		die("start");
	command = fork();
	if (command < 0)
		die("fork");
	if (command == 0) {
		close(ready[1]);
		if (read(ready[0], &byte, 1) < 0)
			_exit(EXIT_OWN);
		close(ready[0]);
		close(report);
		execvp(argv[i + 1], argv + i + 1);
		die(argv[i + 1]);
	}
	if (ptrace(PTRACE_SEIZE, command, 0,
	           PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) != 0) {
		kill(command, SIGKILL);
		die("ptrace");
	}
	signals_take();
	close(ready[0]);
	close(ready[1]);
	watch();
}
