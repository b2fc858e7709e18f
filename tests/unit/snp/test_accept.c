/* Is genuine evidence acceptable: the strict default, every demand met and not met, policies that are refused. */
#include "t.h"

#include "amd.h"
#include "snp/accept.h"

static struct checks checks;
static struct accept_policy policy;
static uint8_t report[SNP_REPORT_LEN];
static struct verify_facts facts;
static struct accept_context context;

#define BB "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define CC "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define AA48 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A good Milan party: HOST_DATA bb.., endorsed at 104. */
static void good(void)
{
	char problem[REPORT_PROBLEM_MAX];

	amd_report(report, 3, 0x19, 1);
	memset(&facts, 0, sizeof facts);
	memset(&context, 0, sizeof context);
	assert_int_equal(report_parse(report, &facts.report, problem), ERR_OK);
	facts.endorsed = true;
	facts.uvm_svn = 104;
}

static enum err parse(const char *json)
{
	const char *problem;
	enum err err = accept_policy_parse(span_str(json), &policy, &problem);

	if (err)
		assert_non_null(problem);
	return err;
}

static bool judge(const char *json)
{
	if (parse(json) != ERR_OK)
		fail_msg("%s is no policy", json);
	checks_init(&checks);
	return accept_check(&facts, &policy, &context, &checks);
}

static const char *failed(void)
{
	const char *id = "";

	for (size_t i = 0; i < checks.n; i++) {
		if (checks.list[i].state != CHECK_FAILED)
			continue;
		if (*id)
			return "several";
		id = checks.list[i].id;
	}
	return id;
}

static void refuses(const char *json, const char *id)
{
	if (judge(json))
		fail_msg("%s accepts", json);
	if (strcmp(failed(), id) != 0)
		fail_msg("%s: %s, not %s", json, failed(), id);
}

static void strict_default(void **state)
{
	(void)state;
	good();
	refuses("{\"parley_policy\":1}", "accept.host_data"); /* a policy that names nobody allows nobody */
	refuses("{\"parley_policy\":1,\"host_data\":[]}", "accept.host_data");
	assert_true(judge("{\"parley_policy\":1,\"host_data\":[\"" BB "\"]}"));
	assert_true(judge("{\"parley_policy\":1,\"host_data\":[\"" CC "\",\"" BB "\"]}"));
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\"}"));
	refuses("{\"parley_policy\":1,\"host_data\":[\"" CC "\"]}", "accept.host_data");
	refuses("{\"parley_policy\":1,\"host_data\":[\"" CC "\",\"" CC "\"]}", "accept.host_data");
}

/* Every demand is told, made or not: the same ids whatever the policy says. */
static void what_is_skipped_is_listed(void **state)
{
	(void)state;
	good();
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"min_uvm_svn\":\"any\",\"debug_allowed\":true,\"migration_allowed\":true}"));
	assert_int_equal(checks.n, 12);
	assert_int_equal(checks_count(&checks, CHECK_ACCEPTABLE, CHECK_SKIPPED), 11);
	assert_int_equal(checks_count(&checks, CHECK_ACCEPTABLE, CHECK_PASSED), 1); /* VMPL is never skipped */
}

static void debug_migration_vmpl(void **state)
{
	static const char any[] = "{\"parley_policy\":1,\"host_data\":\"any\"}";

	(void)state;
	good();
	facts.report.debug_allowed = true;
	refuses(any, "accept.debug");
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"debug_allowed\":true}"));
	good();
	facts.report.migration_allowed = true;
	refuses(any, "accept.migration");
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"migration_allowed\":true}"));
	good();
	facts.report.vmpl = 1;
	refuses(any, "accept.vmpl");
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"vmpl\":1}"));
	facts.report.vmpl = 0;
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"vmpl\":1}", "accept.vmpl");
}

static void minimum_tcb(void **state)
{
	static const struct { const char *levels, *why; } all[] = {
		{ "\"Milan\":{\"bootloader\":3,\"tee\":1,\"snp\":20,\"microcode\":219}", "" },
		{ "\"Milan\":{\"bootloader\":4}", "accept.tcb.bootloader" }, { "\"Milan\":{\"tee\":2}", "accept.tcb.tee" },
		{ "\"Milan\":{\"snp\":21}", "accept.tcb.snp" }, { "\"Milan\":{\"microcode\":220}", "accept.tcb.microcode" },
		{ "\"Genoa\":{\"snp\":1}", "accept.tcb" }, /* this product is not named: not allowed */
		{ "\"Genoa\":{\"snp\":255},\"Milan\":{\"snp\":1}", "" },
	};
	char json[512];

	(void)state;
	good();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		snprintf(json, sizeof json, "{\"parley_policy\":1,\"host_data\":\"any\",\"min_tcb\":{%s}}", all[i].levels);
		if (*all[i].why)
			refuses(json, all[i].why);
		else
			assert_true(judge(json));
	}
	facts.report.product = SNP_TURIN;
	facts.report.reported_tcb.fmc = 2;
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"min_tcb\":{\"Turin\":{\"fmc\":2}}}"));
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"min_tcb\":{\"Turin\":{\"fmc\":3}}}", "accept.tcb.fmc");
	facts.report.product = SNP_PRODUCT_UNKNOWN;
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"min_tcb\":{\"Milan\":{\"snp\":0}}}", "accept.tcb");
}

/* PLATFORM_INFO: nothing is demanded by default; what is demanded is, of bits with and without a name. */
static void platform(void **state)
{
	static const struct { uint64_t info; const char *demand; bool ok; } all[] = {
		{ 0x65, "\"platform_required\":[\"alias_check_complete\"]", true }, { 0x45, "\"platform_required\":[\"alias_check_complete\"]", false },
		{ 0x65, "\"platform_required\":[5,\"smt\",\"ecc\",6]", true }, { 0x65, "\"platform_required\":[5,\"tsme\"]", false },
		{ 0x65, "\"platform_forbidden\":[\"smt\"]", false }, { 0x64, "\"platform_forbidden\":[\"smt\",\"tsme\"]", true },
		{ 0x65, "\"platform_forbidden\":[63]", true }, { 1ULL << 63, "\"platform_forbidden\":[63]", false },
		{ 1ULL << 63, "\"platform_required\":[63]", true }, { 0, "\"platform_required\":[63]", false },
		{ 0x24, "\"platform_required\":[\"ecc\"],\"platform_forbidden\":[\"smt\",40]", true },
		{ 0x25, "\"platform_required\":[\"ecc\"],\"platform_forbidden\":[\"smt\",40]", false },
		{ UINT64_MAX, "\"vmpl\":0", true }, { 0, "\"vmpl\":0", true },
	};
	char json[512];

	(void)state;
	good();
	for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
		facts.report.platform_info = all[i].info;
		snprintf(json, sizeof json, "{\"parley_policy\":1,\"host_data\":\"any\",%s}", all[i].demand);
		if (!all[i].ok)
			refuses(json, "accept.platform");
		else if (!judge(json))
			fail_msg("%s", all[i].demand);
	}
	facts.report.platform_info = 0x1001;
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"platform_required\":[6,\"ecc\"],\"platform_forbidden\":[12]}", "accept.platform");
	for (size_t i = 0; i < checks.n; i++)
		if (strcmp(checks.list[i].id, "accept.platform") == 0) {
			assert_string_equal(checks_text(&checks, checks.list[i].expected), "ecc iommu_write_safe; without bit 12");
			assert_string_equal(checks_text(&checks, checks.list[i].found), "smt bit 12");
		}
}

static void utility_vm(void **state)
{
	(void)state;
	good();
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"min_uvm_svn\":104}"));
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"min_uvm_svn\":105}", "accept.uvm");
	facts.uvm_svn = 99;
	refuses("{\"parley_policy\":1,\"host_data\":\"any\"}", "accept.uvm");
	facts.endorsed = false;
	facts.uvm_svn = 200; /* means nothing without an endorsement */
	refuses("{\"parley_policy\":1,\"host_data\":\"any\"}", "accept.uvm");
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"min_uvm_svn\":0}", "accept.uvm");
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"min_uvm_svn\":\"any\"}"));
}

static void the_other_demands(void **state)
{
	char json[512], data[129];

	(void)state;
	good();
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"measurement\":[\"" AA48 "\"]}"));
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"measurement\":[\"bb" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]}", "accept.measurement");
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"crl_required\":true}", "accept.crl");
	facts.crl_checked = true;
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"crl_required\":true}"));
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"role\":\"contoso\"}", "accept.role"); /* unknown role */
	context.role = SPAN_LIT("fabrikam");
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"role\":\"contoso\"}", "accept.role");
	context.role = SPAN_LIT("contoso");
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"role\":\"contoso\"}"));
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"max_age_s\":60}", "accept.freshness"); /* unknown age */
	context.has_age = true;
	context.age_s = 61;
	refuses("{\"parley_policy\":1,\"host_data\":\"any\",\"max_age_s\":60}", "accept.freshness");
	context.age_s = 60;
	assert_true(judge("{\"parley_policy\":1,\"host_data\":\"any\",\"max_age_s\":60}"));
	for (size_t i = 0; i < 64; i++)
		snprintf(data + 2 * i, 3, "%02x", report[0x50 + i]);
	snprintf(json, sizeof json, "{\"parley_policy\":1,\"host_data\":\"any\",\"report_data\":\"%s\"}", data);
	assert_true(judge(json));
	data[64] = 0; /* a half stands for itself and zeros */
	snprintf(json, sizeof json, "{\"parley_policy\":1,\"host_data\":\"any\",\"report_data\":\"%s\"}", data);
	refuses(json, "accept.report_data");
	memset(report + 0x70, 0, 32);
	assert_true(judge(json));
}

static void not_policies(void **state)
{
	static const char *const bad[] = {
		"", "[]", "null", "1", "{}", "{\"parley_policy\":2}", "{\"parley_policy\":\"1\"}", "{\"parley_policy\":1,\"hostdata\":[]}",
		"{\"parley_policy\":1,\"host_data\":\"all\"}", "{\"parley_policy\":1,\"host_data\":[\"bb\"]}", "{\"parley_policy\":1,\"host_data\":[1]}",
		"{\"parley_policy\":1,\"host_data\":\"" BB "\"}", "{\"parley_policy\":1,\"debug_allowed\":\"false\"}", "{\"parley_policy\":1,\"debug_allowed\":0}",
		"{\"parley_policy\":1,\"vmpl\":4}", "{\"parley_policy\":1,\"vmpl\":-1}", "{\"parley_policy\":1,\"vmpl\":\"0\"}",
		"{\"parley_policy\":1,\"min_tcb\":{}}", "{\"parley_policy\":1,\"min_tcb\":{\"milan\":{\"snp\":1}}}", "{\"parley_policy\":1,\"min_tcb\":{\"Milan\":{}}}",
		"{\"parley_policy\":1,\"min_tcb\":{\"Milan\":{\"snp\":256}}}", "{\"parley_policy\":1,\"min_tcb\":{\"Milan\":{\"fmc\":1}}}",
		"{\"parley_policy\":1,\"min_tcb\":{\"Milan\":{\"ucode\":1}}}", "{\"parley_policy\":1,\"min_tcb\":[]}", "{\"parley_policy\":1,\"measurement\":[]}",
		"{\"parley_policy\":1,\"min_uvm_svn\":\"100\"}", "{\"parley_policy\":1,\"min_uvm_svn\":1.5}", "{\"parley_policy\":1,\"max_age_s\":0}",
		"{\"parley_policy\":1,\"role\":\"\"}", "{\"parley_policy\":1,\"report_data\":\"00\"}", "{\"parley_policy\":1,\"crl_required\":1}",
		"{\"parley_policy\":1,\"platform_required\":[]}", "{\"parley_policy\":1,\"platform_required\":\"smt\"}",
		"{\"parley_policy\":1,\"platform_required\":[\"SMT\"]}", "{\"parley_policy\":1,\"platform_required\":[\"6\"]}",
		"{\"parley_policy\":1,\"platform_required\":[64]}", "{\"parley_policy\":1,\"platform_required\":[-1]}",
		"{\"parley_policy\":1,\"platform_required\":[1.5]}", "{\"parley_policy\":1,\"platform_required\":[null]}",
		"{\"parley_policy\":1,\"platform_required\":[[5]]}", "{\"parley_policy\":1,\"platform_forbidden\":[\"smt\",0]}",
		"{\"parley_policy\":1,\"platform_required\":[\"smt\"],\"platform_forbidden\":[0]}",
		"{\"parley_policy\":1,\"platform_forbidden\":[5],\"platform_required\":[\"alias_check_complete\"]}",
		"{\"parley_policy\":1,\"platform\":[\"smt\"]}", "{\"parley_policy\":1,\"platform_required\":{\"smt\":true}}",
		"{\"parley_policy\":1,\"vmpl\":0,\"vmpl\":3}", "{\"parley_policy\":1} x", "{\"parley_policy\":null}",
	};

	(void)state;
	memset(&policy, 0x5a, sizeof policy);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (parse(bad[i]) == ERR_OK)
			fail_msg("%s is a policy", bad[i]);
	for (size_t i = 0; i < sizeof policy; i++) /* never half of one */
		assert_int_equal(((const uint8_t *)&policy)[i], 0x5a);
}

static void too_many(void **state)
{
	char json[8192];
	size_t n = (size_t)snprintf(json, sizeof json, "{\"parley_policy\":1,\"host_data\":[\"" BB "\"");

	(void)state;
	for (size_t i = 1; i <= ACCEPT_HOST_DATA_MAX; i++)
		n += (size_t)snprintf(json + n, sizeof json - n, ",\"" BB "\"");
	snprintf(json + n, sizeof json - n, "]}");
	assert_int_equal(parse(json), ERR_FULL);

	n = (size_t)snprintf(json, sizeof json, "{\"parley_policy\":1");
	for (size_t i = 0; i < 300; i++)
		n += (size_t)snprintf(json + n, sizeof json - n, ",\"vmpl\":0");
	snprintf(json + n, sizeof json - n, "}");
	assert_int_equal(parse(json), ERR_TOO_BIG);
}

UNIT(accept)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict_default), cmocka_unit_test(what_is_skipped_is_listed), cmocka_unit_test(debug_migration_vmpl),
		cmocka_unit_test(minimum_tcb), cmocka_unit_test(platform), cmocka_unit_test(utility_vm), cmocka_unit_test(the_other_demands),
		cmocka_unit_test(not_policies), cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
