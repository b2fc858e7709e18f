/* Settings: the one reader of all modules' tables. */
#include "conf/settings.h"

#include <string.h>

#include "azure/akv.h"
#include "base/fault.h"
#include "base/limits.h"
#include "text/hex.h"
#include "text/url.h"

#define SETTINGS_MAX 128 /* variables of a program */
#define NEAR 3           /* letters wrong in a misspelt name */

/* One variable of a program. */
struct variable {
	const struct setting *d;
	const struct settings_part *part;
	size_t i; /* its number in the program */
	char name[SETTING_NAME_MAX];
};

/* The next variable, from { .part = parts } on; false at the end. */
static bool next(struct variable *v)
{
	struct out o = out_init(v->name, sizeof v->name);
	struct span name;

	if (v->d) {
		v->d++;
		v->i++;
	} else if (v->part->table) {
		v->d = v->part->table;
	}
	while (v->part->table && !v->d->text)
		v->d = (++v->part)->table;
	if (!v->part->table)
		return false;
	name = span_str(v->d->text);
	out_put(&o, span_cut(&name, '*'));
	out_str(&o, v->part->infix);
	out_put(&o, name);
	(void)out_cstr(&o);
	return true;
}

/* The strings after the name. */
static const char *string(const struct setting *d, int i)
{
	const char *s = d->text;

	while (i--)
		s += strlen(s) + 1;
	return s;
}
enum { PRESET = 1, MEANING, EXPECTED };

/* --- Readers of the kinds --- */

static bool is_printable(struct span v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] == 0x7f)
			return false;
	return true;
}

/* Plain http is for services of the same machine only. */
static bool is_near(const char *host, bool loopback)
{
	return url_host_is_loopback(host) || (!loopback && url_host_is_link_local(host));
}

static bool take_url(const struct setting *d, char *value, struct span v)
{
	char host[HOST_MAX], text[URL_MAX];
	struct out o = out_init(text, sizeof text);
	uint16_t port;
	struct url u;

	if ((d->rules & SETTING_OR_HOST) && url_hostport(v, 443, host, &port) == ERR_OK)
		out_str(&o, "https://");
	while ((d->rules & SETTING_BASE) && v.n && v.p[v.n - 1] == '/')
		v.n--;
	out_put(&o, v);
	v = out_span(&o);
	if (o.bad || url_parse(v, &u) != ERR_OK ||
	    ((d->rules & SETTING_BASE) && span_find(v, '?') < v.n))
		return false;
	if (d->rules & SETTING_HTTPS ? !span_starts(v, "https://")
	                             : !u.https && !is_near(u.host, d->rules & SETTING_LOOPBACK))
		return false;
	return span_is_word(v) && span_copy_str(v, value, d->cap);
}

static bool take_hash(struct setting_hash *value, struct span v)
{
	value->set = hex_decode(v, value->sha256, sizeof value->sha256) == ERR_OK;
	return value->set;
}

static bool take_number(const struct setting *d, uint32_t *value, struct span v)
{
	uint64_t n;

	if (!span_u64(v, &n) || n < d->low || n > d->high)
		return false;
	*value = (uint32_t)n;
	return true;
}

static const setting_word off_on[] = { "off", "on", "" };

static bool take_choice(const struct setting *d, const setting_word *words, void *value,
                        struct span v)
{
	for (uint32_t i = 0; words[i][0]; i++) {
		if (!span_eq_str(v, words[i]))
			continue;
		memcpy(value, &i, d->cap); /* bool or enum; little-endian */
		return true;
	}
	return false;
}

static bool take_port(struct setting_port *value, struct span v)
{
	uint64_t n = 0;

	value->on = !span_eq_str(v, "off");
	if (value->on && (!span_u64(v, &n) || n > 65535))
		return false;
	value->number = (uint16_t)n;
	return true;
}

static bool take_key_name(const struct setting *d, char *value, struct span v)
{
	if (d->rules & SETTING_SKR) {
		if (!span_starts(v, "skr:"))
			return false;
		v = span_sub(v, 4, v.n);
	}
	return akv_key_name_ok(v) && span_copy_str(v, value, d->cap);
}

bool settings_take(const struct setting *d, void *module, struct span v)
{
	void *value = (uint8_t *)module + d->at;

	switch ((enum setting_kind)d->kind) {
	case SETTING_TEXT:
		return is_printable(v) && span_copy_str(v, value, d->cap);
	case SETTING_WORD:
		return span_is_word(v) && span_copy_str(v, value, d->cap);
	case SETTING_PATH:
		return span_starts(v, "/") && is_printable(v) && span_copy_str(v, value, d->cap);
	case SETTING_HOST:
		return url_host_text(v, value, d->cap);
	case SETTING_URL:
		return take_url(d, value, v);
	case SETTING_KEY_NAME:
		return take_key_name(d, value, v);
	case SETTING_HASH:
		return take_hash(value, v);
	case SETTING_NUMBER:
		return take_number(d, value, v);
	case SETTING_CHOICE:
		return take_choice(d, d->words, value, v);
	case SETTING_SWITCH:
		return take_choice(d, off_on, value, v);
	case SETTING_PORT:
		return take_port(value, v);
	case SETTING_VIEW:
		*(struct span *)value = v;
		return true;
	case SETTING_OWN:
		return d->read(value, d->cap, v);
	}
	return false;
}

/* --- What is told --- */

static void write_words(struct out *o, const setting_word *words)
{
	for (size_t i = 0; words[i][0]; i++)
		out_strs(o, i == 0 ? "" : words[i + 1][0] ? ", " : " or ", words[i]);
}

static const char *url_form(unsigned rules)
{
	if (rules & SETTING_HTTPS)
		return "an https URL without query";
	if (rules & SETTING_OR_HOST)
		return "a host, host:port or URL";
	return rules & SETTING_LOOPBACK
	               ? "an https URL (http for loopback only)"
	               : "an https URL (http only for link-local and loopback addresses)";
}

/* What a right value is. */
static void write_expected(struct out *o, const struct setting *d)
{
	static const char forms[][44] = {
		[SETTING_TEXT] = "printable text",
		[SETTING_WORD] = "printable text without blanks",
		[SETTING_PATH] = "an absolute path",
		[SETTING_HOST] = "a host name, or host:port, without https://",
		[SETTING_HASH] = "64 hex digits",
		[SETTING_PORT] = "0 to 65535, or off",
		[SETTING_VIEW] = "any text",
	};

	switch ((int)d->kind) {
	case SETTING_URL:
		out_str(o, url_form(d->rules));
		break;
	case SETTING_KEY_NAME:
		out_strs(o, d->rules & SETTING_SKR ? "skr: and " : "",
		         "a key name of letters, digits and '-', or name/version");
		break;
	case SETTING_NUMBER:
		out_u64(o, d->low);
		out_str(o, " to ");
		out_u64(o, d->high);
		break;
	case SETTING_CHOICE:
		write_words(o, d->words);
		break;
	case SETTING_SWITCH:
		write_words(o, off_on);
		break;
	case SETTING_OWN:
		out_str(o, string(d, EXPECTED));
		break;
	default:
		out_str(o, forms[d->kind]);
	}
}

/* "expected FORM, got "value"": cut, and cleaned of what a terminal would obey. */
static void write_wrong(struct out *o, const struct setting *d, struct span value)
{
	char shown[80];

	out_str(o, "expected ");
	write_expected(o, d);
	if (d->rules & SETTING_SECRET)
		return;
	fault_text(shown, sizeof shown, value);
	out_strs(o, ", got \"", shown, value.n >= sizeof shown ? "...\"" : "\"");
}

/* A value that is not of its form. Texts are then something: that another setting goes without them
 * would be no help. */
static void tell_value(const struct variable *v, void *value, struct span text,
                       struct setting_report *r)
{
	char said[320];
	struct out o = out_init(said, sizeof said);

	memset(value, 0, v->d->cap);
	if (v->d->rules & SETTING_PLATFORM) {
		out_strs(&o, v->name, ": ");
		write_wrong(&o, v->d, text);
		out_str(&o, ": not used");
		setting_note(r, out_cstr(&o));
		return;
	}
	if (v->d->kind <= SETTING_KEY_NAME)
		*(char *)value = '?';
	write_wrong(&o, v->d, text);
	setting_problem(r, v->name, out_cstr(&o));
}

/* How many letters must be put in, taken out or replaced to make b of a. */
static unsigned distance(struct span a, const char *b)
{
	uint8_t row[SETTING_NAME_MAX];
	size_t n = strlen(b);

	for (size_t i = 0; i <= n; i++)
		row[i] = (uint8_t)i;
	for (size_t k = 0; k < a.n; k++) {
		unsigned before = row[0]++;

		for (size_t i = 0; i < n; i++) {
			unsigned above = row[i + 1], best = before + (a.p[k] != (uint8_t)b[i]);

			if (above + 1 < best)
				best = above + 1;
			if (row[i] + 1u < best)
				best = row[i] + 1u;
			row[i + 1] = (uint8_t)best;
			before = above;
		}
	}
	return row[n];
}

/* A name that no setting has: a misspelt setting, or another program's variable. */
static void tell_name(const struct settings_part *parts, struct span name, struct setting_report *r)
{
	char shown[80], said[160], near_name[SETTING_NAME_MAX];
	unsigned best = NEAR + 1;
	bool ours = false;

	for (struct variable v = { .part = parts }; next(&v);) {
		unsigned far = name.n < SETTING_NAME_MAX ? distance(name, v.name) : best;

		ours |= v.d->own && name.n >= v.d->own && memcmp(name.p, v.name, v.d->own) == 0;
		if (far >= best)
			continue;
		best = far;
		memcpy(near_name, v.name, sizeof near_name);
	}
	if (!ours)
		return;
	fault_text(shown, sizeof shown, name);
	(void)out_join(said, sizeof said, "no setting has this name",
	               best > NEAR ? "" : "; did you mean ", best > NEAR ? "" : near_name,
	               best > NEAR ? "" : "?");
	setting_problem(r, shown, said);
}

/* --- Whose variable --- */

/* "_443_TCP" after NAME_PORT, and any suffix of it. */
static bool is_port_suffix(struct span s)
{
	static const char protocols[][5] = { "TCP", "UDP", "SCTP" };
	struct span port, protocol;
	uint64_t n;

	if (!span_starts(s, "_"))
		return false;
	s = span_sub(s, 1, s.n);
	port = span_cut(&s, '_');
	protocol = span_cut(&s, '_');
	for (size_t i = 0; i < sizeof protocols / sizeof protocols[0]; i++)
		if (span_eq_str(protocol, protocols[i]))
			return span_u64(port, &n);
	return false;
}

/* Kubernetes sets these for each service of the namespace, in every container: NAME is the
 * service's, so it may be "PEER". */
static bool is_service_variable(struct span name, struct span value)
{
	static const char schemes[][8] = { "tcp://", "udp://", "sctp://" };

	if (span_ends(name, "_SERVICE_HOST") || span_ends(name, "_SERVICE_PORT") ||
	    span_has_nocase(name, "_SERVICE_PORT_"))
		return true;
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (span_ends(name, "_PORT") && span_starts(value, schemes[i]))
			return true;
	for (size_t at = 0; at < name.n; at++)
		if (span_starts(span_sub(name, at, name.n), "_PORT") &&
		    is_port_suffix(span_sub(name, at + 5, name.n)))
			return true;
	return false;
}

static bool find(struct variable *v, struct span name)
{
	while (next(v))
		if (span_eq_str(name, v->name))
			return true;
	return false;
}

static void read_one(const struct settings_part *parts, void *program, struct span value,
                     bool *seen, struct setting_report *r)
{
	struct span name = span_cut(&value, '=');
	struct variable v = { .part = parts };
	bool known = find(&v, name);

	if (is_service_variable(name, value)) {
		char text[128];

		if (known &&
		    out_join(text, sizeof text, v.name,
		             ": a service variable of Kubernetes, not the setting: not used"))
			setting_note(r, text);
	} else if (!known) {
		tell_name(parts, name, r);
	} else if (seen[v.i]) {
		setting_problem(r, v.name, "set twice");
	} else {
		uint8_t *module = (uint8_t *)program + v.part->at;

		seen[v.i] = true;
		/* Templates set what they do not use to nothing. */
		if (value.n && !settings_take(v.d, module, value))
			tell_value(&v, module + v.d->at, value, r);
	}
}

void settings_read(const struct settings_part *parts, void *program, char *const *environment,
                   struct setting_report *r)
{
	bool seen[SETTINGS_MAX] = { false };

	memset(r, 0, sizeof *r);
	for (struct variable v = { .part = parts }; next(&v);) {
		uint8_t *module = (uint8_t *)program + v.part->at;
		const char *preset = string(v.d, PRESET);

		if (v.i >= SETTINGS_MAX ||
		    (*preset && !settings_take(v.d, module, span_str(preset)))) {
			setting_problem(
				r, v.name,
				"the table is wrong: another version of this program is needed");
			return;
		}
	}
	for (; *environment; environment++)
		read_one(parts, program, span_str(*environment), seen, r);
}

/* --- All of them, for people --- */

static void write_row(struct out *o, const struct variable *v)
{
	const char *preset = string(v->d, PRESET);

	out_strs(o, "| `", v->name, *preset ? "` | `" : "` |", preset, *preset ? "` | " : " | ");
	write_expected(o, v->d);
	out_strs(o, " | ", string(v->d, MEANING), " |\n");
}

static void write_value(struct out *o, const struct variable *v, void *module,
                        char *const *environment)
{
	struct span value = span_str(string(v->d, PRESET));
	char shown[256];

	for (; *environment; environment++) {
		struct span given = span_str(*environment), name = span_cut(&given, '=');

		if (given.n && span_eq_str(name, v->name) && !is_service_variable(name, given) &&
		    settings_take(v->d, module, given))
			value = given;
	}
	if (!value.n)
		return;
	fault_text(shown, sizeof shown, value);
	out_strs(o, v->name, "=", v->d->rules & SETTING_SECRET ? "(secret)" : shown, "\n");
}

void settings_write(const struct settings_part *parts, void *program, char *const *environment,
                    struct out *o)
{
	out_str(o, "| setting | default | values | meaning |\n|---|---|---|---|\n");
	for (struct variable v = { .part = parts }; next(&v);)
		write_row(o, &v);
	out_byte(o, '\n');
	for (struct variable v = { .part = parts }; next(&v);)
		write_value(o, &v, (uint8_t *)program + v.part->at, environment);
}
