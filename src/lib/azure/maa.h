/* Microsoft Azure Attestation: evidence in, a token out, and the check of such tokens.
 * Source: azure-protocols.md section 3. */
#ifndef AZURE_MAA_H
#define AZURE_MAA_H

#include "base/fault.h"
#include "base/limits.h"
#include "base/out.h"

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

/* What a token must say. NULL members are not compared. */
struct maa_expect {
	const char *instance;       /* host[:port]; iss must be https:// and this */
	const char *nonce;          /* decimal digits as text */
	const uint8_t *report_data; /* 64 bytes */
	const uint8_t *host_data;   /* 32 bytes */
};

/* One attestation: fresh nonce, request, token into token[cap] (not NUL-terminated), nonce as text. The token is NOT verified
 * yet. The caller sees to it that there is one at a time. f: step STEP_ATTEST. */
MUST_USE enum err maa_attest(const char *instance, const struct maa_evidence *e, char *token, size_t cap, size_t *token_len,
                             char nonce[21], int64_t deadline_ms, struct fault *f);

/* Verifies a token as snp/token.h does, by the keys of https://instance/certs (fetched over verified TLS, kept an hour, fetched
 * again once for an unknown kid), and what x asks for. f: step STEP_TOKEN_VERIFY. ERR_CRYPTO, ERR_UNTRUSTED, ERR_MISMATCH,
 * ERR_PROTOCOL, transport. */
MUST_USE enum err maa_verify(struct span token, const struct maa_expect *x, int64_t deadline_ms, struct fault *f);

#endif
