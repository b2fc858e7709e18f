/* One party's settings (policy/parties/NAME.json): what runs, with which environment, and who may get its key. */
#ifndef POLICY_PARTY_H
#define POLICY_PARTY_H

#include "policy/rego.h"
#include "policy/release.h"
#include "policy/vars.h"

/* What is not given has the tightest value: user and group 0 (the guest device belongs to root and no capability is
 * there to get around that), no capabilities, no stdio. About 120 KiB: keep it static. */
struct party {
	char name[33];
	struct rego_container container; /* without layers */
	struct {
		size_t rule;    /* of container */
		char party[33]; /* whose HOST_DATA is its value */
	} host_data_env[PARTY_ITEMS_MAX];
	size_t n_host_data_env;
	bool has_key;
	struct release_policy release;   /* without the hashes */
	char key_name[128];
	uint32_t n_release_to;
	char release_to[RELEASE_ENTRIES_MAX][33]; /* parties whose attested containers get the key */
	size_t used;
	uint8_t text[PARTY_FILE_MAX];
};

/* Reads one party's file: JSON with the members of policy/README.md, none unknown, ${NAME} replaced from v. platform is
 * the text of policy/platform.json (empty when not given): versioned lists of the variables that each target injects.
 * ERR_NOT_FOUND when a ${NAME} is not set (why->about is the name), ERR_SYNTAX, ERR_RANGE, ERR_TOO_BIG with reason. */
MUST_USE enum err party_read(struct party *p, struct span json, struct span platform, enum rego_target target,
                             const struct vars *v, struct why *why);

#endif
