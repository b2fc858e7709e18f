/* parleyctl verify. */
#include "ctl/ctl_verify.h"

#include <string.h>

#include "ctl/ctl_evidence.h"
#include "ctl/ctl_online.h"
#include "ctl/ctl_say.h"
#include "ctl/ctl_show.h"
#include "text/hex.h"
#include "os/clock.h"
#include "snp/cert_evidence.h"

static const char help[] =
	"usage: parleyctl verify --report FILE --certs FILE [--certs FILE]... [options]\n"
	"       parleyctl verify --proof FILE [options]\n"
	"       parleyctl verify --cert FILE [options]\n"
	"       parleyctl verify https://HOST[:PORT] [options]\n"
	"\n"
	"Verifies evidence of an AMD SEV-SNP guest: offline from files, or of a running server, with a fresh nonce and bound\n"
	"to the key of the very TLS connection. First whether it is genuine: the report's signature, AMD's\n"
	"certificates down to AMD's root keys, the platform's patch levels, the endorsement of the utility VM. Then, when a\n"
	"policy is given, whether it is acceptable. One line tells each check: passed, FAILED or skipped.\n"
	"\n"
	"evidence\n"
	"  --report FILE         SNP attestation report: 1184 bytes or their hex digits\n"
	"  --certs FILE          VCEK, ASK and ARK (or VLEK, ASVK, ARK), in this order: PEM, DER, or THIM's JSON;\n"
	"                        may be given several times for certificates in several files\n"
	"  --proof FILE          a proof as Parley serves it: all of the evidence in one file\n"
	"  --cert FILE           a server's TLS certificate (PEM or DER) with the evidence in it: says which code has its\n"
	"                        key, not when that was so\n"
	"  --crl FILE            AMD's revocation list (DER or PEM); not with --proof, which has it inside\n"
	"  --endorsement FILE    the utility VM's endorsement (COSE_Sign1, or base64 of it); with --report\n"
	"  --runtime-data FILE   the bytes whose SHA-256 REPORT_DATA must be; with --report\n"
	"  --nonce TEXT          the nonce that the proof must answer; with --proof\n"
	"  --via amd|maa|both    whose word counts: the hardware's own evidence (default), the attestation service's token,\n"
	"                        or both; maa and both fetch the service's keys, unless --maa-keys is given\n"
	"  --maa URL             the attestation service that must have issued the token, e.g.\n"
	"                        https://sharedeus.eus.attest.azure.net; maa and both need this, or --maa-keys\n"
	"  --maa-keys FILE       the service's key set (JSON), for checking a token offline; without --maa, whoever has one\n"
	"                        of these keys is believed\n"
	"  --save FILE           keep the evidence of a running server, once it is genuine, as a proof\n"
	"\n"
	"acceptance (without any, only genuineness is judged)\n"
	"  --policy FILE         JSON policy, see parleyctl(1)\n"
	"  --host-data HEX       an allowed HOST_DATA (SHA-256 of the container policy), in addition to the policy's\n"
	"  --platform-required BIT, --platform-forbidden BIT\n"
	"                        a bit of PLATFORM_INFO that must be set or clear, by name (alias_check_complete, smt, ...)\n"
	"                        or number, in addition to the policy's\n"
	"\n"
	"trust and time\n"
	"  --amd-root FILE       also trust this root certificate (development only: it is NOT AMD's)\n"
	"  --ca FILE             further trust anchors (PEM) for fetching the attestation service's keys\n"
	"  --uvm-issuer DID      who endorses utility VMs, instead of Microsoft\n"
	"  --uvm-feed NAME       the endorsement's feed, instead of ContainerPlat-AMD-UVM\n"
	"  --at TIME             judge certificates at this time (Unix seconds or 2026-11-21T02:03:04Z), not now\n"
	"  --crl-max-age DAYS    refuse a revocation list older than this, also before its next update is due\n"
	"\n"
	"output\n"
	"  --json                one JSON object\n"
	"  -v, --verbose         the report's fields too\n"
	"  -q, --quiet           nothing but the exit status\n"
	"  --no-color            no colour, also on a terminal\n"
	"\n"
	"exit status: 0 genuine (and acceptable, when that was asked), 2 wrong use, 3 genuine but not acceptable,\n"
	"             4 not genuine, 5 could not be checked\n";

struct request {
	struct ctl_show show;
	bool help;
	struct ctl_list certs, host_data, platform[2], words; /* platform: forbidden, required */
	const char *report, *proof, *cert, *crl, *endorsement, *runtime_data, *nonce, *maa_keys, *maa, *policy;
	const char *amd_root, *uvm_issuer, *uvm_feed, *at, *crl_max_age, *via, *save, *ca;
	const char *url; /* the one word */
	bool want_token, token_only;
};

static struct {
	struct ctl_evidence evidence;
	uint8_t file[CLIENT_BODY_MAX], store[PROOF_MAX], keys[CLIENT_BODY_MAX];
	struct token_work token;
	struct checks checks;
	struct verify_facts facts;
	struct runtime runtime;
	struct accept_policy policy;
	struct proof proof;
	struct ctl_online online;
} area;

static int read_request(int argc, char **argv, struct request *r)
{
	const struct ctl_option table[] = {
		{ "--help", "-h", &r->help, NULL, NULL }, { "--json", NULL, &r->show.json, NULL, NULL },
		{ "--verbose", "-v", &r->show.verbose, NULL, NULL }, { "--quiet", "-q", &r->show.quiet, NULL, NULL },
		{ "--no-color", NULL, &r->show.plain, NULL, NULL }, { "--certs", NULL, NULL, NULL, &r->certs },
		{ "--platform-required", NULL, NULL, NULL, &r->platform[1] },
		{ "--platform-forbidden", NULL, NULL, NULL, &r->platform[0] },
		{ "--host-data", NULL, NULL, NULL, &r->host_data }, { "--report", NULL, NULL, &r->report, NULL },
		{ "--proof", NULL, NULL, &r->proof, NULL }, { "--cert", NULL, NULL, &r->cert, NULL },
		{ "--crl", NULL, NULL, &r->crl, NULL },
		{ "--endorsement", NULL, NULL, &r->endorsement, NULL }, { "--runtime-data", NULL, NULL, &r->runtime_data, NULL },
		{ "--nonce", NULL, NULL, &r->nonce, NULL }, { "--maa-keys", NULL, NULL, &r->maa_keys, NULL },
		{ "--maa", NULL, NULL, &r->maa, NULL }, { "--policy", NULL, NULL, &r->policy, NULL },
		{ "--amd-root", NULL, NULL, &r->amd_root, NULL }, { "--uvm-issuer", NULL, NULL, &r->uvm_issuer, NULL },
		{ "--uvm-feed", NULL, NULL, &r->uvm_feed, NULL }, { "--at", NULL, NULL, &r->at, NULL },
		{ "--crl-max-age", NULL, NULL, &r->crl_max_age, NULL }, { "--via", NULL, NULL, &r->via, NULL },
		{ "--save", NULL, NULL, &r->save, NULL }, { "--ca", NULL, NULL, &r->ca, NULL },
	};

	return ctl_options_read(argc, argv, table, sizeof table / sizeof table[0], &r->words);
}

static int use(const char *what, const char *about)
{
	return ctl_say_problem(SAY_USAGE, what, about, "see parleyctl verify --help");
}

static int take_via(struct request *r)
{
	const char *via = r->via ? r->via : "amd";

	r->token_only = strcmp(via, "maa") == 0;
	r->want_token = r->token_only || strcmp(via, "both") == 0;
	if (!r->want_token && strcmp(via, "amd") != 0)
		return use("--via is amd, maa or both", via);
	/* Anybody may run an attestation service of his own in the cloud, with a policy that claims what he likes. */
	if (r->want_token && !r->maa && !r->maa_keys)
		return use("--via maa and both need --maa, the attestation service to believe, or its keys in --maa-keys", NULL);
	return 0;
}

/* Options that would be passed over in silence are refused. */
static int check_use(struct request *r)
{
	if (r->words.n > 1 || (r->words.n && r->words.item[0][0] == '-'))
		return use("unexpected word", r->words.item[r->words.n - 1]);
	r->url = r->words.n ? r->words.item[0] : NULL;
	if ((r->report ? 1 : 0) + (r->proof ? 1 : 0) + (r->cert ? 1 : 0) + (r->url ? 1 : 0) != 1)
		return use("give one of --report, --proof, --cert and https://host", NULL);
	if (!r->report && (r->certs.n || r->endorsement || r->runtime_data || (r->proof && r->crl)))
		return use("servers, their certificates and proofs bring certificates, endorsement and runtime data along", NULL);
	if (r->report && !r->certs.n)
		return use("--report needs --certs", NULL);
	if ((r->report || r->cert) && (r->nonce || r->maa_keys || r->maa || r->via))
		return use("--nonce, --via, --maa and --maa-keys do not go with --report and --cert", NULL);
	if (r->url && r->nonce)
		return use("a running server is asked with a fresh nonce; --nonce goes with --proof", NULL);
	if (r->save && !r->url)
		return use("--save goes with https://host", NULL);
	return take_via(r);
}

static int read_rules(const struct request *r, struct verify_rules *rules)
{
	uint64_t days = 0;

	*rules = (struct verify_rules){ .now_s = clock_unix(), .uvm_issuer = r->uvm_issuer, .uvm_feed = r->uvm_feed };
	if (r->at && !ctl_evidence_time(r->at, &rules->now_s))
		return use("not a time", r->at);
	if (r->crl_max_age && (!span_u64(span_str(r->crl_max_age), &days) || days == 0 || days > 36500))
		return use("not a number of days", r->crl_max_age);
	rules->crl_max_age_s = (uint32_t)(days * 86400);
	if (r->amd_root) {
		int status = ctl_evidence_root(&area.evidence, r->amd_root);

		if (status)
			return status;
		rules->extra_root = area.evidence.root_sha256;
	}
	return 0;
}

static int read_platform(const struct ctl_list lists[2])
{
	for (size_t required = 0; required < 2; required++)
		for (size_t i = 0; i < lists[required].n; i++) {
			const char *text = lists[required].item[i];
			uint64_t bit;

			if (!report_platform_bit(span_str(text), &bit) && !span_u64(span_str(text), &bit))
				return use("not the name or the number of a bit of PLATFORM_INFO", text);
			if (accept_policy_platform(&area.policy, required, bit) != ERR_OK)
				return use("a bit over 63 of PLATFORM_INFO, or one that is named already", text);
		}
	return 0;
}

/* The policy file, and what the command line allows and demands in addition. */
static int read_policy(const struct request *r, bool *judge)
{
	const char *problem;
	size_t n;

	*judge = r->policy || r->host_data.n || r->platform[0].n || r->platform[1].n;
	accept_policy_default(&area.policy);
	if (r->policy) {
		int status = ctl_evidence_file(r->policy, area.file, sizeof area.file, &n);

		if (status)
			return status;
		if (accept_policy_parse(span_of(area.file, n), &area.policy, &problem) != ERR_OK)
			return ctl_say_problem(SHOW_UNCHECKED, r->policy, "the policy cannot be read", problem);
	}
	for (size_t i = 0; i < r->host_data.n; i++) {
		uint8_t value[32];

		if (hex_decode(span_str(r->host_data.item[i]), value, sizeof value) != ERR_OK)
			return use("HOST_DATA has 64 hex digits", r->host_data.item[i]);
		if (accept_policy_allow(&area.policy, value) != ERR_OK)
			return use("too many allowed values of HOST_DATA", NULL);
	}
	return read_platform(r->platform);
}

static int finish(const struct request *r, bool genuine, bool judge, const struct accept_context *x)
{
	struct ctl_verdict v = { .genuine = genuine, .judged = judge && genuine };

	/* What is not genuine says nothing that could be acceptable. */
	if (v.judged)
		v.acceptable = accept_check(&area.facts, &area.policy, x, &area.checks);
	return ctl_show(&r->show, &v, &area.facts, &area.checks);
}

static int save_proof(const char *path, struct proof *proof)
{
	struct out o = out_init(area.file, sizeof area.file);
	const char *slash = strrchr(path, '/');
	char dir[512] = ".";

	if (slash && !span_copy_str(span_of(path, slash == path ? 1 : (size_t)(slash - path)), dir, sizeof dir))
		return use("too long a path", path);
	if (proof_write_fitting(&o, proof) != ERR_OK)
		return ctl_say_problem(SHOW_UNCHECKED, path, NULL, "the evidence does not fit into a proof");
	return ctl_say_write(dir, slash ? slash + 1 : path, out_span(&o)) ? SHOW_UNCHECKED : 0;
}

/* --- A plain report --- */

static bool check_runtime(size_t n)
{
	uint8_t want[64];

	runtime_report_data(span_of(area.file, n), want);
	return checks_equal(&area.checks, "binding.runtime_data", span_of(want, 64), span_of(area.facts.report.report_data, 64),
	                    "REPORT_DATA is not the hash of the runtime data");
}

static int verify_report(const struct request *r, const struct verify_rules *rules, bool judge)
{
	struct ctl_evidence *v = &area.evidence;
	const struct accept_context x = { .has_age = false };
	bool genuine;
	size_t n = 0;
	int status = ctl_evidence_report(v, r->report);

	if (!status)
		status = ctl_evidence_certs(v, &r->certs);
	if (!status && r->crl)
		status = ctl_evidence_crl(v, r->crl);
	if (!status && r->endorsement)
		status = ctl_evidence_endorsement(v, r->endorsement);
	if (!status && r->runtime_data)
		status = ctl_evidence_file(r->runtime_data, area.file, sizeof area.file, &n);
	if (status)
		return status;
	genuine = verify_genuine(&v->e, rules, &area.facts, &area.checks);
	if (r->runtime_data && area.facts.report.report_data)
		genuine &= check_runtime(n);
	return finish(r, genuine, judge, &x);
}

/* --- A proof, or a running server --- */

static int read_keys(const struct request *r, struct span token, struct token_rules *t)
{
	size_t n = 0;
	int status = 0;

	t->issuer = r->maa;
	if (r->maa_keys)
		status = ctl_evidence_file(r->maa_keys, area.keys, sizeof area.keys, &n);
	else if (r->want_token && token.n)
		status = ctl_online_keys(t->issuer, r->ca, area.keys, sizeof area.keys, &n);
	t->keys = span_of(area.keys, n);
	return status;
}

static int judge_proof(const struct request *r, struct proof_rules *p, struct proof *proof, bool judge)
{
	struct accept_context x;
	bool genuine;
	int status;

	p->tokens = &proof_tokens;
	p->work = &area.token;
	p->token_only = r->token_only;
	p->token.now_s = p->verify.now_s;
	status = read_keys(r, proof->token, &p->token);
	if (status)
		return status;
	genuine = proof_genuine(proof, p, &area.facts, &area.runtime, &x, &area.checks);
	if (r->want_token && !r->token_only && !proof->token.n)
		genuine = checks_that(&area.checks, "token.present", false, "--via both, and there is no token");
	if (genuine && r->save)
		status = save_proof(r->save, proof);
	return status ? status : finish(r, genuine, judge, &x);
}

static int verify_proof(const struct request *r, const struct verify_rules *rules, bool judge)
{
	struct proof_rules p = { .verify = *rules, .nonce = r->nonce };
	const char *problem;
	size_t n;
	int status = ctl_evidence_file(r->proof, area.file, sizeof area.file, &n);

	if (status)
		return status;
	if (proof_parse(span_of(area.file, n), area.store, &area.proof, &problem) != ERR_OK)
		return ctl_say_problem(SHOW_NOT_GENUINE, r->proof, "the proof cannot be read", problem);
	p.token.saved = true;
	return judge_proof(r, &p, &area.proof, judge);
}

static int verify_cert(const struct request *r, const struct verify_rules *rules, bool judge)
{
	struct proof_rules p = { .verify = *rules };
	const char *problem;
	struct x509_cert c;
	int status = ctl_evidence_cert(r->cert, area.file, &c);

	if (status)
		return status;
	if (cert_evidence_read(&c, area.store, &area.proof, &problem) != ERR_OK)
		return ctl_say_problem(SHOW_NOT_GENUINE, r->cert, NULL, problem);
	if (r->crl)
		status = ctl_evidence_crl(&area.evidence, r->crl);
	area.proof.crl = area.evidence.e.crl;
	return status ? status : judge_proof(r, &p, &area.proof, judge);
}

static int verify_server(const struct request *r, const struct verify_rules *rules, bool judge)
{
	struct proof_rules p = { .verify = *rules, .live = true };
	int status = ctl_online_evidence(r->url, r->want_token, &area.online);

	if (!status && r->crl)
		status = ctl_evidence_crl(&area.evidence, r->crl);
	if (status)
		return status;
	area.online.proof.crl = area.evidence.e.crl;
	p.nonce = area.online.nonce;
	p.tls_spki_sha256 = area.online.tls_spki_sha256;
	return judge_proof(r, &p, &area.online.proof, judge);
}

int ctl_verify(int argc, char **argv)
{
	struct request r = { .help = false };
	struct verify_rules rules;
	bool judge = false;
	int status = read_request(argc, argv, &r);

	if (!status && r.help) {
		ctl_say_out(span_str(help));
		return SHOW_GOOD;
	}
	if (!status)
		status = check_use(&r);
	if (!status)
		status = read_rules(&r, &rules);
	if (!status)
		status = read_policy(&r, &judge);
	if (status)
		return status;
	checks_init(&area.checks);
	if (r.url)
		return verify_server(&r, &rules, judge);
	if (r.cert)
		return verify_cert(&r, &rules, judge);
	return r.proof ? verify_proof(&r, &rules, judge) : verify_report(&r, &rules, judge);
}
