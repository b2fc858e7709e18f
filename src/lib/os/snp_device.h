/* The SNP guest device: /dev/sev-guest (upstream kernels) and /dev/sev (legacy 5.15 guest driver).
 * Source: AMD SEV-SNP ABI MSG_REPORT_REQ; azure-protocols.md sections 1.1 to 1.4. */
#ifndef OS_SNP_DEVICE_H
#define OS_SNP_DEVICE_H

#include "base/fault.h"
#include "base/limits.h"
#include "os/seal.h"

/* What snp_device_report and snp_device_present need in a sealed process. */
extern const struct seal_list snp_device_seal;
extern const struct step STEP_REPORT[1]; /* SNP report from the device */

enum snp_device { SNP_DEVICE_NONE, SNP_DEVICE_SEV_GUEST, SNP_DEVICE_SEV };

/* Looks for a device (sev-guest first: on a bare-metal host /dev/sev is another, unrelated device). */
enum snp_device snp_device_present(void);
/* "/dev/sev-guest", "/dev/sev" or NULL. */
const char *snp_device_path(enum snp_device d);

/* Opens the device, asks for one report at VMPL 0 with report_data, closes. May block about 60 s inside the kernel when
 * the host throttles: hold no lock then that work of another kind waits for. f is not NULL. The three error layers stay apart in f: sys_errno, fw_error,
 * vmm_error (and the response's STATUS as code). Nothing in the report is verified here (snp/report).
 * ERR_NO_DEVICE, ERR_SYSTEM, ERR_FIRMWARE, ERR_THROTTLED (host busy: may be retried), ERR_PROTOCOL. */
MUST_USE enum err snp_device_report(const uint8_t report_data[64], uint8_t report[SNP_REPORT_LEN], struct fault *f);

#endif
