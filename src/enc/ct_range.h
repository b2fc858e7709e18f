/* Branch-free range test and choice: what the base64 and hex codecs use in place of tables and ifs. */
#ifndef ENC_CT_RANGE_H
#define ENC_CT_RANGE_H

#include <stdint.h>

/* All ones when lo <= x <= hi, else zero; all three below 2^31. Constant time. */
static inline uint32_t ct_range(uint32_t x, uint32_t lo, uint32_t hi)
{
	/* Either difference going below zero sets its top bit. */
	return (((x - lo) | (hi - x)) >> 31) - 1;
}

#endif
