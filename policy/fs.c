/* The tree a layer describes. Inodes are numbered in order of creation from 11 (lost+found) on. */
#include "policy/fs.h"

#include <string.h>

#define YEAR_1 (-62135596800LL) /* the reference's time without a value */
#define FS_TIME_LAST 0x37fffffff

static enum err refuse(struct fs *fs, const char *text, struct span about)
{
	return why_set(fs->why, ERR_RANGE, text, about);
}

bool fs_is_dir(const struct fs *fs, uint32_t node)
{
	return (fs->node[node].mode & FS_TYPE) == FS_DIR;
}

struct span fs_name(const struct fs *fs, const struct fs_entry *e)
{
	return span_of(fs->text + e->name, e->name_n);
}

/* Reading 2^31 to 2^32-1 back, the reference takes it for a negative number of 32 bits. */
uint64_t fs_time(int64_t s, uint32_t ns)
{
	if (s == YEAR_1 && ns == 0)
		return 0;
	if (s < -0x80000000LL)
		return 0x80000000u;
	return s > FS_TIME_LAST ? FS_TIME_LAST : (uint64_t)s | (uint64_t)ns << 34;
}

/* The reference reads 34 bits of seconds back, of which 32 are signed when the others are clear, and 30 bits of what is then
 * taken for nanoseconds. */
uint64_t fs_time_copied(uint64_t t)
{
	int64_t s = (int64_t)(t & 0x3ffffffffu), ns = (int64_t)(t >> 34);

	if (s > 0x7fffffff && s < 0x100000000)
		s -= 0x100000000;
	return t ? fs_time(s + ns / 1000000000, (uint32_t)(ns % 1000000000)) : 0;
}

enum err fs_keep(struct fs *fs, struct span s, uint32_t *at)
{
	if (s.n > LAYER_TEXT_MAX - fs->n_text)
		return why_say(fs->why, ERR_TOO_BIG, "names and link targets exceed what this program holds (LAYER_TEXT_MAX)");
	*at = fs->n_text;
	if (s.n)
		memcpy(fs->text + fs->n_text, s.p, s.n);
	fs->n_text += (uint32_t)s.n;
	return ERR_OK;
}

/* --- Entries by parent and name: open addressing, never deleted from --- */

static uint32_t hash_name(uint32_t parent, struct span name)
{
	uint64_t h = 0xcbf29ce484222325u ^ parent;

	for (size_t i = 0; i < name.n; i++)
		h = (h ^ name.p[i]) * 0x100000001b3u;
	return (uint32_t)(h ^ h >> 32);
}

/* The slot of the entry, or the free slot where it belongs. */
static uint32_t *slot_of(struct fs *fs, uint32_t parent, struct span name)
{
	const uint32_t mask = 2 * LAYER_NODES_MAX - 1;
	uint32_t i = hash_name(parent, name) & mask;

	while (fs->table[i]) {
		const struct fs_entry *e = &fs->entry[fs->table[i]];

		if (e->parent == parent && span_eq(fs_name(fs, e), name))
			break;
		i = (i + 1) & mask;
	}
	return &fs->table[i];
}

static enum err add_entry(struct fs *fs, uint32_t parent, struct span name, uint32_t node, uint32_t *entry)
{
	struct fs_node *dir = &fs->node[parent];
	struct fs_entry *e;
	enum err err;

	if (fs->n_entries >= LAYER_NODES_MAX)
		return why_say(fs->why, ERR_TOO_BIG, "more files than this program holds (LAYER_NODES_MAX)");
	e = &fs->entry[fs->n_entries + 1];
	*e = (struct fs_entry){ .parent = parent, .node = node, .name_n = (uint8_t)name.n };
	err = fs_keep(fs, name, &e->name);
	if (err != ERR_OK)
		return err;
	*entry = ++fs->n_entries;
	*slot_of(fs, parent, name) = *entry;
	*(dir->last ? &fs->entry[dir->last].next : &dir->first) = *entry;
	dir->last = *entry;
	return ERR_OK;
}

/* --- Inodes --- */

static void fill_node(struct fs_node *n, const struct fs_spec *s)
{
	n->mode = s->mode;
	n->uid = s->uid;
	n->gid = s->gid;
	n->time = s->time;
	n->dev = s->dev;
	if ((s->mode & FS_TYPE) != FS_DIR)
		n->size = s->size;
}

static enum err new_node(struct fs *fs, const struct fs_spec *s, uint32_t *node)
{
	if (fs->n_nodes + 1 >= FS_NODE_SLOTS)
		return why_say(fs->why, ERR_TOO_BIG, "more files than this program holds (LAYER_NODES_MAX)");
	*node = ++fs->n_nodes;
	fs->node[*node] = (struct fs_node){ .links = (s->mode & FS_TYPE) == FS_DIR ? 2 : 1 };
	fill_node(&fs->node[*node], s);
	return ERR_OK;
}

static enum err keep_link(struct fs *fs, uint32_t node, const struct fs_spec *s)
{
	struct fs_node *n = &fs->node[node];

	n->text_n = 0;
	if ((s->mode & FS_TYPE) != FS_LINK)
		return ERR_OK;
	n->text_n = (uint32_t)s->link.n;
	n->size = s->link.n;
	return fs_keep(fs, s->link, &n->text);
}

static enum err add_node(struct fs *fs, uint32_t parent, struct span name, const struct fs_spec *s, uint32_t *node)
{
	bool dir = (s->mode & FS_TYPE) == FS_DIR;
	uint32_t entry;
	enum err e;

	if (dir && fs->node[parent].links >= LINKS_MAX)
		return refuse(fs, "too many directories in one", name);
	e = new_node(fs, s, node);
	if (e == ERR_OK)
		e = add_entry(fs, parent, name, *node, &entry);
	if (e == ERR_OK && dir) {
		fs->node[*node].entry = entry;
		fs->node[parent].links++;
	}
	return e == ERR_OK ? keep_link(fs, *node, s) : e;
}

void fs_reset(struct fs *fs, struct why *why)
{
	const struct fs_spec root = { .mode = FS_DIR | 0755 }, lost = { .mode = FS_DIR | 0700 };
	uint32_t node, entry;
	enum err e;

	fs->why = why;
	fs->n_entries = fs->n_text = fs->n_xattrs = 0;
	memset(fs->table, 0, sizeof fs->table);
	memset(fs->node, 0, FS_LOST_FOUND * sizeof fs->node[0]);
	fs->n_nodes = FS_ROOT - 1;
	e = new_node(fs, &root, &node);
	fs->n_nodes = FS_LOST_FOUND - 1;
	if (e == ERR_OK)
		e = new_node(fs, &lost, &node);
	if (e == ERR_OK)
		e = add_entry(fs, FS_ROOT, SPAN_LIT("lost+found"), FS_LOST_FOUND, &entry);
	if (e != ERR_OK) /* the first two always fit */
		return;
	fs->node[FS_LOST_FOUND].entry = entry;
	fs->node[FS_ROOT].links++;
}

/* --- Paths --- */

/* The next component of *rest, "." and empty ones skipped; empty at the end. */
static struct span component(struct span *rest)
{
	while (rest->n) {
		size_t slash = span_find(*rest, '/');
		struct span c = span_sub(*rest, 0, slash);

		*rest = span_sub(*rest, slash + 1, rest->n);
		if (c.n && !span_eq_str(c, "."))
			return c;
	}
	return span_of(NULL, 0);
}

static enum err check_name(struct fs *fs, struct span name, struct span path)
{
	if (span_eq_str(name, ".."))
		return refuse(fs, "a name with ..", path);
	if (name.n > NAME_BYTES_MAX)
		return refuse(fs, "a name of more than 255 bytes", path);
	return ERR_OK;
}

/* A directory nobody described: like its parent as that is now. */
static enum err make_implicit(struct fs *fs, uint32_t parent, struct span name, uint32_t *node)
{
	const struct fs_node *p = &fs->node[parent];
	struct fs_spec s = { .mode = p->mode, .uid = p->uid, .gid = p->gid,
		.time = { fs_time_copied(p->time.m), fs_time_copied(p->time.a), fs_time_copied(p->time.c), fs_time_copied(p->time.cr) } };

	return add_node(fs, parent, name, &s, node);
}

/* Walks to the directory of path's last component, which it gives too (empty for the root itself). make: create what
 * is missing on the way, else ERR_NOT_FOUND. */
static enum err walk(struct fs *fs, struct span path, bool make, uint32_t *dir, struct span *last)
{
	struct span rest = path, name = component(&rest);

	*dir = FS_ROOT;
	*last = name;
	for (;;) {
		struct span next = component(&rest);
		enum err e = check_name(fs, name, path);
		uint32_t entry;

		if (e != ERR_OK)
			return e;
		*last = name;
		if (!next.n)
			return ERR_OK;
		entry = *slot_of(fs, *dir, name);
		if (!entry && !make)
			return ERR_NOT_FOUND;
		if (entry)
			*dir = fs->entry[entry].node;
		else
			e = make_implicit(fs, *dir, name, dir);
		if (e != ERR_OK)
			return e;
		if (!fs_is_dir(fs, *dir))
			return refuse(fs, "a name below something that is no directory", path);
		name = next;
	}
}

enum err fs_parents(struct fs *fs, struct span path)
{
	struct span last;
	uint32_t dir;

	return walk(fs, path, true, &dir, &last);
}

enum err fs_find(struct fs *fs, struct span path, uint32_t *node)
{
	struct span last;
	uint32_t dir, entry;
	enum err e = walk(fs, path, false, &dir, &last);

	if (e != ERR_OK)
		return e;
	entry = last.n ? *slot_of(fs, dir, last) : 0;
	if (last.n && !entry)
		return ERR_NOT_FOUND;
	*node = entry ? fs->entry[entry].node : FS_ROOT;
	return ERR_OK;
}

/* --- Entries that meet --- */

static enum err replace(struct fs *fs, uint32_t entry, const struct fs_spec *s, struct span path, uint32_t *node)
{
	uint32_t was = fs->entry[entry].node;
	struct fs_node *old = &fs->node[was];
	enum err e;

	if (old->links > 1) {
		e = new_node(fs, s, node);
		if (e != ERR_OK)
			return e;
		old->links--;
		fs->entry[entry].node = *node;
		return keep_link(fs, *node, s);
	}
	if (old->blocks)
		return refuse(fs, "replaces a file whose data are already laid out", path);
	/* What becomes of its attributes differs between versions of the reference. */
	if (old->n_xattrs)
		return refuse(fs, "replaces a file with extended attributes", path);
	*node = was;
	fill_node(old, s);
	return keep_link(fs, was, s);
}

enum err fs_create(struct fs *fs, struct span path, const struct fs_spec *s, uint32_t *node)
{
	bool dir = (s->mode & FS_TYPE) == FS_DIR;
	uint32_t parent, entry;
	struct span last;
	enum err e = walk(fs, path, true, &parent, &last);

	if (e != ERR_OK)
		return e;
	entry = last.n ? *slot_of(fs, parent, last) : 0;
	if (last.n && !entry)
		return add_node(fs, parent, last, s, node);
	*node = entry ? fs->entry[entry].node : FS_ROOT;
	if (fs_is_dir(fs, *node) != dir)
		return refuse(fs, dir ? "a directory replaces a file" : "a file replaces a directory", path);
	if (!dir)
		return replace(fs, entry, s, path, node);
	fill_node(&fs->node[*node], s);
	return ERR_OK;
}

enum err fs_link(struct fs *fs, struct span target, struct span path)
{
	uint32_t parent, to, entry;
	struct span last;
	enum err e = walk(fs, path, true, &parent, &last);

	if (e == ERR_OK)
		e = fs_find(fs, target, &to);
	if (e == ERR_NOT_FOUND)
		return refuse(fs, "a hard link to something that is not there", path);
	if (e != ERR_OK)
		return e;
	if (!last.n || fs_is_dir(fs, to))
		return refuse(fs, "a hard link to or over a directory", path);
	entry = *slot_of(fs, parent, last);
	if (entry) {
		struct fs_node *old = &fs->node[fs->entry[entry].node];

		if (fs_is_dir(fs, fs->entry[entry].node) || old->links < 2)
			return refuse(fs, "a hard link over the only name of something", path);
		old->links--;
		fs->entry[entry].node = to;
	} else {
		e = add_entry(fs, parent, last, to, &entry);
		if (e != ERR_OK)
			return e;
	}
	if (++fs->node[to].links > LINKS_MAX)
		return refuse(fs, "too many hard links", path);
	return ERR_OK;
}

/* --- Order --- */

static bool comes_before(const struct fs *fs, uint32_t a, uint32_t b)
{
	const struct fs_entry *x = &fs->entry[a], *y = &fs->entry[b];
	struct span p = fs_name(fs, x), q = fs_name(fs, y);
	int c;

	if (x->node != y->node)
		return x->node < y->node;
	c = memcmp(p.p, q.p, p.n < q.n ? p.n : q.n);
	return c ? c < 0 : p.n < q.n;
}

static void sift(const struct fs *fs, uint32_t *v, size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		uint32_t t;

		if (child + 1 < n && comes_before(fs, v[child], v[child + 1]))
			child++;
		if (!comes_before(fs, v[at], v[child]))
			return;
		t = v[at];
		v[at] = v[child];
		v[child] = t;
	}
}

void fs_sort(struct fs *fs, uint32_t dir)
{
	uint32_t *v = fs->order, *link = &fs->node[dir].first;
	size_t n = 0;
	bool sorted = true;

	for (uint32_t e = *link; e; e = fs->entry[e].next) {
		sorted = sorted && (n == 0 || comes_before(fs, v[n - 1], e));
		v[n++] = e;
	}
	if (sorted)
		return;
	for (size_t i = n / 2; i-- > 0;)
		sift(fs, v, i, n);
	for (size_t left = n; left-- > 1;) {
		uint32_t t = v[0];

		v[0] = v[left];
		v[left] = t;
		sift(fs, v, 0, left);
	}
	for (size_t i = 0; i < n; i++) {
		*link = v[i];
		link = &fs->entry[v[i]].next;
	}
	*link = 0;
	fs->node[dir].last = v[n - 1];
}

/* The first directory from entry e on. */
static uint32_t dir_from(const struct fs *fs, uint32_t e)
{
	while (e && !fs_is_dir(fs, fs->entry[e].node))
		e = fs->entry[e].next;
	return e ? fs->entry[e].node : 0;
}

uint32_t fs_next_dir(const struct fs *fs, uint32_t dir)
{
	uint32_t next = dir_from(fs, fs->node[dir].first);

	while (!next && dir != FS_ROOT) {
		const struct fs_entry *e = &fs->entry[fs->node[dir].entry];

		next = dir_from(fs, e->next);
		dir = e->parent;
	}
	return next;
}
