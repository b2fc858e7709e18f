/* Security policies that others wrote: read, told in words, and asked for verdicts. */
#include "fuzz.h"

#include "policy/explain.h"
#include "policy/simulate.h"

static const char requests[] =
	"[{\"point\":\"mount_device\",\"target\":\"/a\",\"deviceHash\":\"00\"},"
	"{\"point\":\"create_container\",\"containerID\":\"c\",\"argList\":[\"/parley\"],\"envList\":[\"A=b\"],\"workingDir\":\"/\",\"mounts\":[],\"layers\":[\"00\"]},"
	"{\"point\":\"exec_external\",\"argList\":[\"sh\"],\"envList\":[],\"workingDir\":\"/\"},{\"point\":\"get_properties\"},"
	"{\"point\":\"load_fragment\",\"issuer\":\"a\",\"feed\":\"b\",\"namespace\":\"c\"}]";

static void texts_inside(const struct rego_policy *p, struct span in)
{
	struct span whole = span_of(p, sizeof *p);

	HOLD(p->n <= REGO_STATEMENTS_MAX && memchr(p->unknown, 0, sizeof p->unknown));
	for (size_t i = 0; i < p->n; i++) {
		const struct rego_statement *s = &p->list[i];
		char *name = fuzz_text(s->name);

		HOLD((fuzz_inside(s->name, in) || fuzz_inside(s->name, whole)) && name);
		if (s->kind == REGO_WORD)
			HOLD(fuzz_inside(s->word, in) || fuzz_inside(s->word, whole));
		HOLD(rego_read_statement(p, name));
		if (s->kind == REGO_VALUE)
			HOLD(json_present(json_root(&s->doc)));
		free(name);
	}
}

void fuzz_one(struct span in)
{
	static struct rego_policy p;
	static uint8_t text[1 << 20];
	struct why why = { { 0 }, { 0 } };
	struct out o;
	uint8_t *exact;
	size_t n;

	if (in.n > 20000)
		return;
	exact = fuzz_exact(in);
	if (rego_read(&p, span_of(exact, in.n), &why) != ERR_OK) {
		HOLD(why.text[0]);
		free(exact);
		return;
	}
	texts_inside(&p, span_of(exact, in.n));
	o = out_init(text, sizeof text);
	explain_facts(&p, &o);
	o = out_init(text, sizeof text);
	explain_warnings(&p, &o, &n);
	/* A container in it that nobody wrote with our root must not be let in. */
	o = out_init(text, sizeof text);
	if (simulate_run(&p, span_str(requests), &o, &n, &why) != ERR_OK)
		HOLD(why.text[0]);
	else
		HOLD(n <= 5);
	free(exact);
}
