/* parleyctl policy hash, explain, diff, simulate, drift. */
#include "ctl/ctl_explain.h"

#include <string.h>

#include "base/out.h"
#include "crypto/hash.h"
#include "ctl/ctl_say.h"
#include "text/base64.h"
#include "policy/drift.h"
#include "policy/explain.h"
#include "policy/shape.h"
#include "policy/simulate.h"

static const char hash_usage[] =
	"usage: parleyctl policy hash FILE\n"
	"\n"
	"Prints the SHA-256 of the policy in FILE: the HOST_DATA that the hardware reports for it. FILE holds the text, or its\n"
	"base64 as in a template or annotation (line ends and blanks do not count there; in the text every byte counts).\n"
	"\n"
	"exit status: 0 done, 1 no policy, 2 wrong use, 3 the file cannot be read\n";

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
	"Says so when they allow the same but are not the same text, because then HOST_DATA differs; and when they hold something\n"
	"that was not compared.\n"
	"\n"
	"exit status: 0 the same text, 1 different or no policy, 2 wrong use, 3 a file cannot be read\n";

static const char simulate_usage[] =
	"usage: parleyctl policy simulate FILE --request R.json\n"
	"\n"
	"Answers requests as the guest (framework 0.5.0) would under the policy in FILE (text or base64), one line each: allow,\n"
	"deny with the rule that denies, or ? when this program cannot judge the request. R.json is a request or an array of\n"
	"requests, judged in order; what a request leaves out is empty:\n"
	"  {\"point\": \"create_container\", \"containerID\": \"...\", \"layers\": [\"<root>\"], \"argList\": [\"/parley\"],\n"
	"   \"envList\": [\"A=b\"], \"workingDir\": \"/\", \"sandboxDir\": \"/sandbox\", \"mounts\": [...], \"user\": {\"id\": \"0\",\n"
	"   \"name\": \"\"}, \"groups\": [{\"id\": \"0\", \"name\": \"\"}], \"umask\": \"0022\", \"capabilities\": {...}, ...}\n"
	"Mounts can be requests too (mount_device, mount_overlay); then \"layers\" is not needed.\n"
	"Only for policies that leave all decisions to the framework.\n"
	"\n"
	"exit status: 0 all allowed, 1 something denied or not to be judged, 2 wrong use, 3 a file cannot be read\n";

static const char drift_usage[] =
	"usage: parleyctl policy drift FILE [--env ENV] [--platform PLATFORM.json --list NAME]\n"
	"\n"
	"Says for each container of the policy in FILE (text or base64) which variables it keeps, which it drops, and which will\n"
	"keep it from starting. At least one of:\n"
	"  --env ENV        a running container's variables: NAME=value lines, or a copy of its /proc/1/environ\n"
	"  --platform FILE  what the platform injects today: the list --list NAME of this file (policy/platform.json is dated)\n"
	"Names are printed, values never.\n"
	"\n"
	"exit status: 0 nothing fails, 1 something fails or cannot be judged, 2 wrong use, 3 a file cannot be read\n";

#define FACTS_MAX (2 * POLICY_TEXT_MAX)
#define FILE_MAX (POLICY_B64_MAX + POLICY_B64_MAX / 16) /* base64 in lines of 64 with CRLF */

/* Two policies at most at a time. Static: some MiB. */
struct loaded {
	uint8_t file[FILE_MAX], decoded[POLICY_TEXT_MAX], facts[FACTS_MAX];
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

static bool is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What is no policy though people give it for one: the reason, or NULL. */
static const char *wrong_kind(struct span s)
{
	static const struct {
		const char *begins, *reason;
	} table[] = {
		{ "\xef\xbb\xbf", "begins with a byte order mark (UTF-8), which the platform would hash and the guest not take: save without it" },
		{ "\xff\xfe", "is UTF-16: save it as UTF-8 without byte order mark" }, { "\xfe\xff", "is UTF-16: save it as UTF-8 without byte order mark" },
		{ "{", "is JSON: give the value of ccePolicy (the base64 alone), not the template around it" },
		{ "[", "is JSON: give the value of ccePolicy (the base64 alone), not the template around it" },
		{ "\"", "is a quoted string: give the base64 without the quotes" },
	};

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
		if (span_starts(s, table[i].begins))
			return table[i].reason;
	if (span_find(s, 0) != s.n)
		return "holds a zero byte: no text (UTF-16?)";
	return span_starts(s, "ccePolicy") ? "begins with the name ccePolicy: give its value alone" : NULL;
}

/* Whether all of it is base64's alphabet, in either form; the text of a policy has other characters. */
static bool looks_base64(struct span s, bool *url)
{
	*url = false;
	for (size_t i = 0; i < s.n; i++) {
		*url = *url || s.p[i] == '-' || s.p[i] == '_';
		if (!is_alnum(s.p[i]) && !is_blank(s.p[i]) && span_find(SPAN_LIT("+/=-_"), s.p[i]) == 5)
			return false;
	}
	return s.n > 0;
}

/* Out of lines: the blanks are taken out in place. */
static struct span without_blanks(uint8_t *p, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++)
		if (!is_blank(p[i]))
			p[kept++] = p[i];
	return span_of(p, kept);
}

/* The text of a policy: the file itself, or what its base64 holds. Never the base64 itself, nor what is no policy. */
static int load_text(struct loaded *l, const char *path)
{
	size_t n, m;
	const char *wrong;
	bool url;
	int status = ctl_say_read(path, l->file, sizeof l->file, &n);

	if (status)
		return status;
	l->text = span_of(l->file, n);
	if (span_trim(l->text).n == 0)
		return ctl_say_problem(SAY_REFUSED, path, NULL, "empty: no policy");
	if (!span_starts(span_trim(l->text), "package ") && looks_base64(l->text, &url)) {
		if (url)
			return ctl_say_problem(SAY_REFUSED, path, NULL, "is base64url or no base64: the platform takes standard base64 (+ and /)");
		if (base64_decode(B64_STD, without_blanks(l->file, n), l->decoded, sizeof l->decoded, &m) != ERR_OK)
			return ctl_say_problem(SAY_REFUSED, path, NULL, "looks like base64 but is damaged or cut off: no policy");
		l->text = span_of(l->decoded, m);
	}
	wrong = wrong_kind(span_trim(l->text));
	return wrong ? ctl_say_problem(SAY_REFUSED, path, NULL, wrong) : 0;
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
	switch (rego_read(&A.policy, A.text, &why)) {
	case ERR_OK: break;
	case ERR_TOO_BIG: (void)ctl_say_problem(SAY_DONE, argv[1], why.text, "hashed all the same"); break;
	default: return ctl_say_problem(SAY_REFUSED, argv[1], why.text, why.about);
	}
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

static void count_odd(void *ctx, const char *what, struct span name)
{
	(void)what;
	(void)name;
	++*(size_t *)ctx;
}

/* How many things in a policy are not understood. */
static size_t odd_in(const struct rego_policy *p)
{
	size_t n = p->n_unknown;

	shape_check(p, count_odd, &n);
	return n;
}

int ctl_explain_diff(int argc, char **argv)
{
	bool a, b, odd;
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
	odd = odd_in(&A.policy) + odd_in(&B.policy) > 0;
	if (odd)
		ctl_say_out(SPAN_LIT("NOT COMPARED: what is not understood (see explain)\n"));
	if (span_eq(A.text, B.text))
		return SAY_DONE;
	if (shape_same(&A.policy, &B.policy))
		ctl_say_out(SPAN_LIT("the same is allowed, but the texts differ, and so does HOST_DATA\n"));
	else if (!a && !b && !odd)
		ctl_say_out(SPAN_LIT("NOT COMPARED: the policies differ in something that is not described here\n"));
	return SAY_REFUSED;
}

int ctl_explain_simulate(int argc, char **argv)
{
	struct why why;
	size_t n, refused;
	int status;
	enum err e;

	if (argc != 4 || strcmp(argv[2], "--request") != 0 || argv[1][0] == '-')
		return say_usage(argc, argv, simulate_usage);
	status = load(&A, argv[1]);
	if (!status)
		status = ctl_say_read(argv[3], B.file, sizeof B.file, &n);
	if (status)
		return status;
	e = simulate_run(&A.policy, span_of(B.file, n), &A.out, &refused, &why);
	ctl_say_out(out_span(&A.out));
	if (e != ERR_OK)
		return ctl_say_problem(SAY_REFUSED, argv[3], why.text, why.about);
	return refused ? SAY_REFUSED : SAY_DONE;
}

int ctl_explain_drift(int argc, char **argv)
{
	static uint8_t platform[PARTY_FILE_MAX];
	const char *env = NULL, *file = NULL, *list = NULL;
	size_t n_env = 0, n_platform = 0, fails;
	struct why why;
	int status;
	enum err e;

	for (int i = 2; i + 1 < argc; i += 2) {
		const char **to = strcmp(argv[i], "--env") == 0 ? &env : strcmp(argv[i], "--platform") == 0 ? &file :
				  strcmp(argv[i], "--list") == 0 ? &list : NULL;

		if (!to || *to)
			return say_usage(0, argv, drift_usage);
		*to = argv[i + 1];
	}
	if (argc < 4 || argc % 2 || argv[1][0] == '-' || (!env && !file) || !file != !list)
		return say_usage(argc, argv, drift_usage);
	status = load(&A, argv[1]);
	if (!status && env)
		status = ctl_say_read(env, B.file, sizeof B.file, &n_env);
	if (!status && file)
		status = ctl_say_read(file, platform, sizeof platform, &n_platform);
	if (status)
		return status;
	if (env && !n_env)
		return ctl_say_problem(SAY_REFUSED, env, NULL, "holds no variable");
	e = drift_judge(&A.policy, span_of(B.file, n_env), span_of(platform, n_platform), list, &A.out, &fails, &why);
	if (e != ERR_OK)
		return ctl_say_problem(SAY_REFUSED, argv[1], why.text, why.about);
	ctl_say_out(out_span(&A.out));
	return fails ? SAY_REFUSED : SAY_DONE;
}
