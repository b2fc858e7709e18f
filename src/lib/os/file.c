/* Files: whole reads, streams, and whole-file replacement. */
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h> /* renameat, declared there by POSIX; no stream is used */
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/out.h"

#define READ_FLAGS (O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_DIRECTORY | SEAL_LARGEFILE)
static const struct seal_call read_calls[] = {
	SEAL_ALLOW_IF(openat, WITHIN(3, READ_FLAGS)), /* files that are read, directories */
	SEAL_ALLOW(read),  /* file contents */
	SEAL_ALLOW(fstat), /* is it a regular file, how long is it */
};
static const struct seal_call replace_calls[] = {
	SEAL_ALLOW_IF(openat, WITHIN(3, READ_FLAGS | O_WRONLY | O_CREAT | O_TRUNC)), /* data files; never O_APPEND, O_PATH, O_TMPFILE */
	SEAL_ALLOW(faccessat),                /* can the data directory be written */
	SEAL_ALLOW(lseek),                    /* a data file is read twice */
	SEAL_ALLOW(fsync),                    /* whole-file replacement */
	SEAL_ALLOW(renameat),                 /* whole-file replacement */
	SEAL_ALLOW_IF(unlinkat, ONLY(3, 0)),  /* leftovers, spool files; never a directory */
	SEAL_ALLOW(mkdirat),                  /* a directory for spool files in the data directory */
};
const struct seal_list file_seal_read = { SEAL_CALLS(read_calls) };
const struct seal_list file_seal_replace = { SEAL_CALLS(replace_calls) };

static enum err from_errno(void)
{
	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return ERR_NOT_FOUND;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return ERR_FULL;
	default:
		return ERR_SYSTEM;
	}
}

static int open_retry(int dir, const char *path, int flags, mode_t mode)
{
	int fd;

	do
		fd = openat(dir, path, flags | O_CLOEXEC | O_NOCTTY, mode);
	while (fd < 0 && errno == EINTR);
	return fd;
}

enum err file_open(const char *path, struct file_in *f, uint64_t *size)
{
	struct stat st;
	int fd = open_retry(AT_FDCWD, path, O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return from_errno();
	errno = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		int saved = errno; /* 0: it is no regular file */

		close(fd);
		errno = saved ? saved : EINVAL;
		return ERR_SYSTEM;
	}
	f->fd = fd;
	if (size)
		*size = (uint64_t)st.st_size;
	return ERR_OK;
}

enum err file_read(struct file_in *f, uint8_t *dst, size_t cap, size_t *n)
{
	ssize_t got;

	do
		got = read(f->fd, dst, cap);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return ERR_SYSTEM;
	*n = (size_t)got;
	return ERR_OK;
}

enum err file_seek(struct file_in *f, uint64_t at)
{
	return lseek(f->fd, (off_t)at, SEEK_SET) < 0 ? ERR_SYSTEM : ERR_OK;
}

void file_close(struct file_in *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

enum err file_read_all(const char *path, uint8_t *dst, size_t cap, size_t *n)
{
	struct file_in f;
	size_t used = 0, got = 1;
	enum err e = file_open(path, &f, NULL);

	if (e != ERR_OK)
		return e;
	while (e == ERR_OK && got) {
		uint8_t extra;

		/* One more byte is tried for at the end, so that a file of exactly cap bytes is told from a longer one. */
		e = used < cap ? file_read(&f, dst + used, cap - used, &got) : file_read(&f, &extra, 1, &got);
		if (e == ERR_OK && got && used == cap)
			e = ERR_TOO_BIG;
		else if (e == ERR_OK)
			used += got;
	}
	file_close(&f);
	if (e == ERR_OK)
		*n = used;
	return e;
}

bool file_exists(const char *path)
{
	return faccessat(AT_FDCWD, path, F_OK, 0) == 0;
}

enum err file_list(const char *dir, file_each each, void *ctx)
{
	_Alignas(struct file_entry) char buf[4096];
	long got;
	int fd = open_retry(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);

	if (fd < 0)
		return from_errno();
	while ((got = syscall(SYS_getdents64, fd, buf, sizeof buf)) > 0) {
		for (long at = 0; at < got;) {
			const struct file_entry *e = (const struct file_entry *)(const void *)(buf + at);

			if (!each(ctx, fd, e)) {
				close(fd);
				return ERR_OK;
			}
			at += e->len;
		}
	}
	close(fd);
	return got < 0 ? ERR_SYSTEM : ERR_OK;
}

struct find {
	const char *part;
	char best[256];
};

static bool find(void *ctx, int dir_fd, const struct file_entry *e)
{
	struct find *f = ctx;

	(void)dir_fd;
	if (strstr(e->name, f->part) && (!f->best[0] || strcmp(e->name, f->best) < 0))
		(void)span_copy_str(span_str(e->name), f->best, sizeof f->best);
	return true;
}

enum err file_find_entry(const char *dir, const char *part, char *path, size_t cap)
{
	struct find f = { part, "" };

	TRY(file_list(dir, find, &f));
	if (!f.best[0])
		return ERR_NOT_FOUND;
	return out_join(path, cap, dir, span_ends(span_str(dir), "/") ? "" : "/", f.best) ? ERR_OK : ERR_TOO_BIG;
}

static void out_close(struct file_out *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->dir_fd >= 0)
		close(f->dir_fd);
	f->fd = f->dir_fd = -1;
}

enum err file_create(const char *dir, const char *name, struct file_out *f)
{
	enum err e;

	*f = (struct file_out){ .fd = -1, .dir_fd = -1 };
	if (!out_join(f->name, sizeof f->name, name) || !out_join(f->temp, sizeof f->temp, name, ".tmp"))
		return ERR_TOO_BIG;
	f->dir_fd = open_retry(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	if (f->dir_fd < 0)
		return from_errno();
	f->fd = open_retry(f->dir_fd, f->temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	if (f->fd >= 0)
		return ERR_OK;
	e = from_errno();
	out_close(f);
	return e;
}

enum err file_write(struct file_out *f, struct span data)
{
	while (data.n) {
		ssize_t put = write(f->fd, data.p, data.n);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return from_errno();
		data = span_sub(data, (size_t)put, data.n);
	}
	return ERR_OK;
}

static bool set_aside(const struct file_out *f)
{
	char kept[sizeof f->name + 16];

	return out_join(kept, sizeof kept, f->name, f->keep) && (renameat(f->dir_fd, f->name, f->dir_fd, kept) == 0 || errno == ENOENT);
}

enum err file_commit(struct file_out *f)
{
	/* Contents first, then the name, then the directory: in this order a crash leaves the old or the new file. */
	if (fsync(f->fd) != 0 || (f->keep && !set_aside(f)) || renameat(f->dir_fd, f->temp, f->dir_fd, f->name) != 0 ||
	    fsync(f->dir_fd) != 0) {
		enum err e = from_errno();
		int saved = errno;

		file_abandon(f);
		errno = saved;
		return e;
	}
	out_close(f);
	return ERR_OK;
}

void file_abandon(struct file_out *f)
{
	if (f->dir_fd >= 0)
		unlinkat(f->dir_fd, f->temp, 0);
	out_close(f);
}

enum err file_remove(const char *dir, const char *name)
{
	int fd = open_retry(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY, 0);
	enum err e = ERR_OK;

	if (fd < 0)
		return from_errno();
	if (unlinkat(fd, name, 0) != 0 && errno != ENOENT)
		e = ERR_SYSTEM;
	close(fd);
	return e;
}

enum err file_prepare_dir(const char *dir)
{
	if (mkdirat(AT_FDCWD, dir, 0700) != 0 && errno != EEXIST)
		return from_errno();
	return faccessat(AT_FDCWD, dir, R_OK | W_OK | X_OK, 0) == 0 ? ERR_OK : ERR_SYSTEM;
}
