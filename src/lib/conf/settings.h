/* Settings: environment variables, all measured by the security policy (HOST_DATA). Read once at
 * start into the structs of the modules that declare them (base/setting.h); a program lists its
 * modules. */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "base/setting.h"

/* One module's table, and where its struct is in the program's. */
struct settings_part {
	const struct setting *table; /* NULL ends the list */
	size_t at;
	char infix[34]; /* what a '*' in the names stands for */
};

/* Reads defaults, then the environment (NULL-terminated "NAME=value" strings), into *program, whose
 * members it does not clear. Tells all problems: values out of form, names set twice, and unknown
 * names that begin like one of ours. Names of others are ignored. So are Kubernetes' service
 * variables (NAME_SERVICE_HOST, NAME_PORT=tcp://..., NAME_PORT_443_TCP, ...), also where NAME
 * begins like one of ours. An empty value is none. A value out of form counts as given when the
 * program looks at several settings together. Values are copies, or views into the environment. */
void settings_read(const struct settings_part *parts, void *program, char *const *environment,
                   struct setting_report *r);
/* Reads one value of a module, false when it is not of its form. For what stands in another
 * setting's value. Untrusted. */
bool settings_take(const struct setting *d, void *module, struct span value);
/* Appends a table of all settings (Markdown: name, default, values, meaning), a blank line, and
 * what is in force with this environment, "NAME=value" a line: no secrets, values cut. Reads into
 * *program again. */
void settings_write(const struct settings_part *parts, void *program, char *const *environment,
                    struct out *o);

#endif
