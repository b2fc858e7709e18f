/* What the programs of a party know of their surroundings: their modules' settings, and a party's
 * own. */
#ifndef PARTY_SETTINGS_H
#define PARTY_SETTINGS_H

#include "attest/attest.h"
#include "base/log.h"
#include "demo/settings.h"
#include "http/access.h"
#include "snp/trust.h"
#include "tls/tls_settings.h"

enum role { ROLE_OTHER = 0, ROLE_CONTOSO, ROLE_FABRIKAM, ROLE_WOODGROVE };
/* "contoso", "fabrikam", "woodgrove"; NULL for ROLE_OTHER. */
const char *role_name(enum role r);
/* "Contoso", "Fabrikam", "Woodgrove Bank"; NULL for ROLE_OTHER. */
const char *role_title(enum role r);

/* What is known of the other parties. Contoso knows Fabrikam, Fabrikam Contoso, Woodgrove both. */
struct partner_settings {
	char akv[HOSTPORT_MAX];      /* PARTNER_<P>_AKV_ENDPOINT, "" when unknown */
	char key_name[KEY_NAME_MAX]; /* PARTNER_<P>_KEY_NAME; default: SKR_KEY_NAME with the company
	                                replaced */
	char url[URL_MAX]; /* PARTNER_<P>_URL: its peer port, https only, "" when unknown */
	struct setting_hash host_data; /* PARTNER_<P>_HOST_DATA: expected in its evidence, here and
	                                  on our peer port */
};

/* Where requests come in, and who is expected there. */
enum port {
	PORT_HTTP,    /* anyone, plain */
	PORT_HTTPS,   /* anyone */
	PORT_PEER,    /* other attested parties, mutual TLS */
	PORT_SIDECAR, /* programs of the same container group: loopback, plain */
	PORTS
};

struct settings {
	struct attest_settings attest;
	struct tls_settings tls;
	struct access_operator operator;
	struct trust_settings trust;
	struct log_settings log;
	enum role role;                     /* from SKR_KEY_NAME */
	struct setting_hash policy_hash;    /* SECURITY_POLICY_HASH, shown only */
	char policy_hex[65];                /* the same as text; "" when absent */
	struct partner_settings partner[4]; /* by enum role; of woodgrove host_data alone */
	struct setting_port port[PORTS];    /* HTTP_PORT, HTTPS_PORT, PEER_PORT, SIDECAR_PORT */
	bool loopback_only;                 /* LISTEN */
	char data_dir[256];                 /* DATA_DIR */
	char csv_path[256];                 /* CSV_PATH, default /app/<company>-data.csv */
	uint32_t min_group;                 /* MIN_GROUP_SIZE: smaller groups are not shown */
	bool partial_results; /* PARTIAL_RESULTS: statistics may leave a partner out */
	int generation_year;  /* GENERATION_YEAR */
	bool auto_start;      /* AUTO_INIT */
	struct demo_settings demo;
};

/* Reads the environment, tells all problems and notes. ERR_CONFIG when there are problems. Values
 * are copies, or views into the environment. */
MUST_USE enum err conf_read(struct settings *s, char *const *environment, struct setting_report *r);
/* Its two parts: each setting for itself, then those that go together and what follows from them.
 */
void conf_take(struct settings *s, char *const *environment, struct setting_report *r);
void conf_settle(struct settings *s, struct setting_report *r);
/* Appends all settings and what is in force: settings_write. s is of no use afterwards. */
void conf_write(struct settings *s, char *const *environment, struct out *o);

#endif
