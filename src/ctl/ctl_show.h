/* How a verification is told: a line for each check and a verdict, or JSON; and its exit status. */
#ifndef CTL_CTL_SHOW_H
#define CTL_CTL_SHOW_H

#include "snp/verify.h"

/* Exit statuses of verification (usage is SAY_USAGE, 2). */
enum { SHOW_GOOD = 0, SHOW_UNACCEPTABLE = 3, SHOW_NOT_GENUINE = 4, SHOW_UNCHECKED = 5 };

struct ctl_show {
	bool json, quiet, verbose, plain; /* plain: no colour, also on a terminal */
};

struct ctl_verdict {
	bool genuine, judged, acceptable; /* judged: acceptable means something */
};

/* Prints as asked and gives the exit status. facts: fields are shown when the report could be read. */
int ctl_show(const struct ctl_show *how, const struct ctl_verdict *v, const struct verify_facts *facts,
             const struct checks *checks);

#endif
