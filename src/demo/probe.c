/* Looking at our own surroundings, harmlessly. */
#include "demo/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/out.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/net.h"

static const struct seal_call probe_calls[] = {
	SEAL_ALLOW_IF(openat, WITHIN(3, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | SEAL_LARGEFILE)), /* can memory be opened for writing */
	SEAL_ALLOW(newfstatat), /* devices; executables in the file system */
	SEAL_ALLOW(faccessat),  /* is there a shell */
	SEAL_ALLOW(getdents64), /* executables in the file system */
	SEAL_REFUSE(setuid),    /* becoming root: tried, and the answer shown */
	SEAL_REFUSE_IF(execve, ONLY(1, 0)), /* starting a program, without naming one: with a name the process ends */
};
static const struct seal_path probe_paths[] = {
	{ "/proc", SEAL_READ },          /* our own status, listening ports */
	{ "/proc/self/exe", SEAL_READ }, /* this program's hash */
	{ "/", SEAL_LIST },              /* which executables are there */
};
const struct seal_list probe_seal = { SEAL_CALLS(probe_calls), SEAL_PATHS(probe_paths) };

int probe_connect(uint16_t port, int64_t deadline_ms)
{
	int fd;
	enum err e;

	errno = 0;
	e = net_connect("127.0.0.1", port, deadline_ms, &fd);
	if (e == ERR_OK)
		net_close(fd);
	return e == ERR_OK ? 0 : e == ERR_TIMEOUT ? ETIMEDOUT : errno ? errno : ECONNREFUSED;
}

int probe_open(const char *path, bool write)
{
	int fd = openat(AT_FDCWD, path, (write ? O_WRONLY : O_RDONLY) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

int probe_executable(const char *path)
{
	return faccessat(AT_FDCWD, path, X_OK, 0) == 0 ? 0 : errno;
}

const char *probe_errno_name(int error)
{
	static const struct {
		int error;
		char name[16]; /* in the table itself: no relocation */
	} names[] = {
		{ 0, "success" }, { EPERM, "EPERM" }, { ENOENT, "ENOENT" }, { EACCES, "EACCES" }, { EFAULT, "EFAULT" }, { ENOTDIR, "ENOTDIR" },
		{ ECONNREFUSED, "ECONNREFUSED" }, { ETIMEDOUT, "ETIMEDOUT" }, { ENETUNREACH, "ENETUNREACH" }, { ENXIO, "ENXIO" }, { EIO, "EIO" },
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (names[i].error == error)
			return names[i].name;
	return "errno";
}

/* The flag asks for nothing here, but with it musl makes the one system call for this that is left. */
static int look(const char *path, struct stat *st)
{
	return fstatat(AT_FDCWD, path, st, AT_NO_AUTOMOUNT);
}

int probe_mode(const char *path, const char **type)
{
	struct stat st;

	if (look(path, &st) != 0)
		return -1;
	*type = S_ISCHR(st.st_mode) ? "character device" : S_ISREG(st.st_mode) ? "file" : S_ISDIR(st.st_mode) ? "directory" : "other";
	return (int)(st.st_mode & 0777);
}

/* --- /proc/self/status ------------------------------------------------------------------------------------------- */

/* The text behind "Name:\t" at a line's start. */
static struct span line_value(struct span text, const char *name)
{
	while (text.n) {
		struct span value = span_cut(&text, '\n'), what = span_cut(&value, ':');

		if (span_eq_str(what, name))
			return span_trim(value);
	}
	return text;
}

static int64_t number(struct span text)
{
	uint64_t v;

	return span_u64(text, &v) && v <= INT32_MAX ? (int64_t)v : -1;
}

static bool read_hex(struct span text, uint64_t *value)
{
	*value = 0;
	for (size_t i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];
		bool digit = c >= '0' && c <= '9';

		if (!digit && !((c | 32) >= 'a' && (c | 32) <= 'f'))
			return false;
		*value = *value << 4 | (uint64_t)(digit ? c - '0' : (c | 32) - 'a' + 10);
	}
	return text.n > 0 && text.n <= 16;
}

/* The n-th of several values, tab between, from 0. */
static struct span part(struct span text, unsigned n)
{
	for (; n; n--)
		span_cut(&text, '\t');
	return span_cut(&text, '\t');
}

void probe_self(struct probe_self *p)
{
	uint8_t buf[4096];
	size_t n = 0;
	struct span text;

	*p = (struct probe_self){ -1, -1, -1, -1, false, 0 };
	if (file_read_all("/proc/self/status", buf, sizeof buf, &n) != ERR_OK)
		return;
	text = span_of(buf, n);
	p->uid = number(part(line_value(text, "Uid"), 1));
	p->no_new_privs = (int)number(line_value(text, "NoNewPrivs"));
	p->seccomp = (int)number(line_value(text, "Seccomp"));
	p->filters = (int)number(line_value(text, "Seccomp_filters"));
	p->caps_known = read_hex(line_value(text, "CapEff"), &p->cap_eff);
}

int probe_become_root(const struct probe_self *p)
{
	if (p->filters != 1)
		return -1;
	/* The system call itself, which is of one thread; the C library's function would change all of them. */
	return syscall(SYS_setuid, 0) == 0 ? 0 : errno;
}

int probe_execve(void)
{
	return syscall(SYS_execve, NULL, NULL, NULL) == 0 ? 0 : errno;
}

/* --- listening sockets ------------------------------------------------------------------------------------------- */

/* "  0: 0100007F:1F90 00000000:0000 0A ...": the local port when the state is LISTEN. */
static bool listening_port(struct span line, uint16_t *port)
{
	struct span local;
	uint64_t v;

	line = span_trim(line);
	span_cut(&line, ' ');
	local = span_cut(&line, ' ');
	span_cut(&line, ' ');
	span_cut(&local, ':');
	if (!span_starts(line, "0A ") || !read_hex(local, &v) || v > UINT16_MAX)
		return false;
	*port = (uint16_t)v;
	return true;
}

static void insert_port(uint16_t *ports, size_t cap, size_t *n, uint16_t port)
{
	size_t at = *n;

	for (size_t i = 0; i < *n; i++)
		if (ports[i] == port)
			return;
	if (*n == cap)
		return;
	for (; at && ports[at - 1] > port; at--)
		ports[at] = ports[at - 1];
	ports[at] = port;
	++*n;
}

static bool read_table(const char *path, uint16_t *ports, size_t cap, size_t *n)
{
	uint8_t buf[8192];
	size_t have = 0, got = 1;
	struct file_in f;

	if (file_open(path, &f, NULL) != ERR_OK)
		return false;
	while (got && file_read(&f, buf + have, sizeof buf - have, &got) == ERR_OK) {
		struct span text = span_of(buf, have + got);

		/* Whole lines; the rest goes to the front. Lines are about 150 characters. */
		while (span_find(text, '\n') < text.n) {
			uint16_t port;

			if (listening_port(span_cut(&text, '\n'), &port))
				insert_port(ports, cap, n, port);
		}
		have = text.n < sizeof buf ? text.n : 0;
		memmove(buf, text.p, have);
	}
	file_close(&f);
	return true;
}

bool probe_listeners(uint16_t *ports, size_t cap, size_t *n)
{
	bool four, six;

	*n = 0;
	four = read_table("/proc/net/tcp", ports, cap, n);
	six = read_table("/proc/net/tcp6", ports, cap, n);
	return four || six;
}

/* --- files ------------------------------------------------------------------------------------------------------- */

const char *probe_stdin(void)
{
	struct stat st, null;

	if (fstat(STDIN_FILENO, &st) != 0)
		return "closed";
	if (S_ISCHR(st.st_mode)) {
		unsigned kind = major(st.st_rdev);

		if (look("/dev/null", &null) == 0 && S_ISCHR(null.st_mode) && st.st_rdev == null.st_rdev)
			return "null device";
		/* The kernel's list of devices: 4 and 5 consoles and serial lines, 136 to 143 pseudo-terminals, 229 a hypervisor's console. */
		return kind == 4 || kind == 5 || (kind >= 136 && kind <= 143) || kind == 229 ? "terminal" : "device";
	}
	return S_ISFIFO(st.st_mode) ? "pipe" : S_ISSOCK(st.st_mode) ? "socket" : "file";
}

enum { TYPE_UNKNOWN = 0, TYPE_DIR = 4, TYPE_FILE = 8 }; /* of struct file_entry */

struct walk {
	struct probe_walk *w;
	size_t used;  /* of pending: NUL-terminated paths, a stack */
	dev_t dev;    /* of this program's file */
	ino_t ino;
	uint64_t entries;
	const char *dir; /* being read */
	int64_t deadline_ms;
};

static bool push(struct walk *k, const char *dir, const char *name)
{
	char *at = k->w->pending + k->used;

	if (!out_join(at, sizeof k->w->pending - k->used, dir, dir[1] ? "/" : "", name))
		return false;
	k->used += strlen(at) + 1;
	return true;
}

static bool is_left_out(const char *dir, const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	       (strcmp(dir, "/") == 0 && (strcmp(name, "proc") == 0 || strcmp(name, "sys") == 0 || strcmp(name, "dev") == 0));
}

static void look_at_file(struct walk *k, const char *name, const struct stat *st)
{
	struct probe_walk *w = k->w;

	w->files++;
	if (!(st->st_mode & 0111) || (st->st_dev == k->dev && st->st_ino == k->ino))
		return;
	if (w->executables < PROBE_SHOWN)
		(void)out_join(w->shown[w->executables], sizeof w->shown[0], k->dir, k->dir[1] ? "/" : "", name);
	w->executables++;
}

static bool is_over(struct walk *k)
{
	if (k->entries <= PROBE_ENTRIES && clock_ms() <= k->deadline_ms)
		return false;
	k->w->complete = false;
	return true;
}

static bool look_at(void *ctx, int dir_fd, const struct file_entry *e)
{
	struct walk *k = ctx;
	struct stat st;
	bool is_dir = e->type == TYPE_DIR;

	k->entries++;
	if (is_left_out(k->dir, e->name) || (!is_dir && e->type != TYPE_FILE && e->type != TYPE_UNKNOWN))
		return !is_over(k);
	if (!is_dir && fstatat(dir_fd, e->name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		is_dir = S_ISDIR(st.st_mode);
		if (S_ISREG(st.st_mode))
			look_at_file(k, e->name, &st);
	}
	if (is_dir && !push(k, k->dir, e->name))
		k->w->complete = false;
	return !is_over(k);
}

void probe_executables(struct probe_walk *w, int64_t deadline_ms)
{
	char dir[4096];
	struct walk k = { .w = w, .dir = dir, .deadline_ms = deadline_ms };
	struct stat self;

	memset(w, 0, sizeof *w);
	w->complete = true;
	if (look("/proc/self/exe", &self) == 0) {
		k.dev = self.st_dev;
		k.ino = self.st_ino;
	}
	(void)push(&k, "/", "");
	while (k.used && !is_over(&k)) {
		size_t at = k.used - 1;

		while (at && w->pending[at - 1])
			at--;
		k.used = at;
		/* One that is unreadable may hide something. */
		if (!span_copy_str(span_str(w->pending + at), dir, sizeof dir) || (file_list(dir, look_at, &k) != ERR_OK && errno != ENOENT))
			w->complete = false;
	}
}

bool probe_container_id(char id[13])
{
	static const char *const words[] = { "docker", "containerd", "cri" };
	uint8_t buf[4096];
	struct span text;
	size_t n = 0;

	if (file_read_all("/proc/1/cgroup", buf, sizeof buf, &n) != ERR_OK)
		return false;
	for (text = span_of(buf, n); text.n;) {
		struct span line = span_cut(&text, '\n'), last = line;

		while (span_find(last, '/') < last.n)
			span_cut(&last, '/');
		for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
			if (last.n && last.n < line.n && span_has_nocase(line, words[i]))
				return span_copy_str(span_sub(last, 0, 12), id, 13);
	}
	return false;
}
