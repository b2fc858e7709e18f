/* The report on the settings. */
#include "base/setting.h"

#include <string.h>

/* Appends to a text of lines or notes. */
static void append(char *text, size_t cap, const char *between, const char *name, const char *more)
{
	size_t n = strlen(text);
	struct out o = out_init(text + n, cap - n - 1); /* the rest is zero */

	out_strs(&o, n ? between : "", name, name ? ": " : "", more);
}

/* The last line counts the problems that have none of their own. */
static void count_rest(struct setting_report *r)
{
	char *last = strrchr(r->problems, '\n') + 1;
	struct out o = out_init(last, sizeof r->problems - (size_t)(last - r->problems));

	out_str(&o, "and ");
	out_u64(&o, r->n - SETTING_PROBLEMS + 1);
	out_str(&o, " more");
	(void)out_cstr(&o);
}

void setting_problem(struct setting_report *r, const char *name, const char *text)
{
	if (++r->n > SETTING_PROBLEMS)
		count_rest(r);
	else
		append(r->problems, sizeof r->problems, "\n", name, text);
}

void setting_note(struct setting_report *r, const char *text)
{
	append(r->notes, sizeof r->notes, "; ", NULL, text);
}
