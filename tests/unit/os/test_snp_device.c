/* The SNP device: exact bytes of both ioctls, and three layers of errors kept apart. The kernel is played by the
 * functions below: the source is compiled into this test with its system calls renamed. */
#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t.h"

static int fake_open(int dir, const char *path, int flags);
static int fake_close(int fd);
static long fake_syscall(long number, long fd, unsigned long request, void *argument);
#define openat fake_open
#define close fake_close
#define syscall fake_syscall
#include "os/snp_device.c"
#undef openat
#undef close
#undef syscall

/* What the played kernel does, and what it saw. */
static struct {
	bool sev_guest, sev;
	int open_errno;          /* for a device that is there */
	int errnos[4];           /* of the ioctl, one a call; 0: success */
	uint32_t fw, vmm;        /* written back on failure */
	uint32_t status, size;
	size_t calls, opened, closed;
	unsigned long request;
	uint8_t argument[40], asked[96];
} kernel;

static int fake_open(int dir, const char *path, int flags)
{
	bool there = strcmp(path, "/dev/sev-guest") == 0 ? kernel.sev_guest : kernel.sev;

	assert_int_equal(dir, AT_FDCWD);
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	if (!there) {
		errno = ENOENT;
		return -1;
	}
	if (kernel.open_errno) {
		errno = kernel.open_errno;
		return -1;
	}
	kernel.opened++;
	return 77;
}

static int fake_close(int fd)
{
	assert_int_equal(fd, 77);
	kernel.closed++;
	errno = EIO; /* must not be what is reported */
	return 0;
}

static void respond(uint64_t address, size_t cap)
{
	uint8_t *p = (uint8_t *)(uintptr_t)address;

	memset(p, 0, cap);
	for (int i = 0; i < 4; i++) {
		p[i] = (uint8_t)(kernel.status >> (8 * i));
		p[4 + i] = (uint8_t)(kernel.size >> (8 * i));
	}
	for (size_t i = 0; i < SNP_REPORT_LEN; i++)
		p[32 + i] = (uint8_t)(i * 7);
}

static long fake_syscall(long number, long fd, unsigned long request, void *argument)
{
	bool legacy = request == 0xC0285301UL;
	uint8_t *a = argument;
	int error = kernel.errnos[kernel.calls < 4 ? kernel.calls : 3];
	const uint8_t *req = (const uint8_t *)(uintptr_t)load_le64(a + 8);

	assert_int_equal(number, SYS_ioctl);
	assert_int_equal(fd, 77);
	kernel.calls++;
	kernel.request = request;
	memcpy(kernel.argument, a, legacy ? 40 : 32);
	memcpy(kernel.asked, req, 96);
	if (error) {
		uint8_t *at = a + (legacy ? 32 : 24);

		for (int i = 0; i < 4; i++) {
			at[i] = (uint8_t)(kernel.fw >> (8 * i));
			if (!legacy)
				at[4 + i] = (uint8_t)(kernel.vmm >> (8 * i));
		}
		errno = error;
		return -1;
	}
	respond(load_le64(a + (legacy ? 24 : 16)), legacy ? 1280 : 4000);
	return 0;
}

static uint8_t data[64], report[SNP_REPORT_LEN];
static struct fault f;

static enum err ask(void)
{
	enum err err;

	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i + 1);
	memset(report, 0xee, sizeof report);
	memset(&f, 0, sizeof f);
	kernel.size = kernel.size ? kernel.size : SNP_REPORT_LEN;
	err = snp_device_report(data, report, &f);
	assert_int_equal(kernel.opened, kernel.closed);
	if (err)
		assert_int_equal(report[0], 0xee); /* nothing goes out on failure */
	return err;
}

static int reset(void **state)
{
	(void)state;
	memset(&kernel, 0, sizeof kernel);
	return 0;
}

static void assert_request(void)
{
	static const uint8_t zero[32];

	assert_memory_equal(kernel.asked, data, 64);
	assert_memory_equal(kernel.asked + 64, zero, 32); /* VMPL 0, KEY_SEL 0 */
	for (size_t i = 0; i < SNP_REPORT_LEN; i++)
		assert_int_equal(report[i], (uint8_t)(i * 7));
}

static void upstream_driver(void **state)
{
	static const uint8_t head[8] = { 1 }, exitinfo[8];

	(void)state;
	kernel.sev_guest = kernel.sev = true; /* the upstream one is preferred */
	assert_int_equal(ask(), ERR_OK);
	assert_true(kernel.request == 0xC0205300UL);
	assert_memory_equal(kernel.argument, head, 8);
	assert_memory_equal(kernel.argument + 24, exitinfo, 8);
	assert_request();
	assert_string_equal(f.service, "/dev/sev-guest");
	assert_int_equal(kernel.opened, 1);
}

static void legacy_driver(void **state)
{
	static const uint8_t head[8] = { 5, 6, 1, 0, 96, 0, 0, 0 }, length[8] = { 0x00, 0x05 }, tail[8];

	(void)state;
	kernel.sev = true;
	assert_int_equal(ask(), ERR_OK);
	assert_true(kernel.request == 0xC0285301UL);
	assert_memory_equal(kernel.argument, head, 8);
	assert_memory_equal(kernel.argument + 16, length, 8); /* 1280 */
	assert_memory_equal(kernel.argument + 32, tail, 8);
	assert_request();
	assert_string_equal(f.service, "/dev/sev");
}

static void no_device(void **state)
{
	(void)state;
	assert_int_equal(snp_device_present(), SNP_DEVICE_NONE);
	assert_int_equal(ask(), ERR_NO_DEVICE);
	assert_non_null(f.cause);
	assert_non_null(f.remedy);
	assert_int_equal(kernel.calls, 0);
	assert_null(snp_device_path(SNP_DEVICE_NONE));
}

static void presence(void **state)
{
	(void)state;
	kernel.sev = true;
	assert_int_equal(snp_device_present(), SNP_DEVICE_SEV);
	kernel.sev_guest = true;
	assert_int_equal(snp_device_present(), SNP_DEVICE_SEV_GUEST);
	assert_int_equal(kernel.opened, kernel.closed);
	kernel.open_errno = EACCES; /* there, though not for us */
	assert_int_equal(snp_device_present(), SNP_DEVICE_SEV_GUEST);
	assert_int_equal(ask(), ERR_SYSTEM);
	assert_int_equal(f.sys_errno, EACCES);
}

static void interrupted_calls_are_repeated(void **state)
{
	(void)state;
	kernel.sev_guest = true;
	kernel.errnos[0] = kernel.errnos[1] = EINTR;
	kernel.fw = 0xff; /* what the driver leaves in the structure must not stay in it */
	assert_int_equal(ask(), ERR_OK);
	assert_int_equal(kernel.calls, 3);
	assert_int_equal(kernel.argument[24], 0);
}

static enum err failing(int error, uint32_t fw, uint32_t vmm)
{
	memset(&kernel, 0, sizeof kernel);
	kernel.sev_guest = true;
	for (int i = 0; i < 4; i++)
		kernel.errnos[i] = error;
	kernel.fw = fw;
	kernel.vmm = vmm;
	return ask();
}

static void layers_are_kept_apart(void **state)
{
	(void)state;
	/* hypervisor */
	assert_int_equal(failing(EIO, 0xff, 2), ERR_THROTTLED);
	assert_int_equal(f.vmm_error, 2);
	assert_int_equal(f.fw_error, 0);
	assert_int_equal(f.sys_errno, EIO);
	assert_int_equal(failing(ETIMEDOUT, 0xff, 2), ERR_THROTTLED);
	assert_int_equal(failing(EIO, 0xff, 1), ERR_FIRMWARE);
	assert_int_equal(f.vmm_error, 1);
	/* firmware */
	assert_int_equal(failing(EIO, 0x16, 0), ERR_FIRMWARE);
	assert_int_equal(f.fw_error, 0x16);
	assert_int_equal(f.vmm_error, 0);
	/* kernel: the preset 0xff says that the firmware was not asked */
	assert_int_equal(failing(ENOTTY, 0xff, 0), ERR_SYSTEM);
	assert_int_equal(f.fw_error, 0);
	assert_int_equal(f.sys_errno, ENOTTY);
	assert_non_null(f.cause);
	assert_int_equal(failing(EBADMSG, 0, 0), ERR_SYSTEM);
	assert_int_equal(f.sys_errno, EBADMSG);
}

static void legacy_firmware_error(void **state)
{
	(void)state;
	kernel.sev = true;
	for (int i = 0; i < 4; i++)
		kernel.errnos[i] = EIO;
	kernel.fw = 0x11;
	assert_int_equal(ask(), ERR_FIRMWARE);
	assert_int_equal(f.fw_error, 0x11);
}

static void response_is_checked(void **state)
{
	(void)state;
	kernel.sev_guest = true;
	kernel.status = 0x16;
	assert_int_equal(ask(), ERR_FIRMWARE);
	assert_string_equal(f.code, "STATUS_0x16");
	assert_int_equal(f.sys_errno, 0); /* the call itself succeeded */
	kernel.status = 0;
	kernel.size = SNP_REPORT_LEN - 1;
	assert_int_equal(ask(), ERR_PROTOCOL);
	kernel.size = 0x10000 + SNP_REPORT_LEN;
	assert_int_equal(ask(), ERR_PROTOCOL);
	kernel.size = SNP_REPORT_LEN;
	assert_int_equal(ask(), ERR_OK);
}

UNIT(snp_device)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(upstream_driver, reset), cmocka_unit_test_setup(legacy_driver, reset),
		cmocka_unit_test_setup(no_device, reset), cmocka_unit_test_setup(presence, reset),
		cmocka_unit_test_setup(interrupted_calls_are_repeated, reset), cmocka_unit_test_setup(layers_are_kept_apart, reset),
		cmocka_unit_test_setup(legacy_firmware_error, reset), cmocka_unit_test_setup(response_is_checked, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
