/* parleyctl release-policy explain. */
#include "ctl/ctl_release.h"

#include <string.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/limits.h"
#include "crypto/jws.h"
#include "ctl/ctl_evidence.h"
#include "ctl/ctl_say.h"
#include "ctl/ctl_show.h"
#include "text/base64.h"
#include "os/clock.h"
#include "policy/release_check.h"

static const char help[] =
	"usage: parleyctl release-policy explain --policy FILE --token FILE [--at TIME] [--json] [--no-color] [-q]\n"
	"\n"
	"Evaluates an Azure Key Vault release policy over the claims of an attestation token, as the vault does, and tells\n"
	"for each condition in the way of a release: the claim, what the policy wants, what the token says, and the smallest\n"
	"change that would pass.\n"
	"\n"
	"  --policy FILE   the policy's JSON, base64 of it, or what the vault answers when it is asked for the key (a bundle with\n"
	"                  \"release_policy\"), asked to release it, or shown by its command line (\"releasePolicy\")\n"
	"  --token FILE    the token (compact JWT) or its decoded claims (JSON). Its signature is NOT verified here.\n"
	"  --at TIME       judge the token's validity at this time, not now\n"
	"\n"
	"exit status: 0 the policy would release, 2 wrong use, 3 it would refuse, 5 policy or token cannot be read\n";

#define TOKENS 4096

static struct {
	uint8_t policy[65536], inner[65536], token[65536], claims[65536], header[4096];
	struct json_tok policy_toks[TOKENS], claims_toks[TOKENS];
	struct json policy_doc, claims_doc;
	struct release_check result;
	uint8_t text[262144];
} area;

/* What a policy is found in. Each step takes the first of these members that the value at hand has. */
static const char *const wrappers[] = {
	"release_policy", "releasePolicy", /* the vault's answer for a key; what its command line shows of one */
	"data", "encodedPolicy",           /* in both: text, or base64 of it */
	"properties",                      /* a key as a resource of the cloud */
	"response", "key",                 /* the vault's answer to a release, once opened */
	"value",                           /* that answer itself: a signature (JWS) over it */
};
enum { WRAPPER_STEPS = 8 };

static struct json_val take_off(struct json_val v)
{
	for (size_t steps = 0; steps < WRAPPER_STEPS && !json_present(json_get(v, "anyOf")); steps++) {
		struct json_val inner = json_get(v, wrappers[0]);

		for (size_t i = 1; i < sizeof wrappers / sizeof wrappers[0] && !json_present(inner); i++)
			inner = json_get(v, wrappers[i]);
		if (!json_present(inner))
			break;
		v = inner;
	}
	return v;
}

/* Texts inside texts: the next lies in the other room than the one at hand. What cannot be opened further is left for the
 * policy's reader, or said to be something else. */
static const char *open_policy(struct span text, struct json_val *policy)
{
	uint8_t *const rooms[] = { area.inner, area.policy };

	for (unsigned depth = 0; depth < WRAPPER_STEPS; depth++) {
		struct out next = out_init(rooms[depth % 2], sizeof area.inner);
		struct span inner, sealed;
		size_t n;

		if (json_parse(&area.policy_doc, text, area.policy_toks, TOKENS) == ERR_OK) {
			*policy = take_off(json_root(&area.policy_doc));
			if (json_type_of(*policy) != JSON_STRING)
				return json_present(json_get(*policy, "kty")) ? "this is a key without a release policy" : NULL;
			if (json_string(*policy, &next) != ERR_OK)
				break;
		} else {
			out_put(&next, text);
		}
		text = span_trim(out_span(&next));
		if (span_starts(text, "{"))
			continue;
		inner = text;
		(void)span_cut(&inner, '.');
		sealed = span_cut(&inner, '.'); /* of a JWS the payload */
		if (!ctl_evidence_base64(sealed.n ? sealed : text, rooms[(depth + 1) % 2], sizeof area.inner, &n))
			break;
		memcpy(rooms[depth % 2], rooms[(depth + 1) % 2], n);
		text = span_of(rooms[depth % 2], n);
	}
	return "no release policy is found in it (known: the policy, base64 of it, the vault's answer for a key or to a release; the backup of "
	       "a key is sealed and does not show its policy)";
}

static int read_policy(const char *path, struct json_val *policy)
{
	const char *problem;
	size_t n;
	int status = ctl_evidence_file(path, area.policy, sizeof area.policy, &n);

	if (status)
		return status;
	problem = open_policy(span_trim(span_of(area.policy, n)), policy);
	return problem ? ctl_say_problem(SHOW_UNCHECKED, path, NULL, problem) : 0;
}

static int read_token(const char *path)
{
	struct span s;
	struct jws j;
	size_t n;
	int status = ctl_evidence_file(path, area.token, sizeof area.token, &n);

	if (status)
		return status;
	s = span_trim(span_of(area.token, n));
	if (s.n && s.p[0] != '{') {
		if (jws_decode(s, area.header, sizeof area.header, area.claims, sizeof area.claims, &j) != ERR_OK)
			return ctl_say_problem(SHOW_UNCHECKED, path, NULL, "neither a token (compact JWT) nor its claims (JSON)");
		s = j.payload;
	}
	if (json_parse(&area.claims_doc, s, area.claims_toks, TOKENS) != ERR_OK || json_type_of(json_root(&area.claims_doc)) != JSON_OBJECT)
		return ctl_say_problem(SHOW_UNCHECKED, path, NULL, "the token's claims cannot be read");
	return 0;
}

/* --- What is in the way --- */

/* Claims whose value says what to look at. */
static const struct {
	const char *claim, *advice;
} advice[] = {
	{ "x-ms-sevsnpvm-hostdata", "the token's value is the SHA-256 of the container policy that is enforced: another image, "
	                            "setting or command than the policy was written for" },
	{ "x-ms-compliance-status", "the utility VM is not endorsed by Microsoft, or its endorsement was not sent along" },
	{ "x-ms-sevsnpvm-is-debuggable", "the guest was launched with debugging allowed" },
	{ "x-ms-sevsnpvm-vmpl", "the report was asked for from another privilege level" },
	{ "x-ms-attestation-type", "the token is about another kind of guest" },
	{ "x-ms-sevsnpvm-uvm-endorsement", "the utility VM's endorsement was not sent along" },
};

static const char *advice_for(const char *claim)
{
	for (size_t i = 0; i < sizeof advice / sizeof advice[0]; i++)
		if (span_starts(span_str(claim), advice[i].claim))
			return advice[i].advice;
	return NULL;
}

struct failure {
	char claim[RELEASE_TEXT_MAX], wanted[RELEASE_TEXT_MAX], found[RELEASE_TEXT_MAX], change[3 * RELEASE_TEXT_MAX];
	const char *op, *hint;
	bool absent, scalar;
};

/* For comparisons with numbers the bound that just lets the token pass. */
static const char *bound(enum release_op op)
{
	switch (op) {
	case RELEASE_LESS: return "a value above ";
	case RELEASE_GREATER: return "a value below ";
	default: return "";
	}
}

static void put_change(struct failure *f, const struct release_node *n)
{
	struct out o = out_init(f->change, sizeof f->change);
	enum release_op op = (enum release_op)n->op;

	if (n->kind == RELEASE_AUTHORITY) {
		out_str(&o, f->absent ? "the token names no issuer: get one from the authority" : "set the policy's authority to ");
		out_str(&o, f->absent ? "" : f->found);
	} else if (op == RELEASE_EXISTS) {
		out_str(&o, f->absent ? "have the token carry the claim, or set the policy's \"exists\" to false" :
		                        "set the policy's \"exists\" to true, or have the token not carry the claim");
	} else if (f->absent || !f->scalar) {
		out_str(&o, f->absent ? "the token has no such claim" : "the claim is an object or a list, which no condition meets");
		out_str(&o, ": remove the condition, or have the attestation carry it");
	} else if (op == RELEASE_NOT_EQUALS) {
		out_str(&o, "set the policy's value to anything but ");
		out_str(&o, f->found);
	} else {
		out_str(&o, "set the policy's value to ");
		out_str(&o, bound(op));
		out_str(&o, f->found);
		out_str(&o, ", if that is what you mean to trust; or have the token say ");
		out_str(&o, op == RELEASE_EQUALS ? f->wanted : "a value within the bound");
	}
	(void)out_cstr(&o);
}

static void describe(const struct release_node *n, struct failure *f)
{
	memset(f, 0, sizeof *f);
	if (n->kind == RELEASE_AUTHORITY) {
		(void)span_copy_str(SPAN_LIT("iss"), f->claim, sizeof f->claim);
		f->op = "authority";
		f->hint = "the token is from another attestation service than the policy trusts";
	} else {
		if (json_cstr(n->claim, f->claim, sizeof f->claim) != ERR_OK)
			f->claim[0] = 0;
		f->op = release_check_op((enum release_op)n->op);
		f->hint = advice_for(f->claim);
	}
	(void)release_check_text(n->wanted, f->wanted, sizeof f->wanted);
	f->absent = !json_present(n->found);
	f->scalar = release_check_text(n->found, f->found, sizeof f->found);
	if (f->scalar && strcmp(f->found, f->wanted) != 0 && span_eq_nocase(span_str(f->found), f->wanted))
		f->hint = "the two differ only in upper and lower case";
	put_change(f, n);
}

static void put_text(struct out *o, const char *text)
{
	char clean[3 * RELEASE_TEXT_MAX];

	fault_text(clean, sizeof clean, span_str(text));
	out_str(o, clean);
}

static void put_failure(struct out *o, const struct failure *f, bool colours)
{
	out_str(o, colours ? "\033[1;31mFAILED\033[0m   " : "FAILED   ");
	put_text(o, f->claim);
	out_str(o, "\n           the policy wants  ");
	out_str(o, f->op);
	out_byte(o, ' ');
	put_text(o, f->wanted);
	out_str(o, "\n           the token says    ");
	put_text(o, f->absent ? "(no such claim)" : f->scalar ? f->found : "(an object or a list)");
	if (f->hint) {
		out_str(o, "\n           meaning           ");
		out_str(o, f->hint);
	}
	out_str(o, "\n           smallest change   ");
	put_text(o, f->change);
	out_byte(o, '\n');
}

static void put_failure_json(struct jw *w, const struct failure *f)
{
	jw_object(w, NULL);
	jw_str(w, "claim", f->claim);
	jw_str(w, "operator", f->op);
	jw_str(w, "wanted", f->wanted);
	jw_str(w, "found", f->scalar ? f->found : NULL);
	jw_bool(w, "absent", f->absent);
	if (f->hint)
		jw_str(w, "meaning", f->hint);
	jw_str(w, "change", f->change);
	jw_end_object(w);
}

/* --- What the vault asks for beside the policy --- */

/* The key is wrapped with a key of x-ms-runtime.keys: without one, nothing can be released. */
static bool has_wrapping_key(struct json_val claims)
{
	struct json_val keys = json_path(claims, "x-ms-runtime", "keys", NULL);

	for (struct json_val k = json_at(keys, 0); json_present(k); k = json_next(keys, k))
		if (json_is(json_get(k, "kty"), "RSA"))
			return true;
	return false;
}

static const char *time_problem(struct json_val claims, int64_t now_s)
{
	uint64_t exp, nbf;

	if (json_u64(json_get(claims, "exp"), &exp) != ERR_OK || exp > INT64_MAX)
		return "the token has no time of expiry";
	if (now_s >= (int64_t)exp)
		return "the token has expired";
	if (json_u64(json_get(claims, "nbf"), &nbf) == ERR_OK && nbf <= INT64_MAX && now_s + 300 < (int64_t)nbf)
		return "the token is not valid yet";
	return NULL;
}

struct request {
	struct ctl_show show;
	bool help;
	const char *policy, *token, *at;
	struct ctl_list words;
};

static void tell_json(struct out *o, bool holds, const char *when, bool key)
{
	static struct failure f;
	struct jw w = jw_init(o);

	jw_object(&w, NULL);
	jw_bool(&w, "releases", holds && !when && key);
	jw_bool(&w, "policy_holds", holds);
	jw_bool(&w, "token_valid", !when);
	jw_bool(&w, "wrapping_key", key);
	jw_array(&w, "in_the_way");
	for (size_t i = 0; i < area.result.n; i++) {
		const struct release_node *n = &area.result.nodes[i];

		if (!n->in_way || (n->kind != RELEASE_CLAIM && n->kind != RELEASE_AUTHORITY))
			continue;
		describe(n, &f);
		put_failure_json(&w, &f);
	}
	jw_end_array(&w);
	jw_end_object(&w);
	out_byte(o, '\n');
}

static void tell_text(struct out *o, bool holds, const char *when, bool key, bool colours)
{
	static struct failure f;
	const char *failed = colours ? "\033[1;31mFAILED\033[0m   " : "FAILED   ";

	for (size_t i = 0; i < area.result.n; i++) {
		const struct release_node *n = &area.result.nodes[i];

		if (!n->in_way || (n->kind != RELEASE_CLAIM && n->kind != RELEASE_AUTHORITY))
			continue;
		describe(n, &f);
		put_failure(o, &f, colours);
	}
	if (when) {
		out_str(o, failed);
		out_str(o, when);
		out_byte(o, '\n');
	}
	if (!key) {
		out_str(o, failed);
		out_str(o, "x-ms-runtime.keys holds no RSA key: there is nothing to wrap the released key with\n");
	}
	out_str(o, holds && !when && key ? "release: yes" : "release: NO");
	out_str(o, holds ? ", the policy holds" : ", the policy does not hold");
	out_str(o, " (the token's signature was not verified)\n");
}

static int tell(const struct request *r, int64_t now_s)
{
	struct json_val claims = json_root(&area.claims_doc);
	bool holds = release_check_holds(&area.result), key = has_wrapping_key(claims);
	const char *when = time_problem(claims, now_s);
	struct out o = out_init(area.text, sizeof area.text);

	if (r->show.json)
		tell_json(&o, holds, when, key);
	else if (!r->show.quiet)
		tell_text(&o, holds, when, key, !r->show.plain && isatty(STDOUT_FILENO) == 1);
	ctl_say_out(out_span(&o));
	return holds && !when && key ? SHOW_GOOD : SHOW_UNACCEPTABLE;
}

static int use(const char *what, const char *about)
{
	return ctl_say_problem(SAY_USAGE, what, about, "see parleyctl release-policy --help");
}

static int explain(const struct request *r)
{
	int64_t now_s = clock_unix();
	struct json_val policy;
	const char *problem;
	int status;

	if (!r->policy || !r->token)
		return use("give --policy and --token", NULL);
	if (r->at && !ctl_evidence_time(r->at, &now_s))
		return use("not a time", r->at);
	status = read_policy(r->policy, &policy);
	if (!status)
		status = read_token(r->token);
	if (status)
		return status;
	if (release_check_run(policy, json_root(&area.claims_doc), &area.result, &problem) != ERR_OK)
		return ctl_say_problem(SHOW_UNCHECKED, r->policy, problem, area.result.found);
	return tell(r, now_s);
}

int ctl_release(int argc, char **argv)
{
	struct request r = { .help = false };
	const struct ctl_option table[] = {
		{ "--help", "-h", &r.help, NULL, NULL }, { "--json", NULL, &r.show.json, NULL, NULL },
		{ "--quiet", "-q", &r.show.quiet, NULL, NULL }, { "--no-color", NULL, &r.show.plain, NULL, NULL },
		{ "--policy", NULL, NULL, &r.policy, NULL }, { "--token", NULL, NULL, &r.token, NULL },
		{ "--at", NULL, NULL, &r.at, NULL },
	};
	int status = ctl_options_read(argc, argv, table, sizeof table / sizeof table[0], &r.words);

	if (status)
		return status;
	if (r.help) {
		ctl_say_out(span_str(help));
		return SHOW_GOOD;
	}
	if (r.words.n != 1 || strcmp(r.words.item[0], "explain") != 0)
		return use("what to do with the policy? \"explain\"", NULL);
	return explain(&r);
}
