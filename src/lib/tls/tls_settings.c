/* Settings of TLS keys and certificates. */
#include "tls/tls_settings.h"

const struct setting tls_settings[] = {
	{ SETTING("TLS_KEY", "", "key of the HTTPS port in the own vault, else made here",
	          struct tls_settings, key_name),
	  .kind = SETTING_KEY_NAME, .rules = SETTING_SKR, .own = 4 },
	{ SETTING("TLS_CERT_FILE", "", "certificates of `TLS_KEY` (PEM, leaf first), or",
	          struct tls_settings, cert_file),
	  .kind = SETTING_PATH },
	{ SETTING("TLS_CERT", "", "the same as text", struct tls_settings, cert),
	  .kind = SETTING_VIEW },
	{ SETTING("TLS_CERT_EVIDENCE", "on", "the self-made certificate holds evidence",
	          struct tls_settings, evidence),
	  .kind = SETTING_SWITCH },
	{ SETTING("TLS_CERT_HOURS", "24", "how long it is good; renewed at half of it",
	          struct tls_settings, hours),
	  .kind = SETTING_NUMBER, .low = 1, .high = 8760 },
	{ .text = NULL },
};
