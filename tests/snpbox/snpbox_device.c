/* snpbox: the ioctls of the two guest drivers, answered as the kernel answers them.
 * Upstream: drivers/virt/coco/sev-guest/sev-guest.c (6.x). Legacy: the 5.15 guest driver's MSG_REPORT. */
#include "snpbox.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define VMM_INVALID_LEN 1u
#define VMM_BUSY 2u
#define CERTS_MAX 0x4000u
#define PAGE 4096u

struct guest_request {
	uint8_t msg_version;
	uint8_t pad[7];
	uint64_t req, resp;
	uint64_t exitinfo2; /* bits 31:0 firmware error, 63:32 VMM error */
};
struct ext_request {
	uint8_t req[REQ_LEN];
	uint64_t certs_address;
	uint32_t certs_len, pad;
};
struct legacy_request {
	uint8_t req_type, rsp_type, msg_version, pad0;
	uint16_t request_len, pad1;
	uint64_t request;
	uint16_t response_len, pad2[3];
	uint64_t response;
	uint32_t error, pad3;
};
_Static_assert(sizeof(struct guest_request) == 32 && sizeof(struct ext_request) == 112, "sev-guest.h");
_Static_assert(sizeof(struct legacy_request) == 40, "5.15 driver");

static void wait_ms(uint32_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
	while (nanosleep(&t, &t) != 0)
		;
}

/* The way to the firmware and back: 0 with a response, or -errno. *exitinfo2 is what the driver would have. */
static int firmware_call(const uint8_t req[REQ_LEN], uint8_t rsp[RSP_LEN], uint64_t *exitinfo2)
{
	struct plan p = faults_next_ioctl();

	wait_ms(p.delay_ms);
	*exitinfo2 = 0;
	switch (p.outcome) {
	case OUTCOME_REPORT:
		return report_answer(req, &p.edit, rsp) ? 0 : -EIO;
	case OUTCOME_STATUS:
		report_refuse(p.code, rsp);
		return 0;
	case OUTCOME_BUSY: /* the driver retried for a minute */
		*exitinfo2 = (uint64_t)VMM_BUSY << 32;
		return -ETIMEDOUT;
	case OUTCOME_FIRMWARE:
		*exitinfo2 = p.code;
		return -EIO;
	case OUTCOME_VMM:
		*exitinfo2 = (uint64_t)p.code << 32;
		return -EIO;
	case OUTCOME_ENOTTY:
		return -ENOTTY;
	case OUTCOME_EBADMSG:
		return -EBADMSG;
	case OUTCOME_EINTR:
		return -EINTR;
	}
	return -EIO;
}

static int get_report(const struct target *t, struct guest_request *g)
{
	uint8_t req[REQ_LEN], rsp[RSP_LEN];
	int rc;

	if (g->req == 0 || g->resp == 0)
		return -EINVAL;
	if ((rc = target_read(t, g->req, req, sizeof req)) != 0)
		return rc;
	if ((rc = firmware_call(req, rsp, &g->exitinfo2)) != 0)
		return rc;
	return target_write(t, g->resp, rsp, sizeof rsp);
}

/* The host's side of the certificate buffer: too few pages for what there is. A guest that asks with none learns the
 * size that way; a host without certificates (Azure) never minds. */
static bool certs_do_not_fit(uint32_t room)
{
	return certs_size() > room;
}

static int get_ext_report(const struct target *t, struct guest_request *g)
{
	struct ext_request x;
	uint8_t rsp[RSP_LEN], certs[CERTS_MAX];
	uint32_t room;
	int rc;

	if (g->req == 0 || g->resp == 0)
		return -EINVAL;
	if ((rc = target_read(t, g->req, &x, sizeof x)) != 0)
		return rc;
	room = x.certs_address == 0 ? 0 : x.certs_len;
	if (room > CERTS_MAX || room % PAGE != 0)
		return -EINVAL;
	rc = firmware_call(x.req, rsp, &g->exitinfo2);
	if (rc == 0 && certs_do_not_fit(room)) {
		g->exitinfo2 = (uint64_t)VMM_INVALID_LEN << 32;
		rc = -EIO;
	}
	if (g->exitinfo2 >> 32 == VMM_INVALID_LEN) {
		x.certs_len = (uint32_t)certs_size();
		if (target_write(t, g->req, &x, sizeof x) != 0)
			rc = -EFAULT;
	}
	if (rc != 0)
		return rc;
	memset(certs, 0, sizeof certs);
	memcpy(certs, certs_bytes(), certs_size());
	if (room != 0 && (rc = target_write(t, x.certs_address, certs, room)) != 0)
		return rc;
	return target_write(t, g->resp, rsp, sizeof rsp);
}

static int guest_ioctl(const struct target *t, uint32_t nr, uint64_t arg)
{
	struct guest_request g;
	int rc = target_read(t, arg, &g, sizeof g);

	if (rc != 0)
		return rc;
	if (g.msg_version == 0)
		return -EINVAL;
	g.exitinfo2 = 0xff;
	if (nr == SNP_GET_REPORT_NR)
		rc = get_report(t, &g);
	else if (nr == SNP_GET_EXT_REPORT_NR)
		rc = get_ext_report(t, &g);
	else
		rc = -ENOTTY; /* derived keys are not simulated */
	if (g.exitinfo2 != 0 && target_write(t, arg, &g, sizeof g) != 0)
		return -EFAULT;
	return rc;
}

static int legacy_ioctl(const struct target *t, uint32_t nr, uint64_t arg)
{
	struct legacy_request q;
	uint8_t req[REQ_LEN], rsp[RSP_LEN];
	uint64_t exitinfo2;
	int rc = target_read(t, arg, &q, sizeof q);

	if (rc != 0)
		return rc;
	if (nr != LEGACY_REPORT_NR)
		return -ENOTTY;
	if (q.msg_version == 0 || q.req_type != 5 || q.rsp_type != 6 || q.request_len != REQ_LEN ||
	    q.response_len < RSP_HEAD_LEN + REPORT_LEN || q.request == 0 || q.response == 0)
		return -EINVAL;
	if ((rc = target_read(t, q.request, req, sizeof req)) != 0)
		return rc;
	rc = firmware_call(req, rsp, &exitinfo2);
	q.error = (uint32_t)exitinfo2; /* this structure has no place for the VMM's error */
	if (target_write(t, arg, &q, sizeof q) != 0)
		return -EFAULT;
	if (rc != 0)
		return rc;
	return target_write(t, q.response, rsp, q.response_len < RSP_LEGACY_LEN ? q.response_len : RSP_LEGACY_LEN);
}

int device_ioctl(const struct target *t, enum device d, uint32_t nr, uint64_t arg)
{
	bool legacy_nr = nr == LEGACY_REQUEST_NR || nr == LEGACY_REPORT_NR || nr == LEGACY_KEY_NR;

	if (d == DEVICE_SEV)
		return legacy_nr ? legacy_ioctl(t, nr, arg) : -ENOTTY;
	/* The driver reads its structure before it looks at the number. */
	return guest_ioctl(t, nr, arg);
}
