/* The access test. */
#include "demo/access_test.h"

#include <string.h>

#include "base/ct.h"
#include "crypto/hash.h"
#include "text/json_write.h"
#include "os/clock.h"
#include "os/lock.h"
#include "demo/probe.h"
#include "attest/attest.h"
#include "snp/context.h"

#define SSH_PORT 22
#define CONNECT_MS 2000
#define WALK_MS 1500
#define PORTS_MAX 64
#define HOST_DATA_AT 0xc0 /* in the report (azure-protocols.md 1.5) */

/* What the policy text says; counts of containers. */
struct policy {
	bool supplied, matches; /* its hash is the report's HOST_DATA */
	uint8_t sha256[SHA256_LEN], host_data[SHA256_LEN];
	unsigned stdio_on, stdio_off, exec_on, exec_off;
};

enum result { BLOCKED, UNEXPECTED, NOT_ENFORCED, RESULTS };
static const char *const result_names[RESULTS] = { "blocked", "unexpected", "not_enforced" };

/* Guarded by the lock, which is held over one test. Nothing secret. */
static struct {
	struct probe_walk walk;
	uint8_t text[CONTEXT_POLICY_MAX];
	uint8_t detail[1024];
	unsigned results[RESULTS];
	struct policy policy;
	bool tee;
} work;
static struct lock work_lock = LOCK_INIT;

/* --- the policy -------------------------------------------------------------------------------------------------- */

static unsigned occurrences(struct span text, const char *what)
{
	unsigned n = 0;

	for (size_t at = 0; at < text.n; at++)
		n += span_starts(span_sub(text, at, text.n), what);
	return n;
}

/* Rego as the tools write it; without blanks, so that any layout reads the same. */
static void read_policy(struct policy *p, struct span text)
{
	struct span compact;
	size_t used = 0;

	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] > ' ')
			work.text[used++] = text.p[i];
	compact = span_of(work.text, used);
	p->stdio_on = occurrences(compact, "\"allow_stdio_access\":true");
	p->stdio_off = occurrences(compact, "\"allow_stdio_access\":false");
	p->exec_off = occurrences(compact, "\"exec_processes\":[]");
	p->exec_on = occurrences(compact, "\"exec_processes\":[") - p->exec_off;
}

static void load_policy(struct policy *p)
{
	uint8_t report[SNP_REPORT_LEN];
	struct span text = attest_policy();

	memset(p, 0, sizeof *p);
	work.tee = attest_device_present() && attest_report(SPAN_LIT("{\"purpose\":\"access-test\"}"), report, NULL) == ERR_OK;
	if (work.tee)
		memcpy(p->host_data, report + HOST_DATA_AT, sizeof p->host_data);
	p->supplied = text.n > 0;
	if (!p->supplied)
		return;
	hash_sha256(text, p->sha256);
	p->matches = work.tee && ct_equal(p->sha256, p->host_data, sizeof p->sha256);
	read_policy(p, text);
}

/* --- writing ----------------------------------------------------------------------------------------------------- */

static void begin_test(struct jw *w, const char *name, const char *method, enum result r, struct out *detail, const char *rule)
{
	work.results[r]++;
	jw_object(w, NULL);
	jw_str(w, "name", name);
	jw_str(w, "method", method);
	jw_str(w, "result", result_names[r]);
	jw_str(w, "detail", out_cstr(detail));
	jw_str(w, "policy_rule", rule);
	jw_object(w, "evidence");
}

static void end_test(struct jw *w)
{
	jw_end_object(w);
	jw_end_object(w);
}

static void tell_policy(struct out *d, bool denies, const char *denied)
{
	const struct policy *p = &work.policy;
	bool shown = p->matches && denies;

	out_strs(d, shown ? denied : !work.tee ? "there is no SEV-SNP hardware here that would enforce a policy" :
	         !p->supplied ? "no policy text is at hand to compare with the report" :
	         p->matches ? "the measured policy does not deny it" : "the policy text at hand is not the measured one",
	         shown ? "; the policy's hash is the HOST_DATA of a fresh report." : ".");
}

/* --- the four tests ---------------------------------------------------------------------------------------------- */

static void test_ssh(struct jw *w)
{
	struct out d = out_init(work.detail, sizeof work.detail);
	uint16_t ports[PORTS_MAX];
	size_t n;
	bool readable = probe_listeners(ports, PORTS_MAX, &n), listed = false;
	int error = probe_connect(SSH_PORT, clock_ms() + CONNECT_MS);

	for (size_t i = 0; i < n; i++)
		listed |= ports[i] == SSH_PORT;
	out_strs(&d, "Connecting to 127.0.0.1:22: ", probe_errno_name(error), readable ? ". Ports that listen in this network namespace are in the evidence; the image holds no SSH server." :
	                       ". The kernel's list of listening sockets is not readable.");
	begin_test(w, "SSH Connection (port 22)", "TCP connection to 127.0.0.1:22; listening sockets from /proc/net/tcp and tcp6",
	           error == 0 || listed ? UNEXPECTED : BLOCKED, &d, "no rule needed: nothing listens");
	jw_str(w, "connect", probe_errno_name(error));
	jw_array(w, "listening_ports");
	for (size_t i = 0; i < n; i++)
		jw_u64(w, NULL, ports[i]);
	jw_end_array(w);
	end_test(w);
}

static void write_walk(struct jw *w)
{
	const struct probe_walk *k = &work.walk;

	jw_u64(w, "files_seen", k->files);
	jw_u64(w, "other_executables", k->executables);
	jw_bool(w, "whole_file_system_seen", k->complete);
	jw_array(w, "examples");
	for (size_t i = 0; i < k->executables && i < PROBE_SHOWN; i++)
		jw_str(w, NULL, k->shown[i]);
	jw_end_array(w);
}

static void test_exec(struct jw *w)
{
	static const char *const shells[] = { "/bin/sh", "/bin/bash", "/usr/bin/sh", "/busybox", "/bin/busybox" };
	enum { SHELLS = sizeof shells / sizeof shells[0] };
	struct out d = out_init(work.detail, sizeof work.detail);
	const struct policy *p = &work.policy;
	bool denied = p->matches && p->exec_off && !p->exec_on, shell = false;
	int error[SHELLS];

	for (size_t i = 0; i < SHELLS; i++) {
		error[i] = probe_executable(shells[i]);
		shell |= error[i] == 0;
	}
	probe_executables(&work.walk, clock_ms() + WALK_MS);
	out_strs(&d, shell ? "There is a shell in this file system" : "No shell exists in this file system",
	         work.walk.executables ? ", and other executables than this server" : work.walk.complete ? ", and no executable but this server" : "",
	         ". As for the platform's exec: ");
	tell_policy(&d, denied, "no process may be added (exec_processes is empty)");
	begin_test(w, "Container Exec (az container exec / docker exec)",
	           "access(2) of the usual shells, a walk over the file system, and the measured policy",
	           denied ? BLOCKED : shell || p->exec_on ? UNEXPECTED : NOT_ENFORCED, &d, "exec_processes: []");
	jw_object(w, "shells");
	for (size_t i = 0; i < SHELLS; i++)
		jw_str(w, shells[i], probe_errno_name(error[i]));
	jw_end_object(w);
	write_walk(w);
	end_test(w);
}

static void test_stdio(struct jw *w)
{
	struct out d = out_init(work.detail, sizeof work.detail);
	const struct policy *p = &work.policy;
	const char *input = probe_stdin();
	bool denied = p->matches && p->stdio_off && !p->stdio_on, terminal = span_eq_str(SPAN_LIT("terminal"), input);

	out_strs(&d, "Standard input: ", input, ". As for attaching: ");
	tell_policy(&d, denied, "standard streams are not connected (allow_stdio_access is false)");
	begin_test(w, "Interactive Shell (stdin/stdout attach)", "what descriptor 0 is, and the measured policy",
	           terminal ? UNEXPECTED : denied ? BLOCKED : NOT_ENFORCED, &d, "allow_stdio_access: false");
	jw_str(w, "stdin", input);
	end_test(w);
}

static void write_known(struct jw *w, const char *name, int64_t v)
{
	if (v < 0)
		jw_null(w, name);
	else
		jw_i64(w, name, v);
}

static void test_privilege(struct jw *w)
{
	struct out d = out_init(work.detail, sizeof work.detail);
	struct probe_self self;
	bool held;

	probe_self(&self);
	enum { DEV_MEM, SELF_MEM, EXECVE, SETUID, TRIED };
	const struct {
		const char *name, *text;
		int error; /* -1: not tried */
	} tried[TRIED] = {
		[DEV_MEM] = { "dev_mem", "/dev/mem: ", probe_open("/dev/mem", false) },
		[SELF_MEM] = { "self_mem", "; /proc/self/mem for writing: ", probe_open("/proc/self/mem", true) },
		[EXECVE] = { "execve", "; execve: ", probe_execve() },
		[SETUID] = { "setuid_0", "; setuid(0): ", probe_become_root(&self) },
	};

	/* Without Landlock a process may write its own memory so. */
	held = self.caps_known && self.cap_eff == 0 && self.no_new_privs == 1 && tried[SELF_MEM].error != 0;
	out_strs(&d, self.uid == 0 ? "The process runs as root" : "The process does not run as root",
	         self.no_new_privs == 1 ? "; the kernel lets it gain no privileges (no_new_privs)" : "; no_new_privs is not set",
	         self.caps_known && self.cap_eff == 0 ? "; it has no capabilities. " : "; it has capabilities. ");
	for (size_t i = 0; i < TRIED; i++)
		out_strs(&d, tried[i].text, tried[i].error < 0 ? "not tried (others' system call filters are in force, too)" :
		         probe_errno_name(tried[i].error));
	out_byte(&d, '.');
	begin_test(w, "Privilege Escalation (become root)", "/proc/self/status; opening memory; execve and setuid(0), which the process's own seal answers",
	           tried[DEV_MEM].error == 0 || tried[EXECVE].error == 0 || tried[SETUID].error == 0 ? UNEXPECTED : held ? BLOCKED : NOT_ENFORCED, &d, "no_new_privileges: true, allow_elevated: false");
	write_known(w, "uid", self.uid);
	write_known(w, "no_new_privs", self.no_new_privs);
	write_known(w, "seccomp", self.seccomp);
	if (self.caps_known)
		jw_u64(w, "cap_eff", self.cap_eff);
	for (size_t i = 0; i < TRIED; i++)
		jw_str(w, tried[i].name, tried[i].error < 0 ? "not tried" : probe_errno_name(tried[i].error));
	end_test(w);
}

/* --- the whole --------------------------------------------------------------------------------------------------- */

static void write_policy(struct jw *w)
{
	const struct policy *p = &work.policy;

	jw_object(w, "policy");
	jw_bool(w, "supplied", p->supplied);
	if (p->supplied)
		jw_hex(w, "sha256", span_of(p->sha256, sizeof p->sha256));
	if (work.tee)
		jw_hex(w, "host_data", span_of(p->host_data, sizeof p->host_data));
	jw_bool(w, "matches_host_data", p->matches);
	jw_bool(w, "stdio_denied", p->stdio_off && !p->stdio_on);
	jw_bool(w, "exec_denied", p->exec_off && !p->exec_on);
	jw_end_object(w);
}

static void write_summary(struct jw *w)
{
	struct out o = out_init(work.detail, sizeof work.detail);

	for (size_t i = 0; i < RESULTS; i++) {
		out_str(&o, i ? ", " : "");
		out_u64(&o, work.results[i]);
		out_strs(&o, " ", i == NOT_ENFORCED ? "not enforced" : result_names[i]);
	}
	out_str(&o, work.tee ? "; in a TEE" : "; not in a TEE");
	jw_str(w, "summary", out_cstr(&o));
}

enum err access_test_run(struct out *result, int64_t deadline_ms)
{
	struct jw w = jw_init(result);

	if (!lock_take_until(&work_lock, deadline_ms))
		return ERR_TIMEOUT;
	memset(work.results, 0, sizeof work.results);
	load_policy(&work.policy);
	jw_object(&w, NULL);
	jw_str(&w, "status", "complete");
	jw_bool(&w, "tee", work.tee);
	jw_array(&w, "tests");
	test_ssh(&w);
	test_exec(&w);
	test_stdio(&w);
	test_privilege(&w);
	jw_end_array(&w);
	write_summary(&w);
	write_policy(&w);
	jw_str(&w, "policy_reference", work.policy.matches ? "The rules quoted are of the security policy whose SHA-256 the hardware report carries." :
	                               "No policy that the hardware vouches for could be read: the rules quoted are what a deployment should have.");
	jw_end_object(&w);
	lock_release(&work_lock);
	return result->bad ? ERR_TOO_BIG : ERR_OK;
}
