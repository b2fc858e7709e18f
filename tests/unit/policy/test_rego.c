/* Tests of policy/rego.c, party.c, vars.c and release.c: texts whose every byte counts, and what they may not hold. */
#include "t.h"
#include "vectors.h"

#include <cjson/cJSON.h>

#include "text/base64.h"
#include "policy/party.h"

static uint8_t text[POLICY_TEXT_MAX];

static struct rego_container cell(void)
{
	struct rego_container c = { .name = SPAN_LIT("cell"), .working_dir = SPAN_LIT("/"), .n_command = 2, .n_gids = 1, .n_layers = 1,
		.command = { SPAN_LIT("/cell"), SPAN_LIT("--serve") } };

	vectors_hex("403fede6c647153d15dec45bcee5070d5ce4a78e22b8487dfd4ee69cee381338", c.layers[0], 32);
	return c;
}

static void equals_vector(struct span got, const char *file)
{
	size_t n;
	uint8_t *want = vectors_read(file, &n);

	if (!want)
		skip();
	assert_int_equal(got.n, n);
	assert_memory_equal(got.p, want, n);
	free(want);
}

static struct span generate(const struct rego_container *c, enum rego_target target, bool fragment)
{
	const struct rego_fragment f = { fragment, SPAN_LIT("4") };
	struct out o = out_init(text, sizeof text);
	struct why w;

	assert_int_equal(rego_write(&o, c, target, &f, &w), ERR_OK);
	return out_span(&o);
}

static void test_golden(void **state)
{
	const struct rego_container c = cell();

	(void)state;
	equals_vector(generate(&c, REGO_ACI, true), "policy/policy-p05.rego");
	equals_vector(generate(&c, REGO_ACI, false), "policy/policy-p05-nofragment.rego");
}

static void test_golden_base64(void **state)
{
	static uint8_t b64[POLICY_B64_MAX];
	const struct rego_container c = cell();
	struct out o = out_init(b64, sizeof b64);

	(void)state;
	base64_encode(&o, B64_STD, generate(&c, REGO_ACI, true));
	equals_vector(out_span(&o), "policy/policy-p05.b64");
}

/* The hashes are recorded here too, so that they are checked where there are no vectors. */
static void test_golden_hash(void **state)
{
	const struct rego_container c = cell();
	uint8_t got[32], want[32];

	(void)state;
	hash_sha256(generate(&c, REGO_ACI, true), got);
	vectors_hex("92837a4df3e37629a0f39d2e0d0670833285a349ce1ab524bc110513569d7f9f", want, 32);
	assert_memory_equal(got, want, 32);
	hash_sha256(generate(&c, REGO_ACI, false), got);
	vectors_hex("fa5f389a64594afe7b9f67a8d1a24efa24ef3cdeb27c9a040b32c3e4742a53da", want, 32);
	assert_memory_equal(got, want, 32);
}

static void test_virtual_nodes(void **state)
{
	const struct rego_container c = cell();
	struct span s = generate(&c, REGO_VN2, true);
	static const char *const mounts[] = { "/etc/resolv.conf", "/var/run/secrets/kubernetes.io/serviceaccount", "/etc/hosts",
		"/dev/termination-log", "/etc/hostname" };

	(void)state;
	((uint8_t *)text)[s.n] = 0;
	for (size_t i = 0; i < 5; i++) {
		char part[256];

		snprintf(part, sizeof part, "{\"destination\":\"%s\",\"options\":[\"rbind\",\"rshared\",\"%s\"],"
			"\"source\":\"sandbox:///tmp/atlas/emptydir/.+\",\"type\":\"bind\"}", mounts[i], i == 1 ? "ro" : "rw");
		assert_non_null(strstr((char *)text, part));
	}
	assert_null(strstr((char *)text, "resolvconf/.+"));
}

static void refused(const struct rego_container *c, const char *part)
{
	const struct rego_fragment f = { true, SPAN_LIT("4") };
	struct out o = out_init(text, sizeof text);
	struct why w = { "", "" };

	if (rego_write(&o, c, REGO_ACI, &f, &w) == ERR_OK)
		print_error("accepted, expected: %s\n", part);
	assert_non_null(strstr(w.text, part));
}

static void test_refused(void **state)
{
	static const char *const bad[] = { "a\"b", "a\\b", "a\nb", "a<b", "a\x7f", "\xc3\xa4", "$(x)", "a;b", "a*b", "a%b" };
	struct rego_container c;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		c = cell();
		c.command[1] = span_str(bad[i]);
		refused(&c, "cannot hold");
		c = cell();
		c.name = span_str(bad[i]);
		refused(&c, "cannot hold");
		c = cell();
		c.rules[c.n_rules++] = (struct rego_rule){ span_str(bad[i]), false, true };
		refused(&c, "cannot hold");
	}
	c = cell();
	c.n_command = 0;
	refused(&c, "needs a command");
	c = cell();
	c.n_layers = 0;
	refused(&c, "a layer");
	c = cell();
	c.working_dir = SPAN_LIT("tmp");
	refused(&c, "absolute");
	c = cell();
	c.capabilities[c.n_capabilities++] = SPAN_LIT("CHOWN");
	refused(&c, "capability");
	c = cell();
	c.rules[c.n_rules++] = (struct rego_rule){ SPAN_LIT("A=\"x"), true, false };
	refused(&c, "cannot hold");
	c = cell();
	c.mounts[c.n_mounts++] = (struct rego_mount){ .destination = SPAN_LIT("x"), .source = SPAN_LIT("y"), .type = SPAN_LIT("bind") };
	refused(&c, "absolute destination");
}

/* --- Parties --- */

static const char platform[] = "{\"p-1\":{\"about\":\"x\",\"env\":[{\"pattern\":\"IMDS_ENDPOINT=http.+\",\"strategy\":\"re2\",\"required\":false}]}}";
static struct party party;
static struct vars vars;

static enum err read_party(const char *json, struct why *w)
{
	*w = (struct why){ "", "" };
	return party_read(&party, span_str(json), span_str(platform), REGO_ACI, &vars, w);
}

static void test_party(void **state)
{
	struct why w;

	(void)state;
	vars = (struct vars){ .n = 0 };
	assert_int_equal(vars_set(&vars, SPAN_LIT("HOST"), SPAN_LIT("x.example"), &w), ERR_OK);
	assert_int_equal(read_party("{\"name\":\"p\",\"command\":[\"/x\",\"${HOST}\"],\"env\":{\"A\":\"1 ${HOST}:2\"},"
		"\"secret_env\":[\"S\"],\"host_data_env\":{\"H\":\"q\"},\"platform_env\":{\"aci\":\"p-1\"},\"user\":{\"uid\":7,\"gids\":[8,9]},"
		"\"key\":{\"name\":\"k\",\"authority\":\"https://${HOST}\",\"release_to\":[\"p\",\"q\"],\"minimum_svn\":{\"snp\":8}}}", &w), ERR_OK);
	t_span_is(party.container.command[1], "x.example");
	t_span_is(party.container.name, "p");
	assert_int_equal(party.container.n_rules, 4);
	t_span_is(party.container.rules[0].pattern, "A=1 x.example:2");
	assert_true(party.container.rules[0].required && !party.container.rules[0].re2);
	t_span_is(party.container.rules[1].pattern, "S=.+");
	assert_true(party.container.rules[1].required && party.container.rules[1].re2);
	t_span_is(party.container.rules[2].pattern, "H=[0-9a-f]{64}");
	assert_true(party.container.rules[2].required && party.container.rules[2].re2);
	assert_int_equal(party.n_host_data_env, 1);
	assert_int_equal(party.host_data_env[0].rule, 2);
	assert_string_equal(party.host_data_env[0].party, "q");
	t_span_is(party.container.rules[3].pattern, "IMDS_ENDPOINT=http.+");
	assert_int_equal(party.container.uid, 7);
	assert_int_equal(party.container.n_gids, 2);
	assert_string_equal(party.release_to[1], "q");
	assert_true(party.release.has_svn[SVN_SNP] && party.release.svn[SVN_SNP] == 8 && !party.release.has_svn[SVN_TEE]);
}

static void party_refused(const char *json, const char *part)
{
	struct why w;
	enum err e = read_party(json, &w);

	if (e == ERR_OK || !strstr(w.text, part))
		print_error("%s\nexpected \"%s\", got \"%s\" (%s)\n", json, part, w.text, w.about);
	assert_int_not_equal(e, ERR_OK);
	assert_non_null(strstr(w.text, part));
}

static void test_party_refused(void **state)
{
	(void)state;
	vars = (struct vars){ .n = 0 };
	party_refused("", "not JSON");
	party_refused("[]", "must be an object");
	party_refused("{\"name\":\"p\"}", "missing");
	party_refused("{\"name\":\"p\",\"name\":\"q\",\"command\":[\"/x\"]}", "a name twice");
	party_refused("{\"name\":\"../p\",\"command\":[\"/x\"]}", "party's name");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"commands\":[]}", "unknown member");
	party_refused("{\"name\":\"p\",\"command\":\"/x\"}", "array");
	party_refused("{\"name\":\"p\",\"command\":[1]}", "string");
	party_refused("{\"name\":\"p\",\"command\":[\"${NOT_SET}\"]}", "no value");
	party_refused("{\"name\":\"p\",\"command\":[\"$HOME\"]}", "must begin");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"env\":{\"A=B\":\"1\"}}", "name of a variable");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"env\":{\"A\":1}}", "string");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"host_data_env\":[\"H\"]}", "object");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"host_data_env\":{\"H\":\"Q\"}}", "party's name");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"host_data_env\":{\"H=\":\"q\"}}", "name of a variable");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"stdio\":0}", "true or false");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"user\":{\"uid\":-1,\"gids\":[]}}", "32 bits");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"platform_env\":{\"aci\":\"p-2\"}}", "no such list");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"platform_env\":{\"vn2\":\"p-1\"}}", "for this target");
	party_refused("{\"name\":\"p\",\"command\":[\"/x\"],\"key\":{\"name\":\"k\",\"authority\":\"x\",\"release_to\":[]}}", "nobody");
}

/* A value is put in as it is: what looks like a name in it stays. */
static void test_vars(void **state)
{
	uint8_t buf[64];
	struct out o = out_init(buf, sizeof buf);
	struct why w;

	(void)state;
	vars = (struct vars){ .n = 0 };
	assert_int_equal(vars_set(&vars, SPAN_LIT("A"), SPAN_LIT("${B}"), &w), ERR_OK);
	assert_int_equal(vars_set(&vars, SPAN_LIT("B"), SPAN_LIT("b"), &w), ERR_OK);
	assert_int_equal(vars_set(&vars, SPAN_LIT("B"), SPAN_LIT("c"), &w), ERR_OK);
	assert_int_equal(vars_expand(&vars, SPAN_LIT("<${A}${B}>"), &o, &w), ERR_OK);
	t_span_is(out_span(&o), "<${B}c>");
	assert_int_equal(vars_expand(&vars, SPAN_LIT("${A"), &o, &w), ERR_SYNTAX);
	assert_int_equal(vars_expand(&vars, SPAN_LIT("${}"), &o, &w), ERR_SYNTAX);
	assert_int_equal(vars_expand(&vars, SPAN_LIT("$"), &o, &w), ERR_SYNTAX);
	assert_int_equal(vars_set(&vars, SPAN_LIT("A B"), SPAN_LIT(""), &w), ERR_RANGE);
}

/* --- Release policies --- */

static void test_release(void **state)
{
	static const char *const claims[] = { "x-ms-attestation-type", "x-ms-compliance-status", "x-ms-sevsnpvm-hostdata",
		"x-ms-sevsnpvm-is-debuggable", "x-ms-sevsnpvm-vmpl" };
	struct release_policy r = { .authority = SPAN_LIT("https://maa.example"), .n = 2 };
	struct out o = out_init(text, sizeof text);
	const cJSON *entry;
	struct why w;
	cJSON *doc;

	(void)state;
	memset(r.host_data[0], 0xab, 32);
	r.has_svn[SVN_MICROCODE] = true;
	r.svn[SVN_MICROCODE] = 115;
	assert_int_equal(release_write(&o, &r, &w), ERR_OK);
	doc = cJSON_Parse(out_cstr(&o));
	assert_non_null(doc);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "anyOf")), 2);
	cJSON_ArrayForEach(entry, cJSON_GetObjectItem(doc, "anyOf")) {
		const cJSON *all = cJSON_GetObjectItem(entry, "allOf");

		assert_string_equal(cJSON_GetObjectItem(entry, "authority")->valuestring, "https://maa.example");
		assert_int_equal(cJSON_GetArraySize(all), 6);
		for (int i = 0; i < 5; i++)
			assert_string_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(all, i), "claim")->valuestring, claims[i]);
		assert_int_equal(cJSON_GetObjectItem(cJSON_GetArrayItem(all, 5), "greaterOrEquals")->valueint, 115);
	}
	assert_non_null(strstr((char *)text, "\"equals\":\"abababababababababababababababababababababababababababababababab\""));
	cJSON_Delete(doc);
}

static void test_release_refused(void **state)
{
	static const char *const bad[] = { "", "http://maa.example", "https://", "maa.example", "https://a/b", "https://a\"b" };
	struct release_policy r = { .n = 1 };
	struct why w;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct out o = out_init(text, sizeof text);

		r.authority = span_str(bad[i]);
		assert_int_equal(release_write(&o, &r, &w), ERR_RANGE);
	}
	r.authority = SPAN_LIT("https://maa.example");
	r.n = 0;
	{
		struct out o = out_init(text, sizeof text);

		assert_int_equal(release_write(&o, &r, &w), ERR_RANGE);
		r.n = 1;
		o = out_init(text, 100);
		assert_int_equal(release_write(&o, &r, &w), ERR_TOO_BIG);
	}
}

UNIT(rego)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_golden_base64), cmocka_unit_test(test_golden_hash),
		cmocka_unit_test(test_virtual_nodes), cmocka_unit_test(test_refused), cmocka_unit_test(test_party),
		cmocka_unit_test(test_party_refused), cmocka_unit_test(test_vars), cmocka_unit_test(test_release),
		cmocka_unit_test(test_release_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
