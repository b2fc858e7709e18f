/* Extended attributes: placement and layout. Linux fs/ext4/xattr.h for the structures. */
#include "policy/xattr.h"

#include <string.h>

#include "policy/le.h"

#define MAGIC 0xEA020000u
#define ENTRY_LEN 16
#define BLOCK_HEAD 32

struct short_name {
	uint8_t index;
	struct span name;
};

static struct short_name shorten(struct span full)
{
	static const struct {
		uint8_t index;
		const char *prefix;
	} table[] = {
		{ 2, "system.posix_acl_access" }, { 3, "system.posix_acl_default" }, { 8, "system.richacl" }, { 7, "system." },
		{ 1, "user." }, { 4, "trusted." }, { 6, "security." },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (span_starts(full, table[i].prefix))
			return (struct short_name){ table[i].index, span_sub(full, strlen(table[i].prefix), full.n) };
	return (struct short_name){ 0, full };
}

bool xattr_is_nameless(struct span name)
{
	return shorten(name).name.n == 0;
}

static size_t round4(size_t n)
{
	return (n + 3) & ~(size_t)3;
}

static size_t entry_len(const struct xattr *x)
{
	return ENTRY_LEN + round4(shorten(x->name).name.n);
}

static uint32_t entry_hash(struct span name, struct span value)
{
	uint32_t h = 0;

	for (size_t i = 0; i < name.n; i++)
		h = (h << 5) ^ (h >> 27) ^ name.p[i];
	for (size_t i = 0; i < value.n; i += 4) {
		uint8_t word[4] = { 0 };

		memcpy(word, value.p + i, value.n - i < 4 ? value.n - i : 4);
		h = (h << 16) ^ (h >> 16) ^ load_le32(word);
	}
	return h;
}

static int compare(struct span a, struct span b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n ? memcmp(a.p, b.p, n) : 0;

	return c ? c : (a.n > b.n) - (a.n < b.n);
}

static void swap(struct xattr *a, struct xattr *b)
{
	struct xattr t = *a;

	*a = *b;
	*b = t;
}

static void sort_by_name(struct xattr *list, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t j = i; j > 0 && compare(list[j].name, list[j - 1].name) < 0; j--)
			swap(&list[j], &list[j - 1]);
}

enum err xattr_place(struct xattr *list, size_t n, bool *block, struct why *why)
{
	/* Each area keeps its magic or header, and four zero bytes that end its entries. */
	size_t inode_left = XATTR_INODE_LEN - 8, block_left = XATTR_BLOCK_LEN - BLOCK_HEAD - 4, in_block = 0;

	sort_by_name(list, n);
	for (size_t i = 0; i < n; i++) {
		size_t need = entry_len(&list[i]) + round4(list[i].value.n);

		if (list[i].name.n > NAME_BYTES_MAX)
			return why_set(why, ERR_RANGE, "the name of an extended attribute is too long", list[i].name);
		list[i].in_block = need > inode_left;
		if (list[i].in_block && need > block_left)
			return why_set(why, ERR_RANGE, "no room for an extended attribute", list[i].name);
		*(list[i].in_block ? &block_left : &inode_left) -= need;
		in_block += list[i].in_block;
	}
	if (in_block > 2)
		return why_say(why, ERR_RANGE, "three or more extended attributes in a block: their order is not defined");
	*block = in_block != 0;
	return ERR_OK;
}

/* One area of n bytes: entries upwards, values from its end downwards. base: what value offsets count from. */
struct area {
	uint8_t *p;
	size_t entry, value, base;
};

static void put(struct area *a, const struct xattr *x)
{
	struct short_name s = shorten(x->name);
	uint8_t *e = a->p + a->entry;

	a->value -= round4(x->value.n);
	e[0] = (uint8_t)s.name.n;
	e[1] = s.index;
	le_put16(e + 2, (uint16_t)(a->value + a->base));
	le_put32(e + 8, (uint32_t)x->value.n);
	le_put32(e + 12, entry_hash(s.name, x->value));
	if (s.name.n)
		memcpy(e + ENTRY_LEN, s.name.p, s.name.n);
	if (x->value.n)
		memcpy(a->p + a->value, x->value.p, x->value.n);
	a->entry += entry_len(x);
}

void xattr_inode(const struct xattr *list, size_t n, uint8_t area[XATTR_INODE_LEN])
{
	struct area a = { area + 4, 0, XATTR_INODE_LEN - 4, 0 };
	bool any = false;

	memset(area, 0, XATTR_INODE_LEN);
	for (size_t i = 0; i < n; i++)
		if (!list[i].in_block) {
			put(&a, &list[i]);
			any = true;
		}
	if (any)
		le_put32(area, MAGIC);
}

/* The order inside a block as the reference has it: not a consistent one, but with two entries it decides. */
static bool before(const struct xattr *x, const struct xattr *y)
{
	struct short_name a = shorten(x->name), b = shorten(y->name);

	return a.index < b.index || a.name.n < b.name.n || compare(a.name, b.name) < 0;
}

void xattr_block(const struct xattr *list, size_t n, uint8_t block[XATTR_BLOCK_LEN])
{
	struct area a = { block + BLOCK_HEAD, 0, XATTR_BLOCK_LEN - BLOCK_HEAD, BLOCK_HEAD };
	const struct xattr *two[2] = { NULL, NULL };
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (list[i].in_block && used < 2)
			two[used++] = &list[i];
	memset(block, 0, XATTR_BLOCK_LEN);
	le_put32(block, MAGIC);
	le_put32(block + 4, 1);
	le_put32(block + 8, 1);
	if (used == 2 && before(two[1], two[0])) {
		put(&a, two[1]);
		used = 1;
	}
	put(&a, two[0]);
	if (used == 2)
		put(&a, two[1]);
}
