/* The security context directory and its fallback. */
#include "tee/context.h"

#include <string.h>

#include "crypto/hash.h"
#include "enc/base64.h"
#include "plat/file.h"

static const char kata_dir[] = "/opt/confidential-containers/share/kata-containers";
static const char file_reference[] = "reference-info-base64";
static const char file_amd_cert[] = "host-amd-cert-base64";
static const char file_policy[] = "security-policy-base64";

/* The directory read: the setting, what / holds, or Kata's; false when there is none. */
static bool context_find(const char *setting, char dir[256])
{
	if (setting && *setting)
		return span_copy_str(span_str(setting), dir, 256);
	if (file_find_entry("/", "security-context-", dir, 256) == ERR_OK)
		return true;
	return file_exists(kata_dir) && span_copy_str(span_str(kata_dir), dir, 256);
}

/* Each part: base64 text in, the context's own form out. The text is decoded in place. */
typedef enum err (*take_fn)(struct context *c, uint8_t *scratch, size_t n);

static enum err decode(uint8_t *scratch, size_t *n)
{
	/* One line in practice; the original reader tolerates line ends. */
	struct span text = span_trim(span_of(scratch, *n));

	return base64_decode(B64_STD, text, scratch, CONTEXT_SCRATCH_LEN, n);
}

static enum err take_reference(struct context *c, uint8_t *scratch, size_t n)
{
	enum err err = decode(scratch, &n);

	if (err)
		return err;
	if (n > sizeof c->reference)
		return ERR_TOO_BIG;
	memcpy(c->reference, scratch, n);
	c->reference_len = n;
	return ERR_OK;
}

static enum err take_certs(struct context *c, uint8_t *scratch, size_t n)
{
	enum err err = decode(scratch, &n);

	return err ? err : certs_parse_thim(span_of(scratch, n), &c->certs);
}

static enum err take_policy(struct context *c, uint8_t *scratch, size_t n)
{
	TRY(decode(scratch, &n));
	if (n > sizeof c->policy)
		return ERR_TOO_BIG;
	hash_sha256(span_of(scratch, n), c->policy_sha256);
	c->has_policy = true;
	memcpy(c->policy, scratch, n);
	c->policy_len = n;
	return ERR_OK;
}

struct part {
	const char *file, *variable;
	take_fn take;
};
static const struct part parts[] = {
	{ file_reference, "UVM_REFERENCE_INFO", take_reference },
	{ file_amd_cert, "UVM_HOST_AMD_CERTIFICATE", take_certs },
	{ file_policy, "UVM_SECURITY_POLICY", take_policy },
};
enum { PARTS = sizeof parts / sizeof parts[0] };

static enum err load_file(struct context *c, const struct part *p, uint8_t *scratch)
{
	char path[300];
	struct out o = out_init(path, sizeof path);
	size_t n;
	enum err err;

	out_str(&o, c->dir);
	out_byte(&o, '/');
	out_str(&o, p->file);
	err = file_read_all(out_cstr(&o), scratch, CONTEXT_SCRATCH_LEN, &n);
	return err ? err : p->take(c, scratch, n);
}

static void empty(struct context *c)
{
	memset(c, 0, sizeof *c);
}

static enum err load_files(struct context *c, const char *setting, uint8_t *scratch, const char **problem)
{
	if (!context_find(setting, c->dir))
		return ERR_NOT_FOUND;
	for (size_t i = 0; i < PARTS; i++) {
		enum err err = load_file(c, &parts[i], scratch);

		if (err) {
			*problem = parts[i].file;
			return err;
		}
	}
	c->source = CONTEXT_FILES;
	return ERR_OK;
}

static enum err load_environment(struct context *c, const struct context_env *env, uint8_t *scratch, const char **problem)
{
	const struct span values[PARTS] = { env->reference, env->amd_cert, env->policy };
	enum err found = ERR_NOT_FOUND;

	for (size_t i = 0; i < PARTS; i++) {
		enum err err;

		if (values[i].n == 0)
			continue;
		*problem = parts[i].variable;
		if (values[i].n > CONTEXT_SCRATCH_LEN)
			return ERR_TOO_BIG;
		memcpy(scratch, values[i].p, values[i].n);
		err = parts[i].take(c, scratch, values[i].n);
		if (err)
			return err;
		found = ERR_OK;
	}
	c->source = found ? CONTEXT_NONE : CONTEXT_ENVIRONMENT;
	return found;
}

enum err context_load(struct context *c, const char *dir_setting, const struct context_env *env, uint8_t *scratch,
                      const char **problem)
{
	const char *file_problem = NULL, *env_problem = NULL;
	enum err from_files, from_env;

	empty(c);
	*problem = NULL;
	from_files = load_files(c, dir_setting, scratch, &file_problem);
	if (from_files == ERR_OK)
		return ERR_OK;
	empty(c);
	from_env = load_environment(c, env, scratch, &env_problem);
	if (from_env == ERR_OK)
		return ERR_OK;
	empty(c);
	/* Nothing set in the environment: the files' problem is the one to tell. */
	if (from_env == ERR_NOT_FOUND) {
		*problem = file_problem;
		return from_files;
	}
	*problem = env_problem;
	return from_env;
}
