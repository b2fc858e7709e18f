/* The way from libFuzzer to a target, and the helpers of targets. */
#include "fuzz.h"

#include "base/log.h"
#include "os/entropy.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In place of the kernel's: "random" bytes are the same in every run, so that a run can be repeated, and recorded handshakes and
 * records stay good. Each thread begins anew. */
static _Thread_local uint64_t entropy;

void fuzz_entropy_restart(void)
{
	entropy = 0x9e3779b97f4a7c15u;
}

void entropy_fill(void *p, size_t n)
{
	uint8_t *b = p;

	if (entropy == 0)
		fuzz_entropy_restart();
	for (size_t i = 0; i < n; i++) {
		entropy ^= entropy << 13;
		entropy ^= entropy >> 7;
		entropy ^= entropy << 17;
		b[i] = (uint8_t)(entropy >> 32);
	}
}

__attribute__((weak)) void fuzz_setup(void)
{
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	log_set_level(LOG_ERROR);
	fuzz_setup();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_entropy_restart();
	fuzz_one(span_of(data, size));
	return 0;
}

struct fuzz_dice fuzz_dice(struct span in)
{
	struct fuzz_dice d = { 0xcbf29ce484222325u };

	for (size_t i = 0; i < in.n; i++)
		d.x = (d.x ^ in.p[i]) * 0x100000001b3u;
	d.x |= 1;
	return d;
}

size_t fuzz_roll(struct fuzz_dice *d, size_t below)
{
	d->x ^= d->x << 13;
	d->x ^= d->x >> 7;
	d->x ^= d->x << 17;
	return (size_t)(d->x >> 11) % below;
}

uint8_t *fuzz_exact(struct span s)
{
	uint8_t *p = malloc(s.n ? s.n : 1);

	HOLD(p);
	if (s.n)
		memcpy(p, s.p, s.n);
	return p;
}

bool fuzz_inside(struct span view, struct span whole)
{
	if (view.n == 0)
		return true;
	return view.p >= whole.p && view.n <= whole.n && (size_t)(view.p - whole.p) <= whole.n - view.n;
}

bool fuzz_same(const void *a, const void *b, size_t n)
{
	return n == 0 || memcmp(a, b, n) == 0;
}

bool fuzz_zero(const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		if (b[i])
			return false;
	return true;
}

char *fuzz_text(struct span s)
{
	char *text;

	if (s.n && memchr(s.p, 0, s.n))
		return NULL;
	text = malloc(s.n + 1);
	HOLD(text);
	if (s.n)
		memcpy(text, s.p, s.n);
	text[s.n] = '\0';
	return text;
}

uint8_t *fuzz_file(const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	uint8_t *p = malloc(1 << 20);

	if (!f || !p) {
		fprintf(stderr, "cannot read %s: run from the top of the repository\n", path);
		exit(1);
	}
	*n = fread(p, 1, 1 << 20, f);
	fclose(f);
	return p;
}

void fuzz_seed(const char *target, const char *name, struct span s)
{
	const char *dir = getenv("FUZZ_SEEDS");
	char path[512];
	FILE *f;

	if (!dir)
		return;
	snprintf(path, sizeof path, "%s/%s/%s", dir, target, name);
	f = fopen(path, "wb");
	HOLD(f && fwrite(s.p, 1, s.n, f) == s.n && fclose(f) == 0);
}

size_t fuzz_piece(enum fuzz_cut cut, struct fuzz_dice *d, size_t left)
{
	size_t n = cut == FUZZ_WHOLE ? left : cut == FUZZ_BYTES ? 1 : 1 + fuzz_roll(d, left < 40 ? left : 40);

	return n < left ? n : left;
}
