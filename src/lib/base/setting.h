/* One setting: a variable of the environment, declared by the module whose struct takes its value.
 * conf/settings.h reads them. */
#ifndef BASE_SETTING_H
#define BASE_SETTING_H

#include "base/out.h"

enum setting_kind {
	SETTING_TEXT,     /* printable */
	SETTING_WORD,     /* the same without blanks: goes into URLs and forms */
	SETTING_PATH,     /* absolute */
	SETTING_HOST,     /* url_host_text */
	SETTING_URL,      /* see the rules */
	SETTING_KEY_NAME, /* akv_key_name_ok */
	SETTING_HASH,     /* struct setting_hash */
	SETTING_NUMBER,   /* uint32_t from low to high */
	SETTING_CHOICE,   /* bool or enum: the place of the value in words */
	SETTING_SWITCH,   /* bool: off or on */
	SETTING_PORT,     /* struct setting_port */
	SETTING_VIEW,     /* struct span: a view into the environment */
	SETTING_OWN       /* the module's own reader; what it expects is the fourth string */
};

enum setting_rule {
	SETTING_SECRET = 1,   /* the value is never shown */
	SETTING_PLATFORM = 2, /* the platform sets it: what cannot be used is noted, no error */
	SETTING_HTTPS = 4,    /* URL: https alone */
	SETTING_LOOPBACK = 8, /* URL: http for loopback alone; else also for link-local addresses */
	SETTING_BASE = 16,    /* URL: paths are appended, so no query; trailing slashes go */
	SETTING_OR_HOST = 32, /* URL: host[:port] is taken for https:// and this */
	SETTING_SKR = 64      /* key name: "skr:" stands before it */
};

#define SETTING_NAME_MAX 64
typedef char setting_word[10]; /* an array of them ends with "" */

struct setting {
	const char *text; /* SETTING(): one pointer, so one relocation. NULL ends a table. */
	uint16_t at, cap; /* where the value goes in the module's struct */
	uint8_t kind, rules;
	uint8_t own; /* so many first characters of its name are ours alone: a name that begins so
	                and is of no setting is a mistake */
	union {
		struct {
			uint32_t low, high;
		};
		const setting_word *words;
		/* False: not what is expected. Untrusted. */
		bool (*read)(void *value, size_t cap, struct span text);
	};
};

/* Name, default ("": none), meaning; with SETTING_OWN also what is expected. A '*' in the name
 * stands for a part's own name. */
#define SETTING(name, preset, meaning, type, member) \
	.text = name "\0" preset "\0" meaning, .at = offsetof(type, member), \
	.cap = sizeof(((type *)0)->member)

struct setting_hash {
	bool set;
	uint8_t sha256[32];
};
struct setting_port {
	bool on;         /* "off" turns one off */
	uint16_t number; /* 0: the kernel's choice */
};

/* What is wrong with the settings, and what was set and is not used. Zeros at first. Printable
 * ASCII, no secrets. */
#define SETTING_PROBLEMS 10
struct setting_report {
	unsigned n;          /* problems, also those beyond the last line */
	char problems[3072]; /* at most SETTING_PROBLEMS lines, '\n' between them */
	char notes[512];     /* "; " between them; cut where they do not fit */
};
/* One more. problem: "NAME: text". */
void setting_problem(struct setting_report *r, const char *name, const char *text);
void setting_note(struct setting_report *r, const char *text);

#endif
