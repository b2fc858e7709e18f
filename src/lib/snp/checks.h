/* The outcome of a verification: one entry for each thing that was looked at, or was not. */
#ifndef SNP_CHECKS_H
#define SNP_CHECKS_H

#include "text/json_write.h"

enum check_state { CHECK_PASSED, CHECK_FAILED, CHECK_SKIPPED };
/* Two questions, kept apart: is the evidence what it says it is; and is that what we want to talk to. */
enum check_group { CHECK_GENUINE, CHECK_ACCEPTABLE };

#define CHECKS_MAX 64
#define CHECKS_TEXT_MAX 10240

struct check {
	const char *id;                /* static text such as "chain.root": part of the interface, never changed */
	uint8_t group, state;          /* enum check_group, enum check_state */
	uint16_t expected, found, why; /* offsets of texts; 0 when there is nothing to say */
};

/* Owns its texts. About 12 KiB: static storage, or one of few things on a stack. Holds nothing secret. */
struct checks {
	struct check list[CHECKS_MAX];
	size_t n;
	uint8_t group; /* of checks to come: set by whoever runs them */
	bool full;     /* an entry did not fit: nothing counts as passed then */
	uint16_t text_n;
	char text[CHECKS_TEXT_MAX]; /* NUL-terminated texts; the first is empty. Cut, never lost, when they do not fit */
};

/* Empty, group CHECK_GENUINE. */
void checks_init(struct checks *c);

/* Entries. Texts may be untrusted: other than printable ASCII becomes '?'. Empty or NULL ones are left out. */
void checks_skip(struct checks *c, const char *id, const char *why);
/* Passed with found when ok, else failed with all three. Returns ok. */
bool checks_judge(struct checks *c, const char *id, bool ok, struct span expected, struct span found, const char *why);
/* The same with nothing expected or found. */
bool checks_that(struct checks *c, const char *id, bool ok, const char *why);
/* Passed when both are the same bytes (at most 64), told in hex. Returns whether. NOT constant time. */
bool checks_equal(struct checks *c, const char *id, struct span expected, struct span found, const char *why);
/* Passed when found is at least min. Returns whether. */
bool checks_at_least(struct checks *c, const char *id, uint64_t min, uint64_t found, const char *why);

/* At least one check of the group passed and none failed. Skipped ones do not count: they are there to be read. */
bool checks_ok(const struct checks *c, enum check_group group);
/* How many of the group are in this state. */
size_t checks_count(const struct checks *c, enum check_group group, enum check_state state);
/* The texts of an entry: "" where there is none. */
const char *checks_text(const struct checks *c, uint16_t offset);
/* Array member `name` of {"id","group","state"[,"expected"][,"found"][,"why"]}. */
void checks_write_json(const struct checks *c, struct jw *w, const char *name);
/* "passed", "failed", "skipped". */
const char *checks_state_name(enum check_state s);

#endif
