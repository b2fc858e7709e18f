/* What every fuzz target shares. A target is one file fuzz_NAME.c with fuzz_one(); inputs are plain files as the parser would get
 * them, so that corpora can be read and seeds be made by hand. For tests only. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/out.h"
#include "base/span.h"

/* The target. Never returns anything: what must hold is said with HOLD. */
void fuzz_one(struct span in);
/* Called once before the first input. Targets without a need for it use the empty one of fuzz.c. */
void fuzz_setup(void);

/* A property of the code under test. libFuzzer keeps the input that breaks it. */
#define HOLD(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
			abort(); \
		} \
	} while (0)

/* Numbers that follow from the input alone: how to split it, what to flip. So one file is one run, for ever. */
struct fuzz_dice {
	uint64_t x;
};
struct fuzz_dice fuzz_dice(struct span in);
/* 0 .. below - 1 */
size_t fuzz_roll(struct fuzz_dice *d, size_t below);

/* A copy in memory of exactly its size, so that the address sanitizer sees every access outside. free() it. */
uint8_t *fuzz_exact(struct span s);
/* Views into `whole` (or empty). */
bool fuzz_inside(struct span view, struct span whole);
bool fuzz_same(const void *a, const void *b, size_t n);
bool fuzz_zero(const void *p, size_t n);
/* The whole bytes as NUL-terminated text from malloc; NULL when they hold a NUL. */
char *fuzz_text(struct span s);
/* A file given by name relative to the repository, from malloc; ends the program when it is not there. */
uint8_t *fuzz_file(const char *path, size_t *n);
/* "Random" bytes (os/entropy) come from the same beginning again; done before each input. */
void fuzz_entropy_restart(void);
/* A file for the corpus, made by the target itself: written to $FUZZ_SEEDS/target/name when that is set. */
void fuzz_seed(const char *target, const char *name, struct span s);
/* How to go over an input in pieces: at once, byte by byte, or as the dice say. */
enum fuzz_cut { FUZZ_WHOLE, FUZZ_BYTES, FUZZ_DICE, FUZZ_CUTS };
size_t fuzz_piece(enum fuzz_cut cut, struct fuzz_dice *d, size_t left);

#endif
