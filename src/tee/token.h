/* An attestation service's token beside a report: does it say the same, and is it signed. Nothing is fetched here.
 * Source: azure-protocols.md sections 3.3 and 3.4. */
#ifndef TEE_TOKEN_H
#define TEE_TOKEN_H

#include "crypto/jws.h"
#include "tee/checks.h"
#include "tee/report.h"

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
	struct json claims;  /* of the token, valid after token_verify was true */
};

/* Compact JWS; signature by the key of the set with its kid; issuer, exp, nbf; about an SNP guest; every claim of the
 * report's fields, where it is there, equal to the report's, and HOST_DATA, REPORT_DATA and measurement there. checks:
 * "token.*". *issued_s (may be NULL): when it was issued, 0 unless the signature was verified. Token and keys untrusted. */
bool token_verify(struct span token, const struct snp_report *r, const struct token_rules *rules, struct token_work *work,
                  int64_t *issued_s, struct checks *checks);
/* The one key of a set ("keys") with a token's "kid"; a kid that occurs twice is as good as none. Untrusted. */
bool token_find_key(struct json_val set, struct json_val header, struct json_val *key);
/* The issuer that a token says it is from, unverified: where to ask for keys, once it is known to be an allowed one. */
MUST_USE enum err token_issuer(struct span token, struct token_work *work, char *issuer, size_t cap);

#endif
