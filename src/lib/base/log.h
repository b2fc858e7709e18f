/* The log: one line an event on standard error, never a secret. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/fault.h"
#include "base/setting.h"

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

struct log_settings {
	enum log_level level; /* LOG_LEVEL */
};
extern const struct setting log_settings[];

/* Lines above this level are dropped. Default LOG_INFO. Set once before threads start. */
void log_set_level(enum log_level level);
bool log_wants(enum log_level level);
/* Who this process is, put on every line ("contoso"); static or long-lived text. Set once before threads start. */
void log_set_name(const char *name);

/* One line "TIME LEVEL name component: text". Text is cut at LOG_LINE_MAX; a backslash and every
 * byte that is not printable ASCII become \xNN. Written with a single write(2), so lines of
 * several threads do not mix; failures to write are ignored. */
void log_line(enum log_level level, const char *component, const char *text);
/* The same with " key=value" of a number, or of untrusted text, appended. */
void log_num(enum log_level level, const char *component, const char *text, const char *key, uint64_t value);
void log_text(enum log_level level, const char *component, const char *text, const char *key, struct span value);
/* A whole fault on one line: step, service, status, code, message, errno and firmware layers. */
void log_fault(enum log_level level, const char *component, const char *text, const struct fault *f);

#endif
