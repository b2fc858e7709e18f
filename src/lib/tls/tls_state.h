/* Inside crypto only: what struct tls holds, and the parts of TLS that its files share. */
#ifndef TLS_TLS_STATE_H
#define TLS_TLS_STATE_H

#include <stddef.h>
#include <string.h>

#include "crypto/bear.h"
#include "tls/tls.h"
#include "tls/tls_sessions.h"
#include "crypto/x509_path.h"

/* BearSSL asks a "class" of functions about the peer's certificates; this is ours (tls_client_trust.c). It keeps the
 * first certificate, so that key and hash are taken from one reading of the same bytes. vtable must stay first. */
struct tls_trust_check {
	const br_x509_class *vtable;
	struct x509_path path; /* TLS_TRUST_ANCHORS only */
	enum tls_trust trust;
	char host[HOST_MAX];
	unsigned certs; /* complete certificates seen */
	bool too_big, parsed, accepted;
	size_t leaf_len;
	size_t kept, at; /* of `leaf`: whole certificates, and with the one being received */
	uint8_t spki_sha256[32]; /* valid once parsed */
	br_x509_pkey key;        /* views into leaf */
	const char *why;         /* NULL, or what the error number does not say */
	uint8_t leaf[TLS_CERT_MAX]; /* behind the leaf those above it, where the path judges; last */
};

void tls_trust_check_init(struct tls_trust_check *c, const char *host, enum tls_trust trust, int64_t now_s);

struct tls_state {
	union {
		br_ssl_server_context server;
		br_ssl_client_context client;
	} side;
	struct tls_session_view sessions; /* of a server */
	br_x509_certificate cert[TLS_CHAIN_MAX]; /* our own and their key: views of the identity's */
	size_t cert_n;
	br_ec_private_key key;
	br_rsa_private_key rsa_key;   /* instead of key, for a server */
	br_ec_impl ec;                /* the curves of tls_profile_own_curves */
	br_x500_name asked;           /* of the authority that a server asks a certificate of */
	bool is_client;
	bool broken;     /* could not be set up: nothing moves */
	bool open;       /* the handshake was completed */
	bool write_dead; /* the transport takes nothing more; what it still holds for us may be read */
	bool mid_record; /* the transport took a part of a record last */
	bool eof;        /* the transport's end of stream was seen */
	bool drained;    /* the last read took all that the transport had */
	uint8_t *ahead;  /* bytes of later records, read along with earlier ones: in `in`, behind what the engine has */
	size_t ahead_n;
	const char *why; /* set with broken */
	/* Large, and not touched (tls_begin) before there is something to put in: check's last member and what is behind it. */
	struct tls_trust_check check; /* of the peer's certificate, where one is asked for */
	uint8_t in[BR_SSL_BUFSIZE_INPUT];
	uint8_t out[BR_SSL_BUFSIZE_OUTPUT];
};

_Static_assert(sizeof(struct tls_state) <= TLS_STATE_LEN, "struct tls is too small for its contents");
_Static_assert(TLS_STATE_LEN - sizeof(struct tls_state) < 1024, "struct tls is larger than it need be");

static inline struct tls_state *tls_state(struct tls *t)
{
	return (struct tls_state *)(void *)t->opaque;
}

/* What a connection starts from. */
static inline void tls_begin(struct tls_state *s)
{
	memset(s, 0, offsetof(struct tls_state, check.leaf));
}

static inline br_ssl_engine_context *tls_engine(struct tls_state *s)
{
	return s->is_client ? &s->side.client.eng : &s->side.server.eng;
}

/* What both sides have in common: version, hashes, record protection, curves, buffers. The caller adds suites and key
 * exchange and then resets the engine. */
void tls_profile_apply(struct tls_state *s);
/* After tls_profile_apply: X25519 and P-256 alone, for key exchange and ECDSA. We go along with
 * a service that wants P-384 or P-521, but neither strangers nor peers make us compute on these
 * slow ones. */
void tls_profile_own_curves(struct tls_state *s);
/* Sets certificates and key to views of the identity's. */
void tls_profile_identity(struct tls_state *s, const struct tls_identity *id);
/* The alert (RFC 5246 section 7.2) that tells the peer of an error of the engine's or the
 * certificate check's. */
uint8_t tls_text_alert(int error);

#endif
