/* A container image of one layer: the documents of the OCI image specification 1.0 and of docker's archive format. */
#ifndef POLICY_IMAGE_H
#define POLICY_IMAGE_H

#include "base/out.h"
#include "crypto/hash.h"
#include "policy/why.h"

#define IMAGE_LABELS_MAX 16
#define IMAGE_WORDS_MAX 16
#define IMAGE_DIGEST_LEN (7 + 2 * SHA256_LEN) /* "sha256:" and hex */

struct image_label {
	struct span name, value;
};

/* What the image says of itself. Spans belong to the caller. No Cmd, no Env, no shell. */
struct image_config {
	struct span entrypoint[IMAGE_WORDS_MAX];
	size_t n_entrypoint;
	struct span user, created; /* "UID:GID"; RFC 3339 */
	struct image_label labels[IMAGE_LABELS_MAX];
	size_t n_labels;
};

/* One thing of the layer: a directory when the name ends in '/'. */
struct image_entry {
	struct span name, data;
	unsigned mode;
};

/* Appends the layer's tar: entries sorted by name, each directory before what is in it and given. ERR_RANGE with the
 * reason. The array is sorted in place. */
MUST_USE enum err image_layer(struct out *o, struct image_entry *entries, size_t n, struct why *why);
/* Appends "sha256:" and the hex of a text's SHA-256. */
void image_digest(struct out *o, struct span text);
/* Append the documents; layer, config and manifest are the texts whose digests they name. */
void image_config(struct out *o, const struct image_config *c, struct span layer);
void image_manifest(struct out *o, struct span config, struct span layer);
void image_index(struct out *o, struct span manifest, struct span tag);
/* Appends what `docker load` takes: a tar of config, layer and its list. tag is NAME:TAG. */
MUST_USE enum err image_docker(struct out *o, struct span config, struct span layer, struct span tag);

#endif
