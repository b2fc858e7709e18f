/* What the subcommands share: writing to the terminal, exit statuses, reading files. */
#ifndef CTL_CTL_SAY_H
#define CTL_CTL_SAY_H

#include "base/err.h"
#include "base/out.h"

enum { SAY_DONE = 0, SAY_REFUSED = 1, SAY_USAGE = 2, SAY_FILE = 3 };

/* Everything to standard output, or standard error; a closed output ends the program with SAY_FILE. */
void ctl_say_out(struct span s);
void ctl_say_err(struct span s);
/* "parleyctl: what: about: why" on standard error, empty parts left out; returns status. */
int ctl_say_problem(int status, const char *what, const char *about, const char *why);
/* What a failed file operation was: "no such file" and so on; static text. */
const char *ctl_say_file_error(enum err e);
/* A whole file, or a complaint naming it: 0 or the exit status. */
int ctl_say_read(const char *path, uint8_t *dst, size_t cap, size_t *n);
/* Replaces dir/name by data, or complains: 0 or the exit status. */
int ctl_say_write(const char *dir, const char *name, struct span data);

#endif
