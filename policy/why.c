/* Why something was refused. */
#include "policy/why.h"

#include "base/fault.h"

enum err why_set(struct why *w, enum err err, const char *text, struct span about)
{
	fault_text(w->text, sizeof w->text, span_str(text));
	fault_text(w->about, sizeof w->about, about);
	return err;
}

enum err why_say(struct why *w, enum err err, const char *text)
{
	return why_set(w, err, text, span_of(NULL, 0));
}
