/* snpbox: runs an unmodified program with a simulated AMD SEV-SNP guest device. A development tool, never shipped.
 * The parts: options, report (what the firmware would answer), certs (extended requests), faults, target (memory and
 * descriptors of the program), device (the ioctls of the guest drivers), path (system calls that name the
 * device), notify (the filter, and who answers).
 * Sources: AMD SEV-SNP firmware ABI (56860), Linux include/uapi/linux/sev-guest.h and drivers/virt/coco/sev-guest. */
#ifndef SNPBOX_H
#define SNPBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define REQ_LEN 96u	 /* MSG_REPORT_REQ */
#define REPORT_LEN 1184u /* ATTESTATION_REPORT */
#define RSP_HEAD_LEN 32u /* of MSG_REPORT_RSP, before the report */
#define RSP_LEN 4000u	 /* what /dev/sev-guest copies out */
#define RSP_LEGACY_LEN 1280u

enum device { DEVICE_NONE, DEVICE_SEV_GUEST, DEVICE_SEV };
#define DEVICE_NAME(d) ((d) == DEVICE_SEV ? "/dev/sev" : "/dev/sev-guest")
enum product { PRODUCT_MILAN, PRODUCT_GENOA, PRODUCT_TURIN };

/* --- options --- */
struct options {
	uint32_t device, product; /* enum device, enum product */
	uint32_t report_version, vmpl, guest_svn;
	uint64_t platform_info;
	uint64_t policy, tcb, current_tcb; /* TCBs in numeric form: the little-endian reading of the eight bytes */
	uint8_t host_data[32], measurement[48], chip_id[64], id_key_digest[48];
	const char *vcek_key, *certs, *faults; /* file names or NULL */
	bool vlek, mask_chip_key, mask_chip_id; /* as the host has configured the firmware */
	bool verbose;
	char **argv; /* the program, NULL terminated */
};
/* Reads the command line and config files. Prints one line and exits with 2 on any error, with 0 on --help. */
void options_parse(struct options *o, int argc, char **argv);

/* --- report --- */
/* Deviations from a good report. */
struct report_edit {
	bool old_tcb, reserved_set, bad_signature, no_report_data, cut;
	uint64_t tcb; /* if old_tcb */
};
/* Loads the signing key and prepares what is the same in all reports. False after a line on stderr. o must stay. */
bool report_init(const struct options *o);
/* Writes MSG_REPORT_RSP for a MSG_REPORT_REQ, zero-filled to RSP_LEN. A request the firmware refuses gives a STATUS.
 * False if signing failed. Safe in several threads. */
bool report_answer(const uint8_t req[REQ_LEN], const struct report_edit *e, uint8_t rsp[RSP_LEN]);
/* Writes MSG_REPORT_RSP with only a STATUS. */
void report_refuse(uint32_t status, uint8_t rsp[RSP_LEN]);

/* --- certs --- */
/* Loads a certificate table: PEM (VCEK, ASK, ARK in this order) or the binary table itself. False after a line. */
bool certs_load(const char *path);
/* Size of the table rounded up to pages, 0 if none is loaded, and its bytes. */
size_t certs_size(void);
const uint8_t *certs_bytes(void);

/* --- faults --- */
enum outcome {
	OUTCOME_REPORT,
	OUTCOME_BUSY,
	OUTCOME_FIRMWARE,
	OUTCOME_VMM,
	OUTCOME_STATUS,
	OUTCOME_ENOTTY,
	OUTCOME_EBADMSG,
	OUTCOME_EINTR
};
struct plan {
	enum outcome outcome;
	uint32_t code; /* of firmware, VMM or STATUS */
	uint32_t delay_ms;
	struct report_edit edit;
};
/* path: NULL for none. It need not exist yet. */
void faults_init(const char *path);
/* What is to happen with this call; counts down. */
struct plan faults_next_ioctl(void);
/* 0 or the errno the open must fail with; counts down. */
int faults_next_open(void);

/* --- target: the thread that made a trapped call --- */
struct target {
	int listener;
	uint64_t id; /* of the notification */
	pid_t tid;
};
/* All return 0 or -errno: -EFAULT as the kernel would, -ESRCH when the call was abandoned meanwhile, -EPERM when the
 * kernel does not let us look (said once on stderr). */
int target_read(const struct target *t, uint64_t addr, void *dst, size_t n);
int target_write(const struct target *t, uint64_t addr, const void *src, size_t n);
/* Reads a path of less than cap bytes; -ENAMETOOLONG if it is longer. */
int target_read_path(const struct target *t, uint64_t addr, char *dst, size_t cap);
/* The directory dirfd (or AT_FDCWD) names. */
int target_read_dir(const struct target *t, int dirfd, char *dst, size_t cap);

/* Opens the file that stands for the device in the program. False after a line on stderr. */
bool target_init(void);
int target_device_fd(void);
/* Is this descriptor of the target the one given out (or a duplicate, in whatever process)? */
bool target_is_device(const struct target *t, int fd);

/* --- device --- */
#define SNP_GET_REPORT_NR 0xC0205300u
#define SNP_GET_DERIVED_KEY_NR 0xC0205301u
#define SNP_GET_EXT_REPORT_NR 0xC0205302u
#define LEGACY_REQUEST_NR 0xC0285300u
#define LEGACY_REPORT_NR 0xC0285301u
#define LEGACY_KEY_NR 0xC0285302u
/* Carries out one ioctl on the device: 0 or -errno. */
int device_ioctl(const struct target *t, enum device d, uint32_t nr, uint64_t arg);

/* --- path --- */
#define PATH_CALLS 10u /* system calls that name a file */
int path_call_nr(size_t i);
/* Answers one of them. */
void path_call(const struct target *t, const struct options *opts, int nr, const uint64_t args[6]);

/* --- notify --- */
/* Ends a trapped call with 0 or -errno, or (SECCOMP_USER_NOTIF_FLAG_CONTINUE) lets the kernel carry it out. */
void notify_send(const struct target *t, int error, uint32_t flags);
/* In the child before exec: installs the filter; the listener, or -1 with errno. */
int notify_install(void);
/* In the supervisor: starts the threads that answer notifications. False after a line on stderr. */
bool notify_start(int listener, const struct options *o);

/* One line on stderr, "snpbox: ...". */
void box_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
