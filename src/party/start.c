/* A program that is a party. */
#include "party/start.h"

#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/version.h"
#include "azure/identity.h"
#include "crypto/x509.h"
#include "os/clock.h"
#include "os/file.h"
#include "os/mem.h"
#include "os/seal.h"
#include "os/thread.h"
#include "party/query/analyze.h"
#include "attest/attest.h"
#include "party/autoinit.h"
#include "attest/certificate.h"
#include "conf/confine.h"
#include "attest/evidence.h"
#include "attest/keys.h"
#include "party/peer.h"
#include "http/session.h"
#include "party/rules.h"

#define EXIT_USAGE 2
#define EXIT_START 1
#define STOP_MS 5000
#define SWEEP_MS 250

static struct settings *settings;
static const struct party_program *program;
static struct setting_report report;
static struct seal seal; /* what may still be done after start */
/* TLS keys and their certificates: whole pages of their own. The first of each, with the key, is locked like the key area. Our own,
 * and the one that the vault releases (TLS_KEY). */
#define TLS_PAGES ((sizeof(struct tls_identity) + 4095) / 4096 * 4096)
static union {
	struct tls_identity id;
	uint8_t pages[TLS_PAGES];
} tls __attribute__((aligned(4096))), released __attribute__((aligned(4096)));
_Static_assert(sizeof tls % 4096 == 0, "mem_guard takes whole pages");
_Static_assert(offsetof(struct tls_identity, key) == 0 && sizeof(struct private_key) <= 4096, "the key is in the first page");
static uint8_t pem_text[65536];

static void write_all(int fd, struct span s)
{
	while (s.n) {
		ssize_t n = write(fd, s.p, s.n);

		if (n <= 0)
			return;
		s = span_sub(s, (size_t)n, s.n);
	}
}

/* "parley: " and what is wrong with the settings. */
static void complain(const char *a, struct span b)
{
	uint8_t buf[SETTING_MAX];
	struct out o = out_init(buf, sizeof buf);

	out_strs(&o, program->name, ": ", a);
	out_put(&o, b);
	out_byte(&o, '\n');
	write_all(STDERR_FILENO, out_span(&o));
}

static enum err load_trust(void)
{
	size_t n = 0;
	enum err e = ERR_OK;

	if (settings->trust.anchor_file[0])
		e = file_read_all(settings->trust.anchor_file, pem_text, sizeof pem_text, &n);
	if (e == ERR_OK)
		e = x509_anchors_init(span_of(pem_text, n));
	if (e != ERR_OK)
		complain("EXTRA_TRUST_ANCHOR: cannot be read, or is no PEM bundle of CA certificates: ",
		         span_str(settings->trust.anchor_file));
	return e;
}

/* False where the settings ask for what this program has not. */
static bool fits(void)
{
	bool blob = settings->demo.storage.blob && !program->share, debug = settings->demo.debug_routes && !program->debug;

	if (blob)
		complain("STORAGE: this program shares no records: leave it unset, or local", span_of(NULL, 0));
	if (debug)
		complain("DEBUG_ROUTES: this program has no such routes: leave it unset, or off", span_of(NULL, 0));
	return !blob && !debug;
}

/* What the HTTPS port shows. */
static struct tls_identity *https_identity(void)
{
	return settings->tls.key_name[0] ? &released.id : &tls.id;
}

static enum err load_certificates(void)
{
	struct span pem = settings->tls.cert;
	const char *problem = "the file cannot be read";
	size_t n;
	enum err e = ERR_OK;

	if (!settings->tls.key_name[0])
		return ERR_OK;
	if (!pem.n) {
		e = file_read_all(settings->tls.cert_file, pem_text, sizeof pem_text, &n);
		pem = span_of(pem_text, n);
	}
	if (e == ERR_OK)
		e = tls_identity_given(&released.id, pem, clock_unix(), &problem);
	if (e != ERR_OK)
		log_text(LOG_ERROR, "tls", "TLS_CERT, TLS_CERT_FILE: these certificates cannot be used", "problem", span_str(problem));
	return e;
}

/* The signals are taken one at a time by this thread; every other thread has them blocked. */
static void block_signals(sigset_t *stop)
{
	sigset_t all;

	sigemptyset(stop);
	sigaddset(stop, SIGTERM);
	sigaddset(stop, SIGINT);
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
}

/* The sites as the settings want them. */
static enum err listen_all(void)
{
	struct server_memory memory = program->memory;

	memory.settings = settings;
	memory.operator = &settings->operator;
	for (enum port port = 0; port < PORTS; port++) {
		struct site *site = &program->sites[port];

		site->on = settings->port[port].on;
		site->port = settings->port[port].number;
		site->loopback |= settings->loopback_only;
		site->secure = settings->port[PORT_HTTPS].on ? &program->sites[PORT_HTTPS] : NULL;
		if ((port == PORT_HTTP || port == PORT_HTTPS) && settings->demo.debug_routes)
			site->table[SITE_TABLES - 1] = program->debug;
	}
	program->sites[PORT_HTTPS].identity = https_identity();
	program->sites[PORT_PEER].identity = &tls.id;
	return server_listen(program->sites, PORTS, &memory);
}

static enum err seal_process(void)
{
	return seal_calls(&seal);
}

/* Files are confined before there are threads, which inherit it; system calls when all threads have started and none works yet. */
static enum err seal_and_run(void)
{
	enum err e;

	rules_collect(&seal, settings);
	if (program->seal)
		seal_add(&seal, program->seal);
	e = confine_files(&seal);
	if (e != ERR_OK)
		return e;
	thread_hold();
	e = keys_wrap_start();
	if (e == ERR_OK)
		e = server_start();
	if (e == ERR_OK)
		e = certificate_start();
	if (e == ERR_OK)
		e = autoinit_start(settings, settings->tls.key_name[0] ? &released.id : NULL);
	if (e != ERR_OK) {
		log_line(LOG_ERROR, "seal", "the threads could not be started");
		return e;
	}
	e = thread_go(seal_process);
	if (e == ERR_OK)
		log_num(LOG_INFO, "seal", "system calls confined", "allowed", seal_calls_allowed());
	else
		log_line(LOG_ERROR, "seal", "no seccomp: this kernel or container runtime refuses system call filters; parley does not run unsealed");
	return e;
}

static enum err start(void)
{
	enum err e;

	log_set_level(settings->log.level);
	log_set_name(settings->attest.party ? settings->attest.party : program->name);
	log_text(LOG_INFO, "start", program->name, "version", SPAN_LIT(PARLEY_VERSION));
	if (report.notes[0])
		log_line(LOG_WARN, "settings", report.notes);
	if (!settings->operator.set && !settings->operator.none)
		log_line(LOG_WARN, "settings", "OPERATOR_AUTH is not set: nobody can operate this party");
	identity_log(&settings->attest.identity);
	if (mem_guard(&tls, 4096) != ERR_OK || (settings->tls.key_name[0] && mem_guard(&released, 4096) != ERR_OK))
		log_line(LOG_WARN, "start", "the TLS key's memory could not be locked");
	e = certificate_make(&settings->tls, &settings->attest, &tls.id);
	if (e == ERR_OK)
		e = load_certificates();
	if (e == ERR_OK)
		e = listen_all();
	if (e == ERR_OK)
		e = attest_init(&settings->attest, https_identity()->spki_sha256);
	if (e != ERR_OK)
		return e;
	keys_init();
	evidence_init(https_identity()->spki_sha256);
	peer_init(&tls.id);
	share_init(program->share);
	if (mem_harden_process() != ERR_OK || mem_relro() != ERR_OK) {
		log_line(LOG_ERROR, "start", "capabilities, core dumps or writable constants could not be given up");
		return ERR_SYSTEM;
	}
	e = file_prepare_dir(settings->data_dir);
	if (e != ERR_OK) {
		log_text(LOG_ERROR, "start", "DATA_DIR: the directory cannot be made or written by this user without capabilities", "path", span_str(settings->data_dir));
		return e;
	}
	return seal_and_run();
}

/* The ports that may be opened by now: all when the HTTPS port's key is there, but the partners' only when our certificate tells them
 * who we are, or will not. ERR_MORE: none yet. */
static enum err open_ports(void)
{
	static bool open, peers_open;
	enum err e = open ? ERR_OK : autoinit_tls();

	for (enum port port = 0; port < PORTS && e == ERR_OK && !open; port++)
		if (port != PORT_PEER)
			e = server_open(&program->sites[port]);
	open = e == ERR_OK;
	if (open && !peers_open && !certificate_pending()) {
		e = server_open(&program->sites[PORT_PEER]);
		peers_open = e == ERR_OK;
	}
	return e;
}

/* Until a signal: ERR_OK; or until it is clear that nothing can be served. */
static enum err serve(const sigset_t *stop)
{
	const struct timespec tick = { .tv_nsec = SWEEP_MS * 1000000L };

	for (;;) {
		enum err e = open_ports();

		if (e != ERR_OK && e != ERR_MORE)
			return e;
		if (sigtimedwait(stop, NULL, &tick) > 0)
			return ERR_OK;
		server_sweep();
		tls_sessions_expire();
	}
}

/* What the command line asks for. */
enum command { CHECK, SHOW, VERSION, HELP, RUN, WRONG };

static enum command read_command(int argc, char **argv)
{
	static const char words[][12] = { [CHECK] = "--check", [SHOW] = "--settings", [VERSION] = "--version", [HELP] = "--help" };
	enum command c = CHECK;

	if (argc <= 1)
		return RUN;
	while (c < RUN && !span_eq_str(span_str(words[c]), argv[1]))
		c++;
	return argc == 2 && c < RUN ? c : WRONG;
}

/* What is not served: 0, or 2 for wrong use. */
static int tell(enum command c)
{
	uint8_t buf[256];
	struct out o = out_init(buf, sizeof buf);

	if (c == VERSION)
		out_strs(&o, program->name, " " PARLEY_VERSION "\n");
	else
		out_strs(&o, "usage: ", program->name, " [--check | --settings | --version | --help]\n"
		         "Settings are environment variables: see --settings.\n");
	write_all(c == WRONG ? STDERR_FILENO : STDOUT_FILENO, out_span(&o));
	return c == WRONG ? EXIT_USAGE : 0;
}

/* False when they do not allow a start. */
static bool take_settings(char **envp, enum command c)
{
	struct out all = out_init(pem_text, sizeof pem_text);
	enum err e = conf_read(settings, envp, &report);
	struct span lines = span_str(report.problems);

	if (c == SHOW) {
		conf_write(settings, envp, &all);
		write_all(STDOUT_FILENO, out_span(&all));
	}
	while (lines.n)
		complain("", span_cut(&lines, '\n'));
	if (c != RUN && report.notes[0]) /* the log has them else */
		complain("note: ", span_str(report.notes));
	return e == ERR_OK && fits() && load_trust() == ERR_OK;
}

int party_main(const struct party_program *p, int argc, char **argv, char **envp)
{
	enum command command = read_command(argc, argv);
	sigset_t stop;

	program = p;
	settings = p->settings;
	if (command == VERSION || command == HELP || command == WRONG)
		return tell(command);
	/* Before anything takes time: as PID 1 a SIGTERM without a handler is not even pending, it is lost. */
	block_signals(&stop);
	if (!take_settings(envp, command))
		return EXIT_USAGE;
	if (command != RUN)
		return 0;
	if (start() != ERR_OK || serve(&stop) != ERR_OK) {
		log_line(LOG_ERROR, "start", "start failed; stopping");
		keys_wipe();
		tls_identity_wipe(&tls.id);
		tls_identity_wipe(&released.id);
		return EXIT_START;
	}
	log_line(LOG_INFO, "stop", "stopping: running requests may finish");
	analyze_cancel();
	server_stop(clock_ms() + STOP_MS);
	keys_wipe();
	session_wipe();
	identity_wipe();
	tls_identity_wipe(&tls.id);
	tls_identity_wipe(&released.id);
	log_line(LOG_INFO, "stop", "keys wiped; goodbye");
	return 0;
}
