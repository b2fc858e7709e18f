/* A genuine file of records, the same in every run, and its key in the slots of KEYS_OWN. For tests only. */
#ifndef FUZZ_GENUINE_H
#define FUZZ_GENUINE_H

#include "party/records/recread.h"

#define GENUINE_RECORDS 5

/* Puts tests/fuzz/data/rsa.p8 into the slot and writes a batch of GENUINE_RECORDS for it. */
struct span genuine_records(void);
/* What reading `file` from beginning to end says, key in `slot`; *records gets how many records were given out. Every value given out of
 * our own format is that of the genuine record with its number: anything else ends the program. */
enum err genuine_read(struct span file, enum key_slot slot, uint64_t *records);

#endif
