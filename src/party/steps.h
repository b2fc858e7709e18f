/* The steps of party work (base/fault). */
#ifndef PARTY_STEPS_H
#define PARTY_STEPS_H

#include "base/fault.h"

extern const struct step STEP_PARTNER[1];  /* talking to another party */
extern const struct step STEP_STORE[1];    /* the data directory */
extern const struct step STEP_ANALYSIS[1]; /* decrypting and counting */

#endif
