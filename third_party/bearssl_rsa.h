/* Put before rsa_i62_pub.c and rsa_i62_priv.c when they are compiled (-include). BearSSL reckons their working memory by the largest modulus,
 * BR_MAX_RSA_SIZE, so closely that from 3072 bits on public operations fall back to 31-bit arithmetic, and private ones to a window of one
 * bit. Reckoned by a larger one, RSA-4096 takes less than half of the time; 6.5 KiB of stack instead of 2.2. crypto/rsa.c admits 4096 bits at most. */
#include "inner.h"
#undef BR_MAX_RSA_SIZE
#define BR_MAX_RSA_SIZE 12288
