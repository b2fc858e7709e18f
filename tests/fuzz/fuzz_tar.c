/* Layers: the same entries, data and digest however the bytes arrive; what is accepted has names and sizes as they must be. */
#include "fuzz.h"

#include "policy/tar.h"

#define ALL_MAX 200000

struct feed {
	struct span rest;
	struct fuzz_dice dice;
	enum fuzz_cut cut;
};

struct result {
	enum err err;
	size_t n;
	uint8_t text[2 * ALL_MAX]; /* of all entries */
	char why[192];
};

static enum err feed_read(void *of, uint8_t *dst, size_t cap, size_t *n)
{
	struct feed *f = of;
	size_t want = f->cut == FUZZ_WHOLE ? f->rest.n : 1 + fuzz_roll(&f->dice, 2000);

	*n = want < f->rest.n ? want : f->rest.n;
	*n = *n < cap ? *n : cap;
	memcpy(dst, f->rest.p, *n);
	f->rest = span_sub(f->rest, *n, f->rest.n);
	return ERR_OK;
}

static void put_entry(const struct tar_entry *e, struct out *o)
{
	HOLD(e->type > TAR_END && e->type <= TAR_FIFO && span_find(e->name, 0) == e->name.n && span_find(e->link, 0) == e->link.n);
	HOLD((e->size == 0 || e->type == TAR_FILE) && e->mode <= 07777 && e->n_xattrs <= ENTRY_XATTRS_MAX);
	HOLD(e->mtime.ns < 1000000000 && e->atime.ns < 1000000000 && e->ctime.ns < 1000000000);
	out_u64(o, e->type);
	out_byte(o, ' ');
	out_put(o, e->name);
	out_byte(o, 0);
	out_put(o, e->link);
	out_byte(o, 0);
	out_u64(o, e->size);
	out_u64(o, e->mtime.s);
	out_u64(o, e->uid);
	out_u64(o, e->gid);
	for (size_t i = 0; i < e->n_xattrs; i++) {
		out_put(o, e->xattrs[i].name);
		out_byte(o, 0);
		out_put(o, e->xattrs[i].value);
	}
}

static void read_all(struct span in, enum fuzz_cut cut, struct result *r)
{
	static struct tar t;
	struct fuzz_dice d = fuzz_dice(in);
	struct feed f = { in, d, cut };
	struct why why = { { 0 }, { 0 } };
	struct out o = out_init(r->text, sizeof r->text);
	uint8_t sha[32], real[32];
	struct tar_entry e;
	uint64_t bytes;

	tar_start(&t, (struct source){ feed_read, &f }, &why);
	while ((r->err = tar_next(&t, &e)) == ERR_OK && e.type != TAR_END) {
		put_entry(&e, &o);
		/* Some data are read, the rest is left to be passed over. */
		if (e.size && fuzz_roll(&d, 2)) {
			size_t n = (size_t)(e.size < in.n ? 1 + fuzz_roll(&d, (size_t)e.size) : 1 + fuzz_roll(&d, 5000));
			uint8_t *data = malloc(n);

			r->err = tar_data(&t, data, n);
			if (r->err == ERR_OK)
				out_bytes(&o, data, n);
			free(data);
			if (r->err)
				break;
		}
	}
	if (r->err == ERR_OK) {
		HOLD(tar_finish(&t, &bytes, sha) == ERR_OK);
		hash_sha256(in, real);
		HOLD(bytes == in.n && fuzz_same(sha, real, 32));
	} else {
		HOLD(why.text[0]);
	}
	memcpy(r->why, why.text, sizeof r->why);
	r->n = o.n;
}

void fuzz_one(struct span in)
{
	static struct result a, b;

	if (in.n > ALL_MAX)
		return;
	read_all(in, FUZZ_WHOLE, &a);
	read_all(in, FUZZ_DICE, &b);
	HOLD(a.err == b.err && a.n == b.n && fuzz_same(a.text, b.text, a.n) && strcmp(a.why, b.why) == 0);
}
