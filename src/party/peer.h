/* Two attested parties that meet over TLS with certificates on both sides: judging who the other is, and proving who we are.
 *
 * First the certificate: its evidence must be genuine, about the certificate's own key, and of a party that the settings
 * expect (PARTNER_<P>_HOST_DATA, its role, no debugging, no migration, VMPL 0). Such evidence can be old, and shown by
 * whoever has come by the key. So each side then gives a nonce made for this connection, and answers with a new report whose
 * runtime data (snp/runtime.h, purpose "parley-peer-1", which nothing else makes) hold its key, its role, and as nonce
 *   base64url(SHA-256("parley-peer-1" | side | client's nonce | server's nonce | client's key | server's key))
 * side: byte 0 for the client's report, 1 for the server's; nonces of 32 bytes; keys: SHA-256 of the SubjectPublicKeyInfo as
 * TLS has verified it. A report thus fits one connection and one direction of it. Of TLS it binds both keys, not the session's
 * secrets: TLS 1.2 without extended master secret has no exporter to bind. */
#ifndef PARTY_PEER_H
#define PARTY_PEER_H

#include "tls/tls.h"
#include "text/json_read.h"
#include "party/settings.h"
#include "snp/proof.h"

#define PEER_NONCE_LEN 32
#define PEER_RUNTIME_MAX 512 /* bytes of runtime data */
#define PEER_PROOF_JSON_MAX 4096 /* bytes of a proof's members as peer_prove writes them */

enum peer_side { PEER_CLIENT, PEER_SERVER };

/* What one connection is about. Public data. */
struct peer_talk {
	enum role role; /* who the other side must be */
	uint8_t nonce[2][PEER_NONCE_LEN], spki[2][32]; /* by side */
};

/* Working memory of one judgement, about 22 KiB. Public data. */
struct peer_work {
	struct checks checks;
	uint8_t chain[CHAIN_DER_MAX], report[SNP_REPORT_LEN], runtime[PEER_RUNTIME_MAX];
};

/* Call once at start; id lives for the whole run. */
void peer_init(const struct tls_identity *id);
/* What our connections to other parties show: the identity given to peer_init. */
const struct tls_identity *peer_identity(void);

/* Begins: judges the certificate of a connection whose handshake is complete, and sets *k with our side's nonce. who: the
 * party that must be there, or ROLE_OTHER for any that the settings expect. Untrusted: t's peer. About 5 ms.
 * ERR_UNTRUSTED: the evidence is absent, not genuine or not about this key, or the certificate is out of date or forged;
 * ERR_MISMATCH: it is genuine, but not what is expected. f says which check failed. */
MUST_USE enum err peer_meet(const struct settings *s, enum peer_side us, const struct tls *t, enum role who,
                            struct peer_talk *k, struct peer_work *w, struct fault *f);
/* Takes the other side's nonce: base64url of 32 bytes. False for anything else. Untrusted. */
bool peer_take_nonce(struct json_val v, uint8_t nonce[PEER_NONCE_LEN]);
void peer_put_nonce(struct jw *w, const uint8_t nonce[PEER_NONCE_LEN]);
/* Our answer: members "report" and "runtime_data" (base64) into an open object. Errors as attest_report. */
MUST_USE enum err peer_prove(const struct settings *s, enum peer_side us, const struct peer_talk *k, struct jw *w,
                             struct fault *f);
/* Judges the other side's answer, an object with these members, as peer_meet did its certificate; and it must be fresh: made
 * for these nonces, keys and that side. Errors as peer_meet, ERR_PROTOCOL: not of its form. Untrusted: answer, t's peer. */
MUST_USE enum err peer_check(const struct settings *s, enum peer_side us, const struct tls *t, const struct peer_talk *k,
                             struct json_val answer, struct peer_work *w, struct fault *f);

#endif
