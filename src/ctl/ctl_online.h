/* Evidence from a running server, and keys of attestation services: what verify needs the network for. */
#ifndef CTL_CTL_ONLINE_H
#define CTL_CTL_ONLINE_H

#include "snp/proof.h"

/* What a connection was and what came over it. Static storage of its user. */
struct ctl_online {
	char nonce[RUNTIME_NONCE_TEXT_MAX + 1]; /* made for this connection */
	uint8_t tls_spki_sha256[32];            /* of the key that the server proved to hold */
	uint8_t chain[CHAIN_DER_MAX], store[CLIENT_BODY_MAX], token[TOKEN_MAX];
	struct proof proof;                     /* views of the above */
};

/* Connects to "https://host[:port]", whatever certificate it shows, asks for evidence with a fresh nonce (and a token), and
 * takes the answer apart. 0; SAY_USAGE for another URL; SHOW_UNCHECKED when nothing came; SHOW_NOT_GENUINE when what came
 * is no evidence. Complains itself. */
int ctl_online_evidence(const char *url, bool token, struct ctl_online *v);
/* The key set of "https://host[:port]", over TLS verified against public anchors and those of ca_file (or NULL), into
 * keys[cap]. 0 or an exit status. */
int ctl_online_keys(const char *issuer, const char *ca_file, uint8_t *keys, size_t cap, size_t *n);
/* Any document by GET from an https URL, over verified TLS. 0 or SHOW_UNCHECKED. */
int ctl_online_get(const char *url, uint8_t *dst, size_t cap, size_t *n);
/* Anchors for the two above: public ones and those of ca_file (or NULL). 0 or SHOW_UNCHECKED. */
int ctl_online_trust(const char *ca_file);

#endif
