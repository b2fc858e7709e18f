/* The tree a layer describes: inodes, names and links, with the rules by which archive entries meet. */
#ifndef POLICY_FS_H
#define POLICY_FS_H

#include "policy/policy_limits.h"
#include "policy/why.h"

#define FS_ROOT 2u
#define FS_LOST_FOUND 11u
#define FS_NODE_SLOTS (LAYER_NODES_MAX + 16)

enum { FS_TYPE = 0170000, FS_FIFO = 0010000, FS_CHAR = 0020000, FS_DIR = 0040000, FS_BLOCK = 0060000, FS_FILE = 0100000,
       FS_LINK = 0120000 };

/* Times are in the image's own form: seconds | nanoseconds << 34. */
struct fs_times {
	uint64_t m, a, c, cr;
};

/* One inode. The unused numbers (1, 3 to 10) have mode 0. */
struct fs_node {
	struct fs_times time;
	uint64_t size;
	uint32_t uid, gid, links, dev;
	uint32_t first_block, blocks; /* its data */
	uint32_t xattr_block;         /* 0: none */
	uint32_t entry;               /* of a directory: its name's entry; 0 for the root */
	uint32_t first, last;         /* of a directory: its entries, chained by next; 0: none */
	uint32_t text, text_n;        /* of a symbolic link: its target in the text store */
	uint32_t xattrs, n_xattrs;    /* consecutive in the attribute store */
	uint16_t mode;
};

struct fs_entry {
	uint32_t parent, node, next, name;
	uint8_t name_n;
};

struct fs_xattr {
	uint32_t name, value, value_n;
	uint16_t name_n;
	bool in_block;
};

/* About 90 MiB, of which a small layer touches little: static, one a program. */
struct fs {
	struct why *why;
	uint32_t n_nodes; /* highest inode number in use */
	uint32_t n_entries, n_text, n_xattrs;
	struct fs_node node[FS_NODE_SLOTS];
	struct fs_entry entry[FS_NODE_SLOTS];
	uint32_t table[2 * LAYER_NODES_MAX]; /* entries by parent and name */
	uint32_t order[FS_NODE_SLOTS];       /* scratch for sorting */
	uint8_t text[LAYER_TEXT_MAX];
	struct fs_xattr xattr[LAYER_XATTRS_MAX];
};

/* What a new or overwritten inode is to hold. mode includes the type. */
struct fs_spec {
	uint16_t mode;
	uint32_t uid, gid, dev;
	uint64_t size;
	struct fs_times time;
	struct span link; /* of a symbolic link */
};

/* Only the root and lost+found. why must outlive fs. */
void fs_reset(struct fs *fs, struct why *why);

/* Creates what path names, and parents that are missing. *node is its inode; a directory that exists keeps number,
 * children and attributes. Refused with the reason: "..", empty or too long names, a name below a file, file over
 * directory or the reverse, replacing a file whose data or attributes are already laid out, too many. */
MUST_USE enum err fs_create(struct fs *fs, struct span path, const struct fs_spec *spec, uint32_t *node);
/* Makes path another name of what target names. */
MUST_USE enum err fs_link(struct fs *fs, struct span target, struct span path);
/* The inode of a path; ERR_NOT_FOUND. */
MUST_USE enum err fs_find(struct fs *fs, struct span path, uint32_t *node);
/* Makes the parents of path as fs_create does. */
MUST_USE enum err fs_parents(struct fs *fs, struct span path);

/* A time as an inode keeps it: the year 1 counts as none; before 1901 and after 2446 all become the same. */
uint64_t fs_time(int64_t s, uint32_t ns);
/* The time of an inode as a copy of it comes out. */
uint64_t fs_time_copied(uint64_t t);
bool fs_is_dir(const struct fs *fs, uint32_t node);
struct span fs_name(const struct fs *fs, const struct fs_entry *e);
/* Keeps a text for the life of the tree. ERR_TOO_BIG. */
MUST_USE enum err fs_keep(struct fs *fs, struct span s, uint32_t *at);
/* Sorts a directory's entries by inode number, equal numbers by name. */
void fs_sort(struct fs *fs, uint32_t dir);
/* The directory after dir, depth first and parents first, in sorted directories; 0 after the last. */
uint32_t fs_next_dir(const struct fs *fs, uint32_t dir);

#endif
