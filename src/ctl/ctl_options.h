/* Command-line options: a table, and one way to read it. */
#ifndef CTL_CTL_OPTIONS_H
#define CTL_CTL_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define CTL_LIST_MAX 8

struct ctl_list {
	const char *item[CTL_LIST_MAX];
	size_t n;
};

/* Exactly one of flag, value, list is set: "--name", "--name VALUE" once, "--name VALUE" up to CTL_LIST_MAX times. */
struct ctl_option {
	const char *name; /* "--json" */
	const char *brief; /* "-q", or NULL */
	bool *flag;
	const char **value;
	struct ctl_list *list;
};

/* Reads argv[0..argc) (without the command's own words); "--name=VALUE" is taken as well, "--" ends options. Words that
 * are no options go to words. 0, or SAY_USAGE after a complaint. */
int ctl_options_read(int argc, char **argv, const struct ctl_option *table, size_t n, struct ctl_list *words);

#endif
