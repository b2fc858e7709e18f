/* Sealing as a program does it: endpoints of settings become ports, and what the kernel has is told. */
#ifndef CONF_CONFINE_H
#define CONF_CONFINE_H

#include "os/seal.h"

/* The port of an endpoint in either form that settings have: URL, or host[:port] (https). Checked when it was read; "" adds nothing. */
void confine_endpoint(struct seal *s, const char *endpoint);

/* seal_files. Call when everything that is read once has been read, before threads start. A kernel without Landlock is told on the log and
 * by confine_landlock. ERR_FULL, ERR_SYSTEM: told on the log; the caller must not go on. */
MUST_USE enum err confine_files(const struct seal *s);
/* The kernel's Landlock version in force, 0 for none. */
int confine_landlock(void);

#endif
