/* What the sealed process may still reach, from its settings. */
#ifndef PARTY_CONFINE_H
#define PARTY_CONFINE_H

#include "party/settings.h"

/* Files and outgoing ports (os/seal: Landlock). Call when everything that is read once has been read, before threads start. A kernel without
 * Landlock is told on the log and by confine_landlock. ERR_SYSTEM: the caller must not go on. */
MUST_USE enum err confine_files(const struct settings *s);
/* The kernel's Landlock version in force, 0 for none. */
int confine_landlock(void);

#endif
