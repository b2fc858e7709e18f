/* One TLS side under test, its peer's bytes from a buffer; and a genuine handshake recorded with the same "random" bytes. For tests only. */
#ifndef FUZZ_TLSPAIR_H
#define FUZZ_TLSPAIR_H

#include "tls/tls.h"

#define TLSPAIR_NAME "fuzz.example"
#define TLSPAIR_NOW 1790000000
#define TLSPAIR_MAX 65536

/* The server's identity, the same in every run. */
extern struct tls_identity tlspair_identity;
void tlspair_init(void);

/* What each side sent in a genuine connection in which the client said "hello server" and the server "hello client", then both closed. */
struct tlspair_record {
	uint8_t sent[2][TLSPAIR_MAX]; /* by the client, by the server */
	size_t n[2];
	size_t open_at[2];            /* how much of it the other side needs to be open */
};
extern struct tlspair_record tlspair_genuine;

/* Runs one side over the peer's bytes, in pieces as the dice say. *open: the handshake was completed; data[cap] gets what was received. */
void tlspair_run(bool client, enum tls_trust trust, struct span in, bool *open, uint8_t *data, size_t cap, size_t *n);

#endif
