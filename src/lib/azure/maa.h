/* Microsoft Azure Attestation: evidence in, a token out, and the check of such tokens.
 * Source: azure-protocols.md section 3. */
#ifndef AZURE_MAA_H
#define AZURE_MAA_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"
#include "http/https.h"
#include "snp/token.h"

/* Evidence: views. uvm may be empty. runtime must be a JSON document whose SHA-256 is in the report's REPORT_DATA. */
struct maa_evidence {
	struct span report, chain_pem, uvm, runtime;
};

/* Room that maa_write_request needs to build the nested base64url texts. */
#define MAA_SCRATCH_LEN (MAA_BODY_MAX)
/* Appends the request body: exactly the bytes the service's own client sends, nonce as a JSON number. nonce below 2^53, so
 * that no JSON implementation on the way rounds it. ERR_TOO_BIG. */
MUST_USE enum err maa_write_request(struct out *o, const struct maa_evidence *e, uint64_t nonce, uint8_t *scratch,
                                    size_t scratch_cap);

/* Working memory for one instance's tokens, about 700 KiB, the caller's: one call at a time. Zero-initialise. It keeps the instance's key
 * set between calls. Nothing secret in it. */
struct maa {
	struct https conn;
	uint8_t body[MAA_BODY_MAX];
	uint8_t scratch[MAA_SCRATCH_LEN];
	uint8_t reply[CLIENT_BODY_MAX];
	char nonce[21];          /* of the last attestation: decimal digits */
	uint8_t set[CLIENT_BODY_MAX];
	size_t set_len;          /* 0: none */
	char instance[HOSTPORT_MAX];
	int64_t fetched_ms;
	struct token_work token;
	struct checks checks;
};

/* What a token must say. NULL members are not compared. */
struct maa_expect {
	const char *instance;       /* host[:port]; iss must be https:// and this */
	const char *nonce;          /* decimal digits as text */
	const uint8_t *report_data; /* 64 bytes */
	const uint8_t *host_data;   /* 32 bytes */
};

/* One attestation: fresh nonce, which m->nonce keeps; request; appends the token. The token is NOT verified yet.
 * f: step STEP_ATTEST. */
MUST_USE enum err maa_attest(struct maa *m, const char *instance, const struct maa_evidence *e, struct out *token,
                             int64_t deadline_ms, struct fault *f);

/* Verifies a token as snp/token.h does, by the keys of https://instance/certs (fetched over verified TLS, kept an hour, fetched
 * again once for an unknown kid), and what x asks for. f: step STEP_TOKEN_VERIFY. ERR_CRYPTO, ERR_UNTRUSTED, ERR_MISMATCH,
 * ERR_PROTOCOL, transport. */
MUST_USE enum err maa_verify(struct maa *m, struct span token, const struct maa_expect *x, int64_t deadline_ms,
                             struct fault *f);

#endif
