/* The server: listeners, worker threads, and the way of a request from bytes to its handler. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "tls/tls.h"

struct settings; /* the program's */

/* Opens the listeners of the settings and says on the log where. id: what the HTTPS port shows, peer_id: the peer port.
 * ERR_SYSTEM, ERR_CONFIG. */
MUST_USE enum err server_listen(const struct settings *s, const struct tls_identity *id, const struct tls_identity *peer_id);
/* Where the HTTPS listener is, also where the kernel chose; 0: there is none. */
uint16_t server_https_port(void);
/* Starts the workers. */
MUST_USE enum err server_start(void);
/* Takes connections from now on, at the peer port or at all others; those that came before wait until then. */
MUST_USE enum err server_open(bool peers);
/* Closes connections whose time is over. Called by the main thread a few times a second. */
void server_sweep(void);
/* Stops taking connections, lets running requests finish until the deadline, closes the rest. */
void server_stop(int64_t deadline_ms);

#endif
