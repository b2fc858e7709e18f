/* Names of errors. */
#include "base/err.h"

#include <stddef.h>

static const char names[ERR_COUNT][20] = {
	[ERR_OK] = "ok",
	[ERR_MORE] = "need_more",
	[ERR_SYNTAX] = "syntax",
	[ERR_RANGE] = "out_of_range",
	[ERR_TOO_BIG] = "too_big",
	[ERR_CRYPTO] = "crypto_check_failed",
	[ERR_UNTRUSTED] = "untrusted",
	[ERR_MISMATCH] = "mismatch",
	[ERR_NOT_FOUND] = "not_found",
	[ERR_NO_DEVICE] = "no_snp_device",
	[ERR_FIRMWARE] = "snp_firmware",
	[ERR_SYSTEM] = "system",
	[ERR_TIMEOUT] = "timeout",
	[ERR_CONNECT] = "connect",
	[ERR_CLOSED] = "connection_closed",
	[ERR_TLS] = "tls",
	[ERR_PROTOCOL] = "protocol",
	[ERR_HTTP] = "http_status",
	[ERR_DENIED] = "denied",
	[ERR_THROTTLED] = "throttled",
	[ERR_CONFIG] = "configuration",
	[ERR_STATE] = "not_ready",
	[ERR_FULL] = "capacity",
	[ERR_DAMAGED] = "damaged",
};

const char *err_name(enum err e)
{
	return (unsigned)e < ERR_COUNT && names[e][0] ? names[e] : "unknown";
}
