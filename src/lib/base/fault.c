/* One failure, told so that a person can act. */
#include "base/fault.h"

#include <errno.h>
#include <string.h>

const char *step_name(const struct step *step)
{
	return step ? step->name : "none";
}

void fault_clear(struct fault *f)
{
	memset(f, 0, sizeof *f);
}

void fault_text(char *dst, size_t cap, struct span untrusted)
{
	size_t n = untrusted.n < cap - 1 ? untrusted.n : cap - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = untrusted.p[i] >= 0x20 && untrusted.p[i] < 0x7f ? (char)untrusted.p[i] : '?';
	dst[n] = '\0';
}

enum err fault_set(struct fault *f, enum err err, const struct step *step, const char *message)
{
	if (f) {
		f->err = err;
		f->step = step;
		fault_text(f->message, sizeof f->message, span_str(message));
	}
	return err;
}

enum err fault_set_detail(struct fault *f, enum err err, const struct step *step, const char *message, struct span detail)
{
	fault_set(f, err, step, message);
	if (f && detail.n) {
		size_t n = strlen(f->message);

		if (n + 3 < sizeof f->message) {
			memcpy(f->message + n, ": ", 3);
			fault_text(f->message + n + 2, sizeof f->message - n - 2, detail);
		}
	}
	return err;
}

enum err fault_set_errno(struct fault *f, enum err err, const struct step *step, const char *message)
{
	int error = errno;

	if (f)
		f->sys_errno = err == ERR_SYSTEM ? error : 0;
	return fault_set(f, err, step, message);
}

void fault_advise(struct fault *f, const char *cause, const char *remedy)
{
	if (f) {
		f->cause = cause;
		f->remedy = remedy;
	}
}

/* For steps that have no row of their own. The last row fits every failure. */
static const struct advice common[] = {
	{ ERR_PROTOCOL, "what answered is another service than expected, or its answer was damaged on the way",
	  "check the endpoint's setting and what is in between; try again" },
	{ ERR_TOO_BIG, "what answered is another service than expected: its answer is far larger than this service's are",
	  "check the endpoint's setting and what is in between" },
	{ ERR_TIMEOUT, "a service is slow, or requests before this one still wait for it", "try again" },
	{ ERR_CONFIG, "a setting is missing or wrong", "check the settings that the message names" },
	{ ERR_OK, "not known, see the message", "see the message and this party's log" },
};

static const struct advice *find_advice(const struct fault *f)
{
	const struct advice *a = common;

	for (size_t i = 0; f->step && i < f->step->n_advice; i++)
		if (!f->step->advice[i].err || f->step->advice[i].err == f->err)
			return &f->step->advice[i];
	while (a->err && a->err != f->err)
		a++;
	return a;
}

const char *fault_cause(const struct fault *f)
{
	return f->cause ? f->cause : find_advice(f)->cause;
}

const char *fault_remedy(const struct fault *f)
{
	return f->remedy ? f->remedy : find_advice(f)->remedy;
}
