/* The SNP attestation report: fields and must-be-zero checks. */
#include "tee/report.h"

/* Offsets of ATTESTATION_REPORT (AMD SEV-SNP Firmware ABI; azure-protocols.md 1.5). */
enum {
	AT_VERSION = 0x000, AT_GUEST_SVN = 0x004, AT_POLICY = 0x008, AT_FAMILY_ID = 0x010, AT_IMAGE_ID = 0x020,
	AT_VMPL = 0x030, AT_SIGNATURE_ALGO = 0x034, AT_CURRENT_TCB = 0x038, AT_PLATFORM_INFO = 0x040, AT_FLAGS = 0x048,
	AT_REPORT_DATA = 0x050, AT_MEASUREMENT = 0x090, AT_HOST_DATA = 0x0c0, AT_ID_KEY_DIGEST = 0x0e0,
	AT_AUTHOR_KEY_DIGEST = 0x110, AT_REPORT_ID = 0x140, AT_REPORT_ID_MA = 0x160, AT_REPORTED_TCB = 0x180,
	AT_CPUID_FAMILY = 0x188, AT_CPUID_MODEL = 0x189, AT_CHIP_ID = 0x1a0, AT_COMMITTED_TCB = 0x1e0,
	AT_LAUNCH_TCB = 0x1f0, AT_SIGNATURE = 0x2a0,
};

#define POLICY_SMT (1ULL << 16)
#define POLICY_MUST_BE_ONE (1ULL << 17)
#define POLICY_MIGRATE (1ULL << 18)
#define POLICY_DEBUG (1ULL << 19)
#define POLICY_KNOWN ((1ULL << 26) - 1)
#define PLATFORM_KNOWN 0xbfULL /* bits 0 to 5 and 7 */
#define FLAG_AUTHOR_KEY 0x1u
#define FLAG_MASK_CHIP_KEY 0x2u
#define FLAGS_KNOWN 0x1fu
enum { VERSION_MIN = 2, VERSION_CPUID = 3, VERSION_MIT = 5, VERSION_MAX = 5 };
enum { VMPL_MAX = 3, ALGO_ECDSA_P384 = 1, KEY_VCEK = 0, KEY_VLEK = 1 };

/* Reserved bytes, by the versions in which they are reserved. */
struct reserved {
	uint16_t at, n;
	uint8_t from, to;
};
static const struct reserved reserved_bytes[] = {
	{ 0x04c, 4, 2, 5 },
	{ 0x188, 24, 2, 2 }, { 0x18b, 21, 3, 5 },
	{ 0x1eb, 1, 2, 5 }, { 0x1ef, 1, 2, 5 },
	{ 0x1f8, 168, 2, 4 }, { 0x208, 152, 5, 5 },
	/* the signature: R and S use 48 of 72 bytes each, the rest of the field is unused (1.6) */
	{ 0x2d0, 24, 2, 5 }, { 0x318, 24, 2, 5 }, { 0x330, 368, 2, 5 },
};

static bool reserved_are_zero(const uint8_t *b, uint32_t version)
{
	for (size_t i = 0; i < sizeof reserved_bytes / sizeof reserved_bytes[0]; i++) {
		const struct reserved *r = &reserved_bytes[i];

		if (version >= r->from && version <= r->to && !span_is_zero(span_of(b + r->at, r->n)))
			return false;
	}
	return true;
}

static const char *const product_names[SNP_PRODUCTS] = { "unknown", "Milan", "Genoa", "Turin" };

const char *report_product_name(enum snp_product p)
{
	return product_names[p];
}

enum snp_product report_product(struct span name)
{
	enum snp_product p = SNP_TURIN;

	while (p != SNP_PRODUCT_UNKNOWN && !span_eq_str(name, product_names[p]))
		p--;
	return p;
}

/* Family 19h: models 00-0F Milan, 10-1F Genoa, A0-AF Bergamo and Siena, which use Genoa's keys. Family 1Ah: models
 * 00-1F Turin. Others are told as unknown, and nothing is assumed about their layout. */
static enum snp_product product_of(uint8_t family, uint8_t model)
{
	if (family == 0x19 && model <= 0x0f)
		return SNP_MILAN;
	if (family == 0x19 && (model >> 4 == 0x1 || model >> 4 == 0xa))
		return SNP_GENOA;
	if (family == 0x1a && model <= 0x1f)
		return SNP_TURIN;
	return SNP_PRODUCT_UNKNOWN;
}

/* The byte of a TCB's number that each part is in, in the order of struct snp_tcb; the other bytes are reserved. */
enum { NONE = 8 };
static const uint8_t tcb_bytes[SNP_PRODUCTS][TCB_PARTS] = {
	[SNP_PRODUCT_UNKNOWN] = { NONE, NONE, NONE, NONE, NONE },
	[SNP_MILAN] = { NONE, 0, 1, 6, 7 },
	[SNP_GENOA] = { NONE, 0, 1, 6, 7 },
	[SNP_TURIN] = { 0, 1, 2, 3, 7 },
};

struct snp_tcb report_tcb(uint64_t raw, enum snp_product p)
{
	struct snp_tcb t = { .raw = raw };

	for (size_t i = 0; i < TCB_PARTS; i++)
		if (tcb_bytes[p][i] != NONE)
			t.part[i] = (uint8_t)(raw >> (8 * tcb_bytes[p][i]));
	return t;
}

uint64_t report_tcb_raw(const struct snp_tcb *t, enum snp_product p)
{
	uint64_t raw = 0;

	for (size_t i = 0; i < TCB_PARTS; i++)
		if (tcb_bytes[p][i] != NONE)
			raw |= (uint64_t)t->part[i] << (8 * tcb_bytes[p][i]);
	return raw;
}

void report_set_product(struct snp_report *r, enum snp_product p)
{
	struct snp_tcb *const tcbs[] = { &r->current_tcb, &r->reported_tcb, &r->committed_tcb, &r->launch_tcb };

	r->product = p;
	for (size_t i = 0; i < 4; i++)
		*tcbs[i] = report_tcb(tcbs[i]->raw, p);
}

/* Of an unknown product nothing is known. */
static bool tcb_reserved_zero(const struct snp_tcb *t, enum snp_product p)
{
	return p == SNP_PRODUCT_UNKNOWN || report_tcb_raw(t, p) == t->raw;
}

static enum err refuse(const char **problem, enum err err, const char *text)
{
	*problem = text;
	return err;
}

static void take_numbers(const uint8_t *b, struct snp_report *r)
{
	r->version = load_le32(b + AT_VERSION);
	r->guest_svn = load_le32(b + AT_GUEST_SVN);
	r->policy = load_le64(b + AT_POLICY);
	r->vmpl = load_le32(b + AT_VMPL);
	r->signature_algo = load_le32(b + AT_SIGNATURE_ALGO);
	r->platform_info = load_le64(b + AT_PLATFORM_INFO);
	r->flags = load_le32(b + AT_FLAGS);
	r->smt_allowed = r->policy & POLICY_SMT;
	r->migration_allowed = r->policy & POLICY_MIGRATE;
	r->debug_allowed = r->policy & POLICY_DEBUG;
	r->author_key = r->flags & FLAG_AUTHOR_KEY;
	r->chip_key_masked = r->flags & FLAG_MASK_CHIP_KEY;
	r->signing_key = (r->flags >> 2) & 7;
}

static void take_tcbs(const uint8_t *b, struct snp_report *r)
{
	r->product_assumed = r->version < VERSION_CPUID;
	r->current_tcb.raw = load_le64(b + AT_CURRENT_TCB);
	r->reported_tcb.raw = load_le64(b + AT_REPORTED_TCB);
	r->committed_tcb.raw = load_le64(b + AT_COMMITTED_TCB);
	r->launch_tcb.raw = load_le64(b + AT_LAUNCH_TCB);
	report_set_product(r, r->product_assumed ? SNP_MILAN : product_of(b[AT_CPUID_FAMILY], b[AT_CPUID_MODEL]));
}

static void take_views(const uint8_t *b, struct snp_report *r)
{
	r->family_id = b + AT_FAMILY_ID;
	r->image_id = b + AT_IMAGE_ID;
	r->report_data = b + AT_REPORT_DATA;
	r->measurement = b + AT_MEASUREMENT;
	r->host_data = b + AT_HOST_DATA;
	r->id_key_digest = b + AT_ID_KEY_DIGEST;
	r->author_key_digest = b + AT_AUTHOR_KEY_DIGEST;
	r->report_id = b + AT_REPORT_ID;
	r->report_id_ma = b + AT_REPORT_ID_MA;
	r->chip_id = b + AT_CHIP_ID;
	r->signed_part = span_of(b, AT_SIGNATURE);
	r->signature = b + AT_SIGNATURE;
}

static enum err check_numbers(const struct snp_report *r, const char **problem)
{
	if (r->version < VERSION_MIN || r->version > VERSION_MAX)
		return refuse(problem, ERR_RANGE, "VERSION is not 2, 3, 4 or 5");
	if (r->vmpl > VMPL_MAX)
		return refuse(problem, ERR_RANGE, "VMPL is over 3: the host asked for this report, not the guest");
	if (r->signature_algo != ALGO_ECDSA_P384)
		return refuse(problem, ERR_RANGE, "SIGNATURE_ALGO is not ECDSA P-384 with SHA-384");
	if (!(r->policy & POLICY_MUST_BE_ONE) || (r->policy & ~POLICY_KNOWN))
		return refuse(problem, ERR_SYNTAX, "POLICY has reserved bits set, or bit 17 clear");
	if (r->platform_info & ~PLATFORM_KNOWN)
		return refuse(problem, ERR_SYNTAX, "PLATFORM_INFO has reserved bits set");
	if (r->flags & ~FLAGS_KNOWN)
		return refuse(problem, ERR_SYNTAX, "the key flags have reserved bits set");
	if (r->signing_key != KEY_VCEK && r->signing_key != KEY_VLEK)
		return refuse(problem, ERR_RANGE, "SIGNING_KEY is neither VCEK nor VLEK");
	return ERR_OK;
}

static enum err check_zeros(const uint8_t *b, const struct snp_report *r, const char **problem)
{
	if (!reserved_are_zero(b, r->version))
		return refuse(problem, ERR_SYNTAX, "a reserved field is not zero");
	if (!r->author_key && !span_is_zero(span_of(r->author_key_digest, 48)))
		return refuse(problem, ERR_SYNTAX, "AUTHOR_KEY_DIGEST is set without an author key");
	if (r->product == SNP_TURIN && !span_is_zero(span_of(r->chip_id + 8, 56)))
		return refuse(problem, ERR_SYNTAX, "CHIP_ID is longer than 8 bytes on Turin");
	/* Version 2 does not say the product; it is judged by the layout that Milan and Genoa share. */
	if (!tcb_reserved_zero(&r->current_tcb, r->product) || !tcb_reserved_zero(&r->reported_tcb, r->product) ||
	    !tcb_reserved_zero(&r->committed_tcb, r->product) || !tcb_reserved_zero(&r->launch_tcb, r->product))
		return refuse(problem, ERR_SYNTAX, "a TCB version has reserved bytes set");
	return ERR_OK;
}

enum err report_parse(const uint8_t bytes[SNP_REPORT_LEN], struct snp_report *r, const char **problem)
{
	struct snp_report t = { 0 };

	*problem = NULL;
	take_numbers(bytes, &t);
	TRY(check_numbers(&t, problem));
	take_tcbs(bytes, &t);
	take_views(bytes, &t);
	TRY(check_zeros(bytes, &t, problem));
	*r = t;
	return ERR_OK;
}
