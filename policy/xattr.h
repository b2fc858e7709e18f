/* Extended attributes as they lie in an ext4 image: a few in the inode, the rest in one block. */
#ifndef POLICY_XATTR_H
#define POLICY_XATTR_H

#include "policy/tar.h"

#define XATTR_INODE_LEN 104 /* what follows the 152 used bytes of a 256-byte inode */
#define XATTR_BLOCK_LEN 4096

/* name is the full name ("user.x"). */
struct xattr {
	struct span name, value;
	bool in_block;
};

/* Sorts by name and gives every attribute its place: the inode while there is room, else the block. *block says whether
 * a block is needed. Refused with a reason: no room, a name over 255 bytes, three or more in the block (their order is
 * not well defined). */
MUST_USE enum err xattr_place(struct xattr *list, size_t n, bool *block, struct why *why);
/* The bytes of either place; only the attributes placed there are written. Call after xattr_place. */
void xattr_inode(const struct xattr *list, size_t n, uint8_t area[XATTR_INODE_LEN]);
void xattr_block(const struct xattr *list, size_t n, uint8_t block[XATTR_BLOCK_LEN]);
/* An access control list: it has no name of its own in the image, which stops readers of the list after it. */
bool xattr_is_nameless(struct span name);

#endif
