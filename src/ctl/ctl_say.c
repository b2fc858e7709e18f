/* What the subcommands share. */
#include "ctl/ctl_say.h"

#include <errno.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/file.h"

static void write_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(SAY_FILE);
		s = span_sub(s, (size_t)n, s.n);
	}
}

void ctl_say_out(struct span s)
{
	write_all(STDOUT_FILENO, s);
}

void ctl_say_err(struct span s)
{
	write_all(STDERR_FILENO, s);
}

int ctl_say_problem(int status, const char *what, const char *about, const char *why)
{
	const char *parts[3] = { what, about, why };
	uint8_t text[2048];
	struct out o = out_init(text, sizeof text);

	out_str(&o, "parleyctl");
	for (size_t i = 0; i < 3; i++) {
		char clean[600];

		if (!parts[i] || !parts[i][0])
			continue;
		fault_text(clean, sizeof clean, span_str(parts[i]));
		out_str(&o, ": ");
		out_str(&o, clean);
	}
	out_byte(&o, '\n');
	ctl_say_err(out_span(&o));
	return status;
}

const char *ctl_say_file_error(enum err e)
{
	switch (e) {
	case ERR_NOT_FOUND: return "no such file or directory";
	case ERR_TOO_BIG: return "too big";
	case ERR_FULL: return "no space left";
	default: return "cannot be read or written (is it a plain file that you may use?)";
	}
}

int ctl_say_read(const char *path, uint8_t *dst, size_t cap, size_t *n)
{
	enum err e = file_read_all(path, dst, cap, n);

	return e == ERR_OK ? 0 : ctl_say_problem(SAY_FILE, path, NULL, ctl_say_file_error(e));
}

int ctl_say_write(const char *dir, const char *name, struct span data)
{
	struct file_out f;
	enum err e = file_create(dir, name, &f);

	if (e == ERR_OK) {
		e = file_write(&f, data);
		if (e == ERR_OK)
			e = file_commit(&f);
		else
			file_abandon(&f);
	}
	return e == ERR_OK ? 0 : ctl_say_problem(SAY_FILE, dir, name, ctl_say_file_error(e));
}
