/* An attestation service's token: is it signed, and what does it say of a guest. Parties and parleyctl judge by this. Nothing
 * is fetched here.
 * Source: azure-protocols.md sections 3.3 and 3.4. */
#ifndef SNP_TOKEN_H
#define SNP_TOKEN_H

#include "crypto/jws.h"
#include "snp/verify.h"

#define TOKEN_LEEWAY_S 300 /* clocks of services and hosts differ (azure-protocols.md section 7) */
#define TOKEN_HEADER_MAX 4096
#define TOKEN_SET_TOKENS 1024
#define TOKEN_CLAIM_TOKENS 1024

struct token_rules {
	const char *issuer; /* "https://host[:port]"; NULL: not compared, told as skipped */
	struct span keys;   /* the issuer's JSON Web Key Set, fetched from it over verified TLS; empty: signature is skipped */
	int64_t now_s;
	bool saved;         /* it was kept: having expired is then told, but is no failure */
};

/* Memory for one verification, about 80 KiB: static storage of the caller. */
struct token_work {
	struct json_tok set_toks[TOKEN_SET_TOKENS], claim_toks[TOKEN_CLAIM_TOKENS], header_toks[64];
	uint8_t header[TOKEN_HEADER_MAX], payload[TOKEN_MAX], key_bytes[8192];
	struct json claims;  /* of the token, to be believed after token_verify; empty when it could not be read */
	uint8_t said[64 + 32 + 48];
	bool unlisted;       /* the key set has no key with the token's kid: the set may be the older one */
};

/* Compact JWS; signature by one of the set's keys with its kid (RFC 7517 section 4.5 lets several have one); issuer, exp, nbf;
 * about an SNP guest. checks: "token.*", all of them. The first failure: ERR_PROTOCOL (malformed), ERR_CRYPTO, ERR_UNTRUSTED
 * (another issuer's, no such key, not valid now), ERR_MISMATCH (another kind of guest). *issued_s (may be NULL): when it was
 * issued, 0 unless the signature was verified. Token and keys untrusted. */
MUST_USE enum err token_verify(struct span token, const struct token_rules *rules, struct token_work *work, int64_t *issued_s,
                               struct checks *checks);
/* The claims about a report agree with it: every one that is there, and HOST_DATA, REPORT_DATA and measurement are. checks:
 * "token.report". */
bool token_agrees(const struct token_work *work, const struct snp_report *r, struct checks *checks);
/* A claim of hex text equal to n (at most 64) bytes, in either case. */
bool token_hex_is(struct json_val claim, const uint8_t *bytes, size_t n);
/* What the claims say in place of a report: REPORT_DATA, HOST_DATA and measurement, views into *work; and what a policy may ask
 * for beside them. The product is unknown and the rest empty. *unsaid: enum unsaid, what no claim says. False without the
 * first three. */
bool token_report(struct token_work *work, struct snp_report *r, unsigned *unsaid);

#endif
