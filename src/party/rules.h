/* What a party may still do after start: its modules' lists, and the files and ports of its settings. */
#ifndef PARTY_RULES_H
#define PARTY_RULES_H

#include "os/seal.h"
#include "party/settings.h"

/* Adds them to *seal, which keeps views of the settings. */
void rules_collect(struct seal *seal, const struct settings *s);

#endif
