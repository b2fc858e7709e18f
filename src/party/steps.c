/* The steps of party work, and what their failures most likely mean. */
#include "party/steps.h"

static const struct advice partner_advice[] = {
	{ ERR_MISMATCH, "the address leads to another party, or somebody is in between", "check the partner's URL and host data" },
	{ ERR_HTTP, "the partner, or a proxy before it, does not answer with its records now: see the message",
	  "see the partner's log and its /readyz; try again" },
};
static const struct advice store_advice[] = {
	{ ERR_FULL, "the data directory has no room, or the data have too many records", "give DATA_DIR more room" },
	{ ERR_DAMAGED, "the stored records were changed or cut after they were written",
	  "import the data again (POST /company/populate)" },
	{ ERR_SYNTAX, "the data are not in the form that is expected", "correct them at the place that the message names" },
	{ ERR_TOO_BIG, "a value or the whole is larger than is allowed", "make it smaller" },
	{ ERR_NOT_FOUND, "there is no such file", "check CSV_PATH and DATA_DIR" },
	{ ERR_STATE, "the key is not here yet, or the same is being done already", "release the key first (POST /skr/release), or wait" },
	{ ERR_CRYPTO, "it was encrypted for another key, or changed since", "check which key it was encrypted for" },
	{ ERR_SYSTEM, "the data directory or a file in it cannot be used", "check DATA_DIR: its permissions and its disk" },
};
const struct step STEP_PARTNER[1] = { { "partner", true, STEP_ADVICE(partner_advice) } };
const struct step STEP_STORE[1] = { { "storage", false, STEP_ADVICE(store_advice) } };
const struct step STEP_ANALYSIS[1] = { { "analysis", true, NULL, 0 } };
