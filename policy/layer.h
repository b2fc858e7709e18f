/* From a layer's tar to its dm-verity root: the value a policy's "layers" names. */
#ifndef POLICY_LAYER_H
#define POLICY_LAYER_H

#include "policy/ext4.h"
#include "policy/tar.h"

/* What is told of a layer. */
struct layer_info {
	uint8_t root[SHA256_LEN];    /* dm-verity */
	uint8_t diff_id[SHA256_LEN]; /* SHA-256 of the tar itself */
	uint64_t tar_bytes;
	uint32_t blocks, inodes, free_inodes, free_blocks, groups;
	uint32_t files;              /* inodes in use from 11 on */
};

/* Reads the whole tar once. extra, if not NULL, also gets every block of the image (see struct ext4_sink). Anything
 * whose result could be in doubt is refused with the reason in why, and *info is not set. Not reentrant: the tables
 * are static. Input untrusted. */
MUST_USE enum err layer_measure(struct source src, const struct ext4_sink *extra, struct layer_info *info, struct why *why);

#endif
