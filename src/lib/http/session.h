/* Sessions of operators who have shown their token once, in a browser. */
#ifndef HTTP_SESSION_H
#define HTTP_SESSION_H

#include "base/span.h"

#define SESSION_ID_LEN 43          /* base64url of 32 random bytes */
#define SESSION_SECONDS (12 * 3600)
#define SESSIONS_MAX 64            /* far more than a company has operators; the oldest goes first */

/* Opens a session and gives its identifier, NUL-terminated: a secret of the client's, of which only the hash is kept. now_ms:
 * os/clock. Thread-safe, as all of these. */
void session_open(char id[SESSION_ID_LEN + 1], int64_t now_ms);
/* Whether a session of this identifier is open. Its hash is compared in constant time. Untrusted. */
bool session_valid(struct span id, int64_t now_ms);
/* Ends it; nothing happens when there is none. */
void session_close(struct span id);
/* Ends all. At exit. */
void session_wipe(void);

#endif
