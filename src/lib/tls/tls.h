/* TLS 1.2 (RFC 5246) over a non-blocking socket: ECDHE with AES-GCM only, no renegotiation; resumption on a server's wish. One
 * structure serves both sides. */
#ifndef TLS_TLS_H
#define TLS_TLS_H

#include "base/err.h"
#include "base/limits.h"
#include "base/span.h"
#include "crypto/pkcs8.h"

/* The largest certificate made or taken. Public ones are 1 to 2 KiB; one with a report, AMD's chain and Microsoft's
 * endorsement in it is about 17. */
#define TLS_CERT_MAX 20480

/* A server's handshake is over by then: whoever serves ends it. */
#define TLS_HANDSHAKE_MS 10000
#define TLS_CERTS 3

#define TLS_CHAIN_MAX 4 /* certificates shown: a public chain has two or three */

struct tls_cert {
	uint8_t der[TLS_CERT_MAX]; /* one behind the other, the leaf first */
	size_t n;
	int64_t free_ms; /* from then on (clock_ms) no handshake is left that began with it */
};
/* A server's key and the certificates for it: made inside the process (EC P-256, self-signed) and never written anywhere, or
 * both given from outside (tls/tls_given.c). Holds a secret, in its first member: wiped by tls_identity_wipe. */
struct tls_identity {
	struct private_key key;  /* EC P-256 or RSA */
	uint8_t spki_sha256[32]; /* SHA-256 of the DER SubjectPublicKeyInfo */
	_Atomic unsigned in_use; /* which certificate new connections get; the others may still be those of handshakes */
	struct tls_cert cert[TLS_CERTS];
};
/* Makes key and certificate: CN (cut at 64) = name, SAN dNSName = name where it is a possible host name, and localhost;
 * valid from now_s - 1 h to now_s + hours. extension: whole DER Extension elements to add, or empty. ERR_RANGE: name empty,
 * over 253 bytes or not printable ASCII; ERR_TOO_BIG. On error *id is wiped. Signing and key generation are constant time. */
MUST_USE enum err tls_identity_make(struct tls_identity *id, const char *name, int64_t now_s, unsigned hours,
                                    struct span extension);
/* Another certificate for the same key, for connections that start from now on; errors as above, and then nothing changes.
 * One caller at a time. Connections read their certificate in place, until their handshake is over: it is not written over
 * before TLS_HANDSHAKE_MS, and half as much again, have passed since it was in use (ERR_THROTTLED: not yet). Were a handshake
 * to take longer all the same, it would send bytes of another certificate and fail: no memory but certificates is read.
 * All sessions are forgotten: whoever resumes one has been shown the certificate in use. */
MUST_USE enum err tls_identity_renew(struct tls_identity *id, const char *name, int64_t now_s, unsigned hours,
                                     struct span extension);
/* Takes a certificate chain from elsewhere instead: PEM, leaf first, each signed by the next, the leaf good for a server and all
 * good at now_s; for a key that comes later. Sets cert and spki_sha256. *problem: static text. ERR_SYNTAX, ERR_TOO_BIG,
 * ERR_UNTRUSTED (dates, signatures, purpose), ERR_RANGE (a key this server cannot use). Untrusted until tls_identity_given_key. */
MUST_USE enum err tls_identity_given(struct tls_identity *id, struct span pem, int64_t now_s, const char **problem);
/* The key that was put into id->key is the chain's. */
bool tls_identity_given_key(const struct tls_identity *id);
/* The certificate in use, or the chain: a view, good for a handshake. */
struct span tls_identity_cert(const struct tls_identity *id);
/* With the sessions that its key has made. */
void tls_identity_wipe(struct tls_identity *id);

/* One connection's state; lives in its slot, is not moved or copied while in use, wiped with tls_wipe. */
#define TLS_STATE_LEN 61696
struct tls {
	_Alignas(16) uint8_t opaque[TLS_STATE_LEN];
};

/* Starts the server side: ECDHE on X25519 or P-256 with the identity's key, no client certificate asked for. id outlives the connection. */
void tls_server_start(struct tls *t, const struct tls_identity *id);
/* Right after tls_server_start: the client may resume a session of this process (tls/tls_sessions.h says what that means), not
 * older than an hour nor than the certificate in use, nor of a connection that failed. For one identity of the process alone. */
void tls_server_resume(struct tls *t);
/* Wipes the sessions that are an hour old. Call it now and then; any thread. */
void tls_sessions_expire(void);
/* Right after tls_server_start: the client must show a certificate, of any issuer, name and
 * date, whose key (ECDSA P-256) signs the handshake, which is a full one in any case. The caller
 * MUST check tls_peer_cert before it believes or answers anything. */
void tls_server_ask(struct tls *t);

enum tls_trust {
	TLS_TRUST_ANCHORS, /* chain to the anchors, host name, dates (x509_verify_chain says what that means) */
	TLS_TRUST_LATER,   /* X25519 and P-256 only; any key (P-256 or RSA) is accepted and recorded: the caller MUST check
	                      tls_peer_spki or tls_peer_cert before it sends or believes anything (attested key checked over
	                      this very connection) */
};
/* Starts the client side with SNI host (none for an address literal). now_s: Unix time for
 * dates. A fault here (host too long) shows in the first tls_step. The server's certificates, up
 * to the one that an anchor signed, may have TLS_CERT_MAX bytes. */
void tls_client_start(struct tls *t, const char *host, enum tls_trust trust, int64_t now_s);
/* Right after tls_client_start: shows the identity's certificate to a server that asks for one, and signs the handshake with
 * its key, in constant time. id outlives the connection. */
void tls_client_sign(struct tls *t, const struct tls_identity *id);

/* Moves records between fd and the engine without blocking until it would block or application
 * data is readable. ERR_OK: application data readable, or (client/server, once) the handshake
 * just done and data can be sent; ERR_MORE: would block or has moved much (call again when
 * tls_wants is ready); ERR_CLOSED: orderly close or end of stream; ERR_UNTRUSTED, ERR_TLS:
 * failed, see tls_error_text; the peer was sent a fatal alert, best effort, unless records were
 * protected by then. Peer untrusted. */
MUST_USE enum err tls_step(struct tls *t, int fd);
/* What the caller must wait for after ERR_MORE: NET_READ and NET_WRITE of os/net.h. */
unsigned tls_wants(const struct tls *t);
/* Handshake complete, application data may be sent. */
bool tls_open(const struct tls *t);
/* Received application data is there to take. */
bool tls_has_data(const struct tls *t);
/* True if data may be buffered that edge-triggered polling will not report again. */
bool tls_has_more(const struct tls *t);
/* Polling reported fd: data may have arrived after the last read. */
void tls_woken(struct tls *t);
/* Takes up to cap bytes of received application data; 0 when none is there. */
size_t tls_take(struct tls *t, uint8_t *dst, size_t cap);
/* Blocking with an absolute deadline (os/clock ms): finishes the handshake if need be, sends all of data and flushes.
 * Reads nothing after the handshake. ERR_TIMEOUT, ERR_CLOSED, ERR_TLS, ERR_UNTRUSTED. */
MUST_USE enum err tls_send(struct tls *t, int fd, struct span data, int64_t deadline_ms);
/* Blocking receive of 1..cap bytes. ERR_CLOSED at the end of the stream (*n = 0; *orderly tells close_notify from a cut). */
MUST_USE enum err tls_recv(struct tls *t, int fd, uint8_t *dst, size_t cap, size_t *n, bool *orderly, int64_t deadline_ms);
/* Blocking handshake; at once ERR_OK when it is done. ERR_TIMEOUT, ERR_CLOSED, ERR_TLS, ERR_UNTRUSTED. */
MUST_USE enum err tls_handshake(struct tls *t, int fd, int64_t deadline_ms);
/* Sends close_notify, best effort, until the deadline. Does not close fd. */
void tls_shutdown(struct tls *t, int fd, int64_t deadline_ms);
/* SHA-256 of the peer's SubjectPublicKeyInfo as it stands in the leaf certificate, whose key has signed this handshake; false
 * before the handshake is complete, and for servers that did not ask for a certificate. */
bool tls_peer_spki(const struct tls *t, uint8_t out[32]);
/* That certificate, DER, a view until tls_wipe; empty where tls_peer_spki says false. Untrusted but for its key. */
struct span tls_peer_cert(const struct tls *t);
/* Why it failed, printable ASCII, of at most X509_WHY_MAX bytes, until tls_wipe: "name
 * mismatch", ... */
const char *tls_error_text(const struct tls *t);
void tls_wipe(struct tls *t);

#endif
