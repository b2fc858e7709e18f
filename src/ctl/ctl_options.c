/* Command-line options. */
#include "ctl/ctl_options.h"

#include <string.h>

#include "ctl/ctl_say.h"

static int bad(const char *what, const char *about)
{
	return ctl_say_problem(SAY_USAGE, what, about, NULL);
}

static const struct ctl_option *find(const char *word, size_t len, const struct ctl_option *table, size_t n)
{
	struct span s = span_of(word, len);

	for (size_t i = 0; i < n; i++)
		if (span_eq_str(s, table[i].name) || (table[i].brief && span_eq_str(s, table[i].brief)))
			return &table[i];
	return NULL;
}

static int append(struct ctl_list *list, const char *text)
{
	if (list->n == CTL_LIST_MAX)
		return bad("too many words", text);
	list->item[list->n++] = text;
	return 0;
}

/* value: what followed '=', or NULL. */
static int take(const struct ctl_option *o, const char *value, int argc, char **argv, int *i)
{
	if (o->flag) {
		*o->flag = true;
		return value ? bad("takes no value", o->name) : 0;
	}
	if (!value) {
		if (*i + 1 >= argc)
			return bad("wants a value", o->name);
		value = argv[++*i];
	}
	if (o->list)
		return append(o->list, value);
	if (*o->value)
		return bad("given twice", o->name);
	*o->value = value;
	return 0;
}

int ctl_options_read(int argc, char **argv, const struct ctl_option *table, size_t n, struct ctl_list *words)
{
	bool options = true;

	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *equals = strchr(word, '=');
		const struct ctl_option *o;
		int status;

		if (options && strcmp(word, "--") == 0) {
			options = false;
			continue;
		}
		if (!options || word[0] != '-' || !word[1]) {
			status = append(words, word);
		} else {
			o = find(word, equals ? (size_t)(equals - word) : strlen(word), table, n);
			status = o ? take(o, equals ? equals + 1 : NULL, argc, argv, &i) : bad("no such option", word);
		}
		if (status)
			return status;
	}
	return 0;
}
