/* The security context directory and its fallback. */
#include "snp/context.h"

#include <string.h>

#include "crypto/hash.h"
#include "text/base64.h"
#include "os/file.h"

const struct setting context_settings[] = {
	{ SETTING("UVM_SECURITY_CONTEXT_DIR", "", "where the platform's files are, else found", struct context_settings, dir),
	  .kind = SETTING_PATH },
	{ SETTING("UVM_HOST_AMD_CERTIFICATE", "", "certificates where there are no files", struct context_settings, env.amd_cert),
	  .kind = SETTING_VIEW },
	{ SETTING("UVM_SECURITY_POLICY", "", "policy, likewise", struct context_settings, env.policy), .kind = SETTING_VIEW },
	{ SETTING("UVM_REFERENCE_INFO", "", "endorsement, likewise", struct context_settings, env.reference), .kind = SETTING_VIEW },
	{ .text = NULL },
};

static const char kata_dir[] = "/opt/confidential-containers/share/kata-containers";

/* The directory read: the setting, what / holds, or Kata's; false when there is none. */
static bool context_find(const char *setting, char dir[256])
{
	if (setting && *setting)
		return span_copy_str(span_str(setting), dir, 256);
	if (file_find_entry("/", "security-context-", dir, 256) == ERR_OK)
		return true;
	return file_exists(kata_dir) && span_copy_str(span_str(kata_dir), dir, 256);
}

/* Each part: its decoded bytes to the context's own form. */
static enum err take_reference(struct context *c, struct span bytes)
{
	if (bytes.n > sizeof c->reference)
		return ERR_TOO_BIG;
	memcpy(c->reference, bytes.p, bytes.n);
	c->reference_len = bytes.n;
	return ERR_OK;
}

static enum err take_certs(struct context *c, struct span bytes)
{
	return certs_parse_thim(bytes, &c->certs);
}

static enum err take_policy(struct context *c, struct span bytes)
{
	if (bytes.n > sizeof c->policy)
		return ERR_TOO_BIG;
	hash_sha256(bytes, c->policy_sha256);
	c->has_policy = true;
	memcpy(c->policy, bytes.p, bytes.n);
	c->policy_len = bytes.n;
	return ERR_OK;
}

static const struct part {
	char file[28], variable[28]; /* in the table itself: no relocation */
	enum err (*take)(struct context *c, struct span bytes);
} parts[] = {
	{ "reference-info-base64", "UVM_REFERENCE_INFO", take_reference },
	{ "host-amd-cert-base64", "UVM_HOST_AMD_CERTIFICATE", take_certs },
	{ "security-policy-base64", "UVM_SECURITY_POLICY", take_policy },
};
enum { PARTS = sizeof parts / sizeof parts[0] };

/* From base64 text, which is decoded in place. One line in practice; the original reader tolerates line ends. */
static enum err take(struct context *c, const struct part *p, uint8_t *scratch, size_t n)
{
	TRY(base64_decode(B64_STD, span_trim(span_of(scratch, n)), scratch, CONTEXT_SCRATCH_LEN, &n));
	return p->take(c, span_of(scratch, n));
}

static enum err load_file(struct context *c, const struct part *p, uint8_t *scratch)
{
	char path[300];
	size_t n;

	out_join(path, sizeof path, c->dir, "/", p->file);
	TRY(file_read_all(path, scratch, CONTEXT_SCRATCH_LEN, &n));
	return take(c, p, scratch, n);
}

static enum err load_files(struct context *c, const char *setting, uint8_t *scratch, const char **problem)
{
	if (!context_find(setting, c->dir))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < PARTS; i++) {
		*problem = parts[i].file;
		TRY(load_file(c, &parts[i], scratch));
	}
	c->source = CONTEXT_FILES;
	return ERR_OK;
}

static enum err load_environment(struct context *c, const struct context_env *env, uint8_t *scratch, const char **problem)
{
	const struct span values[PARTS] = { env->reference, env->amd_cert, env->policy };
	enum err found = ERR_NOT_FOUND;

	for (size_t i = 0; i < PARTS; i++) {
		if (values[i].n == 0)
			continue;
		*problem = parts[i].variable;
		if (values[i].n > CONTEXT_SCRATCH_LEN)
			return ERR_TOO_BIG;
		memcpy(scratch, values[i].p, values[i].n);
		TRY(take(c, &parts[i], scratch, values[i].n));
		found = ERR_OK;
	}
	c->source = found ? CONTEXT_NONE : CONTEXT_ENVIRONMENT;
	return found;
}

enum err context_load(struct context *c, const char *dir_setting, const struct context_env *env, uint8_t *scratch,
                      const char **problem)
{
	const char *env_problem = NULL;
	enum err from_files, from_env;

	memset(c, 0, sizeof *c);
	*problem = NULL;
	from_files = load_files(c, dir_setting, scratch, problem);
	if (from_files == ERR_OK)
		return ERR_OK;
	memset(c, 0, sizeof *c);
	from_env = load_environment(c, env, scratch, &env_problem);
	if (from_env != ERR_OK)
		memset(c, 0, sizeof *c);
	/* Nothing set in the environment: the files' problem is the one to tell. */
	if (from_env == ERR_NOT_FOUND)
		return from_files;
	*problem = env_problem;
	return from_env;
}
