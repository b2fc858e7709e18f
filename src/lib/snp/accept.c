/* Is genuine evidence acceptable. */
#include "snp/accept.h"

#include <string.h>

#include "text/hex.h"
#include "text/json_read.h"

#define POLICY_TOKENS 512
/* Of the levels of a TCB, in the order of struct snp_tcb. Behind the prefix stands the policy's name for it. */
static const char *const level_ids[TCB_PARTS] = {
	"accept.tcb.fmc", "accept.tcb.bootloader", "accept.tcb.tee", "accept.tcb.snp", "accept.tcb.microcode",
};
#define LEVEL_NAME(i) (level_ids[i] + sizeof "accept.tcb." - 1)
/* Only Turin has an FMC. */
#define FIRST_LEVEL(product) ((product) == SNP_TURIN ? 0u : 1u)

void accept_policy_default(struct accept_policy *p)
{
	memset(p, 0, sizeof *p);
	p->min_uvm_svn = ACCEPT_UVM_SVN;
}

enum err accept_policy_allow(struct accept_policy *p, const uint8_t host_data[32])
{
	if (p->n_host_data == ACCEPT_HOST_DATA_MAX)
		return ERR_FULL;
	memcpy(p->host_data[p->n_host_data++], host_data, 32);
	return ERR_OK;
}

enum err accept_policy_platform(struct accept_policy *p, bool required, uint64_t bit)
{
	if (bit > 63)
		return ERR_RANGE;
	if ((p->platform_required | p->platform_forbidden) >> bit & 1)
		return ERR_SYNTAX;
	*(required ? &p->platform_required : &p->platform_forbidden) |= 1ULL << bit;
	return ERR_OK;
}

/* --- Reading --- */

static enum err read_hex(struct json_val v, uint8_t *dst, size_t n)
{
	struct span text;

	TRY(json_plain(v, &text));
	return hex_decode(text, dst, n);
}

static enum err read_version(struct json_val v, struct accept_policy *p)
{
	uint64_t version;
	enum err err = json_u64(v, &version);

	(void)p;
	return err ? err : version == 1 ? ERR_OK : ERR_RANGE;
}

static enum err read_host_data(struct json_val v, struct accept_policy *p)
{
	uint8_t value[32];

	if (json_is(v, "any")) {
		p->any_host_data = true;
		return ERR_OK;
	}
	if (json_type_of(v) != JSON_ARRAY)
		return ERR_SYNTAX;
	for (size_t i = 0; i < json_size(v); i++) {
		TRY(read_hex(json_at(v, i), value, sizeof value));
		TRY(accept_policy_allow(p, value));
	}
	return ERR_OK;
}

static enum err read_measurement(struct json_val v, struct accept_policy *p)
{
	if (json_type_of(v) != JSON_ARRAY || json_size(v) == 0)
		return ERR_SYNTAX;
	if (json_size(v) > ACCEPT_MEASUREMENTS_MAX)
		return ERR_FULL;
	for (size_t i = 0; i < json_size(v); i++)
		TRY(read_hex(json_at(v, i), p->measurements[i], 48));
	p->n_measurements = json_size(v);
	return ERR_OK;
}

static enum err read_number(struct json_val v, uint64_t max, uint64_t *n)
{
	enum err err = json_u64(v, n);

	return err ? err : *n <= max ? ERR_OK : ERR_RANGE;
}

static enum err read_vmpl(struct json_val v, struct accept_policy *p)
{
	uint64_t n = 0;
	enum err err = read_number(v, 3, &n);

	p->vmpl = (uint8_t)n;
	return err;
}

static enum err read_max_age(struct json_val v, struct accept_policy *p)
{
	uint64_t n = 0;
	enum err err = read_number(v, UINT32_MAX, &n);

	p->max_age_s = (uint32_t)n;
	return !err && n == 0 ? ERR_RANGE : err; /* zero would mean "not looked at" */
}

static enum err read_uvm_svn(struct json_val v, struct accept_policy *p)
{
	if (json_is(v, "any")) {
		p->any_uvm = true;
		return ERR_OK;
	}
	return read_number(v, UINT32_MAX, &p->min_uvm_svn);
}

static enum err read_report_data(struct json_val v, struct accept_policy *p)
{
	struct span text;

	TRY(json_plain(v, &text));
	if (text.n != 64 && text.n != 128)
		return ERR_SYNTAX;
	p->has_report_data = true;
	return hex_decode(text, p->report_data, text.n / 2);
}

static enum err read_role(struct json_val v, struct accept_policy *p)
{
	enum err err = json_cstr(v, p->role, sizeof p->role);

	return err == ERR_TOO_BIG ? ERR_RANGE : !err && !p->role[0] ? ERR_SYNTAX : err;
}

static enum err read_level(struct json_val name, struct json_val v, enum snp_product product, struct snp_tcb *t)
{
	uint64_t n = 0;

	TRY(read_number(v, 255, &n));
	for (size_t i = FIRST_LEVEL(product); i < TCB_PARTS; i++)
		if (json_is(name, LEVEL_NAME(i))) {
			t->part[i] = (uint8_t)n;
			return ERR_OK;
		}
	return ERR_RANGE;
}

static enum err read_min_tcb(struct json_val v, struct accept_policy *p)
{
	struct json_val name, levels, level_name, level;

	if (json_type_of(v) != JSON_OBJECT || json_size(v) == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; json_member(v, i, &name, &levels); i++) {
		enum snp_product product = report_product(json_raw(name));

		if (product == SNP_PRODUCT_UNKNOWN || json_type_of(levels) != JSON_OBJECT || json_size(levels) == 0)
			return ERR_RANGE;
		for (size_t j = 0; json_member(levels, j, &level_name, &level); j++)
			TRY(read_level(level_name, level, product, &p->min_tcb[product]));
		p->min_tcb_for[product] = true;
	}
	p->has_min_tcb = true;
	return ERR_OK;
}

static enum err read_platform(struct json_val v, struct accept_policy *p, bool required)
{
	if (json_type_of(v) != JSON_ARRAY || json_size(v) == 0)
		return ERR_SYNTAX;
	for (size_t i = 0; i < json_size(v); i++) {
		struct span name;
		uint64_t bit;

		if (json_type_of(json_at(v, i)) == JSON_STRING) {
			TRY(json_plain(json_at(v, i), &name));
			if (!report_platform_bit(name, &bit))
				return ERR_RANGE;
		} else {
			TRY(json_u64(json_at(v, i), &bit));
		}
		TRY(accept_policy_platform(p, required, bit));
	}
	return ERR_OK;
}

static enum err read_platform_required(struct json_val v, struct accept_policy *p)
{
	return read_platform(v, p, true);
}

static enum err read_platform_forbidden(struct json_val v, struct accept_policy *p)
{
	return read_platform(v, p, false);
}

static enum err read_members(struct json_val root, struct accept_policy *p, const char **problem)
{
	const struct {
		const char *name;
		enum err (*read)(struct json_val v, struct accept_policy *p);
		bool *flag; /* instead of read */
	} members[] = {
		{ "parley_policy", read_version, NULL }, { "host_data", read_host_data, NULL }, { "measurement", read_measurement, NULL },
		{ "debug_allowed", NULL, &p->debug_allowed }, { "migration_allowed", NULL, &p->migration_allowed }, { "vmpl", read_vmpl, NULL },
		{ "min_tcb", read_min_tcb, NULL }, { "min_uvm_svn", read_uvm_svn, NULL }, { "report_data", read_report_data, NULL },
		{ "platform_required", read_platform_required, NULL }, { "platform_forbidden", read_platform_forbidden, NULL },
		{ "role", read_role, NULL }, { "crl_required", NULL, &p->crl_required }, { "max_age_s", read_max_age, NULL },
	};
	enum { MEMBERS = sizeof members / sizeof members[0] };
	struct json_val name, value;

	for (size_t i = 0; json_member(root, i, &name, &value); i++) {
		size_t k = 0;
		enum err err;

		while (k < MEMBERS && !json_is(name, members[k].name))
			k++;
		*problem = k < MEMBERS ? members[k].name : "a member that is not known";
		if (k == MEMBERS)
			return ERR_SYNTAX;
		err = members[k].flag ? json_bool(value, members[k].flag) : members[k].read(value, p);
		if (err)
			return err == ERR_NOT_FOUND ? ERR_SYNTAX : err; /* of another type */
	}
	return ERR_OK;
}

enum err accept_policy_parse(struct span json, struct accept_policy *p, const char **problem)
{
	struct json_tok toks[POLICY_TOKENS];
	struct accept_policy r;
	uint64_t version;
	struct json doc;
	enum err e;

	accept_policy_default(&r);
	*problem = "it is longer, or has more parts, than a policy may";
	if (json.n > ACCEPT_POLICY_MAX)
		return ERR_TOO_BIG;
	e = json_parse(&doc, span_trim(json), toks, POLICY_TOKENS);
	if (e == ERR_TOO_BIG)
		return e;
	*problem = "not a JSON object";
	TRY(e);
	if (json_type_of(json_root(&doc)) != JSON_OBJECT)
		return ERR_SYNTAX;
	*problem = "\"parley_policy\": 1 is missing";
	if (!json_present(json_get(json_root(&doc), "parley_policy")))
		return ERR_SYNTAX;
	*problem = "this version of policy (\"parley_policy\") is not supported; known: 1";
	if (json_u64(json_get(json_root(&doc), "parley_policy"), &version) == ERR_OK && version != 1)
		return ERR_RANGE;
	TRY(read_members(json_root(&doc), &r, problem));
	*problem = NULL;
	*p = r;
	return ERR_OK;
}

/* --- Judging --- */

static void check_host_data(const struct snp_report *r, const struct accept_policy *p, struct checks *c)
{
	struct span found = span_of(r->host_data, 32);

	if (p->any_host_data) {
		checks_skip(c, "accept.host_data", "the policy allows any HOST_DATA");
		return;
	}
	for (size_t i = 0; i < p->n_host_data; i++) {
		struct span allowed = span_of(p->host_data[i], 32);

		/* One allowed value is told as expected; with several only the last would be. */
		if (span_eq(allowed, found) || (p->n_host_data == 1)) {
			checks_equal(c, "accept.host_data", allowed, found, "another container policy than the allowed one is enforced");
			return;
		}
	}
	checks_equal(c, "accept.host_data", span_of(NULL, 0), found,
	             p->n_host_data ? "this container policy is not on the list of allowed ones" : "the policy allows no HOST_DATA");
}

static void check_measurement(const struct snp_report *r, const struct accept_policy *p, struct checks *c)
{
	struct span found = span_of(r->measurement, 48);
	size_t i = 0;

	if (p->n_measurements == 0) {
		checks_skip(c, "accept.measurement", "the policy names no launch measurement");
		return;
	}
	while (i + 1 < p->n_measurements && !span_eq(span_of(p->measurements[i], 48), found))
		i++;
	checks_equal(c, "accept.measurement", span_of(p->measurements[i], 48), found, "not an allowed launch measurement");
}

static const char unsaid[] = "the token does not say";

static void check_forbidden(const char *id, bool allowed, bool found, const char *skipped, const char *why, struct checks *c)
{
	if (allowed)
		checks_skip(c, id, skipped);
	else
		checks_that(c, id, !found, why);
}

static void check_vmpl(const struct snp_report *r, const struct accept_policy *p, struct checks *c)
{
	uint8_t want = (uint8_t)('0' + p->vmpl), got = (uint8_t)('0' + (r->vmpl & 7));

	checks_judge(c, "accept.vmpl", r->vmpl == p->vmpl, span_of(&want, 1), span_of(&got, 1),
	             "the report was asked for from another privilege level");
}

/* A token says neither the product nor all levels: each level must be what the strictest of the policy's products wants. */
static void check_token_tcb(const struct verify_facts *f, const struct accept_policy *p, struct checks *c)
{
	for (unsigned i = 0; i < TCB_PARTS; i++) {
		uint8_t min = 0;

		for (size_t product = 0; product < SNP_PRODUCTS; product++)
			if (p->min_tcb_for[product] && p->min_tcb[product].part[i] > min)
				min = p->min_tcb[product].part[i];
		if (!(f->unsaid & UNSAID_LEVEL(i)))
			checks_at_least(c, level_ids[i], min, f->report.reported_tcb.part[i],
			                "the platform's firmware is older than the policy allows for one of its products, and the token names none");
		else if (min)
			checks_that(c, level_ids[i], false, unsaid);
		else
			checks_skip(c, level_ids[i], "the token does not say, and the policy names no minimum");
	}
}

static void check_tcb(const struct verify_facts *f, const struct accept_policy *p, struct checks *c)
{
	const struct snp_report *r = &f->report;

	if (!p->has_min_tcb)
		checks_skip(c, "accept.tcb", "the policy names no minimum patch levels (TCB)");
	else if (f->unsaid)
		check_token_tcb(f, p, c);
	else if (!p->min_tcb_for[r->product])
		checks_that(c, "accept.tcb", false, "the policy names no minimum patch levels for this product");
	else
		for (size_t i = FIRST_LEVEL(r->product); i < TCB_PARTS; i++)
			checks_at_least(c, level_ids[i], p->min_tcb[r->product].part[i], r->reported_tcb.part[i],
			                "the platform's firmware is older than the policy allows");
}

static void check_platform(const struct verify_facts *f, const struct accept_policy *p, struct checks *c)
{
	const struct snp_report *r = &f->report;
	uint8_t want[REPORT_UNKNOWN_MAX], got[REPORT_UNKNOWN_MAX];
	struct out w = out_init(want, sizeof want), g = out_init(got, sizeof got);

	if (!p->platform_required && !p->platform_forbidden) {
		checks_skip(c, "accept.platform", "the policy names no bits of PLATFORM_INFO");
		return;
	}
	if (f->unsaid) { /* no claim is about them */
		checks_that(c, "accept.platform", false, unsaid);
		return;
	}
	report_put_platform(&w, p->platform_required);
	if (p->platform_forbidden) {
		out_str(&w, p->platform_required ? "; without " : "without ");
		report_put_platform(&w, p->platform_forbidden);
	}
	report_put_platform(&g, r->platform_info);
	checks_judge(c, "accept.platform",
	             (r->platform_info & p->platform_required) == p->platform_required &&
	             !(r->platform_info & p->platform_forbidden),
	             out_span(&w), out_span(&g), "PLATFORM_INFO lacks a bit that the policy requires, or has one that it forbids");
}

static void check_uvm(const struct verify_facts *f, const struct accept_policy *p, struct checks *c)
{
	if (p->any_uvm)
		checks_skip(c, "accept.uvm", "the policy allows any utility VM");
	else if (f->unsaid & UNSAID_UVM)
		checks_that(c, "accept.uvm", false, unsaid);
	else if (!f->endorsed)
		checks_that(c, "accept.uvm", false, "there is no endorsement of the launch measurement");
	else
		checks_at_least(c, "accept.uvm", p->min_uvm_svn, f->uvm_svn, "the utility VM's security version is too old");
}

static void check_binding(const struct snp_report *r, const struct accept_policy *p, const struct accept_context *x,
                          struct checks *c)
{
	if (p->has_report_data)
		checks_equal(c, "accept.report_data", span_of(p->report_data, 64), span_of(r->report_data, 64), "the report is bound to something else");
	else
		checks_skip(c, "accept.report_data", "the policy names no REPORT_DATA");
	if (!p->role[0])
		checks_skip(c, "accept.role", "the policy names no role");
	else
		checks_judge(c, "accept.role", span_eq_str(x->role, p->role), span_str(p->role), x->role, "the evidence is another party's");
}

static void check_age(const struct accept_policy *p, const struct accept_context *x, struct checks *c)
{
	uint8_t want[48], got[48];
	struct out w = out_init(want, sizeof want), g = out_init(got, sizeof got);

	if (!p->max_age_s) {
		checks_skip(c, "accept.freshness", "the policy names no greatest age");
		return;
	}
	if (!x->has_age) {
		checks_that(c, "accept.freshness", false, "nothing proves when this evidence was made");
		return;
	}
	out_str(&w, "at most ");
	out_u64(&w, p->max_age_s);
	out_str(&w, " s old");
	out_i64(&g, x->age_s);
	out_str(&g, " s");
	checks_judge(c, "accept.freshness", x->age_s <= (int64_t)p->max_age_s, out_span(&w), out_span(&g), "the evidence is too old");
}

bool accept_check(const struct verify_facts *f, const struct accept_policy *p, const struct accept_context *x,
                  struct checks *checks)
{
	const struct snp_report *r = &f->report;
	bool no_debug, no_migration;

	checks->group = CHECK_ACCEPTABLE;
	check_host_data(r, p, checks);
	check_measurement(r, p, checks);
	no_debug = f->unsaid & UNSAID_DEBUG;
	no_migration = f->unsaid & UNSAID_MIGRATION;
	check_forbidden("accept.debug", p->debug_allowed, no_debug || r->debug_allowed, "the policy allows debugging by the host",
	                no_debug ? unsaid : "the host may read and change the guest's memory: debugging is allowed", checks);
	check_forbidden("accept.migration", p->migration_allowed, no_migration || r->migration_allowed, "the policy allows migration",
	                no_migration ? unsaid : "the guest may be migrated: a migration agent can have its memory", checks);
	if (f->unsaid & UNSAID_VMPL)
		checks_that(checks, "accept.vmpl", false, unsaid);
	else
		check_vmpl(r, p, checks);
	check_tcb(f, p, checks);
	check_platform(f, p, checks);
	check_uvm(f, p, checks);
	check_forbidden("accept.crl", !p->crl_required, !f->crl_checked, "the policy does not ask for a revocation list",
	                "the policy asks for a revocation list and there is none", checks);
	check_binding(r, p, x, checks);
	check_age(p, x, checks);
	return checks_ok(checks, CHECK_ACCEPTABLE);
}
