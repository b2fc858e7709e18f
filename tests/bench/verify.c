/* verify PROOF ROOT-SHA256-HEX UVM-ISSUER: processor time of one offline verification of a proof by the shipped objects, as parleyctl does
 * it from the text of the proof on; "verify seconds". */
#include <stdlib.h>
#include <string.h>

#include "measure.h"
#include "text/hex.h"
#include "os/clock.h"
#include "os/file.h"
#include "snp/proof.h"

static uint8_t text[PROOF_MAX], store[PROOF_MAX];
static size_t text_n;
static struct proof_rules rules;
static struct token_work work;

static void verify(void *arg)
{
	static struct proof proof;
	static struct verify_facts facts;
	static struct runtime runtime;
	static struct checks checks;
	struct accept_context x;
	const char *problem = "";

	(void)arg;
	memset(&checks, 0, sizeof checks);
	if (proof_parse(span_of(text, text_n), store, &proof, &problem) != ERR_OK ||
	    !proof_genuine(&proof, &rules, &facts, &runtime, &x, &checks) || !facts.endorsed || !facts.configured_root) {
		fprintf(stderr, "bench: the proof is not genuine %s\n", problem);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	static uint8_t root[32];

	if (argc != 4 || file_read_all(argv[1], text, sizeof text, &text_n) != ERR_OK || hex_decode(span_str(argv[2]), root, sizeof root) != ERR_OK)
		return 2;
	rules.verify = (struct verify_rules){ .now_s = clock_unix(), .extra_root = root, .uvm_issuer = argv[3] };
	rules.token.now_s = rules.verify.now_s;
	rules.tokens = &proof_tokens;
	rules.work = &work;
	measure("verify", verify, NULL);
	return 0;
}
