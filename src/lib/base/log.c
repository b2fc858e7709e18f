/* The log: one line an event on standard error. */
#include "base/log.h"

#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/out.h"

static enum log_level max_level = LOG_INFO;
static const setting_word levels[] = { "error", "warn", "info", "debug", "" };

const struct setting log_settings[] = {
	{ SETTING("LOG_LEVEL", "info", "lines above this level are dropped", struct log_settings, level), .kind = SETTING_CHOICE, .words = levels },
	{ .text = NULL },
};

static const char *process_name = "parley";

void log_set_level(enum log_level level)
{
	max_level = level;
}

bool log_wants(enum log_level level)
{
	return level <= max_level;
}

void log_set_name(const char *name)
{
	process_name = name;
}

/* One line under construction. */
struct line {
	uint8_t text[LOG_LINE_MAX];
	struct out o;
};

/* Other bytes than printable ASCII as \xNN, and a backslash so too: what stands there is always
 * what it was. Cut before the first that does not fit. */
static void put_clean(struct out *o, struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		bool plain = s.p[i] >= 0x20 && s.p[i] < 0x7f && s.p[i] != '\\';

		if (o->cap - o->n < (plain ? 1u : 4u))
			return;
		if (plain) {
			out_byte(o, s.p[i]);
		} else {
			out_str(o, "\\x");
			out_hex(o, &s.p[i], 1);
		}
	}
}

/* Unix seconds with milliseconds: enough to order lines; a person's clock is the collector's business. */
static void put_time(struct out *o)
{
	struct timespec now = { 0 };

	clock_gettime(CLOCK_REALTIME, &now);
	out_fixed(o, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, 3);
}

static void line_start(struct line *l, enum log_level level, const char *component, const char *text)
{
	l->o = out_init(l->text, sizeof l->text - 1);
	put_time(&l->o);
	out_byte(&l->o, ' ');
	out_str(&l->o, levels[level]);
	out_byte(&l->o, ' ');
	put_clean(&l->o, span_str(process_name));
	out_byte(&l->o, ' ');
	put_clean(&l->o, span_str(component));
	out_str(&l->o, ": ");
	put_clean(&l->o, span_str(text));
}

static void line_end(struct line *l)
{
	ssize_t ignored;

	l->text[l->o.n] = '\n';
	ignored = write(STDERR_FILENO, l->text, l->o.n + 1);
	(void)ignored;
}

static void line_pair(struct line *l, const char *key, struct span value)
{
	out_byte(&l->o, ' ');
	out_str(&l->o, key);
	out_byte(&l->o, '=');
	put_clean(&l->o, value);
}

void log_line(enum log_level level, const char *component, const char *text)
{
	struct line l;

	if (level > max_level)
		return;
	line_start(&l, level, component, text);
	line_end(&l);
}

void log_num(enum log_level level, const char *component, const char *text, const char *key, uint64_t value)
{
	uint8_t digits[20];
	struct out d = out_init(digits, sizeof digits);

	out_u64(&d, value);
	log_text(level, component, text, key, out_span(&d));
}

void log_text(enum log_level level, const char *component, const char *text, const char *key, struct span value)
{
	struct line l;

	if (level > max_level)
		return;
	line_start(&l, level, component, text);
	line_pair(&l, key, value);
	line_end(&l);
}

static void pair_num(struct line *l, const char *key, uint64_t value)
{
	uint8_t digits[20];
	struct out d = out_init(digits, sizeof digits);

	if (value == 0)
		return;
	out_u64(&d, value);
	line_pair(l, key, out_span(&d));
}

void log_fault(enum log_level level, const char *component, const char *text, const struct fault *f)
{
	struct line l;

	if (level > max_level)
		return;
	line_start(&l, level, component, text);
	line_pair(&l, "step", span_str(step_name(f->step)));
	line_pair(&l, "error", span_str(err_name(f->err)));
	if (f->service[0])
		line_pair(&l, "service", span_str(f->service));
	pair_num(&l, "status", (uint64_t)f->http_status);
	if (f->code[0])
		line_pair(&l, "code", span_str(f->code));
	pair_num(&l, "errno", (uint64_t)f->sys_errno);
	pair_num(&l, "fw_error", f->fw_error);
	pair_num(&l, "vmm_error", f->vmm_error);
	line_pair(&l, "message", span_str(f->message));
	line_end(&l);
}
