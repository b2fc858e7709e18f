/* Settings: environment variables, all measured by the security policy (HOST_DATA). Read once at start. */
#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H

#include "base/err.h"
#include "base/limits.h"
#include "base/out.h"
#include "azure/blob.h"
#include "azure/thim.h"
#include "snp/context.h"

enum role { ROLE_OTHER = 0, ROLE_CONTOSO, ROLE_FABRIKAM, ROLE_WOODGROVE };
/* "contoso", "fabrikam", "woodgrove"; NULL for ROLE_OTHER. */
const char *role_name(enum role r);
/* "Contoso", "Fabrikam", "Woodgrove Bank"; NULL for ROLE_OTHER. */
const char *role_title(enum role r);

/* What is known of the other parties. Contoso knows Fabrikam, Fabrikam Contoso, Woodgrove both. */
struct partner_settings {
	char akv[HOSTPORT_MAX];       /* PARTNER_<P>_AKV_ENDPOINT, "" when unknown */
	char key_name[KEY_NAME_MAX];  /* PARTNER_<P>_KEY_NAME; default: SKR_KEY_NAME with the company replaced */
	char url[URL_MAX];            /* PARTNER_<P>_URL: its peer port, https only, "" when unknown */
	bool has_host_data;
	uint8_t host_data[32];        /* PARTNER_<P>_HOST_DATA: expected in its evidence, here and on our peer port */
};

/* The storage account that the parties share: ciphertext only. */
struct storage_settings {
	bool blob;                    /* STORAGE=local|blob, default local: whether this party's records are also put there */
	bool configured;              /* an account or endpoint is known: /storage/... can be used */
	struct blob_account at;       /* AZURE_STORAGE_ACCOUNT; _CONTAINER, default privateappdata; _BLOB_ENDPOINT, default
	                                 https://<account>.blob.core.windows.net; _SAS, without '?', else _KEY, else the managed identity;
	                                 _AUDIENCE, default https://storage.azure.com */
	char connection[SETTING_MAX]; /* AZURE_STORAGE_CONNECTION_STRING: gives what the others leave open (secret) */
	char blob_name[128];          /* consolidated-records[-<RESOURCE_GROUP_NAME>].json */
};

/* Where requests come in, and who is expected there. */
enum port {
	PORT_HTTP,    /* anyone, plain */
	PORT_HTTPS,   /* anyone */
	PORT_PEER,    /* other attested parties, mutual TLS */
	PORT_SIDECAR, /* programs of the same container group: loopback, plain */
	PORTS
};

struct port_setting {
	bool on;         /* "off" turns one off */
	uint16_t number; /* 0: the kernel's choice */
};

struct settings {
	/* who and where */
	enum role role;                 /* from SKR_KEY_NAME */
	char key_name[KEY_NAME_MAX];    /* SKR_KEY_NAME, may be "name/version" */
	char maa[HOSTPORT_MAX];         /* SKR_MAA_ENDPOINT, default sharedeus.eus.attest.azure.net */
	char akv[HOSTPORT_MAX];         /* SKR_AKV_ENDPOINT, "" when not configured */
	char policy_hash[65];           /* SECURITY_POLICY_HASH, shown only; "" when absent */
	struct partner_settings partner[4]; /* by enum role; of woodgrove host_data alone */
	/* platform endpoints */
	struct identity_source identity; /* IMDS_ENDPOINT, default http://169.254.169.254; IDENTITY_ENDPOINT, else APP_IDENTITY_ENDPOINT;
	                                    IDENTITY_HEADER; AZURE_CLIENT_ID: which managed identity; AZURE_TENANT_ID;
	                                    AZURE_FEDERATED_TOKEN_FILE; AZURE_AUTHORITY_HOST, default https://login.microsoftonline.com */
	enum thim_source cert_cache;    /* CERT_CACHE=thim|azure|amd, default thim */
	char cert_cache_endpoint[URL_MAX]; /* CERT_CACHE_ENDPOINT: URL or host[:port] (then https), kept as URL; default by kind */
	char context_dir[256];          /* UVM_SECURITY_CONTEXT_DIR, "" = look for it */
	struct context_env uvm;         /* UVM_HOST_AMD_CERTIFICATE, UVM_SECURITY_POLICY, UVM_REFERENCE_INFO: views into the environment */
	char akv_audience[URL_MAX];     /* AKV_AUDIENCE; default by host: vault.azure.net or managedhsm.azure.net */
	char trust_file[256];           /* EXTRA_TRUST_ANCHOR: PEM file of additional roots, "" = none */
	bool has_amd_root;
	uint8_t amd_root[32];           /* EXTRA_AMD_ROOT: SHA-256 of a root's public key, which partners' reports may lead to */
	char uvm_issuer[256];           /* EXTRA_UVM_ISSUER: did:x509 that endorses partners' utility VMs, "" = Microsoft's */
	/* server */
	struct port_setting port[PORTS]; /* HTTP_PORT default 80, HTTPS_PORT default 443, PEER_PORT, SIDECAR_PORT default off */
	char tls_key[KEY_NAME_MAX];     /* TLS_KEY=skr:<name>: the HTTPS port's key comes from our vault; "": made by ourselves */
	char tls_cert_file[256];        /* TLS_CERT_FILE: its certificates (PEM), or */
	struct span tls_cert;           /* TLS_CERT: the same as text, a view into the environment */
	bool cert_plain;                /* TLS_CERT_EVIDENCE=on|off, default on: whether the self-made certificate holds evidence */
	uint32_t cert_hours;            /* TLS_CERT_HOURS, default 24: how long it is good */
	bool loopback_only;             /* LISTEN=loopback (default: all) */
	bool operator_none;             /* OPERATOR_AUTH=none */
	uint8_t operator_sha256[32];    /* OPERATOR_AUTH=sha256:<64 hex> of the bearer token */
	bool operator_set;              /* neither: operator routes are closed */
	char compare_origins[COMPARE_MAX]; /* COMPARE_ORIGINS: whose pages /compare shows and who may frame ours, blank between */
	/* data */
	char data_dir[256];             /* DATA_DIR, default /data */
	char csv_path[256];             /* CSV_PATH, default /app/<company>-data.csv */
	uint32_t min_group;             /* MIN_GROUP_SIZE, default 5, at least 1: smaller groups are not shown */
	bool partial_results;           /* PARTIAL_RESULTS=on|off, default off: statistics may leave a partner out */
	int generation_year;            /* GENERATION_YEAR, default 2026 */
	char resource_group[91];        /* RESOURCE_GROUP_NAME: part of the shared blob's name */
	struct storage_settings storage;
	char container_image[512];      /* CONTAINER_IMAGE, shown only */
	char hostname[HOST_MAX];        /* HOSTNAME, shown only */
	bool debug_routes;              /* DEBUG_ROUTES=on|off, default off: the /debug/ routes exist */
	bool auto_start;                /* AUTO_INIT=on|off, default on */
	int log_level;                  /* LOG_LEVEL=error|warn|info|debug */
	char app_identity[URL_MAX];     /* APP_IDENTITY_ENDPOINT: used if IDENTITY_ENDPOINT is not set or not usable */
	char notes[512];                /* what was set and is not used, and why: for the log; "" for nothing */
};

/* Reads the environment (NULL-terminated "NAME=value" strings). Unknown names that begin like one of ours (SKR_, PARTNER_,
 * OPERATOR_, ...) and invalid values are errors: one clear line naming the variable goes to problem. Names the platform injects
 * and others are ignored. So are Kubernetes' service variables (NAME_SERVICE_HOST, NAME_PORT=tcp://..., NAME_PORT_443_TCP, ...),
 * also where NAME begins like one of ours. IDENTITY_ENDPOINT, APP_IDENTITY_ENDPOINT, IDENTITY_HEADER and HOSTNAME are set by the
 * platform: a value that cannot be used is noted and not used. ERR_CONFIG. Values are views or copies; s is static and lives for the whole run. */
MUST_USE enum err settings_read(struct settings *s, char *const *environment, struct out *problem);

/* Two forms that a caller may also give. host or host:port, lower case, without the port when it is https's own: the issuer of a
 * token and the identifier of a key are compared with this text. And name or name/version, in Key Vault's alphabet: it goes into
 * a target as it is. False when malformed or longer than text[cap]. Untrusted. */
bool settings_host(struct span v, char *text, size_t cap);
bool settings_key_name(struct span v, char *text, size_t cap);

#endif
