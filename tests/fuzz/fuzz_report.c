/* SNP reports: fields are those bytes of the report, and what is set and not known is named, or refused where it may permit. */
#include "fuzz.h"

#include "snp/report.h"

/* Reserved in every version that is accepted (AMD SEV-SNP Firmware ABI, ATTESTATION_REPORT), from and to; and beside R and S. */
static const struct { size_t from, to; } reserved[] = { { 0x4c, 0x50 }, { 0x1eb, 0x1ec }, { 0x1ef, 0x1f0 }, { 0x208, 0x2a0 } },
	unsigned_bytes[] = { { 0x2d0, 0x2e8 }, { 0x318, 0x4a0 } };

static bool names_unknown(const struct snp_report *r)
{
	uint8_t text[REPORT_UNKNOWN_MAX];
	struct out o = out_init(text, sizeof text);

	report_put_unknown(&o, r);
	HOLD(!o.bad);
	return o.n > 0;
}

static void check_fields(const uint8_t *b, const struct snp_report *r)
{
	HOLD(r->version >= 2 && r->version <= 6 && r->vmpl <= 3 && r->signature_algo == 1 && (r->signing_key == 0 || r->signing_key == 1));
	HOLD(r->policy == load_le64(b + 8) && (r->policy >> 17 & 1) == 1 && r->policy >> 26 == 0);
	HOLD(r->debug_allowed == (r->policy >> 19 & 1) && r->migration_allowed == (r->policy >> 18 & 1) && r->smt_allowed == (r->policy >> 16 & 1));
	HOLD(r->report_data == b + 0x50 && r->measurement == b + 0x90 && r->host_data == b + 0xc0 && r->chip_id == b + 0x1a0);
	HOLD(r->signed_part.p == b && r->signed_part.n == 0x2a0 && r->signature == b + 0x2a0);
	HOLD(r->reported_tcb.raw == load_le64(b + 0x180) && r->product_assumed == (r->version == 2));
	for (size_t i = 0; i < sizeof unsigned_bytes / sizeof unsigned_bytes[0]; i++)
		HOLD(fuzz_zero(b + unsigned_bytes[i].from, unsigned_bytes[i].to - unsigned_bytes[i].from));
	for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		HOLD(fuzz_zero(b + reserved[i].from, reserved[i].to - reserved[i].from) || names_unknown(r));
	HOLD((r->platform_info >> 8 == 0 && r->flags >> 5 == 0) || names_unknown(r));
}

void fuzz_one(struct span in)
{
	struct fuzz_dice d = fuzz_dice(in);
	uint8_t bytes[SNP_REPORT_LEN] = { 0 };
	struct snp_report r, before;
	char problem[REPORT_PROBLEM_MAX];
	uint8_t *exact;
	enum err e;

	/* Short inputs are a report's beginning. */
	memcpy(bytes, in.p, in.n < sizeof bytes ? in.n : sizeof bytes);
	exact = fuzz_exact(span_of(bytes, sizeof bytes));
	memset(&r, 0xa5, sizeof r);
	before = r;
	e = report_parse(exact, &r, problem);
	if (e != ERR_OK) {
		HOLD((e == ERR_SYNTAX || e == ERR_RANGE) && problem[0] && fuzz_same(&r, &before, sizeof r));
		free(exact);
		return;
	}
	HOLD(problem[0] == 0);
	check_fields(exact, &r);
	for (size_t i = 0; i < sizeof unsigned_bytes / sizeof unsigned_bytes[0]; i++) {
		size_t at = unsigned_bytes[i].from + fuzz_roll(&d, unsigned_bytes[i].to - unsigned_bytes[i].from);

		exact[at] = (uint8_t)(1u << fuzz_roll(&d, 8));
		HOLD(report_parse(exact, &r, problem) != ERR_OK && problem[0]);
		exact[at] = 0;
	}
	HOLD(report_parse(exact, &r, problem) == ERR_OK);
	free(exact);
}
