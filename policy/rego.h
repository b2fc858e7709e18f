/* The text of a container's security policy (ccePolicy): what the guest enforces, and whose SHA-256 the hardware
 * reports as HOST_DATA. API 0.10.0 with framework 0.2.3 of Microsoft's hcsshim, the oldest contract still served. */
#ifndef POLICY_REGO_H
#define POLICY_REGO_H

#include "base/out.h"
#include "crypto/hash.h"
#include "policy/policy_limits.h"
#include "policy/why.h"

#define REGO_OPTIONS_MAX 8

/* Azure Container Instances, or virtual nodes of AKS: they differ in what they mount into every container. */
enum rego_target { REGO_ACI, REGO_VN2 };

/* A variable that may be there ("string": pattern is the whole NAME=value; re2: a pattern for all of it), or must. */
struct rego_rule {
	struct span pattern;
	bool re2, required;
};

struct rego_mount {
	struct span destination, source, type, options[REGO_OPTIONS_MAX];
	size_t n_options;
};

/* One container. All spans belong to the caller. */
struct rego_container {
	struct span name, working_dir;
	struct span command[PARTY_ITEMS_MAX];
	size_t n_command;
	struct rego_rule rules[PARTY_ENV_MAX + PARTY_RULES_MAX];
	size_t n_rules;
	struct rego_mount mounts[PARTY_ITEMS_MAX]; /* besides those of the target */
	size_t n_mounts;
	struct span capabilities[PARTY_ITEMS_MAX];
	size_t n_capabilities;
	uint32_t uid, gids[PARTY_ITEMS_MAX];
	size_t n_gids;
	uint8_t layers[POLICY_LAYERS_MAX][SHA256_LEN]; /* dm-verity roots, base first */
	size_t n_layers;
	bool stdio, no_new_privileges;
};

/* The infrastructure fragment: with it, containers that Microsoft signs may run beside ours. */
struct rego_fragment {
	bool on;
	struct span minimum_svn; /* decimal digits */
};

/* Texts of a policy are of this form, so that nothing ever needs escaping: [A-Za-z0-9 ./_=:,@+-] (patterns: printable ASCII
 * without quotes, backslash, '<', '>' and '&'). */
bool rego_plain(struct span s);
/* NAME of a variable: a letter or '_', then letters, digits, '_'. */
bool rego_name(struct span s);

/* Appends the whole text. ERR_RANGE with the reason for a text outside the forms above or nothing to run,
 * ERR_TOO_BIG when it does not fit. */
MUST_USE enum err rego_write(struct out *o, const struct rego_container *c, enum rego_target target,
                             const struct rego_fragment *fragment, struct why *why);

/* The layer of the pause container, which every policy must allow: its dm-verity root as hex. */
extern const char *const rego_pause_layer;
extern const char *const rego_fragment_issuer;
extern const char *const rego_fragment_feed;

#endif
