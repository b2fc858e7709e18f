/* SHA-256's compression with the processor's own instructions (SHA extensions), which every processor with SEV-SNP has: five times as fast as
 * portable code, where the hash of all records is a third of the work. Inside src/lib/crypto only. */
#ifndef CRYPTO_SHA256_NI_H
#define CRYPTO_SHA256_NI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK 64

/* Whether this processor has them. Any thread. CPUID is asked once: it traps in a guest. */
bool sha256_ni_there(void);
/* Takes n whole blocks at p into the state (FIPS 180-4 section 6.2.2). Constant time. Only where sha256_ni_there(). */
void sha256_ni(uint32_t state[8], const uint8_t *p, size_t n);

#endif
