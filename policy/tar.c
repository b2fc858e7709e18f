/* Reading a layer's tar. POSIX.1-2001 pax (ustar and extended headers), GNU tar manual "Basic Tar Format". What is
 * made of each field follows the reader of the program whose result we must reproduce; where that is lenient in a
 * way which other readers are not, we refuse. */
#include "policy/tar.h"

#include <string.h>

#include "base/out.h"
#include "policy/pax.h"

#define BLOCK 512

void tar_start(struct tar *t, struct source src, struct why *why)
{
	t->src = src;
	t->why = why;
	hash_sha256_init(&t->hash);
	t->total = t->left = 0;
	t->pad = 0;
	t->ended = t->begun = false;
	t->at = t->n = 0;
	t->has_pax = t->has_long_name = t->has_long_link = false;
}

/* --- Bytes --- */

static enum err fill(struct tar *t)
{
	enum err e;

	if (t->at < t->n || t->ended)
		return ERR_OK;
	t->at = t->n = 0;
	e = t->src.read(t->src.of, t->buf, sizeof t->buf, &t->n);
	if (e != ERR_OK)
		return why_say(t->why, e, "the layer cannot be read");
	t->ended = t->n == 0;
	hash_sha256_update(&t->hash, span_of(t->buf, t->n));
	t->total += t->n;
	return ERR_OK;
}

/* Up to n bytes: *got < n only at the end of the file. dst NULL skips. */
static enum err take_some(struct tar *t, uint8_t *dst, uint64_t n, uint64_t *got)
{
	*got = 0;
	while (*got < n) {
		size_t part;
		enum err e = fill(t);

		if (e != ERR_OK)
			return e;
		if (t->ended)
			return ERR_OK;
		part = t->n - t->at;
		if (part > n - *got)
			part = (size_t)(n - *got);
		if (dst)
			memcpy(dst + *got, t->buf + t->at, part);
		t->at += part;
		*got += part;
	}
	return ERR_OK;
}

static enum err take(struct tar *t, uint8_t *dst, uint64_t n)
{
	uint64_t got;
	enum err e = take_some(t, dst, n, &got);

	if (e == ERR_OK && got < n)
		e = why_say(t->why, ERR_SYNTAX, "the archive is cut short");
	return e;
}

enum err tar_data(struct tar *t, uint8_t *dst, size_t n)
{
	enum err e;

	if (n > t->left)
		return why_say(t->why, ERR_STATE, "read past the entry");
	e = take(t, dst, n);
	if (e == ERR_OK)
		t->left -= n;
	return e;
}

static enum err skip_rest(struct tar *t)
{
	enum err e = take(t, NULL, t->left + t->pad);

	t->left = t->pad = 0;
	return e;
}

static void start_data(struct tar *t, uint64_t size)
{
	t->left = size;
	t->pad = (uint32_t)(-size & (BLOCK - 1));
}

/* --- Fields --- */

static struct span field_text(const uint8_t *p, size_t n)
{
	struct span s = span_of(p, n);

	return span_sub(s, 0, span_find(s, 0));
}

static bool is_fill(uint8_t c)
{
	return c == ' ' || c == 0;
}

/* GNU's binary numbers: first byte 80 hex, the rest big-endian. Negative ones (40 hex set) are refused. */
static bool field_binary(const uint8_t *p, size_t n, uint64_t *v)
{
	uint64_t x = p[0] & 0x7fu;

	for (size_t i = 1; i < n; i++) {
		if (x >> 55)
			return false;
		x = x << 8 | p[i];
	}
	*v = x;
	return (p[0] & 0x40) == 0;
}

/* Octal digits between spaces or NULs; nothing at all is zero. */
static bool field_number(const uint8_t *p, size_t n, uint64_t *v)
{
	uint64_t x = 0;

	if (p[0] & 0x80)
		return field_binary(p, n, v);
	while (n && is_fill(p[n - 1]))
		n--;
	while (n && is_fill(p[0])) {
		p++;
		n--;
	}
	for (size_t i = 0; i < n; i++) {
		if (p[i] < '0' || p[i] > '7' || x >> 60)
			return false;
		x = x << 3 | (uint64_t)(p[i] - '0');
	}
	*v = x;
	return true;
}

/* A time may lie before 1970: a binary number with 40 hex set is negative, in two's complement. */
static bool field_time(const uint8_t p[12], int64_t *t)
{
	uint8_t inverted[12];
	uint64_t v;

	if ((p[0] & 0xc0) != 0xc0) {
		if (!field_number(p, 12, &v))
			return false;
		*t = (int64_t)v;
		return true;
	}
	for (size_t i = 0; i < 12; i++)
		inverted[i] = (uint8_t)~p[i];
	inverted[0] |= 0x80;
	if (!field_binary(inverted, 12, &v))
		return false;
	*t = -1 - (int64_t)v;
	return true;
}

static bool checksum_right(const uint8_t h[BLOCK])
{
	uint64_t want, sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += i >= 148 && i < 156 ? ' ' : h[i];
	return field_number(h + 148, 8, &want) && want == sum;
}

static bool all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* --- Headers --- */

struct head {
	bool gnu, file_data; /* file_data: the type carries data */
	uint8_t flag;
	struct span name, link;
	uint64_t size, mode, uid, gid, major, minor;
	struct tar_time mtime, atime, ctime;
};

static enum err bad_head(struct tar *t, const char *text, const struct head *h)
{
	return why_set(t->why, ERR_RANGE, text, h->name);
}

/* The name of a ustar header: "prefix/name". */
static struct span ustar_name(struct tar *t)
{
	struct span name = field_text(t->head, 100), prefix = field_text(t->head + 345, 155);
	struct out o = out_init(t->name, sizeof t->name);

	if (!prefix.n)
		return name;
	out_put(&o, prefix);
	out_byte(&o, '/');
	out_put(&o, name);
	return out_span(&o);
}

/* Old GNU headers keep access and change time where ustar keeps the prefix. */
static bool gnu_times(const uint8_t *p, struct head *h)
{
	return (p[345] == 0 || field_time(p + 345, &h->atime.s)) && (p[357] == 0 || field_time(p + 357, &h->ctime.s));
}

static enum err head_parse(struct tar *t, struct head *h)
{
	const uint8_t *p = t->head;
	bool numbers;

	*h = (struct head){ .flag = p[156], .name = field_text(p, 100), .link = field_text(p + 157, 100) };
	if (!checksum_right(p))
		return why_say(t->why, ERR_SYNTAX, "no tar header where one must be, or a wrong checksum");
	h->gnu = memcmp(p + 257, "ustar  \0", 8) == 0;
	if (!h->gnu && memcmp(p + 257, "ustar\0", 6) != 0)
		return bad_head(t, "neither a ustar nor a GNU tar header", h);
	if (!h->gnu && memcmp(p + 508, "tar\0", 4) == 0)
		return bad_head(t, "star's own header form", h);
	if (!h->gnu)
		h->name = ustar_name(t);
	numbers = field_number(p + 100, 8, &h->mode) && field_number(p + 108, 8, &h->uid) && field_number(p + 116, 8, &h->gid) &&
		  field_number(p + 124, 12, &h->size) && field_time(p + 136, &h->mtime.s) &&
		  field_number(p + 329, 8, &h->major) && field_number(p + 337, 8, &h->minor) && (!h->gnu || gnu_times(p, h));
	if (!numbers)
		return bad_head(t, "a number field is negative or no number", h);
	h->file_data = h->flag == '0' || h->flag == 0 || h->flag == 'x' || h->flag == 'L' || h->flag == 'K';
	return ERR_OK;
}

/* What a file that is no plain tar begins with. */
static const struct {
	char magic[7];
	uint8_t n;
	const char *text;
} others[] = {
	{ "\x1f\x8b", 2, "compressed with gzip: decompress it with gunzip" },
	{ "\x28\xb5\x2f\xfd", 4, "compressed with zstd: decompress it with zstd -d" },
	{ "\xfd" "7zXZ", 6, "compressed with xz: decompress it with unxz" },
	{ "BZh", 3, "compressed with bzip2: decompress it with bunzip2" },
	{ "\x04\x22\x4d\x18", 4, "compressed with lz4: decompress it with lz4 -d" },
	{ "PK\x03\x04", 4, "a zip archive: a layer is a tar" },
	{ "hsqs", 4, "a squashfs image: a layer is a tar" },
};

static const char *other_form(struct span start)
{
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		if (span_eq(span_sub(start, 0, others[i].n), span_of(others[i].magic, others[i].n)))
			return others[i].text;
	return NULL;
}

/* Reads the next header block; *end when the archive ends here: two zero blocks, one at the very end, or no more. */
static enum err head_read(struct tar *t, struct head *h, bool *end)
{
	uint64_t got;
	enum err e = take_some(t, t->head, BLOCK, &got);

	*end = false;
	if (e != ERR_OK)
		return e;
	if (!t->begun && (got < BLOCK || !checksum_right(t->head)) && other_form(span_of(t->head, (size_t)got)))
		return why_say(t->why, ERR_SYNTAX, other_form(span_of(t->head, (size_t)got)));
	t->begun = true;
	if (got == BLOCK && !all_zero(t->head, BLOCK))
		return head_parse(t, h);
	*end = true;
	if (got == BLOCK) {
		e = take_some(t, t->head, BLOCK, &got);
		if (e != ERR_OK)
			return e;
	}
	if (got == 0 || (got == BLOCK && all_zero(t->head, BLOCK)))
		return ERR_OK;
	return why_say(t->why, ERR_SYNTAX, "something other than zeros after a zero block, or a cut header");
}

/* Data of an extended header into dst[cap]. */
static enum err read_special(struct tar *t, const struct head *h, uint8_t *dst, size_t cap, size_t *n)
{
	enum err e;

	if (h->size > cap)
		return bad_head(t, "an extended header or long name is too big", h);
	start_data(t, h->size);
	e = tar_data(t, dst, (size_t)h->size);
	*n = (size_t)h->size;
	return e;
}

/* x, L and K precede the entry they are about. */
static enum err read_extension(struct tar *t, const struct head *h)
{
	bool *has = h->flag == 'x' ? &t->has_pax : h->flag == 'L' ? &t->has_long_name : &t->has_long_link;

	if (*has)
		return bad_head(t, "two extended headers of one kind for one entry", h);
	*has = true;
	switch (h->flag) {
	case 'x': return read_special(t, h, t->pax, sizeof t->pax, &t->pax_n);
	case 'L': return read_special(t, h, t->long_name, sizeof t->long_name, &t->long_name_n);
	default: return read_special(t, h, t->long_link, sizeof t->long_link, &t->long_link_n);
	}
}

static enum err type_of(struct tar *t, const struct head *h, enum tar_type *type)
{
	static const enum tar_type types[] = { TAR_FILE, TAR_HARDLINK, TAR_SYMLINK, TAR_CHAR, TAR_BLOCK, TAR_DIR, TAR_FIFO };

	if (h->flag == 0)
		*type = span_ends(h->name, "/") ? TAR_DIR : TAR_FILE;
	else if (h->flag >= '0' && h->flag <= '6')
		*type = types[h->flag - '0'];
	else if (h->flag == 'g')
		return bad_head(t, "a global extended header", h);
	else if (h->flag == 'S')
		return bad_head(t, "a sparse file", h);
	else
		return bad_head(t, "an entry of unknown type", h);
	return ERR_OK;
}

/* --- Putting an entry together --- */

static enum err apply_extensions(struct tar *t, struct head *h, struct tar_entry *e)
{
	if (t->has_pax && (t->has_long_name || t->has_long_link))
		return bad_head(t, "a pax header and a GNU long name for one entry", h);
	if (t->has_long_name)
		h->name = field_text(t->long_name, t->long_name_n);
	if (t->has_long_link)
		h->link = field_text(t->long_link, t->long_link_n);
	if (t->has_pax) {
		struct pax_values v = { h->name, h->link, h->size, h->uid, h->gid, h->mtime, h->atime, h->ctime, 0, e->xattrs };
		enum err err = pax_read(span_of(t->pax, t->pax_n), &v, t->why);

		if (err != ERR_OK)
			return err;
		h->name = v.path;
		h->link = v.linkpath;
		h->size = v.size;
		h->uid = v.uid;
		h->gid = v.gid;
		h->mtime = v.mtime;
		h->atime = v.atime;
		h->ctime = v.ctime;
		e->n_xattrs = v.n_xattrs;
	}
	return ERR_OK;
}

static enum err entry_fill(struct tar *t, struct head *h, struct tar_entry *e)
{
	enum err err;

	e->n_xattrs = 0;
	err = apply_extensions(t, h, e);
	if (err == ERR_OK)
		err = type_of(t, h, &e->type);
	if (err != ERR_OK)
		return err;
	if (h->uid > UINT32_MAX || h->gid > UINT32_MAX)
		return bad_head(t, "a user or group number over 32 bits", h);
	if (h->major > 0xfff || h->minor > 0xfffff)
		return bad_head(t, "a device number too big", h);
	e->name = h->name;
	e->link = h->link;
	e->mode = h->mode & 07777;
	e->uid = (uint32_t)h->uid;
	e->gid = (uint32_t)h->gid;
	e->major = (uint32_t)h->major;
	e->minor = (uint32_t)h->minor;
	e->mtime = h->mtime;
	e->atime = h->atime;
	e->ctime = h->ctime;
	/* Only files have data; a size in another header is ignored, as the reference reader does. */
	e->size = e->type == TAR_FILE ? h->size : 0;
	start_data(t, e->size);
	t->has_pax = t->has_long_name = t->has_long_link = false;
	return ERR_OK;
}

enum err tar_next(struct tar *t, struct tar_entry *e)
{
	struct head h;
	bool end;

	for (;;) {
		enum err err = skip_rest(t);

		if (err == ERR_OK)
			err = head_read(t, &h, &end);
		if (err != ERR_OK)
			return err;
		if (end && (t->has_pax || t->has_long_name || t->has_long_link))
			return why_say(t->why, ERR_SYNTAX, "an extended header without its entry");
		e->type = TAR_END;
		if (end)
			return ERR_OK;
		if (h.flag != 'x' && h.flag != 'L' && h.flag != 'K')
			return entry_fill(t, &h, e);
		err = read_extension(t, &h);
		if (err != ERR_OK)
			return err;
	}
}

enum err tar_finish(struct tar *t, uint64_t *bytes, uint8_t sha256[SHA256_LEN])
{
	while (!t->ended) {
		enum err e;

		t->at = t->n;
		e = fill(t);
		if (e != ERR_OK)
			return e;
	}
	*bytes = t->total;
	hash_sha256_out(&t->hash, sha256);
	return ERR_OK;
}
