/* The SNP guest device: one ioctl, three layers of errors. */
#include "os/snp_device.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/out.h"

/* The two requests made: SNP_GET_REPORT, _IOWR('S', 0, 32 bytes), and MSG_REPORT of the legacy driver, _IOWR('S', 1, 40 bytes). */
#define SNP_IOCTL_GUEST 0xC0205300u
#define SNP_IOCTL_LEGACY 0xC0285301u

static const struct seal_call device_calls[] = {
	SEAL_ALLOW_IF(openat, { 3, O_CLOEXEC | SEAL_LARGEFILE, O_RDWR, O_RDWR }), /* the SNP device */
	SEAL_ALLOW_IF(ioctl, EITHER(2, SNP_IOCTL_GUEST, SNP_IOCTL_LEGACY)), /* a report of the SNP device */
};
static const struct seal_path device_paths[] = { { "/dev/sev-guest", SEAL_DEVICE }, { "/dev/sev", SEAL_DEVICE } };
const struct seal_list snp_device_seal = { SEAL_CALLS(device_calls), SEAL_PATHS(device_paths) };

/* The structures are written down here, not taken from kernel headers: the build then needs no kernel source, and the
 * sizes below are the ones the ioctl numbers encode. */

/* MSG_REPORT_REQ (azure-protocols.md 1.4). Everything after the report data is zero: VMPL 0, key by the host's choice. */
struct report_req {
	uint8_t report_data[64];
	uint32_t vmpl;
	uint32_t key_sel;
	uint8_t reserved[24];
};
_Static_assert(sizeof(struct report_req) == 96, "MSG_REPORT_REQ is 96 bytes");

/* struct snp_guest_request_ioctl of /dev/sev-guest (1.2). */
struct guest_request {
	uint8_t msg_version; /* must not be zero */
	uint8_t pad[7];
	uint64_t req_data, resp_data; /* addresses */
	uint32_t fw_error, vmm_error; /* the two halves of exitinfo2, valid only when the ioctl failed */
};
_Static_assert(sizeof(struct guest_request) == 32, "snp_guest_request_ioctl is 32 bytes");

/* Argument of the legacy driver (1.3). */
struct legacy_request {
	uint8_t req_msg_type, rsp_msg_type, msg_version, pad0;
	uint16_t request_len, pad1;
	uint64_t request_addr;
	uint16_t response_len, pad2[3];
	uint64_t response_addr;
	uint32_t error, pad3;
};
_Static_assert(sizeof(struct legacy_request) == 40, "legacy guest request is 40 bytes");
enum { MSG_REPORT_REQ = 5, MSG_REPORT_RSP = 6, LEGACY_RESPONSE_LEN = 1280 };

/* MSG_REPORT_RSP: STATUS, REPORT_SIZE, 24 reserved bytes, then the report. The upstream kernel always copies 4000. */
enum { RSP_STATUS = 0, RSP_SIZE = 4, RSP_REPORT = 32, RESPONSE_LEN = 4000 };

/* exitinfo2: the upstream driver presets the firmware half to this before it asks the host. */
#define FW_NOT_CALLED 0xffu
enum { VMM_INVALID_LEN = 1, VMM_BUSY = 2 };

static const struct advice report_advice[] = {
	{ ERR_SYSTEM, "the SNP guest device could not be opened, or its driver failed",
	  "check that the process may use the device; restart the container group" },
	{ ERR_OK, "the device's report does not answer this request, or is not as AMD specifies it",
	  "restart the container group on another host" },
};
const struct step STEP_REPORT[1] = { { "snp_report", true, STEP_ADVICE(report_advice) } };

const char *snp_device_path(enum snp_device d)
{
	static const char *const paths[] = { [SNP_DEVICE_SEV_GUEST] = "/dev/sev-guest", [SNP_DEVICE_SEV] = "/dev/sev" };

	return paths[d];
}

static int device_open(enum snp_device d)
{
	int fd;

	do {
		fd = openat(AT_FDCWD, snp_device_path(d), O_RDWR | O_CLOEXEC);
	} while (fd < 0 && errno == EINTR);
	return fd;
}

static bool is_absent(int error)
{
	return error == ENOENT || error == ENOTDIR || error == ENXIO || error == ENODEV;
}

/* Opens the first device there is. *d is NONE when there is none; fd is -1 then and when opening failed. */
static int device_open_first(enum snp_device *d)
{
	for (*d = SNP_DEVICE_SEV_GUEST; *d <= SNP_DEVICE_SEV; ++*d) {
		int fd = device_open(*d);

		if (fd >= 0 || !is_absent(errno))
			return fd;
	}
	*d = SNP_DEVICE_NONE;
	return -1;
}

/* Asked by opening, not by stat: what counts is what this process may do under its own restrictions. */
enum snp_device snp_device_present(void)
{
	enum snp_device d;
	int fd = device_open_first(&d);

	if (fd >= 0)
		close(fd);
	return d;
}

/* Through syscall: glibc and musl disagree on the type of ioctl's second argument. */
static int device_ioctl(int fd, unsigned long request, void *argument)
{
	return (int)syscall(SYS_ioctl, (long)fd, request, argument);
}

static uint64_t address_of(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

/* 0 or an errno. The argument is built anew for each try, because the kernel may have written to it. */
static int call(int fd, unsigned long request, void *argument, size_t n)
{
	uint8_t fresh[sizeof(struct legacy_request)];

	memcpy(fresh, argument, n);
	while (device_ioctl(fd, request, argument) != 0) {
		if (errno != EINTR)
			return errno;
		memcpy(argument, fresh, n);
	}
	return 0;
}

static int call_sev_guest(int fd, struct report_req *req, uint8_t *rsp, uint32_t *fw, uint32_t *vmm)
{
	struct guest_request r = { .msg_version = 1, .req_data = address_of(req), .resp_data = address_of(rsp) };
	int error = call(fd, SNP_IOCTL_GUEST, &r, sizeof r);

	*fw = r.fw_error == FW_NOT_CALLED ? 0 : r.fw_error;
	*vmm = r.vmm_error;
	return error;
}

/* This driver does not tell the hypervisor's errors apart. */
static int call_legacy(int fd, struct report_req *req, uint8_t *rsp, uint32_t *fw)
{
	struct legacy_request r = {
		.req_msg_type = MSG_REPORT_REQ, .rsp_msg_type = MSG_REPORT_RSP, .msg_version = 1, .request_len = sizeof *req,
		.request_addr = address_of(req), .response_len = LEGACY_RESPONSE_LEN, .response_addr = address_of(rsp),
	};
	int error = call(fd, SNP_IOCTL_LEGACY, &r, sizeof r);

	*fw = r.error;
	return error;
}

/* The ioctl failed: which layer said no? */
static enum err explain_failure(struct fault *f, int error, uint32_t fw, uint32_t vmm)
{
	f->sys_errno = error;
	f->fw_error = fw;
	f->vmm_error = vmm;
	if (vmm == VMM_BUSY || error == ETIMEDOUT || error == EBUSY || error == EAGAIN) {
		fault_advise(f, "the host limits how often guests may ask for reports",
		             "try again later; ask for fewer reports");
		return fault_set(f, ERR_THROTTLED, STEP_REPORT, "the hypervisor is busy");
	}
	if (vmm != 0) {
		fault_advise(f, vmm == VMM_INVALID_LEN ? "the hypervisor found a buffer too small"
		                                       : "the hypervisor refused the request", "restart the container group");
		return fault_set(f, ERR_FIRMWARE, STEP_REPORT, "the hypervisor refused to give a report");
	}
	if (fw != 0) {
		fault_advise(f, "the SNP firmware refused the guest's message", "restart the container group on another host");
		return fault_set(f, ERR_FIRMWARE, STEP_REPORT, "the SNP firmware refused to give a report");
	}
	if (error == ENOTTY)
		fault_advise(f, "not the SNP guest driver, or the guest's message key was disabled after an earlier firmware error",
		             "restart the container group; on a bare-metal host /dev/sev is another device");
	else if (error == EBADMSG)
		fault_advise(f, "the guest's message sequence with the firmware is broken", "restart the container group");
	return fault_set(f, ERR_SYSTEM, STEP_REPORT, "the SNP guest device failed the request");
}

static enum err check_response(struct fault *f, const uint8_t *rsp)
{
	uint32_t status = load_le32(rsp + RSP_STATUS);

	if (status != 0) {
		struct out code = out_init(f->code, sizeof f->code);

		out_str(&code, "STATUS_0x");
		out_hex_u64(&code, status);
		(void)out_cstr(&code);
		fault_advise(f, status == 0x16 ? "the firmware found the parameters invalid" :
		                status == 0x27 ? "the firmware found the key invalid" : NULL, "restart the container group");
		return fault_set(f, ERR_FIRMWARE, STEP_REPORT, "the SNP firmware answered with an error status");
	}
	if (load_le32(rsp + RSP_SIZE) != SNP_REPORT_LEN)
		return fault_set(f, ERR_PROTOCOL, STEP_REPORT, "the SNP firmware's report has an unexpected size");
	return ERR_OK;
}

enum err snp_device_report(const uint8_t report_data[64], uint8_t report[SNP_REPORT_LEN], struct fault *f)
{
	uint8_t response[RESPONSE_LEN] = { 0 };
	struct report_req request = { 0 };
	uint32_t fw = 0, vmm = 0;
	enum snp_device d;
	enum err err;
	int fd, error;

	fd = device_open_first(&d);
	fault_text(f->service, sizeof f->service, span_str(snp_device_path(d)));
	if (d == SNP_DEVICE_NONE) {
		fault_advise(f, "this is not a confidential container: there is no SNP guest device",
		             "deploy with the Confidential SKU (ACI) or the confidential virtual node (AKS)");
		return fault_set(f, ERR_NO_DEVICE, STEP_REPORT, "no SNP guest device (/dev/sev-guest or /dev/sev)");
	}
	if (fd < 0)
		return fault_set_errno(f, ERR_SYSTEM, STEP_REPORT, "the SNP guest device cannot be opened");
	memcpy(request.report_data, report_data, sizeof request.report_data);
	error = d == SNP_DEVICE_SEV_GUEST ? call_sev_guest(fd, &request, response, &fw, &vmm) : call_legacy(fd, &request, response, &fw);
	err = error ? explain_failure(f, error, fw, vmm) : check_response(f, response);
	if (err == ERR_OK)
		memcpy(report, response + RSP_REPORT, SNP_REPORT_LEN);
	close(fd);
	return err;
}
