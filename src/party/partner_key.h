/* Release of partners' keys, to the one party that may hold them. */
#ifndef PARTY_PARTNER_KEY_H
#define PARTY_PARTNER_KEY_H

#include "attest/release.h"
#include "party/settings.h"

/* Woodgrove: releases a partner's key into its slot. ERR_CONFIG when this party has no such
 * partner, or its vault is unknown. quiet: failures are the caller's to log. */
MUST_USE enum err partner_key_release(const struct settings *s, enum role partner, bool quiet,
                                      struct release_info *info, int64_t deadline_ms,
                                      struct fault *f);

#endif
