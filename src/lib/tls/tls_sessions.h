/* Inside crypto only: TLS sessions that clients of the public port may resume (RFC 5246 section 7.3), by identifier alone: no
 * tickets, so nothing that opens a session ever leaves the process. One small table for all threads; who comes later may take
 * another's place, which costs that one a full handshake and nothing else. Holds secrets: each is wiped when it is replaced,
 * an hour old (tls_sessions_expire), of a connection that ended with a fatal alert, and all at each new certificate and exit.
 *
 * What resuming proves: the same client, and a server that has the master secret, which this process alone has. It showed
 * its certificate in the handshake that made it, and that certificate is still the one in use. BearSSL goes on with the version
 * and suite of then, or does a full handshake where the client does not offer that suite any more. It does not compare server
 * names, as RFC 6066 section 3 wants of servers that choose by name: we choose nothing by it, all names get one certificate.
 *
 * There is no extended master secret (RFC 7627). What that is for: somebody in the middle who gives his two connections, to the
 * client under his own certificate and to us, one master secret has them resumed with one transcript, and what the client then
 * signs or binds to the transcript on the one counts on the other. Here nobody does that: on this port no client shows a
 * certificate, nothing is renegotiated, tls-unique is not used; what evidence binds is the certificate's key, and such a
 * client has seen that it is not ours. The peer port, whose proof is of the connection, resumes nothing (tls_server_ask). */
#ifndef TLS_TLS_SESSIONS_H
#define TLS_TLS_SESSIONS_H

#include "crypto/bear.h"

/* A connection's way to the table, as BearSSL wants it: vtable must stay first. No secret. */
struct tls_session_view {
	const br_ssl_session_cache_class *vtable;
	unsigned certificate; /* in use when the connection began; with another in use its session is not kept */
};

/* Call before the connection takes its certificate. */
void tls_sessions_view(struct tls_session_view *v);
/* Forgets this session, by its identifier, when it is there. */
void tls_sessions_drop(const br_ssl_session_parameters *p);
/* Another certificate is in use from now on, or none: wipes all. */
void tls_sessions_forget(void);

#endif
