/* What can go wrong, named once for the whole program. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

/* ERR_OK is zero and nothing else is. Every function that can fail returns one and must be checked. */
enum err {
	ERR_OK = 0,
	ERR_MORE,      /* not an error: the parser needs more bytes */
	ERR_SYNTAX,    /* malformed input */
	ERR_RANGE,     /* well-formed but outside what is allowed */
	ERR_TOO_BIG,   /* exceeds a limit of base/limits.h or the caller's buffer */
	ERR_CRYPTO,    /* signature, tag, padding or unwrap check failed */
	ERR_UNTRUSTED, /* certificate or issuer does not lead to an anchor, wrong name, wrong time */
	ERR_MISMATCH,  /* verified, but not what was asked for (nonce, key id, host data, TCB) */
	ERR_NOT_FOUND, /* no such file, key, member, host */
	ERR_NO_DEVICE, /* no SNP guest device: not in a confidential container */
	ERR_FIRMWARE,  /* the SNP firmware or hypervisor refused the request */
	ERR_SYSTEM,    /* a system call failed; errno is in the fault */
	ERR_TIMEOUT,   /* the deadline passed */
	ERR_CONNECT,   /* no connection to the peer */
	ERR_CLOSED,    /* the peer closed or reset the connection early */
	ERR_TLS,       /* TLS handshake or record failure */
	ERR_PROTOCOL,  /* the peer broke its protocol (HTTP, JSON, token form) */
	ERR_HTTP,      /* the service answered with an error status */
	ERR_DENIED,    /* the service refused: policy or permission */
	ERR_THROTTLED, /* 429 or the service's own busy answer */
	ERR_CONFIG,    /* settings do not allow this */
	ERR_STATE,     /* not now: key not released, no data, already running */
	ERR_FULL,      /* fixed capacity exhausted */
	ERR_DAMAGED,   /* stored data fail their integrity check */
	ERR_COUNT
};

#define MUST_USE __attribute__((warn_unused_result))

/* Goes on when the call succeeds; else returns its error. The one macro that hides a return: only where nothing is held that must
 * be wiped, closed or released. */
#define TRY(call) \
	do { \
		enum err try_err = (call); \
		if (try_err != ERR_OK) \
			return try_err; \
	} while (0)

/* Short lower-case name for logs and replies, e.g. "timeout"; "unknown" outside the range. */
const char *err_name(enum err e);

#endif
