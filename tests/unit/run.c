/* ROOM [FILE[/CASE]...]: the unit tests of a room: all, those of the named files, or single cases. */
#include "t.h"

#include <ftw.h>
#include <sys/wait.h>
#include <unistd.h>

char unit_dir[] = "/tmp/parley-unit-XXXXXX";
static struct unit *units;

/* Keeps the names in order, whatever the linker's order is. */
void unit_add(struct unit *u)
{
	struct unit **at = &units;

	while (*at && strcmp((*at)->name, u->name) < 0)
		at = &(*at)->next;
	u->next = *at;
	*at = u;
}

/* Each file runs in a process of its own: it finds the library as a program finds it, and its crash
 * ends no other file. */
static int run(const struct unit *u, const char *only)
{
	int status = -1;
	pid_t child;

	printf("# %s\n", u->name);
	child = fork();
	if (child == 0) {
		cmocka_set_test_filter(only);
		exit(u->run() != 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		perror("fork");
	if (status != 0 && !WIFEXITED(status))
		printf("not ok 0 - %s: ended by signal %d\n", u->name, WTERMSIG(status));
	return status != 0;
}

/* One argument: FILE or FILE/CASE. */
static int run_named(const char *argument)
{
	size_t n = strcspn(argument, "/");

	for (const struct unit *u = units; u; u = u->next)
		if (strlen(u->name) == n && memcmp(u->name, argument, n) == 0)
			return run(u, argument[n] ? argument + n + 1 : NULL);
	fprintf(stderr, "no test file %s in this program\n", argument);
	return 1;
}

static int unlink_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	return remove(path);
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (!mkdtemp(unit_dir)) {
		perror(unit_dir);
		return 1;
	}
	/* What a case printed is there even when the case ends the process. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (int i = 1; i < argc; i++)
		failed += run_named(argv[i]);
	for (const struct unit *u = units; u && argc < 2; u = u->next)
		failed += run(u, NULL);
	nftw(unit_dir, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
	return failed != 0;
}
