/* Secure key release: attest with a fresh wrapping key, ask the vault, verify, unwrap, keep. Decides whether a key
 * enters this process; reviewers read this file and attest/keys first. */
#ifndef ATTEST_RELEASE_H
#define ATTEST_RELEASE_H

#include "base/fault.h"
#include "attest/attest.h"
#include "attest/keys.h"

/* What was released, for the reply: public facts only. */
struct release_info {
	const char *key_name, *akv; /* as in the settings */
	char kid[URL_MAX];  /* key identifier with version, as the service states it */
	char enc[32];       /* wrapping algorithm used */
};

/* Releases our own key into KEYS_OWN. ERR_CONFIG when not configured. One release at a time (waits to the deadline). */
MUST_USE enum err release_own(const struct attest_settings *s, struct release_info *info, int64_t deadline_ms, struct fault *f);
/* One key of one vault. */
struct release_target {
	const char *akv, *key_name; /* "": not configured */
	enum key_slot slot;         /* KEYS_SLOTS: wiped at once */
	bool quiet;                 /* failures are the caller's to log */
};
/* The same for any key. */
MUST_USE enum err release_from(const struct attest_settings *s, const struct release_target *t, struct release_info *info,
                               int64_t deadline_ms, struct fault *f);

/* The demonstration of denial: asks another party's vault for its key with our evidence. info says what was asked for. */
enum release_verdict {
	RELEASE_NO_VERDICT, /* the vault did not decide: f says what failed. A refusal by the attestation or identity service, too */
	RELEASE_DENIED,     /* as expected: f holds the vault's refusal */
	RELEASE_ALARM,      /* the key was released to us: its policy or permissions are wrong. It was wiped at once; f is empty */
};
MUST_USE enum release_verdict release_other(const struct attest_settings *s, const char *akv, const char *key_name, struct release_info *info,
                                            int64_t deadline_ms, struct fault *f);

/* Releases a key of our vault into *k, which the caller has locked and wipes. Failures are the caller's to log. */
MUST_USE enum err release_tls(const struct attest_settings *s, const char *key_name, struct private_key *k, int64_t deadline_ms, struct fault *f);

/* What a program of the same container group asks for. Untrusted. */
struct release_wish {
	struct span maa, akv; /* host[:port] */
	struct span kid;      /* name or name/version */
	struct span access_token; /* for the vault (secret); empty: the managed identity's is used */
};
/* The SKR sidecar's contract: the key goes to the caller, whole, as a JSON Web Key appended to jwk, and is not kept. For the
 * sidecar port alone, where whoever can ask could attest and ask the vault by himself as well. The caller of this function wipes
 * what jwk holds. ERR_CONFIG for names out of form. */
MUST_USE enum err release_for_caller(const struct attest_settings *s, const struct release_wish *wish, struct out *jwk,
                                     int64_t deadline_ms, struct fault *f);

#endif
