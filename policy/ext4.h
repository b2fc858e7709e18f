/* Laying a tree out as the read-only ext4 image the platform makes of a layer: no journal, no checksums, no clock, no
 * identifiers, blocks of 4096 bytes. Linux Documentation/filesystems/ext4 for the structures. */
#ifndef POLICY_EXT4_H
#define POLICY_EXT4_H

#include "policy/fs.h"

#define EXT4_BLOCK 4096
#define EXT4_GROUP_BLOCKS 32768u
#define EXT4_GROUPS_MAX (LAYER_BLOCKS_MAX / EXT4_GROUP_BLOCKS)
#define EXT4_INODE_LEN 256
#define EXT4_AREA 8u /* blocks of group descriptors, used or not: what a disk of 128 GiB needs */

/* Takes each block of the image once, in rising order but for 0 to 8, which come last. NULL bytes: a block of zeros. */
struct ext4_sink {
	enum err (*put)(void *of, uint32_t block, const uint8_t *bytes);
	void *of;
};

struct ext4 {
	struct fs *fs;
	struct why *why;
	struct ext4_sink sink;
	uint32_t next; /* block */
	/* Set by ext4_finish: */
	uint32_t groups, inodes_per_group, table, bitmaps, blocks, free_blocks, free_inodes;
	struct {
		uint32_t free_blocks, free_inodes, dirs;
	} group[EXT4_GROUPS_MAX];
};

/* Starts an image; data blocks may be added at once. fs, why and what the sink needs must outlive it. */
void ext4_start(struct ext4 *x, struct fs *fs, struct ext4_sink sink, struct why *why);
/* Adds the next block of file data, of a long link's target or of attributes. */
MUST_USE enum err ext4_data(struct ext4 *x, const uint8_t block[EXT4_BLOCK]);
/* Directories, inode table, bitmaps, descriptors, superblock. x->blocks is then the image's length. */
MUST_USE enum err ext4_finish(struct ext4 *x);

#endif
