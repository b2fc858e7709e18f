/* parleyctl image: a container image from files, without docker, the same bytes every time. */
#include "ctl/ctl_image.h"

#include <string.h>

#include "ctl/ctl_layer.h"
#include "ctl/ctl_say.h"
#include "os/file.h"
#include "policy/image.h"
#include "policy/rego.h"

#define ENTRIES_MAX 32
#define LAYER_MAX (8u << 20) /* ours is below 0.5 MiB */

static const char usage[] =
	"usage: parleyctl image --out DIR --tag NAME:TAG [OPTION...] -- ENTRYPOINT [ARGUMENT...]\n"
	"\n"
	"Writes an image of one uncompressed layer: DIR/layer.tar, DIR/oci (an OCI image layout) and DIR/docker.tar (for docker\n"
	"load), and prints the digests and the layer's dm-verity root. Owner, group and times are zero, names sorted.\n"
	"  --file NAME=PATH  a file of the layer, mode 0555\n"
	"  --dir NAME=MODE   a directory of the layer (octal mode)\n"
	"  --user UID:GID    who runs it, default 0:0\n"
	"  --label N=V       a label; repeat for more\n"
	"  --created TIME    RFC 3339, default 1970-01-01T00:00:00Z\n"
	"\n"
	"exit status: 0 done, 1 refused, 2 wrong use, 3 a file cannot be read or written\n";

static struct {
	const char *out;
	struct span tag;
	struct image_config config;
	struct image_entry entries[ENTRIES_MAX];
	size_t n;
	size_t used;
	uint8_t files[LAYER_MAX];
	uint8_t names[ENTRIES_MAX][104];
	uint8_t layer[LAYER_MAX], docker[LAYER_MAX + 65536];
	uint8_t config_text[8192], manifest[2048], index[2048];
	struct out o_layer, o_docker, o_config, o_manifest, o_index;
} I;

static int wrong_use(void)
{
	ctl_say_err(span_str(usage));
	return SAY_USAGE;
}

/* --- Options --- */

static int add_file(struct span name, const char *path)
{
	size_t n;
	int status = I.n < ENTRIES_MAX ? ctl_say_read(path, I.files + I.used, sizeof I.files - I.used, &n) :
		ctl_say_problem(SAY_USAGE, path, NULL, "too many files");

	if (status)
		return status;
	I.entries[I.n++] = (struct image_entry){ name, span_of(I.files + I.used, n), 0555 };
	I.used += n;
	return 0;
}

static int add_dir(struct span name, const char *mode)
{
	struct out o = out_init(I.names[I.n < ENTRIES_MAX ? I.n : 0], sizeof I.names[0]);
	unsigned m = 0;

	for (const char *c = mode; *c; c++)
		m = *c >= '0' && *c <= '7' && m < 01000 ? m * 8 + (unsigned)(*c - '0') : 0100000;
	out_put(&o, name);
	out_byte(&o, '/');
	if (m > 07777 || o.bad || I.n == ENTRIES_MAX)
		return ctl_say_problem(SAY_USAGE, "--dir", mode, "needs NAME=MODE with an octal mode");
	I.entries[I.n++] = (struct image_entry){ out_span(&o), span_of(NULL, 0), m };
	return 0;
}

static int add_label(struct span name, const char *value)
{
	if (I.config.n_labels == IMAGE_LABELS_MAX)
		return ctl_say_problem(SAY_USAGE, "--label", NULL, "too many labels");
	I.config.labels[I.config.n_labels++] = (struct image_label){ name, span_str(value) };
	return 0;
}

static int take_option(const char *o, const char *v)
{
	static const struct {
		const char *option;
		int (*add)(struct span name, const char *value);
	} pairs[] = { { "--file", add_file }, { "--dir", add_dir }, { "--label", add_label } };
	size_t eq = span_find(span_str(v), '=');

	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		if (strcmp(o, pairs[i].option) == 0)
			return v[eq] ? pairs[i].add(span_of(v, eq), v + eq + 1) : wrong_use();
	if (strcmp(o, "--out") == 0)
		I.out = v;
	else if (strcmp(o, "--tag") == 0)
		I.tag = span_str(v);
	else if (strcmp(o, "--user") == 0)
		I.config.user = span_str(v);
	else if (strcmp(o, "--created") == 0)
		I.config.created = span_str(v);
	else
		return wrong_use();
	return 0;
}

static int take_options(int argc, char **argv)
{
	int i = 1;

	I.config.user = SPAN_LIT("0:0");
	I.config.created = SPAN_LIT("1970-01-01T00:00:00Z");
	for (; i < argc && strcmp(argv[i], "--") != 0; i += 2) {
		int status = i + 1 < argc ? take_option(argv[i], argv[i + 1]) : wrong_use();

		if (status)
			return status;
	}
	for (i++; i < argc && I.config.n_entrypoint < IMAGE_WORDS_MAX; i++)
		I.config.entrypoint[I.config.n_entrypoint++] = span_str(argv[i]);
	return I.out && I.tag.n && I.n && I.config.n_entrypoint ? 0 : wrong_use();
}

/* --- Making and writing --- */

static int make(void)
{
	struct why why;

	I.o_layer = out_init(I.layer, sizeof I.layer);
	I.o_config = out_init(I.config_text, sizeof I.config_text);
	I.o_manifest = out_init(I.manifest, sizeof I.manifest);
	I.o_index = out_init(I.index, sizeof I.index);
	I.o_docker = out_init(I.docker, sizeof I.docker);
	if (!rego_plain(I.tag) || !rego_plain(I.config.user))
		return ctl_say_problem(SAY_REFUSED, "--tag or --user", NULL, "odd characters");
	if (image_layer(&I.o_layer, I.entries, I.n, &why) != ERR_OK)
		return ctl_say_problem(SAY_REFUSED, "layer", why.text, why.about);
	image_config(&I.o_config, &I.config, out_span(&I.o_layer));
	image_manifest(&I.o_manifest, out_span(&I.o_config), out_span(&I.o_layer));
	image_index(&I.o_index, out_span(&I.o_manifest), I.tag);
	if (image_docker(&I.o_docker, out_span(&I.o_config), out_span(&I.o_layer), I.tag) != ERR_OK || I.o_config.bad ||
	    I.o_manifest.bad || I.o_index.bad)
		return ctl_say_problem(SAY_REFUSED, "image", NULL, "too big");
	return 0;
}

static const char *join(char *path, size_t cap, const char *part)
{
	struct out o = out_init(path, cap);

	out_str(&o, I.out);
	out_str(&o, part);
	return out_cstr(&o);
}

static int make_dirs(void)
{
	static const char *const parts[] = { "", "/oci", "/oci/blobs", "/oci/blobs/sha256" };
	char path[1024];

	for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (file_prepare_dir(join(path, sizeof path, parts[i])) != ERR_OK)
			return ctl_say_problem(SAY_FILE, I.out, parts[i], "no directory that can be written");
	return 0;
}

static int write_blob(struct span text)
{
	uint8_t digest[IMAGE_DIGEST_LEN + 1];
	struct out o = out_init(digest, sizeof digest);
	char path[1024];

	image_digest(&o, text);
	return ctl_say_write(join(path, sizeof path, "/oci/blobs/sha256"), out_cstr(&o) + 7, text);
}

static int write_all(void)
{
	const struct span blobs[] = { out_span(&I.o_layer), out_span(&I.o_config), out_span(&I.o_manifest) };
	char path[1024];
	int status = make_dirs();

	for (size_t i = 0; i < 3 && !status; i++)
		status = write_blob(blobs[i]);
	if (!status)
		status = ctl_say_write(join(path, sizeof path, "/oci"), "index.json", out_span(&I.o_index));
	if (!status)
		status = ctl_say_write(path, "oci-layout", SPAN_LIT("{\"imageLayoutVersion\":\"1.0.0\"}"));
	if (!status)
		status = ctl_say_write(I.out, "docker.tar", out_span(&I.o_docker));
	/* Last, because make goes by it. */
	return status ? status : ctl_say_write(I.out, "layer.tar", out_span(&I.o_layer));
}

static int print(void)
{
	uint8_t text[512];
	struct out o = out_init(text, sizeof text);
	struct layer_info info;
	char path[1024];
	int status = ctl_layer_measure(join(path, sizeof path, "/layer.tar"), NULL, &info);

	if (status)
		return status;
	out_str(&o, "layer   ");
	image_digest(&o, out_span(&I.o_layer));
	out_str(&o, "\ndiff_id sha256:");
	out_hex(&o, info.diff_id, SHA256_LEN);
	out_str(&o, "\nimage   ");
	image_digest(&o, out_span(&I.o_manifest));
	out_str(&o, "\nroot    ");
	out_hex(&o, info.root, SHA256_LEN);
	out_byte(&o, '\n');
	ctl_say_out(out_span(&o));
	return SAY_DONE;
}

int ctl_image(int argc, char **argv)
{
	int status;

	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		ctl_say_out(span_str(usage));
		return SAY_DONE;
	}
	status = take_options(argc, argv);
	if (!status)
		status = make();
	if (!status)
		status = write_all();
	return status ? status : print();
}
