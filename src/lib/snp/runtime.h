/* Runtime data: the JSON text whose SHA-256 is a report's REPORT_DATA (first half; the second is zero), as Azure
 * Attestation expects it. Ours binds a report to a nonce, a TLS key, a party and the key that the party works with.
 * Source: azure-protocols.md section 1.7. */
#ifndef SNP_RUNTIME_H
#define SNP_RUNTIME_H

#include "base/err.h"
#include "base/limits.h"
#include "text/json_write.h"

/* Tells our evidence from other hashed texts (a wrapping key set for key release, above all): a report made for one is
 * never taken for the other. Evidence of the second kind is made only for the party at the other end of a connection
 * (party/peer.h): whoever may ask for the first kind, with a nonce of his own, cannot have it made for him. */
#define RUNTIME_PURPOSES "parley-" /* what every purpose of ours begins with */
#define RUNTIME_PURPOSE RUNTIME_PURPOSES "evidence-1"
#define RUNTIME_PURPOSE_PEER RUNTIME_PURPOSES "peer-1"
#define RUNTIME_NONCE_MIN 16 /* bytes; base64url text of 22 characters */
#define RUNTIME_NONCE_MAX 64 /* 86 characters */
#define RUNTIME_NONCE_TEXT_MAX 86
#define RUNTIME_ROLE_MAX 63
#define RUNTIME_THUMBPRINT_MAX 43

struct runtime {
	char nonce[RUNTIME_NONCE_TEXT_MAX + 1]; /* base64url without padding, as given */
	char role[RUNTIME_ROLE_MAX + 1];        /* who this is: "contoso" */
	char key[RUNTIME_THUMBPRINT_MAX + 1];   /* RFC 7638 thumbprint of the wrapping or records key, "" when there is none */
	uint8_t tls_spki_sha256[32];            /* of the key that this party's TLS connections have */
	bool peer;                              /* the purpose: RUNTIME_PURPOSE_PEER, else RUNTIME_PURPOSE */
};

/* A nonce as it may be asked for: base64url of 16 to 64 bytes, canonical, no padding. Untrusted. */
bool runtime_nonce_ok(struct span text);
/* Exactly one way to write it: {"key":..,"nonce":..,"purpose":..,"role":..,"tls_spki_sha256":..}. */
void runtime_write(struct out *o, const struct runtime *r);
/* Reads it back; members must be those, all there, and no others. ERR_SYNTAX. Untrusted until compared with REPORT_DATA. */
MUST_USE enum err runtime_parse(struct span text, struct runtime *r);
/* Appends the purpose of runtime data of ours that runtime_parse does not know: those of another version. Nothing for any other
 * text. Untrusted. */
void runtime_unknown_purpose(struct span text, struct out *o);
/* Whether bytes that somebody else chose must not be hashed into a report of ours, because a verifier, or a vault, could take them
 * for runtime data of our own: a JSON object with "keys" (a wrapping key set) or with a "purpose" that begins as ours do. True also
 * for what a reader less strict than ours might find that in, and for more than RUNTIME_DATA_MAX bytes. Untrusted. */
bool runtime_is_ours(struct span data);
/* REPORT_DATA for a text. */
void runtime_report_data(struct span text, uint8_t report_data[64]);

#endif
