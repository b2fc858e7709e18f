/* Tests of policy/rego_read.c, explain.c and simulate.c: reading policies, naming what is loose, answering as the guest. */
#include "t.h"

#include "policy/explain.h"
#include "policy/rego.h"
#include "policy/shape.h"
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
	load(SPAN_LIT("package policy\nmount_device := data.framework.mount_device\nelse := {\"allowed\": true}\n"));
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

/* Judges requests under our policy; gives the text of all verdicts. */
static const char *judge(const char *requests, size_t *denied)
{
	struct out o = out_init(said, sizeof said);
	struct why w = { "", "" };

	if (simulate_run(&policy, span_str(requests), &o, denied, &w) != ERR_OK)
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
	says("[{\"point\":\"rw_mount_device\",\"target\":\"/run/gcs/c/" ROOT "\",\"encrypted\":true,\"ensureFilesystem\":true,\"filesystem\":\"ext4\"},"
		"{\"point\":\"mount_device\",\"target\":\"/run/mounts/scsi/m0\",\"deviceHash\":\"" ROOT "\"},"
		"{\"point\":\"mount_overlay\",\"containerID\":\"c\",\"layerPaths\":[\"/run/mounts/scsi/m0\"],\"target\":\"/run/c\"}," CREATE("\"A=1\"", "")
		",{\"point\":\"plan9_mount\",\"target\":\"/run/gcs/c/c/mounts/m1\"},{\"point\":\"signal_container_process\",\"containerID\":\"c\",\"isInitProcess\":true,\"signal\":15},"
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
	says("[" CREATE("\"A=1\"", "") ",{\"point\":\"plan9_mount\",\"target\":\"/run/gcs/c/d/mounts/m1\"}]", "target", false);
	says("{\"point\":\"scratch_unmount\",\"unmountTarget\":\"/x\"}", "nothing is mounted", false);
	says("[{\"point\":\"scratch_mount\",\"target\":\"/x\",\"encrypted\":true},{\"point\":\"scratch_unmount\",\"unmountTarget\":\"/x\"}]",
		"allow scratch_unmount", true);
	says("[" CREATE("\"A=1\"", "") ",{\"point\":\"shutdown_container\",\"containerID\":\"c\"},"
		"{\"point\":\"signal_container_process\",\"containerID\":\"c\",\"isInitProcess\":true,\"signal\":15}]", "signals", false);
	says("{\"point\":\"shutdown_container\",\"containerID\":\"z\"}", "not running", false);
	says("[" CREATE("\"A=1\"", "") ",{\"point\":\"exec_in_container\",\"containerID\":\"c\",\"argList\":[\"/app\"]}]", "exec_processes", false);
	says("[" CREATE("\"A=1\"", "") ",{\"point\":\"signal_container_process\",\"containerID\":\"c\",\"isInitProcess\":true,\"signal\":10}]", "signals", false);
}

static void test_fragments(void **state)
{
	(void)state;
	load(SPAN_LIT("package policy\napi_version := \"0.10.0\"\nframework_version := \"0.2.3\"\nfragments := [{\"feed\":\"f\",\"issuer\":\"i\",\"minimum_svn\":\"4\"}]\ncontainers := []\n"
		"load_fragment := data.framework.load_fragment\n"));
	says("{\"point\":\"load_fragment\",\"issuer\":\"i\",\"feed\":\"f\",\"svn\":\"4\"}", "allow", true);
	says("{\"point\":\"load_fragment\",\"issuer\":\"i\",\"feed\":\"f\",\"svn\":3}", "minimum_svn", false);
	says("{\"point\":\"load_fragment\",\"issuer\":\"j\",\"feed\":\"f\",\"svn\":9}", "no entry", false);
	says("{\"point\":\"mount_device\",\"target\":\"/run/mounts/scsi/m0\",\"deviceHash\":\"x\"}", "does not define", false);
}

static void test_not_to_be_judged(void **state)
{
	static const char *const policies[] = {
		"package policy\napi_version := \"0.10.0\"\ncontainers := []\nget_properties := input.x\n",
		"package policy\napi_version := \"0.10.0\"\ncontainers := []\nget_properties := data.other.get_properties\n",
		"package policy\napi_version := \"0.10.0\"\ncontainers := []\nget_properties { true }\n",
	};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct out o = out_init(said, sizeof said);
		struct why w = { "", "" };
		size_t denied;

		load(span_str(policies[i]));
		assert_int_not_equal(simulate_run(&policy, SPAN_LIT("{\"point\":\"get_properties\"}"), &o, &denied, &w), ERR_OK);
		assert_true(w.text[0] != '\0');
	}
}

/* Points that this program cannot judge are told so, and what comes after them is judged. */
static void test_unknown_points(void **state)
{
	size_t refused;
	const char *s;

	(void)state;
	load(ours());
	s = judge("[{\"point\":\"mount_blockdev\"},{\"point\":\"rw_unmount_device\"},{\"point\":\"next_year\"},{\"point\":\"get_properties\"}]", &refused);
	assert_string_equal(s, "?     mount_blockdev: cannot be judged: this program does not know the framework's rule\n"
		"?     rw_unmount_device: cannot be judged: this program does not know the framework's rule\n"
		"?     next_year: cannot be judged: no enforcement point that this program knows\nallow get_properties\n");
	assert_int_equal(refused, 3);
	load(SPAN_LIT("package policy\napi_version := \"0.10.0\"\nframework_version := \"0.2.3\"\nexec_external := data.framework.exec_external\n"
		"external_processes := [{\"command\":[\"a\"],\"working_dir\":\"/\",\"allow_stdio_access\":false,"
		"\"env_rules\":[{\"pattern\":`A=\\pL`,\"strategy\":\"re2\"}]}]\n"));
	says("{\"point\":\"exec_external\",\"argList\":[\"a\"],\"workingDir\":\"/\",\"envList\":[\"A=x\"]}", "?     exec_external: cannot be judged", false);
}

/* A policy of one container with the versions and the members given. */
static void load_with(const char *api, const char *framework, const char *members, const char *statements)
{
	static char t[8192];

	snprintf(t, sizeof t, "package policy\napi_version := \"%s\"\nframework_version := \"%s\"\ncontainers := [{%s}]\n%s"
		"create_container := data.framework.create_container\nsignal_container_process := data.framework.signal_container_process\n"
		"allow_environment_variable_dropping := true\n", api, framework, members, statements);
	load(span_str(t));
}

#define BASE "\"name\":\"app\",\"command\":[\"/app\"],\"env_rules\":[],\"layers\":[\"" ROOT "\"],\"mounts\":[{\"destination\":" \
	"\"/etc/resolv.conf\",\"options\":[\"rbind\",\"rshared\",\"rw\"],\"source\":\"sandbox:///tmp/.+\",\"type\":\"bind\"}]," \
	"\"allow_elevated\":false,\"working_dir\":\"/\",\"exec_processes\":[],\"signals\":[],\"allow_stdio_access\":false"
#define USER ",\"user\":{\"umask\":\"0022\",\"user_idname\":{\"pattern\":\"1\",\"strategy\":\"id\"},\"group_idnames\":[{\"pattern\":\"0\",\"strategy\":\"id\"}]}"
#define NO_CAPS ",\"capabilities\":{\"ambient\":[],\"bounding\":[],\"effective\":[],\"inheritable\":[],\"permitted\":[]}"
#define LATER ",\"no_new_privileges\":true" USER NO_CAPS ",\"seccomp_profile_sha256\":\"ff\""

/* Where the policy's capabilities are ignored, the host must ask for these. */
#define USUAL_SET "[\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FSETID\",\"CAP_FOWNER\",\"CAP_MKNOD\",\"CAP_NET_RAW\",\"CAP_SETGID\"," \
	"\"CAP_SETUID\",\"CAP_SETFCAP\",\"CAP_SETPCAP\",\"CAP_NET_BIND_SERVICE\",\"CAP_SYS_CHROOT\",\"CAP_KILL\",\"CAP_AUDIT_WRITE\"]"
#define USUAL ",\"capabilities\":{\"bounding\":" USUAL_SET ",\"effective\":" USUAL_SET ",\"permitted\":" USUAL_SET "}"

/* All that LATER asks for but the filter. */
static void says_user_1(const char *framework, const char *part, bool allowed)
{
	load_with("0.10.0", framework, BASE LATER, "");
	says("{\"point\":\"create_container\",\"containerID\":\"c\",\"layers\":[\"" ROOT "\"],\"argList\":[\"/app\"],\"envList\":[],"
		"\"workingDir\":\"/\",\"user\":{\"id\":\"1\"},\"umask\":\"0022\",\"noNewPrivileges\":true}", part, allowed);
}

/* What older frameworks ignore, and members without which newer ones never let a container run. */
static void test_versions(void **state)
{
	size_t n;

	(void)state;
	load_with("0.10.0", "0.1.0", BASE LATER, "");
	says(CREATE("", ""), "capabilities", false);
	says(CREATE("", USUAL), "allow create_container", true); /* another user, new privileges, no filter */
	assert_non_null(strstr(warnings(&n), "ignores seccomp_profile_sha256"));
	assert_non_null(strstr(warnings(&n), "ignores user"));
	load_with("0.10.0", "0.1.0", BASE ",\"capabilities\":{\"bounding\":[\"CAP_X\"]}", "");
	says(CREATE("", USUAL), "allow create_container", true);
	load_with("0.10.0", "0.2.0", BASE LATER, "");
	says(CREATE("", ""), "no_new_privileges", false);
	says_user_1("0.2.2", "allow create_container", true);
	says_user_1("0.2.3", "seccomp_profile_sha256", false);
	load_with("0.10.0", "0.2.1", BASE LATER, "");
	says(CREATE("", ",\"noNewPrivileges\":true"), "user", false);
	load_with("0.10.0", "0.2.3", BASE ",\"no_new_privileges\":false,\"seccomp_profile_sha256\":\"\"" NO_CAPS, "");
	says(CREATE("", ""), "layers", false); /* no user: never a candidate */
	load_with("0.10.0", "0.6.0", BASE LATER, "");
	says(CREATE("", ""), "layers", false);
	assert_non_null(strstr(warnings(&n), "framework_version is newer"));
	load_with("0.10.0", "0.2", BASE LATER, "");
	says(CREATE("", ""), "layers", false);
	assert_non_null(strstr(warnings(&n), "framework_version is missing"));
	load_with("x", "0.2.3", BASE LATER, "");
	says(CREATE("", ""), "does not define", false);
	load_with("0.10.0", "0.1.0", BASE, "framework_svn := \"0.1.1\"\n");
	says(CREATE("", ""), "layers", false);
	load_with("0.10.0", "0.4.0", BASE, "");
	says(CREATE("", ""), "layers", false);
	load_with("0.10.0", "0.1.0", BASE, "");
	says("[" CREATE("", USUAL) ",{\"point\":\"signal_container_process\",\"containerID\":\"c\",\"isInitProcess\":true,\"signal\":9}]", "allow signal", true);
}

/* Dropping only drops what the host asks for beyond the list: what the list has and the host does not ask for denies. */
static void test_capabilities(void **state)
{
#define CAPS(list) ",\"capabilities\":{\"ambient\":[],\"bounding\":[" list "],\"effective\":[],\"inheritable\":[],\"permitted\":[]}"
#define ASKED(list) ",\"capabilities\":{\"bounding\":[" list "]}"
	static const char rest[] = ",\"no_new_privileges\":false,\"seccomp_profile_sha256\":\"\",\"user\":{\"umask\":\"0022\","
		"\"user_idname\":{\"pattern\":\"\",\"strategy\":\"any\"},\"group_idnames\":[{\"pattern\":\"\",\"strategy\":\"any\"}]}";
	static const struct {
		const char *has, *asked;
		bool dropped, kept; /* allowed with and without allow_capability_dropping */
	} cases[] = {
		{ CAPS("\"A\""), ASKED("\"A\""), true, true }, { CAPS("\"A\""), ASKED("\"B\",\"A\""), true, false },
		{ CAPS("\"A\""), ASKED("\"B\""), false, false }, { CAPS("\"A\",\"B\""), ASKED("\"A\""), false, false },
		{ CAPS(""), ASKED("\"A\""), true, false }, { CAPS("\"A\",\"A\""), ASKED("\"A\""), false, false },
		{ CAPS("\"A\",\"B\""), ASKED("\"B\",\"A\""), true, true }, { ",\"capabilities\":null", ASKED("\"A\""), false, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		for (int dropping = 0; dropping < 2; dropping++) {
			char members[4096];
			char r[4096];

			snprintf(members, sizeof members, "%s%s%s", BASE, rest, cases[i].has);
			load_with("0.10.0", "0.2.3", members, dropping ? "allow_capability_dropping := true\n" : "");
			snprintf(r, sizeof r, "%.*s%s}", (int)strlen(CREATE("", "")) - 1, CREATE("", ""), cases[i].asked);
			says(r, "create_container", dropping ? cases[i].dropped : cases[i].kept);
		}
}

static void test_platform_rules(void **state)
{
	static const char rules[] = "platform_rules := [{\"env_rules\":[{\"name\":\"X.+\",\"name_strategy\":\"re2\",\"value\":\"a=b\",\"value_strategy\":\"string\"}]},"
		"{\"mounts\":[{\"destination\":\"/x\",\"options\":[\"rw\"],\"source\":\"sandbox://a\",\"type\":\"bind\"}]}]\n";
	static const char mount[] = "{\"type\":\"bind\",\"source\":\"/sa\",\"destination\":\"/x\",\"options\":[\"rw\"]}";
	char r[4096];
	size_t n;

	(void)state;
	load_with("0.10.0", "0.5.0", BASE ",\"no_new_privileges\":false,\"seccomp_profile_sha256\":\"\"" NO_CAPS USER, rules);
	snprintf(r, sizeof r, "{\"point\":\"create_container\",\"containerID\":\"c\",\"layers\":[\"" ROOT "\"],\"argList\":[\"/app\"],"
		"\"envList\":[\"XY=a=b\",\"XY=a\",\"X=a=b\",\"XZ\"],\"workingDir\":\"/\",\"sandboxDir\":\"/s\",\"mounts\":[%s],"
		"\"user\":{\"id\":\"1\"},\"umask\":\"0022\"}", mount);
	says(r, "keeps XY=a=b\n      drops XY=a\n      drops X=a=b\n      drops XZ\n", true);
	assert_non_null(strstr(warnings(&n), "by platform_rules: the host chooses the name of a variable within a pattern: X.+"));
	assert_non_null(strstr(warnings(&n), "mounted, writable, at: /x"));
	load_with("0.10.0", "0.4.1", BASE ",\"no_new_privileges\":false,\"seccomp_profile_sha256\":\"\"" NO_CAPS USER, rules);
	says(r, "mounts", false);
	assert_null(strstr(warnings(&n), "platform_rules"));
}

/* What no one has heard of is loose: statements, members, types, strategies, versions. */
static void test_loose_unknown(void **state)
{
	static const char *const members[] = { ",\"shell\":true", ",\"allow_elevated_\":1", ",\"signals_\":[]", ",\"id\":5" };
	static const char *const statements[] = { "allow_shell := true\n", "fragments := [{\"iss\":\"x\"}]\n", "allow_dump_stacks := null\n",
		"platform_rules := [1]\n", "external_processes := {}\n", "import data.evil as containers2\n", "allow_dump_stacks := data.x\n",
		"default allow_dump_stacks := 1\n", "allow_elevated := true if true\n", "open_door := data.framework.open_door\n" };
	static const char all[] = BASE ",\"no_new_privileges\":true,\"seccomp_profile_sha256\":\"\"" NO_CAPS USER;
	char t[4096];
	size_t n;

	(void)state;
	load_with("0.10.0", "0.2.3", all, "shutdown_container := data.framework.shutdown_container\nimport rego.v1\nimport future.keywords.in\n");
	(void)warnings(&n);
	assert_int_equal(n, 0);
	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
		snprintf(t, sizeof t, "%s%s", all, members[i]);
		load_with("0.10.0", "0.2.3", t, "");
		assert_non_null(strstr(warnings(&n), "not understood"));
	}
	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
		load_with("0.10.0", "0.2.3", all, statements[i]);
		(void)warnings(&n);
		if (n == 0)
			fail_msg("not loose: %s", statements[i]);
	}
}

/* Strings are compared as what they stand for, in whichever of Rego's forms they are written. */
static void test_strings(void **state)
{
	static const char *const forms[] = { "\"A=\\u0031\\\\\\\"\\/\"", "`A=1\\\"/`", "\"\\u0041=1\\u005c\\u0022/\"" };

	(void)state;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
		char members[4096];

		snprintf(members, sizeof members, "%s", BASE);
		{
			char *at = strstr(members, "\"env_rules\":[");

			snprintf(members, sizeof members, "%.*s\"env_rules\":[{\"pattern\":%s,\"strategy\":\"string\",\"required\":true},]%s",
				(int)(at - members), BASE, forms[i], &BASE[(at - members) + strlen("\"env_rules\":[]")]);
		}
		load_with("0.10.0", "0.1.0", members, "");
		says(CREATE("\"A=1\\\\\\\"/\"", USUAL), "keeps A=1\\\"/", true);
		says(CREATE("\"\\u0041=\\u0031\\u005C\\u0022\\/\"", USUAL), "keeps A=1\\\"/", true);
	}
}

/* A default counts where nothing else does; a second one, or a default that is a reference, is not understood. */
static void test_default(void **state)
{
	size_t n;

	(void)state;
	load(SPAN_LIT("package policy\napi_version := \"0.10.0\"\ndefault allow_dump_stacks := true\ndefault allow_runtime_logging = true\n"
		"allow_runtime_logging := false\ndump_stacks := data.framework.dump_stacks\nruntime_logging := data.framework.runtime_logging\n"));
	assert_int_equal(policy.n_unknown, 0);
	says("{\"point\":\"dump_stacks\"}", "allow dump_stacks", true);
	says("{\"point\":\"runtime_logging\"}", "deny", false);
	assert_non_null(strstr(warnings(&n), "stacks"));
	load(SPAN_LIT("package policy\ndefault x := true\ndefault x := false\n"));
	assert_int_equal(policy.n_unknown, 1);
	load(SPAN_LIT("package policy\ndefault mount_device := data.framework.mount_device\n"));
	assert_int_equal(policy.n_unknown, 1);
}

/* diff calls two policies the same only when all that they hold is known and equal. */
static void test_same(void **state)
{
	static struct rego_policy other;
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "api_version := \"1\"\nallow_dump_stacks := true", "allow_dump_stacks = true # x\napi_version := `1`", true },
		{ "x := 1", "x := 1", false }, { "containers := [{\"x\":1}]", "containers := [{\"x\":1}]", false },
		{ "containers := [{\"name\":\"a\",\"id\":\"b\"}]", "containers := [{\"id\":\"b\",\"name\":\"\\u0061\"}]", true },
		{ "containers := [{\"name\":\"a\"},{\"name\":\"b\"}]", "containers := [{\"name\":\"b\"},{\"name\":\"a\"}]", true },
		{ "containers := [{\"command\":[\"a\",\"b\"]}]", "containers := [{\"command\":[\"b\",\"a\"]}]", false },
		{ "containers := [{\"command\":[\"a\\\" \\\"b\"]}]", "containers := [{\"command\":[\"a\",\"b\"]}]", false },
		{ "containers := [{\"env_rules\":[{\"pattern\":\"\\u00f6\"}]}]", "containers := [{\"env_rules\":[{\"pattern\":\"\\u00e4\"}]}]", false },
		{ "allow_dump_stacks := true", "default allow_dump_stacks := true", true },
		{ "default allow_dump_stacks := true", "default allow_dump_stacks := true\nallow_dump_stacks := false", false }, { "allow_dump_stacks := null", "allow_dump_stacks := null", false },
		{ "p { true }", "p { true }", false }, { "mount_device := {\"allowed\":true,\"x\":1}", "mount_device := {\"allowed\":true,\"x\":1}", false },
		{ "platform_rules := []", "", false }, { "reason := data.framework.reason", "", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char a[512], b[512];
		struct why w;

		snprintf(a, sizeof a, "package policy\n%s\n", cases[i].a);
		snprintf(b, sizeof b, "package policy\n%s\n", cases[i].b);
		load(span_str(a));
		assert_int_equal(rego_read(&other, span_str(b), &w), ERR_OK);
		if (shape_same(&policy, &other) != cases[i].same)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
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

UNIT(simulate)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ours_is_tight), cmocka_unit_test(test_other_forms), cmocka_unit_test(test_not_understood),
		cmocka_unit_test(test_no_policy), cmocka_unit_test(test_false_pause), cmocka_unit_test(test_create),
		cmocka_unit_test(test_create_refused), cmocka_unit_test(test_life), cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_not_to_be_judged), cmocka_unit_test(test_unknown_points), cmocka_unit_test(test_versions),
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_platform_rules), cmocka_unit_test(test_loose_unknown),
		cmocka_unit_test(test_strings), cmocka_unit_test(test_default), cmocka_unit_test(test_same), cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
