/* parleyctl policy layer: the dm-verity root of a layer's tar. */
#include "ctl/ctl_layer.h"

#include <string.h>

#include "ctl/ctl_say.h"
#include "os/file.h"

static const char usage[] =
	"usage: parleyctl policy layer [--details] [--ext4 FILE] LAYER.tar\n"
	"\n"
	"Prints the dm-verity root of the image that the platform makes of this layer: the value in a policy's \"layers\".\n"
	"The tar must be plain (not compressed). What readers of tar files disagree on is refused, never guessed.\n"
	"  --details    also the SHA-256 of the tar (diff_id) and the measures of the image\n"
	"  --ext4 FILE  also writes the ext4 image, for e2fsck, debugfs or veritysetup to check\n"
	"\n"
	"exit status: 0 done, 1 refused, 2 wrong use, 3 a file cannot be read or written\n";

static enum err read_file(void *of, uint8_t *dst, size_t cap, size_t *n)
{
	return file_read(of, dst, cap, n);
}

int ctl_layer_measure(const char *path, const struct ext4_sink *extra, struct layer_info *info)
{
	struct why why = { "", "" };
	struct file_in f;
	enum err e = file_open(path, &f, NULL);

	if (e != ERR_OK)
		return ctl_say_problem(SAY_FILE, path, NULL, ctl_say_file_error(e));
	e = layer_measure((struct source){ read_file, &f }, extra, info, &why);
	file_close(&f);
	if (e == ERR_OK)
		return SAY_DONE;
	return ctl_say_problem(e == ERR_SYSTEM ? SAY_FILE : SAY_REFUSED, path, why.text, why.about);
}

static void put_line(struct out *o, const char *name, uint64_t v)
{
	out_str(o, name);
	out_u64(o, v);
	out_byte(o, '\n');
}

static void print(const struct layer_info *i, bool details)
{
	uint8_t text[512];
	struct out o = out_init(text, sizeof text);

	out_hex(&o, i->root, SHA256_LEN);
	out_byte(&o, '\n');
	if (details) {
		out_str(&o, "diff_id      sha256:");
		out_hex(&o, i->diff_id, SHA256_LEN);
		out_byte(&o, '\n');
		put_line(&o, "tar bytes    ", i->tar_bytes);
		put_line(&o, "ext4 bytes   ", (uint64_t)i->blocks * EXT4_BLOCK);
		put_line(&o, "blocks       ", i->blocks);
		put_line(&o, "free blocks  ", i->free_blocks);
		put_line(&o, "groups       ", i->groups);
		put_line(&o, "inodes       ", i->inodes);
		put_line(&o, "free inodes  ", i->free_inodes);
	}
	ctl_say_out(out_span(&o));
}

/* The first blocks are made last, a file here is written in order: so the layer is measured twice, and the second time
 * the head that the first gave is written before all. */
struct image_file {
	struct file_out out;
	uint8_t head[1 + EXT4_AREA][EXT4_BLOCK];
	uint32_t next;
};

static enum err keep_head(void *of, uint32_t block, const uint8_t *bytes)
{
	struct image_file *f = of;

	if (block <= EXT4_AREA && bytes)
		memcpy(f->head[block], bytes, EXT4_BLOCK);
	return ERR_OK;
}

static enum err write_block(void *of, uint32_t block, const uint8_t *bytes)
{
	static const uint8_t zero[EXT4_BLOCK];
	struct image_file *f = of;

	if (block <= EXT4_AREA)
		return ERR_OK;
	return block == f->next++ ? file_write(&f->out, span_of(bytes ? bytes : zero, EXT4_BLOCK)) : ERR_STATE;
}

/* path as directory and name, as files are created. */
static bool split(const char *path, char *dir, size_t cap, const char **name)
{
	const char *slash = strrchr(path, '/');

	*name = slash ? slash + 1 : path;
	if (!slash)
		return span_copy_str(SPAN_LIT("."), dir, cap);
	return span_copy_str(slash == path ? SPAN_LIT("/") : span_of(path, (size_t)(slash - path)), dir, cap);
}

static int write_image(const char *tar, const char *path, struct layer_info *info)
{
	static struct image_file f;
	char dir[1024];
	const char *name;
	struct layer_info again;
	enum err e;
	int status = ctl_layer_measure(tar, &(struct ext4_sink){ keep_head, &f }, info);

	if (status != SAY_DONE)
		return status;
	if (!split(path, dir, sizeof dir, &name))
		return ctl_say_problem(SAY_USAGE, path, NULL, "too long");
	e = file_create(dir, name, &f.out);
	if (e != ERR_OK)
		return ctl_say_problem(SAY_FILE, path, NULL, ctl_say_file_error(e));
	f.next = 1 + EXT4_AREA;
	e = file_write(&f.out, span_of(f.head, sizeof f.head));
	status = e == ERR_OK ? ctl_layer_measure(tar, &(struct ext4_sink){ write_block, &f }, &again) : SAY_FILE;
	if (status == SAY_DONE && memcmp(again.root, info->root, SHA256_LEN) != 0)
		status = ctl_say_problem(SAY_FILE, tar, NULL, "changed while it was read");
	if (status == SAY_DONE)
		e = file_commit(&f.out);
	else
		file_abandon(&f.out);
	return e == ERR_OK ? status : ctl_say_problem(SAY_FILE, path, NULL, ctl_say_file_error(e));
}

int ctl_layer(int argc, char **argv)
{
	const char *tar = NULL, *ext4 = NULL;
	struct layer_info info;
	bool details = false;
	int status;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			ctl_say_out(span_str(usage));
			return SAY_DONE;
		}
		if (strcmp(argv[i], "--details") == 0)
			details = true;
		else if (strcmp(argv[i], "--ext4") == 0 && i + 1 < argc)
			ext4 = argv[++i];
		else if (argv[i][0] == '-' || tar) {
			ctl_say_err(span_str(usage));
			return SAY_USAGE;
		} else
			tar = argv[i];
	}
	if (!tar) {
		ctl_say_err(span_str(usage));
		return SAY_USAGE;
	}
	status = ext4 ? write_image(tar, ext4, &info) : ctl_layer_measure(tar, NULL, &info);
	if (status == SAY_DONE)
		print(&info, details);
	return status;
}
