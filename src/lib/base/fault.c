/* One failure, told so that a person can act. */
#include "base/fault.h"

#include <errno.h>
#include <string.h>

static const char step_names[STEP_COUNT][22] = {
	[STEP_NONE] = "none",
	[STEP_CONFIG] = "configuration",
	[STEP_REPORT] = "snp_report",
	[STEP_COLLATERAL] = "platform_certificates",
	[STEP_ATTEST] = "attestation",
	[STEP_TOKEN_VERIFY] = "token_verification",
	[STEP_IDENTITY] = "managed_identity",
	[STEP_RELEASE] = "key_release",
	[STEP_RELEASE_VERIFY] = "release_verification",
	[STEP_UNWRAP] = "key_unwrap",
	[STEP_PARTNER] = "partner",
	[STEP_STORE] = "storage",
	[STEP_ANALYSIS] = "analysis",
};

const char *step_name(enum step step)
{
	return (unsigned)step < STEP_COUNT && step_names[step][0] ? step_names[step] : "unknown";
}

void fault_clear(struct fault *f)
{
	memset(f, 0, sizeof *f);
}

void fault_text(char *dst, size_t cap, struct span untrusted)
{
	size_t n = untrusted.n < cap - 1 ? untrusted.n : cap - 1;

	for (size_t i = 0; i < n; i++)
		dst[i] = untrusted.p[i] >= 0x20 && untrusted.p[i] < 0x7f ? (char)untrusted.p[i] : '?';
	dst[n] = '\0';
}

enum err fault_set(struct fault *f, enum err err, enum step step, const char *message)
{
	if (f) {
		f->err = err;
		f->step = step;
		fault_text(f->message, sizeof f->message, span_str(message));
	}
	return err;
}

enum err fault_set_detail(struct fault *f, enum err err, enum step step, const char *message, struct span detail)
{
	fault_set(f, err, step, message);
	if (f && detail.n) {
		size_t n = strlen(f->message);

		if (n + 3 < sizeof f->message) {
			memcpy(f->message + n, ": ", 3);
			fault_text(f->message + n + 2, sizeof f->message - n - 2, detail);
		}
	}
	return err;
}

enum err fault_set_errno(struct fault *f, enum err err, enum step step, const char *message)
{
	int error = errno;

	if (f)
		f->sys_errno = err == ERR_SYSTEM ? error : 0;
	return fault_set(f, err, step, message);
}

void fault_advise(struct fault *f, const char *cause, const char *remedy)
{
	if (f) {
		f->cause = cause;
		f->remedy = remedy;
	}
}

/* First row that fits wins. STEP_NONE: any step; ERR_OK: any error. */
static const struct advice {
	enum step step;
	enum err err;
	const char *cause, *remedy;
} advices[] = {
	{ STEP_REPORT, ERR_SYSTEM, "the SNP guest device could not be opened, or its driver failed",
	  "check that the process may use the device; restart the container group" },
	{ STEP_REPORT, ERR_OK, "the device's report does not answer this request, or is not as AMD specifies it",
	  "restart the container group on another host" },
	{ STEP_COLLATERAL, ERR_MISMATCH, "the certificate source gives certificates of another chip or another firmware level",
	  "set CERT_CACHE to another source, or try again later" },
	{ STEP_COLLATERAL, ERR_OK, "what answered is not this certificate service, or its answer was damaged on the way",
	  "check CERT_CACHE and CERT_CACHE_ENDPOINT; try again" },
	{ STEP_TOKEN_VERIFY, ERR_OK, "the token is not what this attestation service makes for this request: damaged or repeated "
	  "on the way, or made by somebody else", "check SKR_MAA_ENDPOINT and what is in between; try again" },
	{ STEP_RELEASE_VERIFY, ERR_OK, "the answer is not what this vault gives to this request: damaged or repeated on the way, or "
	  "made by somebody else", "check SKR_AKV_ENDPOINT, SKR_KEY_NAME and what is in between; try again" },
	{ STEP_UNWRAP, ERR_OK, "the key is not wrapped for this process, or is of a kind not known here",
	  "RSA, EC (P-256, P-384, P-521) and oct keys can be released; try again" },
	{ STEP_STORE, ERR_FULL, "the data directory has no room, or the data have too many records", "give DATA_DIR more room" },
	{ STEP_STORE, ERR_DAMAGED, "the stored records were changed or cut after they were written",
	  "import the data again (POST /company/populate)" },
	{ STEP_STORE, ERR_SYNTAX, "the data are not in the form that is expected", "correct them at the place that the message names" },
	{ STEP_STORE, ERR_TOO_BIG, "a value or the whole is larger than is allowed", "make it smaller" },
	{ STEP_STORE, ERR_NOT_FOUND, "there is no such file", "check CSV_PATH and DATA_DIR" },
	{ STEP_STORE, ERR_STATE, "the key is not here yet, or the same is being done already", "release the key first (POST /skr/release), or wait" },
	{ STEP_STORE, ERR_CRYPTO, "it was encrypted for another key, or changed since", "check which key it was encrypted for" },
	{ STEP_STORE, ERR_SYSTEM, "the data directory or a file in it cannot be used", "check DATA_DIR: its permissions and its disk" },
	{ STEP_PARTNER, ERR_MISMATCH, "the address leads to another party, or somebody is in between",
	  "check the partner's URL and host data" },
	{ STEP_PARTNER, ERR_HTTP, "the partner, or a proxy before it, does not answer with its records now: see the message",
	  "see the partner's log and its /readyz; try again" },
	{ STEP_NONE, ERR_PROTOCOL, "what answered is another service than expected, or its answer was damaged on the way",
	  "check the endpoint's setting and what is in between; try again" },
	{ STEP_NONE, ERR_TOO_BIG, "what answered is another service than expected: its answer is far larger than this service's are",
	  "check the endpoint's setting and what is in between" },
	{ STEP_NONE, ERR_TIMEOUT, "a service is slow, or requests before this one still wait for it", "try again" },
	{ STEP_NONE, ERR_CONFIG, "a setting is missing or wrong", "check the settings that the message names" },
	{ STEP_NONE, ERR_OK, "not known, see the message", "see the message and this party's log" },
};

static const struct advice *find_advice(const struct fault *f)
{
	size_t i = 0;

	/* The last row fits everything. */
	while ((advices[i].step && advices[i].step != f->step) || (advices[i].err && advices[i].err != f->err))
		i++;
	return &advices[i];
}

const char *fault_cause(const struct fault *f)
{
	return f->cause ? f->cause : find_advice(f)->cause;
}

const char *fault_remedy(const struct fault *f)
{
	return f->remedy ? f->remedy : find_advice(f)->remedy;
}
