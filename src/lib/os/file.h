/* Files: reading configuration and streaming the data directory with whole-file replacement. */
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/err.h"
#include "base/span.h"
#include "os/seal.h"

/* What a sealed process needs for reading files, and for the functions below that write; file_list needs getdents64 besides. Which files:
 * seal_add_path. */
extern const struct seal_list file_seal_read, file_seal_replace;

/* Reads a whole regular file into dst[cap]. ERR_NOT_FOUND, ERR_TOO_BIG, ERR_SYSTEM (errno kept). */
MUST_USE enum err file_read_all(const char *path, uint8_t *dst, size_t cap, size_t *n);
/* First entry of directory `dir` in byte order whose name contains `part`, as a full path. ERR_NOT_FOUND, ERR_SYSTEM. */
MUST_USE enum err file_find_entry(const char *dir, const char *part, char *path, size_t cap);
/* The entries of a directory (no link to one), "." and ".." too, until each returns false; dir_fd is the directory's. ERR_NOT_FOUND,
 * ERR_SYSTEM. The kernel's struct linux_dirent64 (getdents64(2)): opendir would need an allocator. */
struct file_entry {
	uint64_t ino;
	int64_t off;
	uint16_t len;
	uint8_t type; /* 0: not told, 4: directory, 8: file */
	char name[];
};
typedef bool (*file_each)(void *ctx, int dir_fd, const struct file_entry *e);
MUST_USE enum err file_list(const char *dir, file_each each, void *ctx);
/* Something (file, device, directory) is there. */
bool file_exists(const char *path);

/* A file being read in order. */
struct file_in {
	int fd;
};
MUST_USE enum err file_open(const char *path, struct file_in *f, uint64_t *size);
/* Up to cap bytes; *n = 0 at the end. */
MUST_USE enum err file_read(struct file_in *f, uint8_t *dst, size_t cap, size_t *n);
/* What is read next begins `at` bytes from the start of the file. ERR_SYSTEM (errno kept). */
MUST_USE enum err file_seek(struct file_in *f, uint64_t at);
void file_close(struct file_in *f);

/* A file being replaced: written under a temporary name in the same directory, then fsync, rename, fsync of the
 * directory. Until file_commit returns ERR_OK the old file stays whole; after it the new one is there, whole. */
struct file_out {
	int fd, dir_fd;
	char temp[96], name[96];
	const char *keep; /* set before file_commit: the old file is not replaced, this goes behind its name */
};
/* dir must exist; name has no '/'. A leftover temporary of an earlier crash is overwritten. keep is NULL. */
MUST_USE enum err file_create(const char *dir, const char *name, struct file_out *f);
MUST_USE enum err file_write(struct file_out *f, struct span data);
MUST_USE enum err file_commit(struct file_out *f);
/* Drops the temporary; safe to call after file_commit or twice. */
void file_abandon(struct file_out *f);
/* Removes dir/name; ERR_OK when it is gone. */
MUST_USE enum err file_remove(const char *dir, const char *name);
/* Creates the directory (0700) when missing and checks that it can be written. */
MUST_USE enum err file_prepare_dir(const char *dir);

#endif
