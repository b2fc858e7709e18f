/* snpbox: fault injection from a file that may change while the program runs. */
#include "snpbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum name {
	BUSY,
	FW,
	VMM,
	STATUS,
	ENOTTY_,
	EBADMSG_,
	EINTR_,
	SHORT,
	MBZ,
	BADSIG,
	NOREPORTDATA,
	OLDTCB,
	DELAY,
	OPEN_ERROR,
	WIPE,
	N_NAMES
};
enum value { NO_VALUE, NUMBER, HEX, ERRNO };

/* Words of a line: the name, the value if it has one, how many calls (0: all). */
static const struct {
	const char *text;
	enum value value;
	uint32_t count; /* if the line gives none */
} NAMES[N_NAMES] = {
	[BUSY] = {"busy", NO_VALUE, 1},
	[FW] = {"fw", NUMBER, 1},
	[VMM] = {"vmm", NUMBER, 1},
	[STATUS] = {"status", NUMBER, 1},
	[ENOTTY_] = {"enotty", NO_VALUE, 0},
	[EBADMSG_] = {"ebadmsg", NO_VALUE, 1},
	[EINTR_] = {"eintr", NO_VALUE, 1},
	[SHORT] = {"short", NO_VALUE, 1},
	[MBZ] = {"mbz", NO_VALUE, 1},
	[BADSIG] = {"badsig", NO_VALUE, 1},
	[NOREPORTDATA] = {"noreportdata", NO_VALUE, 1},
	[OLDTCB] = {"oldtcb", HEX, 0},
	[DELAY] = {"delay", NUMBER, 0},
	[OPEN_ERROR] = {"open-error", ERRNO, 0},
	[WIPE] = {"wipe", NO_VALUE, 0},
};

struct line {
	enum name name;
	uint64_t value;
	uint32_t left;
	bool forever;
};

#define LINES_MAX 64
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *file;
static struct stat seen; /* the state of the file that lines[] was read from */
static struct line lines[LINES_MAX];
static size_t n_lines;
static bool wiped; /* the VMPCK is gone: for good, as in the kernel */

static bool errno_read(const char *text, uint64_t *v)
{
	char *end;

	*v = strtoull(text, &end, 10);
	if (*end == 0)
		return *v > 0 && *v < 4096;
	for (int e = 1; e < 134; e++) {
		const char *name = strerrorname_np(e);
		if (name != NULL && strcmp(name, text) == 0) {
			*v = (uint64_t)e;
			return true;
		}
	}
	return false;
}

static bool number_read(const char *text, int base, uint64_t *v)
{
	char *end;

	*v = strtoull(text, &end, base);
	return *text != '-' && *end == 0;
}

/* False if the line cannot be understood. */
static bool line_read(char *text, struct line *l)
{
	char *save = NULL, *word = strtok_r(text, " \t\r\n", &save);
	unsigned n = 0;
	uint64_t count;

	while (n < N_NAMES && strcmp(NAMES[n].text, word) != 0)
		n++;
	if (n == N_NAMES)
		return false;
	*l = (struct line){.name = (enum name)n, .left = NAMES[n].count};
	if (NAMES[n].value != NO_VALUE) {
		word = strtok_r(NULL, " \t\r\n", &save);
		if (word == NULL)
			return false;
		bool ok = NAMES[n].value == ERRNO ? errno_read(word, &l->value)
						  : number_read(word, NAMES[n].value == HEX ? 16 : 0, &l->value);
		if (!ok)
			return false;
	}
	word = strtok_r(NULL, " \t\r\n", &save);
	if (word != NULL) {
		if (!number_read(word, 10, &count) || count > UINT32_MAX)
			return false;
		l->left = (uint32_t)count;
	}
	l->forever = l->left == 0;
	return strtok_r(NULL, " \t\r\n", &save) == NULL;
}

static void file_read(void)
{
	char text[256];
	FILE *f = fopen(file, "re");

	n_lines = 0;
	for (unsigned no = 1; f != NULL && fgets(text, sizeof text, f) != NULL; no++) {
		text[strcspn(text, "#")] = 0;
		if (text[strspn(text, " \t\r\n")] == 0)
			continue;
		if (n_lines == LINES_MAX || !line_read(text, &lines[n_lines]))
			box_log("%s: line %u is not understood and ignored", file, no);
		else
			n_lines++;
	}
	if (f != NULL)
		fclose(f);
}

/* Reads the file if it changed: then all its lines are armed anew. */
static void refresh(void)
{
	struct stat now;

	if (file == NULL)
		return;
	if (stat(file, &now) != 0)
		memset(&now, 0, sizeof now);
	if (now.st_ino == seen.st_ino && now.st_dev == seen.st_dev && now.st_size == seen.st_size &&
	    now.st_mtim.tv_sec == seen.st_mtim.tv_sec && now.st_mtim.tv_nsec == seen.st_mtim.tv_nsec &&
	    now.st_ctim.tv_sec == seen.st_ctim.tv_sec && now.st_ctim.tv_nsec == seen.st_ctim.tv_nsec)
		return;
	seen = now;
	file_read();
}

static bool armed(const struct line *l)
{
	return l->forever || l->left > 0;
}

static void use(struct line *l)
{
	if (!l->forever)
		l->left--;
}

static bool present(enum name n)
{
	for (size_t i = 0; i < n_lines; i++)
		if (lines[i].name == n && armed(&lines[i]))
			return true;
	return false;
}

/* The first armed line that makes the call fail decides how. */
static void outcome_choose(struct plan *p)
{
	static const enum outcome outcomes[N_NAMES] = {
		[BUSY] = OUTCOME_BUSY,	     [FW] = OUTCOME_FIRMWARE,	    [VMM] = OUTCOME_VMM,	 [STATUS] = OUTCOME_STATUS,
		[ENOTTY_] = OUTCOME_ENOTTY, [EBADMSG_] = OUTCOME_EBADMSG, [EINTR_] = OUTCOME_EINTR,
	};

	for (size_t i = 0; i < n_lines && p->outcome == OUTCOME_REPORT; i++) {
		if (!armed(&lines[i]) || outcomes[lines[i].name] == OUTCOME_REPORT)
			continue;
		p->outcome = outcomes[lines[i].name];
		p->code = (uint32_t)lines[i].value;
		use(&lines[i]);
	}
}

static void edits_choose(struct report_edit *e)
{
	for (size_t i = 0; i < n_lines; i++) {
		bool *flag = NULL;
		if (!armed(&lines[i]))
			continue;
		if (lines[i].name == SHORT)
			flag = &e->cut;
		else if (lines[i].name == MBZ)
			flag = &e->reserved_set;
		else if (lines[i].name == BADSIG)
			flag = &e->bad_signature;
		else if (lines[i].name == NOREPORTDATA)
			flag = &e->no_report_data;
		else if (lines[i].name == OLDTCB)
			flag = &e->old_tcb;
		if (flag == NULL || *flag)
			continue;
		*flag = true;
		if (flag == &e->old_tcb)
			e->tcb = lines[i].value;
		use(&lines[i]);
	}
}

/* After these the driver cannot know the state of the message sequence, and destroys the key. */
static bool destroys_key(const struct plan *p)
{
	return p->outcome == OUTCOME_BUSY || p->outcome == OUTCOME_FIRMWARE || p->outcome == OUTCOME_EBADMSG ||
	       (p->outcome == OUTCOME_VMM && p->code != 1);
}

void faults_init(const char *path)
{
	file = path;
}

struct plan faults_next_ioctl(void)
{
	struct plan p = {.outcome = OUTCOME_REPORT};

	pthread_mutex_lock(&lock);
	refresh();
	for (size_t i = 0; i < n_lines; i++)
		if (lines[i].name == DELAY && armed(&lines[i])) {
			p.delay_ms += (uint32_t)lines[i].value;
			use(&lines[i]);
		}
	if (wiped)
		p.outcome = OUTCOME_ENOTTY;
	outcome_choose(&p);
	if (p.outcome == OUTCOME_REPORT)
		edits_choose(&p.edit);
	else if (destroys_key(&p) && present(WIPE))
		wiped = true;
	pthread_mutex_unlock(&lock);
	return p;
}

int faults_next_open(void)
{
	int e = 0;

	pthread_mutex_lock(&lock);
	refresh();
	for (size_t i = 0; i < n_lines && e == 0; i++)
		if (lines[i].name == OPEN_ERROR && armed(&lines[i])) {
			e = (int)lines[i].value;
			use(&lines[i]);
		}
	pthread_mutex_unlock(&lock);
	return e;
}
