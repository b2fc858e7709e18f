/* Laying a tree out as an ext4 image. */
#include "policy/ext4.h"

#include <string.h>

#include "policy/le.h"
#include "policy/xattr.h"

#define INODES_PER_BLOCK (EXT4_BLOCK / EXT4_INODE_LEN)
#define DESCRIPTOR_LEN 32
#define ENTRY_HEAD 8
#define EMPTY_ENTRY 12 /* each directory block ends in an unused entry of at least this */
#define EXTENT_BLOCKS 32768u
#define FLAG_HUGE 0x40000u
#define FLAG_EXTENTS 0x80000u
#define SMALL_LINK 59 /* a longer target needs a block */

static enum err put(struct ext4 *x, const uint8_t *bytes)
{
	if (x->next >= LAYER_BLOCKS_MAX)
		return why_say(x->why, ERR_TOO_BIG, "the image exceeds what this program holds (LAYER_BLOCKS_MAX)");
	return x->sink.put(x->sink.of, x->next++, bytes);
}

void ext4_start(struct ext4 *x, struct fs *fs, struct ext4_sink sink, struct why *why)
{
	*x = (struct ext4){ .fs = fs, .why = why, .sink = sink, .next = 1 + EXT4_AREA };
}

enum err ext4_data(struct ext4 *x, const uint8_t block[EXT4_BLOCK])
{
	return put(x, block);
}

/* --- Directories --- */

static uint8_t file_type(uint16_t mode)
{
	switch (mode & FS_TYPE) {
	case FS_FILE: return 1;
	case FS_DIR: return 2;
	case FS_CHAR: return 3;
	case FS_BLOCK: return 4;
	case FS_FIFO: return 5;
	case FS_LINK: return 7;
	default: return 0;
	}
}

struct dir_block {
	struct ext4 *x;
	size_t used;
	uint8_t b[EXT4_BLOCK];
};

static enum err dir_close(struct dir_block *d)
{
	enum err e;

	le_put16(d->b + d->used + 4, (uint16_t)(EXT4_BLOCK - d->used));
	e = put(d->x, d->b);
	memset(d->b, 0, sizeof d->b);
	d->used = 0;
	return e;
}

static enum err dir_add(struct dir_block *d, uint32_t node, struct span name)
{
	size_t n = (ENTRY_HEAD + name.n + 3) & ~(size_t)3;
	uint8_t *at;
	enum err e = ERR_OK;

	if (EXT4_BLOCK - d->used < n + EMPTY_ENTRY)
		e = dir_close(d);
	at = d->b + d->used;
	le_put32(at, node);
	le_put16(at + 4, (uint16_t)n);
	at[6] = (uint8_t)name.n;
	at[7] = file_type(d->x->fs->node[node].mode);
	memcpy(at + ENTRY_HEAD, name.p, name.n);
	d->used += n;
	return e;
}

static enum err dir_write(struct ext4 *x, uint32_t dir)
{
	struct fs_node *n = &x->fs->node[dir];
	uint32_t parent = dir == FS_ROOT ? FS_ROOT : x->fs->entry[n->entry].parent;
	struct dir_block d = { .x = x };
	enum err e;

	n->first_block = x->next;
	e = dir_add(&d, dir, SPAN_LIT("."));
	if (e == ERR_OK)
		e = dir_add(&d, parent, SPAN_LIT(".."));
	for (uint32_t i = n->first; i && e == ERR_OK; i = x->fs->entry[i].next)
		e = dir_add(&d, x->fs->entry[i].node, fs_name(x->fs, &x->fs->entry[i]));
	if (e == ERR_OK)
		e = dir_close(&d);
	n->blocks = x->next - n->first_block;
	n->size = (uint64_t)n->blocks * EXT4_BLOCK;
	return e;
}

static enum err dirs_write(struct ext4 *x)
{
	enum err e = ERR_OK;

	for (uint32_t dir = FS_ROOT; dir && e == ERR_OK; dir = fs_next_dir(x->fs, dir)) {
		fs_sort(x->fs, dir);
		e = dir_write(x, dir);
	}
	return e;
}

/* --- Inodes --- */

static void extents_fill(uint8_t *b, const struct fs_node *n)
{
	uint32_t extents = (n->blocks + EXTENT_BLOCKS - 1) / EXTENT_BLOCKS;

	le_put16(b, 0xF30A);
	le_put16(b + 2, (uint16_t)extents);
	le_put16(b + 4, FILE_EXTENTS_MAX);
	for (uint32_t i = 0; i < extents; i++) {
		uint8_t *e = b + 12 + 12 * i;
		uint32_t at = i * EXTENT_BLOCKS, left = n->blocks - at;

		le_put32(e, at);
		le_put16(e + 4, (uint16_t)(left < EXTENT_BLOCKS ? left : EXTENT_BLOCKS));
		le_put32(e + 8, n->first_block + at);
	}
}

static void block_field_fill(const struct ext4 *x, const struct fs_node *n, uint8_t *b)
{
	uint16_t type = n->mode & FS_TYPE;

	if (type == FS_LINK && n->text_n <= SMALL_LINK)
		memcpy(b, x->fs->text + n->text, n->text_n);
	else if (type == FS_CHAR || type == FS_BLOCK)
		le_put32(b + 4, n->dev);
	else if (n->blocks)
		extents_fill(b, n);
}

static void time_fill(uint8_t *low, uint8_t *extra, uint64_t t)
{
	le_put32(low, (uint32_t)t);
	le_put32(extra, (uint32_t)(t >> 32));
}

static void xattrs_fill(const struct ext4 *x, const struct fs_node *n, uint8_t *area)
{
	struct xattr list[ENTRY_XATTRS_MAX];

	for (uint32_t i = 0; i < n->n_xattrs; i++) {
		const struct fs_xattr *a = &x->fs->xattr[n->xattrs + i];

		list[i] = (struct xattr){ span_of(x->fs->text + a->name, a->name_n), span_of(x->fs->text + a->value, a->value_n), a->in_block };
	}
	xattr_inode(list, n->n_xattrs, area);
}

static void inode_fill(const struct ext4 *x, const struct fs_node *n, uint8_t r[EXT4_INODE_LEN])
{
	le_put16(r, n->mode);
	le_put16(r + 0x02, (uint16_t)n->uid);
	le_put32(r + 0x04, (uint32_t)n->size);
	le_put16(r + 0x18, (uint16_t)n->gid);
	le_put16(r + 0x1A, (uint16_t)n->links);
	le_put32(r + 0x1C, n->blocks + (n->xattr_block != 0));
	le_put32(r + 0x20, FLAG_HUGE | (n->blocks ? FLAG_EXTENTS : 0));
	block_field_fill(x, n, r + 0x28);
	le_put32(r + 0x68, n->xattr_block);
	le_put32(r + 0x6C, (uint32_t)(n->size >> 32));
	le_put16(r + 0x78, (uint16_t)(n->uid >> 16));
	le_put16(r + 0x7A, (uint16_t)(n->gid >> 16));
	le_put16(r + 0x80, 24);
	time_fill(r + 0x08, r + 0x8C, n->time.a);
	time_fill(r + 0x0C, r + 0x84, n->time.c);
	time_fill(r + 0x10, r + 0x88, n->time.m);
	time_fill(r + 0x90, r + 0x94, n->time.cr);
	xattrs_fill(x, n, r + 0x98);
}

static enum err inodes_write(struct ext4 *x)
{
	uint32_t slots = x->groups * x->inodes_per_group;
	enum err e = ERR_OK;

	for (uint32_t i = 1; i <= slots && e == ERR_OK; i += INODES_PER_BLOCK) {
		uint8_t b[EXT4_BLOCK] = { 0 };

		for (uint32_t j = 0; j < INODES_PER_BLOCK && i + j <= x->fs->n_nodes; j++)
			if (x->fs->node[i + j].mode)
				inode_fill(x, &x->fs->node[i + j], b + j * EXT4_INODE_LEN);
		e = put(x, i <= x->fs->n_nodes ? b : NULL);
	}
	return e;
}

/* --- Groups --- */

/* Groups needed when each holds p inodes: the inode table of a group and two bitmaps leave d blocks for data, and blocks
 * are added until there are groups enough for all inodes. */
static uint32_t groups_for(uint32_t used, uint32_t nodes, uint32_t p)
{
	uint32_t d = EXT4_GROUP_BLOCKS - p / INODES_PER_BLOCK - 2, least = (nodes - 1) / p * d + 1;

	return ((used > least ? used : least) + d - 1) / d;
}

static void groups_choose(struct ext4 *x)
{
	x->groups = UINT32_MAX;
	for (uint32_t p = INODES_PER_BLOCK; p <= EXT4_GROUP_BLOCKS; p += INODES_PER_BLOCK) {
		uint32_t g = groups_for(x->next, x->fs->n_nodes, p);

		if (g < x->groups) {
			x->groups = g;
			x->inodes_per_group = p;
		}
	}
}

static void bit_set(uint8_t *b, uint32_t i)
{
	b[i / 8] = (uint8_t)(b[i / 8] | 1u << (i % 8));
}

/* Blocks in use, and those past the end of the disk. Of the descriptor area only the blocks in use count. */
static uint32_t block_bitmap(const struct ext4 *x, uint32_t g, uint32_t valid, uint8_t b[EXT4_BLOCK])
{
	uint32_t descriptors = (x->groups * DESCRIPTOR_LEN + EXT4_BLOCK - 1) / EXT4_BLOCK, ones = 0;

	for (uint32_t j = 0; j < EXT4_GROUP_BLOCKS; j++) {
		uint32_t k = g * EXT4_GROUP_BLOCKS + j;

		if ((k >= valid && k < x->blocks) || (k > descriptors && k <= EXT4_AREA))
			continue;
		bit_set(b, j);
		ones++;
	}
	return EXT4_GROUP_BLOCKS - ones;
}

static uint32_t inode_bitmap(const struct ext4 *x, uint32_t g, uint8_t b[EXT4_BLOCK], uint32_t *dirs)
{
	uint32_t ones = 0;

	*dirs = 0;
	for (uint32_t j = 0; j < x->inodes_per_group; j++) {
		uint32_t i = 1 + g * x->inodes_per_group + j;

		if (i >= FS_LOST_FOUND && i > x->fs->n_nodes)
			break;
		bit_set(b, j);
		ones++;
		*dirs += i <= x->fs->n_nodes && fs_is_dir(x->fs, i);
	}
	return x->inodes_per_group - ones;
}

static enum err bitmaps_write(struct ext4 *x)
{
	uint32_t valid = x->next + 2 * x->groups, least = (x->groups - 1) * EXT4_GROUP_BLOCKS + 1;
	enum err e = ERR_OK;

	x->bitmaps = x->next;
	x->blocks = valid > least ? valid : least;
	for (uint32_t g = 0; g < x->groups && e == ERR_OK; g++) {
		uint8_t b[EXT4_BLOCK] = { 0 };

		x->group[g].free_blocks = block_bitmap(x, g, valid, b);
		e = put(x, b);
		memset(b, 0, sizeof b);
		x->group[g].free_inodes = inode_bitmap(x, g, b, &x->group[g].dirs);
		if (e == ERR_OK)
			e = put(x, b);
		x->free_blocks += x->group[g].free_blocks;
		x->free_inodes += x->group[g].free_inodes;
	}
	while (e == ERR_OK && x->next < x->blocks)
		e = put(x, NULL);
	return e;
}

static void descriptors_fill(const struct ext4 *x, uint8_t b[EXT4_BLOCK])
{
	for (uint32_t g = 0; g < x->groups; g++) {
		uint8_t *d = b + DESCRIPTOR_LEN * g;

		le_put32(d, x->bitmaps + 2 * g);
		le_put32(d + 4, x->bitmaps + 2 * g + 1);
		le_put32(d + 8, x->table + g * x->inodes_per_group / INODES_PER_BLOCK);
		le_put16(d + 12, (uint16_t)x->group[g].free_blocks);
		le_put16(d + 14, (uint16_t)x->group[g].free_inodes);
		le_put16(d + 16, (uint16_t)x->group[g].dirs);
	}
}

static void superblock_fill(const struct ext4 *x, uint8_t *s)
{
	static const struct {
		uint16_t at;
		uint32_t value;
	} fixed[] = {
		{ 0x018, 2 }, { 0x01C, 2 }, { 0x020, EXT4_GROUP_BLOCKS }, { 0x024, EXT4_GROUP_BLOCKS },
		{ 0x038, 0x1EF53 }, /* magic, and clean */
		{ 0x03C, 1 }, { 0x04C, 1 }, { 0x054, 11 }, { 0x058, EXT4_INODE_LEN },
		{ 0x05C, 0x208 }, { 0x060, 0x242 }, { 0x064, 0x104A }, { 0x15C, 24 | 24 << 16 }, { 0x174, 31 }, { 0x268, FS_LOST_FOUND },
	};

	for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
		le_put32(s + fixed[i].at, fixed[i].value);
	le_put32(s, x->inodes_per_group * x->groups);
	le_put32(s + 0x004, x->blocks);
	le_put32(s + 0x00C, x->free_blocks);
	le_put32(s + 0x010, x->free_inodes);
	le_put32(s + 0x028, x->inodes_per_group);
}

static enum err head_write(struct ext4 *x)
{
	uint8_t b[EXT4_BLOCK] = { 0 };
	enum err e;

	superblock_fill(x, b + 1024);
	e = x->sink.put(x->sink.of, 0, b);
	memset(b, 0, sizeof b);
	descriptors_fill(x, b);
	if (e == ERR_OK)
		e = x->sink.put(x->sink.of, 1, b);
	for (uint32_t i = 2; i <= EXT4_AREA && e == ERR_OK; i++)
		e = x->sink.put(x->sink.of, i, NULL);
	return e;
}

enum err ext4_finish(struct ext4 *x)
{
	enum err e = dirs_write(x);

	if (e != ERR_OK)
		return e;
	groups_choose(x);
	if (x->groups > EXT4_GROUPS_MAX)
		return why_say(x->why, ERR_TOO_BIG, "the image exceeds what this program holds (LAYER_BLOCKS_MAX)");
	x->table = x->next;
	e = inodes_write(x);
	if (e == ERR_OK)
		e = bitmaps_write(x);
	if (e == ERR_OK)
		e = head_write(x);
	return e;
}
