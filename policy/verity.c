/* dm-verity: leaf hashes to root. */
#include "policy/verity.h"

#include <string.h>

void verity_hash(const uint8_t block[VERITY_BLOCK], uint8_t out[SHA256_LEN])
{
	static const uint8_t salt[32];
	struct sha256 h;

	hash_sha256_init(&h);
	hash_sha256_update(&h, span_of(salt, sizeof salt));
	hash_sha256_update(&h, span_of(block, VERITY_BLOCK));
	hash_sha256_out(&h, out);
}

/* The hash of the block that holds n <= VERITY_HASHES hashes, filled with zeros. */
static void hash_of_hashes(uint8_t (*leaf)[SHA256_LEN], size_t n, uint8_t out[SHA256_LEN])
{
	uint8_t block[VERITY_BLOCK] = { 0 };

	memcpy(block, leaf, n * SHA256_LEN);
	verity_hash(block, out);
}

void verity_root(uint8_t (*leaf)[SHA256_LEN], size_t n, uint8_t root[SHA256_LEN])
{
	/* A level's hash number i is written over leaf i, which the block it was made of covers or lies behind. */
	while (n > VERITY_HASHES) {
		size_t blocks = (n + VERITY_HASHES - 1) / VERITY_HASHES;

		for (size_t i = 0; i < blocks; i++) {
			size_t at = i * VERITY_HASHES;

			hash_of_hashes(leaf + at, n - at < VERITY_HASHES ? n - at : VERITY_HASHES, leaf[i]);
		}
		n = blocks;
	}
	hash_of_hashes(leaf, n, root);
}
