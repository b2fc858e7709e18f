/* The other way round: code that does depend on its secrets. Each of these must be reported, or nothing else here proves anything. */
#include "secret.h"

static volatile unsigned sink;
static const uint8_t table[256] = { 1, 2, 3 };

__attribute__((noinline)) static void branch_on(const uint8_t *key)
{
	if (key[3] == 7)
		sink = 1;
}

__attribute__((noinline)) static void index_by(const uint8_t *key)
{
	sink = table[key[0]];
}

__attribute__((noinline)) static void compare_early(const uint8_t *a, const uint8_t *b)
{
	for (size_t i = 0; i < 16; i++)
		if (a[i] != b[i])
			return;
	sink = 2;
}

int main(void)
{
	uint8_t key[16] = { 0 }, other[16] = { 0 };

	SECRET(key, sizeof key);
	branch_on(key);
	index_by(key);
	compare_early(key, other);
	return 0;
}
