/* Tests of policy/rego_read.c, explain.c and simulate.c: reading policies, naming what is loose, answering as the guest. */
#include "t.h"

#include "policy/explain.h"
#include "policy/rego.h"
#include "policy/simulate.h"

#define ROOT "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct rego_policy policy;
static uint8_t text[POLICY_TEXT_MAX], said[1 << 20];

/* Our own kind of policy: two variables, one mount. */
static struct span ours(void)
{
	static struct rego_container c;
	const struct rego_fragment f = { false, SPAN_LIT("4") };
	struct out o = out_init(text, sizeof text);
	struct why w;

	c = (struct rego_container){ .name = SPAN_LIT("app"), .working_dir = SPAN_LIT("/"), .n_command = 1, .n_gids = 1, .n_layers = 1,
		.command = { SPAN_LIT("/app") }, .n_rules = 2,
		.rules = { { SPAN_LIT("A=1"), false, true }, { SPAN_LIT("B=[0-9]+"), true, false } } };
	memset(c.layers[0], 0xaa, 32);
	assert_int_equal(rego_write(&o, &c, REGO_ACI, &f, &w), ERR_OK);
	return out_span(&o);
}

static void load(struct span s)
{
	struct why w = { "", "" };

	if (rego_read(&policy, s, &w) != ERR_OK)
		fail_msg("%s: %s", w.text, w.about);
}

static const char *warnings(size_t *n)
{
	struct out o = out_init(said, sizeof said);

	explain_warnings(&policy, &o, n);
	return out_cstr(&o);
}

static void test_ours_is_tight(void **state)
{
	size_t n;

	(void)state;
	load(ours());
	assert_int_equal(policy.n_unknown, 0);
	(void)warnings(&n);
	assert_int_equal(n, 0);
}

/* As other tools write them: raw strings, trailing commas, several lines, comments, imports. */
static void test_other_forms(void **state)
{
	size_t n;

	(void)state;
	load(SPAN_LIT("# made by hand\npackage policy\n\nimport future.keywords.every\napi_svn := \"0.10.0\"\n"
		"containers := [\n  {\n    \"name\": `x\"y`, # odd\n    \"command\": [`/bin/sh`, \"-c\",],\n    \"layers\": [],\n"
		"    \"allow_elevated\": true,\n    \"allow_stdio_access\": true,\n    \"exec_processes\": [{\"command\":[\"ls\"]}],\n"
		"    \"env_rules\": [{\"pattern\": `X=.+`, \"strategy\": \"re2\"}],\n  },\n]\n"
		"allow_dump_stacks = true\nexec_external := {\"allowed\": true}\nscratch_mount := data.framework.other\n"
		"reason := {\"errors\": data.framework.errors}\n"));
	assert_int_equal(policy.n_unknown, 0);
	assert_int_equal(json_size(rego_read_value(&policy, "containers")), 1);
	{
		const char *w = warnings(&n);
		static const char *const want[] = { "stacks", "exec_external is always allowed", "scratch_mount is not decided", "privileged",
			"reads what it prints", "may start a program", "no layers", "chooses the user", "chooses a variable freely: X=.+",
			"capabilities are not limited" };

		for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
			if (!strstr(w, want[i]))
				print_error("not said: %s in\n%s\n", want[i], w);
			assert_non_null(strstr(w, want[i]));
		}
	}
}

/* What is not understood is said, not passed over. */
static void test_not_understood(void **state)
{
	size_t n;

	(void)state;
	load(SPAN_LIT("package policy\ncontainers := []\nmount_device := {\"allowed\": true} {\n  input.x\n}\nf(x) := 1\n"));
	assert_int_equal(policy.n_unknown, 2);
	assert_non_null(strstr(warnings(&n), "NOT UNDERSTOOD"));
	load(SPAN_LIT("package policy\nallow_dump_stacks := false\nallow_dump_stacks := true\n"));
	assert_int_equal(policy.n_unknown, 1);
	load(SPAN_LIT("package policy\ncontainers := [] # fine\nx := [1] | [2]\n"));
	assert_int_equal(policy.n_unknown, 1);
}

static void test_no_policy(void **state)
{
	static const char *const bad[] = { "", "package other\n", "{}", "pakage policy", "package policy.x\n" };
	struct why w;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(rego_read(&policy, span_str(bad[i]), &w), ERR_SYNTAX);
}

/* A container that only looks like pause is judged like any other. */
static void test_false_pause(void **state)
{
	char t[2048];
	size_t n;

	(void)state;
	snprintf(t, sizeof t, "package policy\ncontainers := [{\"name\":\"pause-container\",\"layers\":[\"%s\"],\"command\":[\"/pause\"],"
		"\"exec_processes\":[{\"command\":[\"/pause\"]}]}]\n", rego_pause_layer);
	load(span_str(t));
	assert_non_null(strstr(warnings(&n), "may start a program"));
}

/* --- Requests --- */

static struct json doc;
static struct json_tok toks[4096];

/* Judges requests under our policy; gives the text of all verdicts. */
static const char *judge(const char *requests, size_t *denied)
{
	struct out o = out_init(said, sizeof said);
	struct why w = { "", "" };

	assert_int_equal(json_parse(&doc, span_str(requests), toks, 4096), ERR_OK);
	if (simulate_run(&policy, json_root(&doc), &o, denied, &w) != ERR_OK)
		fail_msg("%s: %s", w.text, w.about);
	return out_cstr(&o);
}

static void says(const char *requests, const char *part, bool allowed)
{
	size_t denied;
	const char *s = judge(requests, &denied);

	if (!strstr(s, part) || (denied == 0) != allowed)
		print_error("expected %s in:\n%s", part, s);
	assert_non_null(strstr(s, part));
	assert_int_equal(denied == 0, allowed);
}

#define MOUNT "{\"type\":\"bind\",\"source\":\"/s/tmp/atlas/resolvconf/x\",\"destination\":\"/etc/resolv.conf\",\"options\":[\"rw\",\"rbind\",\"rshared\"]}"
#define CREATE(env, more) "{\"point\":\"create_container\",\"containerID\":\"c\",\"layers\":[\"" ROOT "\"],\"argList\":[\"/app\"]," \
	"\"envList\":[" env "],\"workingDir\":\"/\",\"sandboxDir\":\"/s\",\"mounts\":[" MOUNT "],\"user\":{\"id\":\"0\",\"name\":\"\"}," \
	"\"groups\":[{\"id\":\"0\",\"name\":\"\"}],\"umask\":\"0022\",\"seccompProfileSHA256\":\"\"" more "}"

static void test_create(void **state)
{
	(void)state;
	load(ours());
	says(CREATE("\"A=1\",\"B=22\",\"C=3\"", ""), "drops C=3", true);
	says(CREATE("\"A=1\",\"B=22\"", ""), "keeps B=22", true);
	says(CREATE("\"A=1\",\"B=x\"", ""), "drops B=x", true);
	says(CREATE("\"B=2\"", ""), "env_rules", false);
	says(CREATE("\"A=2\"", ""), "env_rules", false);
	says(CREATE("\"A=1\"", ",\"privileged\":true"), "allow_elevated", false);
	says(CREATE("\"A=1\"", ",\"devices\":[\"/dev/x\"]"), "devices", false);
	says("[" CREATE("\"A=1\"", "") "," CREATE("\"A=1\"", "") "]", "already created", false);
}

/* One wrong thing at a time, and the rule that is named. */
static void test_create_refused(void **state)
{
	static const struct {
		const char *from, *to, *rule;
	} cases[] = {
		{ "[\"/app\"]", "[\"/app\",\"-x\"]", "command" }, { "[\"/app\"]", "[\"/sh\"]", "command" }, { "[\"/app\"]", "[]", "command" },
		{ "\"workingDir\":\"/\"", "\"workingDir\":\"/tmp\"", "working_dir" },
		{ "{\"id\":\"0\",\"name\":\"\"},\"groups\"", "{\"id\":\"1\",\"name\":\"root\"},\"groups\"", "user" },
		{ "[{\"id\":\"0\",\"name\":\"\"}]", "[{\"id\":\"0\",\"name\":\"\"},{\"id\":\"5\",\"name\":\"\"}]", "user" },
		{ "\"umask\":\"0022\"", "\"umask\":\"0000\"", "user" },
		{ "\"seccompProfileSHA256\":\"\"", "\"seccompProfileSHA256\":\"00\"", "seccomp" },
		{ "\"/s/tmp/atlas/resolvconf/x\"", "\"/x/s/tmp/atlas/resolvconf/x\"", "mounts" },
		{ "\"/s/tmp/atlas/resolvconf/x\"", "\"/s/tmp/atlas/emptydir/x\"", "mounts" },
		{ "\"/etc/resolv.conf\"", "\"/app\"", "mounts" }, { "[\"rw\",\"rbind\"", "[\"ro\",\"rbind\"", "mounts" },
		{ "[\"rw\",\"rbind\",\"rshared\"]", "[\"rw\",\"rbind\"]", "mounts" }, { "\"type\":\"bind\"", "\"type\":\"tmpfs\"", "mounts" },
		{ ROOT, "bb", "layers" },
	};

	(void)state;
	load(ours());
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *base = CREATE("\"A=1\"", ""), *at = strstr(base, cases[i].from);
		char r[4096];

		assert_non_null(at);
		snprintf(r, sizeof r, "%.*s%s%s", (int)(at - base), base, cases[i].to, at + strlen(cases[i].from));
		says(r, cases[i].rule, false);
	}
}

static void test_life(void **state)
{
	(void)state;
	load(ours());
	says("[{\"point\":\"rw_mount_device\",\"encrypted\":true,\"ensureFilesystem\":true,\"filesystem\":\"ext4\"},"
		"{\"point\":\"mount_device\",\"target\":\"/run/mounts/scsi/m0\",\"deviceHash\":\"" ROOT "\"},"
		"{\"point\":\"mount_overlay\",\"containerID\":\"c\",\"layerPaths\":[\"/run/mounts/scsi/m0\"],\"target\":\"/run/c\"}," CREATE("\"A=1\"", "")
		",{\"point\":\"plan9_mount\",\"target\":\"/run/c/x\"},{\"point\":\"signal_container_process\",\"containerID\":\"c\",\"isInitProcess\":true,\"signal\":15},"
		"{\"point\":\"get_properties\"},{\"point\":\"shutdown_container\",\"containerID\":\"c\"},"
		"{\"point\":\"unmount_overlay\",\"target\":\"/run/c\"},{\"point\":\"unmount_device\",\"target\":\"/run/mounts/scsi/m0\"}]", "allow unmount_device", true);
	says("{\"point\":\"mount_device\",\"target\":\"/run/mounts/scsi/m0\",\"deviceHash\":\"bb\"}", "deviceHash", false);
	says("{\"point\":\"mount_device\",\"target\":\"/app\",\"deviceHash\":\"" ROOT "\"}", "target", false);
	says("{\"point\":\"rw_mount_device\",\"encrypted\":false,\"ensureFilesystem\":true,\"filesystem\":\"ext4\"}", "encrypted", false);
	says("{\"point\":\"mount_overlay\",\"containerID\":\"c\",\"layerPaths\":[]}", "layerPaths", false);
	says("{\"point\":\"scratch_mount\",\"encrypted\":false}", "unencrypted", false);
	says("{\"point\":\"exec_external\",\"argList\":[\"sh\"]}", "external", false);
	says("{\"point\":\"dump_stacks\"}", "allow_dump_stacks", false);
	says("{\"point\":\"runtime_logging\"}", "allow_runtime_logging", false);
	says("{\"point\":\"host_network\"}", "host_network", false);
	says("{\"point\":\"shutdown_container\",\"containerID\":\"z\"}", "not running", false);
	says("[" CREATE("\"A=1\"", "") ",{\"point\":\"exec_in_container\",\"containerID\":\"c\",\"argList\":[\"/app\"]}]", "exec_processes", false);
	says("[" CREATE("\"A=1\"", "") ",{\"point\":\"signal_container_process\",\"containerID\":\"c\",\"isInitProcess\":true,\"signal\":10}]", "signals", false);
}

static void test_fragments(void **state)
{
	(void)state;
	load(SPAN_LIT("package policy\nfragments := [{\"feed\":\"f\",\"issuer\":\"i\",\"minimum_svn\":\"4\"}]\ncontainers := []\n"
		"load_fragment := data.framework.load_fragment\n"));
	says("{\"point\":\"load_fragment\",\"issuer\":\"i\",\"feed\":\"f\",\"svn\":\"4\"}", "allow", true);
	says("{\"point\":\"load_fragment\",\"issuer\":\"i\",\"feed\":\"f\",\"svn\":3}", "minimum_svn", false);
	says("{\"point\":\"load_fragment\",\"issuer\":\"j\",\"feed\":\"f\",\"svn\":9}", "neither", false);
	says("{\"point\":\"mount_device\",\"target\":\"/run/mounts/scsi/m0\",\"deviceHash\":\"x\"}", "does not define", false);
}

static void test_not_to_be_judged(void **state)
{
	static const char *const policies[] = {
		"package policy\ncontainers := []\nget_properties := input.x\n",
		"package policy\ncontainers := []\nget_properties := data.other.get_properties\n",
		"package policy\ncontainers := []\nget_properties { true }\n",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct out o = out_init(said, sizeof said);
		struct why w = { "", "" };
		size_t denied;

		load(span_str(policies[i]));
		assert_int_equal(json_parse(&doc, SPAN_LIT("{\"point\":\"get_properties\"}"), toks, 4096), ERR_OK);
		assert_int_not_equal(simulate_run(&policy, json_root(&doc), &o, &denied, &w), ERR_OK);
		assert_true(w.text[0] != '\0');
	}
}

/* No text makes the reader fall over. */
static void test_garbage(void **state)
{
	static const char *const words[] = { "package policy\n", "containers := ", "[", "]", "{", "}", "\"", "`", ",", "\n", "#", ":=", "x",
		"import", "data.framework.x", "true", "1", "\\", "reason" };

	(void)state;
	for (int i = 0; i < 20000; i++) {
		char t[512] = "package policy\n";
		struct why w;
		size_t n;

		while (strlen(t) < 150)
			strcat(t, words[t_random() % (sizeof words / sizeof words[0])]);
		{
			uint8_t *exact = t_exact(span_str(t));

			if (rego_read(&policy, span_of(exact, strlen(t)), &w) == ERR_OK)
				(void)warnings(&n);
			free(exact);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ours_is_tight), cmocka_unit_test(test_other_forms), cmocka_unit_test(test_not_understood),
		cmocka_unit_test(test_no_policy), cmocka_unit_test(test_false_pause), cmocka_unit_test(test_create),
		cmocka_unit_test(test_create_refused), cmocka_unit_test(test_life), cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_not_to_be_judged), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
