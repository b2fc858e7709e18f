/* A container image of one layer. */
#include "policy/image.h"

#include <string.h>

#include "text/json_write.h"
#include "policy/tarwrite.h"

#define OCI "application/vnd.oci.image."

/* --- The layer --- */

static int compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static void sort(struct image_entry *e, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && compare(e[j].name, e[j - 1].name) < 0; j--) {
			struct image_entry t = e[j];

			e[j] = e[j - 1];
			e[j - 1] = t;
		}
}

/* A directory nobody gave would come out as a copy of its parent: say its mode instead. */
static bool parent_given(const struct image_entry *e, size_t n, struct span name)
{
	size_t at = name.n ? name.n - 1 : 0;

	while (at && name.p[at - 1] != '/')
		at--;
	if (!at)
		return true;
	for (size_t i = 0; i < n; i++)
		if (span_eq(e[i].name, span_sub(name, 0, at)))
			return true;
	return false;
}

enum err image_layer(struct out *o, struct image_entry *entries, size_t n, struct why *why)
{
	sort(entries, n);
	for (size_t i = 0; i < n; i++) {
		const struct image_entry *e = &entries[i];

		if (i && compare(entries[i - 1].name, e->name) == 0)
			return why_set(why, ERR_RANGE, "given twice", e->name);
		if (!parent_given(entries, i, e->name))
			return why_set(why, ERR_RANGE, "its directory must be given too", e->name);
		if (tarwrite_file(o, e->name, e->mode, e->data) != ERR_OK)
			return why_set(why, ERR_RANGE, "not a relative name of at most 100 bytes", e->name);
	}
	tarwrite_end(o);
	return o->bad ? why_say(why, ERR_TOO_BIG, "the layer is too big") : ERR_OK;
}

/* --- Documents --- */

void image_digest(struct out *o, struct span text)
{
	uint8_t hash[SHA256_LEN];

	hash_sha256(text, hash);
	out_str(o, "sha256:");
	out_hex(o, hash, SHA256_LEN);
}

static void put_digest(struct jw *w, const char *name, struct span text)
{
	uint8_t digest[IMAGE_DIGEST_LEN];
	struct out o = out_init(digest, sizeof digest);

	image_digest(&o, text);
	jw_span(w, name, out_span(&o));
}

void image_config(struct out *o, const struct image_config *c, struct span layer)
{
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_str(&w, "architecture", "amd64");
	jw_object(&w, "config");
	jw_array(&w, "Entrypoint");
	for (size_t i = 0; i < c->n_entrypoint; i++)
		jw_span(&w, NULL, c->entrypoint[i]);
	jw_end_array(&w);
	jw_object(&w, "Labels");
	for (size_t i = 0; i < c->n_labels; i++)
		jw_name_span(&w, c->labels[i].name, c->labels[i].value);
	jw_end_object(&w);
	jw_span(&w, "User", c->user);
	jw_str(&w, "WorkingDir", "/");
	jw_end_object(&w);
	jw_span(&w, "created", c->created);
	jw_array(&w, "history");
	jw_object(&w, NULL);
	jw_span(&w, "created", c->created);
	jw_str(&w, "created_by", "parleyctl image");
	jw_end_object(&w);
	jw_end_array(&w);
	jw_str(&w, "os", "linux");
	jw_object(&w, "rootfs");
	jw_array(&w, "diff_ids");
	put_digest(&w, NULL, layer);
	jw_end_array(&w);
	jw_str(&w, "type", "layers");
	jw_end_object(&w);
	jw_end_object(&w);
}

static void put_descriptor(struct jw *w, const char *name, const char *type, struct span text)
{
	jw_object(w, name);
	jw_str(w, "mediaType", type);
	put_digest(w, "digest", text);
	jw_u64(w, "size", text.n);
}

/* The layer lies there uncompressed, so its digest is its diff_id. */
void image_manifest(struct out *o, struct span config, struct span layer)
{
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_u64(&w, "schemaVersion", 2);
	jw_str(&w, "mediaType", OCI "manifest.v1+json");
	put_descriptor(&w, "config", OCI "config.v1+json", config);
	jw_end_object(&w);
	jw_array(&w, "layers");
	put_descriptor(&w, NULL, OCI "layer.v1.tar", layer);
	jw_end_object(&w);
	jw_end_array(&w);
	jw_end_object(&w);
}

void image_index(struct out *o, struct span manifest, struct span tag)
{
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_u64(&w, "schemaVersion", 2);
	jw_str(&w, "mediaType", OCI "index.v1+json");
	jw_array(&w, "manifests");
	put_descriptor(&w, NULL, OCI "manifest.v1+json", manifest);
	jw_object(&w, "platform");
	jw_str(&w, "architecture", "amd64");
	jw_str(&w, "os", "linux");
	jw_end_object(&w);
	jw_object(&w, "annotations");
	jw_span(&w, "org.opencontainers.image.ref.name", tag);
	jw_end_object(&w);
	jw_end_object(&w);
	jw_end_array(&w);
	jw_end_object(&w);
}

/* "HEX" and a suffix: the name of a member of docker's archive. */
static struct span member(uint8_t name[128], struct span text, const char *suffix)
{
	uint8_t digest[IMAGE_DIGEST_LEN];
	struct out d = out_init(digest, sizeof digest), o = out_init(name, 128);

	image_digest(&d, text);
	out_put(&o, span_sub(out_span(&d), 7, d.n));
	out_str(&o, suffix);
	return out_span(&o);
}

enum err image_docker(struct out *o, struct span config, struct span layer, struct span tag)
{
	uint8_t config_name[128], dir_name[128], layer_name[128], list[1024];
	struct span c = member(config_name, config, ".json"), l = member(layer_name, layer, "/layer.tar");
	struct out text = out_init(list, sizeof list);
	struct jw w = jw_init(&text);
	enum err e;

	jw_array(&w, NULL);
	jw_object(&w, NULL);
	jw_span(&w, "Config", c);
	jw_array(&w, "RepoTags");
	jw_span(&w, NULL, tag);
	jw_end_array(&w);
	jw_array(&w, "Layers");
	jw_span(&w, NULL, l);
	jw_end_array(&w);
	jw_end_object(&w);
	jw_end_array(&w);
	if (text.bad)
		return ERR_TOO_BIG;
	e = tarwrite_file(o, c, 0644, config);
	if (e == ERR_OK)
		e = tarwrite_header(o, member(dir_name, layer, "/"), 0755, 0);
	if (e == ERR_OK)
		e = tarwrite_file(o, l, 0644, layer);
	if (e == ERR_OK)
		e = tarwrite_file(o, SPAN_LIT("manifest.json"), 0644, out_span(&text));
	tarwrite_end(o);
	return e == ERR_OK && o->bad ? ERR_TOO_BIG : e;
}
