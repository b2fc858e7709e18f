/* parleyctl policy: which subcommand. */
#include "ctl/ctl_policy.h"

#include <string.h>

#include "ctl/ctl_explain.h"
#include "ctl/ctl_generate.h"
#include "ctl/ctl_layer.h"
#include "ctl/ctl_say.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *about;
} commands[] = {
	{ "layer", ctl_layer, "the dm-verity root of a layer's tar" },
	{ "generate", ctl_generate, "policies, HOST_DATA and release policies of parties" },
	{ "rego", ctl_generate_rego, "the policy of one bare container" },
	{ "hash", ctl_explain_hash, "the HOST_DATA of a policy" },
	{ "explain", ctl_explain, "what a policy allows, in words, and every looseness" },
	{ "diff", ctl_explain_diff, "what one policy allows and the other does not" },
	{ "simulate", ctl_explain_simulate, "what the guest would say to a request" },
	{ "drift", ctl_explain_drift, "what the platform's variables of today do to a policy of yesterday" },
};

static struct span usage(void)
{
	static uint8_t text[2048];
	struct out o = out_init(text, sizeof text);

	out_str(&o, "usage: parleyctl policy COMMAND ...   (COMMAND --help says more)\n\n");
	for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
		out_str(&o, "  ");
		out_str(&o, commands[i].name);
		for (size_t n = strlen(commands[i].name); n < 10; n++)
			out_byte(&o, ' ');
		out_str(&o, commands[i].about);
		out_byte(&o, '\n');
	}
	return out_span(&o);
}

int ctl_policy(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof commands / sizeof commands[0]; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		ctl_say_out(usage());
		return SAY_DONE;
	}
	ctl_say_err(usage());
	return SAY_USAGE;
}
