/* One failure, told so that a person can act: where it happened, who said what, why, and what to do. */
#ifndef BASE_FAULT_H
#define BASE_FAULT_H

#include "base/err.h"
#include "base/span.h"

/* Advice for a kind of failure: static text. */
struct advice {
	enum err err; /* ERR_OK: any */
	const char *cause, *remedy;
};

/* What was being done when it failed. A module declares its steps beside its functions, as arrays of one:
 * `extern const struct step STEP_NAME[1];`. Equal steps have equal addresses. */
struct step {
	const char *name; /* as used in replies and in the log */
	bool upstream;    /* a service or device answers here: its answer is at fault, not the caller's request */
	const struct advice *advice; /* used where the layer that failed gives none; the first row that fits */
	size_t n_advice;
};
#define STEP_ADVICE(rows) (rows), sizeof(rows) / sizeof((rows)[0])

/* Holds no secrets: it is logged and sent to callers. Filled by the layer that knows most; an outer layer
 * only adds what is still empty. Strings are NUL-terminated and cut to fit. */
struct fault {
	enum err err;
	const struct step *step; /* NULL: none */
	char service[128]; /* host[:port] or device path spoken to, "" when local */
	int http_status;   /* 0 when no HTTP answer came */
	char code[64];     /* the service's own error code, "" when none */
	char message[512]; /* what happened, one sentence; may quote the service (printable ASCII only) */
	const char *cause; /* static text: most likely cause, NULL when unknown */
	const char *remedy; /* static text: what to do, NULL when unknown */
	int sys_errno;     /* errno layer: 0 when the system call itself succeeded */
	uint32_t fw_error; /* SNP firmware layer, 0 when none */
	uint32_t vmm_error; /* hypervisor layer, 0 when none */
	uint32_t retry_after_s; /* what Retry-After asked for, 0 when absent */
};

/* Empties f. */
void fault_clear(struct fault *f);

/* Sets err, step and message (message replaces what was there; cause/remedy/service untouched). Returns err,
 * so that `return fault_set(f, ...)` reads well. f may be NULL. */
enum err fault_set(struct fault *f, enum err err, const struct step *step, const char *message);

/* The same with a detail appended after ": ", unprintable bytes replaced by '?', cut to fit. */
enum err fault_set_detail(struct fault *f, enum err err, const struct step *step, const char *message, struct span detail);

/* The same for what a system call did not do: errno goes along when err is ERR_SYSTEM. */
enum err fault_set_errno(struct fault *f, enum err err, const struct step *step, const char *message);

/* Adds advice. Static texts. f may be NULL. */
void fault_advise(struct fault *f, const char *cause, const char *remedy);

/* The advice of f. Where the layer that failed gave none, what is most likely for that step and kind of failure, so that no
 * failure is told without. Never NULL. */
const char *fault_cause(const struct fault *f);
const char *fault_remedy(const struct fault *f);

/* Copies untrusted text into a fixed field: printable ASCII kept, others '?', cut to cap-1, NUL added. */
void fault_text(char *dst, size_t cap, struct span untrusted);

/* The step's name; "none" for NULL. */
const char *step_name(const struct step *step);

#endif
