/* The server: listeners, worker threads, and the way of a request from bytes to its handler. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/site.h"

/* The program's settings, and an array with the working memory of each of the HTTP_WORKERS workers. */
struct server_memory {
	const struct settings *settings;
	const struct access_operator *operator;
	void *scratch;
	size_t scratch_len; /* bytes for one worker, aligned for what is in there */
	size_t text_len;    /* its first bytes, where an answer's JSON is written */
	size_t secret_len;  /* its first bytes, which alone may hold a secret: wiped after each request of a route that is marked so, with
	                       the stack below the server's frame */
};

/* Opens the listeners of the sites that are on, at most SITES_MAX, says on the log where, and sets their ports. All is the caller's and
 * lasts. ERR_SYSTEM, ERR_CONFIG. */
#define SITES_MAX 8
MUST_USE enum err server_listen(struct site *sites, size_t n, const struct server_memory *m);
/* Starts the workers. */
MUST_USE enum err server_start(void);
/* Takes connections of a site that is on from now on; those that came before wait until then. */
MUST_USE enum err server_open(const struct site *site);
/* Closes connections whose time is over. Called by the main thread a few times a second. */
void server_sweep(void);
/* Stops taking connections, lets running requests finish until the deadline, closes the rest. */
void server_stop(int64_t deadline_ms);

#endif
