/* parleyctl token: the operator's token and what the settings hold of it. */
#include "ctl/ctl_token.h"

#include <string.h>

#include "base/ct.h"
#include "crypto/hash.h"
#include "crypto/rng.h"
#include "ctl/ctl_say.h"

/* The hash is published with the policy, so a guess costs one hash: 128 bits are out of reach. */
#define TOKEN_LEN 16

static const char usage[] =
	"usage: parleyctl token new\n"
	"\n"
	"Prints a new operator token (128 random bits, in hex), and on a second line the setting that holds its hash.\n"
	"Keep the first line secret; the second goes into the container's settings and is no secret.\n"
	"\n"
	"exit status: 0 done, 2 wrong use, 3 the output cannot be written\n";

static int token_new(void)
{
	uint8_t random[TOKEN_LEN], digest[SHA256_LEN], text[256];
	struct out o = out_init(text, sizeof text);

	rng_bytes(random, sizeof random);
	out_hex(&o, random, sizeof random);
	hash_sha256(out_span(&o), digest);
	out_str(&o, "\nOPERATOR_AUTH=sha256:");
	out_hex(&o, digest, sizeof digest);
	out_byte(&o, '\n');
	ctl_say_out(out_span(&o));
	WIPE(random);
	WIPE(text);
	return SAY_DONE;
}

int ctl_token(int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "new") == 0)
		return token_new();
	if (argc == 1 && strcmp(argv[0], "--help") == 0) {
		ctl_say_out(span_str(usage));
		return SAY_DONE;
	}
	ctl_say_err(span_str(usage));
	return SAY_USAGE;
}
