/* snpbox_client: asks the guest device for reports and prints them, or all layers of the error; see usage(). */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct guest {
	uint8_t msg_version, pad[7];
	uint64_t req, resp, exitinfo2;
};
struct legacy {
	uint8_t req_type, rsp_type, msg_version, pad0;
	uint16_t request_len, pad1;
	uint64_t request;
	uint16_t response_len, pad2[3];
	uint64_t response;
	uint32_t error, pad3;
};
#define GET_REPORT 0xC0205300ul
#define GET_EXT_REPORT 0xC0205302ul
#define LEGACY_REPORT 0xC0285301ul
#define UNKNOWN_CMD 0xC0205307ul

static uint8_t report_data[64];
static uint32_t vmpl, key_sel;
static int legacy, repeat = 1, threads = 1;
static long ext = -1;
static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;

static void usage(void)
{
	fprintf(stderr, "snpbox_client [-l] [-v VMPL] [-k KEY_SEL] [-e CERTS_LEN] [-n REPEAT] [-t THREADS] [-f] [-u] [-s] HEX\n"
			"snpbox_client -p\n"
			"  HEX   report data, at most 64 bytes, zero-filled    -l  /dev/sev instead of /dev/sev-guest\n"
			"  -e    extended request with a certificate buffer    -f  ask in a forked child, on a duplicate\n"
			"  -u    become non-dumpable first                     -s  put on a seccomp filter of its own first\n"
			"  -p    try what the driver refuses: lines of name, errno, exitinfo2\n");
	exit(2);
}

static void print_hex(const char *head, const uint8_t *p, size_t n)
{
	fputs(head, stdout);
	for (size_t i = 0; i < n; i++)
		printf("%02x", p[i]);
	putchar('\n');
}

static int device_open(void)
{
	int fd = open(legacy ? "/dev/sev" : "/dev/sev-guest", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		printf("open errno=%d\n", errno);
		exit(1);
	}
	return fd;
}

/* One request: prints the report or one line of error. True on success. */
static int ask(int fd)
{
	static _Thread_local uint8_t req[112], rsp[4000];
	uint32_t status, size, certs_len = 0;
	uint64_t info;
	uint8_t *certs = NULL;
	int rc;

	memset(req, 0, sizeof req);
	memset(rsp, 0xaa, sizeof rsp);
	memcpy(req, report_data, 64);
	memcpy(req + 64, &vmpl, 4);
	memcpy(req + 68, &key_sel, 4);
	if (ext >= 0) {
		certs = calloc(1, 65536);
		certs_len = (uint32_t)ext;
		memcpy(req + 96, &certs, 8);
		memcpy(req + 104, &certs_len, 4);
	}
	if (legacy) {
		struct legacy q = {.req_type = 5, .rsp_type = 6, .msg_version = 1, .request_len = 96,
				   .request = (uintptr_t)req, .response_len = 1280, .response = (uintptr_t)rsp};
		rc = ioctl(fd, LEGACY_REPORT, &q);
		info = q.error;
	} else {
		struct guest g = {.msg_version = 1, .req = (uintptr_t)req, .resp = (uintptr_t)rsp};
		rc = ioctl(fd, ext >= 0 ? GET_EXT_REPORT : GET_REPORT, &g);
		info = g.exitinfo2;
	}
	int e = rc == 0 ? 0 : errno;
	memcpy(&status, rsp, 4);
	memcpy(&size, rsp + 4, 4);
	memcpy(&certs_len, req + 104, 4);
	if (e != 0)
		status = size = 0;
	pthread_mutex_lock(&out_lock);
	int ok = e == 0 && status == 0 && size == 1184;
	if (ok)
		print_hex("", rsp + 32, 1184);
	else
		printf("error errno=%d fw=0x%x vmm=0x%x status=0x%x size=%u certs_len=%u\n", e, (unsigned)info,
		       (unsigned)(info >> 32), status, size, certs_len);
	if (ok && ext > 0)
		print_hex("certs ", certs, (size_t)ext);
	pthread_mutex_unlock(&out_lock);
	free(certs);
	return ok;
}

static void *asker(void *failures)
{
	int fd = device_open();
	for (int i = 0; i < repeat; i++)
		if (!ask(fd))
			__atomic_add_fetch((int *)failures, 1, __ATOMIC_RELAXED);
	close(fd);
	return NULL;
}

/* A filter of our own on top, for all threads: refuses getppid, allows the rest. */
static void seal(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = sizeof code / sizeof code[0], .filter = code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &prog) != 0 ||
	    syscall(SYS_getppid) != -1) {
		printf("seal errno=%d\n", errno);
		exit(3);
	}
}

static void probe_line(const char *what, int rc, uint64_t info)
{
	printf("%s %d %llx\n", what, rc == 0 ? 0 : errno, (unsigned long long)info);
}

static void probe_one(int fd, const char *what, unsigned long cmd, uint8_t version, const void *req, const void *resp)
{
	struct guest g = {.msg_version = version, .req = (uintptr_t)req, .resp = (uintptr_t)resp, .exitinfo2 = 0x5555};
	int rc = ioctl(fd, cmd, &g);
	probe_line(what, rc, g.exitinfo2);
}

/* What the driver refuses, and what becomes of the descriptor: "name errno exitinfo2" lines. */
static void probe(void)
{
	static uint8_t req[112], rsp[4000];
	uint8_t *none = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct stat st;
	int fd = device_open();

	memset(rsp, 0xaa, sizeof rsp);
	probe_one(fd, "good", GET_REPORT, 1, req, rsp);
	printf("filled %d\n", rsp[1216] == 0 && rsp[3999] == 0);
	probe_one(fd, "version", GET_REPORT, 0, req, rsp);
	probe_one(fd, "null-request", GET_REPORT, 1, NULL, rsp);
	probe_one(fd, "null-response", GET_REPORT, 1, req, NULL);
	probe_one(fd, "bad-request", GET_REPORT, 1, none, rsp);
	probe_one(fd, "bad-response", GET_REPORT, 1, req, none);
	probe_line("bad-argument", ioctl(fd, GET_REPORT, none), 0);
	probe_one(fd, "derived-key", 0xC0205301ul, 1, req, rsp);
	probe_one(fd, "unknown", UNKNOWN_CMD, 1, req, rsp);
	probe_one(fd, "legacy-number", LEGACY_REPORT, 1, req, rsp);
	memcpy(req + 96, &none, 8);
	req[104] = 1; /* not a multiple of the page size */
	probe_one(fd, "ext-unaligned", GET_EXT_REPORT, 1, req, rsp);
	memset(req + 96, 0, 16);
	req[72] = 1;
	rsp[0] = 0;
	probe_one(fd, "reserved-set", GET_REPORT, 1, req, rsp);
	printf("reserved-status %x\n", rsp[0]);
	req[72] = 0;
	int other = open("/dev/null", O_RDWR);
	probe_one(other, "other-file", GET_REPORT, 1, req, rsp);
	dup2(other, fd);
	probe_one(fd, "replaced", GET_REPORT, 1, req, rsp);
	close(other);
	probe_one(other, "closed", GET_REPORT, 1, req, rsp);
	memset(&st, 0, sizeof st);
	int rc = stat("/dev/sev-guest", &st);
	printf("stat %d %o\n", rc, (unsigned)st.st_mode);
	printf("access %d\n", access("/dev/sev-guest", R_OK | W_OK));
	printf("legacy-access %d\n", access("/dev/sev", F_OK) == 0 ? 0 : errno);
	printf("relative %d\n", chdir("/dev") == 0 && open("./sev-guest", O_RDWR) >= 0);
}

static int run(int forked)
{
	pthread_t t[64];
	int failures = 0;

	if (forked) {
		int status, fd = fcntl(device_open(), F_DUPFD, 50);
		pid_t pid = fork();
		if (pid == 0)
			exit(ask(fd) ? 0 : 1);
		return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 3;
	}
	if (threads == 1) {
		asker(&failures);
	} else {
		for (int i = 0; i < threads; i++)
			pthread_create(&t[i], NULL, asker, &failures);
		for (int i = 0; i < threads; i++)
			pthread_join(t[i], NULL);
	}
	fflush(stdout);
	return failures != 0;
}

int main(int argc, char **argv)
{
	int c, forked = 0;

	while ((c = getopt(argc, argv, "lv:k:e:n:t:fusp")) != -1) {
		switch (c) {
		case 'l': legacy = 1; break;
		case 'v': vmpl = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'k': key_sel = (uint32_t)strtoul(optarg, NULL, 0); break;
		case 'e': ext = atol(optarg); break;
		case 'n': repeat = atoi(optarg); break;
		case 't': threads = atoi(optarg); break;
		case 'f': forked = 1; break;
		case 'u': prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); break;
		case 's': seal(); break;
		case 'p': probe(); return 0;
		default: usage();
		}
	}
	if (optind + 1 != argc || strlen(argv[optind]) > 128 || threads < 1 || threads > 64 || ext > 65536)
		usage();
	const char *hex = argv[optind];
	for (size_t i = 0; hex[2 * i] != 0; i++)
		if (sscanf(hex + 2 * i, "%2hhx", &report_data[i]) != 1)
			usage();
	return run(forked);
}
