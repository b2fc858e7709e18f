/* A stand-in for AMD: root, intermediates, leaf certificates of each product and kind, revocation
 * lists, and signed reports, made by the openssl command, once in a run of a program. For tests
 * only. */
#ifndef UNIT_AMD_H
#define UNIT_AMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"

/* The directory; empty before amd_make. */
extern char amd_dir[64];

/* A file of the directory, whole, in memory from malloc, with a NUL after it; a missing one ends
 * the program. */
uint8_t *amd_file(const char *name, size_t *n);
void amd_write(const char *name, const void *bytes, size_t n);
void amd_run(const char *command);
/* Makes everything, unless an earlier file of the program did; false when there is no openssl
 * command. A script that fails although there is one ends the program. */
bool amd_make(void);
/* SHA-256 of the root key. */
const uint8_t *amd_root(void);
/* A report of this version for a product (CPUID family, model), with the levels and chip of the
 * leaf certificates, not signed yet. */
void amd_report(uint8_t r[SNP_REPORT_LEN], unsigned version, uint8_t family, uint8_t model);
/* Signs it with KEY.key (P-384). */
void amd_sign(uint8_t r[SNP_REPORT_LEN], const char *key);

#endif
