/* Settings of TLS keys and certificates. */
#ifndef TLS_TLS_SETTINGS_H
#define TLS_TLS_SETTINGS_H

#include "base/limits.h"
#include "base/setting.h"

/* TLS_* */
struct tls_settings {
	char key_name[KEY_NAME_MAX]; /* TLS_KEY=skr:<name>: the HTTPS port's key comes from our
	                                vault; "": made by ourselves */
	char cert_file[256];         /* TLS_CERT_FILE: its certificates (PEM), or */
	struct span cert;            /* TLS_CERT: the same as text, a view into the environment */
	bool evidence;  /* TLS_CERT_EVIDENCE: the self-made certificate holds evidence */
	uint32_t hours; /* TLS_CERT_HOURS: how long it is good */
};
extern const struct setting tls_settings[];

#endif
