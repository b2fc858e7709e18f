/* parleyctl: the tool for users' own machines: its commands, and what a report says. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/version.h"
#include "ctl/ctl_fetch.h"
#include "ctl/ctl_image.h"
#include "ctl/ctl_policy.h"
#include "ctl/ctl_release.h"
#include "ctl/ctl_token.h"
#include "ctl/ctl_verify.h"
#include "text/hex.h"
#include "os/file.h"
#include "snp/report.h"

/* Fields that only describe (AMD SEV-SNP Firmware ABI, ATTESTATION_REPORT). The mitigation vectors came with version 5. */
enum {
	AT_CPUID = 0x188, AT_CURRENT_FIRMWARE = 0x1e8, AT_COMMITTED_FIRMWARE = 0x1ec, AT_LAUNCH_MITIGATIONS = 0x1f8,
	AT_CURRENT_MITIGATIONS = 0x200, VERSION_MITIGATIONS = 5,
};
enum { EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_FILE = 3 };

static const char usage[] =
	"usage: parleyctl version\n"
	"       parleyctl report [--product Milan|Genoa|Turin] FILE\n"
	"       parleyctl verify ...\n"
	"       parleyctl fetch-certs ...\n"
	"       parleyctl release-policy explain ...\n"
	"       parleyctl policy COMMAND ...\n"
	"       parleyctl image ...\n"
	"       parleyctl token new\n"
	"       parleyctl --help\n"
	"\n"
	"report: reads an SNP attestation report (1184 bytes, or their 2368 hex digits) and prints its fields, one a\n"
	"line. It checks the form only: the signature is NOT verified. Version 2 does not name the processor, which the\n"
	"patch levels depend on: --product does.\n"
	"verify, fetch-certs, release-policy, policy, image, token: see their --help.\n"
	"\n"
	"exit status: 0 done, 1 not an acceptable report, 2 wrong use, 3 the file cannot be read\n";

static void write_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(EXIT_FILE);
		s = span_sub(s, (size_t)n, s.n);
	}
}

static int complain(int status, const char *what, const char *about, const char *why)
{
	uint8_t text[1024];
	struct out o = out_init(text, sizeof text);

	out_str(&o, "parleyctl: ");
	out_str(&o, what);
	if (about) {
		out_str(&o, " ");
		out_put(&o, span_sub(span_str(about), 0, 600));
	}
	if (why) {
		out_str(&o, ": ");
		out_str(&o, why);
	}
	out_byte(&o, '\n');
	write_all(STDERR_FILENO, out_span(&o));
	return status;
}

static void name(struct out *o, const char *label)
{
	size_t n = strlen(label);

	out_str(o, label);
	for (; n < 18; n++)
		out_byte(o, ' ');
}

static void put_hex(struct out *o, const char *label, const uint8_t *p, size_t n)
{
	name(o, label);
	out_hex(o, p, n);
	out_byte(o, '\n');
}

static void put_num(struct out *o, const char *label, uint64_t v)
{
	name(o, label);
	out_u64(o, v);
	out_byte(o, '\n');
}

static void put_mask(struct out *o, const char *label, uint64_t v)
{
	name(o, label);
	out_str(o, "0x");
	out_hex_u64(o, v);
	out_byte(o, '\n');
}

static void put_bool(struct out *o, const char *label, bool v)
{
	name(o, label);
	out_str(o, v ? "yes\n" : "no\n");
}

static void put_level(struct out *o, const char *label, uint8_t v)
{
	out_str(o, label);
	out_u64(o, v);
}

static void put_tcb(struct out *o, const char *label, const struct snp_tcb *t, enum snp_product p)
{
	name(o, label);
	out_hex_u64(o, t->raw);
	if (p != SNP_PRODUCT_UNKNOWN) {
		out_str(o, " (");
		if (p == SNP_TURIN)
			put_level(o, "fmc ", t->fmc);
		put_level(o, p == SNP_TURIN ? ", boot loader " : "boot loader ", t->bootloader);
		put_level(o, ", tee ", t->tee);
		put_level(o, ", snp ", t->snp);
		put_level(o, ", microcode ", t->microcode);
		out_byte(o, ')');
	}
	out_byte(o, '\n');
}

/* Build, minor and major version. */
static void put_firmware(struct out *o, const char *label, const uint8_t *v)
{
	name(o, label);
	for (size_t i = 3; i-- > 0;) {
		out_u64(o, v[i]);
		out_byte(o, i ? '.' : '\n');
	}
}

static void print_report(const struct snp_report *r, bool product_given)
{
	static const char *const keys[] = { "vcek", "vlek" };
	uint8_t text[8192];
	struct out o = out_init(text, sizeof text);

	put_num(&o, "version", r->version);
	name(&o, "product");
	out_str(&o, report_product_name(r->product));
	if (r->product_assumed && r->product == SNP_PRODUCT_UNKNOWN)
		out_str(&o, " (version 2 does not name the processor: say --product)");
	else if (r->product_assumed)
		out_str(&o, product_given ? " (as --product says)" : " (assumed: version 2 does not say)");
	out_byte(&o, '\n');
	if (!r->product_assumed)
		put_hex(&o, "cpuid", r->signed_part.p + AT_CPUID, 3);
	put_num(&o, "guest_svn", r->guest_svn);
	put_mask(&o, "policy", r->policy);
	put_bool(&o, "debug_allowed", r->debug_allowed);
	put_bool(&o, "migration_allowed", r->migration_allowed);
	put_bool(&o, "smt_allowed", r->smt_allowed);
	put_mask(&o, "platform_info", r->platform_info);
	name(&o, "platform");
	report_put_platform(&o, r->platform_info);
	out_byte(&o, '\n');
	put_hex(&o, "family_id", r->family_id, 16);
	put_hex(&o, "image_id", r->image_id, 16);
	put_num(&o, "vmpl", r->vmpl);
	name(&o, "signing_key");
	out_str(&o, r->signing_key < 2 ? keys[r->signing_key] : "none");
	out_byte(&o, '\n');
	put_bool(&o, "author_key", r->author_key);
	put_bool(&o, "chip_key_masked", r->chip_key_masked);
	put_bool(&o, "chip_id_masked", span_is_zero(span_of(r->chip_id, 64)));
	put_tcb(&o, "current_tcb", &r->current_tcb, r->product);
	put_tcb(&o, "reported_tcb", &r->reported_tcb, r->product);
	put_tcb(&o, "committed_tcb", &r->committed_tcb, r->product);
	put_tcb(&o, "launch_tcb", &r->launch_tcb, r->product);
	put_firmware(&o, "current_fw", r->signed_part.p + AT_CURRENT_FIRMWARE);
	put_firmware(&o, "committed_fw", r->signed_part.p + AT_COMMITTED_FIRMWARE);
	if (r->version >= VERSION_MITIGATIONS) {
		put_mask(&o, "launch_mit", load_le64(r->signed_part.p + AT_LAUNCH_MITIGATIONS));
		put_mask(&o, "current_mit", load_le64(r->signed_part.p + AT_CURRENT_MITIGATIONS));
	}
	put_hex(&o, "report_data", r->report_data, 64);
	put_hex(&o, "measurement", r->measurement, 48);
	put_hex(&o, "host_data", r->host_data, 32);
	put_hex(&o, "id_key_digest", r->id_key_digest, 48);
	put_hex(&o, "author_key_digest", r->author_key_digest, 48);
	put_hex(&o, "report_id", r->report_id, 32);
	put_hex(&o, "report_id_ma", r->report_id_ma, 32);
	put_hex(&o, "chip_id", r->chip_id, 64);
	name(&o, "not_known");
	report_put_unknown(&o, r);
	out_str(&o, "\nsignature         not verified\n");
	write_all(STDOUT_FILENO, out_span(&o));
}

/* Raw bytes, or hex digits with white space around them. */
static enum err read_report(const char *path, uint8_t report[SNP_REPORT_LEN])
{
	uint8_t bytes[SNP_REPORT_LEN * 2 + 64];
	struct span text;
	size_t n;
	enum err err = file_read_all(path, bytes, sizeof bytes, &n);

	if (err)
		return err;
	if (n == SNP_REPORT_LEN) {
		memcpy(report, bytes, n);
		return ERR_OK;
	}
	text = span_trim(span_of(bytes, n));
	if (text.n != SNP_REPORT_LEN * 2)
		return ERR_RANGE;
	return hex_decode(text, report, SNP_REPORT_LEN);
}

static int cmd_report(const char *path, const char *product)
{
	uint8_t report[SNP_REPORT_LEN];
	char problem[REPORT_PROBLEM_MAX];
	struct snp_report r;

	switch (read_report(path, report)) {
	case ERR_OK: break;
	case ERR_NOT_FOUND: return complain(EXIT_FILE, "no such file:", path, NULL);
	case ERR_SYSTEM: return complain(EXIT_FILE, "cannot read", path, strerror(errno));
	case ERR_TOO_BIG:
	case ERR_RANGE: return complain(EXIT_REFUSED, path, NULL, "neither 1184 bytes nor 2368 hex digits");
	default: return complain(EXIT_REFUSED, path, NULL, "not hex");
	}
	if (report_parse(report, &r, problem) != ERR_OK)
		return complain(EXIT_REFUSED, path, NULL, problem);
	if (product && !report_name_product(&r, span_str(product)))
		return complain(EXIT_USAGE, "not this report's product:", product, NULL);
	print_report(&r, product != NULL);
	return EXIT_DONE;
}

int main(int argc, char **argv)
{
	if (argc == 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)) {
		write_all(STDOUT_FILENO, span_str(usage));
		return EXIT_DONE;
	}
	if (argc == 2 && (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)) {
		write_all(STDOUT_FILENO, SPAN_LIT("parleyctl " PARLEY_VERSION "\n"));
		return EXIT_DONE;
	}
	if (argc >= 2 && strcmp(argv[1], "image") == 0)
		return ctl_image(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "policy") == 0)
		return ctl_policy(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "verify") == 0)
		return ctl_verify(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "fetch-certs") == 0)
		return ctl_fetch(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "release-policy") == 0)
		return ctl_release(argc - 2, argv + 2);
	if (argc >= 2 && strcmp(argv[1], "token") == 0)
		return ctl_token(argc - 2, argv + 2);
	if (argc == 3 && strcmp(argv[1], "report") == 0)
		return cmd_report(argv[2], NULL);
	if (argc == 5 && strcmp(argv[1], "report") == 0 && strcmp(argv[2], "--product") == 0)
		return cmd_report(argv[4], argv[3]);
	write_all(STDERR_FILENO, span_str(usage));
	return EXIT_USAGE;
}
