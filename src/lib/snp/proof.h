/* A proof: one self-contained file with all the evidence of a party, to be verified anywhere, any time.
 *
 * A JSON object of at most 32 KiB with exactly these members, binary values in padded base64 (RFC 4648 section 4):
 *   "parley_proof"     the number 1: this format
 *   "tee_type"         "sevsnp"
 *   "report"           SNP attestation report, 1184 bytes
 *   "certificates"     array of three: VCEK, ASK, ARK (or VLEK, ASVK, ARK) in DER
 *   "crl"              AMD's revocation list in DER (optional)
 *   "endorsement"      the utility VM's endorsement, COSE_Sign1 (optional)
 *   "policy"           text of the container policy that HOST_DATA is the SHA-256 of (optional)
 *   "runtime_data"     the text that REPORT_DATA is the SHA-256 of (snp/runtime.h)
 *   "nonce"            the runtime data's nonce, repeated for readers
 *   "tls_spki_sha256"  hex SHA-256 of the public key of the party's TLS connections, repeated for readers
 *   "token"            a token of the attestation service about the same report (optional)
 * A reader refuses other versions and unknown members. */
#ifndef SNP_PROOF_H
#define SNP_PROOF_H

#include "snp/accept.h"
#include "snp/runtime.h"
#include "snp/token.h"

#define PROOF_MAX 32768

/* What a proof holds: views into the reader's store (token: into the text), or into the writer's own memory. */
struct proof {
	struct span report, chain; /* chain: DER, one behind the other */
	struct span crl, endorsement, policy, token; /* empty when absent */
	struct span runtime_data;
	char nonce[RUNTIME_NONCE_TEXT_MAX + 1];
	uint8_t tls_spki_sha256[32];
};

/* Writes one. ERR_TOO_BIG over PROOF_MAX bytes: the caller then leaves optional parts out. ERR_SYNTAX: the chain is not
 * three DER elements. */
MUST_USE enum err proof_write(struct out *o, const struct proof *p);
/* The same, leaving out what does not fit: first the token, then the policy's text; *p is then without them. */
MUST_USE enum err proof_write_fitting(struct out *o, struct proof *p);
/* Reads one; decoded bytes go to store, which has PROOF_MAX bytes and lives as long as *p. *problem: static text, or in store.
 * ERR_SYNTAX, ERR_RANGE (another version), ERR_TOO_BIG. Untrusted. */
MUST_USE enum err proof_parse(struct span text, uint8_t store[PROOF_MAX], struct proof *p, const char **problem);

struct proof_rules {
	struct verify_rules verify;
	const struct proof_tokens *tokens; /* &proof_tokens, with token and work; NULL: a token is passed over, told as skipped */
	struct token_rules token;
	struct token_work *work;
	bool token_only;                /* the attestation service's word is taken instead of the hardware's own evidence: a token
	                                   must be there and token.keys be given. The facts are then what the token says; the report,
	                                   which nobody has verified, must agree with it and decides nothing */
	const char *nonce;              /* what was asked for; NULL: none was */
	bool live;                      /* that nonce was made for this very verification: the evidence's age is known */
	bool peer;                      /* the evidence must be of the kind made for a party at the other end of a connection */
	const uint8_t *tls_spki_sha256; /* key of the connection it came over; NULL: no connection */
};
/* What judges tokens: apart, so that a program that takes proofs without them does not contain it. */
struct proof_tokens {
	bool (*instead)(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts, struct accept_context *x,
	                struct checks *c);
	bool (*beside)(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts, struct accept_context *x,
	               struct checks *c);
};
extern const struct proof_tokens proof_tokens;

/* Judges all of a proof: snp/verify.h, then that its parts belong together and to the asked nonce and connection
 * ("proof.*", "connection.*", "token.*"), all CHECK_GENUINE. *x: what accept_check wants to know. */
bool proof_genuine(const struct proof *p, const struct proof_rules *rules, struct verify_facts *facts,
                   struct runtime *runtime, struct accept_context *x, struct checks *checks);

#endif
