/* Caps of the policy tool, each with the reason for its size. Its memory is static and only pages in use are touched. */
#ifndef POLICY_LIMITS_H
#define POLICY_LIMITS_H

/* layers */
#define LAYER_BLOCKS_MAX (1u << 20) /* blocks of 4096 bytes in one image: 4 GiB, 32 bytes of hash each */
#define LAYER_NODES_MAX (1u << 18)  /* files, directories, links: the largest public images stay below 200 000 */
#define LAYER_TEXT_MAX (48u << 20)  /* all names, link targets and attributes together */
#define LAYER_XATTRS_MAX (1u << 16) /* extended attributes of a whole layer */
#define ENTRY_XATTRS_MAX 32         /* of one entry: an inode holds two or three, the block at most two */
#define PAX_MAX (1u << 20)          /* one extended header or GNU long name; the usual readers' own cap */
#define TAR_BUFFER 65536            /* one read */
#define NAME_BYTES_MAX 255          /* of one path component: ext4's cap */
#define FILE_EXTENTS_MAX 4          /* what fits the inode: 512 MiB a file */
#define LINKS_MAX 65000             /* ext4's cap */

/* policies */
#define POLICY_LAYERS_MAX 64       /* layers of one image; builders stop at 127, ours has one */
#define POLICY_TEXT_MAX (1u << 19) /* Rego text; the platform takes 120 KiB of base64, other tools write longer ones */
#define POLICY_B64_MAX ((POLICY_TEXT_MAX + 2) / 3 * 4)
#define POLICY_TOKENS_MAX 65536    /* JSON tokens of a policy's containers or of a request */
#define PARTY_FILE_MAX 65536       /* one party's settings */
#define PARTY_TOKENS_MAX 4096
#define PARTIES_MAX 16             /* parties of one run */
#define PARTY_ENV_MAX 96           /* exact variables */
#define PARTY_RULES_MAX 64         /* platform rules */
#define PARTY_ITEMS_MAX 32         /* command words, mounts, groups, options */
#define PARTY_TEXT_MAX 1024        /* one value, also a pattern */
#define POLICY_SETS_MAX 128        /* NAME=VALUE given on the command line or in a file */

#endif
