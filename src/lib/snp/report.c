/* The SNP attestation report: fields, and what of them is judged. */
#include "snp/report.h"

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
#define POLICY_KNOWN ((1ULL << 26) - 1) /* 56860 rev. 1.58, table 10 */
#define FLAG_AUTHOR_KEY 0x1u
#define FLAG_MASK_CHIP_KEY 0x2u
#define FLAGS_KNOWN 0x1fu
/* Every version so far gave a meaning to reserved bytes and moved nothing. Version 6 (56860 rev. 1.59) adds the extended TCBs of
 * processors after Turin, at 0x220. */
enum { VERSION_MIN = 2, VERSION_CPUID = 3, VERSION_MAX = 6 };
enum { VMPL_MAX = 3, ALGO_ECDSA_P384 = 1, KEY_VCEK = 0, KEY_VLEK = 1, KEY_NONE = 7 };

/* Bytes that describe nothing known, by the versions in which that is so. */
struct reserved {
	uint16_t at, n;
	uint8_t from, to;
};
static const struct reserved reserved_bytes[] = {
	{ 0x04c, 4, 2, 6 },
	{ 0x188, 24, 2, 2 }, { 0x18b, 21, 3, 6 },
	{ 0x1eb, 1, 2, 6 }, { 0x1ef, 1, 2, 6 },
	{ 0x1f8, 168, 2, 4 }, { 0x208, 152, 5, 6 },
};
/* The signature: R and S use 48 of 72 bytes each, the rest of the field is unused (1.6). */
static const struct {
	uint16_t at, n;
} unsigned_bytes[] = { { 0x2d0, 24 }, { 0x318, 24 }, { 0x330, 368 } };

/* PLATFORM_INFO by bit (56860 rev. 1.59, table 28). They describe the platform and permit nothing. */
static const char platform_names[][24] = {
	"smt", "tsme", "ecc", "rapl_disabled", "ciphertext_hiding_dram", "alias_check_complete", "iommu_write_safe", "tio",
};
enum { PLATFORM_NAMES = sizeof platform_names / sizeof platform_names[0] };

static const char product_names[SNP_PRODUCTS][8] = { "unknown", "Milan", "Genoa", "Turin" };

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

bool report_name_product(struct snp_report *r, struct span name)
{
	enum snp_product p = report_product(name);

	if (p == SNP_PRODUCT_UNKNOWN || (!r->product_assumed && r->product != p))
		return false;
	report_set_product(r, p);
	return true;
}

/* Of an unknown product nothing is known. */
static bool tcb_fits(uint64_t raw, enum snp_product p)
{
	const struct snp_tcb t = report_tcb(raw, p);

	return p == SNP_PRODUCT_UNKNOWN || report_tcb_raw(&t, p) == raw;
}

static enum err refuse(char problem[REPORT_PROBLEM_MAX], enum err err, const char *what, uint64_t value,
                       const char *why)
{
	struct out o = out_init(problem, REPORT_PROBLEM_MAX);

	out_str(&o, what);
	out_u64(&o, value);
	out_str(&o, why);
	(void)out_cstr(&o);
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

/* Version 2 does not name the processor. Milan's layout is assumed where it fits: Turin's chips have 8 bytes of identity, and its
 * TCBs have levels where Milan's are reserved. */
static enum snp_product product_of_version_2(const uint8_t *b, const struct snp_report *r)
{
	bool short_id = span_is_zero(span_of(b + AT_CHIP_ID + 8, 56)) && !span_is_zero(span_of(b + AT_CHIP_ID, 8));

	bool fits = !short_id && tcb_fits(r->current_tcb.raw, SNP_MILAN) && tcb_fits(r->reported_tcb.raw, SNP_MILAN) &&
	            tcb_fits(r->committed_tcb.raw, SNP_MILAN) && tcb_fits(r->launch_tcb.raw, SNP_MILAN);

	return fits ? SNP_MILAN : SNP_PRODUCT_UNKNOWN;
}

static void take_tcbs(const uint8_t *b, struct snp_report *r)
{
	r->product_assumed = r->version < VERSION_CPUID;
	r->current_tcb.raw = load_le64(b + AT_CURRENT_TCB);
	r->reported_tcb.raw = load_le64(b + AT_REPORTED_TCB);
	r->committed_tcb.raw = load_le64(b + AT_COMMITTED_TCB);
	r->launch_tcb.raw = load_le64(b + AT_LAUNCH_TCB);
	report_set_product(r, r->product_assumed ? product_of_version_2(b, r) :
	                   product_of(b[AT_CPUID_FAMILY], b[AT_CPUID_MODEL]));
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

static unsigned lowest_bit(uint64_t bits)
{
	unsigned i = 0;

	while (!(bits >> i & 1))
		i++;
	return i;
}

static enum err check_numbers(const struct snp_report *r, char problem[REPORT_PROBLEM_MAX])
{
	if (r->version < VERSION_MIN || r->version > VERSION_MAX)
		return refuse(problem, ERR_RANGE, "report version ", r->version,
		              " is not known: versions 2 to 6 are");
	if (r->vmpl > VMPL_MAX)
		return refuse(problem, ERR_RANGE, "VMPL ", r->vmpl,
		              " is over 3: the host asked for this report, not the guest");
	if (r->signature_algo != ALGO_ECDSA_P384)
		return refuse(problem, ERR_RANGE, "SIGNATURE_ALGO ", r->signature_algo,
		              " is not 1, ECDSA P-384 with SHA-384");
	if (!(r->policy & POLICY_MUST_BE_ONE))
		return refuse(problem, ERR_SYNTAX, "POLICY bit ", lowest_bit(POLICY_MUST_BE_ONE),
		              " is clear and must be set");
	/* Unlike PLATFORM_INFO's, bits of POLICY permit: DEBUG is one. The specification has the unknown ones zero. */
	if (r->policy & ~POLICY_KNOWN)
		return refuse(problem, ERR_SYNTAX, "POLICY bit ", lowest_bit(r->policy & ~POLICY_KNOWN),
		              " is not known: it may permit anything");
	if (r->signing_key == KEY_NONE)
		return refuse(problem, ERR_RANGE, "SIGNING_KEY is ", KEY_NONE, ", none: the report is not signed");
	if (r->signing_key != KEY_VCEK && r->signing_key != KEY_VLEK)
		return refuse(problem, ERR_RANGE, "SIGNING_KEY ", r->signing_key,
		              " is not known: neither VCEK nor VLEK");
	return ERR_OK;
}

static enum err check_zeros(const uint8_t *b, const struct snp_report *r, char problem[REPORT_PROBLEM_MAX])
{
	for (size_t i = 0; i < sizeof unsigned_bytes / sizeof unsigned_bytes[0]; i++)
		if (!span_is_zero(span_of(b + unsigned_bytes[i].at, unsigned_bytes[i].n)))
			return refuse(problem, ERR_SYNTAX, "unused bytes of the signature, from offset ", unsigned_bytes[i].at,
			              ", are set: nothing signs them");
	if (!r->author_key && !span_is_zero(span_of(r->author_key_digest, 48)))
		return refuse(problem, ERR_SYNTAX, "AUTHOR_KEY_DIGEST is set, but bit ", 0,
		              " of the key flags (AUTHOR_KEY_EN) is not");
	return ERR_OK;
}

enum err report_parse(const uint8_t bytes[SNP_REPORT_LEN], struct snp_report *r, char problem[REPORT_PROBLEM_MAX])
{
	struct snp_report t = { 0 };

	problem[0] = '\0';
	take_numbers(bytes, &t);
	TRY(check_numbers(&t, problem));
	take_tcbs(bytes, &t);
	take_views(bytes, &t);
	TRY(check_zeros(bytes, &t, problem));
	*r = t;
	return ERR_OK;
}

/* --- What describes --- */

static void put_name(struct out *o, size_t begun, const char *name)
{
	out_str(o, o->n > begun ? ", " : "");
	out_str(o, name);
}

static void put_bits(struct out *o, size_t begun, const char *field, uint64_t bits)
{
	for (unsigned i = 0; i < 64; i++)
		if (bits >> i & 1) {
			put_name(o, begun, field);
			out_u64(o, i);
			field = "";
		}
}

static void put_reserved(struct out *o, size_t begun, const uint8_t *b, size_t at, size_t n)
{
	size_t i = 0;

	while (i < n && b[at + i] == 0)
		i++;
	if (i == n)
		return;
	put_name(o, begun, "byte 0x");
	out_hex_u64(o, at + i);
}

void report_put_unknown(struct out *o, const struct snp_report *r)
{
	const struct {
		const char *name;
		uint64_t raw;
	} tcbs[] = {
		{ "CURRENT_TCB byte ", r->current_tcb.raw }, { "REPORTED_TCB byte ", r->reported_tcb.raw },
		{ "COMMITTED_TCB byte ", r->committed_tcb.raw }, { "LAUNCH_TCB byte ", r->launch_tcb.raw },
	};
	size_t begun = o->n;

	put_bits(o, begun, "PLATFORM_INFO bit ", r->platform_info >> PLATFORM_NAMES << PLATFORM_NAMES);
	put_bits(o, begun, "key flags bit ", r->flags & ~FLAGS_KNOWN);
	for (size_t i = 0; i < 4; i++) {
		const struct snp_tcb known = report_tcb(tcbs[i].raw, r->product);
		uint64_t rest = r->product == SNP_PRODUCT_UNKNOWN ? 0 : tcbs[i].raw ^ report_tcb_raw(&known, r->product);

		if (rest) {
			put_name(o, begun, tcbs[i].name);
			out_u64(o, lowest_bit(rest) / 8);
		}
	}
	for (size_t i = 0; i < sizeof reserved_bytes / sizeof reserved_bytes[0]; i++)
		if (r->version >= reserved_bytes[i].from && r->version <= reserved_bytes[i].to)
			put_reserved(o, begun, r->signed_part.p, reserved_bytes[i].at, reserved_bytes[i].n);
	if (r->product == SNP_TURIN)
		put_reserved(o, begun, r->signed_part.p, AT_CHIP_ID + 8, 56);
}

void report_put_platform(struct out *o, uint64_t platform_info)
{
	for (unsigned i = 0, n = 0; i < 64; i++) {
		if (!(platform_info >> i & 1))
			continue;
		out_str(o, n++ ? " " : "");
		out_str(o, i < PLATFORM_NAMES ? platform_names[i] : "bit ");
		if (i >= PLATFORM_NAMES)
			out_u64(o, i);
	}
}

bool report_platform_bit(struct span name, uint64_t *bit)
{
	for (unsigned i = 0; i < PLATFORM_NAMES; i++)
		if (span_eq_str(name, platform_names[i])) {
			*bit = i;
			return true;
		}
	return false;
}
