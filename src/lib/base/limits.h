/* Every cap of the program, each with the reason for its size. */
#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* text */
#define LOG_LINE_MAX 1024 /* a fault with a 512-byte message fits */
#define HOST_MAX 254      /* DNS name of 253 plus NUL */
#define HOSTPORT_MAX 260  /* host, ':' and five digits */
#define URL_MAX 2048      /* request targets and endpoint settings */
#define KEY_NAME_MAX 128  /* Key Vault key names are at most 127 characters */
#define COMPARE_MAX 1024  /* origins of the side-by-side page, in its answer's head */
#define SETTING_MAX 2048  /* one settings value; SAS tokens and URLs are the longest */

/* HTTP server */
#define HTTP_HEAD_MAX 16384     /* request line and fields */
#define HTTP_FIELDS_MAX 100     /* fields of one head */
#define HTTP_BODY_DEFAULT 16384 /* request body unless the route says otherwise */
#define HTTP_SLOTS 256          /* connections held at once, up to ~100 KiB each, ~30 KiB with small requests */
#define HTTP_WORKERS 26         /* threads: every place of http/slots.h, and two for quick requests */
#define HTTP_STREAMS 4          /* of which event streams may hold at most this many */

/* clients */
#define CLIENT_HEAD_MAX 16384  /* response head of a service */
#define CLIENT_BODY_MAX 131072 /* largest buffered service answer (MAA token, key release) */

/* evidence */
#define SNP_REPORT_LEN 1184
#define CERT_CHAIN_PEM_MAX 16384 /* VCEK, ASK, ARK in PEM are about 6.5 KiB */
#define UVM_ENDORSEMENT_MAX 24576 /* COSE_Sign1, about 11 KiB in practice */
#define SECURITY_POLICY_MAX 65536 /* decoded Rego text */
#define MAA_BODY_MAX 131072    /* three-fold base64 of the COSE dominates: 24 KiB -> 57 KiB */
#define TOKEN_MAX 32768        /* compact JWT of MAA or Entra */
#define RUNTIME_DATA_MAX 8192  /* JSON hashed into REPORT_DATA */

/* keys */
#define RSA_MAX 512            /* bytes of modulus: RSA-4096 */
#define RELEASED_KEY_MAX 4096  /* PKCS#8 of RSA-4096 is about 2.4 KiB */

/* records */
#define FIELDS_MAX 64          /* columns of a data set */
#define FIELD_NAME_MAX 64      /* bytes of a column name */
#define FIELD_VALUE_MAX 4096   /* bytes of one value */
#define RECORD_LINE_MAX 65536  /* one stored record as JSON */
#define DATA_FILE_MAX ((uint64_t)64 << 30) /* bytes of one data file or of one partner's reply: 60 million records; a runaway partner must end */
#define FILES_MAX (HTTP_SLOTS + 16 * HTTP_WORKERS) /* open at once: a connection each; data files, partners, services of a request; the few others */
#define RECORDS_MAX 4000000000u /* a 32-bit record number is part of each nonce */

#endif
