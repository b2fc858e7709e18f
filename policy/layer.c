/* From tar to root: each entry goes into the tree and its data into the image at once, so the archive is read one time
 * and the image is never held; what is kept is one hash a block. */
#include "policy/layer.h"

#include <string.h>

#include "base/out.h"
#include "policy/verity.h"
#include "policy/xattr.h"

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"
#define SMALL_LINK 59

static struct {
	struct tar tar;
	struct fs fs;
	struct ext4 image;
	const struct ext4_sink *extra;
	struct why *why;
	bool has_index, has_other; /* names that an image archive has too, and others */
	uint8_t zero_hash[SHA256_LEN];
	uint8_t path[65536];
	uint8_t leaf[LAYER_BLOCKS_MAX][SHA256_LEN];
} L;

static enum err put_block(void *of, uint32_t block, const uint8_t *bytes)
{
	(void)of;
	if (bytes)
		verity_hash(bytes, L.leaf[block]);
	else
		memcpy(L.leaf[block], L.zero_hash, SHA256_LEN);
	return L.extra ? L.extra->put(L.extra->of, block, bytes) : ERR_OK;
}

static void start(struct source src, const struct ext4_sink *extra, struct why *why)
{
	static const uint8_t zero[EXT4_BLOCK];

	L.extra = extra;
	L.has_index = L.has_other = false;
	L.why = why;
	verity_hash(zero, L.zero_hash);
	tar_start(&L.tar, src, why);
	fs_reset(&L.fs, why);
	ext4_start(&L.image, &L.fs, (struct ext4_sink){ put_block, NULL }, why);
}

/* --- Data --- */

/* n bytes of text as data of a node (a long link's target), or of the present entry when text is NULL. */
static enum err add_data(uint32_t node, uint64_t n, const uint8_t *text, struct span name)
{
	struct fs_node *f = &L.fs.node[node];

	if (n > (uint64_t)FILE_EXTENTS_MAX * EXT4_GROUP_BLOCKS * EXT4_BLOCK)
		return why_set(L.why, ERR_RANGE, "a file of more than 512 MiB", name);
	f->first_block = n ? L.image.next : 0;
	while (n) {
		uint8_t b[EXT4_BLOCK] = { 0 };
		size_t part = n < sizeof b ? (size_t)n : sizeof b;
		enum err e = ERR_OK;

		if (text) {
			memcpy(b, text, part);
			text += part;
		} else {
			e = tar_data(&L.tar, b, part);
		}
		if (e == ERR_OK)
			e = ext4_data(&L.image, b);
		if (e != ERR_OK)
			return e;
		n -= part;
		f->blocks++;
	}
	return ERR_OK;
}

/* --- Extended attributes --- */

static enum err keep_xattr(const struct xattr *x)
{
	struct fs_xattr *to;
	enum err e;

	if (L.fs.n_xattrs == LAYER_XATTRS_MAX)
		return why_say(L.why, ERR_TOO_BIG, "more extended attributes than this program holds (LAYER_XATTRS_MAX)");
	to = &L.fs.xattr[L.fs.n_xattrs++];
	*to = (struct fs_xattr){ .name_n = (uint16_t)x->name.n, .value_n = (uint32_t)x->value.n, .in_block = x->in_block };
	e = fs_keep(&L.fs, x->name, &to->name);
	return e == ERR_OK ? fs_keep(&L.fs, x->value, &to->value) : e;
}

/* Adds what the node already has and the list does not name. */
static enum err add_present(const struct fs_node *f, struct xattr *list, size_t *n, struct span about)
{
	size_t given = *n;

	for (uint32_t i = 0; i < f->n_xattrs; i++) {
		const struct fs_xattr *a = &L.fs.xattr[f->xattrs + i];
		struct xattr x = { span_of(L.fs.text + a->name, a->name_n), span_of(L.fs.text + a->value, a->value_n), false };
		bool named = false;

		for (size_t j = 0; j < given; j++)
			named = named || span_eq(list[j].name, x.name);
		/* The reference reads the old ones back from their place in the image, and loses some of these. */
		if (a->in_block || xattr_is_nameless(x.name))
			return why_set(L.why, ERR_RANGE, "a directory given twice, with attributes in a block or an access list", about);
		if (!named && *n == ENTRY_XATTRS_MAX)
			return why_set(L.why, ERR_TOO_BIG, "too many extended attributes for one entry", about);
		if (!named)
			list[(*n)++] = x;
	}
	return ERR_OK;
}

static enum err set_xattrs(uint32_t node, struct xattr list[ENTRY_XATTRS_MAX], size_t n, struct span about)
{
	struct fs_node *f = &L.fs.node[node];
	uint32_t first = L.fs.n_xattrs;
	bool block = false;
	enum err e = add_present(f, list, &n, about);

	if (e == ERR_OK)
		e = xattr_place(list, n, &block, L.why);
	for (size_t i = 0; i < n && e == ERR_OK; i++)
		e = keep_xattr(&list[i]);
	if (e == ERR_OK && block) {
		uint8_t b[XATTR_BLOCK_LEN];

		xattr_block(list, n, b);
		f->xattr_block = L.image.next;
		e = ext4_data(&L.image, b);
	}
	f->xattrs = first;
	f->n_xattrs = (uint32_t)n;
	return e;
}

/* --- Entries --- */

static enum err add_entry(const struct tar_entry *e)
{
	static const uint16_t types[] = { [TAR_FILE] = FS_FILE, [TAR_SYMLINK] = FS_LINK | 0777, [TAR_CHAR] = FS_CHAR,
		[TAR_BLOCK] = FS_BLOCK, [TAR_DIR] = FS_DIR, [TAR_FIFO] = FS_FIFO };
	uint64_t m = fs_time(e->mtime.s, e->mtime.ns);
	struct fs_spec s = { .mode = (uint16_t)(e->mode | types[e->type]), .uid = e->uid, .gid = e->gid, .size = e->size,
		.time = { m, fs_time(e->atime.s, e->atime.ns), fs_time(e->ctime.s, e->ctime.ns), m }, .link = e->link,
		.dev = (e->minor & 0xff) | e->major << 8 | (e->minor & 0xffffff00) << 12 };
	struct xattr list[ENTRY_XATTRS_MAX];
	uint32_t node;
	enum err err;

	if (e->type == TAR_FILE && span_ends(e->name, "/"))
		return why_set(L.why, ERR_RANGE, "a file whose name ends in /", e->name);
	if (e->type == TAR_SYMLINK && (!e->link.n || e->link.n >= EXT4_BLOCK))
		return why_set(L.why, ERR_RANGE, "a symbolic link without a target, or with one too long", e->name);
	err = fs_create(&L.fs, e->name, &s, &node);
	for (size_t i = 0; i < e->n_xattrs; i++)
		list[i] = (struct xattr){ e->xattrs[i].name, e->xattrs[i].value, false };
	if (err == ERR_OK && (e->n_xattrs || L.fs.node[node].n_xattrs))
		err = set_xattrs(node, list, e->n_xattrs, e->name);
	if (err == ERR_OK && e->type == TAR_SYMLINK && e->link.n > SMALL_LINK)
		err = add_data(node, e->link.n, e->link.p, e->name);
	if (err == ERR_OK && e->type == TAR_FILE)
		err = add_data(node, e->size, NULL, e->name);
	return err;
}

/* The part after the last slash: empty when the name ends in one. */
static struct span file_part(struct span name)
{
	size_t at = name.n;

	while (at && name.p[at - 1] != '/')
		at--;
	return span_sub(name, at, name.n);
}

/* The directory of the whiteout hides all that lower layers have in it. It is read back and written again, so its
 * times come out as those of a copy. */
static enum err add_opaque(struct span dir, struct span about)
{
	struct xattr list[ENTRY_XATTRS_MAX] = { { SPAN_LIT("trusted.overlay.opaque"), SPAN_LIT("y"), false } };
	struct fs_node *f;
	uint32_t node;
	enum err e = fs_find(&L.fs, dir, &node);

	if (e != ERR_OK)
		return e;
	f = &L.fs.node[node];
	if (!fs_is_dir(&L.fs, node))
		return why_set(L.why, ERR_RANGE, "a whiteout below something that is no directory", about);
	f->time = (struct fs_times){ fs_time_copied(f->time.m), fs_time_copied(f->time.a), fs_time_copied(f->time.c),
		fs_time_copied(f->time.cr) };
	return set_xattrs(node, list, 1, about);
}

/* What lower layers have under this name is hidden by a character device 0. */
static enum err add_whiteout(struct span dir, struct span hidden, struct span about)
{
	const struct fs_spec s = { .mode = FS_CHAR };
	struct out o = out_init(L.path, sizeof L.path);
	uint32_t node;

	if (!hidden.n || span_eq_str(hidden, ".") || span_eq_str(hidden, ".."))
		return why_set(L.why, ERR_RANGE, "a whiteout of nothing", about);
	out_put(&o, dir);
	out_put(&o, hidden);
	if (o.bad)
		return why_set(L.why, ERR_RANGE, "a name too long", about);
	return fs_create(&L.fs, out_span(&o), &s, &node);
}

/* --- Image archives --- */

/* A SHA-256 in hex, and then one of these. */
static bool is_digest(struct span name)
{
	static const char *const ends[] = { "", ".json", ".tar" };
	bool hex = name.n >= 2 * SHA256_LEN;

	for (size_t i = 0; hex && i < 2 * SHA256_LEN; i++)
		hex = (name.p[i] >= '0' && name.p[i] <= '9') || (name.p[i] >= 'a' && name.p[i] <= 'f');
	for (size_t i = 0; hex && i < sizeof ends / sizeof ends[0]; i++)
		if (span_eq_str(span_sub(name, 2 * SHA256_LEN, name.n), ends[i]))
			return true;
	return false;
}

/* What docker save and OCI layouts have at their top. A layer may have some of these names, but others beside them. */
static void note_name(struct span name)
{
	struct span top;

	while (span_starts(name, "./") || span_starts(name, "/"))
		name = span_sub(name, name.p[0] == '.' ? 2 : 1, name.n);
	if (!name.n || span_eq_str(name, "."))
		return;
	top = span_sub(name, 0, span_find(name, '/'));
	if (span_eq_str(top, "manifest.json") || span_eq_str(top, "oci-layout"))
		L.has_index = true;
	else if (!span_eq_str(top, "repositories") && !span_eq_str(top, "index.json") && !span_eq_str(top, "blobs") && !is_digest(top))
		L.has_other = true;
}

static enum err take_entry(const struct tar_entry *e)
{
	struct span file = file_part(e->name), dir = span_sub(e->name, 0, e->name.n - file.n);
	enum err err;

	if (!e->name.n)
		return why_say(L.why, ERR_RANGE, "an entry without a name");
	err = fs_parents(&L.fs, e->name);
	if (err != ERR_OK)
		return err;
	if (span_eq_str(file, OPAQUE))
		return add_opaque(dir, e->name);
	if (span_starts(file, WHITEOUT))
		return add_whiteout(dir, span_sub(file, sizeof WHITEOUT - 1, file.n), e->name);
	if (e->type == TAR_HARDLINK)
		return fs_link(&L.fs, e->link, e->name);
	return add_entry(e);
}

enum err layer_measure(struct source src, const struct ext4_sink *extra, struct layer_info *info, struct why *why)
{
	static struct tar_entry entry;
	struct layer_info r = { .blocks = 0 };
	enum err e;

	start(src, extra, why);
	do {
		e = tar_next(&L.tar, &entry);
		if (e == ERR_OK && entry.type != TAR_END) {
			note_name(entry.name);
			e = take_entry(&entry);
		}
	} while (e == ERR_OK && entry.type != TAR_END);
	if (e == ERR_OK && L.has_index && !L.has_other)
		e = why_say(why, ERR_RANGE, "an image archive (docker save, OCI layout), not a layer: unpack it and take the layers that its "
		                            "manifest names");
	if (e == ERR_OK)
		e = tar_finish(&L.tar, &r.tar_bytes, r.diff_id);
	if (e == ERR_OK)
		e = ext4_finish(&L.image);
	if (e != ERR_OK)
		return e;
	r.blocks = L.image.blocks;
	r.groups = L.image.groups;
	r.inodes = L.image.groups * L.image.inodes_per_group;
	r.free_inodes = L.image.free_inodes;
	r.free_blocks = L.image.free_blocks;
	r.files = L.fs.n_nodes - FS_LOST_FOUND + 1;
	verity_root(L.leaf, L.image.blocks, r.root);
	*info = r;
	return ERR_OK;
}
