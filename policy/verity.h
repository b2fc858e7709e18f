/* dm-verity: the root hash over an image of 4096-byte blocks. Format version 1, SHA-256, 32 zero bytes of salt
 * (Linux Documentation/admin-guide/device-mapper/verity.rst; the salt is the platform's). */
#ifndef POLICY_VERITY_H
#define POLICY_VERITY_H

#include "crypto/hash.h"

#define VERITY_BLOCK 4096
#define VERITY_HASHES (VERITY_BLOCK / SHA256_LEN) /* in one block */

/* The hash of one block: salt before data. */
void verity_hash(const uint8_t block[VERITY_BLOCK], uint8_t out[SHA256_LEN]);
/* Root over n >= 1 leaf hashes in block order. Overwrites leaf. */
void verity_root(uint8_t (*leaf)[SHA256_LEN], size_t n, uint8_t root[SHA256_LEN]);

#endif
