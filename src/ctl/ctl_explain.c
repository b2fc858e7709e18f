/* parleyctl policy hash, explain, diff, simulate. */
#include "ctl/ctl_explain.h"

#include <string.h>

#include "base/out.h"
#include "crypto/hash.h"
#include "ctl/ctl_say.h"
#include "enc/base64.h"
#include "policy/explain.h"
#include "policy/simulate.h"

static const char hash_usage[] =
	"usage: parleyctl policy hash FILE\n"
	"\n"
	"Prints the SHA-256 of the policy in FILE: the HOST_DATA that the hardware reports for it. FILE holds the text, or its\n"
	"base64 as in a template or annotation (blanks at the end do not count there; in the text every byte counts).\n"
	"\n"
	"exit status: 0 done, 1 empty, 2 wrong use, 3 the file cannot be read\n";

static const char explain_usage[] =
	"usage: parleyctl policy explain [--strict] FILE\n"
	"\n"
	"Says in words what the policy in FILE (text or base64) allows, one fact a line, then every looseness on a line that\n"
	"begins with \"LOOSE: \". Reads policies of other tools as well; what it does not understand is itself called loose.\n"
	"  --strict  exit status 1 when anything is loose\n"
	"\n"
	"exit status: 0 done, 1 no policy (or loose), 2 wrong use, 3 the file cannot be read\n";

static const char diff_usage[] =
	"usage: parleyctl policy diff A B\n"
	"\n"
	"Compares what two policies (text or base64) allow: facts of A alone begin with \"- \", of B alone with \"+ \".\n"
	"Says so when they allow the same but are not the same text, because then HOST_DATA differs.\n"
	"\n"
	"exit status: 0 the same text, 1 different or no policy, 2 wrong use, 3 a file cannot be read\n";

static const char simulate_usage[] =
	"usage: parleyctl policy simulate FILE --request R.json\n"
	"\n"
	"Answers requests as the guest would under the policy in FILE (text or base64), one line each: allow, or deny with the\n"
	"rule that denies. R.json is a request or an array of requests, judged in order:\n"
	"  {\"point\": \"create_container\", \"containerID\": \"...\", \"layers\": [\"<root>\"], \"argList\": [\"/parley\"],\n"
	"   \"envList\": [\"A=b\"], \"workingDir\": \"/\", \"sandboxDir\": \"/sandbox\", \"mounts\": [...], \"user\": {\"id\": \"0\",\n"
	"   \"name\": \"\"}, \"groups\": [{\"id\": \"0\", \"name\": \"\"}], \"umask\": \"0022\", \"capabilities\": {...}, ...}\n"
	"Mounts can be requests too (mount_device, mount_overlay); then \"layers\" is not needed.\n"
	"Only for policies that leave all decisions to the framework.\n"
	"\n"
	"exit status: 0 all allowed, 1 something denied or not to be judged, 2 wrong use, 3 a file cannot be read\n";

#define FACTS_MAX (2 * POLICY_TEXT_MAX)

/* Two policies at most at a time. Static: some MiB. */
struct loaded {
	uint8_t file[POLICY_B64_MAX], decoded[POLICY_TEXT_MAX], facts[FACTS_MAX];
	struct span text;
	struct rego_policy policy;
	struct out out;
};
static struct loaded A, B;

static int say_usage(int argc, char **argv, const char *usage)
{
	if (argc == 2 && strcmp(argv[1], "--help") == 0) {
		ctl_say_out(span_str(usage));
		return SAY_DONE;
	}
	ctl_say_err(span_str(usage));
	return SAY_USAGE;
}

/* The text of a policy: the file itself, or what its base64 holds. */
static int load_text(struct loaded *l, const char *path)
{
	size_t n, m;
	int status = ctl_say_read(path, l->file, sizeof l->file, &n);

	if (status)
		return status;
	l->text = span_of(l->file, n);
	if (base64_decode(B64_STD, span_trim(l->text), l->decoded, sizeof l->decoded, &m) == ERR_OK && m)
		l->text = span_of(l->decoded, m);
	if (l->text.n == 0)
		return ctl_say_problem(SAY_REFUSED, path, NULL, "empty: no policy");
	return 0;
}

static int load(struct loaded *l, const char *path)
{
	struct why why;
	int status = load_text(l, path);

	if (status)
		return status;
	if (rego_read(&l->policy, l->text, &why) != ERR_OK)
		return ctl_say_problem(SAY_REFUSED, path, why.text, why.about);
	l->out = out_init(l->facts, sizeof l->facts);
	return 0;
}

static void put_hash(struct out *o, struct span text)
{
	uint8_t hash[SHA256_LEN];

	hash_sha256(text, hash);
	out_hex(o, hash, SHA256_LEN);
	out_byte(o, '\n');
}

int ctl_explain_hash(int argc, char **argv)
{
	uint8_t line[2 * SHA256_LEN + 1];
	struct out o = out_init(line, sizeof line);
	struct why why;
	int status;

	if (argc != 2 || argv[1][0] == '-')
		return say_usage(argc, argv, hash_usage);
	status = load_text(&A, argv[1]);
	if (status)
		return status;
	if (rego_read(&A.policy, A.text, &why) != ERR_OK)
		(void)ctl_say_problem(SAY_DONE, argv[1], why.text, "hashed all the same");
	put_hash(&o, A.text);
	ctl_say_out(out_span(&o));
	return SAY_DONE;
}

/* Every line of the warnings with a mark in front. */
static void print_loose(struct span lines)
{
	while (lines.n) {
		size_t end = span_find(lines, '\n');

		ctl_say_out(SPAN_LIT("LOOSE: "));
		ctl_say_out(span_sub(lines, 0, end + 1));
		lines = span_sub(lines, end + 1, lines.n);
	}
}

int ctl_explain(int argc, char **argv)
{
	bool strict = argc == 3 && strcmp(argv[1], "--strict") == 0;
	struct out head = out_init(B.facts, sizeof B.facts);
	size_t loose;
	int status;

	if ((argc != 2 && !strict) || argv[argc - 1][0] == '-')
		return say_usage(argc, argv, explain_usage);
	status = load(&A, argv[argc - 1]);
	if (status)
		return status;
	out_str(&head, "HOST_DATA ");
	put_hash(&head, A.text);
	explain_facts(&A.policy, &A.out);
	if (A.out.bad)
		return ctl_say_problem(SAY_REFUSED, argv[argc - 1], NULL, "says too much to print");
	ctl_say_out(out_span(&head));
	ctl_say_out(out_span(&A.out));
	head = out_init(B.facts, sizeof B.facts);
	explain_warnings(&A.policy, &head, &loose);
	if (head.bad)
		return ctl_say_problem(SAY_REFUSED, argv[argc - 1], NULL, "says too much to print");
	print_loose(out_span(&head));
	return strict && loose ? SAY_REFUSED : SAY_DONE;
}

/* How often a line occurs in a text. */
static size_t count_line(struct span lines, struct span line)
{
	size_t n = 0;

	while (lines.n) {
		size_t end = span_find(lines, '\n');

		n += span_eq(span_sub(lines, 0, end), line);
		lines = span_sub(lines, end + 1, lines.n);
	}
	return n;
}

/* The lines of a that b has less often. */
static bool print_missing(struct span a, struct span b, const char *mark)
{
	struct span rest = a;
	bool any = false;

	while (rest.n) {
		size_t end = span_find(rest, '\n');
		struct span line = span_sub(rest, 0, end), before = span_of(a.p, (size_t)(rest.p - a.p));

		if (count_line(before, line) + 1 > count_line(b, line)) {
			ctl_say_out(span_str(mark));
			ctl_say_out(line);
			ctl_say_out(SPAN_LIT("\n"));
			any = true;
		}
		rest = span_sub(rest, end + 1, rest.n);
	}
	return any;
}

int ctl_explain_diff(int argc, char **argv)
{
	bool a, b;
	int status;

	if (argc != 3 || argv[1][0] == '-' || argv[2][0] == '-')
		return say_usage(argc, argv, diff_usage);
	status = load(&A, argv[1]);
	if (!status)
		status = load(&B, argv[2]);
	if (status)
		return status;
	explain_facts(&A.policy, &A.out);
	explain_facts(&B.policy, &B.out);
	if (A.out.bad || B.out.bad)
		return ctl_say_problem(SAY_REFUSED, argv[1], argv[2], "say too much to compare");
	a = print_missing(out_span(&A.out), out_span(&B.out), "- ");
	b = print_missing(out_span(&B.out), out_span(&A.out), "+ ");
	if (A.policy.n_unknown || B.policy.n_unknown)
		ctl_say_out(SPAN_LIT("NOT COMPARED: statements that were not understood (see explain)\n"));
	if (span_eq(A.text, B.text))
		return SAY_DONE;
	if (!a && !b)
		ctl_say_out(SPAN_LIT("the same is allowed, but the texts differ, and so does HOST_DATA\n"));
	return SAY_REFUSED;
}

int ctl_explain_simulate(int argc, char **argv)
{
	static struct json_tok toks[POLICY_TOKENS_MAX];
	struct json doc;
	struct why why;
	size_t n, denied = 0;
	int status;
	enum err e;

	if (argc != 4 || strcmp(argv[2], "--request") != 0 || argv[1][0] == '-')
		return say_usage(argc, argv, simulate_usage);
	status = load(&A, argv[1]);
	if (!status)
		status = ctl_say_read(argv[3], B.file, sizeof B.file, &n);
	if (status)
		return status;
	if (json_parse(&doc, span_of(B.file, n), toks, POLICY_TOKENS_MAX) != ERR_OK)
		return ctl_say_problem(SAY_REFUSED, argv[3], NULL, "not JSON");
	e = simulate_run(&A.policy, json_root(&doc), &A.out, &denied, &why);
	ctl_say_out(out_span(&A.out));
	if (e != ERR_OK)
		return ctl_say_problem(SAY_REFUSED, argv[3], why.text, why.about);
	return denied ? SAY_REFUSED : SAY_DONE;
}
