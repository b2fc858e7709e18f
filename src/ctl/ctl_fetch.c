/* parleyctl fetch-certs. */
#include "ctl/ctl_fetch.h"

#include <string.h>

#include "azure/thim.h"
#include "crypto/crl.h"
#include "ctl/ctl_evidence.h"
#include "ctl/ctl_online.h"
#include "ctl/ctl_say.h"
#include "ctl/ctl_show.h"
#include "os/clock.h"

#define FETCH_MS 120000
#define KDS "https://kdsintf.amd.com"

static const char help[] =
	"usage: parleyctl fetch-certs --report FILE [--out FILE] [--crl FILE] [--product NAME] [--kds URL] [--ca FILE]\n"
	"\n"
	"Fetches from AMD's Key Distribution Service what a report is verified with: the chip's certificate (VCEK) for its\n"
	"reported patch levels, with ASK and ARK, and AMD's revocation list. AMD learns which chip is asked about. In Azure\n"
	"the platform gives the certificates, and a party's evidence has them with it.\n"
	"\n"
	"  --report FILE    the report: 1184 bytes or their hex digits\n"
	"  --out FILE       where the chain goes (PEM); default: standard output\n"
	"  --crl FILE       fetch the revocation list too, to this file (DER)\n"
	"  --product NAME   Milan, Genoa or Turin, for version 2 reports, which do not say (default Milan, where its layout fits)\n"
	"  --kds URL        another service than " KDS "\n"
	"  --ca FILE        further trust anchors for TLS (PEM)\n"
	"\n"
	"exit status: 0 fetched, 2 wrong use, 4 not a report, 5 not fetched\n";

static struct ctl_evidence evidence;
static struct thim thim;
static uint8_t list[CHAIN_CRL_MAX];

struct request {
	bool help;
	const char *report, *out, *crl, *product, *kds, *ca;
	struct ctl_list words;
};

static int use(const char *what, const char *about)
{
	return ctl_say_problem(SAY_USAGE, what, about, "see parleyctl fetch-certs --help");
}

static int save(const char *path, struct span bytes)
{
	char dir[512] = ".";
	const char *slash = strrchr(path, '/');

	if (slash && !span_copy_str(span_of(path, slash == path ? 1 : (size_t)(slash - path)), dir, sizeof dir))
		return use("too long a path", path);
	return ctl_say_write(dir, slash ? slash + 1 : path, bytes) ? SHOW_UNCHECKED : 0;
}

static int fetch_chain(const struct request *r, const struct snp_report *report, const char *kds)
{
	struct fault f;

	fault_clear(&f);
	if (thim_fetch(&thim, THIM_AMD_KDS, kds, report, clock_ms() + FETCH_MS, &f) != ERR_OK)
		return ctl_say_problem(SHOW_UNCHECKED, f.service[0] ? f.service : kds, f.message, f.cause);
	if (!r->out) {
		ctl_say_out(span_of(thim.certs.pem, thim.certs.pem_len));
		return 0;
	}
	return save(r->out, span_of(thim.certs.pem, thim.certs.pem_len));
}

static int fetch_crl(const char *path, const struct snp_report *report, const char *kds)
{
	char url[URL_MAX];
	struct out o = out_init(url, sizeof url);
	struct crl l;
	size_t n = 0;
	int status;

	out_str(&o, kds);
	out_str(&o, "/vcek/v1/");
	out_str(&o, report_product_name(report->product));
	out_str(&o, "/crl");
	status = ctl_online_get(out_cstr(&o), list, sizeof list, &n);
	if (status)
		return status;
	if (crl_parse(span_of(list, n), &l) != ERR_OK)
		return ctl_say_problem(SHOW_UNCHECKED, url, NULL, "the answer is no revocation list");
	return save(path, span_of(list, n));
}

static int run(const struct request *r)
{
	const char *kds = r->kds ? r->kds : KDS;
	char problem[REPORT_PROBLEM_MAX];
	struct snp_report report;
	int status = ctl_evidence_report(&evidence, r->report);

	if (status)
		return status;
	if (report_parse(evidence.report, &report, problem) != ERR_OK)
		return ctl_say_problem(SHOW_NOT_GENUINE, r->report, NULL, problem);
	if (report.signing_key == 1)
		return ctl_say_problem(SHOW_UNCHECKED, r->report, NULL, "signed with a provider's key (VLEK): only that provider has its certificate");
	if (r->product && !report_name_product(&report, span_str(r->product)))
		return use("not this report's product", r->product);
	if (report.product == SNP_PRODUCT_UNKNOWN)
		return ctl_say_problem(SHOW_UNCHECKED, r->report, NULL, report.product_assumed ?
		                       "version 2 does not name the processor, and this is not Milan's layout: say --product" :
		                       "the processor is not known: neither Milan, Genoa nor Turin");
	status = ctl_online_trust(r->ca);
	if (!status)
		status = fetch_chain(r, &report, kds);
	if (!status && r->crl)
		status = fetch_crl(r->crl, &report, kds);
	return status;
}

int ctl_fetch(int argc, char **argv)
{
	struct request r = { .help = false };
	const struct ctl_option table[] = {
		{ "--help", "-h", &r.help, NULL, NULL }, { "--report", NULL, NULL, &r.report, NULL }, { "--out", NULL, NULL, &r.out, NULL },
		{ "--crl", NULL, NULL, &r.crl, NULL }, { "--product", NULL, NULL, &r.product, NULL }, { "--kds", NULL, NULL, &r.kds, NULL },
		{ "--ca", NULL, NULL, &r.ca, NULL },
	};
	int status = ctl_options_read(argc, argv, table, sizeof table / sizeof table[0], &r.words);

	if (status)
		return status;
	if (r.help) {
		ctl_say_out(span_str(help));
		return SHOW_GOOD;
	}
	if (r.words.n)
		return use("unexpected word", r.words.item[0]);
	return r.report ? run(&r) : use("give --report", NULL);
}
