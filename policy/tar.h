/* Reading a layer's tar, one entry at a time, in one pass and in order. */
#ifndef POLICY_TAR_H
#define POLICY_TAR_H

#include "crypto/hash.h"
#include "policy/policy_limits.h"
#include "policy/why.h"

/* Where bytes come from: up to cap bytes into dst, *n = 0 at the end, any error ends the reading. */
struct source {
	enum err (*read)(void *of, uint8_t *dst, size_t cap, size_t *n);
	void *of;
};

enum tar_type { TAR_END, TAR_FILE, TAR_HARDLINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCK, TAR_DIR, TAR_FIFO };

/* Seconds since 1970, and the nanoseconds after them. */
struct tar_time {
	int64_t s;
	uint32_t ns;
};

struct tar_xattr {
	struct span name, value;
};

/* One entry. The spans live until the next tar_next. mode holds the low twelve bits only. size is 0 but for files.
 * atime and ctime are zero when the archive does not tell them. */
struct tar_entry {
	enum tar_type type;
	struct span name, link;
	uint64_t size;
	struct tar_time mtime, atime, ctime;
	uint32_t uid, gid, major, minor;
	uint16_t mode;
	size_t n_xattrs;
	struct tar_xattr xattrs[ENTRY_XATTRS_MAX];
};

/* A reader. About 2.2 MiB: keep it static. */
struct tar {
	struct source src;
	struct why *why;
	struct sha256 hash;     /* of every byte read, so at the end of the whole file */
	uint64_t total;         /* bytes read */
	uint64_t left;          /* of the present entry's data */
	uint32_t pad;           /* after it */
	bool begun;             /* the first block has been looked at */
	bool ended;             /* the source has no more */
	size_t at, n;           /* the unread part of buf */
	uint8_t buf[TAR_BUFFER];
	uint8_t head[512];
	bool has_pax, has_long_name, has_long_link;
	size_t pax_n, long_name_n, long_link_n, name_n;
	uint8_t pax[PAX_MAX];
	uint8_t long_name[65536], long_link[65536];
	uint8_t name[512];      /* prefix and name of a ustar header */
};

/* Starts reading. why must outlive the reader. */
void tar_start(struct tar *t, struct source src, struct why *why);

/* The next entry; type TAR_END after the last. Accepts POSIX ustar, pax extended headers and GNU headers with long
 * names; what readers differ on is refused (ERR_RANGE, ERR_SYNTAX) with the reason in why: sparse files, global
 * headers, V7 and star headers, duplicate or contradicting extensions, negative times, unknown types, wrong checksums,
 * truncation. Unread data of the entry before is skipped. Input untrusted. */
MUST_USE enum err tar_next(struct tar *t, struct tar_entry *e);

/* The next bytes of the present entry's data: exactly n, which must not exceed what is left of it. */
MUST_USE enum err tar_data(struct tar *t, uint8_t *dst, size_t n);

/* After TAR_END: reads the rest of the file. Gives its length and SHA-256 (the layer's diff_id). */
MUST_USE enum err tar_finish(struct tar *t, uint64_t *bytes, uint8_t sha256[SHA256_LEN]);

#endif
